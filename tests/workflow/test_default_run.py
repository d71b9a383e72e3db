"""The default study, run for real: what a newcomer gets by typing make."""

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from decidua import tables
from decidua.provenance import verify, write_record
from running import ROOT, snakemake

REFERENCE = ROOT / "tests/reference/default"
CHAPTERS = [
    "cohort",
    "markers",
    "statistics",
    "prediction",
    "figures",
    "expression",
    "classifier",
    "audit",
    "report",
    "manifest",
]


def table(run, name):
    return tables.read(run.results / "open/cohorts/han2025/statistics" / f"{name}.csv")


def p_value(run, name, **picks):
    rows = table(run, name)
    for column, value in picks.items():
        rows = rows[rows[column] == value]
    assert len(rows) == 1, rows
    return rows.iloc[0]["p"]


@pytest.mark.parametrize(
    ("printed", "name", "picks"),
    [
        # Han et al. 2025: Figures 2, 3, 6, Table 3.
        (".250", "prevalence", {"variable": "immunity", "test": "Pearson chi-square"}),
        (
            ".569",
            "live_birth",
            {
                "variable": "immunity",
                "population": "all",
                "level": "abnormal v normal",
                "test": "Pearson chi-square",
            },
        ),
        (
            ".034",
            "trend",
            {
                "variable": "th1_th2",
                "population": "known",
                "level": "2-3 v 4+",
                "test": "Pearson chi-square",
            },
        ),
        (
            ".382",
            "karyotype",
            {
                "variable": "euploid",
                "population": "all",
                "level": "abnormal v normal",
                "test": "Pearson chi-square",
            },
        ),
        (
            ".958",
            "live_birth",
            {
                "variable": "subgroup",
                "population": "idiopathic",
                "level": "all subgroups",
                "test": "Pearson chi-square",
            },
        ),
        (
            ".931",
            "live_birth",
            {
                "variable": "subgroup",
                "population": "all",
                "level": "all subgroups of all groups",
                "test": "Pearson chi-square",
            },
        ),
    ],
)
def test_the_printed_p_values_come_out(default_run, printed, name, picks):
    assert f"{p_value(default_run, name, **picks):.3f}"[1:] == printed


def test_the_enrolment_adds_up_to_466(default_run):
    flow = tables.read(default_run.results / "open/cohorts/han2025/enrolment_flow.csv")
    n = flow.groupby("kind")["n"].sum()
    # Han et al. 2025, Figure 1: 987 assessed, 466 included.
    assert (n["assessed"], n["assessed"] - n["excluded"], n["included"], n["group"]) == (987, 466, 466, 466)


def test_every_figure_has_three_formats_and_the_csv_of_what_it_shows(default_run):
    figures = default_run.results / "open/cohorts/han2025/figures"
    names = {"flow", "prevalence", "live_birth", "regression", "functional_form"}
    names |= {"marker_combinations", "multiverse"}
    followed = ("live_birth", "immunity", "th1_th2", "aneuploidy")
    names |= {f"{kind}_{trend}" for kind in ("trend", "band") for trend in followed}
    predicted = (
        "added_value",
        "performance",
        "calibration",
        "decision_curves",
        "nomogram",
        "strata",
        "blood_panel",
    )
    names |= {f"prediction_{name}" for name in predicted}
    assert {path.name for path in figures.iterdir()} == {
        f"{name}.{ending}" for name in names for ending in ("png", "svg", "pdf", "csv")
    }


def test_the_simulated_study_says_how_good_the_classifier_is(default_run):
    performance = tables.read(default_run.results / "open/studies/endometrium/performance.csv")
    found = performance.set_index("quantity")
    # 108 of 135 samples are cases: always answering "case" is right in 80.0%.
    assert found.loc["majority rate", "estimate"] == 0.8
    auc = found.loc["AUC within folds"]
    assert 0.5 < auc["lower"] < auc["estimate"] < auc["upper"] <= 1


def test_permuted_labels_are_not_told_apart_as_the_labels_are(default_run):
    folder = default_run.results / "open/studies/endometrium"
    draws = tables.read(folder / "permutations.csv").set_index("draw")["auc"]
    test = tables.read(folder / "permutation_test.csv").iloc[0]
    # p = (b + 1) / (B + 1), and the planted signal is strong
    assert len(draws) == 101
    assert test["p"] == pytest.approx(((draws[1:] >= draws[0] - 1e-9).sum() + 1) / 101)
    assert test["p"] < 0.05


def test_the_audit_says_where_print_and_counts_agree(default_run):
    audit = tables.read(default_run.results / "open/papers/han2025/audit.csv").set_index("claim")
    agrees = audit.loc["abnormal.p"]
    assert (agrees["verdict"], agrees["agrees_rows"]) == ("reproduced", "yes")
    # The printed B has the opposite sign of the printed odds ratio: a finding, in the run's rows too.
    assert tuple(audit.loc["known.bmi.B", ["verdict", "agrees_rows"]]) == ("inconsistent", "no")
    assert audit.loc["known.bmi.B", "side_by_side"] == "rows give what the others give"
    # What the run has of counts, means, rates, odds ratios, statistics and p-values stands beside the print.
    beside = audit[audit["from_rows"].notna()]
    kinds = {"count", "mean", "sd", "value", "percent", "ratio", "coefficient", "statistic", "p"}
    assert set(beside["kind"]) == kinds and beside.index.nunique() > 200
    assert beside["rows_from"].notna().all() and beside["side_by_side"].notna().all()


def test_the_prediction_says_what_the_tests_add_and_what_cannot_be_told(default_run):
    folder = default_run.results / "open/cohorts/han2025/prediction"
    said = " ".join(tables.read(folder / "conclusion.csv")["sentence"])
    # A reconstruction has no more than its printed numbers, in which no marker goes with live birth.
    assert "No evidence of added value" in said
    assert "No effect of IVIG dose (g) and no untreated risk can be estimated" in said
    alarms = tables.read(folder / "alarms.csv")
    assert {"performance", "added_value", "markers", "model"} <= set(
        alarms.loc[alarms["alarm"] == "positivity", "where"]
    )
    performance = tables.read(folder / "performance.csv")
    c = performance[(performance["quantity"] == "c statistic") & performance["estimate"].notna()].pivot(
        index="variable", columns="level", values="estimate"
    )
    assert len(c) == 5 and (c["corrected"] < c["apparent"]).all()
    # Seven parameters, where 466 women bear two: Firth's model, which nothing holds back, is not learned.
    (left,) = performance.loc[performance["estimate"].isna(), "variable"].unique()
    assert left == "history + immune, Firth"
    model = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    assert "Reconstructed" in model["about"]["synthetic"]
    # Han et al. 2025: 380 of 466 women had a live birth.
    assert (model["about"]["training"]["women"], model["about"]["training"]["events"]) == (466, 86)
    page = (default_run.results / "open/report.html").read_text(encoding="utf-8")
    assert "Would immune tests change what we tell her?" in page and "No evidence of added value" in page


def test_every_artifact_is_as_the_manifest_says(default_run):
    verdicts = verify(default_run.results)
    assert len(verdicts) > 100 and set(verdicts.values()) == {"intact"}


def test_verify_says_what_is_changed_missing_and_foreign(default_run, tmp_path):
    shutil.copytree(default_run.results, tmp_path / "results/v1")
    report = tmp_path / "results/v1/open/report.html"
    report.write_text("changed")
    (tmp_path / "results/v1/config.yaml").unlink()
    (tmp_path / "results/v1/open/notes.txt").write_text("mine")
    run = snakemake(tmp_path, "verify")
    assert run.status != 0 and "Traceback" not in run.text
    for line in ("changed: open/report.html", "missing: config.yaml", "foreign: open/notes.txt"):
        assert line in run.text
    assert report.read_text() == "changed"


def test_what_was_made_from_other_bytes_than_are_there_is_stale(default_run, tmp_path):
    copy = copy_of(default_run, tmp_path)
    path = copy / "provenance/plot_flow/han2025.json"
    record = json.loads(path.read_text())
    record["inputs"] = dict.fromkeys(record["inputs"], "0" * 64)
    write_record(record, path)
    verdicts = verify(copy)
    stale = {name for name, verdict in verdicts.items() if verdict == "stale"}
    assert stale == {f"open/cohorts/han2025/figures/flow.{ending}" for ending in ("png", "svg", "pdf", "csv")}
    (copy / "open/run/notes.txt").write_text("mine")
    assert verify(copy)["open/run/notes.txt"] == "foreign"


def test_every_job_left_a_record_with_its_code_and_inputs(default_run):
    records = [json.loads(path.read_text()) for path in default_run.results.glob("provenance/**/*.json")]
    without = {"all", "plot_resources", "record_run", *CHAPTERS}
    assert len(records) == sum(count for rule, count in default_run.jobs().items() if rule not in without)
    assert all(re.fullmatch("[0-9a-f]{16}", record["fingerprint"]) for record in records)
    assert all(
        record["inputs"] for record in records if record["rule"] not in ("record_config", "simulate_study")
    )


def test_nothing_names_this_machine(default_run):
    names = [str(ROOT), str(default_run.folder), str(Path.home())]
    for path in [*default_run.results.rglob("*.csv"), *default_run.results.rglob("*.json")]:
        text = path.read_text(encoding="utf-8")
        assert not [name for name in names if name in text], path
    page = (default_run.results / "open/report.html").read_text(encoding="utf-8")
    assert not [name for name in names if name in page]


def test_the_report_needs_no_network_and_one_file_beside_it(default_run):
    page = (default_run.results / "open/report.html").read_text(encoding="utf-8")
    # What was measured in this run lies beside the page, which is the same in every run.
    assert re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', page) == ['src="run/resources.svg"']
    # Cohort: Figures 1 to 3, marker combinations, four trends in two forms, multiverse, two of regressions;
    # study: samples, components, three of differential expression, signatures, stability, subgroups, and nine
    # of the classifier (ROC, performance, three of reliability, methods, panels, nulls, published); six of
    # the prediction (no blood panel without women without losses); the audits of two papers; time.
    assert page.count("<img ") == 4 + 2 * 4 + 3 + 8 + 9 + 6 + 2 + 1
    assert "Reconstructed from printed numbers; not patient data" in page and "Simulated data" in page
    assert "immunity and treatment cannot be told apart" in page


def test_what_is_open_holds_no_row_of_a_woman_or_sample(default_run):
    cohort = pd.read_parquet(default_run.results / "restricted/cohorts/han2025/cohort.parquet")
    samples = pd.read_parquet(default_run.results / "restricted/studies/endometrium/samples.parquet")
    ids = {*cohort["id"], *samples["sample"]}
    assert all(re.fullmatch(r"[\w-]+", name) for name in ids), "else words of a text cannot be looked up"
    for path in default_run.results.glob("open/**/*.csv"):
        assert not ids.intersection(re.findall(r"[\w-]+", path.read_text(encoding="utf-8"))), path


def test_synthetic_data_are_marked_in_table_manifest_and_figure(default_run):
    cohort = pd.read_parquet(default_run.results / "restricted/cohorts/han2025/cohort.parquet")
    assert cohort["synthetic"].all()
    manifest = pd.read_csv(default_run.results / "manifest.tsv", sep="\t")
    shown = manifest[manifest["path"].str.contains("cohorts/|studies/")]
    assert (shown["synthetic"] == "yes").all()
    constraints = tables.read(default_run.results / "open/cohorts/han2025/reconstruction_constraints.csv")
    assert (~constraints["met"]).any() and constraints.loc[~constraints["met"], "note"].notna().all()


def test_a_second_run_has_nothing_to_do(default_run):
    again = snakemake(default_run.folder, "--dry-run")
    assert again.status == 0 and "Nothing to be done" in again.text


def test_each_chapter_is_a_target(default_run):
    # one plan of all: a name that is no target is refused, and one with a job left gives jobs
    again = snakemake(default_run.folder, "--dry-run", *CHAPTERS)
    assert again.status == 0 and "Nothing to be done" in again.text


def test_the_lint_is_clean():
    assert snakemake(ROOT, "--lint").status == 0


def test_snakemake_makes_its_own_report(default_run):
    made = snakemake(default_run.folder, "--report", "report.zip")
    assert made.status == 0, made.text
    assert (default_run.folder / "report.zip").stat().st_size > 100_000


# ---- versions: verified against a reference, compared with each other, frozen


def copy_of(run, folder):
    """The results of a run, in another folder, to be changed."""
    shutil.copytree(run.results, folder / "results/v1")
    return folder / "results/v1"


def test_the_default_study_reproduces_the_reference_at_some_level(default_run):
    run = snakemake(default_run.folder, "verify", "--config", f"against={REFERENCE}")
    assert run.status == 0, run.text
    assert "level: bytes" in run.text or "level: tolerance" in run.text


def test_a_number_that_moved_is_told_against_the_reference(default_run, tmp_path):
    copy = copy_of(default_run, tmp_path)
    path = copy / "open/cohorts/han2025/statistics/baseline.csv"
    table = tables.read(path)
    moved = table.index[table["estimate"].notna()][0]
    was = table.loc[moved, "estimate"]
    table.loc[moved, "estimate"] = was * 1.01
    tables.write(table, path)
    run = snakemake(tmp_path, "verify", "--config", f"against={REFERENCE}")
    assert run.status != 0 and "Traceback" not in run.text
    assert "level: none" in run.text
    assert "changed: open/cohorts/han2025/statistics/baseline.csv" in run.text
    assert f"column estimate: found {was * 1.01:.12g}; expected {was:.12g}" in run.text


def test_a_reference_that_is_not_there_is_named(default_run):
    run = snakemake(default_run.folder, "verify", "--config", "against=nowhere")
    assert run.status != 0 and "Traceback" not in run.text
    assert "nowhere/environment.json: found no such file; expected a reference" in run.text


def test_a_reference_is_written_from_intact_results_only(default_run, tmp_path):
    copy = copy_of(default_run, tmp_path)
    written = snakemake(tmp_path, "write_reference", "--config", "against=reference")
    assert written.status == 0, written.text
    listed = {path.name for path in (tmp_path / "reference").iterdir()}
    assert listed == {"manifest.tsv", "environment.json", "summaries.csv", "figures.csv", "tables"}
    (copy / "open/report.html").write_text("changed")
    refused = snakemake(tmp_path, "write_reference", "--config", "against=again")
    assert refused.status != 0 and "changed: open/report.html" in refused.text
    assert not (tmp_path / "again").exists()


def test_two_versions_are_compared_with_the_reason_and_the_numbers(default_run, tmp_path):
    (tmp_path / "v2.yaml").write_text(
        "{version: v2, analysis: {confidence: 0.9}, studies: {endometrium: null}, "
        "papers: {andersen2025: null}, cohorts: {han2025: {prediction: null, analysis: {trends: []}}}}\n"
    )
    options = {"overlays": [tmp_path / "v2.yaml"]}
    second = snakemake(default_run.folder, **options)
    assert second.status == 0, second.text
    told = snakemake(default_run.folder, "diff", "--config", "against=v1", **options)
    assert told.status == 0, told.text
    assert told.jobs() == {"diff": 1}, "nothing is made anew"
    assert "v1 -> v2:" in told.text and "confidence (0.95 -> 0.9)" in told.text
    folder = default_run.folder / "results/diffs/v1_v2"
    artifacts = pd.read_csv(folder / "artifacts.csv").set_index("path")
    changed = artifacts.loc["open/cohorts/han2025/statistics/prevalence.csv"]
    assert changed["verdict"] == "changed" and "confidence: 0.95 -> 0.9" in changed["reasons"]
    # Another confidence touches neither the rows nor the enrolment; the study is gone.
    assert artifacts.loc["restricted/cohorts/han2025/cohort.parquet", "verdict"] == "same"
    assert artifacts.loc["open/cohorts/han2025/enrolment_flow.csv", "verdict"] == "same"
    assert artifacts.loc["open/studies/endometrium/performance.csv", "verdict"] == "removed"
    numbers = pd.read_csv(folder / "numbers.csv")
    ends = numbers[numbers["path"].str.endswith("statistics/prevalence.csv")]
    # A narrower interval: lower ends rise, upper ends fall, and no estimate moves.
    assert set(ends["column"]) == {"lower", "upper"}
    assert (ends.loc[ends["column"] == "lower", "difference"] >= 0).all()
    assert (ends.loc[ends["column"] == "upper", "difference"] <= 0).all()


def test_a_comparison_with_nothing_says_how_to_name_a_version(default_run):
    run = snakemake(default_run.folder, "diff")
    assert run.status != 0 and "expected a version: diff --config against=v0" in run.text


@pytest.fixture
def frozen(default_run):
    """The folder of the default version, declared frozen for one test."""
    mark = default_run.results / "frozen"
    mark.write_text("as submitted\n")
    yield default_run.results
    mark.unlink()


def test_a_frozen_version_refuses_to_be_overwritten(frozen, default_run, tmp_path):
    before = {path: path.stat().st_mtime_ns for path in frozen.rglob("*")}
    (tmp_path / "more.yaml").write_text("analysis: {confidence: 0.9}\n")
    run = snakemake(default_run.folder, overlays=[tmp_path / "more.yaml"])
    assert run.status != 0 and "Traceback" not in run.text
    assert "results/v1/frozen: found this version declared frozen (as submitted)" in run.text
    assert {path: path.stat().st_mtime_ns for path in frozen.rglob("*")} == before


def test_a_frozen_version_can_be_verified_and_other_versions_be_made(frozen, default_run, tmp_path):
    assert snakemake(default_run.folder, "verify").status == 0
    (tmp_path / "v3.yaml").write_text("version: v3\n")
    other = snakemake(default_run.folder, "results/v3/config.yaml", overlays=[tmp_path / "v3.yaml"])
    assert other.status == 0, other.text
