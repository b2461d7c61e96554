"""Rows from Excel workbooks (.xlsx)."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

from textclf_core.data.read_options import ReadOptions
from textclf_core.data.separated import header_names, not_the_header, with_index_name, without_unnamed
from textclf_core.errors import DataError


@dataclass(frozen=True)
class CellError:
    """A cell whose formula failed, such as ``#N/A``: neither a text nor a label."""

    value: str


def excel_rows(stream: BinaryIO, options: ReadOptions, where: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the number and the values of each row of a workbook's only sheet that isn't empty.

    Formulas have the values that Excel saved. The whole file is read at once.

    Raises:
        DataError: openpyxl isn't installed, the file isn't a workbook, several sheets have rows, or a row has values
            beyond the header.
    """
    rows = _only_sheet(stream, where)
    header = list(options.columns)
    if options.header:
        line, values = next(rows, (1, []))
        header = header_names(("" if value is None else str(value) for value in values), f"{where}, line {line}")
    while header and not header[-1]:
        header.pop()
    for number, (line, values) in enumerate(rows):
        if number == 0:
            header = with_index_name(header, values, where)
        place = f"{where}, line {line}"
        if len(values) > len(header):
            raise DataError(
                f"{place}: {len(values)} cells, but the header has {len(header)} ({', '.join(header)})"
                + ("" if number else f"; {not_the_header(line)}")
            )
        values += [None] * (len(header) - len(values))
        yield line, without_unnamed(dict(zip(header, values, strict=True)), header, values, place)


def _only_sheet(stream: BinaryIO, where: str) -> Iterator[tuple[int, list[Any]]]:
    """Return the rows of the only sheet that isn't empty."""
    try:
        from openpyxl import load_workbook
    except ImportError:
        raise DataError(f'{where}: Excel files need the package openpyxl: pip install "textclf-core[excel]"') from None
    with _damage_refused(where):
        workbook = load_workbook(io.BytesIO(stream.read()), read_only=True, data_only=True)
        sheets = [sheet for sheet in workbook.worksheets if next(_rows(sheet), None)]
    if len(sheets) > 1:
        names = ", ".join(sheet.title for sheet in sheets)
        raise DataError(f"{where}: {len(sheets)} sheets have rows ({names}); save the one to read as a file of its own")
    return _checked(_rows(sheets[0]), where) if sheets else iter(())


def _checked(rows: Iterator[tuple[int, list[Any]]], where: str) -> Iterator[tuple[int, list[Any]]]:
    with _damage_refused(where):
        yield from rows


@contextmanager
def _damage_refused(where: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # openpyxl raises errors of many types for a damaged file
        raise DataError(f"{where}: not an Excel workbook ({type(error).__name__}: {error})") from None


def _rows(sheet: Any) -> Iterator[tuple[int, list[Any]]]:
    """Yield the number, from 1, and the values of each row that isn't blank, without empty cells at its end."""
    sheet.reset_dimensions()  # some programs write wrong ones, beyond which no cell would be read
    for line, cells in enumerate(sheet.iter_rows(), 1):
        values = [CellError(cell.value) if cell.data_type == "e" else cell.value for cell in cells]
        while values and (values[-1] is None or values[-1] == ""):
            values.pop()
        if values:
            yield line, values
