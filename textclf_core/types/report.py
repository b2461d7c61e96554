"""What plugins add to a report, and the results that they get for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from textclf_core.types.record import RunRecord

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from textclf_core.types.task import Task

Value = str | float | int | None
"""The raw value of a cell, for programs."""


@dataclass(frozen=True, kw_only=True)
class ReportedContender:
    """The results of one contender. Scores and intervals have the metric's own sign.

    Attributes:
        label: its name in the report.
        records: the records of its runs, one per seed.
        directories: the directories of these runs, to read from (``history.jsonl``, ``predictions.parquet``).
        score: the metric on test, as the mean over seeds.
        deviation: the standard deviation over seeds; ``None`` with one seed.
        low: the lower end of the 95% interval.
        high: its upper end.
        verdict: ``best``, ``as good``, ``worse`` or ``undecided``.
        loss: by how much it is expected to be worse than the best contender.
        risk: the probability that it is worse by more than the tolerance.
        costs: the mean over seeds of each cost, by name; ``None`` if it is unknown.
        recommended: whether it is the recommended contender.
    """

    label: str
    records: tuple[RunRecord, ...]
    directories: tuple[Path, ...]
    score: float
    deviation: float | None
    low: float
    high: float
    verdict: str
    loss: float
    risk: float
    costs: Mapping[str, float | None]
    recommended: bool


@dataclass(frozen=True, kw_only=True)
class ReportedComparison:
    """A comparison of contenders on the same data; a report has one for each data set and size of train.

    Attributes:
        data: the data, as in the report's heading.
        task: the kind of task, and the labels.
        metric: the name of the metric that it is decided by.
        better: whether ``higher`` or ``lower`` values of it are better.
        tolerance: the loss that is accepted, in the metric's units.
        cost: the name of the cost that the recommended contender keeps low.
        contenders: the contenders, the best first.
    """

    data: str
    task: Task
    metric: str
    better: Literal["higher", "lower"]
    tolerance: float
    cost: str
    contenders: tuple[ReportedContender, ...]


def _plain(value: float) -> str:
    return f"{value:,.4g}"


@dataclass(frozen=True, kw_only=True)
class ReportCost:
    """A cost of a run: a column of the report, a plot of the score against it, and a name for ``--cost``.

    Attributes:
        name: its name for ``--cost``, ``--columns`` and ``--sort``.
        heading: the heading of its column.
        read: returns the cost of a run: a finite number from 0 on; ``None`` if it is unknown.
        write: returns the cost as text, with its unit.
        axis: the heading of its axis in a plot; that of the column if ``None``.
        unit: by how much the axis divides it: 3600 for seconds that are shown as hours.
    """

    name: str
    heading: str
    read: Callable[[RunRecord], float | None]
    write: Callable[[float], str] = _plain
    axis: str | None = None
    unit: float = 1.0


@dataclass(frozen=True, kw_only=True)
class ReportColumn:
    """A column of the report's table.

    Attributes:
        name: its name for ``--columns`` and ``--sort``.
        heading: its heading.
        read: returns the value for a contender: a text or a number; ``None`` if there is none.
        write: returns a value that isn't ``None`` as text; if not given, a number has four digits.
        largest_first: whether larger values are better.
    """

    name: str
    heading: str
    read: Callable[[ReportedContender], Value]
    write: Callable[[Value], str] | None = None
    largest_first: bool = False


@dataclass(frozen=True, kw_only=True)
class ReportPlot:
    """A plot for the page, and for the files of ``--plots``.

    Attributes:
        name: the name of its files.
        title: its title, which is its alternative text too.
        draw: returns a figure, in the style of the report; ``None`` if there is nothing to show. On the page, the label
            of a line or a patch is its tooltip.
        caption: what it shows, in sentences.
    """

    name: str
    title: str
    draw: Callable[[ReportedComparison], Figure | None]
    caption: str = ""


@dataclass(frozen=True, kw_only=True)
class ReportTable:
    """A table in a section of the page.

    Attributes:
        caption: what it holds.
        headings: the headings of its columns.
        rows: a text or a number for each column; the first cell of each row is its heading.
    """

    caption: str
    headings: Sequence[str]
    rows: Sequence[Sequence[Value]]


@dataclass(frozen=True, kw_only=True)
class ReportSection:
    """A section of the page.

    Attributes:
        heading: its heading.
        content: returns its paragraphs, as plain text, and its tables; nothing if there is nothing to show.
    """

    heading: str
    content: Callable[[ReportedComparison], Sequence[str | ReportTable]]
