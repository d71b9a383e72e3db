"""What does a Slurm job cost beyond its own work? Prints a line a job of the default study; asserts nothing.

usage (Debian, as root, after `make test-slurm` has made the environment):
    .venv-slurm/bin/python benchmarks/slurm_run.py [--parts 8] [--nodes 3]

On the throw-away cluster of tests/slurm/cluster, the classifier's folds split over `parts` jobs. `waited_s`
is from submission to start, `slurm_s` Slurm's run time of the job, `own_s` that of the part of the classifier
in it, by its benchmark file, `overhead_s` the difference: Snakemake starts twice. Nodes share one machine:
with many more CPUs than it has cores, the figures are those of jobs that wait for each other.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
CLUSTER = [sys.executable, str(ROOT / "tests/slurm/cluster")]


def slurm_jobs() -> list[dict[str, str]]:
    """What Slurm knows of each job, by its own names of the fields."""
    said = subprocess.run(
        ["scontrol", "--oneliner", "show", "jobs"], capture_output=True, text=True, check=True
    ).stdout
    return [dict(re.findall(r"(\w+)=(\S*)", line)) for line in said.splitlines() if "Comment=rule_" in line]


def own_seconds(benchmarks: Path, comment: str) -> float:
    """Wall seconds of the part of the classifier that a Slurm job is, by the plugin's comment; else NaN.

    Of a group's jobs nobody knows when they ran: Snakemake touches all their files at the end.
    """
    for path in benchmarks.glob("cross_validate_part/*.tsv"):
        if comment == f"rule_cross_validate_part_wildcards_{path.stem.replace('_of_', '_')}":
            return float(path.read_text().splitlines()[1].split("\t")[0])
    return float("nan")


def seconds_between(earlier: str, later: str) -> float:
    """Seconds between two of Slurm's times."""
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parts", type=int, default=8)
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--cpus", type=int, default=1, help="of each node")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    (folder / "split.yaml").write_text(f"execution: {{classifier_jobs: {options.parts}}}\n")
    subprocess.run([*CLUSTER, "stop"], check=True)
    subprocess.run(
        [*CLUSTER, "start", "--nodes", str(options.nodes), "--cpus", str(options.cpus)], check=True
    )
    try:
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
        command += ["--workflow-profile", str(ROOT / "workflow/profiles/slurm"), "--directory", str(folder)]
        command += ["--cores", str(options.cpus), "--resources", "mem_mb=4000"]
        started = time.perf_counter()
        with (folder / "said").open("w") as said:
            subprocess.run(
                [*command, "--configfile", str(folder / "split.yaml")], stdout=said, stderr=said, check=True
            )
        print(f"the whole study: {time.perf_counter() - started:.0f} s of wall time")
        print(f"{'waited_s':>9}{'slurm_s':>9}{'own_s':>9}{'overhead_s':>12}  job")
        for job in slurm_jobs():
            ran = seconds_between(job["StartTime"], job["EndTime"])
            waited = seconds_between(job["SubmitTime"], job["StartTime"])
            own = own_seconds(folder / "results/v1/benchmarks", job["Comment"])
            print(f"{waited:>9.0f}{ran:>9.0f}{own:>9.1f}{ran - own:>12.1f}  {job['Comment'][:60]}")
    finally:
        subprocess.run([*CLUSTER, "stop"], check=True)
