"""How fast are prediction models learned and validated? Prints one table; asserts nothing.

usage: .venv/bin/python benchmarks/prediction_speed.py [--women 466 2000 100000] [--processes 2]
       [--resamples 200]

Each row is a process of its own on one BLAS thread: all five models of the chapter (history; immune; both;
both with the panel's calls; boosted trees) with 4 predictors of the history and 4 markers, of which 5% are
unknown in every second row; learned, validated by the bootstrap and by cross-validation of 10 folds (5
repeats; 1 with more than 10,000 women), and the change in c. CPU seconds are of all processes, without
imports; peak memory is of the process and of its largest child. Compare the rows of one session.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow/scripts"))
HISTORY, MARKERS = ("age", "miscarriages", "bmi", "parity"), ("m1", "m2", "m3", "m4")
MANY, REPEATS = 10_000, 5


def cohort(women: int, unknown: float):
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(1)
    x = rng.normal(size=(women, 8))
    event = rng.random(women) < 1 / (1 + np.exp(1.6 - x @ [0.4, 0.3, 0.1, -0.2, 0.3, 0.2, 0, 0]))
    x[rng.random(x.shape) < unknown] = np.nan
    rows = pd.DataFrame(x, columns=[*HISTORY, *MARKERS])
    for name in MARKERS:
        call = pd.Series(np.where(rows[name] > 1, "abnormal", "normal"), dtype="string")
        rows[f"{name}_call"] = call.mask(rows[name].isna())
    return rows, event


def specifications():
    from decidua.prediction.design import BOOSTING, Specification

    calls = tuple(f"{name}_call" for name in MARKERS)
    return [
        Specification("history", HISTORY),
        Specification("immune", MARKERS),
        Specification("history + immune", HISTORY + MARKERS),
        Specification("history + immune, dichotomised", HISTORY + calls),
        Specification("history + immune, boosted", HISTORY + MARKERS, method=BOOSTING),
    ]


def work(women: int, unknown: float, processes: int, resamples: int) -> dict[str, float]:
    import numpy as np

    from decidua.prediction import validation

    rows, event = cohort(women, unknown)
    rng = np.random.default_rng(2)
    started, wall = cpu(), time.monotonic()
    repeats = 1 if women > MANY else REPEATS
    drawn = validation.resamples(event, np.arange(women), resamples, 10, repeats, rng)
    found = validation.validate(specifications(), rows, event, drawn, processes=processes)
    validation.difference(found.models["history + immune"], found.models["history"], "c statistic")
    assert not found.failures, found.failures
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return {"cpu": cpu() - started, "wall": time.monotonic() - wall, "mb": peak / 1024}


def cpu() -> float:
    return sum(sum(os.times()[place : place + 2]) for place in (0, 2))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--women", type=int, nargs="+", default=[466, 2000, 100_000])
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--resamples", type=int, default=200)
    parser.add_argument("--one", type=float, nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        women, unknown = int(options.one[0]), options.one[1]
        print(json.dumps(work(women, unknown, options.processes, options.resamples)))
        sys.exit()
    print("| women | unknown | CPU s | wall s | peak MB |\n|---|---|---|---|---|")
    for women in options.women:
        for unknown in (0.0, 0.05):
            command = [sys.executable, __file__, "--one", str(women), str(unknown)]
            command += ["--processes", str(options.processes), "--resamples", str(options.resamples)]
            environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
            done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
            row = json.loads(done.stdout.splitlines()[-1])
            print(
                f"| {women} | {unknown:.0%} | {row['cpu']:.1f} | {row['wall']:.1f} | {row['mb']:.0f} |",
                flush=True,
            )
