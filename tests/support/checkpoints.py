"""Random models on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from textclf_core.testing import tiny_encoder


def write_checkpoint(folder: Path, family: str = "bert", **config: Any) -> Path:
    """Write a random model of a family with its tokenizer, and return the folder.

    Its weights are of a size that gives scores which differ from row to row.
    """
    encoder = tiny_encoder(family, config={"initializer_range": 0.4, **config})
    encoder.model.save_pretrained(folder)
    encoder.tokenizer.save_pretrained(folder)
    return folder
