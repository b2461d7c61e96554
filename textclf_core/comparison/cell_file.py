"""A job as a file, from which ``textclf cell`` runs it in another process, and the file of its outcome beside it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from datasets import DatasetDict
from pydantic import TypeAdapter

from textclf_core import errors
from textclf_core.data import PreparedData
from textclf_core.errors import RunError, TextclfError, UsageError
from textclf_core.pipeline.spec import InMemoryData, RunSpec
from textclf_core.plugins.written import read_plugins, written_plugins
from textclf_core.records.schema import CostEstimate, Tuning
from textclf_core.storage.places import local_folder, url_of
from textclf_core.types.data import DataRecord

_FORMAT = 1
_DATA = "data"
_DATA_RECORD = "data-record.json"
_TUNING = TypeAdapter(Tuning)
_DATA_RECORDS = TypeAdapter(DataRecord)
_PATHS = ("output", "cache")
_OWN = ("plugins", "data")
"""The fields of a specification that are written in a form of their own."""


@dataclass(frozen=True, kw_only=True)
class CellOutcome:
    """What became of a cell.

    Attributes:
        id: the name of its run directory, which exists if there is no error and it isn't running elsewhere.
        stores: the keys of the cache stores that its frozen prefixes were read from.
        error: why it failed.
        elsewhere: whether another process is running it, so that nothing was done here.
    """

    id: str
    stores: tuple[str, ...] = ()
    error: TextclfError | None = None
    elsewhere: bool = False


@dataclass(frozen=True, kw_only=True)
class CellFile:
    """The content of a job's file: what to run, and whether to run finished cells again."""

    specs: tuple[RunSpec, ...]
    force: bool


def write_cell_file(path: Path, specs: Sequence[RunSpec], *, force: bool) -> None:
    """Write a job, and its data into a folder beside the file unless they are there.

    Raises:
        UsageError: a plugin's option can't be written.
    """
    content = {"format": _FORMAT, "force": force, "cells": [_written(spec, path.parent) for spec in specs]}
    _write(path, content)


def read_cell_file(path: Path) -> CellFile:
    """Read a job.

    Raises:
        UsageError: the file can't be read, or another version of textclf wrote it.
        PluginError: this process has another version of a plugin, or doesn't have it.
    """
    content = _read(path)
    return CellFile(specs=tuple(_spec(one, path.parent) for one in content["cells"]), force=content["force"])


def ids_in(path: Path) -> tuple[str, ...]:
    """Return the ids of a job's cells.

    Raises:
        UsageError: the file can't be read, or another version of textclf wrote it.
    """
    return tuple(one["id"] for one in _read(path)["cells"])


def write_outcomes(path: Path, outcomes: Sequence[CellOutcome]) -> None:
    """Write the outcome of the job in the file ``path``."""
    content = [
        {
            "id": one.id,
            "stores": one.stores,
            "elsewhere": one.elsewhere,
            "error": one.error and [type(one.error).__name__, str(one.error), getattr(one.error, "__notes__", [])],
        }
        for one in outcomes
    ]
    _write(_outcome_file(path), content)


def read_outcomes(path: Path) -> dict[str, CellOutcome]:
    """Return the outcomes of the job in the file ``path``, by cell; none if its process ended without writing them."""
    file = _outcome_file(path)
    if not file.is_file():
        return {}
    return {
        one["id"]: CellOutcome(
            id=one["id"],
            stores=tuple(one["stores"]),
            elsewhere=one["elsewhere"],
            error=one["error"] and _error(*one["error"]),
        )
        for one in json.loads(file.read_text(encoding="utf-8"))
    }


def _outcome_file(path: Path) -> Path:
    return path.with_suffix(".outcome")


def _error(kind: str, message: str, notes: Sequence[str]) -> TextclfError:
    cls = getattr(errors, kind, RunError)
    error: TextclfError = cls(message)
    for note in notes:
        error.add_note(note)
    return error


def _write(path: Path, content: Any) -> None:
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(json.dumps(content), encoding="utf-8")
    partial.replace(path)


def _read(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        written = content["format"]
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise UsageError(f"{path} isn't a file of a cell, as `textclf compare --emit FOLDER` writes them.") from error
    if written != _FORMAT:
        raise UsageError(f"{path} has format {written}, but this version of textclf reads format {_FORMAT}.")
    return content


def _written(spec: RunSpec, folder: Path) -> dict[str, Any]:
    simple = {field.name: getattr(spec, field.name) for field in fields(spec) if field.name not in _OWN}
    return {
        **simple,
        # Another process may have another current folder, and another machine other copies of what is behind a URL.
        **{name: simple[name] and (url_of(simple[name]) or str(simple[name].resolve())) for name in _PATHS},
        "expected": spec.expected and asdict(spec.expected),
        "tuning": spec.tuning and asdict(spec.tuning),
        "plugins": json.loads(written_plugins(spec.plugins)),
        "data": _written_data(spec, folder),
    }


def _spec(written: dict[str, Any], folder: Path) -> RunSpec:
    data = _read_data(folder / written["data"])
    values: dict[str, Any] = {
        **{name: tuple(value) if isinstance(value, list) else value for name, value in written.items()},
        **{name: written[name] and local_folder(written[name]) for name in _PATHS},
        "expected": written["expected"] and CostEstimate(**written["expected"]),
        "tuning": written["tuning"] and _TUNING.validate_python(written["tuning"]),
        "plugins": read_plugins(json.dumps(written["plugins"])),
        "data": InMemoryData(data.fingerprint, data),
    }
    return RunSpec(**values)


def _written_data(spec: RunSpec, folder: Path) -> str:
    """Write the data of a cell, unless another cell with the same data did; return their folder in ``folder``."""
    assert spec.data is not None  # a comparison loads the data of all its cells
    assert isinstance(spec.data.data, PreparedData)
    prepared = spec.data.data
    record = json.dumps(asdict(prepared.record), sort_keys=True)
    name = f"{_DATA}/{hashlib.sha256(f'{spec.data.fingerprint} {record}'.encode()).hexdigest()[:16]}"
    if not (folder / name).is_dir():
        partial = folder / f"{name}.{os.getpid()}.partial"
        prepared.data.save_to_disk(partial)
        (partial / _DATA_RECORD).write_text(record, encoding="utf-8")
        try:
            partial.rename(folder / name)
        except OSError:  # another process wrote them first
            shutil.rmtree(partial)
    return name


@lru_cache(maxsize=4)
def _read_data(folder: Path) -> PreparedData:
    """Return data as they were written; the rows are mapped from the disk, so processes of a machine share them."""
    record = _DATA_RECORDS.validate_json((folder / _DATA_RECORD).read_bytes())
    return PreparedData(DatasetDict.load_from_disk(folder), record.task, record)
