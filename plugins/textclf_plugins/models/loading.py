"""Loading the model and tokenizer of a checkpoint with transformers, and checking that they are whole."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from transformers import AutoConfig, AutoTokenizer

from textclf_core.encoder import Encoder
from textclf_core.encoder.families import FAMILIES
from textclf_core.encoder.heads import model_class, problem_type
from textclf_core.errors import UsageError, some_of
from textclf_core.system.hub import model_places, quiet, without_bars
from textclf_plugins.models.checkpoint_folder import ADAPTER_WEIGHTS
from textclf_plugins.models.classification_head import replace_head
from textclf_plugins.models.merging import merge_adapter
from textclf_plugins.models.suitability import check_tokenizer, make_constants_buffers

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from textclf_core.types.task import Task

logger = logging.getLogger("textclf")

_NUMBER = re.compile(r"(?<=\.)\d+(?=\.)")  # of a block, in the name of a weight
_FILES_OF_AN_ADAPTER = ["adapter_*", "*token*", "vocab*", "merges.txt", "*.model"]


def load_tokenizer(checkpoint: str, revision: str | None, *, local: bool) -> PreTrainedTokenizerBase:
    """Return the tokenizer of a checkpoint, whose tokens the model knows, with a padding token.

    Args:
        checkpoint: a folder, or a name on the hub.
        revision: a branch, tag or commit on the hub.
        local: whether it must be in the folder or the hub's cache.

    Raises:
        OSError, ValueError: it can't be loaded.
        UsageError: it doesn't suit the model.
    """
    wanted = _wanted(revision)
    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(checkpoint, local_files_only=local, **wanted)
    config = AutoConfig.from_pretrained(checkpoint, local_files_only=local, **wanted)
    check_tokenizer(tokenizer, getattr(config, "vocab_size", None), checkpoint)
    return tokenizer


def load_model(checkpoint: str, revision: str | None, task: Task, *, local: bool, trained: bool) -> Encoder:
    """Return a complete model as an encoder, in float32.

    Args:
        checkpoint: a folder, or a name on the hub.
        revision: a branch, tag or commit on the hub.
        task: decides the kind of the head, and the labels of a new one.
        local: whether it must be in the folder or the hub's cache.
        trained: whether the head must be the checkpoint's own; a new one if not.

    Raises:
        OSError, ValueError: it can't be loaded.
        UsageError: it lacks weights, or transformers has no such head for its family.
    """
    tokenizer = load_tokenizer(checkpoint, revision, local=local)
    auto = model_class(task)
    config = AutoConfig.from_pretrained(checkpoint, local_files_only=local, **_wanted(revision))
    if type(config) not in auto._model_mapping:
        raise UsageError(
            f"transformers has no {auto.__name__.removeprefix('Auto')} of the family {config.model_type!r}, which "
            f"{checkpoint} belongs to. Choose a model of another family."
        )
    names = dict(enumerate(task.label_names))
    of_task = {"id2label": names, "label2id": {name: id for id, name in names.items()}}
    with _without_load_report():
        model, report = auto.from_pretrained(
            checkpoint,
            dtype=torch.float32,
            ignore_mismatched_sizes=True,  # a head for other labels; other mismatches are refused below
            output_loading_info=True,
            **({} if trained else {**of_task, "problem_type": problem_type(task)}),
            **_wanted(revision),
            **model_places(local),
        )
    make_constants_buffers(model)
    if damaged := [name for name, values in model.named_parameters() if not values.detach().sum().isfinite()]:
        raise UsageError(f"{checkpoint} has weights that aren't finite numbers: {some_of(damaged)}. It is damaged.")
    if model.config.model_type not in FAMILIES:
        # By which some families find the last token of a padded row.
        model.config.pad_token_id = tokenizer.pad_token_id
    encoder = Encoder(model, tokenizer, checkpoint, _commit(checkpoint, revision), fresh_head=not trained)
    missing, mismatched = set(report["missing_keys"]), {name for name, *_ in report["mismatched_keys"]}
    _report_unused(encoder, report["unexpected_keys"])
    if not trained:
        _check_weights(encoder, missing, mismatched)
    elif missing | mismatched:
        raise UsageError(
            f"{checkpoint} isn't trained to classify: it lacks the weights {some_of(sorted(missing | mismatched))}. "
            "Expected a checkpoint that was fine-tuned for this kind of task."
        )
    return encoder


def adapter_folder(checkpoint: str, revision: str | None, *, local: bool) -> Path | None:
    """Return the folder of an adapter of the library peft; ``None`` if the checkpoint is a complete model.

    Raises:
        OSError: the folder has no weights of the adapter.
    """
    from huggingface_hub import snapshot_download
    from transformers.utils.peft_utils import find_adapter_config_file

    # None where there is no such file or it can't be loaded; other problems are reported by loading the model.
    found = find_adapter_config_file(checkpoint, revision=revision or "main", local_files_only=local)
    if found is None:
        return None
    folder = Path(found).parent
    if not local:
        folder = Path(snapshot_download(checkpoint, revision=revision, allow_patterns=_FILES_OF_AN_ADAPTER))
    if not any((folder / name).is_file() for name in ADAPTER_WEIGHTS):
        raise FileNotFoundError(f"{checkpoint} has no weights of its adapter")
    return folder


def load_merged(encoder: Encoder, adapter: Path, checkpoint: str, revision: str | None) -> Encoder:
    """Return an encoder with an adapter merged into it, and with the adapter's tokenizer if it has one.

    Raises:
        UsageError: the adapter can't be merged, or its tokenizer doesn't suit it.
    """
    tokenizer = encoder.tokenizer
    if (adapter / "tokenizer_config.json").is_file():
        tokenizer = AutoTokenizer.from_pretrained(str(adapter), config=encoder.model.config, local_files_only=True)
    merge_adapter(encoder.model, adapter)
    check_tokenizer(tokenizer, getattr(encoder.model.config, "vocab_size", None), checkpoint)
    logger.info("the adapter %s is merged into the model %s", checkpoint, encoder.checkpoint)
    return Encoder(encoder.model, tokenizer, checkpoint, _commit(checkpoint, revision))


def _wanted(revision: str | None) -> dict[str, Any]:
    return {"revision": revision or "main", "trust_remote_code": False}


def _report_unused(encoder: Encoder, unused: Collection[str]) -> None:
    """Log a warning of weights of blocks that the model has no place for, as where its configuration has too few."""
    base = f"{encoder.model.base_model_prefix}."
    ours = {_NUMBER.sub("N", name.removeprefix(base)) for name, _ in encoder.model.base_model.named_parameters()}
    if lost := [name for name in unused if _NUMBER.sub("N", name.removeprefix(base)) in ours]:
        logger.warning(
            "%s has weights that the model of its config.json has no place for: %s; is its number of layers right?",
            encoder.checkpoint,
            some_of(sorted(lost)),
        )


def _check_weights(encoder: Encoder, missing: set[str], mismatched: set[str]) -> None:
    """Refuse a body without its weights, and replace a head that came with the checkpoint by a new one."""
    parts = {name: encoder.part_of(name) for name, _ in encoder.model.named_parameters()}
    fresh = {name: part for name, part in parts.items() if name in missing | mismatched}
    lacking = [name for name, part in fresh.items() if part not in ("head", "pooler")]
    if lacking:
        raise UsageError(
            f"{encoder.checkpoint} lacks weights of the model's body, or has them in another shape: "
            f"{some_of(lacking)}; is it the checkpoint of a {encoder.family} model?"
        )
    if "pooler" in fresh.values():
        logger.info("%s has no pooler, so the pooler starts untrained, like the head", encoder.checkpoint)
    if not any(part == "head" and name in missing for name, part in parts.items()):
        logger.info("the head of %s is replaced by a new one", encoder.checkpoint)
        replace_head(encoder.model)


def _commit(checkpoint: str, revision: str | None) -> str | None:
    """Return the loaded commit, from the name of its folder in the cache; ``None`` for a local folder."""
    from huggingface_hub import try_to_load_from_cache

    if Path(checkpoint).is_dir():
        return None
    config = try_to_load_from_cache(checkpoint, "config.json", revision=revision)
    return Path(config).parent.name if isinstance(config, str) else revision


@contextmanager
def _without_load_report() -> Iterator[None]:
    """Hide transformers' progress bar and its table of new weights, which are checked here; a new head is intended."""
    with without_bars(), quiet("transformers.modeling_utils"):
        yield
