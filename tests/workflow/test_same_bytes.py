"""The same bytes: in another folder, on one core or two, for another user, and after whatever interrupts."""

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from decidua.provenance import NOT_BYTE_STABLE, byte_stable
from running import NO_NETWORK, ROOT, command_of, files, hashes, snakemake, wait_for

#: The simulated matrix is smaller than the default one; everything else is the default study.
STUDY = "small.yaml"
#: Not a word of any text, so that it can be looked for.
USER = "xaveria_q"


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """The study on two cores, with the machine's own settings, within a copy of the project.

    The other runs are in folders of their own, to which the workflow's files come from outside.
    """
    copy = tmp_path_factory.mktemp("first")
    for name in ("Snakefile", "config.yaml"):
        shutil.copy(ROOT / name, copy / name)
    for name in ("workflow", "profiles", "envs"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    run = snakemake(copy, config=STUDY, root=copy, environment={"LOGNAME": USER, "USER": USER})
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
def test_one_core_for_another_user_in_the_c_locale_with_the_folds_split_over_jobs(first, tmp_path):
    if subprocess.run(["unshare", "--user", "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine lets nobody make a user namespace")
    home = tmp_path / "home"
    home.mkdir()
    environment = {"HOME": str(home), "USER": "nobody", "LOGNAME": "nobody", "LC_ALL": "C", "LANG": "C"}
    environment |= {"TZ": "America/St_Johns", "PYTHONHASHSEED": "123", "OMP_NUM_THREADS": "8"}
    (tmp_path / "split.yaml").write_text("execution: {classifier_jobs: 2}\n")
    other = snakemake(
        tmp_path / "other",
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
    assert hashes(other) == hashes(first)


def test_everything_that_is_not_byte_stable_is_listed_with_a_reason(first):
    kinds = {".csv", ".parquet", ".json", ".png", ".svg", ".pdf"}
    unstable = {
        path.relative_to(first.results).parts[:2]
        for path in first.results.rglob("*")
        if path.suffix in kinds and not byte_stable(path.relative_to(first.results))
    }
    assert unstable == {("open", "run")}
    assert all(NOT_BYTE_STABLE.values())


def test_nothing_open_names_a_user_a_host_or_a_folder_of_this_machine(first):
    folders = [str(ROOT), str(first.folder), USER]
    names = [*folders, str(Path.home()), os.uname().nodename]
    for path in (first.results / "open").rglob("*"):
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
def test_a_run_that_is_killed_continues_in_a_german_locale_and_ends_in_the_same_bytes(
    first, german, tmp_path
):
    folder = tmp_path / "zweiter Lauf"
    environment = german | {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"}
    run = begin(folder, environment=environment)
    wait_for(lambda: processes(str(folder), ".tabulate.py"))
    run.kill()
    run.wait()
    orphans = processes(f"{folder}/.snakemake/scripts")
    # The lock of the killed run stays; Snakemake says so and names --unlock.
    assert "--unlock" in snakemake(folder, config=STUDY).text
    assert snakemake(folder, "--unlock", config=STUDY).status == 0
    again = snakemake(folder, config=STUDY, environment=environment)
    assert again.status == 0, again.text
    assert orphans and again.jobs()["tabulate"] > 0 and "reconstruct_cohort" not in again.jobs()
    assert hashes(again) == hashes(first)


@linux
def test_a_job_that_is_killed_leaves_nothing_that_counts_as_done(first, tmp_path):
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
    assert hashes(again).items() <= hashes(first).items()


@pytest.mark.skipif(not shutil.which("prlimit"), reason="needs prlimit to make large files fail")
def test_a_full_disk_leaves_no_half_written_artifact(first, tmp_path):
    picture = "open/cohorts/han2025/figures/flow.png"
    limit = files(first)[picture].stat().st_size - 1
    target = f"results/v1/{picture}"
    full = snakemake(tmp_path / "full", target, config=STUDY, prefix=["prlimit", f"--fsize={limit}"])
    assert full.status != 0 and "File too large" in full.text
    whole = hashes(first)
    left = hashes(full)
    assert left and left.items() <= whole.items(), "what is there is whole"
    assert picture not in left
    again = snakemake(full.folder, target, config=STUDY)
    assert again.status == 0, again.text
    made = hashes(again)
    assert made.items() <= whole.items() and picture in made
