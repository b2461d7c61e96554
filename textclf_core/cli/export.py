"""``textclf export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from textclf_core.cli import options
from textclf_core.cli.completion import complete_exporters
from textclf_core.cli.standard_output import print_result
from textclf_core.storage.places import local_folder


def export(
    run: Annotated[Path, typer.Argument(help="A run directory, or its URL.", parser=local_folder, show_default=False)],
    directory: Annotated[Path, typer.Argument(help="The folder to write, which must be empty or not exist.")],
    format: Annotated[
        str | None,
        typer.Option(
            help="Also write the model by an exporter that `textclf plugins --role exporter` lists, with its options "
            "as NAME:key=value, into exports/NAME of the folder.",
            metavar="SPEC",
            show_default=False,
            autocompletion=complete_exporters,
        ),
    ] = None,
    push: Annotated[
        str | None,
        typer.Option(
            help="Also push the model to this repository of the hub.", metavar="OWNER/NAME", show_default=False
        ),
    ] = None,
    private: Annotated[bool, typer.Option("--private", help="Make a new repository private.")] = False,
    plugin_file: options.PluginFiles = None,
) -> None:
    """Write a model and its model card into a folder.

    With --push, both are also pushed to the hub. The card states the training data, the scores with their uncertainty,
    the cost, the limitations, the command of the run, and how to load the model. It is the file README.md: read it
    before you publish it.
    """
    from rich.console import Console

    from textclf_core.cli.run import notes_shown
    from textclf_core.errors import UsageError
    from textclf_core.inference.publish import export_run
    from textclf_core.plugins import Catalogue

    if private and not push:
        raise UsageError("--private is for a repository on the hub; add --push OWNER/NAME.")
    catalogue = Catalogue.discover(plugin_file or ())
    with notes_shown(Console(stderr=True)):
        address = export_run(run, directory, catalogue, format=format, push=push, private=private)
    print_result(f"written: {directory}")
    if address:
        print_result(f"pushed: {address}")
