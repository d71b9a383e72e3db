"""Which counts does a file hold, and is each of them a number of reads?"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from decidua.errors import InputError, Problem
from decidua.input_files import UNREADABLE, first_line, listed, read_header, read_rows, require_kind

LARGEST = np.iinfo(np.int32).max
WHOLE = "a whole number of reads, 0 or more"


def read_counts(path: str | Path) -> pd.DataFrame:
    """Read a matrix of counts: genes as rows, the first column their ids, then a column a sample.

    Args:
        path: .tsv, .csv or .txt (plain or .gz; the separator is read off the header) or .parquet, in which
            the gene ids may also be the index.

    Returns:
        int32, genes x samples; the index is named "gene", the columns "sample".

    Raises:
        InputError: the file cannot be read; cells that are missing, text, fractions, negative or too large;
            gene or sample names that are missing or repeated; a sample without reads.
    """
    name = str(path)
    table = _read_matrix(Path(path), name)
    samples = [str(column).strip() for column in table.column_names[1:]]
    genes = pd.Series(table.column(0).cast(pa.string()).to_pandas(), dtype="string").str.strip()
    problems = [*_gene_problems(genes, name), *_name_problems(samples, name)]
    if not samples:
        problems.append(Problem("one column only", "a gene column and a column a sample, tab or comma", name))
    if not len(genes):
        problems.append(Problem("no rows below the header", "one row a gene", name))
    if not samples or not len(genes):
        raise InputError(problems)
    values = np.empty((len(genes), len(samples)), dtype=np.int32, order="F")
    cells: dict[str, list[tuple[int, int, str]]] = {}
    for j, column in enumerate(table.columns[1:]):
        values[:, j] = _whole_numbers(column, j, cells)
    problems += _cell_problems(cells, genes, samples, name)
    faulty = {j for found in cells.values() for _, j, _ in found}
    empty = [j for j in np.flatnonzero(~values.any(axis=0)) if j not in faulty]
    problems += listed(
        (Problem("no reads in any gene", "a sequenced sample", name, column=samples[j]) for j in empty),
        len(empty),
        "samples",
        name,
    )
    if problems:
        raise InputError(problems)
    index = pd.Index(genes.astype(str), name="gene")
    return pd.DataFrame(values, index=index, columns=pd.Index(samples, name="sample", dtype=index.dtype))


def _read_matrix(path: Path, name: str) -> pa.Table:
    """The file as an Arrow table, genes first; a cell keeps whatever type it has."""
    require_kind(path, name)
    try:
        if path.suffix == ".parquet":
            return _genes_first(pa.parquet.read_table(path, use_threads=False))
        return _parse(path, *read_header(path, name))
    except pa.ArrowInvalid as error:
        raise InputError(
            _ragged_lines(path, name) or Problem(first_line(error), "a readable matrix", name)
        ) from None
    except UNREADABLE as error:
        raise InputError(Problem(first_line(error), "a complete, readable file", name)) from None


def _parse(path: Path, header: Sequence[str], separator: str) -> pa.Table:
    positions = [str(i) for i in range(len(header))]  # names may repeat; that is told later
    table = pa.csv.read_csv(
        path,
        read_options=pa.csv.ReadOptions(use_threads=False, column_names=positions, skip_rows=1),
        parse_options=pa.csv.ParseOptions(delimiter=separator),
        convert_options=pa.csv.ConvertOptions(column_types={"0": pa.string()}, strings_can_be_null=True),
    )
    return table.rename_columns(list(header))


def _ragged_lines(path: Path, name: str) -> list[Problem]:
    """Lines of another length than the header, where that is why the file could not be read."""
    try:
        return [] if path.suffix == ".parquet" else read_rows(path, name)[1]
    except UNREADABLE:
        return []


def _genes_first(table: pa.Table) -> pa.Table:
    """Move an index that pandas stored to the front, where other writers put the gene column."""
    index = (table.schema.pandas_metadata or {}).get("index_columns", [])
    stored = [column for column in index if isinstance(column, str) and column in table.column_names]
    return table.select(stored + [column for column in table.column_names if column not in stored])


def sample_names(path: str | Path) -> list[str]:
    """The samples that a matrix has columns for, from its header alone.

    Raises:
        InputError: the header cannot be read.
    """
    path, name = Path(path), str(path)
    require_kind(path, name)
    try:
        if path.suffix == ".parquet":
            names = _genes_first(pa.parquet.read_schema(path).empty_table()).column_names
        else:
            names = read_header(path, name)[0]
    except (pa.ArrowInvalid, *UNREADABLE) as error:
        raise InputError(Problem(first_line(error), "a complete, readable file", name)) from None
    return [str(column).strip() for column in names[1:]]


def _whole_numbers(
    column: pa.ChunkedArray, j: int, faults: dict[str, list[tuple[int, int, str]]]
) -> np.ndarray:
    """The column as int32, 0 where a cell is at fault; faults are added by kind as (row, column, cell)."""
    if pa.types.is_integer(column.type) and not column.null_count:
        numbers = column.to_numpy()
        if not len(numbers) or (numbers.min() >= 0 and numbers.max() <= LARGEST):
            return numbers
    missing = column.is_null().to_numpy(zero_copy_only=False)
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        numbers = column.to_pandas().to_numpy(dtype=float, na_value=np.nan)
        cells = None
        missing = missing | np.isnan(numbers)
    else:
        cells = column.cast(pa.string()).to_pandas()
        numbers = pd.to_numeric(cells, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    finite = np.isfinite(numbers)
    with np.errstate(invalid="ignore"):
        kinds = {
            "missing": missing,
            "text": ~finite & ~missing,
            "negative": finite & (numbers < 0),
            "fraction": finite & (numbers >= 0) & (numbers != np.floor(numbers)),
            "too large": finite & (numbers > LARGEST),
        }
    wrong = np.zeros(len(numbers), dtype=bool)
    for kind, at in kinds.items():
        at = at & ~wrong
        wrong |= at
        if at.any():
            shown = [
                f"{numbers[i]:.12g}" if cells is None else str(cells.iloc[i]) for i in np.flatnonzero(at)
            ]
            faults.setdefault(kind, []).extend(
                zip(np.flatnonzero(at), [j] * int(at.sum()), shown, strict=True)
            )
    return np.where(wrong, 0, np.nan_to_num(numbers, posinf=0, neginf=0)).astype(np.int32)


def _cell_problems(
    faults: Mapping[str, Sequence[tuple[int, int, str]]], genes: pd.Series, samples: Sequence[str], name: str
) -> list[Problem]:
    expected = {
        "fraction": f"{WHOLE} (round the estimates of Salmon or RSEM before)",
        "too large": f"{WHOLE}, at most {LARGEST}",
    }
    problems = []
    for kind, found in faults.items():
        rows = (
            Problem(
                "a missing cell" if kind == "missing" else repr(cell) if kind == "text" else cell,
                expected.get(kind, WHOLE),
                name,
                row=genes.iloc[i] if pd.notna(genes.iloc[i]) else int(i) + 2,
                column=samples[j],
            )
            for i, j, cell in found
        )
        problems += listed(rows, len(found), f"cells ({kind})", name)
    return problems


def _gene_problems(genes: pd.Series, name: str) -> list[Problem]:
    absent = np.flatnonzero(genes.isna() | (genes == ""))
    nameless = (
        Problem("a row without a gene", "an id in the first column", name, int(i) + 2) for i in absent
    )
    counts = genes[genes.notna() & (genes != "")].value_counts()
    repeated = counts[counts > 1].sort_index()
    twice = (
        Problem(f"{n} rows of this gene", "one row a gene", name, row=gene) for gene, n in repeated.items()
    )
    return [
        *listed(nameless, len(absent), "rows", name),
        *listed(twice, len(repeated), "repeated genes", name),
    ]


def _name_problems(samples: Sequence[str], name: str) -> list[Problem]:
    blank = [
        Problem(f"no name in column {j + 2}", "a sample's name", name, row=1)
        for j, s in enumerate(samples)
        if not s
    ]
    repeated = [s for s in dict.fromkeys(samples) if s and samples.count(s) > 1]
    twice = (
        Problem(f"{samples.count(s)} columns of this sample", "one column a sample", name, column=s)
        for s in repeated
    )
    return [
        *listed(blank, len(blank), "columns", name),
        *listed(twice, len(repeated), "repeated samples", name),
    ]
