"""Channel copy in place of T: TGKT without bridging. Shows what the translator is worth."""

from __future__ import annotations

from sfcmt.stages.methods.tgkt import TGKT, TGKTConfig
from sfcmt.stages.teacher import TeacherName
from sfcmt.stages.transfer import METHODS


class ChannelCopyConfig(TGKTConfig):
    """The `transfer` section of `channel_copy`: that of `tgkt` with another teacher."""

    teachers: tuple[TeacherName, ...] = ("copy",)


@METHODS.register("channel_copy")
class ChannelCopyTGKT(TGKT):
    """TGKT whose L_KL follows the source model on channel copies."""

    Config = ChannelCopyConfig
