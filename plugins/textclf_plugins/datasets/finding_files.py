"""Finding the files of each split: by their names, by patterns, in folders."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from textclf_core.errors import DataError, some_of

if TYPE_CHECKING:
    from textclf_core.data import Source
    from textclf_core.data.read_options import ReadOptions

logger = logging.getLogger("textclf")

SUFFIXES = (".csv", ".tsv", ".tab", ".jsonl", ".ndjson", ".json", ".parquet", ".xlsx")

# As the hub names them: train-00000-of-00002.parquet, in older data sets followed by a hash.
_SHARD = re.compile(r"(?P<split>.+)-(?P<number>\d+)-of-(?P<count>\d+)(-[0-9a-f]{16})?")

WILD = re.compile(r"[*?\[]")
"""What makes a path a pattern."""


@dataclass(frozen=True)
class Found:
    """The files of a split, or the folder that has a folder of texts for each class; and its name in messages."""

    where: str
    files: tuple[Path, ...] = ()
    classes: Path | None = None

    def read(self, options: ReadOptions) -> Source:
        """Return the rows of the split."""
        from textclf_core.data.several_files import read_class_folders, read_files

        if self.classes is not None:
            return read_class_folders(self.classes, options)
        return read_files(self.files, self.where, options)


def named_splits(given: Mapping[str, str | None]) -> dict[str, Found]:
    """Return the splits for which a file, a pattern or a folder is given, by the name of the option.

    Raises:
        DataError: no file matches a pattern, a file is in two splits, or its name is that of another split.
    """
    found: dict[str, Found] = {}
    for option, name in given.items():
        if name is None:
            continue
        place = Path(name).expanduser()
        if place.is_dir():
            in_folder = _in_folder(place, "train" if option == "path" else option)
            if in_folder is None:
                raise DataError(
                    f"files: {option}={name} has neither files with {', '.join(SUFFIXES)} nor a folder of .txt files "
                    "per class"
                )
            found[option] = in_folder
        elif place.exists() or not WILD.search(name):
            found[option] = Found(name, (place,))
        else:
            fixed = next(index for index, part in enumerate(place.parts) if WILD.search(part))
            matching = Path(*place.parts[:fixed]).glob(str(Path(*place.parts[fixed:])))
            files = tuple(sorted(file for file in matching if file.is_file() and not file.name.startswith(".")))
            if not files:
                raise DataError(f"files: no file matches {option}={name}")
            _check_names(files, fixed, "train" if option == "path" else option, f"{option}={name}")
            found[option] = Found(name, files)
    split_of_file: dict[Path, str] = {}
    for option, one in found.items():
        for file in one.files if any(len(other.files) > 1 for other in found.values()) else ():
            earlier = split_of_file.setdefault(file.resolve(), option)
            if earlier != option:
                raise DataError(f"files: {file} belongs to {earlier}= and to {option}=")
    return {"train" if option == "path" else option: one for option, one in found.items()}


def _check_names(files: Sequence[Path], fixed: int, split: str, where: str) -> None:
    """Refuse files with the name of another split, or in a folder with such a name, after ``fixed`` parts of the path.

    Raises:
        DataError: names the file.
    """
    for file in files:
        if other := {_split_of(part) for part in file.parts[fixed:]} - {None, split}:
            raise DataError(
                f"files: {where} includes {file}, by its name a file of {other.pop()}; give each split its own "
                "(train=, validation=, test=), or the folder of all (path=FOLDER)"
            )
    named = {file: _splits_within(file) for file in files}
    odd = next((file for file, splits in named.items() if splits and split not in splits), None)
    if odd and any(split in splits for splits in named.values()):
        raise DataError(
            f"files: {where} includes {odd}, by its name a file of {named[odd].pop()}, beside files of {split}; "
            "give each split its own (train=, validation=, test=)"
        )


def _splits_within(file: Path) -> set[str]:
    """Return the splits that the words in a file's name stand for, such as train for ``reviews-train_2.csv``."""
    from textclf_core.data.infer_columns import SPLIT_OF_NAME

    return {SPLIT_OF_NAME[word] for word in re.findall("[a-z]+", file.name.lower()) if word in SPLIT_OF_NAME}


def _split_of(name: str) -> str | None:
    """Return the split that the name of a file or folder stands for, if any."""
    from textclf_core.data.infer_columns import SPLIT_OF_NAME
    from textclf_core.data.reading import plain_name

    stem = plain_name(Path(name)).stem
    shard = _SHARD.fullmatch(stem)
    return SPLIT_OF_NAME.get((shard["split"] if shard else stem).lower())


def splits_in(folder: Path) -> dict[str, Found]:
    """Return the splits in a folder, recognised by the names of files or folders: train.csv, dev.tsv, test/.

    A split may have numbered files (train-00000-of-00002.parquet), or a folder with files of one table or with a folder
    of texts for each class. Otherwise the files may be in the folder ``data``, as in a data set of the hub, or there
    may be a folder of texts for each class, which is train.

    Raises:
        DataError: there is no file for train, there are two for one split, or a numbered file is missing.
    """
    from textclf_core.data.several_files import class_folders

    if (folder / "dataset_dict.json").is_file():
        raise DataError(f"files: {folder} was written by save_to_disk; read it with hf-dataset:id={folder}")
    entries: dict[str, list[Path]] = {}
    others, unread = [], []
    for entry in sorted(folder.iterdir()):
        split = _split_of(entry.name)
        if split is not None and (_is_table(entry) or (entry.is_dir() and _in_folder(entry, split))):
            entries.setdefault(split, []).append(entry)
        elif _is_table(entry):
            others.append(entry.name)
        elif split is not None and not entry.name.startswith(".") and (entry.is_file() or any(entry.iterdir())):
            unread.append(entry.name)
    if not entries and (folder / "data").is_dir():
        return splits_in(folder / "data")
    if not entries and class_folders(folder):
        return {"train": Found(str(folder), classes=folder)}
    if "train" not in entries:
        raise DataError(
            f"files: {folder} has no training file; expected a file train with one of {', '.join(SUFFIXES)}, and "
            "optionally validation and test, or a folder of .txt files per class. For a single file: path=FILE; for "
            "several: path=FOLDER/*.csv; for a file per split with other names: train=FILE,test=FILE"
        )
    if unread:
        logger.warning(
            "files: %s: left out, though their names are those of splits: %s. They are neither tables (%s) nor folders "
            "with tables or with a folder of .txt files per class",
            folder,
            some_of(unread),
            ", ".join(SUFFIXES),
        )
    if others:
        logger.info("files: %s: left out, since their names are no splits: %s", folder, some_of(others))
    return {name: _one(name, entries[name], folder) for name in ("train", "validation", "test") if name in entries}


def _one(split: str, entries: Sequence[Path], folder: Path) -> Found:
    """Return the only file, the only folder or all numbered files of a split."""
    from textclf_core.data.reading import plain_name

    shards = [_SHARD.fullmatch(plain_name(entry).stem) for entry in entries]
    counts = {(shard["split"], int(shard["count"])) if shard else None for shard in shards}
    if len(entries) > 1 and (len(counts) > 1 or None in counts):
        names = " and ".join(entry.name for entry in entries[:2])
        raise DataError(f"files: {folder} has two files for {split}: {names}")
    if shards[0] is None:
        return (_in_folder(entries[0], split) if entries[0].is_dir() else None) or Found(str(entries[0]), (entries[0],))
    numbers = [int(shard["number"]) for shard in shards if shard]
    count = int(shards[0]["count"])
    if numbers != list(range(count)):
        missing = sorted(set(range(count)).difference(numbers))
        what = f"number {missing[0]} is missing" if missing else "some are there twice"
        raise DataError(f"files: {folder} has {len(numbers)} of the {count} numbered files of {split}: {what}")
    return Found(str(folder / f"{shards[0]['split']}-*{''.join(entries[0].suffixes[-1:])}"), tuple(entries))


def _in_folder(folder: Path, split: str) -> Found | None:
    """Return the files of one split in a folder, or the folder itself if it has a folder of texts for each class."""
    from textclf_core.data.several_files import class_folders

    files = tuple(file for file in sorted(folder.iterdir()) if _is_table(file))
    if files:
        _check_names(files, len(folder.parts), split, str(folder))
        return Found(f"{folder}/*", files)
    return Found(str(folder), classes=folder) if class_folders(folder) else None


def _is_table(entry: Path) -> bool:
    from textclf_core.data.reading import plain_name

    return entry.is_file() and not entry.name.startswith((".", "_")) and plain_name(entry).suffix.lower() in SUFFIXES
