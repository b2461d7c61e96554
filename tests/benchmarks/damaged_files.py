"""Damaged files in every format: refused with the file and the place, or read as what is left; never a traceback.

Run: ``python tests/benchmarks/damaged_files.py``; it prints how many files were read and refused, and each failure.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import importlib.util
import io
import json
import random
import re
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from textclf_core.errors import DataError, UsageError
from textclf_plugins.datasets.files import Files

_WORDS = ("warm", "funny", 'so "clever"', "splendid, really", "dull", "l\u00f6ud", "empty;", "old")
ROWS = [(f"A {_WORDS[number % 8]} film, number {number}", ("bad", "good", "so so")[number % 3]) for number in range(60)]
_COLUMNS = {"text": [text for text, _ in ROWS], "label": [label for _, label in ROWS]}


def _separated(delimiter: str) -> bytes:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n")
    writer.writerows([("text", "label"), *ROWS])
    return stream.getvalue().encode()


def _lines() -> bytes:
    return "".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in ROWS).encode()


def _document() -> bytes:
    return json.dumps([{"text": text, "label": label} for text, label in ROWS], indent=1).encode()


def _parquet() -> bytes:
    stream = pa.BufferOutputStream()
    pq.write_table(pa.table(_COLUMNS), stream, write_page_checksum=True)
    return bytes(stream.getvalue())


def _workbook() -> bytes:
    stream = io.BytesIO()
    pd.DataFrame(_COLUMNS).to_excel(stream, index=False)
    return stream.getvalue()


def _archive() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", _separated(","))
    return stream.getvalue()


TEXT_FORMATS: dict[str, Callable[[], bytes]] = {
    "a.csv": lambda: _separated(","),
    "semicolon.csv": lambda: _separated(";"),
    "a.tsv": lambda: _separated("\t"),
    "a.jsonl": _lines,
    "a.json": _document,
}
"""By a file's name, what it holds."""

BINARY_FORMATS: dict[str, Callable[[], bytes]] = {
    "a.parquet": _parquet,
    "a.csv.gz": lambda: gzip.compress(_separated(","), mtime=0),
    "a.csv.zst": lambda: bytes(pa.compress(_separated(","), "zstd", asbytes=True)),
    "a.csv.zip": _archive,
    **({"a.xlsx": _workbook} if importlib.util.find_spec("openpyxl") else {}),
}


def flip_a_byte(content: bytes, rng: random.Random) -> bytes:
    """Change one byte."""
    place = rng.randrange(len(content))
    return content[:place] + bytes([content[place] ^ (1 << rng.randrange(8))]) + content[place + 1 :]


def cut_the_end(content: bytes, rng: random.Random) -> bytes:
    """Remove the end, from anywhere on."""
    return content[: rng.randrange(len(content))]


def cut_a_piece(content: bytes, rng: random.Random) -> bytes:
    """Remove up to 20 bytes anywhere."""
    place = rng.randrange(len(content))
    return content[:place] + content[place + rng.randint(1, 20) :]


def remove_a_quote(content: bytes, rng: random.Random) -> bytes:
    """Remove a quote."""
    place = rng.choice([match.start() for match in re.finditer(b'"', content)])
    return content[:place] + content[place + 1 :]


def add_a_quote(content: bytes, rng: random.Random) -> bytes:
    """Put a quote anywhere."""
    place = rng.randrange(len(content))
    return content[:place] + b'"' + content[place:]


def move_a_cell(content: bytes, rng: random.Random) -> bytes:
    """Put the last cell of a line first; cells of JSON are between commas too."""
    lines = content.split(b"\n")
    place = rng.randrange(1, len(lines) - 1)
    separator = next((one for one in (b"\t", b";") if one in lines[0]), b",")
    first, _, last = lines[place].rpartition(separator)
    lines[place] = last + separator + first
    return b"\n".join(lines)


def drop_a_cell(content: bytes, rng: random.Random) -> bytes:
    """Remove the last cell of a line."""
    lines = content.split(b"\n")
    place = rng.randrange(1, len(lines) - 1)
    separator = next((one for one in (b"\t", b";") if one in lines[0]), b",")
    lines[place] = lines[place].rpartition(separator)[0]
    return b"\n".join(lines)


Damage = Callable[[bytes, random.Random], bytes]
OF_BYTES: tuple[Damage, ...] = (flip_a_byte, cut_the_end, cut_a_piece)
OF_TEXTS: tuple[Damage, ...] = (remove_a_quote, add_a_quote, move_a_cell, drop_a_cell)
_ROWS_CHANGED: dict[Damage, int] = {cut_a_piece: 3, cut_the_end: 1}


@dataclass(frozen=True)
class Damaged:
    """A damaged file, and what came of it: ``read``, ``refused``, or what is wrong."""

    name: str
    damage: str
    number: int
    outcome: str

    @property
    def fault(self) -> str | None:
        """What is wrong; ``None`` if nothing is."""
        return None if self.outcome in ("read", "refused") else self.outcome


def damaged_files(count: int, folder: Path) -> Iterator[Damaged]:
    """Write ``count`` damaged files, one after the other, and yield what came of each."""
    kinds = [(name, make, damage) for name, make in TEXT_FORMATS.items() for damage in (*OF_BYTES, *OF_TEXTS)]
    kinds += [
        (name, make, damage)
        for name, make in BINARY_FORMATS.items()
        for damage in OF_BYTES
        if name != "a.csv.zst" or damage is cut_the_end  # Arrow writes no checksum into it
    ]
    whole = {name: make() for name, make, _ in kinds}
    for number in range(count):
        name, _, damage = kinds[number % len(kinds)]
        (folder / name).write_bytes(damage(whole[name], random.Random(number)))
        yield Damaged(name, damage.__name__, number, _outcome(folder / name, damage))


def _outcome(file: Path, damage: Damage) -> str:
    try:
        train = Files(path=str(file)).textclf_load_data()["train"]
        feature = train.features["label"]
        if not hasattr(feature, "int2str"):
            return "another task"
        read = list(zip(train["text"], map(feature.int2str, train["label"]), strict=True))
    except (DataError, UsageError) as error:
        placed = file.name in str(error) and re.search(r"line|rows|row \d|header|empty|column", str(error))
        return "refused" if placed or file.name in BINARY_FORMATS else f"refused without a place: {error}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return _as_what_is_left(read, damage)


def _as_what_is_left(read: list[tuple[str, str]], damage: Damage) -> str:
    """Return whether only rows that the damage touched are others, and none is missing but those that were cut."""
    changed = _ROWS_CHANGED.get(damage, 1)
    same_begin = next(
        (index for index, (one, was) in enumerate(zip(read, ROWS, strict=False)) if one != was), len(read)
    )
    if damage is cut_the_end:
        return "read" if same_begin >= len(read) - changed else f"{len(read) - same_begin} rows differ"
    rest = list(zip(reversed(read), reversed(ROWS), strict=False))
    same_end = next((index for index, (one, was) in enumerate(rest) if one != was), len(rest))
    differing = max(len(read), len(ROWS)) - same_begin - same_end
    if differing > changed:
        return f"{differing} rows differ, {len(read)} of {len(ROWS)} were read"
    return "read" if len(ROWS) - len(read) <= max(0, changed - 1) else f"{len(ROWS) - len(read)} rows are missing"


def main() -> None:
    """Damage files, read them, and print the outcomes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=1000)
    with tempfile.TemporaryDirectory() as folder:
        found = list(damaged_files(parser.parse_args().files, Path(folder)))
    for name in dict.fromkeys(one.name for one in found):
        counts = Counter("wrong" if one.fault else one.outcome for one in found if one.name == name)
        print(f"{name:15}", *(f"{outcome} {counts[outcome]:4}" for outcome in ("read", "refused", "wrong")))
    for one in found:
        if one.fault:
            print(f"{one.name}, {one.damage} {one.number}: {one.fault}")
    if any(one.fault for one in found):
        sys.exit(1)


if __name__ == "__main__":
    main()
