"""Whether the files of a model are whole, found without loading it."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

from textclf_core.errors import UsageError

_LFS_POINTER = b"version https://git-lfs"


def check_model_files(folder: Path) -> None:
    """Check that all JSON and safetensors files in a folder, and in folders in it, are whole.

    Raises:
        UsageError: one isn't.
    """
    for path in sorted(folder.rglob("*.json")):
        read_json(path)
    for path in sorted(folder.rglob("*.safetensors")):
        check_weights_file(path)


def read_json(path: Path) -> Any:
    """Return the content of a JSON file.

    Raises:
        UsageError: it isn't JSON, or is a pointer of Git LFS.
    """
    check_no_pointer(path)
    try:
        return json.loads(path.read_bytes())
    except ValueError as error:
        raise UsageError(f"{path} isn't JSON: {error}. Get the file again.") from error


def check_weights_file(path: Path) -> None:
    """Check that a file of weights is whole, by its header.

    Raises:
        UsageError: it is cut short or damaged, or a pointer of Git LFS.
    """
    check_no_pointer(path)
    with path.open("rb") as stream:
        start = stream.read(2)
    size = path.stat().st_size
    if path.suffix == ".safetensors":
        expected = _safetensors_bytes(path)
        if size != expected:
            found = "a damaged header" if expected is None else f"{expected:,} bytes expected"
            raise UsageError(f"{path} is cut short or damaged: it has {size:,} bytes, {found}. Get the file again.")
    elif size == 0 or (start == b"PK" and not zipfile.is_zipfile(path)):
        raise UsageError(f"{path} is cut short or damaged: it has {size:,} bytes. Get the file again.")


def check_no_pointer(path: Path) -> None:
    """Refuse a pointer of Git LFS in place of a file.

    Raises:
        UsageError: it is one.
    """
    with path.open("rb") as stream:
        if stream.read(len(_LFS_POINTER)) == _LFS_POINTER:
            raise UsageError(
                f"{path} is a pointer of Git LFS, not the file itself. Run `git lfs pull` in {path.parent}, or "
                "download the model again."
            )


def _safetensors_bytes(path: Path) -> int | None:
    """Return the size that a whole file has by its header, which follows its own length; ``None`` if it's broken."""
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if not 2 <= length <= path.stat().st_size - 8:
            return None
        try:
            header = json.loads(stream.read(length))
            ends = [int(entry["data_offsets"][1]) for name, entry in header.items() if name != "__metadata__"]
        except (ValueError, TypeError, KeyError, AttributeError):
            return None
    return 8 + length + max(ends, default=0)
