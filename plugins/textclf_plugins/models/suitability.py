"""Whether a loaded model suits its tokenizer and the task, found before training."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import torch

from textclf_core.encoder.families import FAMILIES
from textclf_core.errors import UsageError, some_of
from textclf_core.tasks import kind_of
from textclf_core.types.tokenization import Tokenization

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from textclf_core.encoder import Encoder
    from textclf_core.types.task import Task

logger = logging.getLogger("textclf")

# Two texts of different lengths, in words that most tokenizers know.
_TEXTS = ("a b c", "a b c d e f g h i")
_TOLERANCE = 1e-4


def check_tokenizer(tokenizer: PreTrainedTokenizerBase, known: int | None, checkpoint: str) -> None:
    """Check that a tokenizer has files and a padding token, and that the model has embeddings for its tokens.

    Args:
        tokenizer: as transformers loaded it.
        known: the number of the model's token embeddings; ``None`` for a model without a vocabulary.
        checkpoint: its name in the errors.

    Raises:
        FileNotFoundError: the tokenizer's files are missing.
        UsageError: it doesn't suit the model.
    """
    # Where the files are missing, transformers creates a tokenizer with only the special tokens.
    if len(tokenizer) <= len(set(tokenizer.all_special_ids)):
        raise FileNotFoundError(f"{checkpoint} has no tokenizer files")
    if tokenizer.pad_token is None:
        choices = ", ".join(map(repr, tokenizer.all_special_tokens)) or "it has none: add one"
        raise UsageError(
            f"the tokenizer of {checkpoint} has no padding token, so texts can't be batched. Choose one of its special "
            f"tokens ({choices}): in Python, AutoTokenizer.from_pretrained(FOLDER, pad_token=TOKEN)"
            ".save_pretrained(FOLDER)."
        )
    if beyond := sorted((id, token) for token, id in tokenizer.get_vocab().items() if known and id >= known):
        named = some_of([f"{token!r} ({id})" for id, token in beyond])
        raise UsageError(
            f"the tokenizer of {checkpoint} has tokens beyond the model's {known} embeddings: {named}. Either it "
            "belongs to another model, or tokens were added without "
            "model.resize_token_embeddings(len(tokenizer)): then do that, and save both again."
        )


def check_suitable(encoder: Encoder, task: Task) -> None:
    """Check that the model takes the task's texts as its tokenizer gives them.

    Raises:
        UsageError: it doesn't.
    """
    if encoder.family in FAMILIES and getattr(encoder.model.config, "is_decoder", False):
        raise UsageError(
            f"the config.json of {encoder.checkpoint} has is_decoder=true: each token would see only those before it, "
            "and the head reads the first. If it was trained as an encoder, set is_decoder to false there; otherwise "
            "choose another checkpoint."
        )
    _check_token_types(encoder, task)
    if encoder.family not in FAMILIES:
        _try_forward(encoder, task)


def make_constants_buffers(model: PreTrainedModel) -> None:
    """Turn parameters that the family never trains (RoFormer's positions) into buffers, so that none looks frozen."""
    for module in model.modules():
        for name, parameter in list(module.named_parameters(recurse=False)):
            if not parameter.requires_grad:
                delattr(module, name)
                module.register_buffer(name, parameter.detach())


def _check_token_types(encoder: Encoder, task: Task) -> None:
    """Refuse token types that the model lacks; for two texts in a row most tokenizers give two."""
    known = getattr(encoder.model.config, "type_vocab_size", None)
    texts = min(len(task.text_columns), 2)
    given = max(encoder.tokenizer(*["a"] * texts).get("token_type_ids", [0]))
    if known and given >= known:
        raise UsageError(
            f"the tokenizer of {encoder.checkpoint} gives token types from 0 to {given} to {texts} texts in a row, but "
            f"the model has {known} token type{'s' * (known > 1)}. Use the tokenizer that the model was pretrained "
            'with, or leave "token_type_ids" out of "model_input_names" in its tokenizer_config.json.'
        )


def _try_forward(encoder: Encoder, task: Task) -> None:
    """Refuse a model that fails on texts, and warn of one whose scores of a text depend on the padding beside it."""
    from datasets import Dataset

    rows = [kind_of(task).as_row(text) for text in _TEXTS]
    data = Dataset.from_dict(dict.fromkeys(task.text_columns, rows))
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            tokenized = list(encoder.tokenize(data, task, Tokenization()))
            alone = encoder.logits(encoder.collate(tokenized[:1]))
            beside = encoder.logits(encoder.collate(tokenized))[:1]
    except UsageError:
        raise
    except Exception as error:  # the code of any family, which may fail in any way
        raise UsageError(
            f"{encoder.checkpoint}: a model of the family {encoder.family!r} fails on texts "
            f"({type(error).__name__}: {_first_line(error)}). Choose a model for texts of another family."
        ) from error
    difference = float((alone - beside[:, : alone.shape[1]]).abs().max())
    if difference > _TOLERANCE * max(1.0, float(alone.abs().max())):
        logger.warning(
            "%s: models of the family %r don't ignore padding: beside a longer text, the logits of a text changed by "
            "%.2g. So a text's scores depend on the texts that it is scored with",
            encoder.checkpoint,
            encoder.family,
            difference,
        )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or ["no message"])[0]
