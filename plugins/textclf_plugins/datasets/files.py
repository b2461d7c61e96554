"""Labelled texts in files: CSV, TSV, JSON or Parquet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from textclf_core.errors import DataError
from textclf_core.hookspecs import hookimpl
from textclf_core.types.option import Option

if TYPE_CHECKING:
    from datasets import DatasetDict

    from textclf_core.data.separated import ReadOptions

SUFFIXES = (".csv", ".tsv", ".tab", ".jsonl", ".ndjson", ".json", ".parquet")


@dataclass(frozen=True, kw_only=True)
class Files:
    """Labelled texts in CSV, TSV, JSON or Parquet files, compressed or not.

    Two text columns are passed to the model as a pair; more are joined by the model's separator.

    Values aren't interpreted: "NA" and "null" are text. Labels are strings, integers or booleans. The task is
    multi-label if the labels are lists, if label_separator is given, or if several label columns are given.
    """

    path: Annotated[
        str | None,
        Option("The training split's file, or a folder with a file per split: train.csv, validation.csv, test.csv."),
    ] = None
    train: Annotated[str | None, Option("The training split's file, if path isn't given.")] = None
    validation: Annotated[str | None, Option("The validation split's file.")] = None
    test: Annotated[str | None, Option("The test split's file.")] = None
    text: Annotated[
        str | tuple[str, ...] | None,
        Option("The column of texts, or several, separated by commas. Default: inferred from the columns' names."),
    ] = None
    label: Annotated[
        str | tuple[str, ...] | None,
        Option(
            "The column of labels, or several columns of zeros and ones, one per label, separated by commas. Default: "
            "inferred from the columns' names."
        ),
    ] = None
    label_separator: Annotated[
        str | None,
        Option(
            "The separator between the labels of a text in a multi-label task: pipe, semicolon, comma or the "
            "characters themselves. Not needed if labels are lists."
        ),
    ] = None
    labels: Annotated[
        Literal["exact", "folded"] | None,
        Option(
            "folded: labels that differ only in white space, case or a final .0 are merged; exact: each spelling is a "
            "label, and decimals are allowed. Default: different spellings are reported, and decimals are an error."
        ),
    ] = None
    bins: Annotated[tuple[float, ...], Option("Divide numbers into classes at these values, in ascending order.")] = ()
    names: Annotated[
        tuple[str, ...], Option("The labels' names, if labels are integers from 0, or vectors of zeros and ones.")
    ] = ()
    sequence: Annotated[
        str | None,
        Option("The column that tells sequences apart, in a table with one word and its tag per row."),
    ] = None
    separator: Annotated[
        str | None,
        Option(
            "The separator between columns: comma, semicolon, tab, pipe or the character itself. Default: inferred."
        ),
    ] = None
    encoding: Annotated[str | None, Option("The file's encoding, such as windows-1252, if it isn't UTF-8.")] = None
    quoting: Annotated[
        Literal["none", "double", "backslash"] | None,
        Option(
            "none: quotes are part of the text; double: a cell may be quoted, and quotes in it are doubled; backslash: "
            "a cell may be quoted, and quotes in it follow a backslash. Default: double for CSV, inferred for TSV."
        ),
    ] = None
    header: Annotated[Literal["first-row", "none"], Option("Whether the first row names the columns.")] = "first-row"
    columns: Annotated[tuple[str, ...], Option("The columns' names, if the file has no header.")] = ()
    empty: Annotated[Literal["keep", "drop"], Option("What to do with rows whose text is empty.")] = "keep"

    def __post_init__(self) -> None:
        if (self.path is None) == (self.train is None):
            raise ValueError("expected exactly one of path=FILE, path=FOLDER and train=FILE")
        if self.label_separator == "":
            raise ValueError("label_separator must have at least one character")
        self._read_options()

    @hookimpl
    def textclf_load_data(self) -> DatasetDict:
        """Return the splits for which there are files."""
        from textclf_core.data import labelled, read_file
        from textclf_core.data.separated import SEPARATORS

        options = self._read_options()
        separator = self.label_separator
        return labelled(
            {name: read_file(file, options) for name, file in self._files()},
            text=self.text,
            label=self.label,
            label_separator=None if separator is None else SEPARATORS.get(separator, separator),
            empty=self.empty,
            labels=self.labels,
            bins=self.bins,
            names=self.names,
            sequence=self.sequence,
        )

    def _read_options(self) -> ReadOptions:
        from textclf_core.data.separated import ReadOptions

        return ReadOptions(
            encoding=self.encoding,
            separator=self.separator,
            quoting=self.quoting,
            header=self.header == "first-row",
            columns=self.columns,
        )

    def _files(self) -> Iterator[tuple[str, Path]]:
        """Yield the name and the file of each split."""
        named = {"train": self.train, "validation": self.validation, "test": self.test}
        if self.path is not None:
            path = Path(self.path).expanduser()
            if path.is_dir():
                if self.validation or self.test:
                    raise DataError(f"files: {path} is a folder, so validation= and test= are looked for in it")
                yield from splits_in(path).items()
                return
            yield "train", path
        for name, file in named.items():
            if file is not None:
                yield name, Path(file).expanduser()


def splits_in(folder: Path) -> dict[str, Path]:
    """Return the file of each split in a folder, recognised by its name: train.csv, dev.tsv, test.jsonl.

    Raises:
        DataError: there is no file for train, or there are two for one split.
    """
    from textclf_core.data.infer_columns import SPLIT_OF_NAME
    from textclf_core.data.reading import plain_name

    if (folder / "dataset_dict.json").is_file():
        raise DataError(f"files: {folder} was written by save_to_disk; read it with hf-dataset:id={folder}")
    found: dict[str, Path] = {}
    for file in sorted(folder.iterdir()):
        split = SPLIT_OF_NAME.get(plain_name(file).stem.lower())
        if split is None or plain_name(file).suffix.lower() not in SUFFIXES:
            continue
        if split in found:
            raise DataError(f"files: {folder} has two files for {split}: {found[split].name} and {file.name}")
        found[split] = file
    if "train" not in found:
        raise DataError(
            f"files: {folder} has no training file; expected a file train with one of {', '.join(SUFFIXES)}, and "
            "optionally validation and test. For a single file: path=FILE"
        )
    return {name: found[name] for name in ("train", "validation", "test") if name in found}
