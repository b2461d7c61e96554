"""``textclf data``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from textclf_core.cli.standard_output import print_result


def data(
    experiment: Annotated[
        Path | None, typer.Argument(help="An experiment file (TOML) with values for the options below.")
    ] = None,
    plugin: Annotated[
        list[str] | None,
        typer.Option(
            help="A plugin and its options: NAME or NAME:key=value,key=value. Repeatable.",
            metavar="SPEC",
            show_default=False,
        ),
    ] = None,
    plugin_file: Annotated[
        list[Path] | None,
        typer.Option(help="A Python file with your own plugins. Repeatable.", metavar="FILE.py", show_default=False),
    ] = None,
    data_seed: Annotated[
        int | None,
        typer.Option(help="The seed of held-out splits and samples. [default: 0]", min=0, show_default=False),
    ] = None,
    format: Annotated[
        str, typer.Option(help="The format of the tables: simple, github, html, latex ... or json.")
    ] = "simple",
) -> None:
    """Show the data that a run would read, without training.

    Shown are the rows and labels of each split, the columns, what was dropped or changed, repeated texts, conflicting
    labels, the lengths of the texts, and five texts of each label (of the first ten). With a model, tokens are counted
    too.
    """
    from textclf_core.comparison.experiment_file import read_settings
    from textclf_core.plugins import Catalogue, activate, override
    from textclf_core.reports.summary import check_summary_format

    settings = read_settings(experiment, data_seed=data_seed)
    catalogue = Catalogue.discover(plugin_file or ())
    plugins = activate(override(settings.plugins, plugin or (), catalogue), catalogue)
    check_summary_format(format)

    from rich.console import Console

    from textclf_core.cli.run import notes_shown
    from textclf_core.comparison.inspection import inspect

    with notes_shown(Console(stderr=True)):
        found = inspect(plugins, data_seed=settings.data_seed)
    print_result(found.text(format))
