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
    run: Annotated[
        Path, typer.Argument(help="A run directory, or a folder written by `textclf export`.", show_default=False)
    ],
    input: Annotated[
        Path, typer.Option(help="A CSV, TSV, JSONL, Parquet or TXT file; - is standard input.")
    ] = _STANDARD,
    output: Annotated[Path, typer.Option(help="A CSV, TSV or JSONL file; - is standard output.")] = _STANDARD,
    text: Annotated[
        str | None, typer.Option(help="The text column, or several separated by commas.", metavar="COLUMN")
    ] = None,
    format: Annotated[
        Literal["csv", "tsv", "jsonl", "text"],
        typer.Option(help="The format of standard input; text: one text per line."),
    ] = "text",
    device: Annotated[str, typer.Option(help="The device: cpu, cuda, cuda:1, mps or auto.")] = "auto",
    engine: Annotated[
        Literal["torch", "onnx", "onnx-int8"],
        typer.Option(
            help="What computes the scores: torch, or onnxruntime on the CPU with the original (onnx) or 8-bit weights "
            "(onnx-int8). onnxruntime's agreement with torch is shown."
        ),
    ] = "torch",
    plugin_file: Annotated[
        list[Path] | None,
        typer.Option(help="A Python file with your own plugins. Repeatable.", metavar="FILE.py", show_default=False),
    ] = None,
) -> None:
    """Label texts with the model of a run.

    Each row is written with its prediction and score, in the input's order, as soon as its batch is labelled. A
    multi-label model writes the labels of each text with their scores, as JSON. A token classification model splits
    texts into words at white space, and writes the entities that it finds.

    The output's format is that of the file's name; on standard output, that of the input (CSV for plain text).
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
        first = list(islice(scored, 1))  # so that an error doesn't overwrite an existing output
        with output.open("w", encoding="utf-8", newline="") as stream:
            _write(chain(first, scored), stream, output_format)


def _check_output(input: Path, output: Path) -> None:
    """Refuse to overwrite the input, which is still being read when the first rows are written."""
    from textclf_core.errors import UsageError

    if _STANDARD not in (input, output) and input.exists() and output.exists() and output.samefile(input):
        raise UsageError(f"--output {output} is the same file as --input. Give another name.")


def _output_format(output: Path, input_format: Format) -> str:
    from textclf_core.data.reading import format_of
    from textclf_core.errors import UsageError

    wanted = input_format if output == _STANDARD else format_of(output)
    if output == _STANDARD:
        return wanted if wanted in ("tsv", "jsonl") else "csv"
    if wanted not in ("csv", "tsv", "jsonl"):
        raise UsageError(f"--output {output}: the file's name must end in .csv, .tsv or .jsonl.")
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
            # Sets of labels, entities and labels of words are lists.
            cells = {
                name: json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value
                for name, value in row.items()
            }
            writer.writerow(cells)
        stream.flush()
