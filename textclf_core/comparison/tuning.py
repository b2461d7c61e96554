"""Tuning an option of each contender on validation, with the same number of trials."""

from __future__ import annotations

import logging
import math
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from textclf_core.comparison.cells import Cell, make_cell
from textclf_core.comparison.contenders import Contender
from textclf_core.comparison.runner import ComparisonPlan, FailedCell, read_cell, run_cell
from textclf_core.data.sampling import TrainSize
from textclf_core.errors import RunError, TextclfError, UsageError, format_error
from textclf_core.pipeline.evaluation import check_metrics
from textclf_core.plugins import ActivePlugin, ActivePlugins, suited
from textclf_core.plugins.activation import with_options
from textclf_core.plugins.options import options_of
from textclf_core.records.schema import MODEL_DIRECTORY, Record, Tuning
from textclf_core.types.progress import Progress

logger = logging.getLogger("textclf")

TRIALS = "trials"
"""The subfolder of the output folder for the runs of the trials."""

_FEWEST_TRIALS = 2


@dataclass(frozen=True)
class Search:
    """The search for an option of the trainer, on a logarithmic scale between bounds.

    Without bounds, the search range that the option declares is used.
    """

    option: str
    bounds: tuple[float, float] | None
    trials: int

    def bounds_for(self, trainer: ActivePlugin) -> tuple[float, float]:
        """Return the lowest and the highest value to try.

        Raises:
            UsageError: no bounds are given, and the trainer's option declares none.
        """
        [option] = [one for one in options_of(type(trainer.instance)) if one.name == self.option]
        bounds = self.bounds or option.search
        if bounds is None:
            raise UsageError(
                f"--tune {self.option}: {trainer.name} has no default range for it; give one, such as "
                f"{self.option}=1e-4..1e-1."
            )
        return bounds


def parse_search(text: str, trials: int) -> Search:
    """Return the search for ``learning_rate`` or ``learning_rate=1e-5..1e-2``.

    Raises:
        UsageError: the range is invalid, or there are too few trials.
    """
    if trials < _FEWEST_TRIALS:
        raise UsageError(f"--trials {trials}: tuning needs at least {_FEWEST_TRIALS} trials.")
    option, _, bounds = text.partition("=")
    if not bounds:
        return Search(option, None, trials)
    low, dots, high = bounds.partition("..")
    try:
        ends = float(low), float(high)
    except ValueError:
        ends = 0.0, 0.0
    if not (dots and 0 < ends[0] < ends[1]):
        raise UsageError(f"--tune {text}: the range must be ascending and above 0, such as {option}=1e-5..1e-2.")
    return Search(option, ends, trials)


def tune_plan(
    plan: ComparisonPlan, search: Search, metric: str, progress: Progress
) -> tuple[ComparisonPlan, tuple[FailedCell, ...]]:
    """Tune every contender whose trainer has the option, for each size of train.

    Returns:
        The plan with the tuned contenders, whose labels say so, and the contenders without the option; and the cells of
        contenders whose trials all failed, with their errors.

    Raises:
        UsageError: Optuna isn't installed, no contender has the option, the search range is unknown, or a contender
            doesn't compute the metric.
    """
    firsts: dict[tuple[str, TrainSize | None], Cell] = {}
    for cell in plan.cells:
        if search.option in _trainer(cell.contender).options:
            firsts.setdefault((cell.contender.label, cell.train_size), cell)
    if not firsts:
        raise UsageError(f"--tune {search.option}: no contender's trainer has an option {search.option!r}.")
    for first in firsts.values():
        _check_metric(plan, first, metric)
        search.bounds_for(_trainer(first.contender))  # raises before the first trial
    tuned = {key: _tune(plan, first, search, metric, progress) for key, first in firsts.items()}
    cells: list[Cell] = []
    failed: list[FailedCell] = []
    data = dict(plan.data)
    for cell in plan.cells:
        best = tuned.get((cell.contender.label, cell.train_size))
        if best is None:
            cells.append(cell)
        elif isinstance(best, RunError):
            failed.append(FailedCell(cell, best))
        else:
            data[best.label, cell.train_size] = plan.data[cell.contender.label, cell.train_size]
            cells.append(_cell(plan, cell, best))
    return replace(plan, cells=tuple(cells), data=data), tuple(failed)


def _trainer(contender: Contender) -> ActivePlugin:
    [trainer] = contender.plugins.of_role("trainer")
    return trainer


def _check_metric(plan: ComparisonPlan, cell: Cell, metric: str) -> None:
    """Refuse a contender that doesn't compute the metric by which tuning chooses."""
    task = plan.task_of(cell)
    given = check_metrics(suited(cell.contender.plugins, task), task)
    if metric not in given:
        raise UsageError(
            f"--tune chooses by {metric!r}, but {cell.contender.label} only computes {', '.join(sorted(given))}. "
            f"Add --plugin {metric}."
        )


def _tune(plan: ComparisonPlan, first: Cell, search: Search, metric: str, progress: Progress) -> Contender | RunError:
    """Try values, each in a run with the first cell's seed; return the contender with the best one on validation.

    The first trial uses the option's current value, so that tuning is never worse on validation than no tuning. The
    other values are chosen by Optuna's tree-structured Parzen estimator (Bergstra et al., NeurIPS 2011), half of them
    at random. It is seeded, so that a comparison that was stopped tries the same values again and reads their runs. A
    trial that fails, for example because it diverges, counts as a trial; if all fail, an error is returned.
    """
    optuna = _optuna()
    contender, option = first.contender, search.option
    own = _trainer(contender).options[option]
    sampler = optuna.samplers.TPESampler(seed=0, n_startup_trials=max(2, search.trials // 2))
    with _warnings_alone(optuna):
        study = optuna.create_study(direction="maximize", sampler=sampler)
    low, high = search.bounds_for(_trainer(contender))
    if isinstance(own, int | float) and low <= own <= high:
        study.enqueue_trial({option: float(own)})
    flops = 0.0
    tried: list[tuple[float, float]] = []
    failure = ""
    with progress.bar(f"tune {contender.label}", search.trials, "trials") as bar:
        for _ in range(search.trials):
            trial = study.ask()
            # Rounded to three significant digits, so that the value shown is the value used.
            value = float(f"{trial.suggest_float(option, low, high, log=True):.3g}")
            attempt = _with_value(contender, option, value, f"{contender.label} trial {option}={value:g}")
            try:
                record = _trial(plan, first, attempt)
                # A trainer without an encoder counts no FLOPs; those of an encoder are unknown then.
                uncounted = math.nan if record.encoder else 0.0
                flops += uncounted if record.cost.train_flops is None else record.cost.train_flops
                score = _validation_score(record, metric)
            except TextclfError as error:
                failure = format_error(error)
                logger.warning("%s failed: %s", attempt.label, failure)
                study.tell(trial, state=optuna.trial.TrialState.FAIL)
            else:
                study.tell(trial, score)
                tried.append((value, score))
            bar.advance(note=f"best so far: {_best(tried)[0]:g}" if tried else "")
    if not tried:
        return RunError(f"all {search.trials} trials of {option!r} failed, the last one with: {failure}")
    value, score = _best(tried)
    tuning = Tuning(
        option=f"{_trainer(contender).name}:{option}",
        value=value,
        low=low,
        high=high,
        trials=search.trials,
        train_flops=None if math.isnan(flops) else flops,
        validation_score=score,
    )
    return replace(_with_value(contender, option, value, f"{contender.label} (tuned)"), tuning=tuning)


def _best(tried: list[tuple[float, float]]) -> tuple[float, float]:
    """Return the value with the highest score, and that score."""
    return max(tried, key=lambda one: one[1])


def _validation_score(record: Record, metric: str) -> float:
    """Return a trial's score on validation.

    Raises:
        RunError: the metric has no value.
    """
    score = record.metrics["validation"].get(metric)
    if score is None:
        raise RunError(f"{metric} has no value on validation")
    return score


def _trial(plan: ComparisonPlan, first: Cell, attempt: Contender) -> Record:
    """Run a trial, or read its finished run, in the subfolder of trials, which reports don't include."""
    prepared = plan.data[first.contender.label, first.train_size]
    trials = replace(plan, output=plan.output / TRIALS, data={**plan.data, (attempt.label, first.train_size): prepared})
    cell = _cell(plan, first, attempt)
    # A trial's model is removed, so it needn't be checked.
    done = read_cell(trials, cell) or run_cell(trials, cell, Progress(quiet=True), prove=False)
    shutil.rmtree(done.directory / MODEL_DIRECTORY, ignore_errors=True)
    return done.record


def _cell(plan: ComparisonPlan, like: Cell, contender: Contender) -> Cell:
    """Return a cell of another contender with the data and the seed of a cell of the plan."""
    return make_cell(
        contender,
        like.seed,
        like.train_size,
        fingerprint=plan.data[like.contender.label, like.train_size].fingerprint,
        data_seed=plan.data_seed,
        device=plan.device,
    )


def _with_value(contender: Contender, option: str, value: float, label: str) -> Contender:
    """Return the contender with another label, and another value of an option of its trainer."""
    plugins = ActivePlugins(
        [
            with_options(plugin, {option: value}, set_by="tuning") if "trainer" in plugin.roles else plugin
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
