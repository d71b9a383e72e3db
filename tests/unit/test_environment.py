"""One set of packages: pyproject.toml asks, requirements.lock pins, envs/ and the image repeat."""

import ast
import importlib.metadata
import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.specifiers import SpecifierSet

from decidua.provenance import PACKAGES

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "workflow/scripts"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = ["requirements-slurm.lock", "requirements-crate.lock"]
LOCKS = ["requirements.lock", *EXTRAS]
SLURM = "snakemake-executor-plugin-slurm"
#: Where conda's name is not that of the lock.
CONDA_NAMES = {"matplotlib": "matplotlib-base", "snakemake": "snakemake-minimal"}
ENVIRONMENTS = sorted(path.name for path in (ROOT / "envs").iterdir())


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
    assert SLURM in locked("requirements-slurm.lock")


@pytest.mark.parametrize("lock", EXTRAS)
def test_an_extra_changes_no_version_of_the_base_lock(lock):
    base, extra = locked(), locked(lock)
    assert {name: version for name, version in extra.items() if base.get(name, version) != version} == {}


def imported(text):
    """The modules that a Python text imports; of `from a import b` both a and a.b, as b may be a module."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imported_by_the_snakefile():
    """What the Snakefile and the chapters import, and what the library modules that they name import."""
    chapters = [ROOT / "Snakefile", *(ROOT / "workflow/rules").glob("*.smk")]
    statement = r"^[ \t]*((?:import|from)[ \t](?:.*\([^)]*\)|.+))$"
    lines = [line for path in chapters for line in re.findall(statement, path.read_text(), re.MULTILINE)]
    reached, waiting = set(), list(imported("\n".join(lines)))
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += [name.rpartition(".")[0]] if "." in name else []
            stem = SCRIPTS.joinpath(*name.split("."))
            for path in (stem / "__init__.py", stem.with_suffix(".py")):
                waiting += imported(path.read_text()) if path.is_file() else []
    return reached


def distributions(modules):
    """The packages of the lock that hold these modules; none for Python's own and for the project's."""
    known = importlib.metadata.packages_distributions()
    tops = {name.partition(".")[0] for name in modules} - sys.stdlib_module_names - {"decidua"}
    assert tops <= set(known), "not installed here"
    return {known[top][0].lower().replace("_", "-") for top in tops}


def environment(name):
    return yaml.safe_load((ROOT / "envs" / name).read_text())


def stated(name):
    """Package to version of an environment, without Python."""
    pins = dict(package.split("=") for package in environment(name)["dependencies"])
    return {package: version for package, version in pins.items() if package != "python"}


def pins(packages):
    """What an environment of these packages has to state."""
    lock = locked()
    return {CONDA_NAMES.get(name, name): lock[name] for name in packages}


def test_the_conda_environment_of_the_jobs_states_the_locked_versions_of_what_scripts_import():
    # A job's record asks for the version of each of PACKAGES. Snakemake runs outside of this environment.
    scripts = distributions(name for path in SCRIPTS.rglob("*.py") for name in imported(path.read_text()))
    assert stated("decidua.yaml") == pins((scripts | set(PACKAGES)) - {"snakemake"})


def test_the_conda_environment_of_snakemake_states_the_locked_versions_of_what_the_snakefile_imports():
    # pandas reads Excel tables by openpyxl; `snakemake --report` colours code by pygments.
    assert stated("snakemake.yaml") == pins(
        distributions(imported_by_the_snakefile()) | {"openpyxl", "pygments"}
    )


def test_the_slurm_plugin_is_a_comment_of_the_conda_environment_at_its_locked_version():
    text = (ROOT / "envs/snakemake.yaml").read_text()
    assert f"\n  # - {SLURM}={locked('requirements-slurm.lock')[SLURM]}\n" in text


def test_no_conda_environment_goes_untested():
    assert ENVIRONMENTS == ["decidua.yaml", "snakemake.yaml"]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_a_conda_environment_names_its_channels_and_pins_everything(name):
    # Without nodefaults, conda would add the channels of the machine at hand.
    channels = environment(name)["channels"]
    assert channels[0] == "conda-forge" and channels[-1] == "nodefaults"
    assert set(channels) <= {"conda-forge", "bioconda", "nodefaults"}
    dependencies = environment(name)["dependencies"]
    assert [text for text in dependencies if not re.fullmatch(r"[a-z][a-z0-9-]*=\d+(\.\d+)+", text)] == []
    assert dependencies[1:] == sorted(dependencies[1:])


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_python_of_a_conda_environment_is_one_that_the_project_allows(name):
    python = environment(name)["dependencies"][0].removeprefix("python=")
    assert python in SpecifierSet(PROJECT["requires-python"])


def test_every_rule_with_an_environment_has_that_of_the_jobs():
    text = "".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
    assert set(re.findall(r'conda:\s+"([^"]+)"', text)) == {"../../envs/decidua.yaml"}


def instructions(kind):
    """The arguments of all instructions of a kind in the Dockerfile."""
    text = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text())
    return [shlex.split(rest) for rest in re.findall(rf"^{kind}\s+(.+)$", text, re.MULTILINE)]


def test_the_image_has_a_python_that_the_project_allows():
    [[image]] = instructions("FROM")
    assert re.match(r"python:(\d+\.\d+)-", image)[1] in SpecifierSet(PROJECT["requires-python"])


def test_the_image_installs_the_lock_with_its_hashes():
    [install] = [words for words in instructions("RUN") if words[:2] == ["pip", "install"]]
    assert install[-3:] == ["--require-hashes", "--requirement", "/opt/decidua/requirements.lock"]


def test_docker_is_given_what_the_image_copies_and_nothing_else():
    # Everything is ignored but for the exceptions, so no patient table that lies here can get in.
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    copied = {source for *sources, _ in instructions("COPY") for source in sources}
    assert rules[0] == "*"
    assert {rule[1:] for rule in rules if rule.startswith("!")} == copied
    assert all((ROOT / source).exists() for source in copied)


def test_what_the_image_copies_is_enough_to_plan_the_study(tmp_path):
    image, folder = tmp_path / "image", tmp_path / "work"
    folder.mkdir()
    for *sources, target in instructions("COPY"):
        for source in sources:
            # A file goes into the folder that is named; a folder's content does.
            inside = image / target.strip("/")
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, inside, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                inside.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / source, inside)
    command = json.loads(re.search(r"^ENTRYPOINT (.+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)[1])
    run = subprocess.run(
        [sys.executable, "-m", *command[:-1], str(image / command[-1].strip("/")), "--dry-run"],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert "write_manifest" in run.stdout + run.stderr


def test_what_is_installed_is_what_is_locked():
    lock = locked()
    installed = {name: importlib.metadata.version(name) for name in asked()}
    assert installed == {name: lock[name] for name in asked()}
