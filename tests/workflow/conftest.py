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
        """Rule to number of jobs, from the table that Snakemake prints; empty when nothing was to do."""
        table = re.search(r"^job\s+count\n[-\s]+\n(.*?)\n\n", self.text, re.MULTILINE | re.DOTALL)
        pairs = (line.split() for line in table[1].splitlines()) if table else ()
        return {rule: int(count) for rule, count in pairs}


def snakemake(folder, *arguments, config=None, root=ROOT, cores=2, environment=()):
    """Run the workflow of `root` in `folder`, with an overlay of tests/configs or a path as `config`."""
    folder.mkdir(parents=True, exist_ok=True)
    overlay = [] if config is None else ["--configfile", str(ROOT / "tests/configs" / config)]
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(root / "Snakefile")]
    command += ["--directory", str(folder), "--cores", str(cores), *overlay, *map(str, arguments)]
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
