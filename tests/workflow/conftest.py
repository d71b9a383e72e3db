"""Real runs of the workflow, each in a folder of its own, with the network blocked."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@dataclass
class Run:
    """A finished run of Snakemake: its folder, exit status and everything it said."""

    folder: Path
    status: int
    text: str

    @property
    def results(self):
        """The folder of the version."""
        return self.folder / "results" / "v1"

    def jobs(self):
        """Rule to number of jobs, from the line that the run prints first; empty when nothing was to do."""
        line = re.search(r"^\d+ jobs to do: (.*)$", self.text, re.MULTILINE)
        pairs = (entry.split() for entry in line[1].split(", ")) if line else ()
        return {rule: int(count) for rule, count in pairs}


def command_of(folder, *arguments, config=None, overlays=(), root=ROOT, cores=2):
    """The command that runs the workflow of `root` in `folder`.

    `config` is an overlay of tests/configs or a path, `overlays` are paths of more.
    """
    files = [] if config is None else [ROOT / "tests/configs" / config]
    files += overlays
    command = [sys.executable, "-m", "snakemake", "--snakefile", root / "Snakefile", "--directory", folder]
    command += ["--cores", cores, *arguments, *(["--configfile", *files] if files else [])]
    return list(map(str, command))


def snakemake(folder, *arguments, environment=(), prefix=(), **options):
    """Run the workflow to its end; `prefix` goes before the command, other options go to command_of."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [*prefix, *command_of(folder, *arguments, **options)]
    blocked = str(ROOT / "tests/workflow/blocked")
    variables = {**os.environ, "PYTHONPATH": blocked, **dict(environment)}
    done = subprocess.run(command, capture_output=True, text=True, env=variables, timeout=900, check=False)
    return Run(folder, done.returncode, done.stdout + done.stderr)


@pytest.fixture(scope="session")
def default_run(tmp_path_factory):
    """The default study, run once for all tests."""
    run = snakemake(tmp_path_factory.mktemp("default"))
    assert run.status == 0, run.text
    return run


@pytest.fixture(scope="session")
def real_data():
    """The folder of real data sets, outside of the project."""
    folder = os.environ.get("DECIDUA_REAL_DATA")
    if not folder:
        pytest.skip("DECIDUA_REAL_DATA is not set")
    return Path(folder)
