"""``textclf export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from textclf_core.cli.standard_output import print_result


def export(
    run: Annotated[Path, typer.Argument(help="A run's directory.", show_default=False)],
    directory: Annotated[Path, typer.Argument(help="The folder to write; it must not hold anything yet.")],
    push: Annotated[
        str | None,
        typer.Option(help="Send it to the model hub too, as this one.", metavar="OWNER/NAME", show_default=False),
    ] = None,
    private: Annotated[bool, typer.Option("--private", help="Make the repository, if it is new, private.")] = False,
) -> None:
    """Hand a model over: write its artifact and a model card into a folder, which may go to the hub.

    The card says what the model was trained on, how good it is and how sure that is, what it cost, what isn't known of
    it, the command that made it, and how to load it. It is README.md: read it before you publish it.
    """
    from textclf_core.errors import UsageError
    from textclf_core.inference.publish import export_run

    if private and not push:
        raise UsageError("--private is of a repository on the hub; give --push OWNER/NAME too.")
    address = export_run(run, directory, push=push, private=private)
    print_result(f"written: {directory}")
    if address:
        print_result(f"sent: {address}")
