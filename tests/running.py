"""How tests run the workflow for real: each time in a folder of its own, with the network blocked."""

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from decidua.provenance import byte_stable, sha256

ROOT = Path(__file__).parents[1]
#: Puts a module on the path of every Python of the run that refuses connections to other machines.
NO_NETWORK = {"PYTHONPATH": str(ROOT / "tests/workflow/blocked")}


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
    variables = {**os.environ, **NO_NETWORK, **dict(environment)}
    done = subprocess.run(command, capture_output=True, text=True, env=variables, timeout=900, check=False)
    return Run(folder, done.returncode, done.stdout + done.stderr)


def files(run):
    """Every file of the version that is said to be byte-stable, by its path."""
    found = {path.relative_to(run.results): path for path in run.results.rglob("*") if path.is_file()}
    return {path.as_posix(): file for path, file in found.items() if byte_stable(path)}


def hashes(run):
    """The hash of each of them."""
    return {path: sha256(file) for path, file in files(run).items()}


def wait_for(what, seconds=300):
    """The first true answer of a function."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not come to that")
