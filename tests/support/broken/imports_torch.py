"""A strategy whose module imports torch."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from broken import broken
from textclf_core import Encoder, hookimpl


@broken("imports_little", "import inside the methods")
@dataclass(frozen=True)
class ImportsTorch:
    """Freeze what has one dimension."""

    @hookimpl
    def textclf_freeze(self, encoder: Encoder) -> None:
        names = [name for name, value in encoder.model.named_parameters() if torch.Tensor.dim(value) == 1]
        encoder.freeze(names=[name for name in names if encoder.part_of(name) != "head"])
