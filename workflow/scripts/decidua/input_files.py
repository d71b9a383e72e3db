"""What do the readers of count matrices and sample sheets have in common?"""

import csv
import gzip
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from decidua.errors import InputError, Problem

#: Problems of one kind that are listed one by one; the rest is counted.
LISTED = 10
#: What reading a damaged file raises.
UNREADABLE = (OSError, EOFError, UnicodeDecodeError, csv.Error, zlib.error)
TEXT = (".tsv", ".csv", ".txt")


def require_kind(path: Path, name: str) -> None:
    """Refuse a file that is not there, or whose ending is not known.

    Raises:
        InputError: what it is instead.
    """
    kind = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    if kind not in (*TEXT, ".parquet") or path.suffixes[-2:] == [".parquet", ".gz"]:
        raise InputError(
            Problem(f"the ending {path.suffix!r}", ".tsv, .csv, .txt (or .gz of it), .parquet", name)
        )
    if not path.is_file():
        raise InputError(Problem("no such file", "a file", name))


def open_text(path: Path) -> TextIO:
    """A plain or gzipped text file, to be read."""
    return (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8-sig", newline="")


def read_header(path: Path, name: str, skip: int = 0) -> tuple[list[str], str]:
    """The names of the columns, and the separator: the commonest of tab, comma, semicolon in the first line.

    The name of the first column is "row" where R's write.table left it out.

    Args:
        skip: lines above that one.

    Raises:
        InputError: the first line is empty.
    """
    with open_text(path) as handle:
        lines = [handle.readline() for _ in range(skip + 2)][skip:]
    if not lines[0].strip():
        raise InputError(Problem("an empty first line", "the names of the columns", name))
    separator = max("\t,;", key=lines[0].count)
    names, first = (next(csv.reader([line], delimiter=separator), []) for line in lines)
    if len(first) == len(names) + 1:
        names = ["row", *names]
    return [column.strip() for column in names], separator


def read_rows(path: Path, name: str) -> tuple[dict[int, list[str]], list[Problem]]:
    """The cells of each line below the header, by the line's number; and the lines of another length.

    Raises:
        InputError: the first line is empty.
    """
    names, separator = read_header(path, name)
    with open_text(path) as handle:
        reader = csv.reader(handle, delimiter=separator)
        next(reader)
        rows = {line: cells for line, cells in enumerate(reader, start=2) if cells}
    wrong = {number: len(cells) for number, cells in rows.items() if len(cells) != len(names)}
    problems = (
        Problem(f"{length} cells", f"{len(names)}, as in the header", name, number)
        for number, length in wrong.items()
    )
    return rows, listed(problems, len(wrong), "lines", name)


def listed(problems: Iterable[Problem], number: int, what: str, name: str) -> list[Problem]:
    """The first `LISTED` problems, and a line that counts the rest."""
    first = [problem for problem, _ in zip(problems, range(LISTED), strict=False)]
    if number > LISTED:
        first.append(Problem(f"{number - LISTED} more {what} like these", first[-1].expected, name))
    return first


def first_line(error: Exception) -> str:
    """What an error says, in a line."""
    if isinstance(error, UnicodeDecodeError):
        return "text that is not UTF-8, or no text"
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
