"""``textclf data``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from textclf_core.cli import options
from textclf_core.cli.standard_output import print_result


def data(
    experiment: Annotated[
        Path | None,
        typer.Argument(
            metavar="SPEC|FILE.toml", help="A dataset plugin and its options, as in --plugin, or an experiment file."
        ),
    ] = None,
    plugin: options.Plugins = None,
    plugin_file: options.PluginFiles = None,
    data_seed: options.DataSeed = None,
    format: Annotated[
        str, typer.Option(help="The format of the tables: simple, github, html, latex ... or json.")
    ] = "simple",
) -> None:
    """Show the data that a run would read, without training.

    Shown are the rows and labels of each split, the columns, what was dropped or changed, repeated texts, conflicting
    labels, the lengths of the texts, and five texts of each label (of the first ten). With a model, tokens are counted
    too.
    """
    from textclf_core.comparison.experiment_file import check_one_data_set, is_spec, read_settings
    from textclf_core.plugins import Catalogue, activate, override
    from textclf_core.reports.summary import check_summary_format

    specs = list(plugin or ())
    if experiment is not None and is_spec(experiment):
        specs, experiment = [str(experiment), *specs], None
    settings = read_settings(experiment, data_seed=data_seed)
    check_one_data_set(settings, "data")
    catalogue = Catalogue.discover(plugin_file or ())
    plugins = activate(override(settings.plugins, specs, catalogue), catalogue)
    check_summary_format(format)

    from rich.console import Console

    from textclf_core.cli.run import notes_shown
    from textclf_core.comparison.inspection import inspect

    with notes_shown(Console(stderr=True)):
        found = inspect(plugins, data_seed=settings.data_seed)
    print_result(found.text(format))
