"""The types of a data set's columns, and the names of labels."""

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
    """Return whether a feature is a list of values of a kind."""
    return is_list(feature) and isinstance(feature.feature, kind)  # type: ignore[attr-defined]


def label_name(value: str | int | float | None) -> str | None:
    """Return the name of a label value: whole numbers have no ``.0``; a missing or blank value gives ``None``."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):  # integers become floats in a data frame with missing values
        return None if math.isnan(value) else f"{value:.0f}" if value.is_integer() else repr(value)
    return None if value is None or not str(value).strip() else str(value)
