"""``textclf report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from textclf_core.cli.standard_output import print_result


def report(
    context: typer.Context,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Run directories, or folders that contain them. [default: runs]", show_default=False),
    ] = None,
    format: Annotated[
        str,
        typer.Option(
            help="The format: simple, github, latex_booktabs, html, csv, tsv, json ... or page, a single HTML page."
        ),
    ] = "simple",
    columns: Annotated[
        str | None,
        typer.Option(help="The table's columns: contender,score,interval,risk,latency ...", metavar="NAME,NAME"),
    ] = None,
    sort: Annotated[
        str | None, typer.Option(help="The column to sort by, the best first; -NAME reverses it.", metavar="NAME")
    ] = None,
    metric: Annotated[
        str, typer.Option(help="The metric by which contenders are ranked and recommended: f1 or accuracy.")
    ] = "f1",
    cost: Annotated[
        str,
        typer.Option(
            help="The cost that the recommended contender should keep low: train-seconds, flops, memory, trainable, "
            "artifact or latency."
        ),
    ] = "train-seconds",
    tolerance: Annotated[
        float,
        typer.Option(help="The loss to accept, in the metric's units: 0.01 is one point.", metavar="NUMBER"),
    ] = 0.01,
    pairs: Annotated[bool, typer.Option("--pairs", help="Add the test of each pair of contenders.")] = False,
    price: Annotated[
        str | None,
        typer.Option(
            help="The price of the machine per hour, such as 0.40/h; adds a column with the price of each contender.",
            metavar="PRICE/h",
        ),
    ] = None,
    slice: Annotated[
        list[str] | None,
        typer.Option(
            help='Also score a slice of the test set: length, a column, or a condition such as "length > 30 and source '
            "== 'imdb'\". Repeatable.",
            metavar="COLUMN|CONDITION",
            show_default=False,
        ),
    ] = None,
    classes: Annotated[bool, typer.Option("--classes", help="Add the scores of each class.")] = False,
    plots: Annotated[
        Path | None, typer.Option(help="A folder to write the plots to, as PNG and SVG.", metavar="FOLDER")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="The file to write instead of standard output.", metavar="FILE")
    ] = None,
) -> None:
    """Show finished runs in tables, plots or an HTML page.

    Only stored records and predictions are read. Runs that differ only in the seed are one contender. Contenders on
    different data are compared separately.
    """
    from textclf_core.reports.costs import parse_price
    from textclf_core.reports.printed import ReportOptions
    from textclf_core.reports.report import make_report, split_names

    made = make_report(
        paths or [Path("runs")],
        ReportOptions(
            format=format,
            price_per_hour=parse_price(price) if price is not None else None,
            columns=split_names(columns) if columns is not None else None,
            sort=sort,
            slices=slice or (),
            classes=classes,
        ),
        metric=metric,
        cost=cost,
        tolerance=tolerance,
        pairs=pairs,
        plots=plots,
        output=output,
        command=context.find_root().obj,
    )
    # On stderr, since a program may read the report from standard output.
    if plots is not None:
        drawn = [str(path.relative_to(plots).with_suffix("")) for path in made.drawn if path.suffix == ".png"]
        typer.echo(f"drew {', '.join(drawn)} in {plots}", err=True)
    if made.written is not None:
        typer.echo(f"wrote {made.written}", err=True)
    else:
        print_result(made.text())
