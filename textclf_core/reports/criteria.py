"""By what contenders are compared and recommended."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from textclf_core.errors import UsageError, did_you_mean
from textclf_core.reports.added import Added, reporters_with_cost
from textclf_core.reports.costs import COSTS, TOLERANCE
from textclf_core.reports.prices import MONEY, Prices, money, parse_prices
from textclf_core.types.metric import MetricInfo
from textclf_core.types.report import ReportCost


@dataclass(frozen=True, kw_only=True)
class Criteria:
    """By what contenders are compared and recommended.

    Attributes:
        metric: the name of a metric that a plugin describes; that of the default metric of the task if ``None``.
        cost: the cost that the recommended contender should keep low: a name in ``kinds``.
        tolerance: the loss that is accepted, in the metric's units; ``None`` for one point of a metric from 0 to 1.
        pairs: whether to test all pairs.
        cluster: a column of the data; test rows with equal values in it count as one draw, as do rows with equal texts
            without it.
        prices: the prices; if given, money is one of the costs.
        added: what plugins add to the report, such as costs.
    """

    metric: str | None = None
    cost: str = "train-seconds"
    tolerance: float | None = None
    pairs: bool = False
    cluster: str | None = None
    prices: Prices | None = None
    added: Added = field(default_factory=Added)

    @classmethod
    def parsed(
        cls,
        *,
        metric: str | None,
        cost: str,
        tolerance: float | None,
        pairs: bool,
        cluster: str | None,
        price: str | None,
        label_price: float,
        predictions: str | None,
        months: float,
    ) -> Criteria:
        """Return the criteria that the arguments of ``compare`` and ``report`` stand for; :meth:`check` checks them.

        Raises:
            UsageError: a price can't be used.
        """
        prices = parse_prices(price, label_price, predictions, months)
        return cls(metric=metric, cost=cost, tolerance=tolerance, pairs=pairs, cluster=cluster, prices=prices)

    @property
    def kinds(self) -> Mapping[str, ReportCost]:
        """The costs by name: the report's own, then those that plugins add."""
        return {**COSTS, **({MONEY: money(self.prices)} if self.prices else {}), **self.added.costs}

    def check(self) -> None:
        """Check the name of the cost and the tolerance.

        Raises:
            UsageError: the cost doesn't exist, or the tolerance isn't above 0.
        """
        if self.cost == MONEY and self.prices is None:
            raise UsageError(f"--cost {MONEY}: set the price of the machine, as in --price 0.40/h.")
        if self.cost not in self.kinds:
            able = " or ".join(f"--plugin {name}" for name in reporters_with_cost(self.cost))
            near = f" {able} adds it." if able else did_you_mean(self.cost, self.kinds)
            raise UsageError(f"--cost {self.cost}: there is no such cost.{near} The costs are {', '.join(self.kinds)}.")
        if self.tolerance is not None and not 0 < self.tolerance < math.inf:
            raise UsageError(f"--tolerance {self.tolerance:g}: must be above 0, such as {TOLERANCE:g} for one point.")

    def tolerance_for(self, metric: MetricInfo) -> float:
        """Return the loss that is accepted in a metric.

        Raises:
            UsageError: none was given and the metric has no usual one, or it is as large as the metric's range.
        """
        if self.tolerance is None and metric.is_share:
            return TOLERANCE
        values = f"{metric.name} takes values from {metric.low:g} to {metric.high:g}"
        if self.tolerance is None:
            raise UsageError(
                f"--metric {metric.name}: {values}, so no loss is small in general. Give the one to accept, in its "
                "units, with --tolerance."
            )
        if self.tolerance >= metric.width:
            raise UsageError(f"--tolerance {self.tolerance:g}: {values}, so every loss would be accepted.")
        return self.tolerance
