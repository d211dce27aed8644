"""Channel copy in place of T: TGKT without bridging. Shows what the translator is worth."""

from __future__ import annotations

from typing import ClassVar

from sfcmt.stages.methods.tgkt import TGKT, TGKTConfig
from sfcmt.stages.teacher import Teacher
from sfcmt.stages.transfer import METHODS, Setting


@METHODS.register("channel_copy")
class ChannelCopyTGKT(TGKT):
    """TGKT whose L_KL follows the source model on channel copies."""

    uses_bridge: ClassVar[bool] = False

    def teacher(self, setting: Setting[TGKTConfig]) -> Teacher:
        """The source model without a translator."""
        return setting.copy_teacher()
