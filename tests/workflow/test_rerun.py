"""What is redone: exactly the jobs that a change reaches."""

import shutil
import subprocess

import pytest
import yaml

from running import ROOT, snakemake


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the project that a test may edit, with a finished small run in it."""
    folder = tmp_path_factory.mktemp("checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    run = snakemake(folder, config="small.yaml", root=folder)
    assert run.status == 0, run.text
    return folder


@pytest.fixture
def redone(checkout):
    """Jobs that a dry run would do, after an edit that is taken back at the end."""
    kept = {}

    def after(path, old, new):
        file = checkout / path
        text = file.read_text(encoding="utf-8")
        assert old in text
        kept.setdefault(file, text)
        file.write_text(text.replace(old, new, 1), encoding="utf-8")
        run = snakemake(checkout, "--dry-run", config="small.yaml", root=checkout)
        assert run.status == 0, run.text
        return set(run.jobs()) - {"all"}

    yield after
    for file, text in kept.items():
        file.write_text(text, encoding="utf-8")


LIBRARY = "workflow/scripts/decidua"
PAGE = {"write_report", "write_crate", "write_manifest", "plot_resources", "record_run"}


def test_an_edited_module_redoes_the_jobs_that_import_it_and_what_follows(redone):
    jobs = redone(f"{LIBRARY}/figures/trends.py", '"""', '"""Changed. ')
    assert jobs == {"plot_trend", *PAGE}


def test_an_edited_statistics_module_redoes_no_expression_job(redone):
    jobs = redone(f"{LIBRARY}/statistics/tables.py", '"""', '"""Changed. ')
    figures = {"plot_prevalence", "plot_live_birth", "plot_trend", "plot_marker_combinations"}
    figures |= {"plot_regression", "adjust_family"}
    assert jobs == {"tabulate", "audit_paper", *figures, *PAGE}


def test_an_edited_engine_redoes_the_classifier_alone(redone):
    jobs = redone(f"{LIBRARY}/learning/ridge.py", '"""', '"""Changed. ')
    drawn = {"plot_roc", "plot_performance", "plot_reliability", "plot_methods", "plot_nulls", "plot_panels"}
    learned = {"cross_validate", "permute_labels", "compare_methods", "compare_nulls", "measure_panels"}
    told = {"measure_performance", "freeze_model", "frame_published", "plot_published"}
    assert jobs == {*drawn, *learned, *told, *PAGE}


def test_another_style_of_one_figure_redoes_that_figure_and_the_page(redone):
    jobs = redone(f"{LIBRARY}/figures/flow.py", "from collections", "# Another style.\nfrom collections")
    assert jobs == {"plot_flow", *PAGE}


def test_a_changed_cutoff_redoes_the_markers_and_what_follows(redone):
    jobs = redone("workflow/resources/panels/lee2013.yaml", "above: 16.1", "above: 16.2")
    assert "classify_markers" in jobs and "tabulate" in jobs
    assert not jobs & {"simulate_study", "cross_validate", "plot_roc", "describe_expression"}


def test_a_changed_covariate_redoes_the_regressions_only_among_the_tables(checkout, redone):
    jobs = redone("config.yaml", "covariates: [age, bmi, miscarriages]", "covariates: [age, bmi]")
    follows = {"plot_regression", "plot_functional_form", "audit_paper", "adjust_family"}
    assert jobs == {"record_config", "tabulate", "tabulate_models", *follows, *PAGE}


def test_another_number_of_imputations_redoes_the_closer_look_at_the_regression_only(checkout, redone):
    jobs = redone("config.yaml", "imputations: 20", "imputations: 5")
    assert jobs == {"record_config", "tabulate_models", "plot_regression", "plot_functional_form", *PAGE}


def test_a_second_cohort_redoes_nothing_of_the_first(checkout, tmp_path):
    second = {
        "title": "B",
        "source": "reconstruction",
        "paper": "han2025",
        "scenario": "B",
        "panel": "lee2013",
    }
    overlay = tmp_path / "second.yaml"
    overlay.write_text(yaml.safe_dump({"cohorts": {"other": second}}))
    run = snakemake(checkout, "--dry-run", config="small.yaml", overlays=[overlay], root=checkout)
    assert run.status == 0, run.text
    one = {"reconstruct_cohort", "validate_cohort", "classify_markers", "plot_flow", "plot_prevalence"}
    one |= {"plot_live_birth", "plot_marker_combinations", "tabulate_multiverse", "plot_multiverse"}
    one |= {"tabulate_models", "plot_regression", "plot_functional_form"}
    one |= {"check_identifiability", "adjust_family"}
    expected = dict.fromkeys([*one, "record_config", *PAGE, "all"], 1)
    assert run.jobs() == expected | {"tabulate": 6, "plot_trend": 4}


def test_nothing_changed_redoes_nothing(checkout):
    run = snakemake(checkout, "--dry-run", config="small.yaml", root=checkout)
    assert "Nothing to be done" in run.text
