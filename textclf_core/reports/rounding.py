"""Rounding numbers according to their uncertainty.

An uncertainty is written with two significant digits, and its value with the same number of decimal places, as in the
Guide to the Expression of Uncertainty in Measurement (JCGM 100:2008, section 7.2.6: an uncertainty is quoted to at most
two significant digits, and the estimate rounded to be consistent with it). For example, 0.80342 with an interval from
0.779 to 0.8275, whose half-width is 0.024, is written 0.803 [0.779, 0.828].
"""

from __future__ import annotations

import math

SIGNIFICANT_DIGITS = 2
# The decimal places without an uncertainty: for an interval of length 0, or a single value.
_PLACES_WITHOUT = 4
_MOST_PLACES = 12


def places(uncertainty: float | None) -> int:
    """Return the number of decimal places for an uncertainty: 3 for 0.024, 0 for 24, -1 for 240.

    Args:
        uncertainty: a standard error or half-width of an interval; four places are used if it is unknown (``None``, 0
            or not finite).
    """
    if uncertainty is None or not math.isfinite(uncertainty) or uncertainty <= 0:
        return _PLACES_WITHOUT
    exponent = math.floor(math.log10(uncertainty))
    # Rounding may add a leading digit: 0.0996 becomes 0.10, not 0.100.
    exponent = math.floor(math.log10(round(uncertainty, SIGNIFICANT_DIGITS - 1 - exponent)))
    return min(SIGNIFICANT_DIGITS - 1 - exponent, _MOST_PLACES)


def write_number(value: float | None, decimal_places: int) -> str:
    """Return ``value`` with a number of decimal places; a negative number rounds to tens, hundreds and so on.

    ``None``, which stands for no number, is written ``-``.
    """
    if value is None:
        return "-"
    rounded = round(value, decimal_places)
    # Avoid -0.000 for a difference of -0.0002 rounded to three places.
    rounded = 0.0 if rounded == 0 else rounded
    return f"{rounded:.{max(decimal_places, 0)}f}"


def write_interval(low: float, high: float) -> str:
    """Return an interval rounded according to its half-width: ``[0.779, 0.828]``."""
    decimals = places((high - low) / 2)
    return f"[{write_number(low, decimals)}, {write_number(high, decimals)}]"


def write_significant(value: float, digits: int = SIGNIFICANT_DIGITS) -> str:
    """Return ``value`` with a number of significant digits, without an exponent: ``0.0042``, ``1300``."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    exponent = math.floor(math.log10(abs(value)))
    exponent = math.floor(math.log10(abs(round(value, digits - 1 - exponent))))
    return write_number(value, digits - 1 - exponent)


def write_p(p_value: float) -> str:
    """Return a p-value with two significant digits; ``<0.001`` below 0.001."""
    return "<0.001" if p_value < 0.001 else write_significant(p_value)


def write_risk(probability: float) -> str:
    """Return a probability as a share of cases: ``1 in 8``, ``2 in 3``; ``below 1 in 100`` and above 99 in 100."""
    if probability < 0.01:
        return "below 1 in 100"
    if probability > 0.99:
        return "above 99 in 100"
    if probability <= 1 / 3:
        return f"1 in {round(1 / probability)}"
    return f"{round(10 * probability)} in 10"
