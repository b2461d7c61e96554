"""The columns of a comparison's table: their values, and how these are formatted for readers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from textclf_core.errors import UsageError, did_you_mean
from textclf_core.records.schema import Tuning
from textclf_core.reports.added import write_fact, write_value
from textclf_core.reports.analysis import AddedColumn, Analysis, Row
from textclf_core.reports.prices import MONEY
from textclf_core.reports.rounding import places, write_interval, write_number, write_significant
from textclf_core.types.record import Fact
from textclf_core.types.report import ReportColumn, ReportCost, Value

MISSING = "-"


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a table.

    Attributes:
        name: the name for ``--columns``.
        heading: the heading for readers.
        parts: functions for the raw values, by name; an interval has two.
        write: returns the formatted value.
        align: ``left``, ``right``, or ``decimal`` for numbers without a unit.
        key: returns the sort key: a number, a text, or ``None`` for rows that come last.
        largest_first: whether larger values are better.
    """

    name: str
    heading: str
    parts: Mapping[str, Callable[[Row], Value]]
    write: Callable[[Row], str]
    align: Literal["left", "right", "decimal"]
    key: Callable[[Row], Value]
    largest_first: bool = False


def columns_of(analysis: Analysis) -> dict[str, Column]:
    """Return all columns that a comparison's table can have, by name, in order; ``money`` only if it has prices."""
    higher = analysis.measured.info.better == "higher"
    fixed = [
        _text("contender", "contender", lambda row: row.line.label),
        _number("score", analysis.metric, lambda row: row.score, _write_score, largest_first=higher),
        _number("sd", "sd", lambda row: row.deviation, _write_deviation),
        Column(
            name="interval",
            heading="95% interval",
            parts={"low": lambda row: row.low, "high": lambda row: row.high},
            write=lambda row: write_interval(row.low, row.high),
            align="left",
            key=lambda row: row.low if higher else row.high,
            largest_first=higher,
        ),
        _text("verdict", "verdict", lambda row: row.verdict),
        _number("loss", "expected loss", lambda row: row.loss, _write_loss, align="right"),
        _number("risk", f"risk of > {analysis.tolerance:g}", lambda row: row.risk, _write_risk, align="right"),
        _number("difference", "difference", lambda row: row.difference, _write_difference, largest_first=higher),
        Column(
            name="distance",
            heading="distance from the best",
            parts={
                "distance_low": lambda row: row.distance.low if row.distance else None,
                "distance_high": lambda row: row.distance.high if row.distance else None,
            },
            write=lambda row: write_interval(row.distance.low, row.distance.high) if row.distance else MISSING,
            align="left",
            key=lambda row: (row.distance.low if higher else row.distance.high) if row.distance else None,
            largest_first=higher,
        ),
    ]
    costs = [_cost(kind) for kind in analysis.criteria.kinds.values()]
    seeds = Column(
        name="seeds",
        heading="seeds",
        parts={"seeds": lambda row: " ".join(map(str, row.line.seeds))},
        write=lambda row: " ".join(map(str, row.line.seeds)),
        align="left",
        key=lambda row: len(row.line.seeds),
        largest_first=True,
    )
    failed = Column(
        name="failed",
        heading="failed to train",
        parts={"failed": lambda row: " ".join(map(str, row.line.failed_seeds))},
        write=lambda row: (
            f"{len(row.line.failed_seeds)} of {len(row.line.seeds)}" if row.line.failed_seeds else MISSING
        ),
        align="left",
        key=lambda row: len(row.line.failed_seeds) or None,
    )
    tuned = [_text("tuned", "tuned", _tuned)] if any(_tuning(row) for row in analysis.rows) else []
    metrics = [_metric(name, analysis) for name in _metric_names(analysis)]
    added = [_added(one) for one in analysis.added_columns]
    names = dict.fromkeys(name for row in analysis.rows for name in fact_names(row))
    facts = [_fact(name, analysis.rows) for name in names]
    columns: dict[str, Column] = {}
    for column in [*fixed, failed, *tuned, *costs, seeds, *metrics, *added, *facts]:
        columns.setdefault(column.name, column)
    return columns


def fact_names(row: Row) -> list[str]:
    """Return the names of the facts that a contender's trainer recorded, in order."""
    return list(dict.fromkeys(name for run in row.line.runs for name in run.record.facts))


def pick(wanted: Sequence[str], columns: Mapping[str, Column]) -> list[Column]:
    """Return the columns with these names.

    Raises:
        UsageError: a column doesn't exist, or no name is given.
    """
    if not wanted:
        raise UsageError(f"--columns: name at least one of {', '.join(columns)}.")
    return [_column(name, columns, "--columns") for name in wanted]


def sort_rows(rows: Sequence[Row], sort: str, columns: Mapping[str, Column]) -> list[Row]:
    """Return the rows sorted by a column, the best first: the highest score, the lowest cost, texts from A to Z.

    A ``-`` before the name reverses the order. Rows without a value always come last.

    Raises:
        UsageError: the column doesn't exist.
    """
    column = _column(sort.removeprefix("-"), columns, "--sort")
    known = [row for row in rows if column.key(row) is not None]
    unknown = [row for row in rows if column.key(row) is None]
    # Python's sort keeps the order of equals, and reverse=True does too.
    known.sort(key=column.key, reverse=column.largest_first != sort.startswith("-"))  # type: ignore[arg-type]
    return known + unknown


def metric_mean(row: Row, name: str, seeds: Sequence[int]) -> float | None:
    """Return the mean of a metric of the test split over these seeds; ``None`` if a run doesn't have it."""
    values = [run.record.metrics["test"].get(name) for run in row.line.runs if run.record.seed in seeds]
    numbers = [value for value in values if value is not None]
    return sum(numbers) / len(numbers) if numbers and len(numbers) == len(values) else None


def _column(name: str, columns: Mapping[str, Column], option: str) -> Column:
    if name in columns:
        return columns[name]
    if name == MONEY:
        raise UsageError(f"{option} {MONEY}: set the price of the machine, as in --price 0.40/h.")
    raise UsageError(
        f"{option} {name}: there is no such column.{did_you_mean(name, columns)} The columns are {', '.join(columns)}."
    )


def _text(name: str, heading: str, read: Callable[[Row], str], short: Mapping[str, str] | None = None) -> Column:
    """Return a column of text; ``short`` maps long values to what a table for readers shows instead."""
    return Column(
        name=name,
        heading=heading,
        parts={name: read},
        write=lambda row: (short or {}).get(read(row), read(row)),
        align="left",
        key=read,
    )


def _number(
    name: str,
    heading: str,
    read: Callable[[Row], float | None],
    write: Callable[[Row, float], str],
    *,
    align: Literal["right", "decimal"] = "decimal",
    largest_first: bool = False,
) -> Column:
    def write_known(row: Row) -> str:
        value = read(row)
        return MISSING if value is None else write(row, value)

    return Column(
        name=name,
        heading=heading,
        parts={name: read},
        write=write_known,
        align=align,
        key=read,
        largest_first=largest_first,
    )


def _cost(kind: ReportCost) -> Column:
    return _number(
        kind.name,
        kind.heading,
        lambda row: row.costs.get(kind.name),
        lambda row, value: kind.write(value),
        align="right",
    )


def _added(one: AddedColumn) -> Column:
    """Return a column that a plugin adds; texts and numbers in one column are sorted as texts."""
    column, values = one.column, one.values
    texts = any(isinstance(value, str) for value in values.values())

    def key(row: Row) -> Value:
        value = values[row.line.label]
        return value if value is None or not texts else str(value)

    def write(row: Row) -> str:
        value = values[row.line.label]
        return MISSING if value is None or column.write is None else column.write(value)

    return Column(
        name=column.name,
        heading=column.heading,
        parts={column.name: lambda row: values[row.line.label]},
        write=write,
        align="left" if texts else "right",
        key=key,
        largest_first=column.largest_first,
    )


def _fact(name: str, rows: Sequence[Row]) -> Column:
    """Return the column of a fact: the mean over seeds of numbers, or the different texts."""

    def value(row: Row) -> Value:
        facts: list[Fact] = [run.record.facts[name] for run in row.line.runs if name in run.record.facts]
        known = [fact for fact in facts if fact is not None]
        numbers = [fact for fact in known if isinstance(fact, int | float) and not isinstance(fact, bool)]
        if len(numbers) < len(known):
            return ", ".join(dict.fromkeys(write_fact(fact) for fact in known))
        if len(set(numbers)) < 2:  # an integer stays one
            return numbers[0] if numbers else None
        return sum(numbers) / len(numbers)

    values = {row.line.label: value(row) for row in rows}
    return _added(AddedColumn(ReportColumn(name=name, heading=name, read=lambda _: None, write=write_value), values))


def _tuning(row: Row) -> Tuning | None:
    return row.line.runs[0].record.tuning


def _tuned(row: Row) -> str:
    """Return the tuned values and the budget of their search as text."""
    tuning = _tuning(row)
    if tuning is None:
        return MISSING
    every = [run.record.tuning for run in row.line.runs if run.record.tuning]
    flops = [one.train_flops for one in every]
    cost = f", {_range([own / 1e12 for own in flops if own], ',.3g')} TFLOPs" if all(flops) else ""
    values = ", ".join(
        f"{option.option.split(':')[1]}={_range([one.options[place].value for one in every], 'g')}"
        for place, option in enumerate(tuning.options)
    )
    early = [one.ended_early for one in every]
    ended = f", {_range(early, 'd')} ended early" if any(early) else ""
    each = " at each seed" if tuning.own_sample else ""
    return f"{values} ({_range([one.trials for one in every], 'd')} trials{each}{ended}{cost})"


def _range(values: Sequence[str | int | float], form: str) -> str:
    """Return the values of all seeds: one, all choices, or the lowest and the highest number."""
    different = list(dict.fromkeys(values))
    numbers = [value for value in different if not isinstance(value, str)]
    if len(numbers) < len(different):
        return "/".join(sorted(map(str, different)))
    return " to ".join(format(end, form) for end in dict.fromkeys((min(numbers), max(numbers))))


def _metric(name: str, analysis: Analysis) -> Column:
    return _number(
        name,
        name,
        lambda row: metric_mean(row, name, analysis.seeds),
        # The uncertainty of this metric isn't known; it is similar to that of the score on the same examples.
        _write_score,
        largest_first=name not in analysis.lower_is_better,
    )


def _metric_names(analysis: Analysis) -> list[str]:
    return list(
        dict.fromkeys(
            name for row in analysis.rows for run in row.line.runs for name in run.record.metrics.get("test", {})
        )
    )


def _places(row: Row) -> int:
    return places((row.high - row.low) / 2)


def _write_score(row: Row, value: float) -> str:
    return write_number(value, _places(row))


def _write_difference(row: Row, value: float) -> str:
    return MISSING if value == 0 else write_number(value, _places(row))


def _write_loss(row: Row, value: float) -> str:
    return write_number(value, _places(row))


def _write_risk(row: Row, value: float) -> str:
    return "<1%" if value < 0.01 else ">99%" if value > 0.99 else f"{100 * value:.0f}%"


def _write_deviation(row: Row, value: float) -> str:
    """Return the deviation with the score's decimal places, or with one significant digit if it would round to 0."""
    decimals = _places(row)
    return write_number(value, decimals) if round(value, decimals) or not value else write_significant(value, 1)
