"""The whole page: one HTML file that needs no other."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from textclf_core.reports.analysis import Analysis
from textclf_core.reports.curves import learning_curves
from textclf_core.reports.data_sets import over_data_sets
from textclf_core.reports.failed import FailedRun, failed_data_sets
from textclf_core.reports.page.added import added_parts
from textclf_core.reports.page.contender import contender_parts
from textclf_core.reports.page.examples import example_data, example_seed
from textclf_core.reports.page.facts import (
    DataFacts,
    Reproduction,
    curves_table,
    data_facts,
    over_table,
    pairs_table,
    reproduction,
)
from textclf_core.reports.page.leaderboard import leaderboard
from textclf_core.reports.page.running import RunningPart
from textclf_core.reports.page.svg import figure_svg
from textclf_core.reports.page.tables import Figure, Part, SortTable, Table, counted
from textclf_core.reports.plots.distances import distance_chart
from textclf_core.reports.plots.ranks import rank_chart
from textclf_core.reports.plots.scores import cost_chart, sweep_chart, train_size_chart
from textclf_core.reports.plots.style import style
from textclf_core.reports.slices import slices_of, usual_slices
from textclf_core.reports.sweeps import sweeps_of
from textclf_core.reports.tables import limits

if TYPE_CHECKING:
    from jinja2 import Template


_CONNECT = "connect-src 'self'; "


@dataclass(frozen=True)
class Comparison:
    """The contents of the page for one comparison.

    Attributes:
        id: what the ids of its elements begin with.
        heading: its data.
        verdict: what to use.
        limits: the sentences that qualify the verdict.
        contenders: the table of contenders.
        pairs: the test of every pair; ``None`` for one contender.
        costs: score against each cost, by the cost's heading.
        distances: of each contender from the best; ``None`` for one contender.
        sweeps: score against each swept option.
        details: the parts of each contender, by its label.
        second: the contender that is at first compared with the first one, by its place.
        texts: the heading of the lists of texts.
        examples: what the script fills the lists of texts from.
        added: the plots and sections that plugins add.
        problems: what they could not add, in sentences.
        data: the facts of the data.
        reproduction: how to make the runs again.
    """

    id: str
    heading: str
    verdict: str
    limits: tuple[str, ...]
    contenders: SortTable
    pairs: SortTable | None
    costs: tuple[tuple[str, Figure], ...]
    distances: Figure | None
    sweeps: tuple[Figure, ...]
    details: tuple[tuple[str, tuple[Part, ...]], ...]
    second: int
    texts: str
    examples: dict[str, object]
    added: tuple[Part, ...]
    problems: tuple[str, ...]
    data: DataFacts
    reproduction: Reproduction


def write_page(
    analyses: Sequence[Analysis],
    path: Path,
    *,
    command: str | None = None,
    slices: Sequence[str] = (),
) -> None:
    """Write comparisons as one HTML page that asks for nothing else: no network, no other file.

    Args:
        analyses: a comparison for each data set.
        path: the file to write.
        command: the command line that writes the page.
        slices: to show beside the usual ones, as :func:`~textclf_core.reports.slices.slices_of` takes them.

    Raises:
        UsageError: a slice can't be read.
    """
    path.write_text(page_text(analyses, command=command, slices=slices), encoding="utf-8")


@dataclass(frozen=True, kw_only=True)
class PageContent:
    """The contents of the page of finished runs.

    Attributes:
        titles: the origins of the data, for the title.
        curves: for each test split with several sizes of train the origin of the data, the chart of the learning
            curves, sentences, and the table of fitted curves.
        over: the comparison over data sets: its table, and the critical-difference diagram.
        comparisons: the comparisons.
        failed: sentences on failed runs without a comparison, by the heading of their data.
        finished: how many runs there are, and when the last one finished.
    """

    titles: str
    curves: tuple[tuple[str, Figure, Sequence[str], Table | None], ...]
    over: tuple[Table, Figure | None] | None
    comparisons: tuple[Comparison, ...]
    failed: Mapping[str, Sequence[str]]
    finished: str


def page_content(
    analyses: Sequence[Analysis],
    *,
    command: str | None = None,
    slices: Sequence[str] = (),
    failed: Sequence[FailedRun] = (),
) -> PageContent:
    """Return the contents of a page, whose arguments are those of :func:`page_text`."""
    with style():
        over = over_data_sets(analyses)
        ranks = rank_chart(over) if over else None
        return PageContent(
            titles=" · ".join(dict.fromkeys(analysis.data.source for analysis in analyses)),
            curves=tuple(
                (
                    one.source,
                    figure_svg(train_size_chart(one)),
                    one.sentences(),
                    curves_table(one) if one.fits else None,
                )
                for one in learning_curves(analyses)
            ),
            over=(over_table(over), figure_svg(ranks) if ranks else None) if over else None,
            comparisons=tuple(
                _comparison(analysis, f"c{number}", command, slices)
                for number, analysis in enumerate(analyses, start=1)
            ),
            failed=failed_data_sets(failed),
            finished=_finished(analyses),
        )


def page_text(
    analyses: Sequence[Analysis],
    *,
    command: str | None = None,
    slices: Sequence[str] = (),
    failed: Sequence[FailedRun] = (),
) -> str:
    """Return the page that :func:`write_page` writes.

    Args:
        analyses: a comparison for each data set.
        command: the command line that writes the page.
        slices: to show beside the usual ones.
        failed: the failed runs on data of which there is no comparison.

    Raises:
        UsageError: a slice can't be read.
    """
    return render_page(page_content(analyses, command=command, slices=slices, failed=failed))


def render_page(content: PageContent | None, running: RunningPart | None = None) -> str:
    """Return a page.

    Args:
        content: what is finished; ``None`` if nothing is.
        running: what is shown of a comparison that runs. The page then needs the server that it comes from.
    """
    css, scripts = _resource("page.css"), [_resource("page.js"), *([_resource("live.js")] if running else [])]
    return _template().render(
        style=css,
        scripts=scripts,
        # Nothing runs or is fetched but the blocks whose hashes stand here, and the events of a comparison that runs;
        # nothing can turn text into markup.
        policy=(
            f"default-src 'none'; script-src {' '.join(map(_hash, scripts))}; style-src {_hash(css)}; img-src data:; "
            f"{_CONNECT * bool(running)}base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; "
            "trusted-types 'none'"
        ),
        content=content,
        running=running,
    )


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    # As the script reads it: every character as it is, but those that could end its element.
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "allow_nan": False, "separators": (",", ":")}
    return environment.from_string(_resource("page.html.jinja"))


def _comparison(analysis: Analysis, prefix: str, command: str | None, wanted: Sequence[str]) -> Comparison:
    slices = tuple({one.name: one for one in (*usual_slices(analysis), *slices_of(analysis, wanted))}.values())
    every = analysis.criteria.kinds
    kinds = [every[analysis.cost], *(kind for kind in every.values() if kind.name != analysis.cost)]
    measured = [kind for kind in kinds if any(row.costs[kind.name] is not None for row in analysis.rows)]
    recommended = (index for index, row in enumerate(analysis.rows) if row.recommended and index)
    return Comparison(
        id=prefix,
        heading=analysis.heading,
        verdict=analysis.sentence,
        limits=tuple(limits(analysis)),
        contenders=leaderboard(analysis, prefix),
        pairs=pairs_table(analysis, prefix),
        costs=tuple((kind.heading, figure_svg(cost_chart(analysis, kind))) for kind in measured),
        distances=figure_svg(distances) if (distances := distance_chart(analysis)) else None,
        sweeps=tuple(figure_svg(sweep_chart(analysis, sweep)) for sweep in sweeps_of(analysis.rows)),
        details=tuple((row.line.label, contender_parts(analysis, row, slices)) for row in analysis.rows),
        second=next(recommended, min(1, len(analysis.rows) - 1)),
        texts="Texts" if (seed := example_seed(analysis)) is None else f"Texts of test at seed {seed}",
        examples=example_data(analysis),
        added=tuple(added_parts(analysis)),
        problems=tuple(analysis.criteria.added.problems),
        data=data_facts(analysis),
        reproduction=reproduction(analysis, command),
    )


def _finished(analyses: Sequence[Analysis]) -> str:
    runs = [run.record for analysis in analyses for row in analysis.rows for run in row.line.runs]
    return f"{counted(len(runs), 'run')}, the last finished {max(run.finished for run in runs)}."


def _resource(name: str) -> str:
    return files("textclf_core.reports.page").joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
