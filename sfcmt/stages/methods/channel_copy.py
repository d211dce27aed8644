"""Channel copy in place of T: TGKT without bridging. Shows what the translator is worth."""

from __future__ import annotations

from sfcmt.config import TeacherName
from sfcmt.stages.method import METHODS
from sfcmt.stages.methods.tgkt import TGKT, TGKTConfig


class ChannelCopyConfig(TGKTConfig):
    """The `transfer` section of `channel_copy`: that of `tgkt` with another teacher."""

    teachers: tuple[TeacherName, ...] = ("copy",)


@METHODS.register("channel_copy")
class ChannelCopyTGKT(TGKT):
    """TGKT whose L_KL follows the source model on channel copies."""

    Config = ChannelCopyConfig
