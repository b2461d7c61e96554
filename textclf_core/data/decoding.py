"""Decoding the bytes of a file or stream into lines of text."""

from __future__ import annotations

import codecs
import io
import logging
import re
from collections.abc import Iterator
from functools import partial
from itertools import chain
from typing import BinaryIO

from textclf_core.data.likely_encodings import likely_encodings
from textclf_core.data.read_options import ReadOptions
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
# What else a file may be, by the bytes that it begins with.
_OTHER_FORMATS = (
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook; name it .zip or .xlsx"),
    (b"\x1f\x8b\x08", "compressed by gzip; its name must end in .gz"),
    (b"\x28\xb5\x2f\xfd", "compressed by Zstandard; its name must end in .zst"),
    (b"BZh91AY", "compressed by bzip2; its name must end in .bz2"),
    (b"\xfd7zXZ\0", "compressed by xz; decompress it"),
    (b"PAR1\x15", "a Parquet file; name it .parquet"),
    (b"ARROW1\0\0", "an Arrow file; save it as Parquet"),
    (b"\xd0\xcf\x11\xe0", "a workbook of an older Excel; save it as .xlsx or CSV"),
    (b"%PDF-", "a PDF; extract its text"),
    (b"<!DOCTYPE html", "a web page, perhaps an error that was downloaded in place of the file"),
    (b"<!doctype html", "a web page, perhaps an error that was downloaded in place of the file"),
    (b"<html", "a web page, perhaps an error that was downloaded in place of the file"),
    (b"version https://git-lfs.github.com/", "a pointer of Git LFS; get the file itself by `git lfs pull`"),
)
_CONTROL = re.compile("[\x80-\x84\x86-\x9f]")
_BYTES_TO_GUESS_BY = 1 << 17
_BLOCK_BYTES = 1 << 16


def other_format(content: bytes) -> str | None:
    """Return what bytes are that begin as those of a format that isn't plain text, and what to do; else ``None``."""
    return next((what for begin, what in _OTHER_FORMATS if content.startswith(begin)), None)


def decoded_lines(stream: BinaryIO, where: str, options: ReadOptions, *, on_demand: bool = False) -> Iterator[str]:
    """Yield the lines of a stream, including their ends; only a line feed ends a line (U+0085 and U+2028 don't).

    Args:
        stream: the stream.
        where: the name of the stream in error messages.
        options: of which the encoding is used, the name of a codec; if not set, that of the byte order mark, or UTF-8.
        on_demand: whether no more than one line is read at once, as from a terminal; otherwise blocks are, which is
            faster.

    Raises:
        DataError: the bytes aren't valid in this encoding; the message names the line and the likely encoding. Or they
            are those of a format that isn't text.
    """
    encoding = options.encoding
    blocks = iter(stream) if on_demand else iter(partial(stream.read, _BLOCK_BYTES), b"")
    first = next(blocks, b"")
    if other := other_format(first):
        raise DataError(f"{where}: this is {other}")
    marked = next((name for mark, name in _MARKS if first.startswith(mark)), None)
    if encoding is None and marked not in (None, "utf-8-sig"):
        logger.info("%s: read as %s, according to its byte order mark", where, marked)
    if encoding is None and marked is None and b"\0" in first.partition(b"\n")[0]:
        utf_16 = options.written("encoding", "utf-16-le")
        raise DataError(f"{where}, line 1: not UTF-8 (a zero byte); if it is UTF-16, set {utf_16} or utf-16")
    codec = encoding or marked or "utf-8"
    if codecs.lookup(codec).name == "utf-8" and marked == "utf-8-sig":
        codec = "utf-8-sig"
    if encoding is not None:
        _warn_of_utf_8(first, encoding, where, options)
    decoder = codecs.getincrementaldecoder(codec)()
    pending: list[str] = []
    number = 1
    for block in chain([first], blocks, [b""]):  # the empty block marks the end of the text
        state = decoder.getstate()
        try:
            text = decoder.decode(block, not block)
        except UnicodeDecodeError:
            decoder.setstate(state)
            yield from _lines_before_fault(decoder, block, pending, number, where, options, stream)
            raise AssertionError("the same bytes were decoded before") from None
        except UnicodeError as error:  # UTF-16 without a byte order mark
            raise DataError(
                f"{where}, line {number}: not {codec} ({error}); set another {options.written('encoding')}"
            ) from None
        if number == 1 and not pending:
            text = text.removeprefix("\ufeff")  # the mark of UTF-16 in a given byte order
        begin, *lines = text.split("\n")
        pending.append(begin)
        if lines:
            yield "".join(pending) + "\n"
            pending = [lines.pop()]
            for line in lines:
                yield line + "\n"
            number += 1 + len(lines)
    if last := "".join(pending):
        yield last


def _lines_before_fault(
    decoder: codecs.IncrementalDecoder,
    block: bytes,
    pending: list[str],
    number: int,
    where: str,
    options: ReadOptions,
    stream: BinaryIO,
) -> Iterator[str]:
    """Yield the lines of a block before the one that can't be decoded.

    Args:
        decoder: in the state before the block.
        block: the block; an empty one is the end of the text.
        pending: the beginning of its first line.
        number: the number of that line, from 1.
        where: as in :func:`decoded_lines`.
        options: likewise.
        stream: likewise; further bytes of it show the likely encoding.

    Raises:
        DataError: always.
    """
    lines = list(io.BytesIO(block)) or [b""]
    text = "".join(pending)
    for index, line in enumerate(lines):
        try:
            text += decoder.decode(line, not line)
        except UnicodeDecodeError as error:
            begin = text.encode(options.encoding or "utf-8") if index == 0 else b""
            rest = b"".join([begin, error.object, *lines[index + 1 :]])
            rest += stream.read(_BYTES_TO_GUESS_BY) if stream.seekable() else b""
            raise DataError(f"{where}, line {number}: {_fault(error, options, rest, len(begin))}") from None
        *whole, text = text.split("\n")
        yield from (f"{one}\n" for one in whole)
        number += len(whole)


def _fault(error: UnicodeDecodeError, options: ReadOptions, content: bytes, before: int) -> str:
    """Return the fault, given the bytes from the line on, and how many of the line were decoded before."""
    bad = error.object[error.start] if error.start < len(error.object) else 0
    encoding = options.encoding
    what = f"not {encoding or 'UTF-8'} (byte 0x{bad:02x} at position {before + error.start + 1})"
    likely = [one for one in likely_encodings(content[:_BYTES_TO_GUESS_BY]) if one.name != encoding]
    if not likely:
        another = f"another {options.written('encoding')}"
        return f"{what}; set {another if encoding else options.written('encoding', 'NAME')}, or save the file as UTF-8"
    names = [one.name for one in likely]
    may_be = f"it looks like {names[0]}" if len(names) == 1 else f"it may be {', '.join(names[:-1])} or {names[-1]}"
    first = f"{may_be}: set {options.written('encoding', names[0])} if {likely[0].words!r} is right"
    others = "".join(f", {one.name} if {one.words!r} is" for one in likely[1:])
    return f"{what}; {first}{others}, or save the file as UTF-8"


def _warn_of_utf_8(content: bytes, encoding: str, where: str, options: ReadOptions) -> None:
    """Log a warning if the encoding that is given makes control characters, or the bytes are valid UTF-8."""
    if codecs.lookup(encoding).name.startswith("utf") or content.isascii():
        return
    if control := _CONTROL.search(content.decode(encoding, "replace")):
        logger.warning(
            "%s: read as %s, which makes control characters such as %r of some bytes; windows-1252 makes %r of it",
            where,
            encoding,
            control[0],
            control[0].encode("latin-1").decode("cp1252", "replace"),
        )
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(content)  # may end within a character
        given = content.decode(encoding, "replace")
    except UnicodeDecodeError:
        return
    place = next((index for index, (one, other) in enumerate(zip(text, given, strict=False)) if one != other), None)
    if place is not None:
        logger.warning(
            "%s: read as %s, which makes %r of %r, though the file is valid UTF-8; leave %s out if it is that",
            where,
            encoding,
            given[place : place + 2],
            text[place],
            options.written("encoding"),
        )
