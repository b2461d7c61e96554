"""What the columns of a data set hold: by their features, and of labels by their values."""

from __future__ import annotations

import math

from datasets import LargeList, List, Value


def is_list(feature: object) -> bool:
    """Return whether a feature is a list of values."""
    return isinstance(feature, List | LargeList)


def is_text(feature: object) -> bool:
    """Return whether a feature is a string."""
    return isinstance(feature, Value) and feature.dtype in ("string", "large_string")


def holds(feature: object, kind: type) -> bool:
    """Return whether a feature is a list of such values."""
    return is_list(feature) and isinstance(feature.feature, kind)  # type: ignore[attr-defined]


def label_name(value: str | int | float | None) -> str | None:
    """Return a label as its name, ``None`` for none: a blank is none, and a whole number has no ``.0``."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):  # integers become floats in a data frame that has a gap
        return None if math.isnan(value) else f"{value:.0f}" if value.is_integer() else repr(value)
    return None if value is None or not str(value).strip() else str(value)
