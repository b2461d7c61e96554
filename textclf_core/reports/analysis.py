"""The analysis of a comparison: scores with intervals, verdicts, costs, and the recommended contender."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from textclf_core.errors import UsageError, did_you_mean
from textclf_core.reports.costs import COSTS
from textclf_core.reports.outcomes import outcomes_of, references_of
from textclf_core.reports.stored import ContenderRuns, StoredRun, gather
from textclf_core.statistics import Comparison, Metric, compare
from textclf_core.tasks import kind_of
from textclf_core.types.data import DataRecord

_METRICS = ("f1", "accuracy")


@dataclass(frozen=True, kw_only=True)
class Row:
    """The results of one contender.

    Attributes:
        line: the runs of the contender.
        score: the metric on test, as the mean over seeds.
        deviation: the standard deviation of the metric over seeds; ``None`` with one seed.
        low: the lower end of the 95% interval, over both seeds and examples.
        high: the upper end of the interval.
        verdict: ``best``, ``not distinguishable from the best`` or ``worse``.
        difference: the score minus that of the best contender.
        p_value: the p-value of the paired test against the best, Holm-corrected over all pairs; ``None`` for the best.
        costs: the mean over seeds of each cost, by its name in :data:`~textclf_core.reports.costs.COSTS`.
        on_front: whether the contender is on the Pareto front of score and cost.
        recommended: whether it is the cheapest contender not distinguishable from the best.
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
    """The analysis of a comparison on one data set.

    Attributes:
        metric: the metric to compare by: ``f1`` or ``accuracy``.
        cost: the cost to recommend by, a name in ``COSTS``.
        rows: the contenders, the best first.
        seeds: the seeds of all contenders.
        test_rows: the number of test examples.
        smallest_difference: the smallest difference from the best that this test set and these seeds would detect in 80
            of 100 comparisons; ``None`` with one contender, infinite if they can't detect any.
        sentence: the verdict as text.
        data: the facts of the data.
        pairs: the Holm-corrected p-value and the difference of each pair of contenders, by their labels.
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
    """Return an analysis for each data set among the runs.

    Args:
        runs: runs with stored predictions.
        metric: the metric to compare by: ``accuracy``, or ``f1``, which is that of the positive label for two labels,
            that of entities for entity tags, and else the mean over labels, unless the runs' f1 plugin has another
            average. In a multi-label task, ``accuracy`` is the share of texts with all labels right.
        cost: a name in :data:`~textclf_core.reports.costs.COSTS`.

    Raises:
        UsageError: the metric doesn't exist.
    """
    check_metric(metric)
    return tuple(_analyse(contenders, metric, cost) for contenders in gather(runs).values())


def check_metric(
    name: str, data: Iterable[DataRecord] = (), *, average: str = "auto", splits: Sequence[str] = ("test",)
) -> None:
    """Check that contenders can be compared by a metric on these data.

    Args:
        name: the name of the metric.
        data: the data of the contenders.
        average: the average of F1, as the runs' f1 plugin has it.
        splits: the splits on which the metric is needed.

    Raises:
        UsageError: the metric doesn't exist, or isn't defined for the data, as F1 isn't for words without entity tags,
            or for two labels if a split has no row of the second one.
    """
    if name not in _METRICS:
        raise UsageError(
            f"--metric {name}: contenders can be compared by {' or '.join(_METRICS)}.{did_you_mean(name, _METRICS)}"
        )
    for one in data:
        if kind_of(one.task).metric(name, average) != "f1-binary":
            continue
        positive = one.label_names[1]
        for split in one.splits:
            if split.name in splits and not split.label_counts[positive]:
                raise UsageError(
                    f"--metric {name}: F1 is that of the label {positive!r}, which no row of {split.name} has (data: "
                    f"{one.source}), so it is no number. Compare by --metric accuracy, or add rows."
                )


def _analyse(contenders: Sequence[ContenderRuns], metric: str, cost: str) -> Analysis:
    first = contenders[0].runs[0]
    measured = statistic(metric, contenders)
    references = references_of(first, measured)
    compared = compare(references, {one.label: outcomes_of(one, measured, one.seeds) for one in contenders}, measured)
    scores = {one.name: one for one in compared.contenders}
    costs = {one.label: _costs(one) for one in contenders}
    price = {one.label: _price(one, costs[one.label][cost]) for one in contenders}
    means = {label: one.mean for label, one in scores.items()}
    candidates = [label for label, one in scores.items() if one.verdict != "worse"]
    recommended = min(candidates, key=lambda label: (price[label], -means[label]))
    rows = [
        _row(one, compared, costs[one.label], on_front=_on_front(one.label, means, price), chosen=recommended)
        for one in contenders
    ]
    return Analysis(
        metric=metric,
        cost=cost,
        rows=tuple(sorted(rows, key=lambda row: (-row.score, row.line.label))),
        seeds=tuple(sorted({seed for one in contenders for seed in one.seeds})),
        test_rows=len(references),
        smallest_difference=compared.detectable,
        sentence=_sentence(compared, recommended, cost, price),
        data=first.record.data,
        pairs={(pair.first, pair.second): (pair.adjusted_p_value, pair.difference.value) for pair in compared.pairs},
    )


def statistic(metric: str, contenders: Sequence[ContenderRuns]) -> Metric:
    """Return the statistic that ``f1`` or ``accuracy`` stands for in these runs.

    Raises:
        UsageError: F1 isn't defined, because words have labels that aren't entity tags, or test has no row of the
            label.
    """
    run = contenders[0].runs[0]
    plugin = next((plugin for plugin in run.record.plugins if plugin.name == "f1"), None)
    average = plugin.options["average"] if plugin else "auto"
    check_metric(metric, [run.record.data], average=average)
    return run.kind.metric(metric, average)


def _costs(contender: ContenderRuns) -> dict[str, float | None]:
    means: dict[str, float | None] = {}
    for name, kind in COSTS.items():
        values = [value for run in contender.runs if (value := kind.read(run.record)) is not None]
        means[name] = sum(values) / len(values) if values else None
    return means


def _price(contender: ContenderRuns, cost: float | None) -> float:
    """Return a cost for comparing; infinite where it is unknown, so that nothing is recommended for it."""
    if cost is not None:
        return cost
    # A trainer without an encoder counts no FLOPs; they are negligible.
    return math.inf if any(run.record.encoder for run in contender.runs) else 0.0


def _on_front(label: str, means: Mapping[str, float], price: Mapping[str, float]) -> bool:
    """Return whether a contender is Pareto-optimal: no other is at least as good and as cheap, and better in one."""
    return not any(
        means[other] >= means[label]
        and price[other] <= price[label]
        and (means[other] > means[label] or price[other] < price[label])
        for other in means
    )


def _row(
    contender: ContenderRuns, compared: Comparison, costs: dict[str, float | None], *, on_front: bool, chosen: str
) -> Row:
    one = compared.contender(contender.label)
    is_best = one.verdict == "best"
    return Row(
        line=contender,
        score=one.mean,
        deviation=one.standard_deviation,
        low=one.interval.low,
        high=one.interval.high,
        verdict=one.verdict,
        difference=one.mean - compared.contender(compared.best).mean,
        p_value=None if is_best else compared.pair(contender.label, compared.best).adjusted_p_value,
        costs=costs,
        on_front=on_front,
        recommended=contender.label == chosen,
    )


def _sentence(compared: Comparison, recommended: str, cost: str, price: Mapping[str, float]) -> str:
    best = compared.sentence(compared.best)
    if recommended == compared.best:
        known = math.isfinite(price[recommended])
        return f"Use {recommended}. {best} No {'cheaper' if known else 'other'} contender is as good."
    kind = COSTS[cost]
    own, other = (
        kind.write(price[label]) if math.isfinite(price[label]) else "unknown" for label in (recommended, compared.best)
    )
    cheaper = f"{kind.heading} {own} instead of {other}"
    return f"Use {recommended} ({cheaper}). {best} {compared.sentence(recommended)}"
