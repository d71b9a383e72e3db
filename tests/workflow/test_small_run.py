"""A small study: the same bytes wherever it runs and whatever interrupts it, and what a change redoes."""

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
import yaml

from decidua.provenance import NOT_BYTE_STABLE, byte_stable
from running import NO_NETWORK, ROOT, command_of, files, hashes, snakemake, wait_for

#: The simulated matrix is smaller than the default one; everything else is the default study.
STUDY = "small.yaml"
FLOW = "results/v1/open/cohorts/han2025/figures/flow.png"
#: Who runs it: not a word of any text, so that it can be looked for.
USER = "xaveria_q"


@pytest.fixture(scope="module")
def small_run(tmp_path_factory):
    """A small study on two cores with the machine's own settings, within a copy of the project.

    A test may edit the copy if it takes that back.
    """
    folder = tmp_path_factory.mktemp("checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    run = snakemake(folder, config="small.yaml", root=folder, environment={"LOGNAME": USER, "USER": USER})
    assert run.status == 0, run.text
    return run


@pytest.fixture(scope="module")
def german(tmp_path_factory):
    """Environment variables of a German locale, made here where the machine has none."""
    folder = tmp_path_factory.mktemp("locales")
    if shutil.which("localedef"):
        command = ["localedef", "-i", "de_DE", "-f", "UTF-8", folder / "de_DE.UTF-8"]
        subprocess.run(command, check=False, capture_output=True)
    locale = {"LOCPATH": str(folder)} if any(folder.iterdir()) else {}
    return locale | {"LANG": "de_DE.UTF-8", "LC_ALL": "de_DE.UTF-8", "LANGUAGE": "de"}


@pytest.mark.skipif(not shutil.which("unshare"), reason="needs a user namespace to be another user")
def test_one_core_for_another_user_in_a_german_locale_with_the_folds_split_over_jobs(
    small_run, german, tmp_path
):
    if subprocess.run(["unshare", "--user", "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine lets nobody make a user namespace")
    home = tmp_path / "home"
    home.mkdir()
    environment = german | {"HOME": str(home), "USER": "nobody", "LOGNAME": "nobody"}
    environment |= {"TZ": "America/St_Johns", "PYTHONHASHSEED": "123", "OMP_NUM_THREADS": "8"}
    (tmp_path / "split.yaml").write_text("execution: {classifier_jobs: 2}\n")
    other = snakemake(
        tmp_path / "zweiter Lauf",
        config=STUDY,
        overlays=[tmp_path / "split.yaml"],
        cores=1,
        environment=environment,
        prefix=["unshare", "--user"],
    )
    assert other.status == 0, other.text
    assert other.jobs()["cross_validate_part"] == 2
    assert other.jobs()["permute_labels_part"] == 2
    assert "cross_validate_part,2," in (other.results / "open/run/resources.csv").read_text()
    assert not list(other.results.rglob("parts")), "what is temporary stayed"
    assert hashes(other) == hashes(small_run)


def test_everything_that_is_not_byte_stable_is_listed_with_a_reason(small_run):
    kinds = {".csv", ".parquet", ".json", ".png", ".svg", ".pdf"}
    unstable = {
        path.relative_to(small_run.results).parts[:2]
        for path in small_run.results.rglob("*")
        if path.suffix in kinds and not byte_stable(path.relative_to(small_run.results))
    }
    assert unstable == {("open", "run")}
    assert all(NOT_BYTE_STABLE.values())


def test_nothing_open_names_a_user_a_host_or_a_folder_of_this_machine(small_run):
    folders = [str(ROOT), str(small_run.folder), USER]
    names = [*folders, str(Path.home()), os.uname().nodename]
    for path in (small_run.results / "open").rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not [name for name in folders if name.encode() in content], path
            if path.suffix not in (
                ".png",
                ".pdf",
            ):  # in pictures short names stand by chance
                text = re.sub(r"data:image/png;base64,[\w/+=]+", "", content.decode())
                found = [name for name in names if re.search(rf"(?<![\w/]){re.escape(name)}\b", text)]
                assert not found, path


# ---- interrupted runs


def begin(folder, *targets, environment=()):
    """Start the study in the background."""
    folder.mkdir()
    variables = {**os.environ, **NO_NETWORK, **dict(environment)}
    with (folder / "said").open("w") as said:
        return subprocess.Popen(
            command_of(folder, *targets, config=STUDY), stdout=said, stderr=subprocess.STDOUT, env=variables
        )


def processes(*words):
    """Numbers of the processes whose command line holds all of the words."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = entry.read_text()
        except OSError:
            continue
        if all(word in command for word in words):
            found.append(int(entry.parent.name))
    return found


linux = pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="looks for processes in /proc")


@linux
def test_a_run_that_is_killed_continues_in_the_c_locale_and_ends_in_the_same_bytes(small_run, tmp_path):
    folder, targets = tmp_path / "killed", ("statistics", "audit", FLOW)
    environment = {"LC_ALL": "C", "LANG": "C", "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"}
    run = begin(folder, *targets, environment=environment)
    wait_for(lambda: processes(str(folder), ".tabulate.py"))
    run.kill()
    run.wait()
    orphans = processes(f"{folder}/.snakemake/scripts")
    # The lock of the killed run stays; Snakemake says so and names --unlock.
    assert "--unlock" in snakemake(folder, *targets, config=STUDY).text
    assert snakemake(folder, "--unlock", config=STUDY).status == 0
    again = snakemake(folder, *targets, config=STUDY, environment=environment)
    assert again.status == 0, again.text
    assert orphans and again.jobs()["tabulate"] > 0 and "reconstruct_cohort" not in again.jobs()
    made = hashes(again)
    assert "open/papers/han2025/audit.csv" in made and made.items() <= hashes(small_run).items()


@linux
def test_a_job_that_is_killed_leaves_nothing_that_counts_as_done(small_run, tmp_path):
    folder = tmp_path / "job"
    targets = ("markers", "expression")
    run = begin(folder, *targets)
    for process in wait_for(lambda: processes(str(folder), ".reconstruct_cohort.py")):
        os.kill(process, signal.SIGKILL)
    assert run.wait() != 0
    results = folder / "results/v1"
    assert not list(results.glob("*/cohorts/han2025/*")), (folder / "said").read_text()
    assert (results / "open/studies/endometrium/explained_variance.csv").exists(), "other chapters went on"
    again = snakemake(folder, *targets, config=STUDY)
    assert again.status == 0, again.text
    assert "describe_expression" not in again.jobs() and "classify_markers" in again.jobs()
    assert hashes(again).items() <= hashes(small_run).items()


@pytest.mark.skipif(not shutil.which("prlimit"), reason="needs prlimit to make large files fail")
def test_a_full_disk_leaves_no_half_written_artifact(small_run, tmp_path):
    picture = "open/cohorts/han2025/figures/flow.png"
    limit = files(small_run)[picture].stat().st_size - 1
    target = f"results/v1/{picture}"
    full = snakemake(tmp_path / "full", target, config=STUDY, prefix=["prlimit", f"--fsize={limit}"])
    assert full.status != 0 and "File too large" in full.text
    whole = hashes(small_run)
    left = hashes(full)
    assert left and left.items() <= whole.items(), "what is there is whole"
    assert picture not in left
    again = snakemake(full.folder, target, config=STUDY)
    assert again.status == 0, again.text
    made = hashes(again)
    assert made.items() <= whole.items() and picture in made


# ---- what is redone: exactly the jobs that a change reaches


@pytest.fixture
def checkout(small_run):
    """A copy of the project that a test may edit, with a finished small run in it."""
    return small_run.folder


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
    assert jobs == {"tabulate", "audit_paper", "plot_audit", *figures, *PAGE}


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
    follows = {"plot_regression", "plot_functional_form", "audit_paper", "plot_audit", "adjust_family"}
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
    one |= {"check_identifiability", "adjust_family", "predict_outcome", "plot_prediction"}
    expected = dict.fromkeys([*one, "record_config", *PAGE, "all"], 1)
    assert run.jobs() == expected | {"tabulate": 6, "plot_trend": 4}


def test_nothing_changed_redoes_nothing(checkout):
    run = snakemake(checkout, "--dry-run", config="small.yaml", root=checkout)
    assert "Nothing to be done" in run.text
