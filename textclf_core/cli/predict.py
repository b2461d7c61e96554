"""``textclf predict``."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable
from itertools import chain, islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, Literal

import typer

from textclf_core.cli.standard_output import result_stream

if TYPE_CHECKING:
    from textclf_core.data.reading import Format

_STANDARD = Path("-")


def predict(
    run: Annotated[Path, typer.Argument(help="A run's directory.", show_default=False)],
    input: Annotated[Path, typer.Option(help="CSV, TSV, JSONL, Parquet or TXT; - is the standard input.")] = _STANDARD,
    output: Annotated[Path, typer.Option(help="CSV, TSV or JSONL; - is the standard output.")] = _STANDARD,
    text: Annotated[
        str | None, typer.Option(help="The column that holds the text; several with commas between.", metavar="COLUMN")
    ] = None,
    format: Annotated[
        Literal["csv", "tsv", "jsonl", "text"],
        typer.Option(help="How the standard input is written; text: one a line."),
    ] = "text",
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1, mps or auto.")] = "auto",
    engine: Annotated[
        Literal["torch", "onnx", "onnx-int8"],
        typer.Option(
            help="What computes: torch, or onnxruntime on the CPU, with weights as they are or of 8 bits. The model is "
            "exported once; how far it agrees with torch is said."
        ),
    ] = "torch",
    plugin_file: Annotated[
        list[Path] | None,
        typer.Option(help="A Python file with plugins of your own.", metavar="FILE.py", show_default=False),
    ] = None,
) -> None:
    """Label texts with the model of a run: each row with its prediction and score, in its order, as they come.

    A model that gives several labels gives those of each text with their scores, as JSON. One that labels words gets
    texts split at white space, and gives the entities that it finds.

    The output is written as its name says; on the standard output, as the input is (CSV for plain text).
    """
    from textclf_core.data.reading import format_of, iter_rows
    from textclf_core.plugins import Catalogue

    catalogue = Catalogue.discover(plugin_file or ())
    _check_output(input, output)
    input_format = format if input == _STANDARD else format_of(input)
    output_format = _output_format(output, input_format)
    rows = iter_rows(sys.stdin.buffer, input_format) if input == _STANDARD else iter_rows(input)

    from rich.console import Console

    from textclf_core.cli.run import notes_shown
    from textclf_core.inference.predict import open_classifier, score_rows

    with notes_shown(Console(stderr=True)):
        classifier, task = open_classifier(run, catalogue, device=device, engine=engine)
    scored = score_rows(classifier, task, rows, text)
    if output == _STANDARD:
        _write(scored, result_stream(), output_format)
    else:
        first = list(islice(scored, 1))  # what can't be read or labelled leaves an older output as it is
        with output.open("w", encoding="utf-8", newline="") as stream:
            _write(chain(first, scored), stream, output_format)


def _check_output(input: Path, output: Path) -> None:
    """Refuse to write over what is read: rows are written as they come."""
    from textclf_core.errors import UsageError

    if _STANDARD not in (input, output) and input.exists() and output.exists() and output.samefile(input):
        raise UsageError(f"--output {output} is the file that --input reads. Give another name.")


def _output_format(output: Path, input_format: Format) -> str:
    from textclf_core.data.reading import format_of
    from textclf_core.errors import UsageError

    wanted = input_format if output == _STANDARD else format_of(output)
    if output == _STANDARD:
        return wanted if wanted in ("tsv", "jsonl") else "csv"
    if wanted not in ("csv", "tsv", "jsonl"):
        raise UsageError(f"--output {output}: predictions are written as .csv, .tsv or .jsonl.")
    return wanted


def _write(rows: Iterable[dict[str, Any]], stream: IO[str], format: str) -> None:
    writer: csv.DictWriter[str] | None = None
    for row in rows:
        if format == "jsonl":
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")
        else:
            if writer is None:
                delimiter = "," if format == "csv" else "\t"
                writer = csv.DictWriter(stream, list(row), delimiter=delimiter, lineterminator="\n")
                writer.writeheader()
            # Several labels, entities and labels of words are lists.
            cells = {
                name: json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value
                for name, value in row.items()
            }
            writer.writerow(cells)
        stream.flush()
