"""Labelled texts in files: CSV, TSV, JSON lines or Parquet."""

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

SUFFIXES = (".csv", ".tsv", ".tab", ".jsonl", ".ndjson", ".json", ".parquet")


@dataclass(frozen=True, kw_only=True)
class Files:
    """Labelled texts in CSV, TSV, JSON lines or Parquet files, UTF-8, with a header.

    Of several text columns, two go in as a pair, more are joined by the model's separator.

    Nothing is guessed about a value: "NA" and "null" are text. Labels are strings, integers or booleans; their names
    become the model's. Where they are lists, label_separator parts them, or each has a column, a text may have several.
    """

    path: Annotated[
        str | None, Option("A file, which becomes train, or a folder with train.csv, validation.csv, test.csv.")
    ] = None
    train: Annotated[str | None, Option("The file of the training split, instead of path.")] = None
    validation: Annotated[str | None, Option("The file of the validation split.")] = None
    test: Annotated[str | None, Option("The file of the test split.")] = None
    text: Annotated[
        str | tuple[str, ...] | None,
        Option("The column of texts, or several with commas between; guessed from its name if not given."),
    ] = None
    label: Annotated[
        str | tuple[str, ...] | None,
        Option(
            "The column of labels; guessed from its name if not given. Several, with commas between, hold 0 or 1 each: "
            "whether a text has the label that the column is called."
        ),
    ] = None
    label_separator: Annotated[
        str | None,
        Option("What parts the labels of a row, such as ; or |, where a text may have several. Lists need none."),
    ] = None
    empty: Annotated[Literal["keep", "drop"], Option("What to do with rows whose text is empty.")] = "keep"

    def __post_init__(self) -> None:
        if (self.path is None) == (self.train is None):
            raise ValueError("wanted path=FILE, path=FOLDER or train=FILE, one of them")
        if self.label_separator == "":
            raise ValueError("label_separator must be a character or more")

    @hookimpl
    def textclf_load_data(self) -> DatasetDict:
        """Return the splits that there are files for."""
        from textclf_core.data import labelled, read_file

        sources = {name: read_file(file) for name, file in self._files()}
        return labelled(
            sources, text=self.text, label=self.label, label_separator=self.label_separator, empty=self.empty
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
    """Return the file of each split in a folder, told by its name: train.csv, dev.tsv, test.jsonl.

    Raises:
        DataError: there is none for train, or there are two for one split.
    """
    from textclf_core.data.infer_columns import SPLIT_OF_NAME

    if (folder / "dataset_dict.json").is_file():
        raise DataError(f"files: {folder} was written by save_to_disk; read it with hf-dataset:id={folder}")
    found: dict[str, Path] = {}
    for file in sorted(folder.iterdir()):
        split = SPLIT_OF_NAME.get(file.stem.lower())
        if split is None or file.suffix.lower() not in SUFFIXES:
            continue
        if split in found:
            raise DataError(f"files: {folder} has two files for {split}: {found[split].name} and {file.name}")
        found[split] = file
    if "train" not in found:
        raise DataError(
            f"files: {folder} has no training file; wanted train with one of {', '.join(SUFFIXES)}, and validation "
            "and test beside it if there are any. A single file is named itself: path=FILE"
        )
    return {name: found[name] for name in ("train", "validation", "test") if name in found}
