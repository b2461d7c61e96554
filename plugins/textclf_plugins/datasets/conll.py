"""Words and tags in columns, the format of the CoNLL shared tasks."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from textclf_core.errors import DataError
from textclf_core.hookspecs import hookimpl
from textclf_core.types.option import Option
from textclf_plugins.datasets.remote_files import local_copies
from textclf_plugins.datasets.shared_options import LabelSpelling

if TYPE_CHECKING:
    from datasets import DatasetDict

logger = logging.getLogger("textclf")

SUFFIXES = (".conll", ".conllu", ".bio", ".iob", ".txt", ".tsv", "")


@dataclass(frozen=True, kw_only=True)
class Conll:
    """Words and their tags in the CoNLL format: one word per line, an empty line after each sequence, UTF-8.

    The scheme of the tags (BIO, IOB1, BIOES) is inferred and logged; IOB1 is converted to BIO, which describes the
    same entities. Lines that begin with -DOCSTART- are skipped, and so are comments: lines that begin with # and have
    another number of columns than the other lines.
    """

    path: Annotated[
        str | None,
        Option(
            "The training split's file, or a folder with a file per split: train.conll, dev.conll, test.conll. Also "
            "as a URL that fsspec reads, such as s3://bucket/train.conll."
        ),
    ] = None
    train: Annotated[str | None, Option("The training split's file, if path isn't given.")] = None
    validation: Annotated[str | None, Option("The validation split's file.")] = None
    test: Annotated[str | None, Option("The test split's file.")] = None
    word_column: Annotated[
        int | str | None,
        Option(
            "The words' column: its position (0 is the first, -1 the last), or its name in the first line, in a line "
            "`# global.columns`, or in CoNLL-U. Default: the first; in CoNLL-U, form."
        ),
    ] = None
    tag_column: Annotated[
        int | str | None,
        Option("The tags' column, by position or name. Default: the last; in CoNLL-U, upos."),
    ] = None
    names: Annotated[
        tuple[str, ...], Option("The tags' names in the order of their numbers, if the tags are numbers from 0.")
    ] = ()
    labels: LabelSpelling = None

    def __post_init__(self) -> None:
        if (self.path is None) == (self.train is None):
            raise ValueError("expected exactly one of path=FILE, path=FOLDER and train=FILE")

    @hookimpl
    def textclf_load_data(self) -> DatasetDict:
        """Return the splits for which there are files."""
        from textclf_plugins.datasets.conll_columns import read_splits

        given = {"path": self.path, "train": self.train, "validation": self.validation, "test": self.test}
        with local_copies("conll", given, [suffix for suffix in SUFFIXES if suffix]) as copies:
            data = read_splits(self._files(copies.given), self.word_column, self.tag_column, self.names, self.labels)
        for split in data.values():
            split.info.description = copies.shown(split.info.description)
        return data

    def _files(self, given: Mapping[str, str | None]) -> dict[str, Path]:
        """Return the file of each split, by the split's name."""
        named = dict(given)
        if (only := named.pop("path")) is not None:
            path = Path(only).expanduser()
            if path.is_dir():
                if self.validation or self.test:
                    raise DataError(f"conll: {path} is a folder, so validation= and test= are looked for in it")
                return splits_in(path)
            named["train"] = only
        return {name: Path(file).expanduser() for name, file in named.items() if file is not None}


def splits_in(folder: Path) -> dict[str, Path]:
    """Return the file of each split in a folder, recognised by its name: train.conll, dev.txt, test.tsv.

    Raises:
        DataError: there is no file for train, or there are two for one split.
    """
    from textclf_core.data.infer_columns import SPLIT_OF_NAME

    found: dict[str, Path] = {}
    for file in sorted(folder.iterdir()):
        split = SPLIT_OF_NAME.get(file.stem.lower())
        if split is None or file.name.startswith("."):
            continue
        if file.suffix.lower() not in SUFFIXES or not file.is_file():
            logger.warning("conll: %s: left out, though its name is that of a split: %s", folder, file.name)
            continue
        if split in found:
            raise DataError(f"conll: {folder} has two files for {split}: {found[split].name} and {file.name}")
        found[split] = file
    if "train" not in found:
        raise DataError(
            f"conll: {folder} has no training file; expected a file train with one of "
            f"{', '.join(filter(None, SUFFIXES))}, and optionally dev and test. Files with other names: "
            "train=FILE,validation=FILE"
        )
    return {name: found[name] for name in ("train", "validation", "test") if name in found}
