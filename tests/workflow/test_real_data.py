"""The same targets on real data; DECIDUA_REAL_DATA names the folder, which is not part of the project."""

import pytest

from decidua import tables
from running import snakemake


@pytest.fixture(scope="module")
def real_run(real_data, tmp_path_factory):
    run = snakemake(tmp_path_factory.mktemp("real"), config="real.yaml")
    assert run.status == 0, run.text
    return run


def performance(run, study):
    table = tables.read(run.results / f"open/studies/{study}/performance.csv")
    return table[table["level"].isna()].set_index("quantity")


def test_tuberculosis_is_told_from_hiv_alone(real_run):
    # A plain scikit-learn run gave 0.88 to 0.96 over seeds; endoSignatureR reports 0.90 to 0.92.
    assert 0.85 < performance(real_run, "tb_hiv_blood").loc["AUC within folds", "estimate"] < 0.98


@pytest.mark.parametrize("study", ["gse201926_endometrium", "labour", "gestation"])
def test_a_study_that_is_too_small_finishes_and_says_so(real_run, study):
    assert "too small for a claim" in performance(real_run, study).loc["AUC within folds", "reason"]
    assert "too small for a claim" in (real_run.results / "open/report.html").read_text()


def test_labour_is_not_told_from_no_labour_by_16_samples(real_run):
    auc = performance(real_run, "labour").loc["AUC within folds"]
    assert auc["lower"] < 0.5 < auc["upper"]


def test_a_woman_is_never_on_both_sides_of_a_fold(real_run):
    predictions = tables.read(real_run.results / "restricted/studies/gestation/predictions.parquet")
    assert predictions["group"].nunique() < predictions["sample"].nunique()
    assert (predictions.groupby(["repeat", "group"])["fold"].nunique() == 1).all()


def test_823_pregnancies_come_in_as_a_table(real_run):
    flow = tables.read(real_run.results / "open/cohorts/opt/enrolment_flow.csv")
    # Counted in the file: 823 rows, 9 lost to follow-up, 2 elective abortions.
    assert flow["n"].tolist()[:4] == [823, 9, 2, 812]


def test_missing_markers_stay_unknown(real_run):
    missing = tables.read(real_run.results / "open/cohorts/opt/missing_values.csv")
    missing = missing[missing["population"] == "all"].set_index("variable")
    calls = tables.read(real_run.results / "restricted/cohorts/opt/markers.parquet")
    assert missing.loc["crp", "missing"] == calls["crp"].isna().sum() > 0


def test_the_outcome_of_the_trial_is_counted_by_clinic(real_run):
    table = tables.read(real_run.results / "open/cohorts/opt/statistics/live_birth.csv")
    assert set(table["population"]) == {"all", "KY", "MN", "MS", "NY"}


def test_real_data_are_not_marked_synthetic(real_run):
    assert "not patient data" not in (real_run.results / "open/report.html").read_text()
