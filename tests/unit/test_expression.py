"""Count matrices and sample sheets, good and bad, and what libraries look like."""

import gzip
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from decidua import expression
from decidua.count_matrix import read_counts
from decidua.errors import InputError
from decidua.expression import (
    check_study,
    log2_normalised,
    principal_components,
    quality,
    read_study,
    reference_of,
    size_factors,
)
from decidua.sample_sheet import read_samples

REAL = os.environ.get("DECIDUA_REAL_DATA")
MATRIX = "gene\tS1\tS2\nA\t1\t2\nB\t3\t0\n"
SHEET = "sample\tlabel\nS1\tcase\nS2\tcontrol\n"


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes a file into the working folder, so that messages name it as a user would."""
    monkeypatch.chdir(tmp_path)

    def written(text, name="counts.tsv"):
        Path(name).write_text(text, encoding="utf-8")
        return name

    return written


def problems(function, *args, **kwargs):
    with pytest.raises(InputError) as caught:
        function(*args, **kwargs)
    return str(caught.value).splitlines()


# ---- the matrix


def test_a_matrix_is_the_same_from_tsv_csv_gz_and_parquet(write, tmp_path):
    tsv = read_counts(write(MATRIX))
    assert tsv.to_dict() == {"S1": {"A": 1, "B": 3}, "S2": {"A": 2, "B": 0}}
    assert (tsv.index.name, tsv.columns.name, set(tsv.dtypes)) == ("gene", "sample", {np.dtype("int32")})
    csv = read_counts(write(MATRIX.replace("\t", ","), "counts.csv"))
    semicolons = read_counts(write(MATRIX.replace("\t", ";"), "counts.csv"))
    (tmp_path / "counts.tsv.gz").write_bytes(gzip.compress(MATRIX.encode()))
    tsv.reset_index().to_parquet("column.parquet", index=False)
    tsv.to_parquet("index.parquet")
    for other in (csv, semicolons, *map(read_counts, ["counts.tsv.gz", "column.parquet", "index.parquet"])):
        pd.testing.assert_frame_equal(other, tsv)


def test_whole_numbers_written_with_decimals_are_counts(write):
    assert read_counts(write("gene\tS1\nA\t3.0\nB\t1e3\n"))["S1"].tolist() == [3, 1000]


def test_gene_ids_that_are_numbers_stay_text(write):
    assert read_counts(write("gene\tS1\n653635\t3\n0012\t1\n")).index.tolist() == ["653635", "0012"]


def test_a_header_without_a_name_for_the_genes_as_r_writes_it_is_read(write):
    matrix = read_counts(write("S1\tS2\nA\t1\t2\nB\t3\t4\n"))
    assert matrix.loc["B"].to_dict() == {"S1": 3, "S2": 4}


def test_every_bad_cell_is_named_with_gene_sample_and_what_was_found(write):
    text = (
        "gene\tS1\tS2\tS3\tS4\nA\t-1\t2\t3\t7\nB\t1\t2.5\t3\t7\nC\t1\t2\tmany\t7\n"
        "D\t\t2\t3\tNA\nE\t1\t3000000000\t3\t7\n"
    )
    whole = "expected a whole number of reads, 0 or more"
    assert sorted(problems(read_counts, write(text))) == [
        f"counts.tsv, row A, column S1: found -1; {whole}",
        f"counts.tsv, row B, column S2: found 2.5; {whole} (`round: true` rounds estimates)",
        f"counts.tsv, row C, column S3: found 'many'; {whole}",
        f"counts.tsv, row D, column S1: found a missing cell; {whole}",
        f"counts.tsv, row D, column S4: found a missing cell; {whole}",
        f"counts.tsv, row E, column S2: found 3000000000; {whole}, at most 2147483647",
    ]


def test_many_problems_of_a_kind_are_counted_after_the_tenth(write):
    rows = "".join(f"G{i}\t{-i}\n" for i in range(1, 41))
    found = problems(read_counts, write("gene\tS1\n" + rows))
    assert len(found) == 11
    assert found[9].startswith("counts.tsv, row G10, column S1: found -10;")
    assert found[10] == (
        "counts.tsv: found 30 more cells (negative) like these; expected a whole number of reads, 0 or more"
    )


def test_repeated_and_nameless_genes_and_samples_are_told_together(write):
    text = "gene\tS1\tS1\t\nA\t1\t2\t3\nA\t1\t2\t3\n\t1\t2\t3\n"
    assert problems(read_counts, write(text)) == [
        "counts.tsv, row 4: found a row without a gene; expected an id in the first column",
        "counts.tsv, row A: found 2 rows of this gene; expected one row a gene",
        "counts.tsv, row 1: found no name in column 4; expected a sample's name",
        "counts.tsv, column S1: found 2 columns of this sample; expected one column a sample",
    ]


def test_a_sample_without_reads_is_refused(write):
    assert problems(read_counts, write("gene\tS1\tS2\nA\t0\t2\nB\t0\t0\n")) == [
        "counts.tsv, column S1: found no reads in any gene; expected a sequenced sample"
    ]


def test_lines_with_too_few_or_too_many_cells_are_named(write):
    text = "gene\tS1\tS2\nA\t1\t2\nB\t1\nC\t1\t2\t3\n"
    assert problems(read_counts, write(text)) == [
        "counts.tsv, row 3: found 2 cells; expected 3, as in the header",
        "counts.tsv, row 4: found 4 cells; expected 3, as in the header",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "found an empty first line; expected the names of the columns"),
        ("gene\tS1\n", "found no rows below the header; expected one row a gene"),
        ("gene\nA\n", "found one column only; expected a gene column and a column a sample, tab or comma"),
    ],
)
def test_a_matrix_without_content_says_what_is_missing(write, text, message):
    assert problems(read_counts, write(text)) == [f"counts.tsv: {message}"]


def test_a_file_that_is_not_there_or_of_another_kind_is_named(write):
    write(MATRIX, "counts.xls")
    assert problems(read_counts, "no.tsv") == ["no.tsv: found no such file; expected a file"]
    assert problems(read_counts, "counts.xls")[0].startswith(
        "counts.xls: found the ending '.xls'; expected .tsv"
    )


def test_a_gz_file_that_breaks_off_and_one_that_is_none_are_input_errors(write, tmp_path):
    whole = gzip.compress(("gene\tS1\n" + "".join(f"G{i}\t{i}\n" for i in range(20_000))).encode())
    (tmp_path / "broken.tsv.gz").write_bytes(whole[: len(whole) // 2])
    write(MATRIX, "plain.tsv.gz")
    for name in ("broken.tsv.gz", "plain.tsv.gz"):
        (line,) = problems(read_counts, name)
        assert line.startswith(f"{name}: found ")
        assert line.endswith("expected a complete, readable file")


# ---- the sample sheet


def test_a_sheet_is_read_by_the_studys_own_names(write):
    text = "id,pheno,woman,age,batch\nS1,RPL,w1,30,a\nS2,IVF,w2,,b\nS3,fertile,w2,28,b\n"
    columns = {"sample": "id", "label": "pheno", "group": "woman", "covariates": ["age", "batch"]}
    table = read_samples(
        write(text, "samples.csv"), columns, {"case": ["RPL"], "control": ["IVF", "fertile"]}
    )
    assert list(table.columns) == ["sample", "label", "group", "age", "batch"]
    assert table["label"].tolist() == ["case", "control", "control"]
    assert table["group"].tolist() == ["w1", "w2", "w2"]
    assert table["age"].isna().tolist() == [False, True, False]
    assert table["batch"].tolist() == ["a", "b", "b"]


def test_batches_and_kinds_of_control_are_read_where_they_are_named(write):
    sheet = write("sample,label,run,who\nS1,case,1,\nS2,control,2,fertile\nS3,control,,\n", "samples.csv")
    columns = {"sample": "sample", "label": "label", "batch": "run", "comparator": "who"}
    assert problems(read_samples, sheet, columns) == [
        "samples.csv, row 4, column run: found a missing cell; expected the batch of every sample kept",
        "samples.csv, row 4, column who: found a missing cell; expected the kind of every control kept",
    ]
    sheet = write("sample,label,run,who\nS1,case,1,\nS2,control,2,fertile\n", "samples.csv")
    table = read_samples(sheet, columns)
    assert table["batch"].tolist() == ["1", "2"]
    assert table["comparator"].isna().tolist() == [True, False]


def test_a_value_at_the_threshold_of_a_numeric_label_is_a_control(write):
    sheet = write("sample\tweeks\nS1\t28.0\nS2\t28.1\n", "samples.tsv")
    table = read_samples(sheet, {"sample": "sample", "label": "weeks"}, {"above": 28.0})
    assert table["label"].tolist() == ["control", "case"]


@pytest.mark.parametrize("wanted", [1, 1.0, "1", [1, 2]])
def test_only_rows_to_keep_are_kept_and_only_their_labels_matter(write, wanted):
    sheet = write("sample\tlabel\tuse\nS1\tcase\t1\nS2\t?\t0\nS3\tcontrol\t1\n", "samples.tsv")
    assert read_samples(sheet, keep={"use": wanted})["sample"].tolist() == ["S1", "S3"]


def test_every_problem_of_a_sheet_is_told_at_once(write):
    sheet = write(
        "sample\tlabel\tw\nS1\tcase\ta\nS1\tcontrol\t\n\tcase\tb\nS4\tRPL\tc\nS5\t\td\n", "samples.tsv"
    )
    known = "expected case (case) or control (control); leave other rows out with `keep`"
    assert problems(read_samples, sheet, {"sample": "sample", "label": "label", "group": "w"}) == [
        "samples.tsv, row 4, column sample: found a missing cell; expected a sample's name",
        "samples.tsv, row 3, column sample: found S1 2 times; expected one row a sample",
        f"samples.tsv, row 5, column label: found 'RPL'; {known}",
        f"samples.tsv, row 6, column label: found a missing cell; {known}",
        "samples.tsv, row 3, column w: found a missing cell; expected the group of every sample kept",
    ]


def test_columns_that_are_not_there_are_named_with_those_that_are(write):
    sheet = write(SHEET, "samples.tsv")
    columns = {"sample": "sample", "label": "pheno", "group": "woman"}
    assert problems(read_samples, sheet, columns, keep={"use": 1}) == [
        f"samples.tsv, row 1: found no column {name}; expected one of sample, label"
        for name in ("pheno", "woman", "use")
    ]


def test_a_label_that_means_both_classes_is_refused(write):
    sheet = write(SHEET, "samples.tsv")
    assert problems(read_samples, sheet, label={"case": ["case", "x"], "control": ["control", "x"]}) == [
        "samples.tsv, column label: found x as case and control; expected one meaning a label"
    ]


def test_text_where_a_number_decides_the_label_is_refused(write):
    sheet = write("sample\tweeks\nS1\tlate\nS2\t30\n", "samples.tsv")
    assert problems(read_samples, sheet, {"sample": "sample", "label": "weeks"}, {"above": 28}) == [
        "samples.tsv, row 2, column weeks: found 'late'; expected a number (above 28 is a case)"
    ]


def test_lines_of_another_length_and_repeated_columns_of_a_sheet_are_refused(write):
    assert problems(read_samples, write("sample,label\nS1,case\nS2,case,x\n\nS3\n", "samples.csv")) == [
        "samples.csv, row 3: found 3 cells; expected 2, as in the header",
        "samples.csv, row 5: found 1 cells; expected 2, as in the header",
    ]
    assert problems(read_samples, write("sample,label,label\nS1,case,x\n", "samples.csv")) == [
        "samples.csv, row 1: found the column label more than once; expected each once"
    ]


def test_a_sheet_with_row_names_as_r_writes_them_keeps_its_columns_apart(write):
    sheet = write("sample\tlabel\n1\tS1\tcase\n2\tS2\tcontrol\n", "samples.tsv")
    assert read_samples(sheet)["sample"].tolist() == ["S1", "S2"]


def test_a_sheet_in_parquet_and_one_in_quotes_are_read_alike(write):
    quoted = read_samples(write('"sample","label"\n"S1","case"\n"S2","control"\n', "samples.csv"))
    pd.DataFrame({"sample": ["S1", "S2"], "label": ["case", "control"]}).to_parquet("samples.parquet")
    pd.testing.assert_frame_equal(read_samples("samples.parquet"), quoted)


def test_text_that_is_not_utf8_is_an_input_error(tmp_path):
    for name, reader in (("counts.tsv", read_counts), ("samples.tsv", read_samples)):
        (tmp_path / name).write_bytes(b"sample\tlabel\n" + "Zürich\t1\n".encode("latin-1"))
        (line,) = problems(reader, tmp_path / name)
        assert line.endswith("expected a complete, readable file")


def test_one_class_only_and_nothing_kept_are_refused(write):
    sheet = write("sample\tlabel\nS1\tcase\nS2\tcase\n", "samples.tsv")
    assert problems(read_samples, sheet) == [
        "samples.tsv: found 2 case samples and no other; expected cases and controls"
    ]
    assert problems(read_samples, sheet, keep={"label": "x"}) == [
        "samples.tsv: found no row with label = x; expected rows to keep (see `keep`)"
    ]


# ---- the two together


def test_a_study_holds_the_samples_kept_in_the_sheets_order(write):
    write("gene\tS1\tS2\tS3\nA\t1\t2\t3\n")
    sheet = write("sample\tlabel\tuse\nS3\tcase\t1\nS2\tcase\t0\nS1\tcontrol\t1\n", "samples.tsv")
    study = read_study("counts.tsv", sheet, keep={"use": 1})
    assert study.counts.loc["A"].to_dict() == {"S3": 3, "S1": 1}
    assert study.samples["sample"].tolist() == list(study.counts.columns) == ["S3", "S1"]


def test_samples_without_a_column_and_columns_without_a_row_are_told_with_the_name_they_may_have(write):
    write("gene\tX1.a\tS2\tS9\nA\t1\t2\t3\n")
    sheet = write("sample\tlabel\n1-a\tcase\nS2\tcontrol\nS3\tcontrol\n", "samples.tsv")
    expected = [
        "counts.tsv, row 1: found no column 1-a (but X1.a); expected a column for each sample of the sheet",
        "counts.tsv, row 1: found no column S3; expected a column for each sample of the sheet",
        "samples.tsv: found no row for X1.a; expected a row for each sample of the matrix",
        "samples.tsv: found no row for S9; expected a row for each sample of the matrix",
    ]
    assert problems(read_study, "counts.tsv", sheet) == expected


def test_problems_of_both_files_are_told_at_once(write):
    write("gene\tS1\tS2\nA\t-1\t2\n")
    write("sample\tlabel\nS1\tcase\nS2\tx\nS3\tcase\n", "samples.tsv")
    found = problems(read_study, "counts.tsv", "samples.tsv")
    assert [line.split(";")[0] for line in found] == [
        "counts.tsv, row A, column S1: found -1",
        "samples.tsv, row 3, column label: found 'x'",
        "counts.tsv, row 1: found no column S3",
    ]


def test_a_matrix_with_samples_as_rows_is_recognised_by_the_sheet_and_turned(write, caplog):
    write("sample\tA\tB\nS2\t3\t4\nS1\t1\t2\n")
    write(SHEET, "samples.tsv")
    with caplog.at_level("INFO"):
        study = read_study("counts.tsv", "samples.tsv")
    assert study.counts.to_dict() == {"S1": {"A": 1, "B": 2}, "S2": {"A": 3, "B": 4}}
    assert (study.counts.index.name, study.counts.columns.name) == ("gene", "sample")
    assert "counts.tsv: samples are its rows; turned" in caplog.text


def test_fewer_samples_of_a_class_than_folds_names_the_counts_and_the_setting(write):
    names = [f"S{i}" for i in range(8)]
    write("gene\t" + "\t".join(names) + "\nA" + "\t5" * 8 + "\n")
    labels = ["case"] * 5 + ["control"] * 3
    write("sample\tlabel\n" + "".join(f"{n}\t{c}\n" for n, c in zip(names, labels, strict=True)), "s.tsv")
    assert problems(read_study, "counts.tsv", "s.tsv", folds=5) == [
        "s.tsv: found 5 case and 3 control samples; expected at least 5 of each to cross-validate with"
        " `folds: 5`, or `folds: 3`"
    ]
    assert len(read_study("counts.tsv", "s.tsv", folds=3).samples) == 8


@pytest.mark.parametrize("small", [True, False])
def test_a_check_before_the_run_finds_what_the_names_tell_even_in_a_large_matrix(write, monkeypatch, small):
    monkeypatch.setattr(expression, "SMALL", 1_000_000 if small else 0)
    check_study(write(MATRIX), write(SHEET, "samples.tsv"))
    sheet = write(SHEET.replace("S2", "S5"), "samples.tsv")
    assert problems(check_study, "counts.tsv", sheet) == [
        "counts.tsv, row 1: found no column S5; expected a column for each sample of the sheet",
        "samples.tsv: found no row for S2; expected a row for each sample of the matrix",
    ]


# ---- libraries


@pytest.fixture
def counts():
    rng = np.random.default_rng(3)
    values = rng.poisson(rng.gamma(2, rng.lognormal(4, 1, 300)[:, None] / 2, (300, 12)))
    return pd.DataFrame(values, index=[f"G{i}" for i in range(300)], columns=[f"S{i}" for i in range(12)])


def test_size_factors_are_medians_of_ratios_by_hand():
    # geometric means 2, 4, 6; ratios of S1 1/2, 1/2, 1/2 and of S2 2, 2, 2; the gene with a 0 has no say
    table = pd.DataFrame({"S1": [1, 2, 3, 0], "S2": [4, 8, 12, 900]}, index=list("ABCD"))
    np.testing.assert_allclose(size_factors(table), [0.5, 2.0])
    # geometric means sqrt(8), sqrt(27), sqrt(5): ratios of S1 .7071, .5774, .4472 and the median is .5774
    table = pd.DataFrame({"S1": [2, 3, 1], "S2": [4, 9, 5]}, index=list("ABC"))
    np.testing.assert_allclose(size_factors(table), [3 / 27**0.5, 9 / 27**0.5])


def test_an_even_number_of_reference_genes_gives_the_middle_of_the_two_middle_ratios():
    # log ratios of S1 are -log(2)/2 and -log(8)/2, so the median is -log(4)/2
    table = pd.DataFrame({"S1": [1, 1], "S2": [2, 8]}, index=list("AB"))
    np.testing.assert_allclose(size_factors(table), [0.5, 2.0])


def test_a_sample_read_twice_as_deep_has_twice_the_size_factor(counts):
    reference = reference_of(counts)
    np.testing.assert_allclose(size_factors(counts * 2, reference), 2 * size_factors(counts), rtol=1e-12)


def test_other_samples_are_normalised_by_a_frozen_reference(counts):
    reference = reference_of(counts.iloc[:, :8])
    alone = size_factors(counts[["S11"]], reference)
    among = size_factors(counts[["S8", "S9", "S10", "S11"]], reference)
    assert alone["S11"] == among["S11"]


def test_zeros_of_another_sample_do_not_count_in_its_size_factor():
    reference = reference_of(pd.DataFrame({"S1": [2, 2, 2, 2], "S2": [2, 2, 2, 2]}))
    assert size_factors(pd.DataFrame({"S3": [0, 0, 6, 6]}), reference).tolist() == pytest.approx([3])


def test_sparse_counts_without_a_gene_seen_everywhere_still_have_size_factors():
    # DESeq2's "poscounts": geometric means with log 0 taken as 0, then factors scaled to geometric mean 1
    table = pd.DataFrame({"S1": [4, 4, 0], "S2": [0, 4, 4], "S3": [4, 0, 4]})
    np.testing.assert_allclose(size_factors(table), [1, 1, 1])


def test_quality_counts_reads_genes_and_the_top_gene():
    table = pd.DataFrame({"S1": [6, 3, 1], "S2": [0, 5, 5]}, index=pd.Index(["A", "B", "C"], name="gene"))
    made = quality(table)
    assert made["sample"].tolist() == ["S1", "S2"]
    assert made["library_size"].tolist() == [10, 10]
    assert made["detected_genes"].tolist() == [3, 2]
    assert made["top_gene"].tolist() == ["A", "B"]
    assert made["top_gene_share"].tolist() == [0.6, 0.5]


def test_normalised_values_are_log2_of_counts_over_size_factor_plus_one():
    table = pd.DataFrame({"S1": [6], "S2": [0]}, index=["A"])
    made = log2_normalised(table, pd.Series({"S1": 2.0, "S2": 1.0}))
    assert made.loc["A"].tolist() == [2.0, 0.0]


def test_principal_components_are_those_of_scikit_learn(counts):
    from sklearn.decomposition import PCA

    values = log2_normalised(counts, size_factors(counts))
    made = principal_components(values, genes=50, components=3)
    expressed = values[values.mean(axis=1) >= 3.5]
    top = expressed.loc[expressed.var(axis=1).sort_values(ascending=False).index[:50]]
    other = PCA(3).fit(top.T)
    np.testing.assert_allclose(made.explained["share"], other.explained_variance_ratio_, rtol=1e-9)
    np.testing.assert_allclose(
        np.abs(made.scores[["pc1", "pc2", "pc3"]]), np.abs(other.transform(top.T)), atol=1e-8
    )


def test_principal_components_do_not_change_sign_with_the_order_of_samples(counts):
    values = log2_normalised(counts, size_factors(counts))
    made = principal_components(values).scores.set_index("sample")
    other = principal_components(values[values.columns[::-1]]).scores.set_index("sample")
    np.testing.assert_allclose(other.loc[made.index], made, atol=1e-8)


@pytest.mark.skipif(not REAL, reason="DECIDUA_REAL_DATA is not set")
def test_real_studies_are_read():
    root = Path(REAL)
    tb = read_study(root / "tb_hiv_blood/counts.tsv.gz", root / "tb_hiv_blood/samples.tsv", folds=5)
    assert tb.counts.shape == (25_369, 31)
    assert tb.samples["label"].value_counts().to_dict() == {"control": 16, "case": 15}
    library = pd.read_csv(root / "tb_hiv_blood/samples.tsv", sep="\t").set_index("sample")["library_size"]
    assert quality(tb.counts).set_index("sample")["library_size"].to_dict() == library.to_dict()
    pregnancy = root / "pregnancy_blood_labor"
    columns = {"sample": "sample", "label": "label", "group": "patient", "covariates": ["RIN"]}
    labor = read_study(
        pregnancy / "counts.tsv.gz", pregnancy / "samples.tsv", columns, keep={"labor_analysis": 1}, folds=5
    )
    assert labor.samples["group"].nunique() == len(labor.samples) == 16
