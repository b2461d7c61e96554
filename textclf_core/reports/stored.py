"""Reading stored runs, and grouping them by contender."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textclf_core.errors import UsageError
from textclf_core.records.remote_runs import fetch_runs
from textclf_core.records.schema import INCOMPLETE, RECORD_FILE, PluginRecord, Record, read_record
from textclf_core.storage.places import shown
from textclf_core.tasks import kind_of
from textclf_core.types.data import DataRecord

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from textclf_core.tasks.kind import TaskKind


TUNED = " tuned"
"""The end of the key of a table of tuned contenders."""

logger = logging.getLogger("textclf")

_CHANGE_NO_RESULT = {"observer", "reporter"}


@dataclass(frozen=True)
class StoredRun:
    """A run directory with its record; predictions are read on first use."""

    directory: Path
    record: Record

    @cached_property
    def test(self) -> pa.Table:
        """The predictions of the test split, in the data's order."""
        import pyarrow.compute as pc

        from textclf_core.records.predictions import read_predictions

        table = read_predictions(self.directory)
        return table.filter(pc.equal(table["split"], "test"))

    @cached_property
    def kind(self) -> TaskKind:
        """The kind of the run's task."""
        return kind_of(self.record.data.task)

    def names(self, column: str) -> list[Any]:
        """Return the stored column ``label`` or ``prediction`` of the test split: names, or lists of names.

        The list of a row's labels has an ``UnknownLabel`` for each of which it is unknown whether the row has it.

        Raises:
            UsageError: rows were left unanswered.
        """
        if unanswered := self.test[column].null_count:
            raise UsageError(
                f"{shown(self.directory)}: this run leaves {unanswered:,} of {self.test.num_rows:,} test rows "
                "unanswered, so it can't be compared with other runs on the same rows. Leave it out; its record has "
                "its scores."
            )
        return self._named(self.test, column)

    def decided_names(self, column: str) -> list[Any]:
        """Return the names in a column, as :meth:`names` does, for the rows with a decision only."""
        return self._named(self.test.filter(self.test["prediction"].is_valid()), column)

    def _named(self, rows: pa.Table, column: str) -> list[Any]:
        from textclf_core.types.indicators import UnknownLabel

        found = list(rows[column].to_pylist())
        if column == "label" and any(one.unknown_labels for one in self.record.data.splits if one.name != "train"):
            unknown = rows["unknown_labels"].to_pylist()
            found = [[*row, *map(UnknownLabel, of_row or ())] for row, of_row in zip(found, unknown, strict=True)]
        return found

    @cached_property
    def failed_to_train(self) -> bool:
        """Whether the model has trained, but predicts one label for all test rows (or words), whose labels differ."""
        if not self.record.cost.trainable_parameters:
            return False
        predictions, labels = self.label_ids("prediction"), self.label_ids("label")
        differ = (labels != labels[0]) & (labels >= 0) & (labels[0] >= 0)
        return bool((predictions == predictions[0]).all() and differ.any())

    def label_ids(self, column: str) -> NDArray[np.int64]:
        """Return a column as label ids, int64, shape (rows,).

        In a token task: the ids of all words of all rows, shape (words,). In a multi-label task: zeros and ones, shape
        (rows, labels), and ``NO_LABEL`` where a label is unknown.

        Raises:
            UsageError: rows were left unanswered.
        """
        return self.kind.label_ids(self.names(column))


@dataclass(frozen=True)
class ContenderRuns:
    """The runs of one contender, one per seed, in the order of the seeds."""

    label: str
    runs: tuple[StoredRun, ...]

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds."""
        return tuple(run.record.seed for run in self.runs)

    @property
    def failed_seeds(self) -> tuple[int, ...]:
        """The seeds at which training failed, so that the score is that of a constant prediction."""
        return tuple(run.record.seed for run in self.runs if run.failed_to_train)


def find_runs(paths: Iterable[Path]) -> list[StoredRun]:
    """Return the runs at the paths, each of which is a run directory or a folder that directly contains some.

    Copies of what is behind URLs are brought up to date first. What failed or interrupted runs have left is passed
    over, and logged unless the run was finished later.

    Raises:
        UsageError: a path doesn't exist or has no run, or a record can't be read.
    """
    runs: dict[Path, StoredRun] = {}
    incomplete: list[Path] = []
    for path in paths:
        fetch_runs(path)
        if not path.is_dir():
            raise UsageError(
                f"{shown(path)}: there is no such folder. Give run directories, or a folder that contains them."
            )
        if path.suffix == INCOMPLETE:  # runs/* names it
            incomplete.append(path)
            continue
        directories = [path] if (path / RECORD_FILE).is_file() else sorted(path.glob(f"[!.]*/{RECORD_FILE}"))
        found = [directory if directory.is_dir() else directory.parent for directory in directories]
        found = [directory for directory in found if directory.suffix != INCOMPLETE]
        if not found:
            raise UsageError(f"{shown(path)} contains no run (no {RECORD_FILE}).")
        incomplete += sorted(path.glob(f"[!.]*{INCOMPLETE}"))
        runs |= {directory.resolve(): StoredRun(directory, read_record(directory)) for directory in found}
    if incomplete and not runs:
        raise UsageError(f"{shown(incomplete[0])} has the files of a failed or interrupted run, and no finished one.")
    for path in incomplete:
        if not _finished_later(path):
            logger.info("%s isn't in the report: it has the files of a failed or interrupted run", shown(path))
    return list(runs.values())


def _finished_later(incomplete: Path) -> bool:
    """Return whether the run whose files are in ``ID.incomplete`` or ``ID-2.incomplete`` was finished since."""
    name = incomplete.name.removesuffix(INCOMPLETE)
    return any((incomplete.parent / one / RECORD_FILE).is_file() for one in (name, re.sub(r"-\d+$", "", name)))


def gather(runs: Iterable[StoredRun]) -> dict[str, tuple[ContenderRuns, ...]]:
    """Return the contenders of each table, by the data's fingerprint, in the order of their start times.

    Runs that differ only in the seed are one contender, also where each seed has its own training sample, and perhaps
    values tuned on it. What varied is never mixed in a table: one sample for all, a sample for each seed, or test rows
    for each seed too. Of two runs with the same seed the later one is used. If contenders have the same label but
    differ in other plugins, these are appended to the label. Tuned contenders are in
    a separate table, together with those that have nothing to tune, since comparing tuned with untuned contenders isn't
    a comparison of strategies.
    """
    by_data: dict[str, dict[str, dict[int, StoredRun]]] = {}
    ordered = sorted(runs, key=lambda run: run.record.started)
    tuned: dict[str, set[str]] = {}
    for run in ordered:
        if run.record.tuning:
            tuned.setdefault(data_key(run.record.data), set()).update(
                one.option.partition(":")[2] for one in run.record.tuning.options
            )
    untuned = {data_key(run.record.data) for run in ordered if _could_be_tuned(run.record, tuned)}
    for run in ordered:
        fingerprint = data_key(run.record.data)
        tables = [fingerprint] if not run.record.tuning and (fingerprint in untuned or fingerprint not in tuned) else []
        if run.record.tuning or (fingerprint in tuned and not _could_be_tuned(run.record, tuned)):
            tables.append(f"{fingerprint}{TUNED}")
        for table in tables:
            by_data.setdefault(table, {}).setdefault(_identity(run.record), {})[run.record.seed] = run
    gathered: dict[str, tuple[ContenderRuns, ...]] = {}
    for fingerprint, by_identity in by_data.items():
        # Several may start in one second; in one order, the same runs have the same intervals wherever they are read.
        contenders = sorted(
            by_identity.values(), key=lambda own: min((run.record.started, run.record.id) for run in own.values())
        )
        records = [next(iter(by_seed.values())).record for by_seed in contenders]
        labels = _labels(records)
        gathered[fingerprint] = tuple(
            ContenderRuns(label, tuple(by_seed[seed] for seed in sorted(by_seed)))
            for label, by_seed in zip(labels, contenders, strict=True)
        )
    return gathered


def _could_be_tuned(record: Record, tuned: Mapping[str, Collection[str]]) -> bool:
    """Return whether a run's trainer has an option that other runs on the same data tuned, but this run didn't."""
    trainer = record.plugin("trainer")
    wanted = tuned.get(data_key(record.data), ())
    return not record.tuning and trainer is not None and any(option in trainer.options for option in wanted)


def data_key(data: DataRecord) -> str:
    """Return what identifies the data: their fingerprint, or that of what each seed's own sample was drawn from."""
    source = data.drawn_from
    if source is None:
        return data.fingerprint
    drawn = ", test drawn too" if source.with_test else ""
    return f"{data.train_size} of {source.fingerprint}, data seed {source.data_seed}{drawn}"


def _identity(record: Record) -> str:
    # Where each seed is tuned on its own sample, the values are a part of what varies.
    tuned = record.tuning.options if record.tuning and record.tuning.own_sample else ()
    searched = {one.option: f"tuned in {one.searched}" for one in tuned}
    plugins = [
        [plugin.name, {name: searched.get(f"{plugin.name}:{name}", value) for name, value in plugin.options.items()}]
        for plugin in record.plugins
        if _distinguishes(plugin)
    ]
    data_seed = None if record.data.drawn_from else record.data_seed
    return json.dumps([record.label, plugins, data_seed], sort_keys=True)


def _distinguishes(plugin: PluginRecord) -> bool:
    """Return whether runs that differ in this plugin are different contenders, unlike those that change no result."""
    return "dataset" not in plugin.roles and not _CHANGE_NO_RESULT.issuperset(plugin.roles)


def _labels(records: Sequence[Record]) -> list[str]:
    labels = [record.label for record in records]
    distinct = []
    for record in records:
        label = record.label
        if labels.count(label) > 1:
            twins = [other for other in records if other.label == label]
            label += "".join(f" · {spec}" for spec in _specs(record) if not all(spec in _specs(twin) for twin in twins))
        distinct.append(label)
    # Runs with different versions of a plugin may still have the same label.
    return [
        f"{label} #{distinct[:i].count(label) + 1}" if label in distinct[:i] else label
        for i, label in enumerate(distinct)
    ]


def _specs(record: Record) -> list[str]:
    return [
        f"{plugin.name}:{','.join(f'{key}={value}' for key, value in chosen.items())}" if chosen else plugin.name
        for plugin in record.plugins
        for chosen in [{key: plugin.options[key] for key, by in plugin.set_by.items() if by != "default"}]
    ]
