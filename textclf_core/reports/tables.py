"""The table of a comparison: in tabulate's formats for readers, and as CSV, TSV and JSON for programs."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tabulate import MIN_PADDING, tabulate_formats

from textclf_core.errors import UsageError, did_you_mean, some_of
from textclf_core.reports.analysis import Analysis, Row
from textclf_core.reports.columns import Column, columns_of, fact_names, pick, sort_rows
from textclf_core.reports.data_read import data_json
from textclf_core.reports.failed import failed_sentences
from textclf_core.reports.formatting import WIDTH, format_table, prose
from textclf_core.reports.rounding import write_significant
from textclf_core.reports.summary import held_out_sentence
from textclf_core.types.report import Value

FORMATS = ("csv", "json", *tabulate_formats)
"""The formats of a table for ``--format``."""

# These formats contain only the table, since they are read by programs or included in other documents.
TABLE_ALONE = ("csv", "tsv", "json", "html", "unsafehtml", "latex", "latex_raw", "latex_booktabs", "latex_longtable")

SEPARATORS = {"csv": ",", "tsv": "\t"}

# With no more seeds, their scatter isn't known well enough to doubt that all contenders scatter alike.
_FEW_SEEDS = 3
# With no more seeds, what could be shown is known to one digit.
_ROUGH_SEEDS = 2
_RARE_FAILURE = 0.1

# Spreadsheets treat cells with these beginnings as formulas: https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def check_format(name: str, also: Sequence[str] = ()) -> None:
    """Check the name of a format.

    Args:
        name: the name.
        also: the command's further formats, besides those of tables.

    Raises:
        UsageError: the format doesn't exist.
    """
    formats = (*also, *FORMATS)
    if name not in formats:
        raise UsageError(
            f"--format {name}: no such format.{did_you_mean(name, formats)} The formats are {', '.join(formats)}."
        )


def comparison_text(
    analysis: Analysis,
    format: str,
    *,
    columns: Sequence[str] | None = None,
    sort: str | None = None,
    read: str = "",
) -> str:
    """Return a comparison as text: the verdict, what was read, the table, and the limits of the comparison.

    CSV, TSV, JSON, LaTeX and HTML contain only the table, and JSON also the verdict. CSV, TSV and JSON have unrounded
    numbers and, by default, all columns; the others are rounded according to the uncertainty, and by default have the
    columns that fit into 120 characters.

    Args:
        analysis: the comparison.
        format: ``csv``, ``tsv``, ``json`` or a format of tabulate.
        columns: the names of the columns, in order.
        sort: the column to sort by, the best first, preceded by ``-`` to reverse the order.
        read: what was read, as text; empty if it isn't shown.

    Raises:
        UsageError: the format or a column doesn't exist.
    """
    check_format(format)
    known = columns_of(analysis)
    chosen = pick(columns, known) if columns is not None else None
    rows = sort_rows(analysis.rows, sort or "score", known)
    if format == "json":
        return json.dumps(comparison_json(analysis, columns=columns, sort=sort), indent=2, ensure_ascii=False)
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
    below = [*_recommendation(analysis), *_facts(analysis, known), *limits(analysis)]
    return "\n\n".join(filter(None, [prose([analysis.sentence], format), read, table, prose(below, format)]))


def comparison_json(
    analysis: Analysis, *, columns: Sequence[str] | None = None, sort: str | None = None
) -> dict[str, Any]:
    """Return a comparison as JSON values, unrounded; the arguments are those of :func:`comparison_text`."""
    known = columns_of(analysis)
    chosen = pick(columns, known) if columns is not None else list(known.values())
    rows = raw_rows(chosen, sort_rows(analysis.rows, sort or "score", known))
    recommended = _recommended(analysis)
    return {
        "metric": analysis.metric,
        "better": analysis.measured.info.better,
        "cost": analysis.cost,
        "verdict": analysis.sentence,
        "volumes": analysis.volumes,
        "recommended": recommended.line.label if recommended else None,
        "tolerance": analysis.tolerance,
        "vary": analysis.vary,
        "overlap": analysis.overlap,
        "test_overlap": analysis.test_overlap,
        "smallest_difference": _finite(analysis.smallest_difference),
        "seeds": list(analysis.seeds),
        "test_rows": analysis.test_rows,
        "test_draws": analysis.test_draws,
        "data": data_json(analysis.data),
        "rows": [{name: _finite(value) for name, value in row.items()} for row in rows],
        "pairs": [
            {
                "a": pair.first,
                "b": pair.second,
                "difference": pair.difference.value,
                "low": pair.difference.interval.low,
                "high": pair.difference.interval.high,
                "p": pair.adjusted_p_value,
            }
            for pair in analysis.pairs
        ],
        "failed": [one.json() for one in analysis.failed],
    }


def limits(analysis: Analysis) -> list[str]:
    """Return sentences on the basis of a comparison and on what it can't detect."""
    rows = f"{analysis.test_rows:,} test examples"
    if len(analysis.seeds) > 1 and analysis.data.own_tests:
        rows = f"each with {rows} of its own"
    if analysis.test_draws < analysis.test_rows:
        what = f"different values of {analysis.cluster}" if analysis.cluster else "different texts"
        rows += f" of {analysis.test_draws:,} {what}, which count as one draw each"
    fewest = min(len(row.line.seeds) for row in analysis.rows)
    if len(analysis.seeds) == 1:
        sentences = [
            f"One seed ({analysis.seeds[0]}), {rows}: the verdicts are about these trained models, not about the "
            "strategies. Run more seeds to compare strategies."
        ]
    else:
        sentences = [f"{_seeds(analysis)}, {rows}.", *_left_out(analysis), _samples(analysis)]
        if fewest <= _FEW_SEEDS and len(analysis.rows) > 1:
            sentences.append(
                "With so few seeds, all contenders are assumed to vary alike from seed to seed, unless one is shown to "
                "vary more."
            )
    if len(analysis.looks) > 1:
        most = max(len(row.line.seeds) for row in analysis.rows)
        reached = [str(look) for look in analysis.looks if look <= most]
        planned = f" of {', '.join(map(str, analysis.looks))} planned" if len(reached) < len(analysis.looks) else ""
        sentences.append(
            f"The results were looked at with {' and '.join(reached)} seeds{planned}. The verdicts hold over all of "
            "these looks; a contender shown to be worse got no more seeds."
        )
    sentences += [*failed_sentences(analysis.failed), *_failed(analysis), *_beside(analysis)]
    if analysis.smallest_difference is not None:
        sentences.append(_smallest_difference(analysis.smallest_difference, rough=fewest <= _ROUGH_SEEDS))
    return [*sentences, *filter(None, [analysis.volumes, held_out_sentence(analysis.data)])]


def _left_out(analysis: Analysis) -> list[str]:
    """Return a sentence on the seeds that not all contenders have, where each has its own test rows."""
    if not analysis.left_out:
        return []
    which = ", ".join(map(str, analysis.left_out))
    seeds = f"{'seed' if len(analysis.left_out) == 1 else 'seeds'} {which}"
    return [f"Left out: the runs at {seeds}, since not all contenders have one on the test rows of that seed."]


def _samples(analysis: Analysis) -> str:
    """Return a sentence on the training samples of the seeds, and their test rows."""
    if analysis.overlap is None:
        return "All seeds have the same training sample; with `--vary data` each has its own."
    if analysis.test_overlap is not None:
        train, test = (f"{100 * share:.2g}%" for share in (analysis.overlap, analysis.test_overlap))
        return (
            "Each seed has its own train, validation and test, the same for all contenders. Two seeds share about "
            f"{train} of their training rows and {test} of their test rows, for which verdicts and intervals allow."
        )
    return (
        "Each seed has its own training sample, the same for all contenders. Those of two seeds share about "
        f"{100 * analysis.overlap:.2g}% of their rows, for which verdicts and intervals allow; smaller samples, as by "
        "`--train-size`, share fewer."
    )


def _seeds(analysis: Analysis) -> str:
    """Return the seeds of all contenders, or how many each has if they differ."""
    counts = sorted({len(row.line.seeds) for row in analysis.rows})
    if len(counts) == 1:
        which = ", ".join(map(str, analysis.seeds))
        return f"{counts[0]} seeds ({which})" if counts[0] > 1 else f"One seed of each contender ({which})"
    fewest = [row.line.label for row in analysis.rows if len(row.line.seeds) == counts[0]]
    what = "1 seed" if counts[0] == 1 else f"{counts[0]} seeds"
    return f"From {what} ({some_of(fewest)}) to {counts[-1]} seeds of each contender"


def _failed(analysis: Analysis) -> list[str]:
    """Return sentences on seeds at which training failed, and on how many such seeds aren't seen."""
    sentences = [
        f"{row.line.label} failed to train at {'seed' if len(failed) == 1 else 'seeds'} {', '.join(map(str, failed))}: "
        "it predicts the same for every test example."
        for row in analysis.rows
        if (failed := row.line.failed_seeds)
    ]
    most = max(len(row.line.seeds) for row in analysis.rows)
    if most > 1:
        unseen = (1 - _RARE_FAILURE) ** most
        sentences.append(
            f"Training that fails at 1 seed in {1 / _RARE_FAILURE:.0f} fails at none of {most} seeds in "
            f"{100 * unseen:.0f}% of comparisons."
        )
    return sentences


def _beside(analysis: Analysis) -> list[str]:
    """Return a sentence on runs that were measured while others ran on the same machine."""
    if analysis.beside == {0}:
        return []
    if len(analysis.beside) == 1:
        [number] = analysis.beside
        others = "other runs may have run" if number is None else f"up to {number} other{'s' * (number > 1)} ran"
        return [f"Times were measured while {others} on the same machine, and a run alone takes less."]
    sentence = "Times were not measured alike: some runs ran alone, and others beside more runs on the same machine."
    if not analysis.compares_cost:
        sentence += f" So no contender is recommended by {analysis.cost}; use --cost flops, or run all of them alike."
    return [sentence]


def _facts(analysis: Analysis, known: Mapping[str, Column]) -> Iterator[str]:
    """Yield a sentence on what the trainer of each contender recorded."""
    for row in analysis.rows:
        written = [f"{name} {known[name].write(row)}" for name in fact_names(row)]
        if written:
            yield f"Recorded by the trainer of {row.line.label}: {', '.join(written)}."


def _recommendation(analysis: Analysis) -> list[str]:
    recommended = _recommended(analysis)
    if recommended is None:
        return []
    kind, value = analysis.criteria.kinds[analysis.cost], recommended.costs[analysis.cost]
    what = f" ({kind.heading} {kind.write(value)})" if value is not None else ""
    why = f"the cheapest by {analysis.cost} whose expected loss is at most half the tolerance of {analysis.tolerance:g}"
    if recommended.loss > analysis.tolerance / 2 or value is None or not analysis.compares_cost:
        why = "the one with the least expected loss"
    return [f"Recommended: {recommended.line.label}{what}, {why}."]


def _smallest_difference(smallest: float, *, rough: bool) -> str:
    if math.isinf(smallest):
        return (
            "These are too few to show any difference from the best in 80 of 100 comparisons; even a large one may "
            "remain undecided."
        )
    return (
        f"The smallest difference from the best that these would show in 80 of 100 comparisons is "
        f"{'roughly ' if rough else ''}{write_significant(smallest, 1 if rough else 2)}; a smaller one may remain "
        "undecided."
    )


def separated(rows: Sequence[Mapping[str, Value]], separator: str) -> str:
    """Return CSV (RFC 4180, but with LF as line end) or TSV with a header.

    A text that a spreadsheet would treat as a formula is preceded by ``'``; numbers are unchanged.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=separator, lineterminator="\n")
    writer.writerow([_harmless(name) for name in rows[0]])
    writer.writerows([[_harmless(value) for value in row.values()] for row in rows])
    return stream.getvalue().rstrip("\n")


def raw_rows(columns: Sequence[Column], rows: Sequence[Row]) -> list[dict[str, Value]]:
    """Return the raw values of the rows, by the names of the columns; an interval has ``low`` and ``high``."""
    return [{name: read(row) for column in columns for name, read in column.parts.items()} for row in rows]


def _harmless(value: Value) -> Value:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value


def _fitting(analysis: Analysis, known: Mapping[str, Column], rows: Sequence[Row]) -> list[Column]:
    """Return the most important columns, as many as fit the width."""
    several = len(analysis.seeds) > 1
    needed = ["contender", "score", *(["sd"] if several else []), "interval", "verdict", "loss", "risk", analysis.cost]
    needed += ["failed"] if any(row.line.failed_seeds for row in rows) else []
    needed += [name for name in ("tuned", "money") if name in known]
    chosen = list(dict.fromkeys(needed))
    own = ("train-seconds", "trainable", "memory", "latency", "artifact")
    added = (*analysis.criteria.added.costs, *(one.column.name for one in analysis.added_columns))
    for extra in (*added, *own):
        if extra not in chosen and any(known[extra].key(row) is not None for row in rows):
            table = [known[name] for name in [*chosen, extra]]
            if sum(_width(column, rows) for column in table) + 2 * (len(table) - 1) <= WIDTH:
                chosen.append(extra)
    # Columns are in their fixed order, whichever cost is needed.
    return [column for name, column in known.items() if name in chosen]


def _width(column: Column, rows: Sequence[Row]) -> int:
    # tabulate makes a column two characters wider than its heading.
    return max(len(column.heading) + MIN_PADDING, *(len(column.write(row)) for row in rows))


def _recommended(analysis: Analysis) -> Row | None:
    return next((row for row in analysis.rows if row.recommended), None)


def _finite(value: Value) -> Value:
    """Return the value, or ``None`` for a number that JSON can't hold."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
