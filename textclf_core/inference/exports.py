"""What exporters write of a saved model, and what engines compute from it.

What is written is saved, and made again if the model, the plugin or the packages involved change.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from textclf_core.cache.keys import Conditions, export_key
from textclf_core.errors import RunError, UsageError
from textclf_core.inference.agreement import Agreement, agreement_with_stored, refuse_other_scores
from textclf_core.inference.engines import TORCH
from textclf_core.plugins.calling import call_one
from textclf_core.plugins.provenance import DEPENDS_ON, dependencies, plugin_facts
from textclf_core.records.schema import CARD_FILE
from textclf_core.system.code import distribution_code

if TYPE_CHECKING:
    from textclf_core.inference.store import LoadedModel
    from textclf_core.plugins import ActivePlugin
    from textclf_core.types.classifier import Classifier

logger = logging.getLogger("textclf")

EXPORTS_DIRECTORY = "exports"
"""The folder, in that of a run or of a published model, which has a folder for each exporter and engine."""
NOTE_FILE = "export.json"

# The version of the note's format: exports of another version are made again.
_FORMAT = 4
_PACKAGES = ("textclf-core", "torch", "transformers")


@dataclass(frozen=True)
class ExportNote:
    """The content of an export's ``export.json``.

    Attributes:
        format: the version of the note's format.
        key: the hash of everything that could change the export: the model's files, the plugin with its options, and
            the packages that make and run it.
        packages: the versions of these packages.
        agreement: the agreement with torch; ``None`` if the run has no stored predictions, or nothing computes from it.
    """

    format: int
    key: str
    packages: dict[str, str]
    agreement: Agreement | None


def computed_by(engine: ActivePlugin, model: LoadedModel) -> Classifier:
    """Return a model's classifier that an engine computes, and log its agreement with torch.

    If the engine has an exporter, the export is read from ``RUN/exports/NAME``. If there is none, or it was made from
    another model or by other versions, it is made, and its agreement is measured. Of an engine without an exporter,
    only the agreement is saved there.

    Raises:
        UsageError: the engine doesn't support the model, or the export can't be written.
        RunError: the model can't be exported, or the engine computes other scores.
    """
    name, run = engine.name, model.run
    directory = run / EXPORTS_DIRECTORY / name
    key, note = _key(engine, model), _read_note(directory)
    if note is None or note.key != key:
        if "exporter" in engine.roles:
            logger.info("%s: exporting the model; the export is saved in %s and used again later", name, directory)
        with _place_beside(directory) as partial:
            note = _write(engine, model, partial, key, "engine")
    if note.agreement:
        logger.info("%s %s", name, note.agreement)
    else:
        logger.info("%s: its agreement with torch is unknown, since %s has no stored predictions", name, run)
    return model.with_steps(_open(engine, model, directory))


def add_export(exporter: ActivePlugin, model: LoadedModel, folder: Path) -> ExportNote:
    """Add an export of a model to the folder in which it is published; one that its run has saved is copied.

    Raises:
        UsageError: the exporter doesn't support the model.
        RunError: the model can't be exported, or the plugin's engine computes other scores.
    """
    key = _key(exporter, model)
    directory, saved = (place / EXPORTS_DIRECTORY / exporter.name for place in (folder, model.run))
    note = _read_note(saved)
    if note is not None and note.key == key:
        shutil.copytree(saved, directory)
        return note
    directory.mkdir(parents=True)
    return _write(exporter, model, directory, key, "exporter")


def _write(plugin: ActivePlugin, model: LoadedModel, directory: Path, key: str, role: str) -> ExportNote:
    """Write what an exporter makes of a model, and its note, into an empty folder; measure its agreement with torch.

    Raises:
        UsageError: the exporter or engine doesn't support the model.
        RunError: the model can't be exported, or the engine computes other scores.
    """
    if "exporter" in plugin.roles:
        with _refusals(plugin, model, role):
            call_one(plugin, "textclf_export", classifier=model.classifier, task=model.task, directory=directory)
        if not any(directory.iterdir()):
            raise RunError(f"textclf_export of {plugin} wrote nothing into the directory.")
    agreement = None
    if "engine" in plugin.roles:
        computed = _open(plugin, model, directory)
        refuse_other_scores(plugin, computed, model.classifier, model.task)
        agreement = agreement_with_stored(model.with_steps(computed), model.task, model.run)
    note = ExportNote(format=_FORMAT, key=key, packages=_packages(plugin), agreement=agreement)
    (directory / NOTE_FILE).write_text(json.dumps(asdict(note), indent=2) + "\n", encoding="utf-8")
    return note


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


def _open(engine: ActivePlugin, model: LoadedModel, export: Path) -> Classifier:
    directory = export if "exporter" in engine.roles else model.directory
    with _refusals(engine, model, "engine"):
        found: Classifier | None = call_one(
            engine, "textclf_engine", classifier=model.classifier, task=model.task, directory=directory
        )
        if found is None:
            raise UsageError(f"it doesn't support a {type(model.classifier).__name__}.")
    return found


@contextmanager
def _refusals(plugin: ActivePlugin, model: LoadedModel, role: str) -> Iterator[None]:
    """Add to the message of a plugin that can't be used with the model which plugin and which model."""
    try:
        yield
    except UsageError as error:
        instead = f" Use the engine {TORCH}, which works with every model." if role == "engine" else ""
        raise UsageError(f"the {role} {plugin.name} can't be used for {model.run}: {error}{instead}") from error


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


def _key(plugin: ActivePlugin, model: LoadedModel) -> str:
    versions = {name: distribution_code(name) or "" for name in _PACKAGES}
    conditions = Conditions(versions=versions, device=[model.device], code=dependencies(plugin))
    sha256 = _sha256(model.directory)
    return export_key(conditions, model_sha256=sha256, plugin=plugin_facts(plugin), layout=_FORMAT)


def _packages(plugin: ActivePlugin) -> dict[str, str]:
    """Return the versions of the distributions that make and run the export."""
    found = {}
    for name in dict.fromkeys((*_PACKAGES, plugin.distribution, *getattr(plugin.instance, DEPENDS_ON, ()))):
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # a plugin file, or another fact that the plugin depends on
            continue
    return found


def _sha256(directory: Path) -> str:
    """Return the hash of the names and contents of a model's files, without its card and exports in the same folder."""
    total = hashlib.sha256()
    exports, card = directory / EXPORTS_DIRECTORY, directory / CARD_FILE
    for path in sorted(path for path in directory.rglob("*") if path.is_file() and exports not in path.parents):
        if path != card:
            with path.open("rb") as stream:
                sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
            total.update(f"{path.relative_to(directory)} {sha256}\n".encode())
    return total.hexdigest()
