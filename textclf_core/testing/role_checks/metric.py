"""Checks of metrics."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from textclf_core.testing.registry import check_of
from textclf_core.testing.subject import Subject, TinyTask


def _outputs(tiny: TinyTask, wrong: float = 0.3, seed: int = 0, labels: range | None = None) -> dict[str, Any]:
    """Return made-up references, predictions and scores, of which a share is wrong."""
    import numpy as np

    rng = np.random.default_rng(seed)
    count, rows = tiny.task.num_labels, 24

    def texts(size: int) -> tuple[Any, Any, Any]:
        references = rng.permutation(np.resize(np.arange(count), size)) if not labels else rng.choice(labels, size)
        shift = rng.integers(1, count, size) * (rng.random(size) < wrong)
        predictions = (references + shift) % count
        scores = rng.uniform(0.05, 0.3, (size, count))
        scores[np.arange(size), predictions] += 1
        return references, predictions, (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32)

    references: Any
    predictions: Any
    scores: Any
    if tiny.task.kind == "tokens":
        parts = [texts(4 + row % 3) for row in range(rows)]
        references, predictions, scores = ([part[place] for part in parts] for place in range(3))
    elif tiny.task.kind == "multi-label":
        references = (rng.random((rows, count)) < 0.5).astype(np.int64)
        predictions = np.where(rng.random((rows, count)) < wrong, 1 - references, references)
        scores = (0.2 + 0.6 * predictions + rng.uniform(-0.1, 0.1, (rows, count))).astype(np.float32)
    else:
        references, predictions, scores = texts(rows)
    return {"references": references, "predictions": predictions, "scores": scores, "task": tiny.task}


def _values(subject: Subject, outputs: dict[str, Any]) -> dict[str, float]:
    [values] = subject.call("textclf_compute_metrics", **outputs) or [{}]
    return dict(values)


def _same(one: dict[str, float], other: dict[str, float]) -> bool:
    return one.keys() == other.keys() and all(
        math.isclose(one[name], other[name], abs_tol=1e-6) or (math.isnan(one[name]) and math.isnan(other[name]))
        for name in one
    )


@check_of("textclf_compute_metrics")
def measures_each_task(subject: Subject) -> Iterator[str]:
    """It returns numbers in each kind of task that it doesn't refuse."""
    for tiny in subject.tasks():
        values = _values(subject, _outputs(tiny))
        if not values:
            yield f"{tiny.task.kind}: it returned no number; refuse such tasks in textclf_check_task."
        elif all(math.isnan(value) for value in values.values()):
            yield f"{tiny.task.kind}: all its numbers are nan for ordinary rows; check the computation."


@check_of("textclf_compute_metrics")
def takes_rows_in_any_order(subject: Subject) -> Iterator[str]:
    """The order of the rows doesn't matter."""
    for tiny in subject.tasks():
        outputs = _outputs(tiny)
        backwards = {name: value if name == "task" else value[::-1] for name, value in outputs.items()}
        if not _same(_values(subject, outputs), _values(subject, backwards)):
            yield f"{tiny.task.kind}: it has other values for the same rows in another order; use no row's place."


@check_of("textclf_compute_metrics")
def tells_right_from_wrong(subject: Subject) -> Iterator[str]:
    """Perfect predictions have other values than wrong ones, and no row may be missing."""
    for tiny in subject.tasks():
        perfect, wrong = (_values(subject, _outputs(tiny, wrong=share)) for share in (0.0, 1.0))
        if _same(perfect, wrong):
            yield (
                f"{tiny.task.kind}: predictions that are all right and all wrong both have {perfect}; compare "
                "predictions (or scores) with references."
            )


@check_of("textclf_compute_metrics")
def gives_the_same_again(subject: Subject) -> Iterator[str]:
    """The same rows have the same values at each call, whatever came between."""
    for tiny in subject.tasks():
        first = _values(subject, _outputs(tiny))
        _values(subject, _outputs(tiny, seed=1))
        if not _same(first, _values(subject, _outputs(tiny))):
            yield f"{tiny.task.kind}: it has other values at a second call; keep no state, and draw nothing."


@check_of("textclf_compute_metrics")
def survives_a_missing_label(subject: Subject) -> Iterator[str]:
    """If all rows have one label, it returns the same names, with nan for what isn't defined."""
    for tiny in subject.tasks():
        if tiny.task.kind != "single-label":
            continue
        names = set(_values(subject, _outputs(tiny)))
        for only in range(tiny.task.num_labels):
            values = _values(subject, _outputs(tiny, wrong=0.0, labels=range(only, only + 1)))
            if set(values) != names:
                yield (
                    f"it has other names ({', '.join(sorted(set(values) ^ names))}) if every row has one label; return "
                    "the same names, and nan where a number isn't defined."
                )
                break


@check_of("textclf_compute_metrics")
def leaves_its_arrays_alone(subject: Subject) -> Iterator[str]:
    """It changes none of the arrays that it gets, which the next metric gets too."""
    import numpy as np

    for tiny in subject.tasks():
        outputs, wanted = _outputs(tiny), _outputs(tiny)
        _values(subject, outputs)
        for name in ("references", "predictions", "scores"):
            pairs = zip(outputs[name], wanted[name], strict=True) if len(outputs[name]) == len(wanted[name]) else None
            if pairs is None or not all(np.array_equal(one, other) for one, other in pairs):
                yield f"{tiny.task.kind}: it changed {name} in place; work on a copy."
