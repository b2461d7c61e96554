"""Labelled texts in files: CSV, TSV, JSON, Parquet, Excel, or a text file each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from textclf_core.errors import DataError
from textclf_core.hookspecs import hookimpl
from textclf_core.types.option import Option
from textclf_plugins.datasets.finding_files import SUFFIXES, Found, named_splits, splits_in
from textclf_plugins.datasets.remote_files import local_copies
from textclf_plugins.datasets.shared_options import (
    EmptyTexts,
    GroupColumn,
    LabelBins,
    LabelSeparator,
    LabelSpelling,
    TimeColumn,
    check_label_separator,
)

if TYPE_CHECKING:
    from datasets import DatasetDict

    from textclf_core.data.read_options import ReadOptions


@dataclass(frozen=True, kw_only=True)
class Files:
    """Labelled texts in CSV, TSV, JSON, Parquet or Excel files, compressed or not, or a folder of texts per class.

    Two text columns are passed to the model as a pair; more are joined by the model's separator.

    Values aren't interpreted: "NA" and "null" are text. Labels are strings, integers or booleans. The task is
    multi-label if the labels are lists, if label_separator is given, or if several label columns are given.
    """

    path: Annotated[
        str | None,
        Option(
            "The training split's file, several by a pattern (data/*.csv), or a folder with a file, numbered files or "
            "a folder per split (train.csv, validation.csv, test.csv), or with a folder of .txt files per class. Also "
            "as a URL that fsspec reads: s3://bucket/train.csv, https://..., hf://datasets/..."
        ),
    ] = None
    train: Annotated[str | None, Option("The training split's file, pattern or folder, if path isn't given.")] = None
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
    group: GroupColumn = None
    time: TimeColumn = None
    label_separator: LabelSeparator = None
    labels: LabelSpelling = None
    bins: LabelBins = ()
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
    empty: EmptyTexts = "keep"

    def __post_init__(self) -> None:
        if (self.path is None) == (self.train is None):
            raise ValueError("expected exactly one of path=FILE, path=FOLDER and train=FILE")
        check_label_separator(self.label_separator)
        self._read_options()

    @hookimpl
    def textclf_load_data(self) -> DatasetDict:
        """Return the splits for which there are files."""
        from textclf_core.data import labelled, mark_columns
        from textclf_core.data.label_spelling import label_separator

        options = self._read_options()
        given = {"path": self.path, "train": self.train, "validation": self.validation, "test": self.test}
        with local_copies("files", given, SUFFIXES) as copies:
            found = self._files(copies.given)
            _check_options(options, found)
            sources = {name: copies.named(files.read(options)) for name, files in found.items()}
        data = labelled(
            sources,
            text=self.text,
            label=self.label,
            label_separator=label_separator(self.label_separator),
            empty=self.empty,
            labels=self.labels,
            bins=self.bins,
            names=self.names,
            sequence=self.sequence,
        )
        mark_columns(data, group=self.group, time=self.time)
        return data

    def _read_options(self) -> ReadOptions:
        from textclf_core.data.read_options import ReadOptions

        return ReadOptions(
            encoding=self.encoding,
            separator=self.separator,
            quoting=self.quoting,
            header=self.header == "first-row",
            columns=self.columns,
        )

    def _files(self, given: Mapping[str, str | None]) -> dict[str, Found]:
        """Return the files of each split."""
        path = given["path"]
        if path is not None and Path(path).expanduser().is_dir():
            if self.validation or self.test:
                raise DataError(f"files: {path} is a folder, so validation= and test= are looked for in it")
            return splits_in(Path(path).expanduser())
        return named_splits(given)


def _check_options(options: ReadOptions, found: Mapping[str, Found]) -> None:
    """Refuse an option that has no effect on any file.

    Raises:
        DataError: names the option and the first file.
    """
    from textclf_core.data.reading import Format, format_of, without_effect

    formats: dict[str, Format] = {one.where: "text" for one in found.values() if one.classes is not None}
    formats |= {str(file): format_of(file) for one in found.values() for file in one.files}
    without = [without_effect(options, format) for format in formats.values()]
    for option in without[0]:
        if all(option in others for others in without):
            where, format = next(iter(formats.items()))
            raise DataError(f"files: {option} has no effect on {where} ({format}); leave it out")
