"""``textclf report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from textclf_core.cli import criteria, options
from textclf_core.cli.completion import complete_specs
from textclf_core.cli.standard_output import print_result
from textclf_core.storage.places import local_folder


def report(
    context: typer.Context,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Run directories, or folders that contain them; URLs too. [default: runs]",
            parser=local_folder,
            show_default=False,
        ),
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
    plugin: Annotated[
        list[str] | None,
        typer.Option(
            help="A plugin that adds costs, columns, plots or sections, besides those of the runs. Repeatable.",
            metavar="SPEC",
            show_default=False,
            autocompletion=complete_specs,
        ),
    ] = None,
    plugin_file: options.PluginFiles = None,
) -> None:
    """Show finished runs in tables, plots or an HTML page.

    Only stored records and predictions are read. Runs that differ only in the seed are one contender. Contenders on
    different data are compared separately. What the plugins of the runs add is shown too.
    """
    from rich.console import Console

    from textclf_core.cli.run import notes_shown
    from textclf_core.plugins import Catalogue
    from textclf_core.reports.added import named_reporters
    from textclf_core.reports.criteria import Criteria
    from textclf_core.reports.printed import ReportOptions
    from textclf_core.reports.report import make_report, split_names

    named = named_reporters(plugin or (), Catalogue.discover(plugin_file or ()), set_by="command line")
    with notes_shown(Console(stderr=True)):
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
            plugins=named,
            plots=plots,
            output=output,
            command=context.find_root().obj,
        )
        text = made.text() if made.written is None else None
    # On stderr, since a program may read the report from standard output.
    if plots is not None:
        drawn = [str(path.relative_to(plots).with_suffix("")) for path in made.drawn if path.suffix == ".png"]
        typer.echo(f"drew {', '.join(drawn)} in {plots}", err=True)
    if text is None:
        typer.echo(f"wrote {made.written}", err=True)
    else:
        print_result(text)
