"""How both sides' predictions are timed and scored."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from sklearn.metrics import f1_score

WARM_UP_ROWS = 64


def timed(score: Callable[[Any], Any], warm_up: Any, rows: Any) -> tuple[Any, float]:
    """Return what ``score`` makes of rows, and in how many seconds, after it has seen some others."""
    score(warm_up)
    start = time.perf_counter()
    scores = score(rows)
    return scores, time.perf_counter() - start


def f1(labels: Sequence[int], predictions: Sequence[int], num_labels: int) -> float:
    """Return the F1 of the positive label of two, or the mean over labels, as textclf's metric ``f1``."""
    return float(f1_score(labels, predictions, average="binary" if num_labels == 2 else "macro"))
