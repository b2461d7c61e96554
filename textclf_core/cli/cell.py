"""``textclf cell``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from textclf_core.cli.standard_output import result_stream
from textclf_core.errors import format_error


def cell(
    file: Annotated[
        Path, typer.Argument(help="The file of a cell; - for a worker that reads names of files.", allow_dash=True)
    ],
) -> None:
    """Run one cell of a comparison from a file that another process wrote.

    An executor runs this command for each cell of `textclf compare`, on this machine or another one. The run is saved
    in the comparison's output folder, which `textclf compare` and `textclf report` read. A cell that is finished, or
    that another process is running, isn't run again.
    """
    if str(file) == "-":
        from textclf_core.comparison.worker import work

        work(result_stream())
        return
    from rich.console import Console

    from textclf_core.cli.run import notes_shown
    from textclf_core.comparison.execution import run_file
    from textclf_core.types.progress import Progress

    console = Console(stderr=True)
    with notes_shown(console):
        outcomes = run_file(file, Progress(console))
    for one in outcomes:
        if one.error is not None:
            typer.echo(f"error: {one.id}: {format_error(one.error)}", err=True)
        elif one.elsewhere:
            typer.echo(f"{one.id}: another process is running it", err=True)
    if any(one.error for one in outcomes):
        raise typer.Exit(1)
