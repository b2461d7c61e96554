"""The training samples and test rows of the seeds of a comparison: what varied, and for what its results hold."""

from __future__ import annotations

from collections.abc import Sequence

from textclf_core.errors import UsageError
from textclf_core.reports.outcomes import clusters_of, labels_of
from textclf_core.reports.stored import ContenderRuns
from textclf_core.statistics import OwnTests
from textclf_core.types.data import DataRecord


def at_common_tests(contenders: Sequence[ContenderRuns]) -> tuple[Sequence[ContenderRuns], tuple[int, ...]]:
    """Return the runs that are compared, and the seeds of the others.

    Contenders are compared row by row, so where each seed has its own test rows, only seeds that all contenders have.

    Raises:
        UsageError: there is no such seed, or runs at one seed have other test rows.
    """
    if not contenders[0].runs[0].record.data.own_tests:
        return contenders, ()
    tests: dict[int, set[str]] = {}
    for run in (run for one in contenders for run in one.runs):
        test = next(split.sha256 for split in run.record.data.splits if split.name == "test")
        tests.setdefault(run.record.seed, set()).add(test)
    if other := [seed for seed, found in tests.items() if len(found) > 1]:
        raise UsageError(
            f"{', '.join(one.label for one in contenders)}: the runs at seed {other[0]} have other test rows, drawn by "
            "another version of textclf, so they can't be compared. Run them again with --force."
        )
    common = set.intersection(*(set(one.seeds) for one in contenders))
    if not common:
        raise UsageError(
            f"{', '.join(one.label for one in contenders)} have no seed in common, and each seed has its own test rows "
            "(--vary data=all), so they can't be compared. Run them at the same seeds."
        )
    kept = [ContenderRuns(one.label, tuple(run for run in one.runs if run.record.seed in common)) for one in contenders]
    return kept, tuple(sorted({seed for one in contenders for seed in one.seeds} - common))


def tests_of(contenders: Sequence[ContenderRuns], cluster: str | None) -> OwnTests:
    """Return the test rows of each seed, or of all seeds together, and what counts as one draw of them.

    Args:
        contenders: the contenders, with runs at the same seeds if each seed has its own test rows.
        cluster: the column whose equal values are one draw; see :func:`~textclf_core.reports.outcomes.clusters_of`.

    Raises:
        UsageError: the predictions don't have the column.
    """
    data = contenders[0].runs[0].record.data
    runs = contenders[0].runs if data.own_tests else contenders[0].runs[:1]
    by_label = data.own_tests and not data.group_column
    by_label |= any(split.name == "test" and split.origin == "held out from train" for split in data.splits)
    every = [run.record.data for one in contenders for run in one.runs]
    return OwnTests(
        clusters=tuple(clusters_of(run, cluster) for run in runs),
        labels=tuple(labels_of(run) if by_label else None for run in runs),
        overlap=overlap_of(every, "test") or 0.0,
    )


def overlap_of(data: Sequence[DataRecord], name: str) -> float | None:
    """Return the expected share of a split's rows that two seeds have in common; ``None`` if there is one sample."""
    shares = [
        split.rows / one.drawn_from.rows
        for one in data
        for split in one.splits
        if one.drawn_from and split.name == name
    ]
    return sum(shares) / len(shares) if shares else None


def scope_sentence(contenders: Sequence[ContenderRuns]) -> str:
    """Return for which samples the results of strategies hold."""
    records = [run.record for one in contenders for run in one.runs]
    data = records[0].data
    samples = "over training samples" if data.drawn_from else "for this training sample"
    samples += " and test rows" if data.own_tests else ""
    own = any(record.tuning and record.tuning.own_sample for record in records)
    return f"This holds {samples}{', with its own tuning for each' if own else ''}."
