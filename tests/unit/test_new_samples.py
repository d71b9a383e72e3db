"""New samples for a frozen model: which way round their matrix is, and what is told before the first job."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from decidua import new_samples
from decidua.config import effective, load_yaml
from decidua.errors import InputError
from decidua.gene_ids import possible_names
from decidua.learning.frozen import FrozenModel, to_json
from decidua.new_samples import check_new_samples, read_new_samples
from decidua.preflight import check_inputs

ROOT = Path(__file__).parents[2]
GENES = [f"ENSG{i:011d}" for i in range(1, 11)]
COUNTS = pd.DataFrame(
    np.arange(40).reshape(10, 4) + 5, index=pd.Index(GENES, name="gene"), columns=["A", "B", "C", "D"]
)


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("model.json").write_text(to_json(model()))
    COUNTS.to_csv("counts.tsv", sep="\t")
    COUNTS.T.rename_axis("sample").to_csv("turned.tsv", sep="\t")


def model():
    """Ten genes of equal weight, three of which (of versions) measure library sizes."""
    return FrozenModel(
        genes=tuple(f"{gene}.2" for gene in GENES),
        centre=np.zeros(10),
        scale=np.ones(10),
        coefficients=np.ones(10),
        intercept=0.0,
        size_factors="median_of_ratios",
        reference_genes=tuple(f"{gene}.2" for gene in GENES[:3]),
        reference_values=np.log([5.0, 9.0, 13.0]),
        reference_scale=None,
        trend=None,
        calibration=(0.0, 1.0),
        threshold=0.5,
        about={},
    )


def problems(function, *args, **kwargs):
    with pytest.raises(InputError) as caught:
        function(*args, **kwargs)
    return str(caught.value).splitlines()


def check(counts, samples=None, sheet=None, model="model.json", identifiers=None, coverage=0.9):
    check_new_samples([counts], samples, sheet or {}, {}, model, identifiers, coverage)


# ---- which way round


def test_a_matrix_without_a_sheet_is_told_by_the_genes_of_the_model():
    upright, _ = read_new_samples(["counts.tsv"], None, {}, {}, model())
    turned, samples = read_new_samples(["turned.tsv"], None, {}, {}, model())
    pd.testing.assert_frame_equal(turned, upright)
    assert upright.to_numpy().tolist() == COUNTS.to_numpy().tolist() and samples is None


def test_a_turned_matrix_with_other_names_is_told_by_the_table_of_identifiers():
    symbols = [f"SYM{i}" for i in range(10)]
    table = pd.DataFrame({"ensembl": GENES, "symbol": symbols}, dtype="string")
    COUNTS.set_axis(symbols).T.rename_axis("sample").to_csv("symbols.tsv", sep="\t")
    read, _ = read_new_samples(["symbols.tsv"], None, {}, {}, model(), table)
    assert read.index.tolist() == symbols and read.columns.tolist() == list("ABCD")
    assert possible_names(["ENSG00000000001.7"], table) == {"ENSG00000000001", "SYM0"}


def test_with_the_genes_on_neither_side_rows_columns_and_what_was_looked_for_are_named():
    COUNTS.set_axis([f"X{i}" for i in range(10)]).to_csv("other.tsv", sep="\t")
    assert problems(check, "other.tsv") == [
        "other.tsv: found rows named X0, X1, X2, ... and columns named A, B, C, ...; expected genes such as "
        "ENSG00000000001, ENSG00000000002, ENSG00000000003, ... as rows or as columns, or a table of both "
        "kinds of names in `identifiers`"
    ]


# ---- before the first job


def test_good_samples_pass_either_way_with_and_without_a_known_model():
    for counts in ("counts.tsv", "turned.tsv"):
        check(counts)
        check(counts, model=None)


def test_genes_that_are_missing_are_named_below_the_declared_coverage():
    COUNTS.iloc[:8].to_csv("few.tsv", sep="\t")
    check("few.tsv", coverage=0.8)  # 8 of 10 genes, and of ten equal weights
    lines = problems(check, "few.tsv", coverage=0.81)
    assert lines[0].startswith("few.tsv: found 80.0% ") and "expected 81% or more (`coverage`)" in lines[0]
    assert lines[-1] == (
        "few.tsv: found no ENSG00000000009.2, ENSG00000000010.2; expected the genes of the model"
    )


def test_model_table_counts_and_sheet_are_told_at_once():
    Path("model.json").write_text(json.dumps({"format": "decidua frozen model", "format_version": 1}))
    Path("ids.tsv").write_text("one\nA\n")
    Path("bad.tsv").write_text("gene\tA\tB\nG1\t-4\t1\nG2\t1\t3\n")
    Path("sheet.tsv").write_text("sample\tlabel\nA\tcase\nE\tcontrol\n")
    lines = problems(check, "bad.tsv", "sheet.tsv", {"label": None}, identifiers="ids.tsv")
    assert "model.json: found no genes; expected it in a frozen model" in lines
    assert "ids.tsv, row 1: found one column; expected a column for each kind of gene identifier" in lines
    assert "bad.tsv, row G1, column A: found -4; expected a whole number of reads, 0 or more" in lines
    assert "bad.tsv, row 1: found no column E; expected a column for each sample of the sheet" in lines
    assert "sheet.tsv: found no row for B; expected a row for each sample of the matrix" in lines


def test_of_a_large_matrix_the_names_are_checked(monkeypatch):
    monkeypatch.setattr(new_samples, "SMALL", 0)
    monkeypatch.setattr("decidua.expression.SMALL", 0)
    check("turned.tsv")
    Path("sheet.tsv").write_text("sample\tlabel\nA\tcase\nE\tcontrol\n")
    assert "counts.tsv, row 1: found no column E; expected a column for each sample of the sheet" in problems(
        check, "counts.tsv", "sheet.tsv"
    )


def test_the_settings_of_predictions_are_checked_with_all_other_inputs():
    Path("model.json").write_text("{}")
    config = load_yaml(ROOT / "config.yaml")
    config["predictions"] = {
        "next": {"title": "Next", "model": "model.json", "counts": "counts.tsv"},
        "other": {"title": "Other", "model": "endometrium", "counts": "nothing.txt"},
    }
    Path("nothing.txt").touch()
    lines = problems(check_inputs, effective(config), [Path(), ROOT])
    assert lines[0] == "model.json: found other content; expected a frozen model (JSON)"
    assert lines[1].startswith("nothing.txt: found an empty first line")


def test_a_panel_of_more_genes_than_the_matrix_and_training_sets_of_one_member_are_told():
    Path("sheet.tsv").write_text("sample\tlabel\nA\tcase\nB\tcase\nC\tcontrol\nD\tcontrol\n")
    config = load_yaml(ROOT / "config.yaml")
    config["studies"] = {
        "mine": {
            "title": "Mine",
            "source": "counts",
            "counts": "counts.tsv",
            "samples": "sheet.tsv",
            "columns": {"sample": "sample", "label": "label"},
            "label": {"case": ["case"], "control": ["control"]},
            "classifier": {"folds": 2},
        }
    }
    assert problems(check_inputs, effective(config), [Path(), ROOT]) == [
        "studies.mine.classifier.panel: found 20; expected at most 10, the genes of the matrix",
        "studies.mine.classifier.folds: found 2, which leave only 1 of the 2 members of the smaller class to "
        "learn from; expected 2 or more, for inner folds: more samples, or more folds",
    ]
