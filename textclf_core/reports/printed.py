"""The output of ``textclf report``: each comparison with its worst slice, and optionally slices and class scores."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from textclf_core.errors import UsageError
from textclf_core.reports.analysis import Analysis
from textclf_core.reports.columns import columns_of, pick, sort_rows
from textclf_core.reports.curves import learning_curves
from textclf_core.reports.data_read import data_rows, data_table
from textclf_core.reports.data_sets import over_data_sets
from textclf_core.reports.failed import FailedRun, failed_data_sets
from textclf_core.reports.formatting import format_table, prose
from textclf_core.reports.quality import line_class_scores, line_reliability
from textclf_core.reports.rounding import places, write_interval, write_number, write_p
from textclf_core.reports.slices import (
    Slice,
    SliceScore,
    slice_scores,
    slices_of,
    usual_slices,
    worst_sentence,
    write_score,
)
from textclf_core.reports.tables import (
    SEPARATORS,
    TABLE_ALONE,
    check_format,
    comparison_json,
    comparison_text,
    raw_rows,
    separated,
)
from textclf_core.types.report import Value


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """The options of a report.

    Attributes:
        format: ``json``, ``csv``, ``tsv`` or another format of tabulate.
        columns: the names of columns; ``None`` for the default ones.
        sort: the column to sort by, preceded by ``-`` to reverse the order; ``None`` for the score.
        slices: columns and conditions, as for :func:`~textclf_core.reports.slices.slices_of`.
        classes: whether to add the scores of each class.
    """

    format: str = "simple"
    columns: Sequence[str] | None = None
    sort: str | None = None
    slices: Sequence[str] = ()
    classes: bool = False


def report_text(analyses: Sequence[Analysis], options: ReportOptions, failed: Sequence[FailedRun] = ()) -> str:
    """Return a report with one section per comparison; CSV and TSV have a single table, JSON a list.

    Args:
        analyses: the comparisons.
        options: the output options.
        failed: the failed runs on data of which there is no comparison.

    Raises:
        UsageError: a format or column doesn't exist, a slice can't be parsed, or CSV can't hold the requested tables.
    """
    check_format(options.format)
    if options.format == "json":
        return json.dumps(_as_json(analyses, options, failed), indent=2, ensure_ascii=False)
    if options.format in SEPARATORS:
        return _as_separated(analyses, options)
    sections = []
    shown: set[tuple[str, ...]] = set()
    for analysis in analyses:
        heading = [prose([f"Data: {analysis.heading}"], options.format)]
        alone = options.format in TABLE_ALONE
        read = "" if alone else _data_read(analysis, options.format, shown)
        sections += [*(heading if len(analyses) > 1 and not alone else []), *_section(analysis, options, alone, read)]
    if options.format not in TABLE_ALONE:
        for title, sentences in failed_data_sets(failed).items():
            sections += [prose([title], options.format), prose(sentences, options.format)]
        every = learning_curves(analyses)
        for curves in every:
            titled = [prose([f"Learning curves: {curves.source}"], options.format)]
            sections += [*(titled if len(every) > 1 else []), curves.text(options.format)]
        if (over := over_data_sets(analyses)) is not None:
            sections.append(over.text(options.format))
    return "\n\n".join(sections)


def report_rows(analyses: Sequence[Analysis], options: ReportOptions) -> list[dict[str, Value]]:
    """Return the raw values of comparisons, one row per contender, as for CSV and TSV.

    Raises:
        UsageError: a column doesn't exist.
    """
    rows: list[dict[str, Value]] = []
    for analysis in analyses:
        known = columns_of(analysis)
        columns = pick(options.columns, known) if options.columns is not None else list(known.values())
        data: dict[str, Value] = {
            "data": analysis.data.source,
            "train_size": analysis.data.train_size,
            "vary": analysis.vary,
        }
        own = raw_rows(columns, sort_rows(analysis.rows, options.sort or "score", known))
        rows += [(data if len(analyses) > 1 else {}) | row for row in own]
    # Comparisons may have different metrics; a metric that a row lacks is empty.
    names = list(dict.fromkeys(name for row in rows for name in row))
    return [{name: row.get(name) for name in names} for row in rows]


def _data_read(analysis: Analysis, format: str, shown: set[tuple[str, ...]]) -> str:
    """Return what was read, without the rows in ``shown``, to which they are added: equal data are shown once."""
    source = analysis.data.source
    rows = [("data", source), *data_rows([run.record.data for row in analysis.rows for run in row.line.runs])]
    new = [row for row in rows if (source, *row) not in shown]
    shown.update((source, *row) for row in rows)
    return data_table(new, format)


def _section(analysis: Analysis, options: ReportOptions, alone: bool, read: str) -> Iterator[str]:
    yield comparison_text(analysis, options.format, columns=options.columns, sort=options.sort, read=read)
    if analysis.pairs:
        yield _pair_table(analysis, options.format)
    slices = slices_of(analysis, options.slices)
    if not alone:
        # The default slices are always included, so that the sentence on the worst slice counts all of them.
        looked_at = {one.name: one for one in (*usual_slices(analysis), *slices)}
        chosen = next((row for row in analysis.rows if row.recommended), analysis.rows[0])
        worst = worst_sentence(analysis, slice_scores(analysis, chosen.line, tuple(looked_at.values())))
        if worst is not None:
            yield prose([worst], options.format)
    if slices:
        yield _slice_table(analysis, slices, options.format)
    if options.classes:
        yield _class_table(analysis, options.format)


def _pair_table(analysis: Analysis, format: str) -> str:
    rows = [
        [
            pair.first,
            pair.second,
            write_number(pair.difference.value, places((interval.high - interval.low) / 2)),
            write_interval(interval.low, interval.high),
            write_p(pair.adjusted_p_value),
        ]
        for pair in analysis.pairs
        for interval in [pair.difference.interval]
    ]
    headings = ["first", "second", "first minus second", "interval of all pairs", "p"]
    return format_table(headings, rows, format, ["left", "left", "decimal", "left", "right"])


def _slice_table(analysis: Analysis, slices: Sequence[Slice], format: str) -> str:
    rows = [
        [one.slice, f"{one.rows:,}", one.label, write_score(one)]
        for of_slice in _by_slice(analysis, slices)
        for one in of_slice
    ]
    headings = ["slice", "rows", "contender", f"{analysis.metric}, 95% interval"]
    return format_table(headings, rows, format, ["left", "right", "left", "left"])


def _by_slice(analysis: Analysis, slices: Sequence[Slice]) -> list[tuple[SliceScore, ...]]:
    """Return the scores of all contenders, the best first, slice by slice."""
    by_contender = [slice_scores(analysis, row.line, slices) for row in analysis.rows]
    return list(zip(*by_contender, strict=True))


def _class_table(analysis: Analysis, format: str) -> str:
    rows = [
        [
            row.line.label,
            one.label,
            # A share of n rows has a standard error of at most 1 / (2 sqrt(n)).
            *(write_number(value, places(0.5 / one.support**0.5 if one.support else None))
              for value in (one.precision, one.recall, one.f1)),
            f"{one.support:,}",
        ]
        for row in analysis.rows
        for one in line_class_scores(row.line, row.line.seeds)
    ]  # fmt: skip
    class_rows = analysis.rows[0].line.runs[0].kind.class_rows
    headings = ["contender", "class", "precision", "recall", "f1", class_rows]
    return format_table(headings, rows, format, ["left", "left", "decimal", "decimal", "decimal", "right"])


def _as_json(analyses: Sequence[Analysis], options: ReportOptions, failed: Sequence[FailedRun]) -> list[dict[str, Any]]:
    """Return an object per comparison; each has the learning curves and the comparison over data sets it is part of.

    Each also has the failed runs on data of which there is no comparison.
    """
    every = learning_curves(analyses)
    over = over_data_sets(analyses)
    shared = {
        "over_data_sets": over.json() if over is not None else None,
        "not_compared": [{"data": one.data.source, "train_size": one.data.train_size, **one.json()} for one in failed],
    }
    return [
        _comparison_as_json(analysis, options)
        | {"learning_curves": next((one.json() for one in every if one.include(analysis)), None), **shared}
        for analysis in analyses
    ]


def _comparison_as_json(analysis: Analysis, options: ReportOptions) -> dict[str, Any]:
    content = comparison_json(analysis, columns=options.columns, sort=options.sort)
    slices = {one.name: one for one in (*usual_slices(analysis), *slices_of(analysis, options.slices))}
    content["slices"] = [
        {"contender": one.label, "slice": one.slice, "rows": one.rows, "score": one.score, "low": one.low,
         "high": one.high}
        for of_slice in _by_slice(analysis, tuple(slices.values()))
        for one in of_slice
    ]  # fmt: skip
    content["classes"] = [
        {"contender": row.line.label} | {"class": one.label} | _without(asdict(one), "label")
        for row in analysis.rows
        for one in line_class_scores(row.line, row.line.seeds)
    ]
    content["calibration"] = [
        {"contender": row.line.label} | _without(asdict(line_reliability(row.line, row.line.seeds)), "bins")
        for row in analysis.rows
    ]
    return content


def _as_separated(analyses: Sequence[Analysis], options: ReportOptions) -> str:
    if options.slices or options.classes:
        raise UsageError(
            f"--format {options.format} can hold only one table; for slices and scores by class use json, or another "
            "format such as simple, github, latex_booktabs or html."
        )
    return separated(report_rows(analyses, options), SEPARATORS[options.format])


def _without(content: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in content.items() if key != name}
