"""Do counts and sample sheet of a study fit each other, and what do its libraries look like?"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from decidua.count_formats import any_sample_names, check_names, read_any_counts
from decidua.errors import InputError, Problem
from decidua.input_files import listed
from decidua.learning.preparation import SizeFactorReference, size_factor_reference
from decidua.sample_sheet import Sheet, read_sheet

#: Bytes up to which `check_study` reads a whole matrix; of a larger one it reads the header.
SMALL = 5_000_000


@dataclass(frozen=True)
class Study:
    """Counts (genes x samples, int32) and the sheet of the samples kept, in the sheet's order."""

    counts: pd.DataFrame
    samples: pd.DataFrame


@dataclass(frozen=True)
class Size:
    """Of a study: genes (None where only names were read), and members of the smaller class.

    Members are samples, or groups of them where there are groups.
    """

    genes: int | None
    members: int


@dataclass(frozen=True)
class Components:
    """Scores (sample, pc1, pc2, ...) and explained shares of the variance (component, share)."""

    scores: pd.DataFrame
    explained: pd.DataFrame


def read_study(
    counts: str | Path | Sequence[str | Path],
    samples: str | Path,
    columns: Mapping[str, Any] | None = None,
    label: Mapping[str, Any] | None = None,
    keep: Mapping[str, Any] | None = None,
    folds: int | None = None,
    accept_tied_batch: bool = False,
    reading: Mapping[str, Any] | None = None,
) -> Study:
    """Read and check a count matrix and its sample sheet together.

    Args:
        counts: the file, or the files of a tool that writes one a sample.
        samples, columns, label, keep: as for `read_samples`.
        folds: number of outer folds, if a classifier is to be cross-validated.
        accept_tied_batch: go on although every batch holds one class only (see `decidua.confounding`).
        reading: how the counts are read, as for `read_any_counts`.

    Raises:
        InputError: every problem of all files, and of one against the other.
    """
    files = _files(counts)
    sheet, problems = _attempt(read_sheet, samples, columns, label, keep, folds, accept_tied_batch)
    known = sheet.every if sheet else ()
    matrix, more = _attempt(read_any_counts, files, known, reading)
    names = (
        list(matrix.columns) if matrix is not None else _attempt(any_sample_names, files, known, reading)[0]
    )
    problems += more
    if sheet is not None:
        problems += sheet.problems
        if names is not None:
            problems += _match_problems(names, sheet, files, samples)
    if problems:
        raise InputError(problems)
    return Study(matrix[sheet.kept["sample"].tolist()], sheet.kept)


def check_study(
    counts: str | Path | Sequence[str | Path],
    samples: str | Path,
    columns: Mapping[str, Any] | None = None,
    label: Mapping[str, Any] | None = None,
    keep: Mapping[str, Any] | None = None,
    folds: int | None = None,
    accept_tied_batch: bool = False,
    reading: Mapping[str, Any] | None = None,
) -> Size:
    """As `read_study`, but of counts larger than `SMALL` bytes only the names: cheap enough before a run.

    Args:
        counts: no files at all where they are yet to be downloaded: then the sheet alone is looked at.

    Raises:
        InputError: every problem found.
    """
    files = _files(counts)
    size = sum(Path(file).stat().st_size for file in files if Path(file).is_file())
    if files and size <= SMALL:
        study = read_study(files, samples, columns, label, keep, folds, accept_tied_batch, reading)
        return Size(len(study.counts), _members(study.samples))
    sheet, problems = _attempt(read_sheet, samples, columns, label, keep, folds, accept_tied_batch)
    if sheet is not None:
        problems += sheet.problems
    if files:
        names, more = _attempt(any_sample_names, files, sheet.every if sheet else (), reading)
        problems += more
        if names is not None:
            problems += _attempt(check_names, files, sheet.every if sheet else (), reading)[1]
        if sheet is not None and names is not None:
            problems += _match_problems(names, sheet, files, samples)
    if problems:
        raise InputError(problems)
    return Size(None, _members(sheet.kept))


def _members(samples: pd.DataFrame) -> int:
    """Samples, or groups of them, of the smaller class."""
    unit = "group" if samples["group"].notna().any() else "sample"
    return int(samples.groupby("label")[unit].nunique().min())


def _files(counts: str | Path | Sequence[str | Path]) -> list[str]:
    return [str(counts)] if isinstance(counts, str | Path) else [str(file) for file in counts]


def _match_problems(
    names: Sequence[str],
    sheet: Sheet,
    files: Sequence[str],
    samples_file: str | Path,
) -> list[Problem]:
    several = len(files) > 1
    counts_file = str(Path(os.path.commonpath(files))) if several else files[0]
    there = set(names)
    kept = sheet.kept["sample"].dropna().unique().tolist()
    absent = [sample for sample in kept if sample not in there]
    like = {_plain(name): name for name in names}
    lost = (
        Problem(
            f"no {'file' if several else 'column'} {sample}"
            + (f" (but {like[_plain(sample)]})" if _plain(sample) in like else ""),
            f"a {'file' if several else 'column'} for each sample of the sheet",
            counts_file,
            row=None if several else 1,
        )
        for sample in absent
    )
    strange = [name for name in names if name and name not in sheet.every]
    unknown = (
        Problem(f"no row for {name}", "a row for each sample of the matrix", str(samples_file))
        for name in strange
    )
    return [
        *listed(lost, len(absent), "samples without counts", counts_file),
        *listed(unknown, len(strange), "samples without a row", str(samples_file)),
    ]


def _plain(name: str) -> str:
    """A name without what R's make.names changes: punctuation, and an X before a digit."""
    return re.sub(r"^x(?=\d)", "", re.sub(r"[^0-9a-z]", "", name.lower()))


def _attempt(read, *args) -> tuple[Any, list[Problem | str]]:
    try:
        return read(*args), []
    except InputError as error:
        return None, error.problems


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


def most_variable(matrix: np.ndarray, genes: int, least: float = 3.5) -> np.ndarray:
    """Positions of the genes (genes x samples) of the largest variance, among those of a mean of `least`.

    Raises:
        InputError: no gene is expressed enough.
    """
    expressed = np.flatnonzero(matrix.mean(axis=1) >= least)
    if not len(expressed):
        raise InputError(
            f"principal components: found no gene with a mean of {least:g} or more; expected log2 values"
        )
    variance = matrix[expressed].var(axis=1)
    return np.sort(expressed[np.argsort(-variance, kind="stable")[:genes]])


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
    chosen = most_variable(matrix, genes, least)
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
