"""The analysis of a comparison: scores with intervals, verdicts, costs, and the recommended contender."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from textclf_core.plugins.metrics import DescribedMetric
from textclf_core.reports.added import Added
from textclf_core.reports.costs import TIMES
from textclf_core.reports.criteria import Criteria
from textclf_core.reports.failed import FailedRun
from textclf_core.reports.outcomes import (
    check_defined,
    described_by,
    metric_of,
    models_of,
    scored_rows,
)
from textclf_core.reports.prices import Running, volume_sentence
from textclf_core.reports.rounding import write_risk, write_significant
from textclf_core.reports.samples import at_common_tests, overlap_of, scope_sentence, tests_of
from textclf_core.reports.stored import TUNED, ContenderRuns, StoredRun, data_key, gather
from textclf_core.statistics import Comparison, Interval, PairedTest, compare
from textclf_core.statistics.from_best import Needed
from textclf_core.types.data import DataRecord
from textclf_core.types.report import ReportColumn, ReportCost, ReportedComparison, ReportedContender, Value


@dataclass(frozen=True, kw_only=True)
class Row:
    """The results of one contender. Scores, differences and intervals have the metric's own sign.

    Attributes:
        line: the runs of the contender.
        score: the metric on test, as the mean over seeds.
        deviation: the standard deviation of the metric over seeds; ``None`` with one seed.
        low: the lower end of the 95% interval, over both seeds and examples.
        high: the upper end of the interval.
        verdict: what is shown of it: ``best``, ``as good`` (as the best, within the tolerance), ``worse`` or
            ``undecided``.
        difference: the score minus the best score.
        distance: the simultaneous 95% interval of its true score minus the best of the others'; ``None`` with one
            contender.
        needed: what would decide about it; ``None`` if it is decided, or if neither seeds nor rows in reach would.
        loss: by how much it is expected to be worse than the best contender.
        risk: the probability that it is worse by more than the tolerance.
        costs: the mean over seeds of each cost, by its name in ``criteria.kinds``.
        on_front: whether the contender is on the Pareto front of score and cost.
        recommended: whether it is the cheapest contender whose expected loss is at most half the tolerance.
    """

    line: ContenderRuns
    score: float
    deviation: float | None
    low: float
    high: float
    verdict: str
    difference: float
    distance: Interval | None
    needed: Needed | None
    loss: float
    risk: float
    costs: Mapping[str, float | None]
    on_front: bool
    recommended: bool

    @cached_property
    def reported(self) -> ReportedContender:
        """The results as plugins get them, with copies of the records."""
        return ReportedContender(
            label=self.line.label,
            records=tuple(deepcopy(run.record) for run in self.line.runs),
            directories=tuple(run.directory for run in self.line.runs),
            score=self.score,
            deviation=self.deviation,
            low=self.low,
            high=self.high,
            verdict=self.verdict,
            loss=self.loss,
            risk=self.risk,
            costs=dict(self.costs),
            recommended=self.recommended,
        )


@dataclass(frozen=True)
class AddedColumn:
    """A column that a plugin adds, with its value for each contender, by label."""

    column: ReportColumn
    values: Mapping[str, Value]


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """The analysis of a comparison on one data set.

    Attributes:
        criteria: by what the contenders are compared and recommended.
        measured: the metric, with the plugin that computes it.
        tolerance: the loss that is accepted, in the metric's units.
        rows: the contenders, the best first.
        seeds: the seeds of all contenders.
        left_out: the seeds that are left out, since not all contenders have them and each has its own test rows.
        test_rows: the number of test examples, or their mean number if each seed has its own.
        looks: the numbers of seeds at which the comparison was planned to look at its results.
        test_draws: the number of test examples that count as independent: different texts, or clusters.
        smallest_difference: the smallest difference from the best that this test set and these seeds would show in 80
            of 100 comparisons; ``None`` with one contender, infinite if they can't show any.
        sentence: the verdict as text.
        volumes: at which volumes of predictions one contender overtakes another in money; ``None`` if none does, or
            without prices.
        data: the facts of the data.
        pairs: the test of each pair of contenders, if they were asked for.
        added_columns: the columns that plugins add.
        beside: how many other runs could run on the same machine as each run at the same time; ``None`` for those of
            which it is unknown. If there are several numbers, nothing is recommended by costs that are times.
        failed: the failed runs, which are known only if the comparison has just run.
    """

    criteria: Criteria
    measured: DescribedMetric
    tolerance: float
    rows: tuple[Row, ...]
    seeds: tuple[int, ...]
    test_rows: int
    test_draws: int
    looks: tuple[int, ...]
    smallest_difference: float | None
    sentence: str
    data: DataRecord
    volumes: str | None = None
    pairs: tuple[PairedTest, ...] = ()
    beside: frozenset[int | None] = frozenset({0})
    left_out: tuple[int, ...] = ()
    added_columns: tuple[AddedColumn, ...] = ()
    failed: tuple[FailedRun, ...] = ()

    @property
    def compares_cost(self) -> bool:
        """Whether the cost to recommend by was measured alike in all runs."""
        return len(self.beside) == 1 or self.cost not in TIMES

    @property
    def heading(self) -> str:
        """Its data, the size of train, and whether each seed has its own sample."""
        size = self.data.train_size
        own = ", its own training sample for each seed" if self.data.drawn_from else ""
        own = ", its own train, validation and test for each seed" if self.data.own_tests else own
        return f"{self.data.source}, {size} of train{own}" if size else f"{self.data.source}{own}"

    @cached_property
    def reported(self) -> ReportedComparison:
        """The comparison as plugins get it."""
        return ReportedComparison(
            data=self.heading,
            task=self.data.task,
            metric=self.metric,
            better=self.measured.info.better,
            tolerance=self.tolerance,
            cost=self.cost,
            contenders=tuple(row.reported for row in self.rows),
        )

    @property
    def metric(self) -> str:
        """The name of the metric to compare by."""
        return self.measured.info.name

    @property
    def cost(self) -> str:
        """The cost to recommend by."""
        return self.criteria.cost

    @cached_property
    def lower_is_better(self) -> frozenset[str]:
        """The names of the metrics of which the plugins say so."""
        infos = [self.measured.info, *described_by(self.rows[0].line.runs[0]).values()]
        return frozenset(info.name for info in infos if info.better == "lower")

    def oriented(self, score: float) -> float:
        """Return a score so that larger is better, whatever the metric."""
        return self.measured.info.oriented(score)

    @property
    def cluster(self) -> str | None:
        """The column whose equal values count as one draw; ``None`` for the texts."""
        return self.criteria.cluster or self.data.group_column

    @property
    def vary(self) -> str:
        """What varies over the seeds: ``seed``, or ``data`` for training samples, ``data=all`` for test rows too."""
        return "data=all" if self.data.own_tests else "data" if self.data.drawn_from else "seed"

    @property
    def overlap(self) -> float | None:
        """The share of their training rows that two seeds have in common; ``None`` if all have the same sample."""
        return overlap_of([run.record.data for row in self.rows for run in row.line.runs], "train")

    @property
    def test_overlap(self) -> float | None:
        """The share of their test rows that two seeds have in common; ``None`` if all have the same ones."""
        if not self.data.own_tests:
            return None
        return overlap_of([run.record.data for row in self.rows for run in row.line.runs], "test")


def analyse(
    runs: Iterable[StoredRun], criteria: Criteria | None = None, failed: Sequence[FailedRun] = ()
) -> tuple[Analysis, ...]:
    """Return an analysis for each data set among the runs.

    Args:
        runs: runs with stored predictions.
        criteria: by what they are compared and recommended.
        failed: runs that failed.

    Raises:
        UsageError: the metric or cost doesn't exist, the tolerance doesn't suit the metric, or contenders have no
            seed's test rows in common.
    """
    criteria = criteria or Criteria()
    criteria.check()
    return tuple(
        _analyse(contenders, criteria, [one for one in failed if data_key(one.data) == key.removesuffix(TUNED)])
        for key, contenders in gather(runs).items()
    )


def _analyse(contenders: Sequence[ContenderRuns], criteria: Criteria, failed: Sequence[FailedRun]) -> Analysis:
    contenders, left_out = at_common_tests(contenders)
    first = contenders[0].runs[0]
    data = first.record.data
    measured = metric_of(criteria.metric, first)
    tolerance = criteria.tolerance_for(measured.info)
    check_defined(measured, scored_rows(first), f"test (data: {data.source})")
    looks = sorted({look for one in contenders for run in one.runs for look in run.record.looks if look > 1})
    tests = tests_of(contenders, criteria.cluster)
    compared = compare(
        {one.label: models_of(one, measured) for one in contenders},
        measured.info,
        tolerance=tolerance,
        labels=tests.labels[0],
        clusters=tests.clusters[0],
        overlap=overlap_of([run.record.data for one in contenders for run in one.runs], "train"),
        own_tests=tests if data.own_tests else None,
        looks=looks,
        with_pairs=criteria.pairs,
    )
    means = {one.name: measured.info.oriented(one.mean) for one in compared.contenders}
    costs = {one.label: _costs(one, criteria.kinds) for one in contenders}
    beside = frozenset(run.record.cost.beside for one in contenders for run in one.runs)
    alike = len(beside) == 1 or criteria.cost not in TIMES
    price = {label: value for label, values in costs.items() if alike and (value := values[criteria.cost]) is not None}
    recommended = _recommend(compared, price, tolerance)
    scope = "" if compared.of_trained_models else f" {scope_sentence(contenders)}"
    rows = [
        _row(one, compared, costs[one.label], on_front=_on_front(one.label, means, price), chosen=recommended)
        for one in contenders
    ]
    return Analysis(
        criteria=criteria,
        measured=measured,
        tolerance=tolerance,
        rows=tuple(sorted(rows, key=lambda row: (-means[row.line.label], row.line.label))),
        seeds=tuple(sorted({seed for one in contenders for seed in one.seeds})),
        test_rows=compared.examples,
        looks=tuple(looks),
        test_draws=round(_mean(len(np.unique(of_seed)) for of_seed in tests.clusters)),
        smallest_difference=compared.detectable,
        sentence=_sentence(compared, recommended, criteria.kinds[criteria.cost], price) + scope,
        volumes=_volumes(rows, criteria, tolerance),
        data=data,
        pairs=compared.pairs,
        beside=beside,
        left_out=left_out,
        failed=tuple(failed),
        added_columns=_added_columns(rows, criteria.added),
    )


def _added_columns(rows: Sequence[Row], added: Added) -> tuple[AddedColumn, ...]:
    """Return the columns that plugins add, without those that have the name of a metric."""
    metrics = {name for row in rows for run in row.line.runs for name in run.record.metrics["test"]}
    found = []
    for column in added.columns:
        if column.name in metrics:
            added.leave_out(f"A plugin adds the column {column.name!r}, which is a metric here; the report shows that.")
        else:
            found.append(AddedColumn(column, {row.line.label: column.read(row.reported) for row in rows}))
    return tuple(found)


def _volumes(rows: Sequence[Row], criteria: Criteria, tolerance: float) -> str | None:
    """Return at which volumes one overtakes another in money, among those that lose little."""
    prices = criteria.prices
    if prices is None:
        return None
    running = [
        Running(
            row.line.label,
            _mean(prices.fixed(run.record) for run in row.line.runs),
            _mean(prices.per_prediction(run.record) for run in row.line.runs),
        )
        for row in rows
        if row.loss <= tolerance / 2
    ]
    return volume_sentence(running, prices)


def _mean(values: Iterable[float]) -> float:
    numbers = list(values)
    return sum(numbers) / len(numbers)


def _recommend(compared: Comparison, price: Mapping[str, float], tolerance: float) -> str:
    """Return the cheapest contender whose expected loss is at most half the tolerance.

    A contender whose cost is unknown can't be the cheapest. If none qualifies, the one with the least expected loss is
    recommended.
    """
    expected = {one.name: one.loss.expected for one in compared.contenders if one.loss}
    within = [label for label, loss in expected.items() if loss <= tolerance / 2 and label in price]
    if within:
        return min(within, key=lambda label: (price[label], expected[label]))
    return min(expected, key=lambda label: (expected[label], price.get(label, math.inf)))


def _costs(contender: ContenderRuns, kinds: Mapping[str, ReportCost]) -> dict[str, float | None]:
    means: dict[str, float | None] = {}
    for name, kind in kinds.items():
        values = [value for run in contender.runs if (value := kind.read(run.record)) is not None]
        means[name] = _mean(values) if values else None
    return means


def _on_front(label: str, means: Mapping[str, float], price: Mapping[str, float]) -> bool:
    """Return whether a contender is Pareto-optimal: no other is at least as good and as cheap, and better in one.

    One whose cost is unknown isn't.
    """
    return label in price and not any(
        means[other] >= means[label]
        and price[other] <= price[label]
        and (means[other] > means[label] or price[other] < price[label])
        for other in price
    )


def _row(
    contender: ContenderRuns,
    compared: Comparison,
    costs: dict[str, float | None],
    *,
    on_front: bool,
    chosen: str,
) -> Row:
    one = compared.contender(contender.label)
    assert one.loss is not None  # a comparison of stored runs has a tolerance
    return Row(
        line=contender,
        score=one.mean,
        deviation=one.standard_deviation,
        low=one.interval.low,
        high=one.interval.high,
        verdict=one.verdict,
        difference=one.mean - compared.contender(compared.best).mean,
        distance=one.distance,
        needed=one.needed,
        loss=one.loss.expected,
        risk=one.loss.risk,
        costs=costs,
        on_front=on_front,
        recommended=contender.label == chosen,
    )


def _sentence(compared: Comparison, recommended: str, kind: ReportCost, price: Mapping[str, float]) -> str:
    best = compared.sentence(compared.best)
    if len(compared.contenders) == 1:
        return best
    if recommended == compared.best:
        return f"Use {recommended}. {best} {_risk_sentence(compared, recommended)}"
    cheaper = ""
    if recommended in price and compared.best in price:
        cheaper = f" ({kind.heading} {kind.write(price[recommended])} instead of {kind.write(price[compared.best])})"
    return (
        f"Use {recommended}{cheaper}. {_risk_sentence(compared, recommended)} {best} {compared.sentence(recommended)}"
    )


def _risk_sentence(compared: Comparison, name: str) -> str:
    loss, tolerance = compared.contender(name).loss, compared.tolerance
    assert loss is not None  # a comparison of stored runs has a tolerance
    assert tolerance is not None
    return (
        f"It is expected to be {write_significant(loss.expected, 1)} worse than the best; the risk that it is worse by "
        f"more than {tolerance:g} is {write_risk(loss.risk)}."
    )
