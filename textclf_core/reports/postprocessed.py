"""The effect of postprocessing: the metrics before and after each step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from textclf_core.records.schema import PostprocessingRecord, Record
from textclf_core.reports.rounding import write_number

_PLACES = 4


@dataclass(frozen=True)
class Change:
    """A metric of a split before and after a step, as means over the runs."""

    split: str
    name: str
    before: float
    after: float


def changes(steps: Sequence[PostprocessingRecord]) -> Iterator[Change]:
    """Yield the metrics that one step changed, as means over several runs.

    Metrics that a run lacks, or that exist only before or only after the step (``coverage``), are skipped.
    """
    for split, names in steps[0].before.items():
        for name in names:
            before = [step.before[split].get(name) for step in steps]
            after = [step.after[split].get(name) for step in steps]
            if None in before or None in after:
                continue
            change = Change(split, name.replace("_", " "), _mean(before), _mean(after))
            if write_number(change.before, _PLACES) != write_number(change.after, _PLACES):
                yield change


def step_sentences(record: Record) -> Iterator[tuple[str, str]]:
    """Yield, for each step of a run, its plugin and a text with its fitted values and their effect on test."""
    for step in record.postprocessing:
        coverage = step.after["test"].get("coverage")
        parts = [step.fitted]
        if coverage is not None:
            parts.append(f"answers {coverage:.1%} of test, on which the metrics are computed")
        parts += [f"{one.name} {write_change(one)}" for one in changes([step]) if one.split == "test"]
        yield step.plugin, "; ".join(parts)


def write_change(change: Change) -> str:
    """Return a change as text: ``0.0812 to 0.0204``."""
    return f"{write_number(change.before, _PLACES)} to {write_number(change.after, _PLACES)}"


def _mean(values: Sequence[float | None]) -> float:
    numbers = [value for value in values if value is not None]
    return sum(numbers) / len(numbers)
