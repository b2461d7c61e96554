"""The texts that a reader wants to see: confident mistakes, and those that two contenders see differently.

What a contender says of a text, and how sure it is, the kind of task decides
(:meth:`~textclf_core.tasks.report_kind.ReportKind.example_views`). The page holds the texts of the first
entries of each list, within a budget, and says how many there are in all.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from textclf_core.reports.analysis import Analysis
from textclf_core.reports.outcomes import entity_mode
from textclf_core.reports.quality import run_scores
from textclf_core.reports.stored import ContenderRuns, StoredRun
from textclf_core.tasks.report_kind import ExampleViews, SeedDecisions

if TYPE_CHECKING:
    from numpy.typing import NDArray

LONGEST_LIST = 30
"""Entries of a list of mistakes or disagreements that the page holds at most."""

LONGEST_TEXT = 1200
"""Characters of a text that the page shows at most."""

TEXT_BUDGET = 400_000
"""Characters of all texts together."""


def example_data(analysis: Analysis) -> dict[str, object]:
    """Return the data of the page's script: each text once, and lists of row numbers.

    Where each seed has its own test rows, they are those of the first seed, see :func:`example_seed`.

    ``mistakes`` has for each contender the number in all and the rows, the most confident first. ``pairs`` has for
    each two contenders (by their places) the numbers in all (first right, second right, neither) and the rows, those
    where the two are surest first. ``texts`` has each row's texts, true label, and for each contender its label, its
    confidence in percent and the number of seeds that are wrong.
    """
    views = _views(analysis)
    wrong = views.labels != views.truth
    lists = [_ordered(np.flatnonzero(row), views.confidence[index]) for index, row in enumerate(wrong)]
    places = list(itertools.combinations(range(len(wrong)), 2))
    counts = []
    for one, two in places:
        differ = views.labels[one] != views.labels[two]
        lists.append(_ordered(np.flatnonzero(differ), views.confidence[one] + views.confidence[two]))
        first, second = int((differ & ~wrong[one]).sum()), int((differ & ~wrong[two]).sum())
        counts.append([first, second, int(differ.sum()) - first - second])
    texts = _texts(analysis)
    rows = _within_budget(lists, texts)
    kept = [[row for row in rows_of if row in rows] for rows_of in (ids[:LONGEST_LIST] for ids in lists)]
    return {
        "labels": list(views.names),
        "contenders": [row.line.label for row in analysis.rows],
        "columns": list(analysis.data.text_columns),
        "seeds": [len(_runs(analysis, row.line)) for row in analysis.rows],
        "mistakes": [[int(wrong[index].sum()), kept[index]] for index in range(len(wrong))],
        "pairs": [
            [one, two, *counts[index], kept[len(wrong) + index]] for index, (one, two) in enumerate(places)
        ],
        "texts": {
            str(row): [
                [text[:LONGEST_TEXT] + ("…" if len(text) > LONGEST_TEXT else "") for text in texts[row]],
                int(views.truth[row]),
                [
                    [int(views.labels[index, row]), round(100 * float(views.confidence[index, row])),
                     int(views.wrong_seeds[index, row])]
                    for index in range(len(wrong))
                ],
            ]
            for row in sorted(rows)
        },
    }  # fmt: skip


def example_seed(analysis: Analysis) -> int | None:
    """Return the seed of whose test rows the lists are; ``None`` if all seeds have the same test rows."""
    return analysis.rows[0].line.seeds[0] if analysis.data.own_tests else None


def _runs(analysis: Analysis, line: ContenderRuns) -> Sequence[StoredRun]:
    """Return a contender's runs on the test rows of the lists."""
    seed = example_seed(analysis)
    return [run for run in line.runs if seed is None or run.record.seed == seed]


def _views(analysis: Analysis) -> ExampleViews:
    lines = [row.line for row in analysis.rows]
    first = lines[0].runs[0]
    return first.kind.example_views(
        first.names("label"),
        [
            SeedDecisions([run.names("prediction") for run in runs], [run_scores(run) for run in runs])
            for runs in (_runs(analysis, line) for line in lines)
        ],
        [first.test[name].to_pylist() for name in first.record.data.text_columns],
        entity_mode(first.record),
    )


def _ordered(rows: NDArray[np.int64], weight: NDArray[np.float64]) -> list[int]:
    """Return the rows by falling weight, equal ones in the data's order."""
    return [int(row) for row in rows[np.argsort(-weight[rows], kind="stable")]]


def _texts(analysis: Analysis) -> list[tuple[str, ...]]:
    table = analysis.rows[0].line.runs[0].test
    columns = [table[name].to_pylist() for name in analysis.data.text_columns]
    return [
        tuple(text if isinstance(text, str) else " ".join(text or ()) for text in row)
        for row in zip(*columns, strict=True)
    ]


def _within_budget(lists: Sequence[Sequence[int]], texts: Sequence[tuple[str, ...]]) -> set[int]:
    """Return the rows whose texts the page holds: the first of every list, then the second of every list, and so on."""
    rows: set[int] = set()
    left = TEXT_BUDGET
    for rank in range(LONGEST_LIST):
        for row in (ids[rank] for ids in lists if rank < len(ids)):
            size = sum(min(len(text), LONGEST_TEXT) for text in texts[row])
            if row not in rows and size <= left:
                rows.add(row)
                left -= size
    return rows
