"""How do time and memory of the cohort chapter grow with the number of women? Prints tables; asserts nothing.

usage: .venv/bin/python benchmarks/registry.py [--women 10000 100000 1000000] [--cores 2]

The women are drawn with replacement from the reconstructed default cohort, with new ids; 5% lose their BMI
and 2% their Th1/Th2 ratio at random, so that imputation and unknown markers have something to do. They are
simulated and mean nothing. Each size goes through the whole chapter: table, markers, statistics, figures.
Then seconds and memory of each job, and the slope of the logarithm of the seconds over that of the women: 1
is linear. Machines differ and are noisy: compare rows of one run.
"""

import argparse
import csv
import shutil
import tempfile
from collections.abc import Iterator
from itertools import pairwise
from math import log
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from default_run import ROOT, run

DICTIONARY = yaml.safe_load((ROOT / "workflow/resources/cohort_dictionary.yaml").read_text())["variables"]
LOST = {"bmi": 0.05, "th1_th2": 0.02}


def default_women(folder: Path) -> pd.DataFrame:
    """The rows of the reconstructed default cohort."""
    run(folder, 2, "results/v1/restricted/cohorts/han2025/reconstructed.parquet")
    return pd.read_parquet(folder / "results/v1/restricted/cohorts/han2025/reconstructed.parquet")


def resampled(women: pd.DataFrame, number: int, rng: np.random.Generator) -> pd.DataFrame:
    """That many rows drawn with replacement."""
    drawn = women.iloc[rng.integers(0, len(women), number)].reset_index(drop=True)
    drawn["id"] = [f"w{i}" for i in range(number)]
    for column, share in LOST.items():
        drawn[column] = drawn[column].mask(rng.random(number) < share)
    return drawn


def registry(folder: Path, women: pd.DataFrame) -> None:
    """A folder with the women's table and the settings for it."""
    columns = [name for name in DICTIONARY if name in women]
    women[columns].to_csv(folder / "women.csv", index=False)
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    cohort = {"title": "Simulated registry", "source": "table", "file": "women.csv", "panel": "lee2013"}
    cohort["columns"] = {name: name for name in columns}
    config |= {"cohorts": {"registry": cohort}, "studies": {}, "papers": {}}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))


def measured(folder: Path) -> Iterator[tuple[str, float, float]]:
    """Rule, seconds and MiB of each job, by Snakemake's benchmark files."""
    for path in folder.glob("results/*/benchmarks/*/*.tsv"):
        with path.open(newline="") as handle:
            for row in csv.DictReader(handle, delimiter="\t"):
                memory = 0.0 if row["max_rss"] in ("NA", "-") else float(row["max_rss"])
                # The jobs of one rule that do different work have a row each: tabulate, plot_trend.
                name = f"{path.parent.name} {path.stem.removeprefix('registry').strip('_')}".strip()
                yield name, float(row["s"]), memory


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--women", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--cores", type=int, default=2)
    options = parser.parse_args()
    scratch = Path(tempfile.mkdtemp())
    source = default_women(scratch)
    jobs: dict[int, dict[str, tuple[float, float]]] = {}
    print(f"{'women':>10}{'cores':>6}{'wall_s':>9}{'cpu_s':>9}{'peak_MiB':>10}{'jobs':>6}")
    for number in options.women:
        folder = Path(tempfile.mkdtemp())
        registry(folder, resampled(source, number, np.random.default_rng(1)))
        row = run(folder, options.cores, "figures", "statistics")
        line = f"{number:>10}{options.cores:>6}{row['wall_s']:>9.1f}{row['cpu_s']:>9.1f}"
        print(f"{line}{row['peak_MiB']:>10.0f}{row['jobs']:>6}", flush=True)
        jobs[number] = {name: (seconds, memory) for name, seconds, memory in measured(folder)}
        shutil.rmtree(folder)
    shutil.rmtree(scratch)
    print(f"\n{'job':<34}" + "".join(f"{number:>12}" for number in jobs) + "   seconds (MiB); slopes")
    for name in max(jobs.values(), key=len):
        cells = [jobs[number].get(name, (float("nan"), float("nan"))) for number in jobs]
        line = f"{name:<34}" + "".join(f"{s:>6.1f} {m:>5.0f}" for s, m in cells)
        steps = zip(pairwise(jobs), pairwise(cells), strict=True)
        slopes = [log(b[0] / a[0]) / log(n / m) for (m, n), (a, b) in steps if a[0] > 0 and b[0] > 0]
        print(line + "   " + " ".join(f"{slope:.2f}" for slope in slopes))
