"""How do the counts that each tool writes become one matrix of genes and samples?"""

import logging
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from decidua.count_files import (
    FEATURECOUNTS,
    names_of_alignments,
    names_of_files,
    recognised,
)
from decidua.count_matrix import (
    Cells,
    Faults,
    cell_problems,
    name_problems,
    numbers_of,
    oriented,
    read_cells,
    sample_names,
    whole_counts,
)
from decidua.errors import InputError, Problem
from decidua.input_files import UNREADABLE, first_line, listed, open_text, read_header

#: Formats whose counts are estimates, which are rounded unless that is refused.
ESTIMATES = ("salmon", "nfcore")
#: The columns of STAR's ReadsPerGene.out.tab after the gene (STAR manual, "Counting number of reads").
STRANDS = ("unstranded", "forward", "reverse")
#: Of the reads on either strand, the share on one from which a library is stranded, and the largest distance
#: from one half at which it is not: the limits that nf-core/rnaseq documents.
STRANDED, UNSTRANDED = 0.8, 0.05
#: Share of a sample's reads that transcripts without a gene may hold.
UNPLACED = 0.05
log = logging.getLogger(__name__)


def read_any_counts(
    files: Sequence[str],
    known: Collection[str] = (),
    reading: Mapping[str, Any] | None = None,
    genes: Collection[str] = (),
) -> pd.DataFrame:
    """Read counts as a tool wrote them.

    Args:
        files: a file, or those of a tool that writes a file a sample (decidua.count_files).
        known: the samples of the sheet.
        reading: `format`, one of decidua.count_files.FORMATS; `transcripts` of Salmon, a table for
            `genes_of`; `strandedness` of STAR's counts; `layer` of an h5ad file; `round`, whether fractions
            are rounded: by default those of Salmon and nf-core/rnaseq.
        genes: where there is no sheet, the genes by which rows and columns are told (see `oriented`).

    Returns:
        As `read_counts`.

    Raises:
        InputError: every problem of the files, as far as one does not hide another.
    """
    reading = reading or {}
    kind = recognised(files, reading.get("format") or "auto")
    rounding = reading.get("round")
    rounding = kind in ESTIMATES if rounding is None else rounding
    if kind == "star":
        cells = _star(files, known, reading.get("strandedness"))
    elif kind == "salmon":
        cells = _salmon(files, known, reading.get("transcripts"))
    elif kind == "h5ad":
        cells = oriented(_h5ad(files[0], reading.get("layer")), known, genes)
    elif kind == "featurecounts":
        cells = _featurecounts(files[0], known)
    elif kind == "nfcore":
        cells = _nfcore(files[0])
    else:
        cells = oriented(read_cells(files[0]), known, genes)
    return whole_counts(cells, rounding)


def any_sample_names(
    files: Sequence[str], known: Collection[str] = (), reading: Mapping[str, Any] | None = None
) -> list[str]:
    """The samples of counts, without reading the counts.

    Raises:
        InputError: the names cannot be read.
    """
    kind = recognised(files, (reading or {}).get("format") or "auto")
    if kind in ("star", "salmon"):
        return names_of_files(files, kind, known)
    if kind == "h5ad":
        samples, genes = _h5ad_names(files[0])
        return genes if set(known) & set(genes) and not set(known) & set(samples) else samples
    if kind == "featurecounts":
        skip, leave = _featurecounts_layout(files[0])
        columns = _alignments(sample_names(files[0], skip=skip, leave=leave), files[0])
        return names_of_alignments(columns, known)
    if kind == "nfcore":
        return sample_names(files[0], leave=_nfcore_layout(files[0]))
    return sample_names(files[0], known)


def check_names(
    files: Sequence[str], known: Collection[str] = (), reading: Mapping[str, Any] | None = None
) -> None:
    """Whether an h5ad file has the layer asked for, and names that can be used; without reading the counts.

    Files of other formats pass: their names are as good as their counts, which the first job reads.

    Raises:
        InputError: what is wrong with the layer or with the names of samples and genes.
    """
    reading = reading or {}
    if recognised(files, reading.get("format") or "auto") != "h5ad":
        return
    samples, genes = _h5ad_names(files[0])
    problems: list[Problem | str] = []
    with _opened(files[0]) as store:
        try:
            _place_of_counts(store, files[0], reading.get("layer"))
        except InputError as error:
            problems += error.problems
    cells = Cells(pd.Series(samples, dtype="string"), genes, (), files[0], samples_as_rows=True)
    problems += name_problems(oriented(cells, known))
    if problems:
        raise InputError(problems)


# ---- featureCounts


def _featurecounts(file: str, known: Collection[str]) -> Cells:
    skip, leave = _featurecounts_layout(file)
    cells = read_cells(file, skip, leave)
    kept = _alignments(cells.names, file)
    columns = [column for name, column in zip(cells.names, cells.columns, strict=True) if name in set(kept)]
    names = names_of_alignments(kept, known)
    _require_different(names, kept, file)
    return Cells(cells.rows, names, columns, file)


def _featurecounts_layout(file: str) -> tuple[int, int]:
    """The lines above the header, and the columns between gene and samples."""
    try:
        with open_text(Path(file)) as handle:
            skip = int(handle.readline(2).startswith("#"))
        names = read_header(Path(file), file, skip)[0]
    except UNREADABLE as error:
        raise InputError(Problem(first_line(error), "a complete, readable file", file)) from None
    if tuple(names[: len(FEATURECOUNTS)]) != FEATURECOUNTS:
        raise InputError(
            Problem(
                f"the columns {', '.join(names[: len(FEATURECOUNTS)])}",
                f"{', '.join(FEATURECOUNTS)} and a column a sample, as featureCounts writes them",
                file,
                row=skip + 1,
            )
        )
    return skip, len(FEATURECOUNTS) - 1


def _alignments(columns: list[str], file: str) -> list[str]:
    """The columns of alignment files: attributes that featureCounts was asked to add are none."""
    named = [column for column in columns if column.lower().endswith((".bam", ".sam", ".cram"))]
    if not named or len(named) == len(columns):
        return columns
    others = [column for column in columns if column not in set(named)]
    log.info("%s: left out the columns %s, which are not of an alignment file", file, ", ".join(others))
    return named


def _require_different(names: Sequence[str], sources: Sequence[str], file: str = "") -> None:
    """Refuse two files or columns that would be the same sample."""
    by_name: dict[str, list[str]] = {}
    for name, source in zip(names, sources, strict=True):
        by_name.setdefault(name, []).append(source)
    problems = [
        Problem(f"{' and '.join(twice)}, which all would be the sample {name}", "one a sample", file)
        for name, twice in by_name.items()
        if len(twice) > 1
    ]
    if problems:
        raise InputError(problems)


# ---- STAR


def _star(files: Sequence[str], known: Collection[str], strandedness: str | None) -> Cells:
    names = names_of_files(files, "star", known)
    _require_different(names, files)
    tables = _each(files, lambda file: _text_table(file, ["gene", *STRANDS], header=False))
    tables = [table.filter(_of_genes(table.column(0))) for table in tables]
    rows = _same_rows([table.column(0) for table in tables], files, "genes")
    strand = strandedness or _detected(names, tables, files)
    return Cells(rows, names, [table.column(strand) for table in tables], list(files))


def _of_genes(genes: pa.ChunkedArray) -> pa.Array:
    """Which rows are genes: the first four are reads without one."""
    summary = ["N_unmapped", "N_multimapping", "N_noFeature", "N_ambiguous"]
    return pa.array(~np.isin(genes.to_numpy(zero_copy_only=False), summary))


def _detected(names: Sequence[str], tables: Sequence[pa.Table], files: Sequence[str]) -> str:
    """The strand on which the reads of every library lie.

    Raises:
        InputError: it cannot be told, or differs between samples.
    """
    shares = {}
    for name, table in zip(names, tables, strict=True):
        forward, reverse = (numbers_of(table.column(strand), 0, {}).sum() for strand in STRANDS[1:])
        shares[name] = forward / (forward + reverse) if forward + reverse else np.nan
    verdicts = {name: _verdict(share) for name, share in shares.items()}
    if len(set(verdicts.values())) == 1 and None not in verdicts.values():
        strand = next(iter(verdicts.values()))
        low, high = min(shares.values()), max(shares.values())
        log.info("strandedness: %s, for %.1f to %.1f%% of reads lie forward", strand, 100 * low, 100 * high)
        return strand
    shown = (
        Problem(
            f"{100 * share:.0f}% of the stranded reads forward ({verdicts[name] or 'undecided'})"
            if np.isfinite(share)
            else "no reads",
            "the same clear strandedness in every sample, or `strandedness:` of the study",
            file,
        )
        for (name, share), file in zip(shares.items(), files, strict=True)
    )
    raise InputError(listed(shown, len(shares), "samples", files[0]))


def _verdict(forward: float) -> str | None:
    if forward >= STRANDED:
        return "forward"
    if forward <= 1 - STRANDED:
        return "reverse"
    return "unstranded" if abs(forward - 0.5) <= UNSTRANDED else None


# ---- Salmon


def _salmon(files: Sequence[str], known: Collection[str], transcripts: str | None) -> Cells:
    names = names_of_files(files, "salmon", known)
    _require_different(names, files)
    if transcripts is None:
        raise InputError(Problem("no `transcripts:`", "a table of transcripts and their genes", files[0]))
    tables = _each(files, lambda file: _text_table(file, ["Name", "NumReads"]))
    rows = _same_rows([table.column(0) for table in tables], files, "transcripts")
    genes = genes_of(rows, transcripts)
    codes, found = pd.factorize(genes, sort=True)  # -1: a transcript without a gene
    faults: Faults = {}
    columns, lost = [], []
    for j, table in enumerate(tables):
        reads = numbers_of(table.column(1), j, faults)
        columns.append(pa.array(np.bincount(codes[codes >= 0], reads[codes >= 0], minlength=len(found))))
        lost.append(reads[codes < 0].sum() / max(reads.sum(), 1))
    problems = cell_problems(faults, Cells(rows, names, (), list(files)))
    problems += _unplaced_problems(lost, genes, rows, files, transcripts)
    if problems:
        raise InputError(problems)
    log.info(
        "reads of %d transcripts were summed to %d genes; these estimates are rounded, and differences in "
        "the lengths of the transcripts in use (tximport's offset) are not modelled",
        int((codes >= 0).sum()),
        len(found),
    )
    return Cells(pd.Series(found, dtype="string"), names, columns, list(files))


def genes_of(transcripts: Sequence[str], table: str) -> pd.Series:
    """The gene of each transcript; NA where the table has none.

    Args:
        transcripts: names such as ENST00000456328.2, or that followed by a bar and more, as GENCODE writes.
        table: .tsv, .csv or .txt (plain or .gz): transcript, gene in the first two columns; a header does not
            matter. A transcript is looked up as it stands, then without what follows the bar, then without
            its version, which the table's may lack or have.

    Raises:
        InputError: the table cannot be read; a transcript of two genes.
    """
    pairs = _pairs(table)
    names = pd.Series(transcripts, dtype="string")
    bare = names.str.partition("|")[0]
    genes = names.map(pairs).fillna(bare.map(pairs))
    if genes.isna().any():
        versionless = pd.Series(pairs.to_numpy(), index=_without_version(pairs.index))
        of_two = versionless.groupby(level=0).nunique()
        versionless = versionless[~versionless.index.duplicated()]
        versionless = versionless.drop(of_two.index[of_two > 1])  # which of the two cannot be told
        genes = genes.fillna(_without_version(bare).map(versionless))
    return genes.astype("string")


def _without_version(names: Any) -> Any:
    return names.str.replace(r"\.\d+$", "", regex=True)


def _pairs(table: str) -> pd.Series:
    try:
        separator = read_header(Path(table), table)[1]
        pairs = pd.read_csv(
            table, sep=separator, header=None, usecols=[0, 1], dtype="string", keep_default_na=False
        )
    except UNREADABLE as error:
        raise InputError(Problem(first_line(error), "a complete, readable file", table)) from None
    except (pd.errors.ParserError, ValueError):
        raise InputError(Problem("one column", "transcript and gene, tab or comma", table)) from None
    pairs = pairs.apply(lambda column: column.str.strip())
    pairs = pairs[(pairs[0] != "") & (pairs[1] != "")].drop_duplicates()
    twice = pairs[0][pairs[0].duplicated()].unique()
    if len(twice):
        found = (
            Problem(f"the genes {', '.join(pairs.loc[pairs[0] == name, 1])}", "one gene", table, row=name)
            for name in twice
        )
        raise InputError(listed(found, len(twice), "transcripts", table))
    return pairs.set_index(0)[1]


def _unplaced_problems(
    lost: Sequence[float], genes: pd.Series, rows: pd.Series, files: Sequence[str], table: str
) -> list[Problem]:
    """Samples that would lose too many reads; fewer are told."""
    without = rows[genes.isna().to_numpy()]
    if not len(without):
        return []
    if len(without) == len(rows):
        return [
            Problem(
                f"none of the transcripts, such as {without.iloc[0]}",
                "transcript and gene in the first two columns, of the annotation that Salmon used",
                table,
            )
        ]
    log.info("%d transcripts without a gene, with at most %.2f%% of a sample's reads, were left out",
             len(without), 100 * max(lost))  # fmt: skip
    much = [(share, file) for share, file in zip(lost, files, strict=True) if share > UNPLACED]
    found = (
        Problem(
            f"{100 * share:.1f}% of the reads in transcripts without a gene, such as {without.iloc[0]}",
            f"at most {100 * UNPLACED:.0f}%, by a more complete {table}",
            file,
        )
        for share, file in much
    )
    return listed(found, len(much), "samples", files[0])


# ---- nf-core/rnaseq


def _nfcore(file: str) -> Cells:
    name = Path(file).name
    if "tpm" in name.lower() or "length" in name.lower().replace("length_scaled", ""):
        raise InputError(Problem("TPM or lengths", "one of the files *gene_counts*.tsv", file))
    log.info(
        "%s: estimates of Salmon, rounded; %s",
        name,
        "scaled to the library" if "scaled" in name else "the lengths of transcripts in use are not modelled",
    )
    return read_cells(file, leave=_nfcore_layout(file))


def _nfcore_layout(file: str) -> int:
    """The columns between gene and samples: the symbol, where it is there."""
    try:
        names = read_header(Path(file), file)[0]
    except UNREADABLE as error:
        raise InputError(Problem(first_line(error), "a complete, readable file", file)) from None
    if names[0] != "gene_id":
        raise InputError(Problem(f"{names[0]!r} first", "gene_id, as nf-core/rnaseq writes", file, row=1))
    return int(names[1:2] == ["gene_name"])


# ---- h5ad


def _h5ad(file: str, layer: str | None) -> Cells:
    from scipy.sparse import issparse

    samples, genes = _h5ad_names(file)
    with _opened(file) as store:
        where = _place_of_counts(store, file, layer)
        values = _element(store[where], file)
    values = values.tocsc() if issparse(values) else np.asarray(values)
    columns = [
        pa.array(values[:, [j]].toarray().ravel() if issparse(values) else np.ascontiguousarray(values[:, j]))
        for j in range(values.shape[1])
    ]
    return Cells(pd.Series(samples, dtype="string"), genes, columns, file, samples_as_rows=True)


def _place_of_counts(store: Any, file: str, layer: str | None) -> str:
    """Where in an h5ad file the counts are.

    Raises:
        InputError: there is no such layer, or no X.
    """
    layers = list(store.get("layers", ()))
    if layer is not None and layer not in layers:
        there = ", ".join(layers) or "no layer, and X"
        raise InputError(Problem(f"no layer {layer}", f"one of those that are there: {there}", file))
    if layer is None and "X" not in store:
        raise InputError(Problem("no X", f"`layer:` to be one of {', '.join(layers)}", file))
    return "X" if layer is None else f"layers/{layer}"


def _h5ad_names(file: str) -> tuple[list[str], list[str]]:
    """Samples and genes, by the indexes of obs and var."""
    with _opened(file) as store:
        if absent := {"obs", "var"} - set(store):
            raise InputError(Problem(f"no {' and no '.join(sorted(absent))}", "an AnnData file", file))
        found = [
            _element(store[part], file).index.astype(str).str.strip().tolist() for part in ("obs", "var")
        ]
    return found[0], found[1]


def _opened(file: str) -> Any:
    import h5py

    try:
        return h5py.File(file)
    except OSError as error:
        raise InputError(Problem(first_line(error), "a complete, readable h5ad file", file)) from None


def _element(part: Any, file: str) -> Any:
    from anndata.io import read_elem

    try:
        return read_elem(part)
    except Exception as error:  # h5py and anndata raise many kinds for a damaged file
        raise InputError(Problem(first_line(error), "a complete, readable h5ad file", file)) from None


# ---- what tools with a file a sample have in common


def _each(files: Sequence[str], read: Any) -> list[pa.Table]:
    """What reading gives for each file, or the problems of all of them."""
    tables, problems = [], []
    for file in files:
        try:
            tables.append(read(file))
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(listed(problems, len(problems), "files", files[0]))
    return tables


def _text_table(file: str, columns: list[str], header: bool = True) -> pa.Table:
    """These columns of a table with tabs; without a header, all that there are."""
    options = pa.csv.ReadOptions(use_threads=False, column_names=None if header else columns)
    try:
        return pa.csv.read_csv(
            file,
            read_options=options,
            parse_options=pa.csv.ParseOptions(delimiter="\t"),
            convert_options=pa.csv.ConvertOptions(
                include_columns=columns, column_types={columns[0]: pa.string()}, strings_can_be_null=True
            ),
        )
    except (pa.ArrowInvalid, KeyError, *UNREADABLE) as error:
        expected = f"a complete file with the columns {', '.join(columns)}, with tabs"
        raise InputError(Problem(first_line(error), expected, file)) from None


def _same_rows(columns: Sequence[pa.ChunkedArray], files: Sequence[str], what: str) -> pd.Series:
    """The rows that all files have in the same order.

    Raises:
        InputError: files with other rows than the first one.
    """
    first = columns[0].combine_chunks()
    other = [
        file for column, file in zip(columns, files, strict=True) if not column.combine_chunks().equals(first)
    ]
    if other:
        problems = (
            Problem(f"other {what}, or another order, than in {files[0]}", "the same annotation", file)
            for file in other
        )
        raise InputError(listed(problems, len(other), "files", files[0]))
    return pd.Series(first.to_pandas(), dtype="string")
