"""What contenders cost in money: labels, training, predictions; and at which volume one overtakes another."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from made_runs import reviews, write_run

from textclf_core.records.schema import read_record, write_record
from textclf_core.reports.analysis import analyse
from textclf_core.reports.criteria import Criteria
from textclf_core.reports.prices import Prices, Running, cheapest_by_volume, parse_prices
from textclf_core.reports.stored import find_runs

DATA = reviews(200)


def write(folder: Path, label: str, *, train_seconds: float, latency: float, examples: int | None = None) -> None:
    for seed in range(2):
        directory = write_run(folder, label, seed=seed, data=DATA, accuracy=0.9, train_seconds=train_seconds)
        record = read_record(directory)
        cost = replace(record.cost, latency_seconds=latency, train_examples=examples)
        write_record(replace(record, cost=cost), directory)


def test_money_is_for_labels_training_and_predictions(tmp_path: Path) -> None:
    write(tmp_path, "full", train_seconds=1800, latency=0.036)
    write(tmp_path, "zero-shot", train_seconds=0, latency=0.36, examples=0)
    prices = Prices(per_hour=2.0, per_label=0.5, predictions_per_month=1000, months=10)
    [analysis] = analyse(find_runs([tmp_path]), Criteria(cost="money", prices=prices))
    money = {row.line.label: row.costs["money"] for row in analysis.rows}
    # 400 rows of train and validation, half an hour, 10,000 predictions of 0.036 s: 200 + 1 + 0.2.
    assert money["full"] == pytest.approx(200 + 1 + 0.2)
    # Nothing is labelled for what doesn't train.
    assert money["zero-shot"] == pytest.approx(2.0)
    assert [row.line.label for row in analysis.rows if row.recommended] == ["zero-shot"]


def test_the_volume_at_which_one_overtakes_another_is_computed() -> None:
    contenders = [Running("large", 10.0, 0.004), Running("small", 30.0, 0.001), Running("both", 40.0, 0.002)]
    ranges = list(cheapest_by_volume(contenders, months=2.0))
    # 10 + 0.004 v = 30 + 0.001 v at v = 6,667 predictions, in two months.
    assert ranges[0] == ("large", pytest.approx(3333.3, abs=0.1))
    assert ranges[1] == ("small", float("inf"))


def test_the_volume_stands_in_the_table(tmp_path: Path) -> None:
    write(tmp_path, "trained", train_seconds=3600, latency=0.001)
    write(tmp_path, "untrained", train_seconds=0, latency=0.1, examples=0)
    [analysis] = analyse(find_runs([tmp_path]), Criteria(tolerance=0.1, prices=Prices(per_hour=1.0)))
    assert analysis.volumes is not None
    # 1 + 0.001 v / 3600 = 0.1 v / 3600 at v = 36,364, over 12 months.
    assert "cost the least with untrained up to about 3,000 predictions a month, and with trained above" in (
        analysis.volumes
    )


def test_without_prices_there_is_no_money(tmp_path: Path) -> None:
    write(tmp_path, "full", train_seconds=10, latency=0.01)
    [analysis] = analyse(find_runs([tmp_path]))
    assert analysis.volumes is None
    assert "money" not in analysis.rows[0].costs


def test_prices_are_read_as_written() -> None:
    assert parse_prices(None) is None
    assert parse_prices("0.40/h") == Prices(per_hour=0.4)
    full = Prices(per_hour=2.0, per_label=0.1, predictions_per_month=1e6, months=6.0)
    assert parse_prices("2/h", 0.1, "1e6/month", 6.0) == full
