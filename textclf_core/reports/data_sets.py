"""A comparison over several data sets: how often each contender is the best, and how far from it on average."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from textclf_core.reports.analysis import Analysis, Row
from textclf_core.reports.formatting import format_table, prose
from textclf_core.reports.rounding import places, write_number, write_p

if TYPE_CHECKING:
    from textclf_core.statistics.ranks import Ranks

ENOUGH_TO_RANK = 10
"""With fewer data sets no ranking is claimed."""

_FEWEST = 2
_VERDICTS = ("best", "as good", "undecided", "worse")


@dataclass(frozen=True, kw_only=True)
class OverDataSets:
    """The comparison of contenders over data sets.

    Attributes:
        metric: the metric.
        data_sets: the names of the data sets.
        rows: for each contender its row on each data set, by the data set's name; ``None`` where it has no run.
            Contenders are ordered by their mean difference from the best, those without a gap first.
        ranks: the average ranks and their critical difference, from ``ENOUGH_TO_RANK`` data sets on.
    """

    metric: str
    data_sets: tuple[str, ...]
    rows: Mapping[str, Mapping[str, Row | None]]
    ranks: Ranks | None

    def count(self, contender: str, verdict: str) -> int:
        """Return on how many data sets a contender has a verdict."""
        return sum(row is not None and row.verdict == verdict for row in self.rows[contender].values())

    def missing(self, contender: str) -> int:
        """Return on how many data sets a contender has no run."""
        return sum(row is None for row in self.rows[contender].values())

    def mean_difference(self, contender: str) -> float:
        """Return the mean difference from the best score, over the data sets on which the contender has runs."""
        own = [row.difference for row in self.rows[contender].values() if row is not None]
        return sum(own) / len(own)

    @property
    def headings(self) -> tuple[str, ...]:
        """The headings of the table."""
        return ("contender", *_VERDICTS, "no run", "mean difference", *(["rank"] if self.ranks else []))

    def cells(self) -> list[tuple[str, ...]]:
        """Return the cells of the table, a row per contender."""
        width = max((row.high - row.low) / 2 for own in self.rows.values() for row in own.values() if row is not None)
        return [
            (
                contender,
                *(str(self.count(contender, verdict)) for verdict in _VERDICTS),
                str(self.missing(contender)),
                write_number(self.mean_difference(contender), places(width)),
                *([f"{self.ranks.mean[contender]:.2f}"] if self.ranks else []),
            )
            for contender in self.rows
        ]

    def text(self, format: str = "simple") -> str:
        """Return the comparison as a table, with the sentences on what it claims."""
        align = ["left", *["right"] * (len(_VERDICTS) + 1), *["decimal"] * (2 if self.ranks else 1)]
        table = format_table(self.headings, self.cells(), format, align)
        heading = prose([f"Over {len(self.data_sets)} data sets: {', '.join(self.data_sets)}"], format)
        return "\n\n".join([heading, table, prose(self.sentences(), format)])

    def json(self) -> dict[str, Any]:
        """Return the comparison as JSON values, unrounded; without a run on a data set its result is ``None``."""
        return {
            "metric": self.metric,
            "data_sets": list(self.data_sets),
            "sentences": self.sentences(),
            "contenders": [
                {
                    "contender": contender,
                    "counts": {verdict: self.count(contender, verdict) for verdict in _VERDICTS},
                    "no_run": self.missing(contender),
                    "mean_difference": self.mean_difference(contender),
                    "rank": self.ranks.mean[contender] if self.ranks else None,
                    "by_data_set": {name: None if row is None else _row_json(row) for name, row in own.items()},
                }
                for contender, own in self.rows.items()
            ],
            "ranks": {
                "p": self.ranks.p_value,
                "critical_difference": self.ranks.critical_difference,
                "not_shown_to_differ": [list(group) for group in self.ranks.groups()],
            }
            if self.ranks
            else None,
        }

    def sentences(self) -> list[str]:
        """Return what is claimed over the data sets."""
        counted = (
            f"The columns count on how many data sets each is shown to be the best, as good, or worse, in "
            f"{self.metric}; the mean difference is from the best score of each data set."
        )
        if self.ranks is None:
            return [counted, f"With fewer than {ENOUGH_TO_RANK} data sets no ranking is claimed."]
        return [
            counted,
            f"Average ranks, 1 is the best score; a contender without a run has the last rank. Two that differ by "
            f"less than {self.ranks.critical_difference:.2f} aren't shown to differ (Nemenyi's test; Friedman's test "
            f"that all are equal: p {write_p(self.ranks.p_value)}).",
        ]


def _row_json(row: Row) -> dict[str, Any]:
    distance = row.distance
    return {
        "score": row.score,
        "low": row.low,
        "high": row.high,
        "verdict": row.verdict,
        "difference": row.difference,
        "from_best_low": distance.low if distance else None,
        "from_best_high": distance.high if distance else None,
    }


def over_data_sets(analyses: Sequence[Analysis]) -> OverDataSets | None:
    """Return the comparison of the contenders that share two or more data sets; ``None`` if there are none.

    Of several analyses of one data set, that with the most training rows is used.
    """
    by_name = {name: max(group, key=_size) for name, group in by_data_set(analyses).items()}
    if len(by_name) < _FEWEST:
        return None
    rows: dict[str, dict[str, Row | None]] = {}
    for name, analysis in by_name.items():
        for row in analysis.rows:
            rows.setdefault(row.line.label, dict.fromkeys(by_name))[name] = row
    shared = {label: own for label, own in rows.items() if sum(row is not None for row in own.values()) >= _FEWEST}
    if len(shared) < _FEWEST:
        return None
    first = next(iter(by_name.values()))
    found = OverDataSets(metric=first.metric, data_sets=tuple(by_name), rows=shared, ranks=None)
    ordered = sorted(
        shared, key=lambda label: (found.missing(label) > 0, -first.oriented(found.mean_difference(label)), label)
    )
    return OverDataSets(
        metric=found.metric,
        data_sets=found.data_sets,
        rows={label: shared[label] for label in ordered},
        ranks=_ranks(shared, first) if len(by_name) >= ENOUGH_TO_RANK else None,
    )


def by_data_set(analyses: Sequence[Analysis]) -> dict[str, list[Analysis]]:
    """Return the analyses of each data set, by its name: its source, and what was read if that has several.

    The source is the folder if that has the files of all splits.
    """
    found: dict[tuple[str, str], list[Analysis]] = {}
    for analysis in analyses:
        read = "; ".join(f"{what} {', '.join(columns)}" for what, columns in analysis.data.read_from.items())
        found.setdefault((_folder(analysis.data.source), read), []).append(analysis)
    sources = [source for source, _ in found]
    return {
        source if sources.count(source) == 1 else f"{source} ({read})": group for (source, read), group in found.items()
    }


def _folder(source: str) -> str:
    parents = {str(PurePosixPath(file).parent) for file in source.split("; ")}
    return parents.pop() if "; " in source and len(parents) == 1 and parents != {"."} else source


def _ranks(rows: Mapping[str, Mapping[str, Row | None]], analysis: Analysis) -> Ranks:
    from textclf_core.statistics.ranks import average_ranks

    return average_ranks(
        {
            label: [None if row is None else analysis.oriented(row.score) for row in own.values()]
            for label, own in rows.items()
        }
    )


def _size(analysis: Analysis) -> tuple[int, int]:
    train = next(split.rows for split in analysis.data.splits if split.name == "train")
    return train, len(analysis.rows)
