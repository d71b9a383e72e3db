"""Which files hold a study's counts, and which tool wrote them? Told from names and first lines alone."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from decidua.errors import InputError, Problem
from decidua.input_files import UNREADABLE, first_line, open_text

#: What `format:` of a study may say; "auto" goes by the names of the files and the first line.
FORMATS = ("auto", "matrix", "featurecounts", "star", "salmon", "nfcore", "h5ad")
#: How the file of one sample ends, for the tools that write a file a sample.
ENDINGS = {"star": "ReadsPerGene.out.tab", "salmon": "quant.sf"}
#: The matrix of the unscaled counts in a folder of nf-core/rnaseq.
NFCORE = "salmon.merged.gene_counts.tsv"
EXCEL = (".xlsx", ".xls", ".xlsm", ".ods")
#: What a folder of a tool holds, in words.
PATTERNS = {
    "star": "<sample>ReadsPerGene.out.tab or <sample>/ReadsPerGene.out.tab",
    "salmon": "<sample>/quant.sf",
    "nfcore": NFCORE,
}
#: The first columns of a table of featureCounts (Subread users' guide); a column a sample follows.
FEATURECOUNTS = ("Geneid", "Chr", "Start", "End", "Strand", "Length")
#: What aligners and tools for alignments add to a sample's name, taken off from the end one by one.
ADDED = re.compile(
    r"[._-]?(bam|sam|cram|sort|sorted|srt|sortedByCoord|sortedByName|out|Aligned|toTranscriptome|markdup|mkdup|"
    r"dedup|rmdup|umi_dedup|filtered|primary|hisat2|accepted_hits)$"
)


def count_files(path: str, declared: str = "auto") -> tuple[str, list[str]]:
    """The format of a study's counts as far as names tell it, and their files.

    Args:
        path: a file, or a folder with a file a sample: `<sample>ReadsPerGene.out.tab` or
            `<sample>/ReadsPerGene.out.tab` of STAR, `<sample>/quant.sf` of Salmon, each plain or .gz; or the
            folder of nf-core/rnaseq with salmon.merged.gene_counts.tsv.
        declared: one of `FORMATS`.

    Returns:
        One of `FORMATS`, "auto" where the first line must tell; and the paths, sorted.

    Raises:
        InputError: no such file or folder; a folder with nothing that is known, or with more than one kind.
    """
    place = Path(path)
    if place.is_file():
        if declared in ENDINGS:
            raise InputError(Problem("a file", f"the folder of the files *{ENDINGS[declared]}", path))
        return ("h5ad" if declared == "auto" and place.suffix == ".h5ad" else declared), [path]
    if not place.is_dir():
        raise InputError(Problem("no such file", "the path of a file or folder", path))
    found = {kind: files for kind in ENDINGS if (files := _of_samples(place, ENDINGS[kind]))}
    if (place / NFCORE).is_file():
        found["nfcore"] = [str(place / NFCORE)]
    wanted = {kind: files for kind, files in found.items() if declared in ("auto", kind)}
    if len(wanted) == 1:
        return next(iter(wanted.items()))
    if wanted:
        kinds = " and ".join(Path(files[0]).name for files in wanted.values())
        raise InputError(Problem(kinds, f"`format:` to be one of {', '.join(wanted)}", path))
    if declared != "auto" and declared not in PATTERNS:
        raise InputError(Problem("a folder", "a file", path))
    expected = " or ".join(PATTERNS.values()) if declared == "auto" else PATTERNS[declared]
    raise InputError(Problem("a folder with no such file", expected, path))


def _of_samples(folder: Path, ending: str) -> list[str]:
    patterns = (f"*{ending}", f"*{ending}.gz", f"*/{ending}", f"*/{ending}.gz")
    return sorted({str(path) for pattern in patterns for path in folder.glob(pattern) if path.is_file()})


def recognised(files: Sequence[str], declared: str = "auto") -> str:
    """The format of files, by names and, of a single text file, its first line.

    Raises:
        InputError: the file cannot be read.
    """
    if declared != "auto":
        return declared
    for kind, ending in ENDINGS.items():
        if all(Path(file).name.removesuffix(".gz").endswith(ending) for file in files):
            return kind
    path = Path(files[0])
    if path.suffix in (".h5ad", ".parquet"):
        return "h5ad" if path.suffix == ".h5ad" else "matrix"
    if path.suffix.lower() in EXCEL or not path.is_file():
        return "matrix"  # whose reader says what it reads, or that it is not there
    try:
        with open_text(path) as handle:
            line = handle.readline(10_000)
    except UNREADABLE as error:
        raise InputError(Problem(first_line(error), "a complete, readable file", files[0])) from None
    if line.startswith("# Program:featureCounts") or line.startswith("\t".join(FEATURECOUNTS)):
        return "featurecounts"
    return "nfcore" if line.replace('"', "").startswith("gene_id\tgene_name\t") else "matrix"


def names_of_files(files: Sequence[str], kind: str, known: Iterable[str] = ()) -> list[str]:
    """The samples that the files of a tool with a file a sample are of, by their names.

    Args:
        known: the samples of the sheet: a prefix such as `S1_` is S1 unless the sheet knows it as it is.
    """
    known = set(known)
    names = []
    for file in map(Path, files):
        prefix = file.name.removesuffix(".gz").removesuffix(ENDINGS[kind]) or file.parent.name
        names.append(prefix if prefix in known else prefix.rstrip("._-") or prefix)
    return names


def names_of_alignments(columns: Sequence[str], known: Iterable[str] = ()) -> list[str]:
    """The samples that columns named after alignment files are of.

    Args:
        columns: paths such as `bam/S1.sorted.bam`, or `S1/Aligned.sortedByCoord.out.bam`, as featureCounts
            writes them.
        known: the samples of the sheet; the longest form of a name that is among them is taken, and the
            shortest where none is.
    """
    known = set(known)
    return [next((name for name in forms if name in known), forms[-1]) for forms in map(_forms, columns)]


def _forms(column: str) -> list[str]:
    """What a column's sample may be called, from the name as it stands to the barest."""
    path = Path(column.replace("\\", "/"))
    forms = [column, path.name]
    name = path.name
    while (bare := ADDED.sub("", name)) != name:
        name = bare
        if name:
            forms.append(name)
    if not name:  # nothing but what a tool added: the folder has the sample's name
        forms.append(path.parent.name or path.name)
    return forms
