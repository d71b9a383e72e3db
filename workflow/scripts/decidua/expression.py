"""Are these counts and this sample sheet usable, and what do the libraries look like?"""

import csv
import gzip
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from threadpoolctl import threadpool_limits

from decidua.errors import InputError, Problem
from decidua.folds import too_few_members
from decidua.performance import CASE, CONTROL
from decidua.preparation import SizeFactorReference, size_factor_reference

#: Problems of one kind that are listed one by one; the rest is counted.
LISTED = 10
#: Bytes up to which `check_study` reads a whole matrix; of a larger one it reads the header.
SMALL = 5_000_000
MISSING = {"", "na", "n/a", "#n/a", "nan", "null", "none", "<na>"}
TEXT = (".tsv", ".csv", ".txt")
LARGEST = np.iinfo(np.int32).max
WHOLE = "a whole number of reads, 0 or more"


@dataclass(frozen=True)
class Study:
    """Counts (genes x samples, int32) and the sheet of the samples kept, in the sheet's order."""

    counts: pd.DataFrame
    samples: pd.DataFrame


@dataclass(frozen=True)
class Components:
    """Scores (sample, pc1, pc2, ...) and explained shares of the variance (component, share)."""

    scores: pd.DataFrame
    explained: pd.DataFrame


def read_study(
    counts: str | Path,
    samples: str | Path,
    columns: Mapping[str, Any] | None = None,
    label: Mapping[str, Any] | None = None,
    keep: Mapping[str, Any] | None = None,
    folds: int | None = None,
) -> Study:
    """Read and check a count matrix and its sample sheet together.

    Args:
        counts, samples, columns, label, keep: as for `read_counts` and `read_samples`.
        folds: number of outer folds, if a classifier is to be cross-validated.

    Raises:
        InputError: every problem of both files, and of one against the other.
    """
    sheet, problems = _attempt(_read_sheet, samples, columns, label, keep)
    matrix, more = _attempt(read_counts, counts)
    problems += more
    if sheet is not None:
        problems += _class_problems(sheet.kept, samples, folds)
        if matrix is not None:
            problems += _match_problems(list(matrix.columns), sheet, matrix.index, counts, samples)
    if problems:
        raise InputError(problems)
    return Study(matrix[sheet.kept["sample"].tolist()], sheet.kept)


def check_study(
    counts: str | Path,
    samples: str | Path,
    columns: Mapping[str, Any] | None = None,
    label: Mapping[str, Any] | None = None,
    keep: Mapping[str, Any] | None = None,
    folds: int | None = None,
) -> None:
    """As `read_study`, but of a matrix larger than `SMALL` bytes only the header: cheap enough before a run.

    Raises:
        InputError: every problem found.
    """
    if not Path(counts).is_file() or Path(counts).stat().st_size <= SMALL:
        read_study(counts, samples, columns, label, keep, folds)
        return
    sheet, problems = _attempt(_read_sheet, samples, columns, label, keep)
    names, more = _attempt(_sample_names, counts)
    problems += more
    if sheet is not None:
        problems += _class_problems(sheet.kept, samples, folds)
        if names is not None:
            problems += _match_problems(names, sheet, (), counts, samples)
    if problems:
        raise InputError(problems)


# ---- the count matrix


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
    problems += _listed(
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
    _require_kind(path, name)
    try:
        if path.suffix == ".parquet":
            return _genes_first(pa.parquet.read_table(path, use_threads=False))
        header, separator = _header(path, name)
        return _parse(path, header, separator)
    except pa.ArrowInvalid as error:
        ragged = _ragged_lines(path, name) if path.suffix != ".parquet" else []
        raise InputError(ragged or Problem(_first_line(error), "a readable matrix", name)) from None
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise InputError(Problem(_first_line(error), "a complete, readable file", name)) from None


def _require_kind(path: Path, name: str) -> None:
    kind = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    if kind not in (*TEXT, ".parquet") or path.suffixes[-2:] == [".parquet", ".gz"]:
        raise InputError(
            Problem(f"the ending {path.suffix!r}", ".tsv, .csv, .txt (or .gz of it), .parquet", name)
        )
    if not path.is_file():
        raise InputError(Problem("no such file", "a file", name))


def _header(path: Path, name: str) -> tuple[list[str], str]:
    with (gzip.open if path.suffix == ".gz" else open)(
        path, "rt", encoding="utf-8-sig", newline=""
    ) as handle:
        first = handle.readline()
        second = handle.readline()
    if not first.strip():
        raise InputError(Problem("an empty first line", "a header: the gene column, then the samples", name))
    separator = max("\t,;", key=first.count)
    header = next(csv.reader([first], delimiter=separator))
    if second and len(next(csv.reader([second], delimiter=separator))) == len(header) + 1:
        header = ["gene", *header]  # as R's write.table writes row names: without a name in the header
    return header, separator


def _parse(path: Path, header: Sequence[str], separator: str) -> pa.Table:
    positions = [str(i) for i in range(len(header))]  # names may repeat; that is told later
    table = pa.csv.read_csv(
        path,
        read_options=pa.csv.ReadOptions(use_threads=False, column_names=positions, skip_rows=1),
        parse_options=pa.csv.ParseOptions(delimiter=separator),
        convert_options=pa.csv.ConvertOptions(column_types={"0": pa.string()}, strings_can_be_null=True),
    )
    return table.rename_columns(list(header))


def _genes_first(table: pa.Table) -> pa.Table:
    """Move an index that pandas stored to the front, where other writers put the gene column."""
    index = (table.schema.pandas_metadata or {}).get("index_columns", [])
    stored = [column for column in index if isinstance(column, str) and column in table.column_names]
    return table.select(stored + [column for column in table.column_names if column not in stored])


def _sample_names(path: str | Path) -> list[str]:
    path, name = Path(path), str(path)
    _require_kind(path, name)
    try:
        if path.suffix == ".parquet":
            names = _genes_first(pa.parquet.read_schema(path).empty_table()).column_names
        else:
            names = _header(path, name)[0]
    except (pa.ArrowInvalid, OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise InputError(Problem(_first_line(error), "a complete, readable file", name)) from None
    return [str(column).strip() for column in names[1:]]


def _ragged_lines(path: Path, name: str) -> list[Problem]:
    header, separator = _header(path, name)
    with (gzip.open if path.suffix == ".gz" else open)(
        path, "rt", encoding="utf-8-sig", newline=""
    ) as handle:
        lengths = {
            number: len(cells)
            for number, cells in enumerate(csv.reader(handle, delimiter=separator), start=1)
            if number > 1 and cells and len(cells) != len(header)
        }
    problems = (
        Problem(f"{length} cells", f"{len(header)}, as in the header", name, number)
        for number, length in lengths.items()
    )
    return _listed(problems, len(lengths), "lines", name)


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
        problems += _listed(rows, len(found), f"cells ({kind})", name)
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
        *_listed(nameless, len(absent), "rows", name),
        *_listed(twice, len(repeated), "repeated genes", name),
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
        *_listed(blank, len(blank), "columns", name),
        *_listed(twice, len(repeated), "repeated samples", name),
    ]


# ---- the sample sheet


@dataclass(frozen=True)
class _Sheet:
    kept: pd.DataFrame
    every: frozenset[str]


def read_samples(
    path: str | Path,
    columns: Mapping[str, Any] | None = None,
    label: Mapping[str, Any] | None = None,
    keep: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """Read a sample sheet and say who is a case.

    Args:
        path: .csv, .tsv, .txt (plain or .gz) or .parquet, one row a sample.
        columns: the file's names for `sample`, `label`, `group` (or None) and a list of `covariates`;
            without it "sample" and "label".
        label: {"case": [values], "control": [values]}, or {"above": number} of a numeric column, whose
            larger values are cases; without it the values "case" and "control".
        keep: column to value (or list of values): only rows with it are kept.

    Returns:
        One row a sample kept, in the file's order: sample, label ("case" or "control"), group (NA without
        one) and the covariates, numbers where every known value is one.

    Raises:
        InputError: the file cannot be read; columns that are not there; samples missing or repeated; labels
            missing, unknown or of one class only; a kept sample without a group; no row kept.
    """
    sheet = _read_sheet(path, columns, label, keep)
    problems = _class_problems(sheet.kept, path, None)
    if problems:
        raise InputError(problems)
    return sheet.kept


def _read_sheet(
    path: str | Path,
    columns: Mapping[str, Any] | None,
    label: Mapping[str, Any] | None,
    keep: Mapping[str, Any] | None,
) -> _Sheet:
    name = str(path)
    columns = dict(columns or {"sample": "sample", "label": "label"})
    label = dict(label or {"case": [CASE], "control": [CONTROL]})
    cells = _read_cells(Path(path), name)
    covariates = list(columns.get("covariates") or [])
    named = [
        columns["sample"],
        columns["label"],
        *([columns["group"]] if columns.get("group") else []),
        *covariates,
    ]
    problems = [
        Problem(f"no column {column}", f"one of {', '.join(cells.columns)}", name, row=1)
        for column in dict.fromkeys([*named, *(keep or {})])
        if column not in cells.columns
    ]
    if problems:
        raise InputError(problems)
    problems += _sample_problems(cells[columns["sample"]], columns["sample"], name)
    kept = pd.Series(True, index=cells.index)
    for column, wanted in (keep or {}).items():
        values = wanted if isinstance(wanted, list | tuple) else [wanted]
        kept &= cells[column].map(lambda cell, values=values: _is_one_of(cell, values))
    if not kept.any():
        wanted = ", ".join(f"{column} = {value}" for column, value in (keep or {}).items())
        raise InputError([*problems, Problem(f"no row with {wanted}", "rows to keep (see `keep`)", name)])
    rows = cells[kept]
    classes, more = _labels(rows[columns["label"]], columns["label"], label, name)
    problems += more
    group = pd.Series(pd.NA, index=rows.index, dtype="string")
    if columns.get("group"):
        group = rows[columns["group"]].astype("string")
        problems += _blank_problems(group, columns["group"], "the group of every sample kept", name)
    if problems:
        raise InputError(problems)
    table = pd.DataFrame({"sample": rows[columns["sample"]], "label": classes, "group": group})
    table = table.astype({"sample": "string", "label": "string"})
    for column in covariates:
        table[column] = _number_or_text(rows[column])
    return _Sheet(table.reset_index(drop=True), frozenset(cells[columns["sample"]]))


def _read_cells(path: Path, name: str) -> pd.DataFrame:
    """The sheet as text, NA where a cell means missing; the index is the line as a spreadsheet shows it."""
    _require_kind(path, name)
    try:
        if path.suffix == ".parquet":
            cells = pd.read_parquet(path).astype("string")
        else:
            _, separator = _header(path, name)
            cells = pd.read_csv(
                path,
                sep=separator,
                dtype="string",
                keep_default_na=False,
                encoding="utf-8-sig",
                index_col=False,
            )
    except (pd.errors.ParserError, pa.ArrowInvalid, OSError, EOFError, ValueError, zlib.error) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(Problem(_first_line(error), "a readable table", name)) from None
    cells.columns = [str(column).strip() for column in cells.columns]
    if cells.empty:
        raise InputError(Problem("no rows below the header", "one row a sample", name))
    cells = cells.apply(lambda column: column.str.strip())
    cells = cells.mask(cells.apply(lambda column: column.str.lower().isin(MISSING)))
    return cells.set_axis(range(2, len(cells) + 2), axis="index")


def _sample_problems(samples: pd.Series, column: str, name: str) -> list[Problem]:
    counts = samples.dropna().value_counts()
    repeated = counts[counts > 1].sort_index()
    twice = (
        Problem(
            f"{sample} {n} times", "one row a sample", name, int(samples.index[samples == sample][1]), column
        )
        for sample, n in repeated.items()
    )
    return [
        *_blank_problems(samples, column, "a sample's name", name),
        *_listed(twice, len(repeated), "repeated samples", name),
    ]


def _labels(
    cells: pd.Series, column: str, label: Mapping[str, Any], name: str
) -> tuple[pd.Series, list[Problem]]:
    if "above" in label:
        numbers = pd.to_numeric(cells, errors="coerce").astype("float64")
        wrong = cells[numbers.isna()]
        classes = pd.Series(np.where(numbers > label["above"], CASE, CONTROL), index=cells.index)
        expected = f"a number (above {label['above']:g} is a case)"
    else:
        is_case = cells.map(lambda cell: _is_one_of(cell, label["case"])).astype(bool)
        is_control = cells.map(lambda cell: _is_one_of(cell, label["control"])).astype(bool)
        both = [str(value) for value in label["case"] if _is_one_of(str(value), label["control"])]
        if both:
            return cells, [
                Problem(f"{', '.join(both)} as case and control", "one meaning a label", name, column=column)
            ]
        wrong = cells[~is_case & ~is_control]
        classes = pd.Series(np.where(is_case, CASE, CONTROL), index=cells.index)
        known = [f"{', '.join(map(str, label[kind]))} ({kind})" for kind in (CASE, CONTROL)]
        expected = f"{' or '.join(known)}; leave other rows out with `keep`"
    problems = (
        Problem("a missing cell" if pd.isna(cell) else repr(str(cell)), expected, name, int(row), column)
        for row, cell in wrong.items()
    )
    return classes, _listed(problems, len(wrong), "labels", name)


def _blank_problems(cells: pd.Series, column: str, expected: str, name: str) -> list[Problem]:
    blank = cells.index[cells.isna()]
    rows = (Problem("a missing cell", expected, name, int(row), column) for row in blank)
    return _listed(rows, len(blank), "missing cells", name)


def _is_one_of(cell: Any, values: Iterable[Any]) -> bool:
    """Whether a cell's text is one of the values: as a number where both are, else letter by letter."""
    if pd.isna(cell):
        return False
    return any(_same(str(cell), value) for value in values)


def _same(cell: str, value: Any) -> bool:
    if isinstance(value, bool):
        return cell.lower() == str(value).lower()
    try:
        return float(cell) == float(value)
    except ValueError:
        return cell == str(value)


def _number_or_text(cells: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(cells, errors="coerce").astype("float64")
    return cells.astype("string") if (numbers.isna() & cells.notna()).any() else numbers


# ---- the two together


def _class_problems(samples: pd.DataFrame, file: str | Path, folds: int | None) -> list[Problem]:
    is_case = (samples["label"] == CASE).to_numpy(dtype=bool)
    if is_case.all() or not is_case.any():
        only = CASE if is_case.all() else CONTROL
        return [Problem(f"{len(samples)} {only} samples and no other", "cases and controls", str(file))]
    grouped = bool(samples["group"].notna().any())
    codes = pd.factorize(samples["group" if grouped else "sample"])[0]
    problem = too_few_members(is_case, codes, folds, grouped) if folds else None
    return [replace(problem, file=str(file))] if problem else []


def _match_problems(
    names: Sequence[str],
    sheet: _Sheet,
    genes: Iterable[str],
    counts_file: str | Path,
    samples_file: str | Path,
) -> list[Problem]:
    there = set(names)
    kept = sheet.kept["sample"].tolist()
    absent = [sample for sample in kept if sample not in there]
    if len(absent) == len(kept) and set(kept) <= set(genes):
        return [Problem("samples as rows", "genes as rows and samples as columns", str(counts_file))]
    like = {_plain(name): name for name in names}
    lost = (
        Problem(
            f"no column {sample}" + (f" (but {like[_plain(sample)]})" if _plain(sample) in like else ""),
            "a column for each sample of the sheet",
            str(counts_file),
            row=1,
        )
        for sample in absent
    )
    strange = [name for name in names if name and name not in sheet.every]
    unknown = (
        Problem(f"no row for {name}", "a row for each sample of the matrix", str(samples_file), column=None)
        for name in strange
    )
    return [
        *_listed(lost, len(absent), "samples without a column", str(counts_file)),
        *_listed(unknown, len(strange), "samples without a row", str(samples_file)),
    ]


def _plain(name: str) -> str:
    """A name without what R's make.names changes: punctuation, and an X before a digit."""
    return re.sub(r"^x(?=\d)", "", re.sub(r"[^0-9a-z]", "", name.lower()))


def _listed(problems: Iterable[Problem], number: int, what: str, name: str) -> list[Problem]:
    """The first `LISTED` problems, and a line that counts the rest."""
    first = [problem for problem, _ in zip(problems, range(LISTED), strict=False)]
    if number > LISTED:
        first.append(Problem(f"{number - LISTED} more {what} like these", first[-1].expected, name))
    return first


def _attempt(read, *args) -> tuple[Any, list[Problem | str]]:
    try:
        return read(*args), []
    except InputError as error:
        return None, error.problems


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__


# ---- what the libraries look like


def size_factors(counts: pd.DataFrame, reference: SizeFactorReference | None = None) -> pd.Series:
    """Median-of-ratios size factors of samples (genes x samples).

    Args:
        reference: what other samples taught (`reference_of`), over the same genes in the same order; these
            samples themselves without it.

    Source: Anders and Huber 2010 (doi 10.1186/gb-2010-11-10-r106).
    """
    matrix = counts.to_numpy(dtype=float).T
    reference = reference or size_factor_reference(matrix)
    return pd.Series(reference.size_factors(matrix), index=counts.columns, name="size_factor")


def reference_of(counts: pd.DataFrame) -> SizeFactorReference:
    """The frozen reference of these samples, for the size factors of others."""
    return size_factor_reference(counts.to_numpy(dtype=float).T)


def log2_normalised(counts: pd.DataFrame, factors: pd.Series) -> pd.DataFrame:
    """log2(counts / size factor + 1), genes x samples."""
    return np.log2(counts / factors + 1)


def quality(counts: pd.DataFrame) -> pd.DataFrame:
    """Library size and composition, a row a sample.

    Returns:
        sample, library_size (reads), detected_genes (genes with a read), top_gene (the one with most reads),
        top_gene_share (its share of the reads), size_factor (median of ratios over these samples).
    """
    values = counts.to_numpy()
    library = values.sum(axis=0, dtype=np.int64)
    return pd.DataFrame(
        {
            "sample": counts.columns.astype("string"),
            "library_size": library,
            "detected_genes": np.count_nonzero(values, axis=0),
            "top_gene": counts.index[values.argmax(axis=0)].astype("string"),
            "top_gene_share": values.max(axis=0) / library,
            "size_factor": size_factors(counts).to_numpy(),
        }
    )


def principal_components(
    values: pd.DataFrame, genes: int = 500, components: int = 5, least: float = 3.5
) -> Components:
    """Principal components of samples over their most variable genes.

    Args:
        values: normalised log expression, genes x samples.
        genes: how many genes of the largest variance to use.
        components: how many components to give; at most one fewer than samples.
        least: mean value (log2) from which a gene is used: of rarer genes the logarithm shows counting noise.

    Returns:
        Scores and explained shares; of the variance of the genes used. A component's sign is such that its
        largest loading is positive.

    Raises:
        InputError: no gene is expressed enough.
    """
    matrix = values.to_numpy(dtype=float)
    expressed = np.flatnonzero(matrix.mean(axis=1) >= least)
    if not len(expressed):
        raise InputError(f"principal components: found no gene with a mean of {least:g} or more; expected log2 values")
    variance = matrix[expressed].var(axis=1)
    chosen = np.sort(expressed[np.argsort(-variance, kind="stable")[:genes]])
    centred = matrix[chosen].T - matrix[chosen].mean(axis=1)
    with threadpool_limits(limits=1, user_api="blas"):
        left, singular, right = np.linalg.svd(centred, full_matrices=False)
    number = min(components, len(left) - 1, len(singular))
    largest = np.abs(right[:number]).argmax(axis=1)
    signs = np.where(right[np.arange(number), largest] < 0, -1.0, 1.0)
    names = [f"pc{i + 1}" for i in range(number)]
    scores = pd.DataFrame(left[:, :number] * singular[:number] * signs, columns=names)
    scores.insert(0, "sample", values.columns.astype("string"))
    total = float((singular**2).sum())
    share = singular[:number] ** 2 / total if total else np.full(number, np.nan)
    return Components(scores, pd.DataFrame({"component": pd.array(names, dtype="string"), "share": share}))
