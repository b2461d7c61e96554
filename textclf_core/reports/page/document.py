"""The whole page: one HTML file that needs no other."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from textclf_core.reports.analysis import Analysis
from textclf_core.reports.curves import learning_curves
from textclf_core.reports.page.contender import contender_panel
from textclf_core.reports.page.data_size import data_size_curves
from textclf_core.reports.page.examples import examples
from textclf_core.reports.page.facts import data_facts, pairs_table, reproduction
from textclf_core.reports.page.leaderboard import leaderboard, verdict
from textclf_core.reports.page.markup import Html, counted, joined, tag
from textclf_core.reports.page.panels import panels
from textclf_core.reports.page.plots import cost_plots, sweep_plots
from textclf_core.reports.printed import heading_of
from textclf_core.reports.slices import slices_of, usual_slices


def write_page(
    analyses: Sequence[Analysis],
    path: Path,
    *,
    command: str | None = None,
    price_per_hour: float | None = None,
    slices: Sequence[str] = (),
) -> None:
    """Write comparisons as one HTML page that asks for nothing else: no network, no other file.

    Args:
        analyses: a comparison for each data set.
        path: the file to write.
        command: the command line that writes the page.
        price_per_hour: what an hour of the machine costs; adds the column of money.
        slices: to show beside the usual ones, as :func:`~textclf_core.reports.slices.slices_of` takes them.

    Raises:
        UsageError: a slice can't be read.
    """
    path.write_text(
        page_text(analyses, command=command, price_per_hour=price_per_hour, slices=slices), encoding="utf-8"
    )


def page_text(
    analyses: Sequence[Analysis],
    *,
    command: str | None = None,
    price_per_hour: float | None = None,
    slices: Sequence[str] = (),
) -> str:
    """Return the page that :func:`write_page` writes."""
    style, script = _resource("page.css"), _resource("page.js")
    # Nothing runs or is fetched but the two blocks whose hashes stand here, and nothing can turn text into markup.
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; img-src data:; base-uri 'none'; "
        "form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
    sections = [
        _comparison(analysis, f"c{number}", command, price_per_hour, slices)
        for number, analysis in enumerate(analyses, start=1)
    ]
    titles = " · ".join(dict.fromkeys(analysis.data.source for analysis in analyses))
    links = [tag("li", tag("a", heading_of(analysis), href=f"#c{i}")) for i, analysis in enumerate(analyses, start=1)]
    curves = [data_size_curves(of_test) for of_test in learning_curves(analyses)]
    overview = [
        *([tag("nav", tag("ul", *links, class_="toc"), aria_label="Comparisons")] if len(analyses) > 1 else []),
        *([tag("h2", "By amount of training data", class_="data-size"), *curves] if curves else []),
    ]
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", f"textclf: {titles}"),
        tag("link", rel="icon", href="data:,"),
        tag("style", Html(style)),
    )
    body = tag(
        "body",
        tag("a", "Skip to the comparison", href="#main", class_="skip"),
        tag("header", tag("p", "textclf", class_="brand"), tag("h1", "Which strategy, at what cost?")),
        tag("main", *overview, *sections, id="main", tabindex="-1"),
        tag("footer", tag("p", _finished(analyses))),
        tag("div", role="tooltip", id="tip", hidden=True),
        tag("script", Html(script)),
    )
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"


def _comparison(
    analysis: Analysis, prefix: str, command: str | None, price_per_hour: float | None, wanted: Sequence[str]
) -> Html:
    slices = {one.name: one for one in (*usual_slices(analysis), *slices_of(analysis, wanted))}
    details = [(row.line.label, contender_panel(analysis, row, tuple(slices.values()))) for row in analysis.rows]
    table, by_cost = leaderboard(analysis, prefix, price_per_hour), cost_plots(analysis, prefix)
    sections = [
        ("contenders", "The contenders", joined((table, pairs_table(analysis, prefix)))),
        ("cost", "Score and cost", tag("div", tag("div", by_cost), *sweep_plots(analysis), class_="grid2")),
        ("details", "Details of one contender", panels(f"{prefix}-details", "Contender", details)),
        ("texts", "Texts", examples(analysis, prefix)),
        ("data", "The data", data_facts(analysis)),
        ("again", "How to reproduce", reproduction(analysis, command)),
    ]
    links = [tag("li", tag("a", title, href=f"#{prefix}-{name}")) for name, title, _ in sections]
    written = [
        tag("section", tag("h3", title), content, id=f"{prefix}-{name}", tabindex="-1")
        for name, title, content in sections
    ]
    nav = tag("nav", tag("ul", *links, class_="toc"), aria_label="Sections")
    return tag("article", tag("h2", heading_of(analysis)), verdict(analysis), nav, *written, id=prefix)


def _finished(analyses: Sequence[Analysis]) -> str:
    runs = [run.record for analysis in analyses for row in analysis.rows for run in row.line.runs]
    return f"{counted(len(runs), 'run')}, the last finished {max(run.finished for run in runs)}."


def _resource(name: str) -> str:
    return files("textclf_core.reports.page").joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
