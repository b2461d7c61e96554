"""Checks of arrays that plugins return."""

from __future__ import annotations

import numpy as np


def other_than(scores: object, shape: tuple[int, int]) -> str | None:
    """Return a description of what isn't a floating-point array of this shape; ``None`` if it is one."""
    if not isinstance(scores, np.ndarray):
        return f"a {type(scores).__name__}"
    if scores.shape != shape or not np.issubdtype(scores.dtype, np.floating):
        return f"one of {scores.dtype} of shape {scores.shape}"
    return None
