"""``textclf report``."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from textclf_core.cli.standard_output import print_result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textclf_core.report.analysis import Analysis

_PAGE = "page"


def report(
    context: typer.Context,
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Runs, or folders that hold them. [default: runs]", show_default=False)
    ] = None,
    format: Annotated[
        str, typer.Option(help="simple, github, latex_booktabs, html, csv, tsv, json ... or page, one HTML page.")
    ] = "simple",
    columns: Annotated[
        str | None,
        typer.Option(help="The table's columns: contender,score,interval,p,latency ...", metavar="NAME,NAME"),
    ] = None,
    sort: Annotated[
        str | None, typer.Option(help="The column to sort by, the best first; -NAME turns it round.", metavar="NAME")
    ] = None,
    metric: Annotated[str, typer.Option(help="What decides: f1 or accuracy.")] = "f1",
    cost: Annotated[
        str,
        typer.Option(
            help="What the recommended line is cheap by: train-seconds, flops, memory, trainable, artifact, latency."
        ),
    ] = "train-seconds",
    price: Annotated[
        str | None, typer.Option(help="The machine's price, such as 0.40/h: adds a column of money.", metavar="PRICE/h")
    ] = None,
    slice: Annotated[
        list[str] | None,
        typer.Option(
            help='Scores by slice of the test set: length, a column, or a condition such as "length > 30 and source == '
            "'imdb'\". Give it again for each.",
            metavar="COLUMN|CONDITION",
            show_default=False,
        ),
    ] = None,
    classes: Annotated[bool, typer.Option("--classes", help="Show the scores of each class too.")] = False,
    plots: Annotated[
        Path | None, typer.Option(help="A folder to draw the plots in, as PNG and SVG.", metavar="FOLDER")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="The file to write instead of the standard output.", metavar="FILE")
    ] = None,
) -> None:
    """Compare finished runs: tables, plots and the page, from what the runs left behind.

    Runs that differ in the seed alone are one contender. Contenders on different data are compared apart.
    """
    from textclf_core.report.costs import check_cost, parse_price
    from textclf_core.report.tables import check_format

    check_format(format, also=(_PAGE,))
    check_cost(cost)
    hourly = parse_price(price) if price is not None else None

    from textclf_core.report.analysis import analyse
    from textclf_core.report.printed import Wanted, report_text
    from textclf_core.report.stored import find_runs

    analyses = analyse(find_runs(paths or [Path("runs")]), metric=metric, cost=cost)
    if plots is not None:
        _draw(analyses, plots)
    if format == _PAGE:
        from textclf_core.report.page import write_page

        page = output or Path("report.html")
        command: str | None = context.find_root().obj
        write_page(analyses, page, command=command, hourly=hourly, slices=slice or ())
        _say(f"wrote {page}")
        return
    text = report_text(
        analyses,
        Wanted(
            format=format,
            hourly=hourly,
            columns=[name.strip() for name in columns.split(",") if name.strip()] if columns is not None else None,
            sort=sort,
            slices=slice or (),
            classes=classes,
        ),
    )
    if output is None:
        print_result(text)
    else:
        output.write_text(f"{text}\n", encoding="utf-8")
        _say(f"wrote {output}")


def _draw(analyses: Sequence[Analysis], directory: Path) -> None:
    """Write the plots of each comparison; those of several data sets into a folder each."""
    from textclf_core.report.plots import write_curves, write_plots
    from textclf_core.report.printed import heading_of

    files = list(write_curves(analyses, directory))
    for number, analysis in enumerate(analyses, start=1):
        slug = re.sub(r"[^A-Za-z0-9.]+", "-", heading_of(analysis)).strip("-.")[-60:]
        files += write_plots(analysis, directory / f"{number}-{slug}" if len(analyses) > 1 else directory)
    names = ", ".join(str(path.relative_to(directory).with_suffix("")) for path in files if path.suffix == ".png")
    _say(f"drew {names} in {directory}")


def _say(text: str) -> None:
    """Say what was written beside the report, which may be read from the standard output by a program."""
    print(text, file=sys.stderr)
