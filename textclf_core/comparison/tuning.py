"""Tuning options of each contender's trainer on validation, with the same budget for each."""

from __future__ import annotations

import logging
import math
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from textclf_core.comparison.cells import Cell, DataKey, make_cell
from textclf_core.comparison.contenders import Contender
from textclf_core.comparison.runner import ComparisonPlan, FailedCell, run_cell
from textclf_core.comparison.search import DEFAULT_TRIALS, Search, Space, Value
from textclf_core.data import with_train_size
from textclf_core.data.sampling import TrainSize
from textclf_core.errors import RunError, TextclfError, UsageError, format_error
from textclf_core.pipeline.evaluation import check_metrics
from textclf_core.plugins import ActivePlugin, ActivePlugins
from textclf_core.plugins.activation import with_options
from textclf_core.records.schema import MODEL_DIRECTORY, TRIALS_DIRECTORY, Record, TunedOption, Tuning
from textclf_core.storage.places import shown
from textclf_core.types.metric import MetricInfo
from textclf_core.types.progress import Progress

logger = logging.getLogger("textclf")

_TRIAL_SEED = 1_000_000

# Of the trials on a part of train, one in so many goes on to a part that is so many times larger.
_HALVING = 4
_FEWEST_ROWS = 200
_FEWEST_SURVIVORS = 2


def tune_plan(
    plan: ComparisonPlan, search: Search, metric: MetricInfo, progress: Progress
) -> tuple[ComparisonPlan, tuple[FailedCell, ...]]:
    """Tune every contender whose trainer has one of the options, on each training sample that its seeds have.

    Where each seed has its own sample, each is tuned on its own train and validation: what was chosen on another seed's
    validation would be chosen on rows of this one's train, or of its test.

    Returns:
        The plan with the tuned contenders, whose labels say so, and the contenders without the options; and the cells
        of contenders whose trials all failed, with their errors.

    Raises:
        UsageError: Optuna isn't installed, no contender has an option, its values are unknown or can't be used, or a
            contender doesn't compute the metric.
        KeyboardInterrupt: with a note on the finished trials.
    """
    firsts: dict[tuple[str, DataKey], Cell] = {}
    for cell in plan.cells:
        firsts.setdefault((cell.contender.name, cell.data_key), cell)
    known = {name for first in firsts.values() for name in _trainer(first.contender).options}
    if unknown := next((option.name for option in search.options if option.name not in known), None):
        raise UsageError(f"--tune {unknown}: no contender's trainer has an option {unknown!r}.")
    # Raises before the first trial.
    spaces = {key: search.spaces_for(_trainer(first.contender)) for key, first in firsts.items()}
    for key, first in firsts.items():
        if spaces[key]:
            _check_metric(plan, first, metric.name)
    studies = {key: _Study(plan, first, spaces[key], search, metric) for key, first in firsts.items() if spaces[key]}
    try:
        tuned = {key: study.tune(progress) for key, study in studies.items()}
    except KeyboardInterrupt as interrupt:
        trials = plan.output / TRIALS_DIRECTORY
        finished = sum(cell.finished_in(trials) is not None for study in studies.values() for cell in study.begun)
        place = shown(trials)
        interrupt.add_note(f"Options were being tuned: {finished} trials are finished, in {place}, and are read again.")
        raise
    cells: list[Cell] = []
    failed: list[FailedCell] = []
    for cell in plan.cells:
        best = tuned.get((cell.contender.name, cell.data_key))
        if best is None:
            cells.append(cell)
        elif isinstance(best, RunError):
            failed.append(FailedCell(cell, best))
        else:
            cells.append(_cell(plan, cell, best, cell.seed))
    return replace(plan, cells=tuple(cells)), tuple(failed)


def _trainer(contender: Contender) -> ActivePlugin:
    [trainer] = contender.plugins.of_role("trainer")
    return trainer


def _check_metric(plan: ComparisonPlan, cell: Cell, metric: str) -> None:
    """Refuse a contender that doesn't compute the metric by which tuning chooses."""
    prepared = plan.data[cell.data_key]
    given = check_metrics(cell.contender.plugins, prepared.task, prepared.data["validation"])
    if metric not in given:
        computed = ", ".join(sorted(given)) or "none"
        raise UsageError(
            f"--tune chooses by {metric!r}, but {cell.contender.name} only computes {computed}. "
            "Add the metric's plugin with --plugin."
        )


Values = Mapping[str, Value]


@dataclass(frozen=True)
class _Trial:
    """A finished trial: the values, and its score on validation, oriented: larger is better."""

    values: Values
    score: float


class _Study:
    """The search of one contender on one training sample.

    The first trial uses the options' current values. The other values are chosen by Optuna's tree-structured Parzen
    estimator (Bergstra et al., NeurIPS 2011), half of them at random. It is seeded, so that a comparison that was
    stopped tries the same values again and reads their runs. A trial that fails, for example because it diverges,
    counts as a trial.

    Where trials are pruned, they are runs on a nested sample of train, of which the best quarter is run again on four
    times the rows, and so on up to all rows (successive halving: Jamieson and Talwalkar, AISTATS 2016). The value with
    the best score among the trials on all rows is chosen.

    All trials have one seed, which no run of the comparison has: else the run of the chosen trial would be selected
    for its luck.

    Attributes:
        begun: the cells of the trials that have begun.
    """

    def __init__(
        self, plan: ComparisonPlan, first: Cell, spaces: tuple[Space, ...], search: Search, metric: MetricInfo
    ) -> None:
        self._plan, self._first, self._spaces, self._search, self._metric = plan, first, spaces, search, metric
        used = {cell.seed for cell in plan.cells}
        self._seed = next(seed for seed in range(_TRIAL_SEED, _TRIAL_SEED + len(used) + 1) if seed not in used)
        whole = plan.data[first.data_key]
        self._shares = _shares(search, len(whole.data["train"]))
        self._data = {
            share: with_train_size(whole, TrainSize(share=share), plan.data_seed) if share < 1 else whole
            for share in self._shares
        }
        self._own_sample = whole.record.drawn_from is not None
        self._flops = self._seconds = 0.0
        self._counts_flops = True
        self._failure = ""
        self.begun: list[Cell] = []

    def tune(self, progress: Progress) -> Contender | RunError:
        """Return the contender with the best values on validation; an error if all trials failed."""
        name, trials = self._first.contender.name, self._search.trials
        again = sum(math.ceil(trials * self._shares[0] / share) for share in self._shares[1:])
        of_seed = f" for seed {self._first.seed}" if self._own_sample else ""
        with progress.bar(f"tune {name}{of_seed}", trials + again, "trials") as bar:
            tried: list[_Trial] = []
            number = 0
            for outcome in self._explore():
                number += 1
                tried += [outcome] if outcome else []
                best = max(tried, key=lambda one: one.score, default=None)
                bar.advance(note=f"best so far: {_written(best.values)}" if best else "")
            for share in self._shares[1:]:
                tried = self._promote(tried, share, max(1, math.ceil(number * self._shares[0] / share)))
                bar.advance(math.ceil(trials * self._shares[0] / share))
        if not tried:
            return RunError(f"all {number} trials of {_names(self._spaces)} failed, the last one with: {self._failure}")
        best = max(tried, key=lambda one: one.score)
        trainer = _trainer(self._first.contender).name
        tuning = Tuning(
            options=tuple(
                TunedOption(option=f"{trainer}:{space.name}", value=best.values[space.name], searched=str(space))
                for space in self._spaces
            ),
            trials=number,
            ended_early=number - len(tried) if len(self._shares) > 1 else 0,
            seed=self._seed,
            own_sample=self._own_sample,
            train_seconds=self._seconds,
            train_flops=None if math.isnan(self._flops) else self._flops,
            validation_score=self._metric.oriented(best.score),
        )
        chosen = _with_values(self._first.contender, best.values, f"{self._first.contender.label} (tuned)")
        return replace(chosen, tuning=tuning)

    def _explore(self) -> Iterator[_Trial | None]:
        """Yield the trials with the fewest rows, ``None`` for one that failed, while the budget lasts."""
        optuna = _optuna()
        trials = self._search.trials
        sampler = optuna.samplers.TPESampler(seed=0, n_startup_trials=max(2, min(trials, DEFAULT_TRIALS) // 2))
        with _warnings_alone(optuna):
            study = optuna.create_study(direction="maximize", sampler=sampler)
        own = _trainer(self._first.contender).options
        if all(space.includes(own[space.name]) for space in self._spaces):
            study.enqueue_trial(
                {space.name: str(own[space.name]) if space.choices else own[space.name] for space in self._spaces}
            )
        # Each round of halving costs as much as the first.
        budget = None if self._search.flops is None else self._search.flops / len(self._shares)
        for number in range(trials):
            if (
                budget is not None
                and number >= (2 if self._counts_flops else DEFAULT_TRIALS)
                and (self._flops >= budget or not self._counts_flops)
            ):
                break
            trial = study.ask()
            outcome = self._run({space.name: space.suggest(trial) for space in self._spaces}, self._shares[0])
            if outcome is None:
                study.tell(trial, state=optuna.trial.TrialState.FAIL)
            else:
                study.tell(trial, outcome.score)
            yield outcome

    def _promote(self, tried: list[_Trial], share: float, wanted: int) -> list[_Trial]:
        """Return the best trials run again on a larger share of train; one that fails there is replaced by the next."""
        promoted: list[_Trial] = []
        for one in sorted(tried, key=lambda one: -one.score):
            if len(promoted) == wanted:
                break
            if outcome := self._run(one.values, share):
                promoted.append(outcome)
        return promoted

    def _run(self, values: Values, share: float) -> _Trial | None:
        """Run a trial, or read its finished run, in the subfolder of trials, which reports don't include."""
        part = f" on {100 * share:.3g}%" if share < 1 else ""
        attempt = _with_values(
            self._first.contender, values, f"{self._first.contender.label} trial {_written(values)}{part}"
        )
        data = {self._first.data_key: self._data[share]}
        plan = replace(self._plan, output=self._plan.output / TRIALS_DIRECTORY, data=data)
        cell = _cell(plan, self._first, attempt, self._seed)
        self.begun.append(cell)
        try:
            # A trial's model is removed, so it needn't be checked.
            done = run_cell(plan, cell, Progress(quiet=True), prove=False)
            shutil.rmtree(done.directory / MODEL_DIRECTORY, ignore_errors=True)
            flops = done.record.cost.train_flops
            self._flops += math.nan if flops is None else flops
            self._seconds += done.record.cost.seconds["train"]
            self._counts_flops = bool(flops)
            return _Trial(values, self._metric.oriented(_validation_score(done.record, self._metric.name)))
        except TextclfError as error:
            self._failure = format_error(error)
            logger.warning("%s failed: %s", attempt.name, self._failure)
            return None


def _shares(search: Search, rows: int) -> list[float]:
    """Return the shares of train on which trials are run, ascending, the last one 1."""
    shares = [1.0]
    while (
        search.prune
        and search.trials * shares[0] / _HALVING >= _FEWEST_SURVIVORS
        and rows * shares[0] / _HALVING >= _FEWEST_ROWS
    ):
        shares.insert(0, shares[0] / _HALVING)
    return shares


def _written(values: Values) -> str:
    return ", ".join(
        f"{name}={value}" if isinstance(value, str) else f"{name}={value:g}" for name, value in values.items()
    )


def _names(spaces: tuple[Space, ...]) -> str:
    return " and ".join(repr(space.name) for space in spaces)


def _validation_score(record: Record, metric: str) -> float:
    """Return a trial's score on validation.

    Raises:
        RunError: the metric has no value.
    """
    score = record.metrics["validation"].get(metric)
    if score is None:
        raise RunError(f"{metric} has no value on validation")
    return score


def _cell(plan: ComparisonPlan, like: Cell, contender: Contender, seed: int) -> Cell:
    """Return a cell of another contender with the training sample of a cell of the plan."""
    return make_cell(
        contender,
        seed,
        like.data_key,
        fingerprint=plan.data[like.data_key].fingerprint,
        data_seed=plan.data_seed,
        device=plan.device,
    )


def _with_values(contender: Contender, values: Values, label: str) -> Contender:
    """Return the contender with another label, and other values of its trainer's options."""
    plugins = ActivePlugins(
        [
            with_options(plugin, values, set_by="tuning") if "trainer" in plugin.roles else plugin
            for plugin in contender.plugins
        ]
    )
    return replace(contender, plugins=plugins, label=label)


def _optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise UsageError('--tune needs Optuna: pip install "textclf-core[tune]".') from error
    return optuna


@contextmanager
def _warnings_alone(optuna: Any) -> Iterator[None]:
    """Silence Optuna's messages below the level of warnings while the block runs."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
