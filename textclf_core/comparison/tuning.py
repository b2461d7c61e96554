"""A fair comparison gives each contender the same budget to find a value that suits it, on validation."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from typing import Any

from textclf_core.comparison.cells import Cell, make_cell
from textclf_core.comparison.contenders import Contender
from textclf_core.comparison.runner import ComparisonPlan, read_cell, run_cell
from textclf_core.data.sampling import TrainSize
from textclf_core.errors import UsageError
from textclf_core.pipeline.evaluation import check_metrics
from textclf_core.plugins import ActivePlugins, suited
from textclf_core.plugins.activation import with_options
from textclf_core.records.schema import MODEL_DIRECTORY, Record, Tuning
from textclf_core.types.progress import Progress

TRIALS = "trials"
"""The folder, in the output folder, that gets the runs of the trials."""

# A head alone wants a rate a hundred times that of the whole model; both ends of what is used lie inside.
_USUAL = {"learning_rate": (1e-6, 1e-1)}


@dataclass(frozen=True)
class Search:
    """What to tune: an option of the trainer, searched on a logarithmic scale from ``low`` to ``high``."""

    option: str
    low: float
    high: float
    trials: int


def parse_search(text: str, trials: int) -> Search:
    """Return what ``learning_rate`` or ``learning_rate=1e-5..1e-2`` means.

    Raises:
        UsageError: it isn't an option and a range, or the option has no usual range.
    """
    option, _, bounds = text.partition("=")
    if not bounds:
        if option not in _USUAL:
            raise UsageError(f"--tune {text}: say in which range, such as {option or 'weight_decay'}=1e-4..1e-1.")
        return Search(option, *_USUAL[option], trials)
    low, dots, high = bounds.partition("..")
    try:
        search = Search(option, float(low), float(high), trials)
    except ValueError:
        search = Search(option, 0, 0, trials)
    if not (dots and 0 < search.low < search.high):
        raise UsageError(f"--tune {text}: write a range that goes up from above 0, such as {option}=1e-5..1e-2.")
    return search


def tune_plan(plan: ComparisonPlan, search: Search, metric: str, progress: Progress) -> ComparisonPlan:
    """Tune every contender whose trainer has the option, at each size of train, and return the plan of the best values.

    A tuned contender's label says so. Those without the option stay as they are.

    Raises:
        UsageError: Optuna isn't installed, or no contender has the option.
        TextclfError: a trial can't be run.
    """
    cells: list[Cell] = []
    data = dict(plan.data)
    tuned: dict[tuple[str, TrainSize | None], Contender] = {}
    for cell in plan.cells:
        contender, size = cell.contender, cell.train_size
        [trainer] = contender.plugins.of_role("trainer")
        if search.option not in trainer.options:
            cells.append(cell)
            continue
        prepared = plan.data[contender.label, size]
        if (contender.label, size) not in tuned:
            tuned[contender.label, size] = _tune(plan, cell, search, metric, progress)
        best = tuned[contender.label, size]
        data[best.label, size] = prepared
        cells.append(
            make_cell(
                best,
                cell.seed,
                size,
                fingerprint=prepared.fingerprint,
                data_seed=plan.data_seed,
                device=plan.device,
            )
        )
    if not tuned:
        raise UsageError(f"--tune {search.option}: no contender's trainer has an option {search.option!r}.")
    return replace(plan, cells=tuple(cells), data=data)


def _tune(plan: ComparisonPlan, first: Cell, search: Search, metric: str, progress: Progress) -> Contender:
    """Try values, each in a run at the first cell's seed, and return the contender with the best on validation.

    The first trial takes the option's own value, so that tuning never does worse than none on validation. The others
    are chosen by Optuna's tree-structured Parzen estimator (Bergstra et al., NeurIPS 2011), half of them at random.
    It is seeded: a comparison that was stopped asks for the same values again and reads their runs.
    """
    optuna = _optuna()
    contender = first.contender
    task = plan.data[contender.label, first.train_size].task
    given = check_metrics(suited(contender.plugins, task), task)
    if metric not in given:
        raise UsageError(
            f"--tune chooses by {metric!r}, and {contender.label} gives {', '.join(sorted(given))} alone. "
            f"Add --plugin {metric}."
        )
    [trainer] = contender.plugins.of_role("trainer")
    sampler = optuna.samplers.TPESampler(seed=0, n_startup_trials=max(2, search.trials // 2))
    study = optuna.create_study(direction="maximize", sampler=sampler)
    own = trainer.options[search.option]
    if isinstance(own, int | float) and search.low <= own <= search.high:
        study.enqueue_trial({search.option: float(own)})
    flops = 0.0
    tried: list[tuple[float, float]] = []
    with progress.bar(f"tune {contender.label}", search.trials, "trials") as bar:
        for _ in range(search.trials):
            trial = study.ask()
            # Three significant digits, as a person would write it: what is run is what is shown.
            value = float(f"{trial.suggest_float(search.option, search.low, search.high, log=True):.3g}")
            attempt = _with_value(contender, search.option, value, f"{contender.label} trial {search.option}={value:g}")
            record = _trial(plan, first, attempt)
            score = record.metrics["validation"].get(metric) or 0.0
            study.tell(trial, score)
            flops += record.cost.train_flops or 0.0
            tried.append((value, score))
            bar.advance(note=f"best so far: {max(tried, key=lambda one: one[1])[0]:g}")
    value, score = max(tried, key=lambda one: one[1])
    tuning = Tuning(
        option=f"{trainer.name}:{search.option}",
        value=value,
        low=search.low,
        high=search.high,
        trials=search.trials,
        train_flops=flops,
        validation_score=score,
    )
    return replace(_with_value(contender, search.option, value, f"{contender.label} (tuned)"), tuning=tuning)


def _trial(plan: ComparisonPlan, first: Cell, attempt: Contender) -> Record:
    """Run a trial, or read it, in a folder of its own: reports are about what was run with the value found."""
    prepared = plan.data[first.contender.label, first.train_size]
    room = replace(plan, output=plan.output / TRIALS, data={**plan.data, (attempt.label, first.train_size): prepared})
    cell = make_cell(
        attempt,
        first.seed,
        first.train_size,
        fingerprint=prepared.fingerprint,
        data_seed=plan.data_seed,
        device=plan.device,
    )
    # What a trial leaves is its scores, so what it saves need not be proved.
    done = read_cell(room, cell) or run_cell(room, cell, Progress(quiet=True), prove=False)
    shutil.rmtree(done.directory / MODEL_DIRECTORY, ignore_errors=True)
    return done.record


def _with_value(contender: Contender, option: str, value: float, label: str) -> Contender:
    """Return the contender with another value of an option of its trainer, under another label."""
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
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
