"""An exporter."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from textclf_core import Option, UsageError, hookimpl

if TYPE_CHECKING:
    from textclf_core import Classifier

WEIGHTS_FILE = "weights.safetensors"


@dataclass(frozen=True, kw_only=True)
class MyPlugin:
    """Write the weights of a model in 16 bits, half as large."""

    dtype: Annotated[Literal["float16", "bfloat16"], Option("Their type.")] = "float16"

    @hookimpl
    def textclf_export(self, classifier: Classifier, directory: Path) -> None:
        """Write them as safetensors."""
        from textclf_core import EncoderClassifier

        if not isinstance(classifier, EncoderClassifier):
            raise UsageError(f"it needs a model with an encoder, but this one is a {type(classifier).__name__}.")
        import torch
        from safetensors.torch import save_file

        dtype = getattr(torch, self.dtype)
        weights = {name: weight.detach().to(dtype) for name, weight in classifier.encoder.model.named_parameters()}
        save_file(weights, directory / WEIGHTS_FILE)
