"""``textclf export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from textclf_core.cli.standard_output import print_result


def export(
    run: Annotated[Path, typer.Argument(help="A run directory.", show_default=False)],
    directory: Annotated[Path, typer.Argument(help="The folder to write, which must be empty or not exist.")],
    push: Annotated[
        str | None,
        typer.Option(
            help="Also push the model to this repository of the hub.", metavar="OWNER/NAME", show_default=False
        ),
    ] = None,
    private: Annotated[bool, typer.Option("--private", help="Make a new repository private.")] = False,
) -> None:
    """Write a model and its model card into a folder.

    With --push, both are also pushed to the hub. The card states the training data, the scores with their uncertainty,
    the cost, the limitations, the command of the run, and how to load the model. It is the file README.md: read it
    before you publish it.
    """
    from textclf_core.errors import UsageError
    from textclf_core.inference.publish import export_run

    if private and not push:
        raise UsageError("--private is for a repository on the hub; add --push OWNER/NAME.")
    address = export_run(run, directory, push=push, private=private)
    print_result(f"written: {directory}")
    if address:
        print_result(f"pushed: {address}")
