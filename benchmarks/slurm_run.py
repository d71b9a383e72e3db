"""What does a Slurm job cost beyond its own work? Prints a line a job of the default study; asserts nothing.

usage (Debian, as root, after `make test-slurm` has made the environment):
    .venv-slurm/bin/python benchmarks/slurm_run.py [--parts 8] [--nodes 3]

On the throw-away cluster of tests/slurm/cluster, the classifier's folds split over `parts` jobs. `waited_s`
is from submission to start, `slurm_s` Slurm's run time of the job, `own_s` from the start of its first rule
to the end of its last, by Snakemake's benchmark files, `overhead_s` the difference: Snakemake starts twice.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from functools import cache
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
    """From the start of the first to the end of the last rule of a Slurm job, known by the plugin's comment.

    That is rule_cross_validate_part_wildcards_<study>_<part>_<parts>, or rule_<group>_ and the group's rules.
    """
    spans = []
    for path in benchmarks.glob("*/*.tsv"):
        rule = path.parent.name
        if rule == "cross_validate_part":
            named = comment.endswith("_" + path.stem.replace("_of_", "_"))
        else:
            named = comment.startswith(f"rule_{group_of().get(rule)}_")
        if named:
            seconds = float(path.read_text().splitlines()[1].split("\t")[0])
            spans.append((path.stat().st_mtime - seconds, path.stat().st_mtime))
    return max(end for _, end in spans) - min(start for start, _ in spans) if spans else float("nan")


@cache
def group_of() -> dict[str, str]:
    """Rule to group, as the rule files say."""
    texts = "\n".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
    rules = re.split(r"^rule (\w+):", texts, flags=re.MULTILINE)[1:]
    groups = [re.search(r'^    group:\s+"(\w+)"', text, re.MULTILINE) for text in rules[1::2]]
    return {rule: group[1] for rule, group in zip(rules[::2], groups, strict=True) if group}


def seconds_between(earlier: str, later: str) -> float:
    """Seconds between two of Slurm's times."""
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parts", type=int, default=8)
    parser.add_argument("--nodes", type=int, default=3)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    (folder / "split.yaml").write_text(f"execution: {{classifier_jobs: {options.parts}}}\n")
    subprocess.run([*CLUSTER, "stop"], check=True)
    subprocess.run([*CLUSTER, "start", "--nodes", str(options.nodes)], check=True)
    try:
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
        command += ["--workflow-profile", str(ROOT / "workflow/profiles/slurm"), "--directory", str(folder)]
        command += ["--cores", "2", "--resources", "mem_mb=4000"]
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
