"""A strategy whose module prints."""

from __future__ import annotations

from dataclasses import dataclass

from broken import broken
from textclf_core import Encoder, hookimpl

print("thank you for using this plugin")


@broken("leaves_standard_output_alone", 'logging.getLogger("textclf")')
@dataclass(frozen=True)
class PrintsAtImport:
    """Freeze nothing."""

    @hookimpl
    def textclf_freeze(self, encoder: Encoder) -> None: ...
