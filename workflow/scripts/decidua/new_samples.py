"""Which samples is a frozen model to score, and does their matrix have the genes of that model?"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from decidua.count_formats import any_sample_names, read_any_counts
from decidua.errors import InputError
from decidua.expression import SMALL, check_study, read_study
from decidua.gene_ids import possible_names, read_identifiers
from decidua.learning.frozen import FrozenModel, read_model, score


def read_new_samples(
    files: Sequence[str],
    samples: str | None,
    sheet: Mapping[str, Any],
    reading: Mapping[str, Any],
    model: FrozenModel,
    identifiers: pd.DataFrame | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Counts (genes x samples) and, where there is a sheet, the samples kept, as of `read_study`.

    Rows and columns are told by the samples of the sheet, or without one by the genes of the model.

    Args:
        sheet: `columns`, `label` and `keep` of `read_study`.
        reading: how the counts are read, as for `read_any_counts`.
        identifiers: as from `read_identifiers`, where the matrix may use other names than the model.

    Raises:
        InputError: every problem of the files, and of one against the other.
    """
    if samples:
        study = read_study(files, samples, **sheet, reading=reading)
        return study.counts, study.samples
    genes = possible_names((*model.genes, *model.reference_genes), identifiers)
    return read_any_counts(files, (), reading, genes), None


def check_new_samples(
    files: Sequence[str],
    samples: str | None,
    sheet: Mapping[str, Any],
    reading: Mapping[str, Any],
    model: str | None,
    identifiers: str | None,
    coverage: float,
) -> None:
    """Before a run, what scoring will find wrong; of counts larger than `SMALL` bytes no more than the names.

    Args:
        model: the file of a frozen model; None: it is yet to be learned, so that its genes are not known.
        identifiers: a table for `read_identifiers`.
        coverage: least share of the model that must be found, as for `score`.

    Raises:
        InputError: every problem found.
    """
    problems: list[Any] = []
    frozen = _attempt(problems, read_model, model) if model else None
    table = _attempt(problems, read_identifiers, identifiers) if identifiers else None
    useless = problems.copy()
    if sum(Path(file).stat().st_size for file in files) > SMALL:
        if samples:
            _attempt(problems, check_study, files, samples, **sheet, reading=reading)
        else:
            _attempt(problems, any_sample_names, files, (), reading)
    elif frozen is not None and not useless:
        counts = _attempt(problems, read_new_samples, files, samples, sheet, reading, frozen, table)
        if counts is not None:
            _attempt(problems, score, frozen, counts[0], coverage, table, ", ".join(files))
    elif samples:
        _attempt(problems, check_study, files, samples, **sheet, reading=reading)
    else:
        _attempt(problems, _read_either_way, files, reading)
    if problems:
        raise InputError(problems)


def _read_either_way(files: Sequence[str], reading: Mapping[str, Any]) -> pd.DataFrame:
    """Counts whose genes nobody knows yet: they are in rows, or else in columns.

    Raises:
        InputError: what is wrong with them with the genes in rows, where neither can be read.
    """
    try:
        return read_any_counts(files, (), reading)
    except InputError as error:
        try:
            return read_any_counts(files, (), reading, any_sample_names(files, (), reading))
        except InputError:
            raise error from None


def _attempt(problems: list[Any], read: Any, *args: Any, **settings: Any) -> Any:
    try:
        return read(*args, **settings)
    except InputError as error:
        problems += error.problems
        return None
