"""What the folder of a checkpoint is, and what is wrong with its files, found without loading the weights."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from textclf_core.errors import UsageError, did_you_mean, some_of
from textclf_core.records.schema import MODEL_DIRECTORY, RECORD_FILE
from textclf_core.system.model_files import check_no_pointer, check_weights_file, read_json

logger = logging.getLogger("textclf")

CONFIG = "config.json"
ADAPTER_CONFIG = "adapter_config.json"
_ST_MODULES = "modules.json"
_WEIGHTS = ("model.safetensors", "pytorch_model.bin")
ADAPTER_WEIGHTS = ("adapter_model.safetensors", "adapter_model.bin")
_OTHER_FRAMEWORKS = ("*.h5", "*.msgpack", "*.gguf", "*.onnx", "onnx/*.onnx", "*.ckpt*")
_WITHOUT_EFFECT = ("Transformer", "Pooling", "Normalize", "Dropout")
"""The kinds of modules of sentence-transformers that have no weights beside the transformer's."""


def transformer_folder(folder: Path) -> Path:
    """Return the folder of the model and tokenizer, or of the adapter, that a user's folder stands for.

    It is the model of a run, the transformer of a sentence-transformers model, or the folder itself.

    Raises:
        UsageError: it is none of these.
    """
    if (folder / RECORD_FILE).is_file():
        return _of_run(folder)
    if (folder / _ST_MODULES).is_file():
        return _of_sentence_transformers(folder)
    if (folder / CONFIG).is_file() or (folder / ADAPTER_CONFIG).is_file():
        return folder
    if runs := sorted(path.parent.name for path in folder.glob(f"*/{RECORD_FILE}")):
        raise UsageError(f"{folder} holds the runs {some_of(runs)}. Give one of them: {folder / runs[0]}.")
    if (folder / "snapshots").is_dir():
        name = folder.name.removeprefix("models--").replace("--", "/")
        raise UsageError(f"{folder} is a folder of the hub's cache. Give the model's name: {name}.")
    inner = sorted(path.parent for pattern in (f"*/{CONFIG}", f"*/{ADAPTER_CONFIG}") for path in folder.glob(pattern))
    advice = f" Did you mean {inner[-1]}?" if inner else ""
    found = some_of(sorted(path.name for path in folder.iterdir())) or "nothing"
    raise UsageError(f"{folder} isn't the folder of a model: it has no {CONFIG}, but {found}.{advice}")


def check_files(folder: Path, *, whole: bool = True) -> None:
    """Check that the files of a model can be read whole and without code of their own.

    Args:
        folder: from :func:`transformer_folder`.
        whole: whether all files should be there; the hub's cache may lack some, which can be had from the hub.

    Raises:
        UsageError: they can't.
    """
    for path in sorted(folder.glob("*.json")):
        read_json(path)
    _check_config(folder)
    names = ADAPTER_WEIGHTS if (folder / ADAPTER_CONFIG).is_file() else _WEIGHTS
    for path in _weight_files(folder, names) if whole else _present(folder, (*names, "*.safetensors")):
        check_weights_file(path)
    if not (folder / "tokenizer.json").is_file():
        _check_slow_tokenizer(folder)


def _of_run(run: Path) -> Path:
    model = run / MODEL_DIRECTORY
    if (model / CONFIG).is_file():
        return model
    names = [
        plugin["name"] for plugin in read_json(run / RECORD_FILE).get("plugins", ()) if "trainer" in plugin["roles"]
    ]
    raise UsageError(
        f"the run {run} has no transformer: its model was made by {' and '.join(names) or 'no trainer'}. Give a run "
        "that trained one."
    )


def _of_sentence_transformers(folder: Path) -> Path:
    modules = [
        (str(module.get("type", "")).rpartition(".")[2], str(module.get("path", "")))
        for module in read_json(folder / _ST_MODULES)
    ]
    kinds = [kind for kind, _ in modules]
    if "Transformer" not in kinds:
        raise UsageError(f"{folder} is a sentence-transformers model without a transformer: it has {', '.join(kinds)}.")
    if dropped := [kind for kind in kinds if kind not in _WITHOUT_EFFECT]:
        logger.info("%s: only the transformer is used, not its other modules: %s", folder, ", ".join(dropped))
    return folder / modules[kinds.index("Transformer")][1]


def _check_config(folder: Path) -> None:
    """Refuse weights that are quantized, and a checkpoint that only code of its own can load.

    ``auto_map`` beside a known class is ignored.
    """
    from transformers import CONFIG_MAPPING, __version__

    path = folder / CONFIG
    settings = read_json(path) if path.is_file() else {}
    family = settings.get("model_type")
    if method := (settings.get("quantization_config") or {}).get("quant_method"):
        raise UsageError(
            f"the weights of {folder} are quantized ({method}, in {CONFIG}), and such weights can't be trained. Choose "
            "the checkpoint that they were made from."
        )
    if not path.is_file() or family in CONFIG_MAPPING:
        return
    if "auto_map" in settings:
        raise UsageError(
            f"{folder} can only be loaded by code of its own ('auto_map' in {CONFIG}), and textclf never runs code of "
            "a checkpoint. Choose a model whose family transformers has."
        )
    if family is None:
        raise UsageError(f"{path} names no family of models ('model_type'); is it the configuration of a model?")
    raise UsageError(
        f"transformers {__version__} has no models of the family {family!r}, which {path} names."
        f"{did_you_mean(family, CONFIG_MAPPING.keys())} A later version may have it."
    )


def _weight_files(folder: Path, names: tuple[str, ...]) -> Iterator[Path]:
    """Yield the files that hold the weights: those of the index if there is one, or the only one."""
    for name in names:
        index = folder / f"{name}.index.json"
        if (folder / name).is_file():
            yield folder / name
            return
        if index.is_file():
            shards = sorted(set(read_json(index).get("weight_map", {}).values()))
            if lacking := [shard for shard in shards if not (folder / shard).is_file()]:
                raise UsageError(f"{folder} lacks files of weights that {index.name} lists: {some_of(lacking)}.")
            yield from (folder / shard for shard in shards)
            return
    others = [str(path.relative_to(folder)) for path in _present(folder, _OTHER_FRAMEWORKS)]
    beside = f", only those of other software ({some_of(others)})" if others else ""
    raise UsageError(f"{folder} has no weights that PyTorch reads{beside}. Expected one of {', '.join(names)}.")


def _present(folder: Path, patterns: tuple[str, ...]) -> list[Path]:
    return sorted({path for pattern in patterns for path in folder.glob(pattern)})


def _check_slow_tokenizer(folder: Path) -> None:
    """Refuse a tokenizer that only a missing library can read."""
    models = [path.name for pattern in ("*.model", "*.spm") for path in sorted(folder.glob(pattern))]
    if not models:
        return
    check_no_pointer(folder / models[0])
    if missing := [name for name in ("sentencepiece", "google.protobuf") if _is_missing(name)]:
        raise UsageError(
            f"the tokenizer of {folder} ({models[0]}) needs {' and '.join(missing)}: "
            'pip install "textclf-core[sentencepiece]".'
        )


def _is_missing(name: str) -> bool:
    try:
        return find_spec(name) is None
    except ModuleNotFoundError:  # the package that should contain it is missing
        return True
