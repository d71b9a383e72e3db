"""Which counts does a file hold, and is each of them a number of reads?"""

import logging
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from decidua.errors import InputError, Problem
from decidua.gene_ids import unversioned
from decidua.input_files import (
    UNREADABLE,
    first_line,
    listed,
    open_text,
    read_header,
    read_rows,
    require_kind,
)

LARGEST = np.iinfo(np.int32).max
WHOLE = "a whole number of reads, 0 or more"
#: Below this largest value, values of which most are not whole are logarithms or shares: log2 of the largest
#: count that there can be is 31, and a sequenced library has genes with hundreds of reads.
LARGEST_LOGARITHM = 100
#: To what TPM and CPM of a sample add up, and how far from it they may be as printed.
MILLION, NEAR = 1e6, 1e-3
#: Values above 0 that must be there before they are judged together; fewer tell nothing.
JUDGED = 100
log = logging.getLogger(__name__)

#: What can be wrong with a cell, in the order in which it is told.
KINDS = ("missing", "text", "negative", "fraction", "too large")
#: Cells at fault by kind, as (row, column, what stands there).
Faults = dict[str, list[tuple[int, int, str]]]


@dataclass(frozen=True)
class Cells:
    """A matrix as it stands in a file: its rows' and columns' names, and the cells of each column.

    `samples_as_rows` says what the rows are; `file` is the file, or the file of each column.
    """

    rows: pd.Series
    names: list[str]
    columns: Sequence[pa.ChunkedArray | pa.Array]
    file: str | Sequence[str]
    samples_as_rows: bool = False

    def file_of(self, column: int) -> str:
        """The file that a column stands in."""
        return self.file if isinstance(self.file, str) else self.file[column]

    @property
    def place(self) -> str:
        """The file, or the first one of several, for what concerns the whole."""
        return self.file if isinstance(self.file, str) else self.file[0]


def read_counts(
    path: str | Path, known: Collection[str] = (), rounding: bool = False, skip: int = 0, leave: int = 0
) -> pd.DataFrame:
    """Read a matrix of counts: genes (or samples) in the first column, then a column a sample (or a gene).

    Args:
        path: .tsv, .csv or .txt (plain or .gz; the separator is read off the header) or .parquet, in which
            the ids of the rows may also be the index.
        known: samples that the sheet has: by them a matrix with samples as rows is told; without them the
            rows are genes.
        skip, leave: lines above the header, and columns after the first one, that are not of the matrix.
        rounding: whether fractions are rounded (to the even neighbour in the middle) or refused.

    Returns:
        int32, genes x samples; the index is named "gene", the columns "sample".

    Raises:
        InputError: the file cannot be read; samples of the sheet among rows and columns; cells that are
            missing, text, fractions, negative or too large; values that are logarithms, TPM or CPM; gene or
            sample names that are missing or repeated; a sample without reads.
    """
    return whole_counts(oriented(read_cells(path, skip, leave), known), rounding)


def whole_counts(cells: Cells, rounding: bool = False) -> pd.DataFrame:
    """The counts of a matrix, checked; as `read_counts` gives them, raises, and rounds."""
    problems = name_problems(cells)
    problems += _empty_problems(cells)
    if not cells.names or not len(cells.rows):
        raise InputError(problems)
    shape = (len(cells.rows), len(cells.names))
    # The reads of a sample lie side by side, whichever way round the file is.
    values = np.empty(shape, dtype=np.int32, order="C" if cells.samples_as_rows else "F")
    faults: Faults = {}
    rounded, seen = 0, _Seen(cells.samples_as_rows)
    for j, column in enumerate(cells.columns):
        values[:, j], fractions, numbers = _whole_numbers(column, j, faults, rounding)
        rounded += fractions
        seen.add(numbers)
    if kind := seen.no_counts():
        # That each of them is a fraction goes without saying, and rounding would be the wrong way out.
        faults.pop("fraction", None)
        problems.append(Problem(kind, "numbers of reads, not transformed or normalised", cells.place))
    problems += cell_problems(faults, cells)
    axis = int(cells.samples_as_rows)
    faulty = {found[1 - axis] for cells_ in faults.values() for found in cells_}
    readless = [j for j in np.flatnonzero(~values.any(axis=axis)) if j not in faulty and not kind]
    problems += _readless_problems(readless, cells)
    if problems:
        raise InputError(problems)
    if rounded:
        log.info("%d fractional counts were rounded to the nearest whole number", rounded)
    rows, names = pd.Index(cells.rows.astype(str)), pd.Index(cells.names, dtype="str")
    if cells.samples_as_rows:
        values, rows, names = values.T, names, rows
    return pd.DataFrame(values, index=rows.rename("gene"), columns=names.rename("sample"))


class _Seen:
    """What the values of a matrix are like, as its columns come by."""

    def __init__(self, samples_as_rows: bool):
        self.samples_as_rows = samples_as_rows
        self.largest, self.above_0, self.fractions = 0.0, 0, 0
        self.sums: list[float] | np.ndarray = np.float64(0) if samples_as_rows else []

    def add(self, numbers: np.ndarray) -> None:
        self.largest = max(self.largest, numbers.max(initial=0))
        self.above_0 += np.count_nonzero(numbers)
        if numbers.dtype.kind == "f":
            # Sums of estimates, such as 0.333 + 0.667, are whole.
            self.fractions += np.count_nonzero(np.abs(numbers - np.rint(numbers)) > 1e-3)
        if self.samples_as_rows:
            self.sums = self.sums + numbers.astype(float)
        else:
            self.sums.append(float(numbers.sum(dtype=float)))

    def no_counts(self) -> str:
        """Why these cannot be counts or estimates of them, in words; empty where they can."""
        if self.above_0 < JUDGED or self.fractions <= self.above_0 / 2:
            return ""
        share = f"of which {self.fractions / self.above_0:.0%} are not whole"
        if self.largest < LARGEST_LOGARITHM:
            largest = f"{share} and none is above {self.largest:.4g}"
            return f"values above 0 {largest}, as of logarithms or of thousands with a point"
        if np.allclose(self.sums, MILLION, rtol=NEAR):
            return f"values above 0 {share} and add up to a million in each sample, as TPM or CPM do"
        return ""


def oriented(cells: Cells, known: Collection[str], genes: Collection[str] = ()) -> Cells:
    """The same cells, with the samples on that side where the names of the sample sheet are.

    Args:
        known: the samples of the sheet; none without one.
        genes: names of genes to go by where there is no sheet, such as those of a model (without versions).

    Raises:
        InputError: the names of some samples are those of rows, of others those of columns; no gene looked
            for is on either side.
    """
    if genes and not known:
        return _by_genes(cells, set(genes))
    wanted = set(known)
    among_columns = wanted & set(cells.names)
    among_rows = wanted & set(cells.rows.dropna())
    if among_rows and among_columns:
        raise InputError(
            Problem(
                f"samples of the sheet as rows ({_few(among_rows)}) and as columns ({_few(among_columns)})",
                "the samples on one side",
                str(cells.file),
            )
        )
    other, there = ("columns", among_columns) if cells.samples_as_rows else ("rows", among_rows)
    if not there:
        return cells
    log.info("%s: samples are its %s; turned so that genes are rows and samples columns", cells.file, other)
    return replace(cells, samples_as_rows=not cells.samples_as_rows)


def _by_genes(cells: Cells, genes: set[str]) -> Cells:
    rows = cells.rows.dropna()
    among_rows, among_columns = _held(rows, genes), _held(cells.names, genes)
    if not among_rows and not among_columns:
        raise InputError(
            Problem(
                f"rows named {_first(rows)} and columns named {_first(cells.names)}",
                f"genes such as {_few(genes)} as rows or as columns, or a table of both kinds of names in "
                "`identifiers`",
                cells.place,
            )
        )
    samples_as_rows = among_columns > among_rows
    if samples_as_rows != cells.samples_as_rows:
        log.info("%s: genes are its %s", cells.place, "columns" if samples_as_rows else "rows")
    return replace(cells, samples_as_rows=samples_as_rows)


def _held(names: Collection[str], genes: set[str]) -> int:
    return int(unversioned(pd.Series(list(names), dtype="string")).isin(genes).sum())


def _first(names: Collection[str]) -> str:
    first = [str(name) for name, _ in zip(names, range(3), strict=False)]
    return ", ".join(first) + (", ..." if len(names) > 3 else "")


def _few(names: Collection[str]) -> str:
    first = sorted(names)[:3]
    return ", ".join(first) + (", ..." if len(names) > 3 else "")


def read_cells(path: str | Path, skip: int = 0, leave: int = 0) -> Cells:
    """The matrix of a file; a cell keeps whatever type it has.

    Args:
        skip, leave: lines above the header, and columns after the first one, that are not of the matrix.

    Raises:
        InputError: the file cannot be read.
    """
    path, name = Path(path), str(path)
    require_kind(path, name)
    try:
        if path.suffix == ".parquet":
            table = _ids_first(pa.parquet.read_table(path, use_threads=False))
        else:
            table = _parse(path, *read_header(path, name, skip), skip, leave)
    except pa.ArrowInvalid as error:
        raise InputError(
            _ragged_lines(path, name) or Problem(first_line(error), "a readable matrix", name)
        ) from None
    except UNREADABLE as error:
        raise InputError(Problem(first_line(error), "a complete, readable file", name)) from None
    rows = pd.Series(table.column(0).cast(pa.string()).to_pandas(), dtype="string").str.strip()
    names = [str(column).strip() for column in table.column_names[1:]]
    return Cells(rows, names, table.columns[1:], name)


def _parse(path: Path, header: Sequence[str], separator: str, skip: int, leave: int) -> pa.Table:
    positions = [str(i) for i in range(len(header))]  # names may repeat; that is told later
    wanted = [positions[0], *positions[1 + leave :]]
    table = pa.csv.read_csv(
        path,
        read_options=pa.csv.ReadOptions(
            use_threads=False, column_names=positions, skip_rows=skip + 1, block_size=_block(len(header))
        ),
        parse_options=pa.csv.ParseOptions(delimiter=separator),
        convert_options=pa.csv.ConvertOptions(
            column_types={"0": pa.string()}, strings_can_be_null=True, include_columns=wanted
        ),
    )
    return table.rename_columns([header[0], *header[1 + leave :]])


def _block(columns: int) -> int:
    """Bytes to parse at a time: of a table with very many columns, enough for many rows.

    Arrow makes an array of each column of each block: blocks of a few long rows would make millions.
    """
    return min(max(2**20, 8192 * columns), 2**28)


def _ragged_lines(path: Path, name: str) -> list[Problem]:
    """Lines of another length than the header, where that is why the file could not be read."""
    try:
        return [] if path.suffix == ".parquet" else read_rows(path, name)[1]
    except UNREADABLE:
        return []


def _ids_first(table: pa.Table) -> pa.Table:
    """Move an index that pandas stored to the front, where other writers put the column of ids."""
    index = (table.schema.pandas_metadata or {}).get("index_columns", [])
    stored = [column for column in index if isinstance(column, str) and column in table.column_names]
    return table.select(stored + [column for column in table.column_names if column not in stored])


def sample_names(path: str | Path, known: Collection[str] = (), skip: int = 0, leave: int = 0) -> list[str]:
    """The samples that a matrix has, from its header or, with samples as rows, its first column alone.

    Args:
        known, skip, leave: as for `read_counts`.

    Raises:
        InputError: names or first column cannot be read.
    """
    path, name = Path(path), str(path)
    require_kind(path, name)
    try:
        if path.suffix == ".parquet":
            names = _ids_first(pa.parquet.read_schema(path).empty_table()).column_names
        else:
            names = read_header(path, name, skip)[0]
        names = [str(column).strip() for column in names[1 + leave :]]
        rows = [] if not known or set(known) & set(names) else _first_column(path, name, skip)
    except (pa.ArrowInvalid, *UNREADABLE) as error:
        raise InputError(Problem(first_line(error), "a complete, readable file", name)) from None
    return rows if set(known) & set(rows) else names


def _first_column(path: Path, name: str, skip: int) -> list[str]:
    if path.suffix == ".parquet":
        first = _ids_first(pa.parquet.read_schema(path).empty_table()).column_names[:1]
        return pa.parquet.read_table(path, columns=first).column(0).cast(pa.string()).to_pylist()
    separator = read_header(path, name, skip)[1]
    with open_text(path) as handle:
        cells = [line.partition(separator)[0].strip().strip('"') for line in handle]
    return cells[skip + 1 :]


def _whole_numbers(
    column: pa.ChunkedArray | pa.Array, j: int, faults: Faults, rounding: bool
) -> tuple[np.ndarray, int, np.ndarray]:
    """The column as integers, 0 where a cell is at fault, how many were rounded, and the numbers before that.

    Faults are added.
    """
    if not column.null_count and (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        numbers = column.to_numpy()
        # Not so where there is a NaN: the largest then is NaN.
        in_range = not len(numbers) or (numbers.min() >= 0 and numbers.max() <= LARGEST)
        if in_range and (pa.types.is_integer(column.type) or not (numbers % 1).any()):
            return numbers, 0, numbers
    numbers = numbers_of(column, j, faults)
    whole = np.rint(numbers)
    fraction = numbers != whole
    if not rounding:
        _note("fraction", fraction, j, faults, lambda i: f"{numbers[i]:.12g}")
        whole[fraction] = 0
    too_large = whole > LARGEST
    _note("too large", too_large, j, faults, lambda i: f"{numbers[i]:.12g}")
    whole[too_large] = 0
    return whole.astype(np.int32), int(fraction.sum()) if rounding else 0, numbers


def numbers_of(column: pa.ChunkedArray | pa.Array, j: int, faults: Faults) -> np.ndarray:
    """The column as numbers of 0 or more, 0 where a cell is at fault; faults of column j are added."""
    missing = column.is_null().to_numpy(zero_copy_only=False)
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        numbers = column.to_pandas().to_numpy(dtype=float, na_value=np.nan)
        cells = None
        missing = missing | np.isnan(numbers)
    else:
        cells = column.cast(pa.string()).to_pandas()
        numbers = pd.to_numeric(cells, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    numbers = np.array(numbers)  # a copy of our own
    finite = np.isfinite(numbers)
    kinds = {"missing": missing, "text": ~finite & ~missing, "negative": finite & (numbers < 0)}
    for kind, at in kinds.items():
        _note(kind, at, j, faults, lambda i: f"{numbers[i]:.12g}" if cells is None else str(cells.iloc[i]))
    numbers[kinds["missing"] | kinds["text"] | kinds["negative"]] = 0
    return numbers


def _note(kind: str, at: np.ndarray, j: int, faults: Faults, shown: Callable[[int], str]) -> None:
    if at.any():
        faults.setdefault(kind, []).extend((int(i), j, shown(i)) for i in np.flatnonzero(at))


def cell_problems(faults: Faults, cells: Cells) -> list[Problem]:
    """A line a cell at fault, ten of a kind, and a line that counts the rest."""
    expected = {
        "fraction": f"{WHOLE} (`round: true` rounds estimates)",
        "too large": f"{WHOLE}, at most {LARGEST}",
    }
    problems = []
    for kind in (kind for kind in KINDS if kind in faults):
        found = faults[kind]
        rows = (
            Problem(
                "a missing cell" if kind == "missing" else repr(cell) if kind == "text" else cell,
                expected.get(kind, WHOLE),
                cells.file_of(j),
                row=cells.rows.iloc[i] if pd.notna(cells.rows.iloc[i]) else i + 2,
                column=cells.names[j],
            )
            for i, j, cell in found
        )
        problems += listed(rows, len(found), f"cells ({kind})", cells.place)
    return problems


def _empty_problems(cells: Cells) -> list[Problem]:
    problems = []
    if not cells.names:
        what = "a gene column and a column a sample, tab or comma"
        problems.append(Problem("one column only", what, cells.place))
    if not len(cells.rows):
        problems.append(Problem("no rows below the header", "one row a gene", cells.place))
    return problems


def _readless_problems(empty: Sequence[int], cells: Cells) -> list[Problem]:
    found = (
        Problem("no reads in any gene", "a sequenced sample", cells.place, row=cells.rows.iloc[i])
        if cells.samples_as_rows
        else Problem("no reads in any gene", "a sequenced sample", cells.file_of(i), column=cells.names[i])
        for i in empty
    )
    return listed(found, len(empty), "samples", cells.place)


def name_problems(cells: Cells) -> list[Problem]:
    """Rows and columns without a name, or with that of another."""
    return [*_row_problems(cells), *_name_problems(cells)]


def _row_problems(cells: Cells) -> list[Problem]:
    what, name = ("sample" if cells.samples_as_rows else "gene"), cells.place
    rows = cells.rows
    absent = np.flatnonzero(rows.isna() | (rows == ""))
    nameless = (
        Problem(f"a row without a {what}", "an id in the first column", name, int(i) + 2) for i in absent
    )
    counts = rows[rows.notna() & (rows != "")].value_counts()
    repeated = counts[counts > 1].sort_index()
    twice = (
        Problem(f"{n} rows of this {what}", f"one row a {what}", name, row=row) for row, n in repeated.items()
    )
    return [
        *listed(nameless, len(absent), "rows", name),
        *listed(twice, len(repeated), f"repeated {what}s", name),
    ]


def _name_problems(cells: Cells) -> list[Problem]:
    what, name = ("gene" if cells.samples_as_rows else "sample"), cells.place
    blank = [
        Problem(f"no name in column {j + 2}", f"a {what}'s name", name, row=1)
        for j, s in enumerate(cells.names)
        if not s
    ]
    repeated = {s: n for s, n in Counter(cells.names).items() if s and n > 1}
    twice = (
        Problem(f"{n} columns of this {what}", f"one column a {what}", name, column=s)
        for s, n in repeated.items()
    )
    return [
        *listed(blank, len(blank), "columns", name),
        *listed(twice, len(repeated), f"repeated {what}s", name),
    ]
