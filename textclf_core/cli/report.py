"""``textclf report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from textclf_core.cli import criteria
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
    metric: criteria.Metric = None,
    cost: criteria.Cost = "train-seconds",
    tolerance: criteria.Tolerance = None,
    pairs: criteria.Pairs = False,
    cluster: criteria.Cluster = None,
    price: criteria.Price = None,
    label_price: criteria.LabelPrice = 0.0,
    predictions: criteria.Predictions = None,
    months: criteria.Months = 12.0,
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
    from textclf_core.reports.criteria import Criteria
    from textclf_core.reports.printed import ReportOptions
    from textclf_core.reports.report import make_report, split_names

    made = make_report(
        paths or [Path("runs")],
        ReportOptions(
            format=format,
            columns=split_names(columns) if columns is not None else None,
            sort=sort,
            slices=slice or (),
            classes=classes,
        ),
        Criteria.parsed(
            metric=metric,
            cost=cost,
            tolerance=tolerance,
            pairs=pairs,
            cluster=cluster,
            price=price,
            label_price=label_price,
            predictions=predictions,
            months=months,
        ),
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
