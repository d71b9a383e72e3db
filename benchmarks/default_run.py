"""How long does the default study take, and how much memory? Prints one table; asserts nothing.

usage: .venv/bin/python benchmarks/default_run.py [--cores 1 2] [--repeats 3]

Wall and CPU seconds are of the whole process tree; peak memory is the largest sum of resident memory over
the tree, sampled ten times a second. `jobs_s` is the jobs' own wall time by Snakemake's benchmark files,
`overhead` what the run took over that divided by the cores: 1 if the cores did nothing else and were never
idle. `verify` is asked of the finished study. Machines differ and are noisy: compare rows of one run.
"""

import argparse
import csv
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[1]


def run(folder: Path, cores: int, *targets: str) -> dict[str, float]:
    """Run the workflow in a folder; seconds, memory and number of jobs."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    command += ["--directory", str(folder), "--cores", str(cores), *targets]
    before = sum(time_ for time_ in _children_cpu())
    started = time.perf_counter()
    with (folder / "snakemake.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        peak = _watch(psutil.Process(process.pid))
        status = process.wait()
    text = (folder / "snakemake.log").read_text()
    if status:
        sys.exit(text)
    wall = time.perf_counter() - started
    total = re.search(r"^(\d+) jobs to do", text, re.MULTILINE)
    return {
        "wall_s": wall,
        "cpu_s": sum(_children_cpu()) - before,
        "peak_MiB": peak / 2**20,
        "jobs": int(total[1]) if total else 0,
    }


def jobs_seconds(folder: Path) -> float:
    """The sum of the jobs' own wall seconds."""
    seconds = 0.0
    for path in folder.glob("results/*/benchmarks/**/*.tsv"):
        with path.open(newline="") as handle:
            seconds += sum(float(row["s"]) for row in csv.DictReader(handle, delimiter="\t"))
    return seconds


def _children_cpu() -> tuple[float, float]:
    times = psutil.Process().cpu_times()
    return times.children_user, times.children_system


def _watch(process: psutil.Process) -> int:
    peak = 0
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        try:
            tree = [process, *process.children(recursive=True)]
            peak = max(peak, sum(member.memory_info().rss for member in tree))
        except psutil.NoSuchProcess:
            pass
        time.sleep(0.1)
    return peak


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cores", type=int, nargs="+", default=[2, 1])
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    header = f"{'run':<16}{'cores':>6}{'wall_s':>9}{'cpu_s':>9}{'peak_MiB':>10}{'jobs':>6}{'jobs_s':>9}"
    print(f"{header}{'overhead':>10}")
    for _ in range(options.repeats):
        for cores in options.cores:
            folder = Path(tempfile.mkdtemp())
            for name, targets in (("default study", []), ("nothing to do", []), ("verify", ["verify"])):
                row = run(folder, cores, *targets)
                line = f"{name:<16}{cores:>6}{row['wall_s']:>9.1f}{row['cpu_s']:>9.1f}"
                line += f"{row['peak_MiB']:>10.0f}{row['jobs']:>6}"
                if name == "default study":
                    own = jobs_seconds(folder)
                    line += f"{own:>9.1f}{row['wall_s'] * cores / own:>10.2f}"
                print(line, flush=True)
            shutil.rmtree(folder)
