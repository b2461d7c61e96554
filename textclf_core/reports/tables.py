"""The table of a comparison, for people in any of tabulate's formats, and for programs as CSV, TSV and JSON."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from tabulate import MIN_PADDING, tabulate, tabulate_formats

from textclf_core.errors import UsageError, did_you_mean
from textclf_core.reports.analysis import Analysis, Row
from textclf_core.reports.columns import Column, Value, columns_of, pick, sort_rows
from textclf_core.reports.costs import COSTS
from textclf_core.reports.rounding import write_significant
from textclf_core.reports.summary import held_out_sentence

FORMATS = ("csv", "json", *tabulate_formats)
"""What ``--format`` takes for a table."""

# These hold a table and nothing else, since a program reads them or they go into another document.
TABLE_ALONE = ("csv", "tsv", "json", "html", "unsafehtml", "latex", "latex_raw", "latex_booktabs", "latex_longtable")

SEPARATORS = {"csv": ",", "tsv": "\t"}

_LATEX = ("latex", "latex_booktabs", "latex_longtable")
_MARKDOWN = ("github", "pipe")
_WIDTH = 120
# A spreadsheet takes a cell that begins so for a formula: https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def check_format(name: str, also: Sequence[str] = ()) -> None:
    """Refuse a format that there isn't.

    Args:
        name: as it was given.
        also: what the command takes beside the tables' formats.

    Raises:
        UsageError: there is none of that name.
    """
    formats = (*also, *FORMATS)
    if name not in formats:
        raise UsageError(
            f"--format {name}: no such format.{did_you_mean(name, formats)} It takes {', '.join(formats)}."
        )


def comparison_text(
    analysis: Analysis,
    format: str,
    price_per_hour: float | None = None,
    *,
    columns: Sequence[str] | None = None,
    sort: str | None = None,
) -> str:
    """Return a comparison as text: the verdict, the table, and what it can and can't say.

    CSV, TSV, JSON, LaTeX and HTML hold the table alone (JSON the verdict too). CSV, TSV and JSON have every column and
    unrounded numbers unless ``columns`` says otherwise; the others round by the uncertainty and have the columns that
    fit 120 characters.

    Args:
        analysis: the comparison.
        format: ``csv``, ``tsv``, ``json`` or one of tabulate's.
        price_per_hour: what an hour of the machine costs; adds the column ``money``.
        columns: the names of the columns, in the order wanted.
        sort: the column to sort by, the best first; with a ``-`` before it, the other way round.

    Raises:
        UsageError: there is no such format or column.
    """
    check_format(format)
    known = columns_of(analysis, price_per_hour)
    chosen = pick(columns, known) if columns is not None else None
    rows = sort_rows(analysis.rows, sort or "score", known)
    if format == "json":
        return json.dumps(
            comparison_json(analysis, price_per_hour, columns=columns, sort=sort), indent=2, ensure_ascii=False
        )
    if format in SEPARATORS:
        return separated(raw_rows(chosen or list(known.values()), rows), SEPARATORS[format])
    if chosen is None:
        chosen = _fitting(analysis, known, rows)
    table = format_table(
        [column.heading for column in chosen],
        [[column.write(row) for column in chosen] for row in rows],
        format,
        [column.align for column in chosen],
    )
    if format in TABLE_ALONE:
        return table
    below = [*_recommendation(analysis), *limits(analysis)]
    return f"{prose([analysis.sentence], format)}\n\n{table}\n\n{prose(below, format)}"


def prose(sentences: Sequence[str], format: str) -> str:
    """Return sentences, a line each, as they stand beside a table in one of tabulate's formats."""
    if format in _MARKDOWN:
        return "\n".join(
            f"- {escape_markdown(one)}" if len(sentences) > 1 else escape_markdown(one) for one in sentences
        )
    return "\n".join(
        textwrap.fill(_one_line(one), _WIDTH, break_long_words=False, break_on_hyphens=False) for one in sentences
    )


def format_table(headings: Sequence[str], rows: Sequence[Sequence[str]], format: str, align: Sequence[str]) -> str:
    """Return a table of texts in one of tabulate's formats; what its format would read as markup is escaped."""
    escape = escape_markdown if format in _MARKDOWN else _one_line
    # tabulate parses numbers out of texts and would write 0.800 as 0.8.
    table = tabulate(
        [[escape(cell) for cell in row] for row in rows],
        headers=[escape(heading) for heading in headings],
        tablefmt=format,
        disable_numparse=True,
        colalign=list(align) if rows else None,
    )
    return _mend_latex(table) if format in _LATEX else table


def comparison_json(
    analysis: Analysis,
    price_per_hour: float | None = None,
    *,
    columns: Sequence[str] | None = None,
    sort: str | None = None,
) -> dict[str, Any]:
    """Return a comparison as JSON holds it, with unrounded numbers; the arguments are those of `comparison_text`."""
    known = columns_of(analysis, price_per_hour)
    chosen = pick(columns, known) if columns is not None else list(known.values())
    rows = raw_rows(chosen, sort_rows(analysis.rows, sort or "score", known))
    recommended = _recommended(analysis)
    return {
        "metric": analysis.metric,
        "cost": analysis.cost,
        "verdict": analysis.sentence,
        "recommended": recommended.line.label if recommended else None,
        "smallest_difference": _finite(analysis.smallest_difference),
        "seeds": list(analysis.seeds),
        "test_rows": analysis.test_rows,
        "data": {
            "source": analysis.data.source,
            "fingerprint": analysis.data.fingerprint,
            "train_size": analysis.data.train_size,
            "splits": {split.name: {"rows": split.rows, "origin": split.origin} for split in analysis.data.splits},
        },
        "rows": [{name: _finite(value) for name, value in row.items()} for row in rows],
        "pairs": [
            {"a": a, "b": b, "p": _finite(p_value), "difference": _finite(difference)}
            for (a, b), (p_value, difference) in analysis.pairs.items()
        ],
    }


def limits(analysis: Analysis) -> list[str]:
    """Return what a comparison rests on and what it can't show, a sentence each."""
    seeds, rows, sentences = analysis.seeds, f"{analysis.test_rows:,} test examples", []
    if len(seeds) == 1:
        sentences.append(
            f"One seed ({seeds[0]}), {rows}: the verdicts speak of these trained models, not of the strategies. "
            "Run more seeds to compare strategies."
        )
    else:
        sentences.append(f"{len(seeds)} seeds ({', '.join(map(str, seeds))}), {rows}.")
    if analysis.smallest_difference is not None:
        sentences.append(_smallest_difference(analysis.smallest_difference))
    held_out = held_out_sentence(analysis.data)
    return [*sentences, held_out] if held_out else sentences


def _recommendation(analysis: Analysis) -> list[str]:
    recommended = _recommended(analysis)
    if recommended is None:
        return []
    kind, value = COSTS[analysis.cost], recommended.costs[analysis.cost]
    what = f" ({kind.heading} {kind.write(value)})" if value is not None else ""
    return [
        f"Recommended: {recommended.line.label}{what}, the cheapest by {analysis.cost} that is not distinguishable "
        "from the best."
    ]


def _smallest_difference(smallest: float) -> str:
    if math.isinf(smallest):
        return (
            "These are too few to show any difference from the best in 80 of 100 comparisons; even a large one may be "
            "real and go unseen."
        )
    return (
        f"A difference of {write_significant(smallest)} from the best is the smallest that these would show in 80 of "
        "100 comparisons; a smaller one may be real and go unseen."
    )


def escape_markdown(text: str) -> str:
    """Return a text that GitHub's Markdown, also in a cell of a table, shows as it is."""
    text = re.sub(r"([\\`*|<$])", r"\\\1", _one_line(text))
    text = re.sub(r"(?<!\w)_|_(?!\w)", r"\\_", text)  # within a word it is no emphasis
    return re.sub(r"~(?=~)|(?<=~)~|&(?=#?\w+;)|(?<=\])\(", r"\\\g<0>", text)


def _mend_latex(table: str) -> str:
    """Return a table of tabulate's with what TeX would still read as markup, or show as something else, mended."""
    # TeX's text font has a dash in the bar's place.
    table = table.replace("|", r"\textbar{}")
    # The end of a row takes a length in brackets and a star, also from the beginning of the next.
    return re.sub(r"^( *)(?=[\[*])", r"\1{}", table, flags=re.MULTILINE)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def separated(rows: Sequence[Mapping[str, Value]], separator: str) -> str:
    """Return CSV (RFC 4180 but for its line ends, which are LF) or TSV with a header.

    A text that a spreadsheet would take for a formula gets a ``'`` before it; numbers stay numbers.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=separator, lineterminator="\n")
    writer.writerow([_harmless(name) for name in rows[0]])
    writer.writerows([[_harmless(value) for value in row.values()] for row in rows])
    return stream.getvalue().rstrip("\n")


def raw_rows(columns: Sequence[Column], rows: Sequence[Row]) -> list[dict[str, Value]]:
    """Return what a program reads of the rows, by the names of the columns; an interval has ``low`` and ``high``."""
    return [{name: read(row) for column in columns for name, read in column.parts.items()} for row in rows]


def _harmless(value: Value) -> Value:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value


def _fitting(analysis: Analysis, known: Mapping[str, Column], rows: Sequence[Row]) -> list[Column]:
    """Return the columns that matter most, as many of them as fit the width."""
    several = len(analysis.seeds) > 1
    needed = ["contender", "score", *(["sd"] if several else []), "interval", "verdict", "p", analysis.cost]
    needed += [name for name in ("tuned", "money") if name in known]
    chosen = list(dict.fromkeys(needed))
    for extra in ("train-seconds", "trainable", "memory", "latency", "artifact"):
        if extra not in chosen and any(known[extra].key(row) is not None for row in rows):
            table = [known[name] for name in [*chosen, extra]]
            if sum(_width(column, rows) for column in table) + 2 * (len(table) - 1) <= _WIDTH:
                chosen.append(extra)
    # Costs stand in their own order whichever of them was chosen first.
    return [column for name, column in known.items() if name in chosen]


def _width(column: Column, rows: Sequence[Row]) -> int:
    # tabulate gives a heading two characters more than it needs.
    return max(len(column.heading) + MIN_PADDING, *(len(column.write(row)) for row in rows))


def _recommended(analysis: Analysis) -> Row | None:
    return next((row for row in analysis.rows if row.recommended), None)


def _finite(value: Value) -> Value:
    """Return what JSON can hold."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
