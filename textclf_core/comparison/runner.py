"""Running the cells of a comparison: those that are finished are read, those that fail don't stop the others."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from textclf_core.comparison.board import Board
from textclf_core.comparison.cells import Cell, cells
from textclf_core.comparison.contenders import Contender
from textclf_core.data import PreparedData
from textclf_core.engine import Experiment, load_data, run_experiment
from textclf_core.environment import resolve_device
from textclf_core.errors import TextclfError
from textclf_core.records import Record, read_record


@dataclass(frozen=True)
class FinishedCell:
    """A cell with its run."""

    cell: Cell
    directory: Path
    record: Record


@dataclass(frozen=True)
class FailedCell:
    """A cell that couldn't be run, with the reason."""

    cell: Cell
    error: TextclfError


@dataclass(frozen=True)
class ComparisonPlan:
    """The cells of a comparison, and the data that each contender runs on, by its label."""

    cells: tuple[Cell, ...]
    data: dict[str, PreparedData]
    output: Path
    data_seed: int
    device: str


def plan(
    contenders: Sequence[Contender],
    seeds: Sequence[int],
    *,
    output: Path,
    data: PreparedData | None = None,
    data_seed: int = 0,
    device: str = "auto",
) -> ComparisonPlan:
    """Load the data, once for each dataset plugin and its options, and lay out the cells.

    Args:
        contenders: the contenders.
        seeds: the seeds of each.
        output: the folder of the runs.
        data: data in memory, for all contenders.
        data_seed: the seed of the data, one for all.
        device: a torch device, or ``auto``.

    Raises:
        DataError: the data can't be had or can't be used.
        UsageError: there is no such device.
    """
    device = resolve_device(device)
    by_dataset: dict[str, PreparedData] = {}
    data_of: dict[str, PreparedData] = {}
    for contender in contenders:
        if data is not None:
            data_of[contender.label] = data
            continue
        [dataset] = contender.plugins.of_role("dataset")
        key = repr((dataset.name, sorted(dataset.options.items())))
        if key not in by_dataset:
            by_dataset[key] = load_data(contender.plugins, data_seed)
        data_of[contender.label] = by_dataset[key]
    fingerprints = {label: prepared.fingerprint for label, prepared in data_of.items()}
    all_cells = cells(contenders, seeds, fingerprints=fingerprints, data_seed=data_seed, device=device)
    return ComparisonPlan(all_cells, data_of, output, data_seed, device)


def run_cells(
    plan: ComparisonPlan, board: Board, *, force: bool = False, command: str | None = None
) -> tuple[list[FinishedCell], list[FailedCell]]:
    """Run what isn't finished, and return what is and what failed, in the plan's order."""
    finished: list[FinishedCell] = []
    failed: list[FailedCell] = []
    with board:
        for cell in plan.cells:
            directory = cell.finished_in(plan.output)
            if directory and not force:
                record = read_record(directory)
                board.reused(cell, record)
                finished.append(FinishedCell(cell, directory, record))
                continue
            experiment = Experiment(
                cell.contender.plugins,
                data=plan.data[cell.contender.label],
                seed=cell.seed,
                data_seed=plan.data_seed,
                output=plan.output,
                device=plan.device,
                command=command,
                id=cell.id,
                label=cell.contender.label,
                left_out=cell.contender.left_out,
                replace=force,
            )
            with board.running(cell) as progress:
                try:
                    directory, record = run_experiment(experiment, progress)
                except TextclfError as error:
                    board.failed(cell, error)
                    failed.append(FailedCell(cell, error))
                    continue
            # They are for going on with a run; this one is whole, and a comparison has many.
            shutil.rmtree(directory / "checkpoints", ignore_errors=True)
            board.finished(cell, record)
            finished.append(FinishedCell(cell, directory, record))
    return finished, failed
