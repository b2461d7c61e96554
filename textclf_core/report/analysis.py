"""What a comparison says: scores with their intervals, verdicts, costs, and the line to use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from textclf_core.records import DataRecord
from textclf_core.report.stored import Line, StoredRun


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
        costs: the mean over seeds of each cost, by its name in :data:`~textclf_core.report.costs.COSTS`.
        on_front: no other line is both better and cheaper.
        recommended: the cheapest that is not distinguishable from the best.
    """

    line: Line
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
        seeds: those that every contender has; the statistics are over them.
        test_rows: how many test examples there are.
        smallest_difference: what this test set and these seeds could have shown with a probability of 80%.
        sentence: the verdict in a sentence.
        data: the facts of the data.
        pairs: the Holm-corrected p-value and the difference of each pair of labels.
    """

    metric: str
    cost: str
    rows: tuple[Row, ...]
    seeds: tuple[int, ...]
    test_rows: int
    smallest_difference: float
    sentence: str
    data: DataRecord
    pairs: Mapping[tuple[str, str], tuple[float, float]]


def analyse(runs: Iterable[StoredRun], *, metric: str = "f1", cost: str = "train-seconds") -> tuple[Analysis, ...]:
    """Return an analysis of each data set among the runs.

    Raises:
        UsageError: the contenders of a data set have no seed in common.
    """
    raise NotImplementedError
