"""Loading models that a classifier saved in Hugging Face's layout, with a check that all parameters match."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transformers import AutoConfig, AutoTokenizer

from textclf_core.encoder.encoder import Encoder
from textclf_core.encoder.heads import model_class
from textclf_core.errors import UsageError, some_of
from textclf_core.system.hub import quiet, without_bars
from textclf_core.types.tokenization import Tokenization

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from textclf_core.types.task import Task


def load_saved(
    directory: Path,
    task: Task,
    device: str,
    *,
    body_alone: bool = False,
    model: type[PreTrainedModel] | None = None,
) -> Encoder:
    """Return a saved model and its tokenizer on ``device``, in evaluation mode.

    Args:
        directory: where both were saved.
        task: determines the model's head.
        device: a torch device.
        body_alone: whether only the body was saved; it is returned without a head.
        model: the class of the model, made from its configuration alone; that of transformers for the task if not
            given.

    Raises:
        UsageError: parameters are missing, which transformers would initialise at random, or unexpected, which it would
            ignore, or have another shape; or the tokenizer's files are missing.
    """
    # transformers logs a table of missing parameters; here they are an error.
    with without_bars(), quiet("transformers.modeling_utils"):
        cls: Any = model or model_class(task)
        loaded, report = cls.from_pretrained(
            directory,
            config=AutoConfig.from_pretrained(directory, local_files_only=True),
            local_files_only=True,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
    missing = set(report["missing_keys"])
    if body_alone:
        missing = {name for name in missing if name.startswith(f"{loaded.base_model_prefix}.")}
    faults = {
        "missing": missing,
        "unexpected": report["unexpected_keys"],
        "of another shape": {name for name, *_ in report["mismatched_keys"]},
    }
    if any(faults.values()):
        found = "; ".join(f"{what}: {some_of(sorted(names))}" for what, names in faults.items() if names)
        raise UsageError(
            f"{directory}: the saved parameters don't match a {type(loaded).__name__} ({found}). Either the files were "
            "changed, or a plugin built a model with modules that transformers doesn't know; then it must load them by "
            "textclf_load_model."
        )
    encoder = Encoder(loaded.to(device).eval(), _saved_tokenizer(directory), str(directory))
    return encoder.without_head() if body_alone else encoder


def _saved_tokenizer(directory: Path) -> PreTrainedTokenizerBase:
    """Return the tokenizer.

    Raises:
        UsageError: its files are missing, in whose place transformers may create one that knows only special tokens.
    """
    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(directory, local_files_only=True)
        if len(tokenizer) > len(set(tokenizer.all_special_ids)):
            return tokenizer
        why = "it lacks its tokenizer.json or vocabulary"
    except (OSError, ValueError) as error:
        why = str(error).strip().partition("\n")[0]
    raise UsageError(f"{directory}: the tokenizer can't be loaded: {why}. Copy the model again.")


@contextmanager
def reads_alike(tokenizer: PreTrainedTokenizerBase, tokenization: Tokenization) -> Iterator[None]:
    """Set a tokenizer's own truncation to a classifier's, as far as it can express it, while the block runs."""
    before = tokenizer.model_max_length, tokenizer.truncation_side
    if tokenization.length is not None:
        tokenizer.model_max_length = tokenization.length
    tokenizer.truncation_side = "left" if tokenization.truncation == "tail" else "right"
    try:
        yield
    finally:
        tokenizer.model_max_length, tokenizer.truncation_side = before
