"""Planning the cells of a comparison, reading finished ones, and running one or several."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from textclf_core.comparison.cells import Cell, DataKey, cells, data_set_of
from textclf_core.comparison.claims import claimed
from textclf_core.comparison.contenders import Contender
from textclf_core.data import PreparedData, with_own_sample, with_train_size
from textclf_core.data.drawing import sample_seed
from textclf_core.data.sampling import TrainSize
from textclf_core.errors import DataError, TextclfError, UsageError
from textclf_core.pipeline.directory import CLAIMS
from textclf_core.pipeline.loading import load_data
from textclf_core.pipeline.pipeline import run, run_one
from textclf_core.pipeline.postprocessing import check_postprocessing
from textclf_core.pipeline.spec import FinishedRun, InMemoryData, RunOutcome, RunSpec
from textclf_core.pipeline.training import NotTrainedJointlyError
from textclf_core.plugins import suited
from textclf_core.records.formats import RECORD_FORMAT
from textclf_core.records.remote_runs import remote_runs
from textclf_core.records.schema import CHECKPOINTS_DIRECTORY, RECORD_FILE, CostEstimate, Record, read_record
from textclf_core.reports.failed import FailedRun
from textclf_core.storage.places import shown, url_of
from textclf_core.system.environment import resolve_device
from textclf_core.types.data import DataRecord
from textclf_core.types.postprocessing import may_abstain
from textclf_core.types.progress import Progress
from textclf_core.types.task import Task

logger = logging.getLogger("textclf")

VARY = ("seed", "data", "data=all")
"""What may vary over the seeds of a comparison, beside what the seed sets.

With ``data`` each seed has its own training sample, with ``data=all`` its own test rows too; all contenders share them.
"""

_POLL_SECONDS = 0.2
_POLL_SECONDS_BY_URL = 2.0


@dataclass(frozen=True)
class FinishedCell:
    """A finished cell and its run."""

    cell: Cell
    directory: Path
    record: Record


@dataclass(frozen=True)
class FailedCell:
    """A failed cell and its error."""

    cell: Cell
    error: TextclfError


@dataclass(frozen=True)
class ComparisonPlan:
    """The cells of a comparison, and the data of each cell, by its ``data_key``.

    ``looks`` are the numbers of seeds at which the results are looked at.
    """

    cells: tuple[Cell, ...]
    data: dict[DataKey, PreparedData]
    output: Path
    data_seed: int
    device: str
    cache: Path | None
    looks: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """The comparison's name for observers."""
        names = {self.name_for(data.record) for data in self.data.values()}
        return names.pop() if len(names) == 1 else self.output.resolve().name

    def name_for(self, data: DataRecord) -> str:
        """Return the comparison's name for observers of a run on these data: the same for each seed's own sample."""
        splits = {split.name: split for split in data.splits}
        test = data.drawn_from.fingerprint if data.drawn_from and data.own_tests else splits["test"].sha256
        return f"{self.output.resolve().name} {test[:8]} n={splits['train'].rows}"

    def task_of(self, cell: Cell) -> Task:
        """Return the task of a cell's data."""
        return self.data[cell.data_key].task


def plan(
    contenders: Sequence[Contender],
    seeds: Sequence[int],
    *,
    output: Path,
    sizes: Sequence[TrainSize] = (),
    looks: Sequence[int] = (),
    data: Mapping[str | None, PreparedData] | None = None,
    vary: str = "seed",
    data_seed: int = 0,
    device: str = "auto",
    cache: Path | None = None,
) -> ComparisonPlan:
    """Load the data, once per dataset plugin with its options, and return the plan of cells.

    Args:
        contenders: the contenders.
        seeds: the seeds of each contender.
        output: the folder of the run directories.
        sizes: the sizes of train; all of it if none is given.
        looks: the numbers of seeds at which the results are looked at, in ascending order; once, at all seeds, if not
            given.
        data: data in memory, by the contenders' ``data_set``, in place of dataset plugins.
        vary: what varies over the seeds: one of :data:`VARY`.
        data_seed: the seed of held-out splits and samples, for all contenders.
        device: a torch device, or ``auto``.
        cache: the cache's folder; the user's cache if not given.

    Raises:
        DataError: data can't be loaded or used.
        UsageError: the device doesn't exist, a contender doesn't support the task or may leave rows unanswered, or two
            data sets are the same.
    """
    device = resolve_device(device)
    wanted = sizes or (None,)
    samples = (None,) if vary == "seed" else tuple(seeds)
    data_of: dict[DataKey, PreparedData] = {}
    name_of = {data_set_of(contender): contender.data_set for contender in contenders}
    for data_set, whole in _loaded(contenders, data or {}, data_seed).items():
        try:
            data_of |= {
                DataKey(data_set, size, sample): _sampled(whole, size, data_seed, sample, vary)
                for size in wanted
                for sample in samples
            }
        except (DataError, UsageError) as error:
            if name_of[data_set] is None:
                raise
            raise type(error)(f"{name_of[data_set]}: {error}") from error
    record_of = {key.data_set: prepared.record for key, prepared in reversed(data_of.items())}
    for contender in contenders:
        _refuse_abstaining(contender, record_of[data_set_of(contender)])
    contenders = _suited(contenders, record_of)
    all_cells = cells(
        contenders,
        wanted,
        seeds,
        fingerprints={key: prepared.fingerprint for key, prepared in data_of.items()},
        own_samples=vary != "seed",
        data_seed=data_seed,
        device=device,
    )
    return ComparisonPlan(all_cells, data_of, output, data_seed, device, cache, tuple(looks) or (len(seeds),))


def _loaded(
    contenders: Sequence[Contender], in_memory: Mapping[str | None, PreparedData], data_seed: int
) -> dict[str, PreparedData]:
    """Load each data set once; return them by :func:`~textclf_core.comparison.cells.data_set_of`."""
    found: dict[str, PreparedData] = {}
    names: dict[str, str] = {}
    faults: dict[str, DataError] = {}
    for contender in contenders:
        key, name = data_set_of(contender), contender.data_set
        if key in found or name in faults:
            continue
        try:
            whole = in_memory[name] if name in in_memory else load_data(contender.plugins, data_seed)
        except DataError as error:
            if name is None:
                raise
            faults[name] = error
            continue
        if name is not None and (other := names.setdefault(whole.fingerprint, name)) != name:
            raise UsageError(f"the data sets {other} and {name} have the same rows and labels; leave one out.")
        described = whole.record.source, whole.record.read_from
        if name is not None and described in [(one.record.source, one.record.read_from) for one in found.values()]:
            # A plugin may describe all of its data sets alike, but reports tell them apart by what is recorded.
            whole = replace(whole, record=replace(whole.record, source=f"{whole.record.source} ({name})"))
        found[key] = whole
    if faults:
        raise DataError("\n".join(f"{name}: {error}" for name, error in faults.items()))
    return found


def _sampled(whole: PreparedData, size: TrainSize | None, data_seed: int, seed: int | None, vary: str) -> PreparedData:
    """Return the data with a size of train and, given the seed of a run, with its own sample."""
    if seed is not None:
        return with_own_sample(whole, size, data_seed, seed, with_test=vary == "data=all")
    return with_train_size(whole, size, data_seed) if size else whole


def _refuse_abstaining(contender: Contender, data: DataRecord) -> None:
    """Refuse a contender that may leave rows unanswered, since it would be scored on other rows than the others."""
    if abstaining := [step.plugin for step in check_postprocessing(contender.plugins, data) if may_abstain([step])]:
        raise UsageError(
            f"--try {contender.name}: {' and '.join(abstaining)} may leave rows unanswered, but a comparison must "
            "score all contenders on the same rows. Leave it out here, and try it with `textclf run` on the contender "
            "that you choose."
        )


def _suited(contenders: Sequence[Contender], record_of: Mapping[str, DataRecord]) -> list[Contender]:
    """Return the contenders with the plugins that support their task, without baselines that don't support it."""
    found = []
    for contender in contenders:
        try:
            plugins = suited(contender.plugins, record_of[data_set_of(contender)])
            found.append(replace(contender, plugins=plugins))
        except UsageError as error:
            if not contender.baseline:
                if contender.data_set:
                    raise UsageError(f"on the data set {contender.data_set}: {error}") from error
                raise
            logger.info("a baseline is dropped%s: %s", f" on {contender.data_set}" * bool(contender.data_set), error)
    return found


def read_cell(plan: ComparisonPlan, cell: Cell, *, now: bool = True) -> FinishedCell | None:
    """Return a cell with its run if it is finished; ``None`` if not.

    A cell whose record has an earlier format counts as unfinished, which is logged. ``now`` is as for
    :func:`finished_record`.
    """
    directory = plan.output / cell.id
    record = finished_record(directory, now=now)
    return FinishedCell(cell, directory, record) if record else None


def finished_record(directory: Path, *, now: bool = True) -> Record | None:
    """Return the record of a finished run; ``None`` if there is none, or if its format is an earlier one.

    Args:
        directory: the run directory. If its folder is the copy of one behind a URL, the run is read from there.
        now: whether to ask there even if it was asked a few seconds ago.
    """
    if runs := remote_runs(directory.parent):
        runs.refresh([directory.name], now=now)
    if not (directory / RECORD_FILE).is_file():
        return None
    record = read_record(directory)
    if record.format != RECORD_FORMAT:
        formats = record.format, RECORD_FORMAT
        logger.info("%s is run again: its record has format %d, and this version writes %d", shown(directory), *formats)
        return None
    return record


def run_cell(plan: ComparisonPlan, cell: Cell, progress: Progress, *, prove: bool = True) -> FinishedCell:
    """Run a cell, or read it if it is finished; ``prove`` is as in ``RunSpec``.

    If another process is running it, this one waits for that.

    Raises:
        TextclfError: the run failed.
    """
    while True:
        with claimed(plan.output / CLAIMS, cell.id) as is_free:
            if is_free:
                if found := read_cell(plan, cell):
                    return found
                done = run_one(replace(spec_of(plan, cell, None, None), prove=prove), progress)
                remove_checkpoints(done)
                return FinishedCell(cell, done.directory, done.record)
        wait_for_others(plan.output)


def wait_for_others(output: Path) -> None:
    """Wait before asking again whether another process has finished a cell."""
    time.sleep(_POLL_SECONDS_BY_URL if url_of(output) else _POLL_SECONDS)


def failed_run(plan: ComparisonPlan, failed: FailedCell) -> FailedRun:
    """Return a failed cell as reports show it."""
    return FailedRun(
        data=plan.data[failed.cell.data_key].record,
        contender=failed.cell.contender.label,
        seed=failed.cell.seed,
        error=str(failed.error).partition("\n")[0],
    )


def run_group(specs: Sequence[RunSpec], progress: Progress) -> list[RunOutcome] | None:
    """Run one specification, or several jointly; return ``None`` if they must be run one by one."""
    try:
        return run(specs, progress)
    except NotTrainedJointlyError:
        return None


def spec_of(plan: ComparisonPlan, cell: Cell, command: str | None, expected: CostEstimate | None) -> RunSpec:
    """Return the specification of a cell's run."""
    data = plan.data[cell.data_key]
    return RunSpec(
        plugins=cell.contender.plugins,
        data=InMemoryData(data.fingerprint, data),
        seed=cell.seed,
        # A trainer that samples from train itself must not draw the same rows at every seed.
        data_seed=sample_seed(plan.data_seed, cell.seed) if data.record.drawn_from else plan.data_seed,
        output=plan.output,
        device=plan.device,
        command=command,
        id=cell.id,
        label=cell.contender.label,
        comparison=plan.name_for(data.record),
        left_out=cell.contender.left_out,
        replace=True,
        expected=expected,
        tuning=cell.contender.tuning,
        looks=plan.looks,
        cache=plan.cache,
    )


def remove_checkpoints(run: FinishedRun) -> None:
    """Remove the checkpoints of a finished cell: they are for resuming a run, and a comparison has many."""
    shutil.rmtree(run.directory / CHECKPOINTS_DIRECTORY, ignore_errors=True)
