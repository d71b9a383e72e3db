"""What stands in a patient table? CSV, TSV, Excel or Parquet in; named columns and numbered rows out."""

import codecs
import csv
import re
from collections.abc import Sequence
from datetime import date, datetime
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from decidua.errors import InputError, Problem
from decidua.input_files import first_line

#: Problems of one kind in one column that are listed one by one; the rest is counted.
LISTED = 20
#: What the first bytes of other formats look like: the archive of .xlsx; .xls, and .xlsx with a password.
ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"


def read_rows(
    path: str | Path, sheet: str | None = None, name: str = "", *, decimal: str = ".", limit: int | None = 10
) -> pd.DataFrame:
    """A patient table with its cells as they stand: text from CSV, TSV and Excel, typed from Parquet.

    Args:
        path: .csv, .tsv, .txt (UTF-8; comma, semicolon or tab separate), .xlsx, .xlsm or .parquet.
        sheet: of Excel, the sheet's name; the first one without it.
        name: the file's name, for messages; its path without it.
        decimal: how the numbers of Excel's cells are written, so that they look like those typed as text.
        limit: lines of a wrong length that are listed one by one; None: all.

    Returns:
        A column a named column of the file. The index is the row number that a spreadsheet shows (the header
        is row 1); blank rows are left out.

    Raises:
        InputError: the file cannot be read, has no rows, or has a header with empty or repeated names.
    """
    path, name = Path(path), name or str(path)
    suffix = path.suffix.lower()
    try:
        if suffix == ".parquet":
            header, cells = _read_parquet(path, name)
        elif suffix in (".xlsx", ".xlsm"):
            header, cells = _read_excel(path, sheet, name, decimal)
        elif suffix in (".csv", ".tsv", ".txt"):
            header, cells = _read_text(path, name, limit)
        else:
            raise InputError(Problem(f"the ending {suffix!r}", ".csv, .tsv, .txt, .xlsx or .parquet", name))
    except FileNotFoundError:
        raise InputError(Problem("no such file", "a patient table", name)) from None
    except (OSError, pa.ArrowException, csv.Error) as error:
        raise InputError(Problem(first_line(error), "a readable table", name)) from None
    rows = _named(header, cells, name)
    blank = _blank(rows)
    rows = rows[~blank] if blank.any() else rows
    if rows.empty:
        raise InputError(Problem("no rows below the header", "one row a woman", name))
    return rows


def _named(header: Sequence[Any], cells: list[Any], name: str) -> pd.DataFrame:
    """Columns under their names; those without one are left out."""
    names = [str(cell).strip() for cell in header]
    if not any(names):
        raise InputError(Problem("an empty first row", "the names of the columns", name, 1))
    problems = [
        Problem(f"the column name {column!r} {names.count(column)} times", "each name once", name, 1)
        for column in dict.fromkeys(names)
        if column and names.count(column) > 1
    ]
    if problems:
        raise InputError(problems)
    found = {column: values for column, values in zip(names, cells, strict=True) if column}
    length = len(next(iter(found.values())))
    return pd.DataFrame(found, index=pd.RangeIndex(2, length + 2))


def _blank(rows: pd.DataFrame) -> np.ndarray:
    """Which rows hold nothing; most files are done after the first column."""
    blank = np.ones(len(rows), dtype=bool)
    for column in rows:
        if not blank.any():
            break
        if isinstance(rows[column].dtype, pd.StringDtype):
            empty = rows[column].isna() | (rows[column].str.strip() == "").fillna(False)
        else:
            empty = rows[column].isna()
        blank &= empty.to_numpy(dtype=bool)
    return blank


# ---- text


def _read_text(path: Path, name: str, limit: int | None) -> tuple[list[str], list[Any]]:
    quotes = _require_utf8(path, name)
    header, separator, has_rows = _text_header(path)
    if not header and not has_rows:
        raise InputError(Problem("an empty file", "a header and one row a woman", name))
    if not has_rows:
        raise InputError(Problem("no rows below the header", "one row a woman", name))
    if not any(cell.strip() for cell in header):
        raise InputError(Problem("an empty first row", "the names of the columns", name, 1))
    table, wrong = _arrow_table(path, len(header), separator, name)
    expected = f"{len(header)} cells, as in the header"
    problems = [Problem(f"{length} cells", expected, name, row) for row, length in wrong[:limit]]
    if len(wrong) > len(problems):
        problems.append(Problem(f"{len(wrong) - len(problems)} more lines like these", expected, name))
    if quotes % 2 and (problems or _swallowed(table)):
        last = len(table) + len(wrong) + 1
        problems.insert(0, Problem("a quotation mark that is never closed", "two of a kind", name, last))
    if problems:
        raise InputError(problems)
    return header, [pd.array(column, dtype="string") for column in table.columns]


def _swallowed(table: pa.Table) -> bool:
    """Whether the last row has a cell with a line break in it, as after a quotation mark that stays open."""
    return len(table) > 0 and any("\n" in str(column[-1]) for column in table.columns)


def _require_utf8(path: Path, name: str) -> int:
    """The number of quotation marks, after a look at every byte.

    Raises:
        InputError: a byte that is not UTF-8, with its line; a spreadsheet under another ending.
    """
    decoder, lines, quotes = codecs.getincrementaldecoder("utf-8")(), 0, 0
    with path.open("rb") as handle:
        for number, chunk in enumerate(chain(iter(lambda: handle.read(1 << 20), b""), [b""])):
            if number == 0 and chunk.startswith((ZIP, OLE)):
                raise InputError(
                    Problem("a spreadsheet", f"text, as the ending {path.suffix} says, or .xlsx", name)
                )
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                row = lines + error.object[: error.start].count(b"\n") + 1
                expected = "a file saved as UTF-8"
                raise InputError(Problem("text that is not UTF-8", expected, name, row)) from None
            lines += chunk.count(b"\n")
            quotes += chunk.count(b'"')
    return quotes


def _text_header(path: Path) -> tuple[list[str], str, bool]:
    """The names, the separator (the commonest of three outside of quotes), and whether rows follow."""
    with path.open(encoding="utf-8-sig", newline="") as handle:
        first = re.sub('"[^"]*"', "", handle.readline())
        separator = max(",;\t", key=first.count)
        handle.seek(0)
        lines = csv.reader(handle, delimiter=separator)
        header = next(lines, [])
        return header, separator, next(lines, None) is not None


def _arrow_table(path: Path, width: int, separator: str, name: str) -> tuple[pa.Table, list[tuple[int, int]]]:
    """The cells below the header as text, and row and length of the lines of another length."""
    from pyarrow.csv import ConvertOptions, ParseOptions, ReadOptions, read_csv

    wrong: list[tuple[int, int]] = []

    def note(row: Any) -> str:
        wrong.append((row.number, row.actual_columns))
        return "skip"

    names = [str(place) for place in range(width)]
    try:
        table = read_csv(
            path,
            # Without threads, the reader knows the numbers of the rows.
            ReadOptions(use_threads=False, column_names=names, skip_rows_after_names=1, block_size=1 << 23),
            ParseOptions(
                delimiter=separator,
                newlines_in_values=True,
                ignore_empty_lines=False,
                invalid_row_handler=note,
            ),
            ConvertOptions(column_types=dict.fromkeys(names, pa.large_string()), strings_can_be_null=False),
        )
    except pa.ArrowInvalid as error:
        if "straddling" in str(error):
            found, expected = "a row of more than 8 MB", "every quotation mark closed"
            raise InputError(Problem(found, expected, name)) from None
        raise
    return table, wrong


# ---- Excel


def _read_excel(path: Path, sheet: str | None, name: str, decimal: str) -> tuple[list[str], list[Any]]:
    with path.open("rb") as handle:
        start = handle.read(8)
    if start.startswith(OLE):
        raise InputError(
            Problem("an old .xls or a workbook with a password", "a workbook saved as .xlsx, without", name)
        )
    if not start.startswith(ZIP):
        raise InputError(Problem("a file that is no Excel workbook", "one saved as .xlsx", name))
    lines = _sheet_lines(path, sheet, name)
    if not any(cell is not None for line in lines for cell in line):
        raise InputError(Problem("an empty sheet", "a header and one row a woman", name))
    width = max(map(len, lines))
    columns = [
        [_excel_text(line[place], decimal) if place < len(line) else "" for line in lines]
        for place in range(width)
    ]
    return [column[0] for column in columns], [pd.array(column[1:], dtype="string") for column in columns]


def _sheet_lines(path: Path, sheet: str | None, name: str) -> list[tuple[Any, ...]]:
    import openpyxl

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        try:
            sheets = {each.title: each for each in book.worksheets}
            if sheet is not None and sheet not in sheets:
                raise InputError(Problem(f"no sheet {sheet!r}", f"one of {', '.join(sheets)}", name))
            if not sheets:
                raise InputError(Problem("no sheet with cells", "at least one", name))
            chosen = sheets[sheet] if sheet is not None else next(iter(sheets.values()))
            # Some programs write a wrong extent into the file.
            chosen.reset_dimensions()
            return list(chosen.iter_rows(values_only=True))
        finally:
            book.close()
    except InputError:
        raise
    except Exception as error:  # a damaged workbook breaks its reader in any of many ways
        raise InputError(
            Problem(f"a damaged workbook ({first_line(error)})", "a workbook that Excel opens", name)
        ) from None


def _excel_text(cell: Any, decimal: str) -> str:
    """A cell as it would be typed: whole numbers without a point, dates as ISO 8601."""
    if cell is None:
        return ""
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell).replace(".", decimal)
    if isinstance(cell, datetime):
        midnight = cell.time() == datetime.min.time()
        return cell.date().isoformat() if midnight else cell.isoformat(sep=" ")
    return cell.isoformat() if isinstance(cell, date) else str(cell)


# ---- Parquet


def _read_parquet(path: Path, name: str) -> tuple[list[str], list[Any]]:
    import pyarrow.parquet as pq

    with path.open("rb") as handle:
        if handle.read(4) != b"PAR1":
            raise InputError(Problem("a file that is no Parquet table", "one saved as .parquet", name))
        table = pq.read_table(handle)
    # Arrow's types, so that no whole number becomes a fraction where a value is missing, and without pandas'
    # notes on an index, under which a column would hide.
    return table.column_names, [_typed(column) for column in table.columns]


def _typed(column: pa.ChunkedArray) -> Any:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return pd.array(column, dtype="string")
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), None, column)
    return pd.array(column, dtype=pd.ArrowDtype(column.type))
