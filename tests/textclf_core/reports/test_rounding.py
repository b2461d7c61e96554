"""Numbers rounded by their uncertainty."""

from __future__ import annotations

import pytest

from textclf_core.reports.rounding import places, write_interval, write_number, write_p, write_significant


@pytest.mark.parametrize(
    ("uncertainty", "expected"),
    [(0.024, 3), (0.0024, 4), (0.24, 2), (2.4, 1), (24.0, 0), (240.0, -1), (0.0996, 2), (0.0994, 3), (1.0, 1)],
)
def test_an_uncertainty_keeps_two_significant_digits(uncertainty: float, expected: int) -> None:
    assert places(uncertainty) == expected


@pytest.mark.parametrize("unknown", [None, 0.0, float("nan"), float("inf")])
def test_without_an_uncertainty_four_places_are_kept(unknown: float | None) -> None:
    assert places(unknown) == 4


def test_a_number_keeps_its_zeros_and_loses_what_is_beyond_its_places() -> None:
    assert [write_number(0.8, 3), write_number(0.80351, 3), write_number(1234.0, -1)] == ["0.800", "0.804", "1230"]


def test_a_difference_that_rounds_to_nothing_has_no_sign() -> None:
    assert write_number(-0.0002, 3) == "0.000"


def test_an_interval_is_rounded_by_half_its_width() -> None:
    assert write_interval(0.77912, 0.82754) == "[0.779, 0.828]"


@pytest.mark.parametrize(
    ("p_value", "written"), [(0.4321, "0.43"), (0.0456, "0.046"), (0.0012, "0.0012"), (0.0009, "<0.001"), (1.0, "1.0")]
)
def test_a_p_value_has_two_digits_and_a_floor(p_value: float, written: str) -> None:
    assert write_p(p_value) == written


@pytest.mark.parametrize(
    ("value", "written"), [(0.041666, "0.042"), (0.0000123, "0.000012"), (1234.0, "1200"), (0.0, "0"), (0.0999, "0.10")]
)
def test_significant_digits_are_written_out(value: float, written: str) -> None:
    assert write_significant(value) == written
