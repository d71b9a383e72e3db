"""The same bytes: in another folder, on one core or two, for another user, locale, time zone, hash seed."""

import getpass
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT, snakemake

from decidua.provenance import NOT_BYTE_STABLE, byte_stable, sha256

#: The simulated matrix is smaller than the default one; everything else is the default study.
STUDY = "small.yaml"


def hashes(run):
    """Hash of every file of the version that is said to be byte-stable, by its path."""
    files = [path for path in run.results.rglob("*") if path.is_file()]
    relative = {path.relative_to(run.results): path for path in files}
    return {path.as_posix(): sha256(file) for path, file in relative.items() if byte_stable(path)}


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """The study on two cores, with the machine's own settings."""
    run = snakemake(tmp_path_factory.mktemp("first"), config=STUDY)
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


def test_a_second_clean_run_with_a_german_locale_and_another_hash_seed_and_time_zone(first, german, tmp_path):
    environment = german | {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"}
    second = snakemake(tmp_path / "zweiter Lauf", config=STUDY, environment=environment)
    assert second.status == 0, second.text
    assert hashes(second) == hashes(first)


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
    assert not list(other.results.rglob("parts")), "what is temporary stayed"
    assert hashes(other) == hashes(first)


def test_the_checkout_itself_is_one_more_folder(first, tmp_path):
    copy = tmp_path / "checkout"
    for name in ("Snakefile", "config.yaml"):
        copy.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, copy / name)
    for name in ("workflow", "profiles", "envs"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    run = snakemake(copy, config=STUDY, root=copy)
    assert run.status == 0, run.text
    assert hashes(run) == hashes(first)


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
    names = {str(ROOT), str(first.folder), str(Path.home()), os.uname().nodename, getpass.getuser()}
    words = re.compile(rb"(?<![\w/+=])(" + b"|".join(re.escape(name.encode()) for name in names) + rb")\b")
    for path in (first.results / "open").rglob("*"):
        if path.is_file():
            # Pictures within a page are letters that may spell anything.
            content = re.sub(rb"data:image/png;base64,[\w/+=]+", b"", path.read_bytes())
            assert not words.search(content), (path, words.search(content))
