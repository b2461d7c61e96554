"""What a contender costs in money: to label its data, to train it, and to predict with it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from textclf_core.errors import UsageError
from textclf_core.records.schema import Record
from textclf_core.reports.costs import train_seconds
from textclf_core.types.record import RunRecord
from textclf_core.types.report import ReportCost

MONEY = "money"
"""The name of the cost in money, which exists if prices are given."""

_SECONDS_AN_HOUR = 3600


@dataclass(frozen=True, kw_only=True)
class Prices:
    """The prices by which a contender's cost in money is computed, in any currency.

    Attributes:
        per_hour: of the machine.
        per_label: of labelling one text.
        predictions_per_month: how many texts a model predicts in a month.
        months: for how many months.
    """

    per_hour: float
    per_label: float = 0.0
    predictions_per_month: float = 0.0
    months: float = 12.0

    def fixed(self, record: Record) -> float:
        """Return what labels and training cost.

        Labels are those of train and validation; a trainer that trains on no example needs none. The seconds of tuning
        are part of training.
        """
        labelled = sum(split.rows for split in record.data.splits if split.name in ("train", "validation"))
        labels = 0 if record.cost.train_examples == 0 else labelled
        tuning = record.tuning.train_seconds if record.tuning else 0.0
        return self.per_label * labels + self.per_hour * (train_seconds(record) + tuning) / _SECONDS_AN_HOUR

    def per_prediction(self, record: Record) -> float:
        """Return what one prediction costs: the time for a single text, which batches shorten."""
        return self.per_hour * record.cost.latency_seconds / _SECONDS_AN_HOUR

    def total(self, record: Record) -> float:
        """Return what labels, training and all predictions cost."""
        return self.fixed(record) + self.predictions_per_month * self.months * self.per_prediction(record)


def parse_prices(
    price: str | None, label_price: float = 0.0, predictions: str | None = None, months: float = 12.0
) -> Prices | None:
    """Return the prices in the notation of the command line; ``None`` without ``price``.

    Args:
        price: of the machine, ``0.40/h``.
        label_price: of labelling one text.
        predictions: ``1e6/month``.
        months: for how many months.

    Raises:
        UsageError: a price can't be read, or others are given without that of the machine.
    """
    if price is None:
        if label_price or predictions is not None:
            raise UsageError("--label-price and --predictions need the price of the machine, such as --price 0.40/h.")
        return None
    machine = re.fullmatch(r"(\d+(?:\.\d+)?)/h", price.strip())
    if not machine:
        raise UsageError(f"--price {price}: write the price of the machine per hour, such as 0.40/h.")
    volume = re.fullmatch(r"(\d+(?:\.\d+)?(?:e\+?\d+)?)/month", (predictions or "0/month").strip())
    if not volume:
        raise UsageError(f"--predictions {predictions}: write the number of texts per month, such as 1e6/month.")
    if label_price < 0 or months <= 0:
        raise UsageError("--label-price must not be below 0, and --months must be above 0.")
    return Prices(
        per_hour=float(machine[1]), per_label=label_price, predictions_per_month=float(volume[1]), months=months
    )


def money(prices: Prices) -> ReportCost:
    """Return the cost in money."""

    def total(record: RunRecord) -> float:
        assert isinstance(record, Record)  # every record of a report is one
        return prices.total(record)

    return ReportCost(
        name=MONEY,
        heading="money",
        read=total,
        write=_write_money,
        axis="labels, training and predictions (money)",
    )


def _write_money(value: float) -> str:
    return f"{value:,.2f}" if value >= 0.005 or value == 0 else "<0.01"


@dataclass(frozen=True)
class Running:
    """A contender's money: what it costs before the first prediction, and for each."""

    label: str
    fixed: float
    per_prediction: float


def cheapest_by_volume(contenders: Sequence[Running], months: float) -> Iterator[tuple[str, float]]:
    """Yield the cheapest contender for each range of volumes: its label, and the predictions a month where it ends.

    The last one's end is infinity.
    """
    own = min(contenders, key=lambda one: (one.fixed, one.per_prediction))
    while True:
        later = [
            ((one.fixed - own.fixed) / (own.per_prediction - one.per_prediction) / months, one.per_prediction, one)
            for one in contenders
            if one.per_prediction < own.per_prediction
        ]
        if not later:
            yield own.label, float("inf")
            return
        end, _, following = min(later, key=lambda one: one[:2])
        yield own.label, end
        own = following


def volume_sentence(contenders: Sequence[Running], prices: Prices) -> str | None:
    """Return a sentence with the volumes at which one contender overtakes another; ``None`` if none does."""
    from textclf_core.statistics.results import write_rough

    ranges = list(cheapest_by_volume(contenders, prices.months)) if len(contenders) > 1 else []
    if len(ranges) < 2:
        return None
    parts = [f"{label} up to about {write_rough(round(end))} predictions a month" for label, end in ranges[:-1]]
    return (
        f"Over {prices.months:g} months, labels, training and predictions cost the least with "
        f"{', with '.join(parts)}, and with {ranges[-1][0]} above that."
    )
