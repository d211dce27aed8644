"""Channel copy in place of T: TGKT without bridging. Shows what the translator is worth."""

from __future__ import annotations

from typing import Annotated

from sfcmt.config import TeacherName
from sfcmt.identity import OnlyWith
from sfcmt.stages.method import METHODS
from sfcmt.stages.methods.tgkt import TGKT, TGKTConfig


class ChannelCopyConfig(TGKTConfig):
    """The `transfer` section of `channel_copy`: that of `tgkt` with another teacher."""

    teachers: Annotated[tuple[TeacherName, ...], OnlyWith("beta_kl")] = ("copy",)


@METHODS.register("channel_copy")
class ChannelCopyTGKT(TGKT):
    """TGKT whose L_KL follows the source model on channel copies."""

    Config = ChannelCopyConfig
