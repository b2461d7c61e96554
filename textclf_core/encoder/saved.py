"""Models in Hugging Face's own layout, as a classifier saves them: what comes back is what was saved, or an error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from transformers import AutoTokenizer

from textclf_core.encoder.encoder import Encoder
from textclf_core.encoder.heads import model_class
from textclf_core.errors import UsageError, some_of
from textclf_core.system.hub import quiet, without_bars
from textclf_core.types.tokenization import Tokenization

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from textclf_core.types.task import Task


def load_saved(directory: Path, task: Task, device: str, *, body_alone: bool = False) -> Encoder:
    """Return a saved model and its tokenizer on ``device``, in evaluation mode.

    Args:
        directory: where both were saved.
        task: says which head the model has.
        device: a torch device.
        body_alone: the body was saved, and is returned without a head.

    Raises:
        UsageError: parameters are missing, which transformers would fill up at random, or there are others than the
            model has, which it would pass over.
    """
    # transformers' own report of what is missing is a table among the notes; ours is an error.
    with without_bars(), quiet("transformers.modeling_utils"):
        model, report = model_class(task).from_pretrained(
            directory, local_files_only=True, ignore_mismatched_sizes=True, output_loading_info=True
        )
    missing = set(report["missing_keys"])
    if body_alone:
        missing = {name for name in missing if name.startswith(f"{model.base_model_prefix}.")}
    faults = {
        "missing": missing,
        "unexpected": report["unexpected_keys"],
        "of another shape": {name for name, *_ in report["mismatched_keys"]},
    }
    if any(faults.values()):
        found = "; ".join(f"{what}: {some_of(sorted(names))}" for what, names in faults.items() if names)
        raise UsageError(
            f"{directory}: the parameters saved there aren't those of a {type(model).__name__}, as which it would be "
            f"loaded ({found}). Either the files were changed, or a plugin trained a model with modules of its own "
            "that transformers doesn't know: its trainer must save and load them."
        )
    tokenizer = AutoTokenizer.from_pretrained(directory, local_files_only=True)
    encoder = Encoder(model.to(device).eval(), tokenizer, str(directory))
    return encoder.without_head() if body_alone else encoder


@contextmanager
def reads_alike(tokenizer: PreTrainedTokenizerBase, tokenization: Tokenization) -> Iterator[None]:
    """Let a tokenizer truncate texts by itself as a classifier does, as far as it can, while it is saved."""
    before = tokenizer.model_max_length, tokenizer.truncation_side
    if tokenization.length is not None:
        tokenizer.model_max_length = tokenization.length
    tokenizer.truncation_side = "left" if tokenization.truncation == "tail" else "right"
    try:
        yield
    finally:
        tokenizer.model_max_length, tokenizer.truncation_side = before
