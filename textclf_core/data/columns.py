"""What the columns of a data set hold: by their features, and of labels by their values."""

from __future__ import annotations

import math
from typing import Any

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


def label_name(value: Any) -> str | float | None:
    """Return a label as its name, ``None`` for none, or the number itself where it names no class."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):  # integers become floats in a data frame that has a gap
        return None if math.isnan(value) else str(int(value)) if value.is_integer() else value
    return None if value is None or value == "" else str(value)
