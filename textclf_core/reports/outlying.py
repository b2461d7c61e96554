"""Contenders so far below the others that they would flatten a chart: they are drawn at its edge."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from textclf_core.reports.analysis import Analysis, Row

# Of the distance between the best and the middle.
_OUTLYING = 4


def near_rows(analysis: Analysis, rows: Sequence[Row]) -> list[Row]:
    """Return the contenders that aren't far below the others; at least half of them.

    Args:
        analysis: the comparison.
        rows: one or more of its contenders.
    """
    scores = [analysis.oriented(row.score) for row in rows]
    best, middle = max(scores), statistics.median(scores)
    lowest = middle - max(_OUTLYING * (best - middle), 2 * analysis.tolerance)
    return [row for row, score in zip(rows, scores, strict=True) if score >= lowest]
