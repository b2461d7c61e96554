"""Decoding the bytes of a file or stream into lines of text."""

from __future__ import annotations

import codecs
import logging
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO

from textclf_core.errors import DataError

logger = logging.getLogger("textclf")

# The marks of UTF-32 come first, since they begin with those of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BYTES_TO_GUESS_BY = 1 << 17


def decoded_lines(stream: BinaryIO, where: str, encoding: str | None = None) -> Iterator[str]:
    """Yield the lines of a stream, including their ends; only a line feed ends a line (U+0085 and U+2028 don't).

    Args:
        stream: the stream, which is read line by line on demand.
        where: the name of the stream in error messages.
        encoding: the name of a codec; if not given, that of the byte order mark, or UTF-8.

    Raises:
        DataError: the bytes aren't valid in this encoding; the message names the line and the likely encoding.
    """
    chunks = iter(stream)
    first = next(chunks, b"")
    marked = next((name for mark, name in _MARKS if first.startswith(mark)), None)
    if encoding is None and marked not in (None, "utf-8-sig"):
        logger.info("%s: read as %s, according to its byte order mark", where, marked)
    if encoding is None and marked is None and b"\0" in first:
        raise DataError(f"{where}, line 1: not UTF-8 (a zero byte); if it is UTF-16, set encoding=utf-16-le or utf-16")
    codec = encoding or marked or "utf-8"
    if codecs.lookup(codec).name == "utf-8" and marked == "utf-8-sig":
        codec = "utf-8-sig"
    decoder = codecs.getincrementaldecoder(codec)()
    pending, number = "", 1
    for chunk in chain([first], chunks, [b""]):  # the empty chunk marks the end of the text
        try:
            pending += decoder.decode(chunk, not chunk)
            if pending.find("\n") == len(pending) - 1 >= 0:  # one line, as almost always
                yield pending
                pending, number = "", number + 1
                continue
        except UnicodeDecodeError as error:
            raise DataError(f"{where}, line {number}: {_fault(error, encoding, chunk, stream)}") from None
        *lines, pending = pending.split("\n")
        yield from (f"{line}\n" for line in lines)
        number += len(lines)
    if pending:
        yield pending


def _fault(error: UnicodeDecodeError, encoding: str | None, chunk: bytes, stream: BinaryIO) -> str:
    bad = error.object[error.start] if error.start < len(error.object) else 0
    byte = f"byte 0x{bad:02x} at position {error.start + 1}"
    if encoding is not None:
        return f"not {encoding} ({byte}); set another encoding="
    likely = _likely_encoding(chunk + (stream.read(_BYTES_TO_GUESS_BY) if stream.seekable() else b""))
    hint = f"it looks like {likely}: set encoding={likely}, or" if likely else "set encoding=NAME, or"
    return f"not UTF-8 ({byte}); {hint} save the file as UTF-8"


def _likely_encoding(content: bytes) -> str | None:
    """Return the most likely encoding according to charset-normalizer, by its name on the web."""
    from charset_normalizer import from_bytes

    best = from_bytes(content).best()
    if best is None:
        return None
    # Of code pages that decode to the same characters, prefer the most common one.
    same = content.decode("cp1252", "replace") == str(best)
    return ("cp1252" if same else best.encoding).replace("cp125", "windows-125").replace("_", "-")
