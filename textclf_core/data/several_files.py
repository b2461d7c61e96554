"""One split from several files, or from a folder of text files for each class."""

from __future__ import annotations

import logging
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
from datasets import ClassLabel, Dataset, Features
from datasets.fingerprint import generate_random_fingerprint

from textclf_core.data.arrow_columns import OddValue, columns_table, texts_column
from textclf_core.data.decoding import decoded_lines
from textclf_core.data.read_options import ReadOptions
from textclf_core.data.reading import FORMAT_OF_SUFFIX, plain_name, read_file
from textclf_core.data.source import Source
from textclf_core.errors import DataError, some_of

logger = logging.getLogger("textclf")

UNLABELLED_FOLDER = "unsup"
"""The folder of texts without a class beside those of classes, as in the Large Movie Review Dataset."""


def read_files(paths: Sequence[Path], where: str, options: ReadOptions | None = None) -> Source:
    """Read files with the same columns, in any order, as one table.

    Args:
        paths: the files, in the order of their rows.
        where: the name of the source if there are several files.
        options: see :func:`~textclf_core.data.reading.iter_rows`.

    Raises:
        DataError: as in :func:`~textclf_core.data.reading.read_file`, or the columns or label names differ.
    """
    sources = [read_file(path, options) for path in paths]
    if len(sources) == 1:
        return sources[0]
    first = sources[0]
    names = first.data.column_names
    for source in sources[1:]:
        if differing := sorted(set(source.data.column_names).symmetric_difference(names)):
            raise DataError(
                f"{source.where}: the columns differ from those of {first.where} ({some_of(differing)}); files that "
                "are read together must have the same columns"
            )
    columns: dict[str, Any] = {}
    odd: dict[str, OddValue] = {}
    features: dict[str, Any] = {}
    for name in names:
        columns[name], features[name], odd_value = _joined(name, sources)
        if odd_value is not None:
            odd[name] = odd_value
    table = pa.table(columns)
    features = {name: feature or Features.from_arrow_schema(table.schema)[name] for name, feature in features.items()}
    table = table.cast(Features(features).arrow_schema)
    return Source(
        Dataset(table, fingerprint=generate_random_fingerprint()),
        where,
        array("q", chain.from_iterable(one.lines for one in sources)) if all(one.lines for one in sources) else (),
        odd,
        list(chain.from_iterable([path.name] * len(one.data) for path, one in zip(paths, sources, strict=True))),
        format=first.format,
    )


def _joined(name: str, sources: Sequence[Source]) -> tuple[pa.ChunkedArray, Any, OddValue | None]:
    """Return a column of all sources, its feature (``None`` if the sources have different ones), and its odd value."""
    features = [source.data.features[name] for source in sources]
    chunks = [source.column(name) for source in sources]
    first = features[0]
    if all(feature == first for feature in features):
        row, odd = 0, None
        for source in sources:
            found = source.odd_values.get(name)
            if found is not None and odd is None:
                odd = replace(found, row=row + found.row)
            row += len(source.data)
        return pa.chunked_array([chunk for column in chunks for chunk in column.chunks], chunks[0].type), first, odd
    if any(isinstance(feature, ClassLabel) for feature in features):
        other = next(index for index, feature in enumerate(features) if feature != first)
        raise DataError(
            f"{sources[other].where}: the label names of the column {name!r} differ from those of {sources[0].where}"
        )
    # As in one file, where a column's values may have several types too.
    table, odd_values = columns_table({name: [value for column in chunks for value in column.to_pylist()]})
    return table[name], None, odd_values.get(name)


def class_folders(folder: Path) -> Mapping[str, list[Path]]:
    """Return the text files of each class in a folder that has a folder for each; empty if it has no such folders."""
    classes = {
        place.name: sorted((file for file in place.iterdir() if _is_text_file(file)), key=_in_order)
        for place in sorted(folder.iterdir())
        if place.is_dir() and not place.name.startswith(".")
    }
    return {name: files for name, files in classes.items() if files}


def _visible(folder: Path) -> Iterator[Path]:
    """Return what is in a folder and isn't hidden; nothing if the folder is hidden."""
    hidden = folder.name.startswith((".", "_"))
    return (entry for entry in folder.iterdir() if not (hidden or entry.name.startswith(".")))


def _is_known_table(file: Path) -> bool:
    return FORMAT_OF_SUFFIX.get(plain_name(file).suffix.lower(), "text") != "text"


def _is_text_file(file: Path) -> bool:
    """Return whether a file is a text: its suffix is .txt, or it has none, as in the 20 Newsgroups."""
    return file.is_file() and not file.name.startswith(".") and file.suffix.lower() in (".txt", "")


def _in_order(file: Path) -> tuple[int, str]:
    """Return a key by which ``2.txt`` comes before ``10.txt``."""
    return len(file.name), file.name


def read_class_folders(folder: Path, options: ReadOptions | None = None) -> Source:
    """Read a folder that has a folder of text files for each class; each file is a text.

    The line break at the end of a file is no part of its text. Files with another suffix than .txt, and texts in the
    folder :data:`UNLABELLED_FOLDER`, are left out and counted in the log.

    Raises:
        DataError: a file isn't valid in its encoding, or there are no classes.
    """
    classes = dict(class_folders(folder))
    without_class = classes.pop(UNLABELLED_FOLDER, [])
    if without_class:
        logger.info("%s: the %d texts in %s are left out: no class", folder, len(without_class), UNLABELLED_FOLDER)
    if not classes:
        raise DataError(f"{folder}: there are no folders with .txt files, one folder per class")
    if without_texts := [
        place.name
        for place in sorted(folder.iterdir())
        if place.is_dir() and place.name not in (*classes, UNLABELLED_FOLDER) and any(_visible(place))
    ]:
        logger.warning("%s: folders without .txt files are no classes: %s", folder, some_of(without_texts, 5))
    if tables := [place.name for place in sorted(folder.iterdir()) if place.is_file() and _is_known_table(place)]:
        logger.info("%s: left out beside the folders of the classes: %s", folder, some_of(tables))
    others = sum(1 for name in classes for file in (folder / name).iterdir()) - sum(map(len, classes.values()))
    if others:
        logger.info("%s: %d entries in the folders of the classes are left out: no .txt files", folder, others)
    files = [(name, file) for name, of_class in classes.items() for file in of_class]
    table = pa.table(
        {
            "text": texts_column(list(_texts(files, options or ReadOptions()))),
            "label": pa.array([name for name, _ in files], pa.string()),
        }
    )
    data = Dataset(table, fingerprint=generate_random_fingerprint())
    return Source(data, str(folder), files=[f"{name}/{file.name}" for name, file in files], format="text")


def _texts(files: Sequence[tuple[str, Path]], options: ReadOptions) -> Iterator[str]:
    for _, file in files:
        with file.open("rb") as stream:
            yield "".join(decoded_lines(stream, str(file), options)).removesuffix("\n").removesuffix("\r")
