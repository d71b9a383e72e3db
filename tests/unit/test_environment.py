"""One set of packages: pyproject.toml asks, requirements.lock pins, envs/ repeats for conda."""

import importlib.metadata
import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCKS = ["requirements.lock", "requirements-slurm.lock"]


def locked(path="requirements.lock"):
    """Name to version of every package of a lock."""
    return dict(re.findall(r"^([a-z0-9][a-z0-9._-]*)==([^ ;\\]+)", (ROOT / path).read_text(), re.MULTILINE))


def asked():
    return [re.match(r"[a-z0-9_-]+", text)[0] for text in PROJECT["dependencies"]]


def test_the_lock_pins_everything_that_the_project_asks_for():
    assert set(asked()) <= set(locked())


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_has_a_hash_and_no_address(lock):
    text = (ROOT / lock).read_text()
    blocks = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)
    assert all("--hash=sha256:" in block for block in blocks if "==" in block)
    assert "://" not in text and "--index" not in text


def test_the_slurm_plugin_is_an_extra_only():
    assert not [name for name in locked() if "slurm" in name]
    assert "snakemake-executor-plugin-slurm" in locked("requirements-slurm.lock")


def test_the_slurm_extra_changes_no_version_of_the_base_lock():
    base, extra = locked(), locked("requirements-slurm.lock")
    assert {name: version for name, version in extra.items() if base.get(name, version) != version} == {}


def test_the_conda_environment_states_the_locked_versions():
    # What the scripts import; Snakemake itself runs outside of the environment.
    packages = yaml.safe_load((ROOT / "envs/decidua.yaml").read_text())["dependencies"]
    stated = dict(package.split("=") for package in packages if not package.startswith("python="))
    expected = {name: version for name, version in locked().items() if name in set(asked()) - {"snakemake"}}
    renamed = {"matplotlib": "matplotlib-base"}
    assert stated == {renamed.get(name, name): version for name, version in expected.items()}


def test_what_is_installed_is_what_is_locked():
    lock = locked()
    installed = {name: importlib.metadata.version(name) for name in asked()}
    assert installed == {name: lock[name] for name in asked()}
