"""The cached exports of a run's model, which are made again if the model or the packages involved change."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from textclf_core.cache.keys import Conditions, export_key
from textclf_core.errors import UsageError
from textclf_core.inference.onnx.agreement import Agreement, agreement_with_stored
from textclf_core.inference.onnx.export import MODEL_FILE, export_float32, export_int8
from textclf_core.inference.onnx.session import onnx_logits
from textclf_core.system.code import distribution_code
from textclf_core.tasks.decisions import PostprocessedClassifier
from textclf_core.training.encoder_classifier import EncoderClassifier
from textclf_core.types.postprocessing import PostprocessingStep

if TYPE_CHECKING:
    from textclf_core.types.classifier import Classifier

logger = logging.getLogger("textclf")

NOTE_FILE = "export.json"
_FOLDER = "onnx"

# The version of the export's format: exports of another version are made again.
_FORMAT = 3
_PACKAGES = ("textclf-core", "torch", "transformers", "onnx", "onnxscript", "onnxruntime")


@dataclass(frozen=True)
class _Kind:
    """An engine's folder, its export function, and the number of tokens in a batch (``None`` for the default)."""

    folder: str
    export: Callable[[EncoderClassifier, Path], None]
    batch_tokens: int | None


_KINDS = {
    "onnx": _Kind("float32", export_float32, None),
    # Activations are scaled by their range in the whole batch. In batches of 32, 2% of the labels on Rotten Tomatoes
    # depended on the other texts in the batch.
    "onnx-int8": _Kind("int8", export_int8, 1),
}


def with_onnx(
    classifier: Classifier, model: Path, run: Path, engine: str, steps: tuple[PostprocessingStep, ...] = ()
) -> Classifier:
    """Return a run's classifier that computes with onnxruntime instead of torch, and log the agreement of the two.

    The export is read from ``RUN/onnx/float32`` or ``RUN/onnx/int8``. If there is none, or it was made from another
    model or by other versions, it is made, and its agreement is measured.

    Args:
        classifier: the classifier that the run's trainer loaded, on the CPU.
        model: the folder that it was loaded from.
        run: the run directory, where the export is saved.
        engine: ``onnx`` or ``onnx-int8``.
        steps: the postprocessing of the scores.

    Raises:
        UsageError: there is no encoder to export, or the export can't be written.
        RunError: the encoder can't be exported.
    """
    if not isinstance(classifier, EncoderClassifier):
        raise UsageError(
            f"the engine {engine} needs a model with an encoder, but the model in {run} is a "
            f"{type(classifier).__name__}. Use the engine torch, which works with every model."
        )
    kind = _KINDS[engine]
    directory = run / _FOLDER / kind.folder
    classifier = replace(classifier, batch_tokens=kind.batch_tokens)
    key = _key(model, engine)
    note = _read_note(directory)
    if note is None or note.key != key:
        logger.info("%s: exporting the model; the export is saved in %s and used again later", engine, directory)
        with _place_beside(directory) as partial:
            kind.export(classifier, partial)
            note = ExportNote(
                format=_FORMAT,
                key=key,
                packages={name: version(name) for name in _PACKAGES},
                agreement=agreement_with_stored(_computed_by(partial, classifier, steps), classifier.task, run),
            )
            (partial / NOTE_FILE).write_text(json.dumps(asdict(note), indent=2) + "\n", encoding="utf-8")
    if note.agreement:
        logger.info("%s %s", engine, note.agreement)
    else:
        logger.info("%s: its agreement with torch is unknown, since %s has no stored predictions", engine, run)
    return _computed_by(directory, classifier, steps)


def _computed_by(export: Path, classifier: EncoderClassifier, steps: tuple[PostprocessingStep, ...]) -> Classifier:
    computed = replace(classifier, compute=onnx_logits(export / MODEL_FILE))
    return PostprocessedClassifier(computed, steps, classifier.task) if steps else computed


@dataclass(frozen=True)
class ExportNote:
    """The content of an export's ``export.json``.

    Attributes:
        format: the version of the export's format.
        key: the hash of everything that could change the export: the model's files, and the packages that make and run
            it.
        packages: the versions of the packages that made it.
        agreement: the agreement with torch; ``None`` if the run had no stored predictions.
    """

    format: int
    key: str
    packages: dict[str, str]
    agreement: Agreement | None


@contextmanager
def _place_beside(directory: Path) -> Iterator[Path]:
    """Yield an empty folder that replaces ``directory`` when the block ends without an error."""
    try:
        directory.parent.mkdir(exist_ok=True)
        place = TemporaryDirectory(dir=directory.parent, prefix=".", suffix=".partial")
    except OSError as error:
        raise UsageError(f"the export can't be saved in the run's folder: {error}") from error
    with place:
        partial = Path(place.name) / directory.name
        partial.mkdir()
        yield partial
        if directory.exists():
            shutil.rmtree(directory)
        partial.rename(directory)


def _read_note(directory: Path) -> ExportNote | None:
    """Return the content of ``export.json``; ``None`` if there is no export in this format."""
    path = directory / NOTE_FILE
    if not path.is_file():
        return None
    values = json.loads(path.read_text(encoding="utf-8"))
    if values["format"] != _FORMAT:
        return None
    agreement = values.pop("agreement")
    return ExportNote(**values, agreement=Agreement(**agreement) if agreement else None)


def _key(model: Path, engine: str) -> str:
    """Return the key of the export of a model for an engine."""
    versions = {name: distribution_code(name) or "" for name in _PACKAGES}
    conditions = Conditions(versions=versions, device=["cpu"], code=[])
    return export_key(conditions, model_sha256=_sha256(model), engine=engine, layout=_FORMAT)


def _sha256(directory: Path) -> str:
    """Return the hash of the names and contents of a model's files, without exports in the same folder."""
    total = hashlib.sha256()
    exports = directory / _FOLDER
    for path in sorted(path for path in directory.rglob("*") if path.is_file() and exports not in path.parents):
        with path.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        total.update(f"{path.relative_to(directory)} {sha256}\n".encode())
    return total.hexdigest()
