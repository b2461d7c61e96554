"""``textclf predict``."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from textclf_core.cli import options
from textclf_core.cli.completion import complete_engines
from textclf_core.cli.standard_output import result_stream
from textclf_core.storage.places import local_folder

if TYPE_CHECKING:
    from textclf_core.data.read_options import ReadOptions
    from textclf_core.data.reading import Format

_STANDARD = Path("-")
_WRITTEN = ("csv", "tsv", "jsonl", "parquet")


def predict(
    run: Annotated[
        Path,
        typer.Argument(
            help="A run directory, its URL, or a folder written by `textclf export`.",
            parser=local_folder,
            show_default=False,
        ),
    ],
    input: Annotated[
        Path, typer.Option(help="A CSV, TSV, JSON, Parquet or TXT file; - is standard input.")
    ] = _STANDARD,
    output: Annotated[Path, typer.Option(help="A CSV, TSV, JSONL or Parquet file; - is standard output.")] = _STANDARD,
    text: Annotated[
        str | None, typer.Option(help="The text column, or several separated by commas.", metavar="COLUMN")
    ] = None,
    format: Annotated[
        Literal["csv", "tsv", "jsonl", "text"] | None,
        typer.Option(
            help="The format of the input; text: one text per line. [default: by the file's name; text for standard "
            "input]",
            show_default=False,
        ),
    ] = None,
    separator: Annotated[
        str | None,
        typer.Option(help="The separator of the input's cells: comma, semicolon, tab, pipe or the character."),
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="The encoding of the input, such as windows-1252.")] = None,
    quoting: Annotated[
        Literal["none", "double", "backslash"] | None,
        typer.Option(help="none: quotes are part of the text; double, backslash: how quotes in a cell are written."),
    ] = None,
    header: Annotated[
        Literal["first-row", "none"], typer.Option(help="Whether the input's first row names the columns.")
    ] = "first-row",
    columns: Annotated[
        str | None,
        typer.Option(help="The names of the columns, separated by commas, if there is no header.", metavar="COLUMNS"),
    ] = None,
    device: Annotated[str, typer.Option(help="The device: cpu, cuda, cuda:1, mps or auto.")] = "auto",
    engine: Annotated[
        str,
        typer.Option(
            help="What computes the scores: torch, or an engine that `textclf plugins --role engine` lists, with its "
            "options as NAME:key=value. Its agreement with torch is shown.",
            metavar="SPEC",
            autocompletion=complete_engines,
        ),
    ] = "torch",
    plugin_file: options.PluginFiles = None,
) -> None:
    """Label texts with the model of a run.

    Each row is written with its prediction and score, in the input's order. A multi-label model writes the labels of
    each text with their scores, as JSON. A token classification model splits texts into words at white space, and
    writes the entities that it finds. A column of the input with the name of one of these is kept; the model's is then
    model_prediction, model_score and so on.

    The output's format is that of the file's name; on standard output, that of the input (CSV for plain text). An
    existing file is replaced when all rows have been written.
    """
    from textclf_core.plugins import Catalogue

    catalogue = Catalogue.discover(plugin_file or ())
    _check_input(input)
    _check_output(input, output)
    input_format = format or _input_format(input)
    output_format = _output_format(output, input_format)
    options = _read_options(separator, encoding, quoting, header, columns)

    from rich.console import Console

    from textclf_core.cli.run import notes_shown
    from textclf_core.inference.scored_input import Input, score_input
    from textclf_core.inference.store import load_classifier

    source = sys.stdin.buffer if input == _STANDARD else input
    with notes_shown(Console(stderr=True)):
        classifier, task = load_classifier(run, catalogue, device=device, engine=engine)
        given = Input(source, input_format, options, repeatable=input != _STANDARD)
        score_input(classifier, task, given, result_stream() if output == _STANDARD else output, output_format, text)


def _read_options(
    separator: str | None,
    encoding: str | None,
    quoting: Literal["none", "double", "backslash"] | None,
    header: str,
    columns: str | None,
) -> ReadOptions:
    from textclf_core.data.read_options import ReadOptions
    from textclf_core.errors import UsageError

    try:
        return ReadOptions(
            encoding=encoding,
            separator=separator,
            quoting=quoting,
            header=header == "first-row",
            of_command=True,
            columns=() if columns is None else tuple(name.strip() for name in columns.split(",")),
        )
    except ValueError as error:
        raise UsageError(str(error)) from None


def _check_input(input: Path) -> None:
    """Refuse what isn't one file: a folder, a pattern, a URL."""
    from textclf_core.errors import UsageError

    one = "--input takes one file, or - for standard input."
    if input.is_dir():
        raise UsageError(f"--input {input} is a folder. {one}")
    if re.match(r"\w{2,}:/", str(input)):  # a path has one slash of two
        raise UsageError(f"--input {input}: a URL isn't read. Download the file. {one}")
    if not input.exists() and re.search(r"[*?\[]", str(input)):
        raise UsageError(f"--input {input} is a pattern, or there is no such file. {one}")


def _check_output(input: Path, output: Path) -> None:
    """Refuse to replace the input by the output."""
    from textclf_core.errors import UsageError

    if _STANDARD not in (input, output) and input.exists() and output.exists() and output.samefile(input):
        raise UsageError(f"--output {output} is the same file as --input. Give another name.")


def _input_format(input: Path) -> Format:
    from textclf_core.data.reading import format_of
    from textclf_core.errors import DataError

    if input == _STANDARD:
        return "text"
    try:
        return format_of(input)
    except DataError as error:
        raise DataError(f"{error}, or --format must say how it is read") from None


def _output_format(output: Path, input_format: Format) -> str:
    from textclf_core.errors import UsageError

    if output == _STANDARD:
        return input_format if input_format in ("tsv", "jsonl") else "csv"
    wanted = output.suffix.lower().removeprefix(".")
    if wanted not in _WRITTEN:
        raise UsageError(f"--output {output}: the file's name must end in {', '.join(f'.{one}' for one in _WRITTEN)}.")
    return wanted
