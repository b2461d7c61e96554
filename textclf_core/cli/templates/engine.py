"""An engine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from textclf_core import UsageError, hookimpl

if TYPE_CHECKING:
    from textclf_core import Classifier


@dataclass(frozen=True, kw_only=True)
class MyPlugin:
    """Score one text at a time, so that no bit of a score depends on the texts beside it."""

    @hookimpl
    def textclf_engine(self, classifier: Classifier) -> Classifier:
        """Make each batch a text; `compute=` would replace the function from a batch to logits."""
        from textclf_core import EncoderClassifier

        if not isinstance(classifier, EncoderClassifier):
            raise UsageError(f"it needs a model with an encoder, but this one is a {type(classifier).__name__}.")
        return replace(classifier, batch_tokens=1)
