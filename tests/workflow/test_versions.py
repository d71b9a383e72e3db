"""Versions: verified against a reference, compared with each other, and frozen."""

import shutil

import pandas as pd
import pytest

from decidua import tables
from running import ROOT, snakemake

REFERENCE = ROOT / "tests/reference/default"


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
    assert "nowhere/manifest.tsv: found no such table; expected the manifest of a finished run" in run.text


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
        "{version: v2, analysis: {confidence: 0.9}, studies: {endometrium: null}}\n"
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
