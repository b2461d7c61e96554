"""What a comparison says: scores with their intervals, verdicts, costs, and the line to use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from textclf_core.errors import UsageError, did_you_mean
from textclf_core.records.schema import DataRecord
from textclf_core.reports.costs import COSTS
from textclf_core.reports.outcomes import outcomes_of, references_of
from textclf_core.reports.stored import ContenderRuns, StoredRun, gather
from textclf_core.statistics import Comparison, Metric, compare
from textclf_core.tasks import kind_of
from textclf_core.types.task import Task

_METRICS = ("f1", "accuracy")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One contender of a comparison.

    Attributes:
        line: its runs.
        score: the metric on test, mean over seeds.
        deviation: its standard deviation over seeds; ``None`` with one seed.
        low: the lower end of the 95% interval, over seeds and examples together.
        high: its upper end.
        verdict: ``best``, ``not distinguishable from the best`` or ``worse``.
        difference: the score less that of the best.
        p_value: of the paired test against the best, Holm-corrected over all pairs; ``None`` for the best.
        costs: the mean over seeds of each cost, by its name in :data:`~textclf_core.reports.costs.COSTS`.
        on_front: no other line is both better and cheaper.
        recommended: the cheapest that is not distinguishable from the best.
    """

    line: ContenderRuns
    score: float
    deviation: float | None
    low: float
    high: float
    verdict: str
    difference: float
    p_value: float | None
    costs: Mapping[str, float | None]
    on_front: bool
    recommended: bool


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """A comparison on one data set.

    Attributes:
        metric: what decides: ``f1`` or ``accuracy``.
        cost: what the recommended line is cheap by, a name in ``COSTS``.
        rows: the contenders, the best first.
        seeds: those of all contenders.
        test_rows: how many test examples there are.
        smallest_difference: from the best, that this test set and these seeds would show in 80 of 100 comparisons;
            ``None`` with one contender, infinite where they would show none.
        sentence: the verdict in a sentence.
        data: the facts of the data.
        pairs: the Holm-corrected p-value and the difference of each pair of labels.
    """

    metric: str
    cost: str
    rows: tuple[Row, ...]
    seeds: tuple[int, ...]
    test_rows: int
    smallest_difference: float | None
    sentence: str
    data: DataRecord
    pairs: Mapping[tuple[str, str], tuple[float, float]]


def analyse(runs: Iterable[StoredRun], *, metric: str = "f1", cost: str = "train-seconds") -> tuple[Analysis, ...]:
    """Return an analysis of each data set among the runs.

    Args:
        runs: runs with their predictions.
        metric: what decides: ``accuracy``, or ``f1``: of the positive label of two, else the mean over labels, unless
            the runs' f1 plugin was told another average; of entities where the labels are tags of such. Where a text
            may have several labels, ``accuracy`` is the share of those of which all are right.
        cost: a name in :data:`~textclf_core.reports.costs.COSTS`.

    Raises:
        UsageError: there is no such metric.
    """
    check_metric(metric)
    return tuple(_analyse(lines, metric, cost) for lines in gather(runs).values())


def check_metric(name: str, tasks: Iterable[Task] = ()) -> None:
    """Refuse a metric that contenders can't be compared by, or not on these tasks.

    Raises:
        UsageError: there is no such metric, or labels of words have no F1: those that are no tags of entities.
    """
    if name not in _METRICS:
        raise UsageError(
            f"--metric {name}: contenders are compared by {' or '.join(_METRICS)}.{did_you_mean(name, _METRICS)}"
        )
    for task in tasks:
        kind_of(task).metric(name, "auto")


def _analyse(lines: Sequence[ContenderRuns], metric: str, cost: str) -> Analysis:
    first = lines[0].runs[0]
    measured = statistic(metric, lines)
    references = references_of(first, measured)
    compared = compare(references, {line.label: outcomes_of(line, measured, line.seeds) for line in lines}, measured)
    scores = {one.name: one for one in compared.contenders}
    costs = {line.label: _costs(line) for line in lines}
    # A trainer that counts no FLOPs has no encoder to spend any on.
    price = {label: values[cost] or 0.0 for label, values in costs.items()}
    means = {label: one.mean for label, one in scores.items()}
    candidates = [label for label, one in scores.items() if one.verdict != "worse"]
    recommended = min(candidates, key=lambda label: (price[label], -means[label]))
    rows = [
        _row(line, compared, costs[line.label], on_front=_on_front(line.label, means, price), chosen=recommended)
        for line in lines
    ]
    return Analysis(
        metric=metric,
        cost=cost,
        rows=tuple(sorted(rows, key=lambda row: (-row.score, row.line.label))),
        seeds=tuple(sorted({seed for line in lines for seed in line.seeds})),
        test_rows=len(references),
        smallest_difference=compared.detectable,
        sentence=_sentence(compared, recommended, cost, price),
        data=first.record.data,
        pairs={(pair.first, pair.second): (pair.adjusted_p_value, pair.difference.value) for pair in compared.pairs},
    )


def statistic(metric: str, lines: Sequence[ContenderRuns]) -> Metric:
    """Return what ``f1`` or ``accuracy`` means for these runs.

    Raises:
        UsageError: their labels have no F1: those of words that are no tags of entities.
    """
    run = lines[0].runs[0]
    plugin = next((plugin for plugin in run.record.plugins if plugin.name == "f1"), None)
    return run.kind.metric(metric, plugin.options["average"] if plugin else "auto")


def _costs(line: ContenderRuns) -> dict[str, float | None]:
    means: dict[str, float | None] = {}
    for name, kind in COSTS.items():
        values = [value for run in line.runs if (value := kind.read(run.record)) is not None]
        means[name] = sum(values) / len(values) if values else None
    return means


def _on_front(label: str, means: Mapping[str, float], price: Mapping[str, float]) -> bool:
    """Return whether no other contender is at least as good and as cheap, and better in one of the two."""
    return not any(
        means[other] >= means[label]
        and price[other] <= price[label]
        and (means[other] > means[label] or price[other] < price[label])
        for other in means
    )


def _row(
    line: ContenderRuns, compared: Comparison, costs: dict[str, float | None], *, on_front: bool, chosen: str
) -> Row:
    one = compared.contender(line.label)
    is_best = one.verdict == "best"
    return Row(
        line=line,
        score=one.mean,
        deviation=one.standard_deviation,
        low=one.interval.low,
        high=one.interval.high,
        verdict=one.verdict,
        difference=one.mean - compared.contender(compared.best).mean,
        p_value=None if is_best else compared.pair(line.label, compared.best).adjusted_p_value,
        costs=costs,
        on_front=on_front,
        recommended=line.label == chosen,
    )


def _sentence(compared: Comparison, recommended: str, cost: str, price: Mapping[str, float]) -> str:
    best = compared.sentence(compared.best)
    if recommended == compared.best:
        return f"Use {recommended}. {best} Nothing cheaper comes up to it."
    kind = COSTS[cost]
    cheaper = f"{kind.heading} {kind.write(price[recommended])} instead of {kind.write(price[compared.best])}"
    return f"Use {recommended} ({cheaper}). {best} {compared.sentence(recommended)}"
