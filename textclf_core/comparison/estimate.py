"""Estimating the cost of a comparison before it runs, from pilot runs of each contender on a few rows."""

from __future__ import annotations

import json
import math
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from datasets import DatasetDict

from textclf_core.comparison.cells import Cell
from textclf_core.comparison.runner import ComparisonPlan, read_cell, run_group
from textclf_core.comparison.schedule import Prefix, prefixes, running_order, trained_jointly
from textclf_core.data import PreparedData
from textclf_core.data.sampling import TrainSize
from textclf_core.pipeline.spec import FailedRun, InMemoryData, RunSpec
from textclf_core.records.cost import FIXED_STAGES, Cost
from textclf_core.records.schema import CostEstimate
from textclf_core.reports.estimate_table import EstimateLine
from textclf_core.tasks import kind_of
from textclf_core.types.meter import SKIPPED
from textclf_core.types.progress import Progress

# Rows of train in the two pilot runs, between which the time is interpolated linearly. The first pilot run of a process
# is done twice, since cells don't pay for imports and first allocations. With fewer rows, the lengths within a batch
# differ more: of 320 rows an eighth of the computed tokens is padding, of 640 a fourteenth, of 8,530 a fiftieth.
_PILOT_ROWS = (128, 1280)
_FILE = ".expected.json"


def estimate_costs(plan: ComparisonPlan, progress: Progress) -> tuple[EstimateLine, ...]:
    """Estimate the cost of each contender with unfinished cells from pilot runs.

    A pilot run is a complete run on a stratified sample with the same share of every split, so it works with any
    plugin. Time and the size of what is cached are extrapolated linearly from two pilot runs, except the stages that
    don't depend on the number of rows, whose mean is used. The artifact's size is extrapolated as a power of the number
    of rows, since a vocabulary grows sublinearly (Heaps, "Information Retrieval", 1978, section 7.5) and weights don't
    grow. Memory is that of the larger pilot run.

    Pilot runs are done in the order of the cells, with their own cache. Cells that will train jointly are piloted
    jointly; contenders that use the cache are piloted a second time with its content, as later seeds will run. The
    estimates are saved in the output folder, so that the records of the cells can contain them.

    Raises:
        TextclfError: a contender fails.
    """
    groups: dict[tuple[str, TrainSize | None], list[Cell]] = {}
    for cell in plan.cells:
        groups.setdefault((cell.contender.name, cell.train_size), []).append(cell)
    waiting = {
        key: left for key, cells in groups.items() if (left := [cell for cell in cells if not read_cell(plan, cell)])
    }
    firsts = [cells[0] for cells in waiting.values()]
    prefix_of = prefixes([cell for cells in waiting.values() for cell in cells], plan.task_of)
    ordered = running_order(firsts, prefix_of)
    expected: dict[str, CostEstimate] = {}
    with progress.bar("pilot runs", len(waiting), "contenders") as bar, tempfile.TemporaryDirectory() as folder:
        pilot = _Pilot(plan, Path(folder), prefix_of)
        if ordered:
            pilot.warm_up(ordered[0])
        for cell in ordered:
            key = cell.contender.name, cell.train_size
            expected |= pilot.expected(waiting[key], has_finished=len(waiting[key]) < len(groups[key]))
            save_estimates(plan.output, expected)
            bar.advance(note=cell.contender.name)
    return tuple(
        EstimateLine(
            contender=cells[0].contender.label,
            data_set=cells[0].contender.data_set,
            train_size=str(key[1]) if key[1] else None,
            cells=len(cells),
            finished=len(cells) - len(waiting.get(key, ())),
            expected=_mean([expected[cell.id] for cell in waiting.get(key, ())]),
            seconds_left=sum(expected[cell.id].seconds for cell in waiting.get(key, ())),
        )
        for key, cells in groups.items()
    )


def _mean(expected: Sequence[CostEstimate]) -> CostEstimate | None:
    if not expected:
        return None
    return CostEstimate(
        seconds=sum(one.seconds for one in expected) / len(expected),
        peak_memory_bytes=max(one.peak_memory_bytes for one in expected),
        artifact_bytes=max(one.artifact_bytes for one in expected),
        cache_bytes=max(one.cache_bytes for one in expected),
    )


def save_estimates(output: Path, expected: Mapping[str, CostEstimate]) -> None:
    """Save the estimates of cells, by their ids, for their records."""
    output.mkdir(parents=True, exist_ok=True)
    path = output / _FILE
    known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    known |= {cell: asdict(one) for cell, one in expected.items()}
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(known, indent=1), encoding="utf-8")
    partial.replace(path)


def saved_estimates(output: Path) -> dict[str, CostEstimate]:
    """Return the saved estimates, by the cells' ids."""
    path = output / _FILE
    if not path.is_file():
        return {}
    return {cell: CostEstimate(**one) for cell, one in json.loads(path.read_text(encoding="utf-8")).items()}


@dataclass(frozen=True)
class _Piloted:
    """The cost of a pilot run with its number of training rows."""

    rows: int
    cost: Cost


@dataclass(frozen=True)
class _Pilot:
    """Run cells on samples of the data, in a temporary folder."""

    plan: ComparisonPlan
    folder: Path
    prefix_of: dict[str, Prefix]

    def warm_up(self, cell: Cell) -> None:
        """Do a pilot run without using its result, since cells don't pay for imports and first allocations."""
        self._run_pilot([cell], _PILOT_ROWS[0], self.folder / "warm-up")

    def expected(self, cells: Sequence[Cell], *, has_finished: bool) -> dict[str, CostEstimate]:
        """Return the estimated cost of each of a contender's waiting cells, by its id.

        Cells that will train jointly are piloted jointly. Later cells read from the cache what the first ones wrote,
        and so do the first ones if another cell was finished before.
        """
        group = trained_jointly(cells[0], cells[1:], self.prefix_of)
        first = self._estimates(group)
        if first is None:
            group = [cells[0]]
            first = self._estimates(group)
        assert first is not None  # a single cell that fails raises
        rest = [cell for cell in cells if cell not in group]
        again = self._estimates(group) or first if first[0].cache_bytes and (has_finished or rest) else first
        of_group = zip(group, again if has_finished else first, strict=True)
        return {cell.id: one for cell, one in of_group} | {cell.id: again[-1] for cell in rest}

    def _estimates(self, group: Sequence[Cell]) -> list[CostEstimate] | None:
        """Estimate the cost of cells from two samples, each with a cache that all contenders share.

        A single sample is enough if it has all rows. Returns ``None`` if the cells can't be trained jointly.
        """
        rows = len(self.plan.data[group[0].data_key].data["train"])
        samples = _PILOT_ROWS if rows > _PILOT_ROWS[0] else _PILOT_ROWS[:1]
        pilots = [self._run_pilot(group, wanted, self.folder / f"cache-{wanted}") for wanted in samples]
        small, large = pilots[0], pilots[-1]
        if small is None or large is None:
            return None
        return [_extrapolated(*piloted, rows) for piloted in zip(small, large, strict=True)]

    def _run_pilot(self, group: Sequence[Cell], wanted: int, cache: Path) -> list[_Piloted] | None:
        """Run cells of a contender on about ``wanted`` rows of train; ``None`` if they can't be trained jointly."""
        data = self.plan.data[group[0].data_key]
        share = min(1.0, wanted / len(data.data["train"]))
        sample = DatasetDict(
            {
                name: split.select(_stratified(kind_of(data.task).strata(split["label"][:]), share))
                for name, split in data.data.items()
            }
        )
        rows = len(sample["train"])
        prepared = PreparedData(sample, data.task, data.record)
        specs = [
            RunSpec(
                plugins=cell.contender.plugins,
                data=InMemoryData(f"{rows} rows of {data.fingerprint}", prepared),
                seed=cell.seed,
                data_seed=self.plan.data_seed,
                output=self.folder / "runs",
                device=self.plan.device,
                cache=cache,
                pilot=True,
            )
            for cell in group
        ]
        outcomes = run_group(specs, Progress(quiet=True))
        if outcomes is None:
            return None
        piloted = []
        for outcome in outcomes:
            if isinstance(outcome, FailedRun):
                raise outcome.error
            shutil.rmtree(outcome.directory)
            piloted.append(_Piloted(rows, outcome.record.cost))
        return piloted


def _extrapolated(small: _Piloted, large: _Piloted, rows: int) -> CostEstimate:
    """Return the estimated cost of a run on ``rows`` rows of train."""
    fixed = (_fixed_seconds(small.cost) + _fixed_seconds(large.cost)) / 2
    return CostEstimate(
        seconds=fixed + _line(small, large, rows, _growing_seconds),
        peak_memory_bytes=large.cost.peak_memory_bytes,
        artifact_bytes=round(_power(small, large, rows, lambda cost: cost.artifact_bytes)),
        cache_bytes=round(_line(small, large, rows, lambda cost: cost.cache_bytes)),
    )


def _fixed_seconds(cost: Cost) -> float:
    """Return the seconds of the stages that don't grow with the rows; extrapolating them would only amplify noise."""
    return sum(cost.seconds.get(stage, 0.0) for stage in FIXED_STAGES)


def _growing_seconds(cost: Cost) -> float:
    return cost.seconds["total"] + cost.seconds.get(SKIPPED, 0.0) - _fixed_seconds(cost)


def _line(small: _Piloted, large: _Piloted, rows: int, of: Callable[[Cost], float]) -> float:
    """Extrapolate to ``rows`` by the line through both pilot runs, with a slope of at least 0."""
    if large.rows == small.rows:  # there is only one pilot run, on all rows
        return of(large.cost)
    per_row = (of(large.cost) - of(small.cost)) / (large.rows - small.rows)
    return of(large.cost) + max(0.0, per_row) * (rows - large.rows)


def _power(small: _Piloted, large: _Piloted, rows: int, of: Callable[[Cost], float]) -> float:
    """Extrapolate to ``rows`` by the power function through both pilot runs, with an exponent of at least 0."""
    low, high = of(small.cost), of(large.cost)
    if large.rows == small.rows or low >= high or not low:
        return high
    exponent = math.log(high / low) / math.log(large.rows / small.rows)
    return float(high * (rows / large.rows) ** exponent)


def _stratified(labels: list[int], share: float) -> list[int]:
    """Return row numbers that are evenly spaced within each label, so that the sample covers the whole data set."""
    ids = np.asarray(labels)
    rows: list[int] = []
    for label in np.unique(ids):
        of_label = np.flatnonzero(ids == label)
        count = max(1, round(share * len(of_label)))
        rows += of_label[np.linspace(0, len(of_label) - 1, count).round().astype(int)].tolist()
    return sorted(rows)
