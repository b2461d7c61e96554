"""What the checks of the kinds' scores share."""

from __future__ import annotations

import numpy as np


def other_than(scores: object, shape: tuple[int, int]) -> str | None:
    """Return in words what isn't an array of decimal numbers of this shape; ``None`` where it is."""
    if not isinstance(scores, np.ndarray):
        return f"a {type(scores).__name__}"
    if scores.shape != shape or not np.issubdtype(scores.dtype, np.floating):
        return f"one of {scores.dtype} of shape {scores.shape}"
    return None
