"""The exports of a run's model: made once, kept beside the model, made anew when what they are made from changes."""

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

# Raised when an export is written another way: those of before are made anew.
_FORMAT = 3
_PACKAGES = ("textclf-core", "torch", "transformers", "onnx", "onnxscript", "onnxruntime")


@dataclass(frozen=True)
class _Kind:
    """What an engine needs: how its export is made, the folder that keeps it, how many tokens it scores together."""

    folder: str
    export: Callable[[EncoderClassifier, Path], None]
    batch_tokens: int | None


_KINDS = {
    "onnx": _Kind("float32", export_float32, None),
    # Activations are scaled by their range in the whole batch. In batches of 32, 2% of Rotten Tomatoes' labels changed
    # with the texts that stood beside.
    "onnx-int8": _Kind("int8", export_int8, 1),
}


def with_onnx(
    classifier: Classifier, model: Path, run: Path, engine: str, steps: tuple[PostprocessingStep, ...] = ()
) -> Classifier:
    """Return the classifier of a run with onnxruntime in the place of torch, and say how far the two agree.

    The export is read from ``RUN/onnx/float32`` or ``RUN/onnx/int8``; it is made there, and its agreement measured, if
    it is absent, of another model, or made by other versions.

    Args:
        classifier: what the run's trainer loaded, on the CPU.
        model: the folder that it was loaded from.
        run: the run's directory, which keeps the export.
        engine: ``onnx`` or ``onnx-int8``.
        steps: what is done with the scores, whatever computes them.

    Raises:
        UsageError: there is no encoder to export, or the export can't be written.
        RunError: the encoder can't be exported.
    """
    if not isinstance(classifier, EncoderClassifier):
        raise UsageError(
            f"the engine {engine} needs an encoder, which can be exported to ONNX; the model in {run} is a "
            f"{type(classifier).__name__}. Use the engine torch, which predicts with every model."
        )
    kind = _KINDS[engine]
    directory = run / _FOLDER / kind.folder
    classifier = replace(classifier, batch_tokens=kind.batch_tokens)
    key = _key(model, engine)
    note = _read_note(directory)
    if note is None or note.key != key:
        logger.info("%s: exporting the model, once; the export is kept in %s", engine, directory)
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
        logger.info("%s: its agreement with torch isn't known, since %s holds no predictions", engine, run)
    return _computed_by(directory, classifier, steps)


def _computed_by(export: Path, classifier: EncoderClassifier, steps: tuple[PostprocessingStep, ...]) -> Classifier:
    computed = replace(classifier, compute=onnx_logits(export / MODEL_FILE))
    return PostprocessedClassifier(computed, steps, classifier.task) if steps else computed


@dataclass(frozen=True)
class ExportNote:
    """What ``export.json`` says of an export.

    Attributes:
        format: the number of this format.
        key: of everything that could change the export: the model's files, the packages that make and run it.
        packages: the versions that made it.
        agreement: with torch; ``None`` where the run had no predictions to compare with.
    """

    format: int
    key: str
    packages: dict[str, str]
    agreement: Agreement | None


@contextmanager
def _place_beside(directory: Path) -> Iterator[Path]:
    """Give an empty folder that takes the place of ``directory`` when the block ends without an error."""
    try:
        directory.parent.mkdir(exist_ok=True)
        place = TemporaryDirectory(dir=directory.parent, prefix=".", suffix=".partial")
    except OSError as error:
        raise UsageError(f"the export is kept beside the model, and can't be written there: {error}") from error
    with place:
        partial = Path(place.name) / directory.name
        partial.mkdir()
        yield partial
        if directory.exists():
            shutil.rmtree(directory)
        partial.rename(directory)


def _read_note(directory: Path) -> ExportNote | None:
    """Return the note of an export, or ``None`` if there is no export of this format."""
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
    """Return one hash over the names and the content of a model's files, without exports that may lie beside them."""
    total = hashlib.sha256()
    exports = directory / _FOLDER
    for path in sorted(path for path in directory.rglob("*") if path.is_file() and exports not in path.parents):
        with path.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        total.update(f"{path.relative_to(directory)} {sha256}\n".encode())
    return total.hexdigest()
