"""The bill beforehand: what a comparison will take, from a probe of a few steps of each contender."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from datasets import DatasetDict

from textclf_core.comparison.cells import Cell
from textclf_core.comparison.runner import ComparisonPlan
from textclf_core.data import PreparedData
from textclf_core.engine import Experiment, run_experiment
from textclf_core.progress import Progress
from textclf_core.records import Expected

# Rows of train in the two probes: the time of a run is a straight line through them. The first probe of a process is
# run twice, since imports and first allocations are not what a cell will pay.
_PROBE_ROWS = (64, 320)
_FILE = ".expected.json"


@dataclass(frozen=True)
class BillLine:
    """What one contender's cells will take, at one size of train.

    Attributes:
        cells: how many there are.
        finished: how many of them are finished.
        expected: what one takes; ``None`` where all are finished.
    """

    contender: str
    train_size: str | None
    cells: int
    finished: int
    expected: Expected | None

    @property
    def seconds_left(self) -> float:
        """Expected seconds of the cells that aren't finished."""
        return (self.cells - self.finished) * self.expected.seconds if self.expected else 0.0


def bill(plan: ComparisonPlan, progress: Progress) -> tuple[BillLine, ...]:
    """Probe each contender that has cells to run, and return what they will take.

    A probe is a whole run on a stratified sample of the rows, of every split the same share, so it takes whatever
    plugin there is as it is. Time is extrapolated by a straight line through two probes; memory and the artifact's
    size are those of the larger. What is found is kept in the output folder, so that the records of the cells can hold
    it beside what they really took.

    Raises:
        TextclfError: a contender can't run.
    """
    groups: dict[tuple[str, object], list[Cell]] = {}
    for cell in plan.cells:
        groups.setdefault((cell.contender.label, cell.train_size), []).append(cell)
    waiting = {key: cells for key, cells in groups.items() if any(not cell.finished_in(plan.output) for cell in cells)}
    lines = []
    warm = False
    with progress.bar("probe", len(waiting), "contenders") as bar:
        for key, cells in groups.items():
            expected = None
            if key in waiting:
                data = plan.data[cells[0].contender.label, cells[0].train_size]
                if not warm:
                    _probe(cells[0], data, _PROBE_ROWS[0], plan)
                    warm = True
                expected = _expected(cells[0], data, plan)
                keep_expected(plan.output, {cell.id: expected for cell in cells})
                bar.advance(note=cells[0].contender.label)
            finished = sum(cell.finished_in(plan.output) is not None for cell in cells)
            size = str(cells[0].train_size) if cells[0].train_size else None
            lines.append(BillLine(cells[0].contender.label, size, len(cells), finished, expected))
    return tuple(lines)


def keep_expected(output: Path, expected: Mapping[str, Expected]) -> None:
    """Keep what is expected of cells, by their id, for their records."""
    output.mkdir(parents=True, exist_ok=True)
    path = output / _FILE
    known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    known |= {cell: asdict(one) for cell, one in expected.items()}
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(known, indent=1), encoding="utf-8")
    partial.replace(path)


def kept_expected(output: Path) -> dict[str, Expected]:
    """Return what was kept, by the cell's id."""
    path = output / _FILE
    if not path.is_file():
        return {}
    return {cell: Expected(**one) for cell, one in json.loads(path.read_text(encoding="utf-8")).items()}


def _expected(cell: Cell, data: PreparedData, plan: ComparisonPlan) -> Expected:
    rows = len(data.data["train"])
    small, large = (_probe(cell, data, wanted, plan) for wanted in _PROBE_ROWS)
    if large[0] == small[0]:  # there aren't more rows than the smaller probe takes
        seconds = large[1].seconds
    else:
        slope = max(0.0, (large[1].seconds - small[1].seconds) / (large[0] - small[0]))
        seconds = large[1].seconds + slope * (rows - large[0])
    return Expected(
        seconds=seconds,
        peak_memory_bytes=large[1].peak_memory_bytes,
        artifact_bytes=large[1].artifact_bytes,
        cache_bytes=large[1].cache_bytes,
    )


def _probe(cell: Cell, data: PreparedData, wanted: int, plan: ComparisonPlan) -> tuple[int, Expected]:
    """Run the cell on a sample of about ``wanted`` rows of train; return the rows taken and what that took."""
    share = min(1.0, wanted / len(data.data["train"]))
    sample = DatasetDict(
        {name: split.select(_stratified(split["label"][:], share)) for name, split in data.data.items()}
    )
    probed = PreparedData(sample, data.task, data.splits, data.source, data.fingerprint)
    with tempfile.TemporaryDirectory() as room:
        experiment = Experiment(
            cell.contender.plugins,
            data=probed,
            seed=cell.seed,
            data_seed=plan.data_seed,
            output=Path(room),
            device=plan.device,
        )
        _, record = run_experiment(experiment, Progress(quiet=True))
    cost = record.cost
    taken = Expected(
        # What doesn't grow with the rows (building, the latency's twenty texts) is in both probes alike.
        seconds=cost.seconds["total"],
        peak_memory_bytes=cost.peak_memory_bytes,
        artifact_bytes=cost.artifact_bytes,
        cache_bytes=0,
    )
    return len(sample["train"]), taken


def _stratified(labels: list[int], share: float) -> list[int]:
    """Return rows, evenly spaced within each label, so that long and short, early and late ones are among them."""
    ids = np.asarray(labels)
    rows: list[int] = []
    for label in np.unique(ids):
        of_label = np.flatnonzero(ids == label)
        count = max(1, round(share * len(of_label)))
        rows += of_label[np.linspace(0, len(of_label) - 1, count).round().astype(int)].tolist()
    return sorted(rows)
