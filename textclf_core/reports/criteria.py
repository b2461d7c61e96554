"""By what contenders are compared and recommended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from textclf_core.errors import UsageError, did_you_mean
from textclf_core.reports.costs import TOLERANCE, CostKind
from textclf_core.reports.prices import MONEY, Prices, cost_kinds, parse_prices

METRICS = ("f1", "accuracy")


@dataclass(frozen=True, kw_only=True)
class Criteria:
    """By what contenders are compared and recommended.

    Attributes:
        metric: ``accuracy``, or ``f1``, which is that of the positive label for two labels, that of entities for entity
            tags, and else the mean over labels, unless the runs' f1 plugin has another average. In a multi-label task,
            ``accuracy`` is the share of texts with all labels right.
        cost: the cost that the recommended contender should keep low: a name in ``kinds``.
        tolerance: the loss that is accepted, in the metric's units.
        pairs: whether to test all pairs.
        cluster: a column of the data; test rows with equal values in it count as one draw, as do rows with equal texts
            without it.
        prices: the prices; if given, money is one of the costs.
    """

    metric: str = "f1"
    cost: str = "train-seconds"
    tolerance: float = TOLERANCE
    pairs: bool = False
    cluster: str | None = None
    prices: Prices | None = None

    @classmethod
    def parsed(
        cls,
        *,
        metric: str,
        cost: str,
        tolerance: float,
        pairs: bool,
        cluster: str | None,
        price: str | None,
        label_price: float,
        predictions: str | None,
        months: float,
    ) -> Criteria:
        """Return the criteria that the arguments of ``compare`` and ``report`` stand for.

        Raises:
            UsageError: one of them can't be used.
        """
        prices = parse_prices(price, label_price, predictions, months)
        criteria = cls(metric=metric, cost=cost, tolerance=tolerance, pairs=pairs, cluster=cluster, prices=prices)
        criteria.check()
        return criteria

    @property
    def kinds(self) -> Mapping[str, CostKind]:
        """The costs by name."""
        return cost_kinds(self.prices)

    def check(self) -> None:
        """Check the names and the tolerance.

        Raises:
            UsageError: the metric or the cost doesn't exist, or the tolerance isn't between 0 and 1.
        """
        if self.metric not in METRICS:
            raise UsageError(
                f"--metric {self.metric}: contenders can be compared by {' or '.join(METRICS)}."
                f"{did_you_mean(self.metric, METRICS)}"
            )
        if self.cost == MONEY and self.prices is None:
            raise UsageError(f"--cost {MONEY}: set the price of the machine, as in --price 0.40/h.")
        if self.cost not in self.kinds:
            raise UsageError(
                f"--cost {self.cost}: there is no such cost.{did_you_mean(self.cost, self.kinds)} The costs are "
                f"{', '.join(self.kinds)}."
            )
        if not 0 < self.tolerance < 1:
            raise UsageError(
                f"--tolerance {self.tolerance:g}: must be above 0 and below 1, such as {TOLERANCE:g} for one point."
            )
