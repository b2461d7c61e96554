"""The options that several commands take to say what to run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from textclf_core.cli.completion import complete_specs
from textclf_core.storage.places import local_folder

Experiment = Annotated[Path | None, typer.Argument(help="An experiment file (TOML) with values for the options below.")]
Plugins = Annotated[
    list[str] | None,
    typer.Option(
        help="A plugin and its options: NAME or NAME:key=value,key=value. Repeatable.",
        metavar="SPEC",
        show_default=False,
        autocompletion=complete_specs,
    ),
]
PluginFiles = Annotated[
    list[Path] | None,
    typer.Option(help="A Python file with your own plugins. Repeatable.", metavar="FILE.py", show_default=False),
]
DataSeed = Annotated[
    int | None,
    typer.Option(help="The seed of held-out splits and samples. [default: 0]", min=0, show_default=False),
]
Output = Annotated[
    Path | None,
    typer.Option(
        help="The folder for run directories, or a URL, such as s3://bucket/runs. [default: runs]",
        metavar="FOLDER|URL",
        parser=local_folder,
        show_default=False,
    ),
]
Device = Annotated[
    str | None, typer.Option(help="The device: cpu, cuda, cuda:1, mps or auto. [default: auto]", show_default=False)
]
