"""The estimate beforehand: what a comparison will take, from a pilot run of a few steps of each contender."""

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

# Rows of train in the two pilot runs: the time of a run is a straight line through them. The first one of a process is
# done twice, since imports and first allocations are not what a cell will pay. The fewer rows, the less alike in length
# are those of a batch: of 320 rows an eighth of what is computed is padding, of 640 a fourteenth, of 8,530 a fiftieth.
_PILOT_ROWS = (128, 1280)
_FILE = ".expected.json"


def estimate_costs(plan: ComparisonPlan, progress: Progress) -> tuple[EstimateLine, ...]:
    """Do a pilot run of each contender that has cells to run, and return what they will take.

    A pilot run is a whole run on a stratified sample of the rows, of every split the same share, so it takes whatever
    plugin there is as it is. Time and what goes into the cache are extrapolated by a straight line through two pilots,
    but for the stages that every run has alike, which are the mean of both; the artifact's size by a power of the rows,
    since a vocabulary grows ever more slowly (Heaps, "Information Retrieval", 1978, section 7.5) and weights don't;
    memory is that of the larger. Pilot runs go in the order in which they will run, with a cache of their own:
    cells that will train jointly are piloted jointly, and those that use the cache once more with what they left
    there, as their later seeds will. What is found is kept in the output folder, so that the records of the cells can
    hold it beside what they really took.

    Raises:
        TextclfError: a contender can't run.
    """
    groups: dict[tuple[str, TrainSize | None], list[Cell]] = {}
    for cell in plan.cells:
        groups.setdefault((cell.contender.label, cell.train_size), []).append(cell)
    waiting = {
        key: left for key, cells in groups.items() if (left := [cell for cell in cells if not read_cell(plan, cell)])
    }
    firsts = [cells[0] for cells in waiting.values()]
    prefix_of = prefixes([cell for cells in waiting.values() for cell in cells], plan.task_of)
    ordered = running_order(firsts, prefix_of)
    expected: dict[str, CostEstimate] = {}
    with progress.bar("pilot runs", len(waiting), "contenders") as bar, tempfile.TemporaryDirectory() as room:
        pilot = _Pilot(plan, Path(room), prefix_of)
        if ordered:
            pilot.warm_up(ordered[0])
        for cell in ordered:
            key = cell.contender.label, cell.train_size
            expected |= pilot.expected(waiting[key], has_finished=len(waiting[key]) < len(groups[key]))
            save_estimates(plan.output, expected)
            bar.advance(note=cell.contender.label)
    return tuple(
        EstimateLine(
            contender=label,
            train_size=str(size) if size else None,
            cells=len(cells),
            finished=len(cells) - len(waiting.get((label, size), ())),
            expected=_mean([expected[cell.id] for cell in waiting.get((label, size), ())]),
            seconds_left=sum(expected[cell.id].seconds for cell in waiting.get((label, size), ())),
        )
        for (label, size), cells in groups.items()
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
    """Keep what is expected of cells, by their id, for their records."""
    output.mkdir(parents=True, exist_ok=True)
    path = output / _FILE
    known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    known |= {cell: asdict(one) for cell, one in expected.items()}
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(known, indent=1), encoding="utf-8")
    partial.replace(path)


def saved_estimates(output: Path) -> dict[str, CostEstimate]:
    """Return what was kept, by the cell's id."""
    path = output / _FILE
    if not path.is_file():
        return {}
    return {cell: CostEstimate(**one) for cell, one in json.loads(path.read_text(encoding="utf-8")).items()}


@dataclass(frozen=True)
class _Piloted:
    """What a run on so many rows of train took."""

    rows: int
    cost: Cost


@dataclass(frozen=True)
class _Pilot:
    """Runs cells on samples, in a folder that goes away."""

    plan: ComparisonPlan
    room: Path
    prefix_of: dict[str, Prefix]

    def warm_up(self, cell: Cell) -> None:
        """Run once for nothing: imports and first allocations are not what a cell will pay."""
        self._run_pilot([cell], _PILOT_ROWS[0], self.room / "warm-up")

    def expected(self, cells: Sequence[Cell], *, has_finished: bool) -> dict[str, CostEstimate]:
        """Return what each of a contender's waiting cells will take, by its id.

        Those that will train jointly are piloted jointly. Those after them find in the cache what the first left
        there, and so do the first if another was finished before.
        """
        group = trained_jointly(cells[0], cells[1:], self.prefix_of)
        first = self._lines(group)
        if first is None:
            group = [cells[0]]
            first = self._lines(group)
        assert first is not None  # what can't run on its own has raised
        rest = [cell for cell in cells if cell not in group]
        again = self._lines(group) or first if first[0].cache_bytes and (has_finished or rest) else first
        of_group = zip(group, again if has_finished else first, strict=True)
        return {cell.id: line for cell, line in of_group} | {cell.id: again[-1] for cell in rest}

    def _lines(self, group: Sequence[Cell]) -> list[CostEstimate] | None:
        """Extrapolate through two samples, each with a cache of its own that all contenders share.

        One will do where it holds all rows. ``None`` where the cells can't train jointly after all.
        """
        rows = len(self.plan.data[group[0].contender.label, group[0].train_size].data["train"])
        samples = _PILOT_ROWS if rows > _PILOT_ROWS[0] else _PILOT_ROWS[:1]
        pilots = [self._run_pilot(group, wanted, self.room / f"cache-{wanted}") for wanted in samples]
        small, large = pilots[0], pilots[-1]
        if small is None or large is None:
            return None
        return [_extrapolated(*piloted, rows) for piloted in zip(small, large, strict=True)]

    def _run_pilot(self, group: Sequence[Cell], wanted: int, cache: Path) -> list[_Piloted] | None:
        """Run cells of a contender on about ``wanted`` rows of train; ``None`` where they can't train jointly."""
        data = self.plan.data[group[0].contender.label, group[0].train_size]
        share = min(1.0, wanted / len(data.data["train"]))
        sample = DatasetDict(
            {
                name: split.select(_stratified(kind_of(data.task).strata(split["label"][:]), share))
                for name, split in data.data.items()
            }
        )
        rows = len(sample["train"])
        prepared = PreparedData(sample, data.task, data.splits, data.source, data.fingerprint)
        specs = [
            RunSpec(
                plugins=cell.contender.plugins,
                data=InMemoryData(f"{rows} rows of {data.fingerprint}", prepared),
                seed=cell.seed,
                data_seed=self.plan.data_seed,
                output=self.room / "runs",
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
    """Return what so many rows of train will take."""
    fixed = (_fixed_seconds(small.cost) + _fixed_seconds(large.cost)) / 2
    return CostEstimate(
        seconds=fixed + _line(small, large, rows, _growing_seconds),
        peak_memory_bytes=large.cost.peak_memory_bytes,
        artifact_bytes=round(_power(small, large, rows, lambda cost: cost.artifact_bytes)),
        cache_bytes=round(_line(small, large, rows, lambda cost: cost.cache_bytes)),
    )


def _fixed_seconds(cost: Cost) -> float:
    """Return what doesn't grow with the rows: a line through it would multiply its noise by what it is extrapolated."""
    return sum(cost.seconds.get(stage, 0.0) for stage in FIXED_STAGES)


def _growing_seconds(cost: Cost) -> float:
    return cost.seconds["total"] + cost.seconds.get(SKIPPED, 0.0) - _fixed_seconds(cost)


def _line(small: _Piloted, large: _Piloted, rows: int, of: Callable[[Cost], float]) -> float:
    """Extrapolate to ``rows`` by the line through both, which doesn't fall."""
    if large.rows == small.rows:  # there aren't more rows than the smaller pilot run takes
        return of(large.cost)
    per_row = (of(large.cost) - of(small.cost)) / (large.rows - small.rows)
    return of(large.cost) + max(0.0, per_row) * (rows - large.rows)


def _power(small: _Piloted, large: _Piloted, rows: int, of: Callable[[Cost], float]) -> float:
    """Extrapolate to ``rows`` by the power of them through both, which doesn't fall."""
    low, high = of(small.cost), of(large.cost)
    if large.rows == small.rows or low >= high or not low:
        return high
    exponent = math.log(high / low) / math.log(large.rows / small.rows)
    return float(high * (rows / large.rows) ** exponent)


def _stratified(labels: list[int], share: float) -> list[int]:
    """Return rows, evenly spaced within each label, so that long and short, early and late ones are among them."""
    ids = np.asarray(labels)
    rows: list[int] = []
    for label in np.unique(ids):
        of_label = np.flatnonzero(ids == label)
        count = max(1, round(share * len(of_label)))
        rows += of_label[np.linspace(0, len(of_label) - 1, count).round().astype(int)].tolist()
    return sorted(rows)
