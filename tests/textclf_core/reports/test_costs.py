"""How a cost is written: small ones not as nothing."""

from __future__ import annotations

import pytest

from textclf_core.reports.costs import COSTS


@pytest.mark.parametrize(
    ("name", "value", "written"),
    [
        ("train-seconds", 0.0, "0.0 s"),
        ("train-seconds", 0.00042, "0.42 ms"),
        ("train-seconds", 0.034, "34 ms"),
        ("train-seconds", 0.34, "0.3 s"),
        ("train-seconds", 9.96, "10.0 s"),
        ("train-seconds", 200, "3 min 20 s"),
        ("flops", 6.712e12, "6.71 T"),
        ("flops", 3.4e10, "0.03 T"),
        ("flops", 3.4e8, "0.34 G"),
        ("flops", 1.2e6, "1.20 M"),
    ],
)
def test_a_cost_has_the_unit_that_shows_it(name: str, value: float, written: str) -> None:
    assert COSTS[name].write(value) == written
