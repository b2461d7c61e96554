"""A model's weights in 16 bits, and predictions from them."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from textclf_core import Needs, Option, UsageError, hookimpl

if TYPE_CHECKING:
    from textclf_core import Classifier, EncoderClassifier

WEIGHTS_FILE = "weights.safetensors"


@dataclass(frozen=True, kw_only=True)
class HalfWeights:
    """Write the weights of a model in 16 bits, half as large, and predict with them.

    They are converted back when they are read, so that a prediction takes as long as with the original ones.
    """

    dtype: Annotated[Literal["float16", "bfloat16"], Option("Their type: more digits, or a wider range.")] = "float16"

    needs: ClassVar[Needs] = Needs(approximate=True)

    @hookimpl
    def textclf_export(self, classifier: Classifier, directory: Path) -> None:
        """Write the weights as safetensors."""
        import torch
        from safetensors.torch import save_file

        dtype = getattr(torch, self.dtype)
        named = with_encoder(classifier).encoder.model.named_parameters()
        save_file({name: weight.detach().to(dtype) for name, weight in named}, directory / WEIGHTS_FILE)

    @hookimpl
    def textclf_engine(self, classifier: Classifier, directory: Path) -> Classifier:
        """Compute with a copy of the model that has these weights."""
        from safetensors.torch import load_file

        own = with_encoder(classifier)
        encoder = deepcopy(own.encoder)
        encoder.model.load_state_dict(load_file(directory / WEIGHTS_FILE), strict=False)  # buffers have no weights
        return replace(own, encoder=encoder)


def with_encoder(classifier: Classifier) -> EncoderClassifier:
    """Return a classifier that has an encoder; a trainer may return another one."""
    from textclf_core import EncoderClassifier

    if not isinstance(classifier, EncoderClassifier):
        raise UsageError(f"it needs a model with an encoder, but this one is a {type(classifier).__name__}.")
    return classifier
