"""Counts as each tool writes them: formats as their own documentation gives them, all to the same matrix.

featureCounts: Subread users' guide; STAR: its manual, "Counting number of reads per gene"; Salmon: its
documentation of file formats; nf-core/rnaseq: its documentation of outputs; AnnData: "On-disk format".
"""

import gzip
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decidua import expression
from decidua.count_files import count_files, names_of_alignments, names_of_files
from decidua.count_formats import any_sample_names, genes_of, read_any_counts
from decidua.errors import InputError
from decidua.expression import check_study, read_study

COUNTS = pd.DataFrame({"S1": [10, 0, 7], "S2": [3, 2**31 - 1, 0]}, index=["ENSG1", "ENSG2", "7SK"])


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def problems(function, *args, **kwargs):
    with pytest.raises(InputError) as caught:
        function(*args, **kwargs)
    return str(caught.value).splitlines()


# ---- writers, one a format: each gives the arguments of read_any_counts


def plain(counts, place):
    counts.rename_axis("gene").to_csv(place / "counts.tsv", sep="\t")
    return [place / "counts.tsv"], {}


def turned(counts, place):
    with gzip.open(place / "turned.csv.gz", "wt") as handle:
        counts.T.rename_axis("sample").to_csv(handle)
    return [place / "turned.csv.gz"], {}


def parquet(counts, place):
    counts.to_parquet(place / "counts.parquet")
    return [place / "counts.parquet"], {}


def turned_parquet(counts, place):
    counts.T.rename_axis("sample").to_parquet(place / "turned.parquet")
    return [place / "turned.parquet"], {}


def featurecounts(counts, place):
    first = pd.DataFrame(
        {"Geneid": counts.index, "Chr": "1;1", "Start": "5;90", "End": "50;99", "Strand": "+;+", "Length": 56}
    )
    table = counts.set_axis([f"aligned/{name}.sorted.bam" for name in counts], axis=1).reset_index(drop=True)
    with (place / "counts.txt").open("w") as handle:
        handle.write('# Program:featureCounts v2.0.6; Command:"featureCounts" "-a" "g.gtf" "-o" "c.txt"\n')
        pd.concat([first, table], axis=1).to_csv(handle, sep="\t", index=False)
    return [place / "counts.txt"], {}


def star(counts, place, strand="reverse"):
    """Reads on one strand only, and a tenth of them on the other."""
    folder = place / "star"
    for name in counts:
        (folder / name).mkdir(parents=True)
        reads = counts[name]
        other = reads // 10
        both = {"forward": (reads, other), "reverse": (other, reads), "unstranded": (reads // 2, reads // 2)}
        columns = [reads, *both[strand]]
        rows = [f"N_{what}\t900\t900\t900" for what in ("unmapped", "multimapping", "noFeature", "ambiguous")]
        rows += [f"{gene}\t" + "\t".join(str(column[gene]) for column in columns) for gene in counts.index]
        (folder / name / "ReadsPerGene.out.tab").write_text("\n".join(rows) + "\n")
    return count_files(str(folder))[1], {"strandedness": strand}


def salmon(counts, place):
    """Two transcripts a gene, of which one has a third of the reads."""
    folder = place / "salmon"
    for name in counts:
        (folder / name).mkdir(parents=True)
        lines = ["Name\tLength\tEffectiveLength\tTPM\tNumReads"]
        for number, gene in enumerate(counts.index):
            part = round(counts.loc[gene, name] / 3, 3)
            for isoform, reads in enumerate((part, counts.loc[gene, name] - part)):
                lines.append(f"ENST{number}{isoform}.4\t1500\t1322.5\t0.5\t{reads:.3f}")
        (folder / name / "quant.sf").write_text("\n".join(lines) + "\n")
    pairs = [f"ENST{n}{i}\t{gene}\tname" for n, gene in enumerate(counts.index) for i in (0, 1)]
    (place / "tx2gene.tsv").write_text("\n".join(["transcript_id\tgene_id\tgene_name", *pairs]) + "\n")
    return count_files(str(folder))[1], {"transcripts": str(place / "tx2gene.tsv")}


def nfcore(counts, place):
    table = counts.astype(float).rename_axis("gene_id").reset_index()
    table.insert(1, "gene_name", "symbol")
    table.to_csv(place / "salmon.merged.gene_counts.tsv", sep="\t", index=False)
    return [place / "salmon.merged.gene_counts.tsv"], {}


def h5ad(counts, place, layer=None):
    from anndata import AnnData
    from scipy.sparse import csr_matrix

    values = csr_matrix(counts.T.to_numpy(dtype="float64"))
    data = AnnData(
        X=values if layer is None else values * 0.37,
        obs=pd.DataFrame(index=counts.columns.astype(object)),
        var=pd.DataFrame(index=counts.index.astype(object)),
        layers={} if layer is None else {layer: values},
    )
    data.write_h5ad(place / "counts.h5ad")
    return [place / "counts.h5ad"], {} if layer is None else {"layer": layer}


WRITERS = [plain, turned, parquet, turned_parquet, featurecounts, star, salmon, nfcore, h5ad]


@st.composite
def matrices(draw):
    """Counts with a read in every sample, genes and samples named as tools may name them."""
    genes, samples = draw(st.integers(1, 5)), draw(st.integers(2, 4))
    values = draw(
        st.lists(
            st.lists(st.integers(0, 10**6), min_size=samples, max_size=samples),
            min_size=genes,
            max_size=genes,
        )
    )
    names = draw(
        st.lists(
            st.from_regex(r"[A-Z0-9][A-Za-z0-9]{0,3}([._-][A-Za-z0-9]{1,3})?", fullmatch=True),
            min_size=samples, max_size=samples, unique=True,
        )
    )  # fmt: skip
    counts = pd.DataFrame(values, index=[f"ENSG{i}.{i}" for i in range(genes)], columns=names)
    return counts + (counts.sum() == 0)


@pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.__name__)
@settings(max_examples=4)
@given(counts=matrices())
def test_every_format_gives_the_same_matrix(writer, counts):
    with tempfile.TemporaryDirectory() as folder:
        files, reading = writer(counts, Path(folder))
        files = list(map(str, files))
        read = read_any_counts(files, list(counts), reading)
        assert (read.index.name, read.columns.name, set(read.dtypes)) == (
            "gene",
            "sample",
            {np.dtype("int32")},
        )
        pd.testing.assert_frame_equal(
            read.sort_index()[counts.columns], counts.sort_index(), check_dtype=False, check_names=False
        )
        assert sorted(any_sample_names(files, list(counts), reading)) == sorted(counts)


# ---- which files


def test_a_folder_is_told_by_the_names_of_its_files():
    for writer in (star, salmon):
        writer(COUNTS, Path())
        kind, files = count_files(writer.__name__)
        assert kind == writer.__name__
        assert files == [
            f"{kind}/S{i}/{'ReadsPerGene.out.tab' if kind == 'star' else 'quant.sf'}" for i in (1, 2)
        ]
    Path("flat").mkdir()
    for name in ("S1_", "S2.", "S3"):
        Path(f"flat/{name}ReadsPerGene.out.tab").touch()
    assert names_of_files(count_files("flat", "star")[1], "star", ["S2."]) == ["S1", "S2.", "S3"]


def test_a_folder_of_several_kinds_or_of_none_says_what_it_may_be():
    salmon(COUNTS, Path())
    nfcore(COUNTS, Path("salmon"))
    assert problems(count_files, "salmon") == [
        "salmon: found quant.sf and salmon.merged.gene_counts.tsv; "
        "expected `format:` to be one of salmon, nfcore"
    ]
    assert count_files("salmon", "nfcore")[1] == ["salmon/salmon.merged.gene_counts.tsv"]
    assert problems(count_files, "salmon", "star") == [
        "salmon: found a folder with no such file; expected <sample>ReadsPerGene.out.tab or "
        "<sample>/ReadsPerGene.out.tab"
    ]
    assert problems(count_files, "nowhere") == [
        "nowhere: found no such file; expected the path of a file or folder"
    ]


# ---- orientation


def test_samples_on_both_sides_are_refused():
    Path("counts.tsv").write_text("x\tS1\tS2\nS1\t1\t2\nB\t3\t4\n")
    assert problems(read_any_counts, ["counts.tsv"], ["S1", "S2"]) == [
        "counts.tsv: found samples of the sheet as rows (S1) and as columns (S1, S2); "
        "expected the samples on one side"
    ]


def test_bad_cells_of_a_turned_matrix_are_named_as_the_file_has_them():
    Path("counts.csv").write_text("sample,A,B\nS1,1,x\nS2,2.5,-3\nS3,0,0\n")
    assert problems(read_any_counts, ["counts.csv"], ["S1", "S2", "S3"]) == [
        "counts.csv, row S1, column B: found 'x'; expected a whole number of reads, 0 or more",
        "counts.csv, row S2, column B: found -3; expected a whole number of reads, 0 or more",
        "counts.csv, row S2, column A: found 2.5; expected a whole number of reads, 0 or more "
        "(`round: true` rounds estimates)",
        "counts.csv, row S3: found no reads in any gene; expected a sequenced sample",
    ]


def test_a_large_turned_matrix_is_checked_by_its_first_column(monkeypatch):
    turned(COUNTS, Path())
    Path("samples.tsv").write_text("sample\tlabel\nS1\tcase\nS3\tcontrol\n")
    monkeypatch.setattr(expression, "SMALL", 0)
    assert problems(check_study, "turned.csv.gz", "samples.tsv") == [
        "turned.csv.gz, row 1: found no column S3; expected a column for each sample of the sheet",
        "samples.tsv: found no row for S2; expected a row for each sample of the matrix",
    ]


# ---- rounding


def test_fractions_are_rounded_where_that_is_asked_for_and_to_the_even_neighbour_as_in_r(caplog):
    Path("counts.tsv").write_text("gene\tS1\nA\t0.5\nB\t1.5\nC\t2.4999\nD\t7\n")
    with caplog.at_level("INFO"):
        assert read_any_counts(["counts.tsv"], reading={"round": True})["S1"].tolist() == [0, 2, 2, 7]
    assert "3 fractional counts were rounded" in caplog.text
    assert len(problems(read_any_counts, ["counts.tsv"])) == 3


# ---- featureCounts


def test_columns_of_alignment_files_become_samples():
    columns = [
        "/a/S1.sorted.bam",
        "b/S1.2Aligned.sortedByCoord.out.bam",
        "S3_sorted.markdup.bam",
        "S4/Aligned.out.sam",
    ]
    assert names_of_alignments(columns) == ["S1", "S1.2", "S3", "S4"]
    assert names_of_alignments(["x/S5.sorted.bam", "S6.bam"], ["S5.sorted", "S6.bam"]) == [
        "S5.sorted",
        "S6.bam",
    ]


def test_two_alignments_of_one_sample_are_refused():
    files, _ = featurecounts(COUNTS.set_axis(["S1", "S1.dedup"], axis=1), Path())
    assert problems(read_any_counts, ["counts.txt"]) == [
        "counts.txt: found aligned/S1.sorted.bam and aligned/S1.dedup.sorted.bam, which all would be the "
        "sample S1; expected one a sample"
    ]
    assert list(read_any_counts(["counts.txt"], ["S1", "S1.dedup"])) == ["S1", "S1.dedup"]


def test_attributes_that_featurecounts_was_asked_for_are_no_samples(caplog):
    featurecounts(COUNTS, Path())
    lines = Path("counts.txt").read_text().splitlines()
    for i, added in enumerate(["gene_name", "a", "b", "c"], start=1):
        cells = lines[i].split("\t")
        lines[i] = "\t".join([*cells[:6], added, *cells[6:]])
    Path("counts.txt").write_text("\n".join(lines) + "\n")
    with caplog.at_level("INFO"):
        assert list(read_any_counts(["counts.txt"], ["S1", "S2"])) == ["S1", "S2"]
    assert "left out the columns gene_name" in caplog.text


# ---- STAR


@pytest.mark.parametrize("strand", ["forward", "reverse", "unstranded"])
def test_strandedness_is_told_by_the_reads_on_either_strand(strand, caplog):
    files, _ = star(COUNTS.clip(upper=10) * 1000, Path(), strand)
    with caplog.at_level("INFO"):
        read = read_any_counts(files)
    assert read.loc["ENSG1", "S1"] == 10_000 and "N_unmapped" not in read.index
    assert f"strandedness: {strand}" in caplog.text


def test_strandedness_that_is_not_clear_or_not_the_same_is_refused():
    star(COUNTS[["S1"]], Path(), "forward")
    star(COUNTS[["S2"]], Path(), "reverse")
    same = "expected the same clear strandedness in every sample, or `strandedness:` of the study"
    assert problems(read_any_counts, count_files("star")[1]) == [
        f"star/S1/ReadsPerGene.out.tab: found 94% of the stranded reads forward (forward); {same}",
        f"star/S2/ReadsPerGene.out.tab: found 9% of the stranded reads forward (reverse); {same}",
    ]


def test_files_of_other_annotations_and_broken_files_are_named():
    star(COUNTS, Path())
    files = count_files("star")[1]
    Path(files[1]).write_text(Path(files[1]).read_text().replace("7SK", "8SK"))
    assert problems(read_any_counts, files) == [
        "star/S2/ReadsPerGene.out.tab: found other genes, or another order, than in "
        "star/S1/ReadsPerGene.out.tab; expected the same annotation"
    ]
    for file in files:
        Path(file).write_text("A\t1\t2\n")
    assert [line.split(":")[0] for line in problems(read_any_counts, files)] == files


# ---- Salmon


def test_transcripts_find_their_gene_with_or_without_version_and_bar():
    Path("t.csv").write_text("ENST1.2,G1\nENST2,G2\nENST3.1,G3\nENST3.2,G4\n\n")
    names = ["ENST1.2", "ENST1.9", "ENST2.5|ENSG7|x", "ENST3.2", "ENST3", "ERCC"]
    assert genes_of(names, "t.csv").fillna("").tolist() == ["G1", "G1", "G2", "G4", "", ""]


def test_a_transcript_of_two_genes_is_refused():
    Path("t.tsv").write_text("T1\tG1\nT1\tG2\nT2\tG2\nT2\tG2\n")
    assert problems(genes_of, ["T1"], "t.tsv") == ["t.tsv, row T1: found the genes G1, G2; expected one gene"]


def test_reads_are_rounded_after_they_were_summed():
    Path("q/S1").mkdir(parents=True)
    Path("q/S1/quant.sf").write_text(
        "Name\tLength\tEffectiveLength\tTPM\tNumReads\nT1\t9\t9\t1\t0.4\nT2\t9\t9\t1\t0.4\nT3\t9\t9\t1\t5.2\n"
    )
    Path("t.csv").write_text("T1,G1\nT2,G1\nT3,G2\n")
    read = read_any_counts(["q/S1/quant.sf"], reading={"transcripts": "t.csv"})
    assert read["S1"].to_dict() == {"G1": 1, "G2": 5}


def test_reads_without_a_gene_are_told_and_many_of_them_refused(caplog):
    files, reading = salmon(COUNTS, Path())  # of S1, 7 of 17 reads are of 7SK
    table = Path("tx2gene.tsv")
    lines = table.read_text().splitlines()
    table.write_text("\n".join(lines[:-2]) + "\n")
    assert problems(read_any_counts, files, reading=reading) == [
        "salmon/S1/quant.sf: found 41.2% of the reads in transcripts without a gene, such as ENST20.4; "
        "expected at most 5%, by a more complete tx2gene.tsv"
    ]
    table.write_text("\n".join([*lines[:3], *lines[5:]]) + "\n")
    Path("other.csv").write_text("G1,T1\n")
    (line,) = problems(read_any_counts, files, reading={"transcripts": "other.csv"})
    assert line.startswith(
        "other.csv: found none of the transcripts, such as ENST00.4; expected transcript and gene"
    )


def test_bad_numbers_of_reads_are_named_by_file_and_transcript():
    files, reading = salmon(COUNTS, Path())
    Path(files[0]).write_text(Path(files[0]).read_text().replace("3.333", "-3"))
    (line,) = problems(read_any_counts, files, reading=reading)
    assert line.startswith("salmon/S1/quant.sf, row ENST00.4, column S1: found -3; expected")


# ---- values that are no counts


def expected_counts():
    """As Salmon estimates them: 60 genes, from a few reads to thousands, hardly one of them whole."""
    return pd.DataFrame(
        {
            name: [round(depth * 1.13**i + 0.37, 3) for i in range(60)]
            for name, depth in (("S1", 3), ("S2", 5))
        },
        index=[f"G{i}" for i in range(60)],
    )


@pytest.mark.parametrize("rounding", [True, None])
@pytest.mark.parametrize("writer", [plain, turned])
def test_logarithms_and_shares_are_refused_whether_or_not_fractions_are_rounded(writer, rounding):
    counts = expected_counts()
    cpm = counts / counts.sum() * 1e6
    for values, what in (
        (np.log2(counts + 1), "none is above 12.73, as of logarithms"),  # log2(5 * 1.13**59 + 1.37) = 12.726
        (np.log2(cpm + 0.1) - 5, "as of logarithms"),
        (cpm.round(3), "add up to a million in each sample, as TPM or CPM do"),
    ):
        files, _ = writer(values, Path())
        lines = problems(read_any_counts, list(map(str, files)), ["S1", "S2"], {"round": rounding})
        found = [line for line in lines if line.endswith("reads, not transformed or normalised")]
        assert len(found) == 1 and what in found[0] and "of which" in found[0]
        assert not any("`round: true`" in line for line in lines)


def test_a_spreadsheet_is_no_matrix_and_text_of_another_encoding_says_so():
    for name, content in (("c.xlsx", b"PK\xec\x03"), ("c.tsv", "gene\tS\xe4\nA\t1\n".encode("latin-1"))):
        Path(name).write_bytes(content)
    assert problems(read_any_counts, ["c.xlsx"]) == [
        "c.xlsx: found the ending '.xlsx'; expected .tsv, .csv, .txt (or .gz of it), .parquet"
    ]
    assert problems(read_any_counts, ["c.tsv"]) == [
        "c.tsv: found text that is not UTF-8, or no text; expected a complete, readable file"
    ]


def test_estimates_and_small_whole_counts_are_no_logarithms():
    files, _ = plain(expected_counts(), Path())
    rounded = read_any_counts(list(map(str, files)), ["S1", "S2"], {"round": True})
    assert rounded["S1"].iloc[0] == 3  # of 3.37
    few = pd.DataFrame({f"S{j}": [(i + j) % 7 for i in range(60)] for j in range(4)}).rename("G{}".format)
    files, _ = plain(few, Path())
    assert read_any_counts(list(map(str, files)), list(few), {"round": True}).equals(
        few.astype("int32").rename_axis("gene").rename_axis(columns="sample")
    )


# ---- nf-core/rnaseq and AnnData


def test_tpm_are_not_counts():
    nfcore(COUNTS, Path())
    Path("salmon.merged.gene_counts.tsv").rename("salmon.merged.gene_tpm.tsv")
    (line,) = problems(read_any_counts, ["salmon.merged.gene_tpm.tsv"])
    assert line.endswith("expected one of the files *gene_counts*.tsv")


def test_scaled_estimates_are_rounded_and_a_refusal_of_rounding_is_kept():
    table = (COUNTS + 0.25).rename_axis("gene_id").reset_index()
    table.insert(1, "gene_name", "x")
    name = "salmon.merged.gene_counts_length_scaled.tsv"
    table.iloc[:, [0, 1, 2]].to_csv(name, sep="\t", index=False)
    assert read_any_counts([name])["S1"].tolist() == COUNTS["S1"].tolist()
    assert len(problems(read_any_counts, [name], reading={"round": False})) == 3


def test_a_layer_is_read_and_what_is_not_whole_or_not_there_is_refused():
    files, reading = h5ad(COUNTS, Path(), layer="counts")
    assert read_any_counts(["counts.h5ad"], reading=reading).to_dict() == COUNTS.to_dict()
    assert "found 3.7; expected a whole number" in problems(read_any_counts, ["counts.h5ad"])[0]
    assert problems(read_any_counts, ["counts.h5ad"], reading={"layer": "raw"}) == [
        "counts.h5ad: found no layer raw; expected one of those that are there: counts"
    ]
    Path("bad.h5ad").write_bytes(Path("counts.h5ad").read_bytes()[:900])
    (line,) = problems(read_any_counts, ["bad.h5ad"])
    assert line.endswith("expected a complete, readable h5ad file")


def test_of_a_large_h5ad_the_layer_and_the_names_are_checked_before_the_run(monkeypatch):
    twice = COUNTS.set_axis(["ENSG1", "ENSG1", ""], axis=0).assign(S3=1)
    with pytest.warns(UserWarning, match="names are not unique"):
        h5ad(twice, Path(), layer="counts")
    Path("samples.tsv").write_text("sample\tlabel\nS1\tcase\nS2\tcontrol\nS4\tcontrol\n")
    monkeypatch.setattr(expression, "SMALL", 0)
    assert problems(check_study, "counts.h5ad", "samples.tsv", reading={"layer": "raw"}) == [
        "counts.h5ad: found no layer raw; expected one of those that are there: counts",
        "counts.h5ad, row 1: found no name in column 4; expected a gene's name",
        "counts.h5ad, column ENSG1: found 2 columns of this gene; expected one column a gene",
        "counts.h5ad, row 1: found no column S4; expected a column for each sample of the sheet",
        "samples.tsv: found no row for S3; expected a row for each sample of the matrix",
    ]


# ---- with the sheet


def test_a_study_of_a_folder_names_missing_files_and_rows(monkeypatch):
    files, reading = star(COUNTS, Path())
    Path("samples.tsv").write_text("sample\tlabel\nS1\tcase\nS3\tcontrol\n")
    expected = [
        "star: found no file S3; expected a file for each sample of the sheet",
        "samples.tsv: found no row for S2; expected a row for each sample of the matrix",
    ]
    assert problems(read_study, files, "samples.tsv", reading=reading) == expected
    monkeypatch.setattr(expression, "SMALL", 0)
    assert problems(check_study, files, "samples.tsv", reading=reading) == expected
