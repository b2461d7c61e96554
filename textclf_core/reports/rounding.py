"""Numbers rounded by their uncertainty.

The rule: an uncertainty is written with two significant digits, and its value to the same decimal place. It is that of
the Guide to the Expression of Uncertainty in Measurement (JCGM 100:2008, section 7.2.6: an uncertainty is quoted to at
most two significant digits, and the estimate rounded to be consistent with it). So 0.80342 with an interval from 0.779
to 0.8275, half of which is 0.024, is written 0.803 [0.779, 0.828].
"""

from __future__ import annotations

import math

SIGNIFICANT_DIGITS = 2
# What is written where there is no uncertainty: an interval of no width, a single value.
_PLACES_WITHOUT = 4
_MOST_PLACES = 12


def places(uncertainty: float | None) -> int:
    """Return the decimal places that an uncertainty leaves: 3 for 0.024, 0 for 24, -1 for 240.

    Args:
        uncertainty: a standard error or half an interval; ``None``, 0 or not finite where it isn't known, for which
            four places are kept.
    """
    if uncertainty is None or not math.isfinite(uncertainty) or uncertainty <= 0:
        return _PLACES_WITHOUT
    exponent = math.floor(math.log10(uncertainty))
    # 0.0996 becomes 0.10, not 0.100: rounding may add a digit in front.
    exponent = math.floor(math.log10(round(uncertainty, SIGNIFICANT_DIGITS - 1 - exponent)))
    return min(SIGNIFICANT_DIGITS - 1 - exponent, _MOST_PLACES)


def write_number(value: float, decimal_places: int) -> str:
    """Return ``value`` with so many decimal places; a negative count rounds to tens, hundreds and so on."""
    rounded = round(value, decimal_places)
    # A difference of -0.0002 rounded to three places is 0.000: its sign would be all that is left of it.
    rounded = 0.0 if rounded == 0 else rounded
    return f"{rounded:.{max(decimal_places, 0)}f}"


def write_interval(low: float, high: float) -> str:
    """Return an interval rounded by half its width: ``[0.779, 0.828]``."""
    kept = places((high - low) / 2)
    return f"[{write_number(low, kept)}, {write_number(high, kept)}]"


def write_significant(value: float, digits: int = SIGNIFICANT_DIGITS) -> str:
    """Return ``value`` with so many significant digits, written out: ``0.0042``, ``1300``."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    exponent = math.floor(math.log10(abs(value)))
    exponent = math.floor(math.log10(abs(round(value, digits - 1 - exponent))))
    return write_number(value, digits - 1 - exponent)


def write_p(p_value: float) -> str:
    """Return a p-value with two significant digits, and those below 0.001 as ``<0.001``."""
    return "<0.001" if p_value < 0.001 else write_significant(p_value)
