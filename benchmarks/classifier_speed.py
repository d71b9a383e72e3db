"""How fast is the classifier, and beside its rivals? Prints one table; asserts nothing.

usage: .venv/bin/python benchmarks/classifier_speed.py [--samples 135 500 2000] [--permutations 1000]
       [--rivals 135]

Each row is a process of its own, on one BLAS thread: CPU seconds of the work (without imports and without
simulating the counts) and the process's peak memory. An outer fold is everything relearned in 5 inner folds
with 20 penalties, and the model; `growth` is the exponent of the CPU seconds in the number of samples against
the row of the same work before. The rivals do the same work for one outer fold: scikit-learn with a tolerance
tight enough to converge, R's glmnet with the same preparation in every inner fold. Rows are of one session:
compare them with each other, for machines differ.
"""

import argparse
import json
import math
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow/scripts"))
GENES, SHARE_OF_CASES, SEED = 20_000, 0.8, 1

GLMNET = """
suppressMessages(library(glmnet))
d <- commandArgs(TRUE)[1]; n <- as.integer(commandArgs(TRUE)[2]); g <- as.integer(commandArgs(TRUE)[3])
x <- matrix(readBin(file.path(d, "counts.bin"), "double", n * g), g, n)
y <- readBin(file.path(d, "labels.bin"), "integer", n)
fold <- readBin(file.path(d, "folds.bin"), "integer", n)
grid <- 10^seq(3, -3, length.out = 20)
prepared <- function(train, new) {
  positive <- apply(x[, train], 1, min) > 0
  means <- rowMeans(log(x[positive, train]))
  factors <- apply(x[positive, ], 2, function(s) exp(median((log(s) - means)[s > 0])))
  kept <- rowMeans(x[, train] >= 10) >= 0.2
  values <- t(log(sweep(x[kept, ], 2, factors, "/") + 1))
  centre <- colMeans(values[train, ])
  spread <- sqrt(colMeans(sweep(values[train, ], 2, centre)^2))
  use <- spread > 1e-6
  scale(values[, use], centre[use], spread[use])
}
learn <- function(train, new) {
  values <- prepared(train, new)
  lambda <- grid * ncol(values) / length(train)
  fit <- glmnet(values[train, ], y[train], "binomial", alpha = 0, lambda = lambda, standardize = FALSE,
                thresh = 1e-10, maxit = 1e7)
  predict(fit, values[new, , drop = FALSE])
}
started <- proc.time()
for (k in unique(fold)) learn(which(fold != k), which(fold == k))
learn(seq_len(n), 1)
cat(sum((proc.time() - started)[1:2]))
"""


def study(samples: int):
    """Counts (genes x samples) and labels of a simulated study of this size, the published shape."""
    import numpy as np

    from decidua.simulation import Design, simulate

    cases = round(SHARE_OF_CASES * samples)
    made = simulate(Design(cases=cases, controls=samples - cases, genes=GENES), np.random.default_rng(SEED))
    return made.counts, made.samples.set_index("sample")["label"]


def training_set(samples: int):
    """Counts (samples x genes), classes and inner folds of the training set of an outer fold."""
    import numpy as np

    from decidua.learning.folds import stratified_folds

    counts, labels = study(samples)
    matrix, is_case = np.ascontiguousarray(counts.to_numpy().T, np.float32), (labels == "case").to_numpy()
    rng = np.random.default_rng(SEED)
    train = np.flatnonzero(stratified_folds(is_case, np.arange(samples), 5, rng))
    inner = stratified_folds(is_case[train], np.arange(len(train)), 5, rng)
    return matrix[train], is_case[train], inner


def outer_fold(samples: int, _: int) -> float:
    import numpy as np

    from decidua.learning.cross_validation import Settings, learn

    matrix, is_case, _inner = training_set(samples)
    with one_thread():
        started = time.process_time()
        learn(matrix, is_case, np.arange(len(matrix)), Settings(), np.random.default_rng(SEED))
        return time.process_time() - started


def fifty_folds(samples: int, _: int) -> float:
    import numpy as np

    from decidua.learning.cross_validation import Settings, cross_validate

    counts, labels = study(samples)
    started = time.process_time()
    cross_validate(counts, labels, None, Settings(repeats=10), np.random.default_rng(SEED))
    return time.process_time() - started


def logistic(samples: int, number: int) -> float:
    return _permutations(samples, number, "logistic")


def screen(samples: int, number: int) -> float:
    return _permutations(samples, number, "ridge screen")


def _permutations(samples: int, number: int, engine: str) -> float:
    import numpy as np

    from decidua.learning.cross_validation import Settings
    from decidua.learning.permutation import permutation_test

    counts, labels = study(samples)
    rng = np.random.default_rng(SEED)
    started = time.process_time()
    permutation_test(counts, labels, None, None, Settings(), rng, number, engine)
    return time.process_time() - started


def scikit_learn(samples: int, _: int) -> float:
    """The preparation as a transformer, so that the pipeline relearns it in every inner fold."""
    from sklearn.base import BaseEstimator, TransformerMixin
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, PredefinedSplit
    from sklearn.pipeline import Pipeline

    from decidua.learning import preparation
    from decidua.learning.cross_validation import Settings

    class Prepare(TransformerMixin, BaseEstimator):
        def fit(self, counts, y=None):
            self.learned_, _ = preparation.fit(counts, Settings().preparing)
            return self

        def transform(self, counts):
            return self.learned_.transform(counts).astype(float)

    matrix, is_case, inner = training_set(samples)
    pipeline = Pipeline([("prepare", Prepare()), ("model", LogisticRegression(tol=1e-8, max_iter=100_000))])
    grid = {"model__C": 1 / (Settings().grid * GENES)}
    search = GridSearchCV(pipeline, grid, cv=PredefinedSplit(inner), scoring="neg_log_loss")
    with one_thread():
        started = time.process_time()
        search.fit(matrix, is_case)
        return time.process_time() - started


def glmnet(samples: int, _: int) -> float | None:
    """None where there is no R with glmnet."""
    import tempfile

    if not shutil.which("Rscript"):
        return None
    if subprocess.run(["Rscript", "-e", "library(glmnet)"], capture_output=True).returncode:
        return None
    matrix, is_case, inner = training_set(samples)
    with tempfile.TemporaryDirectory() as folder:
        matrix.astype("f8").tofile(Path(folder) / "counts.bin")
        is_case.astype("i4").tofile(Path(folder) / "labels.bin")
        inner.astype("i4").tofile(Path(folder) / "folds.bin")
        (Path(folder) / "glmnet.R").write_text(GLMNET)
        command = ["Rscript", str(Path(folder) / "glmnet.R"), folder, *map(str, matrix.shape)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout)


def one_thread():
    from threadpoolctl import threadpool_limits

    return threadpool_limits(limits=1, user_api="blas")


def peak() -> float:
    """MiB, of this process and its children."""
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return max(resource.getrusage(one).ru_maxrss for one in who) / 1024


RIVALS = {"scikit-learn GridSearchCV (tol 1e-8)": "scikit_learn", "R glmnet (thresh 1e-10)": "glmnet"}


def in_a_child(work: str, samples: int, number: int = 0) -> dict[str, float | None]:
    """Seconds and MiB of one of the functions above, in a process of its own."""
    command = [sys.executable, __file__, "--work", work, str(samples), str(number)]
    single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | single)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def show(what: str, samples: int, found: dict, before: tuple[int, float] | None = None) -> None:
    """One row of the table."""
    if found["seconds"] is None:
        print(f"{what:<58}{samples:>8}{'not run':>10}", flush=True)
        return
    growth = ""
    if before:
        growth = f"{math.log(found['seconds'] / before[1]) / math.log(samples / before[0]):.1f}"
    print(f"{what:<58}{samples:>8}{found['seconds']:>10.1f}{found['MiB']:>10.0f}{growth:>8}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--samples", type=int, nargs="+", default=[135, 500, 2000])
    parser.add_argument("--rivals", type=int, nargs="*", default=[135], help="sizes that the rivals run at")
    parser.add_argument("--permutations", type=int, default=1000)
    parser.add_argument("--permute", type=int, nargs="*", default=[135], help="sizes to permute labels at")
    options = parser.parse_args()
    print(f"{'20,000 genes':<58}{'samples':>8}{'CPU s':>10}{'MiB':>10}{'growth':>8}")
    before = None
    for samples in options.samples:
        found = in_a_child("outer_fold", samples)
        show("one outer fold, decidua", samples, found, before)
        before = samples, found["seconds"]
    for samples in options.rivals:
        show(
            "one outer fold, scikit-learn GridSearchCV (tol 1e-8)",
            samples,
            in_a_child("scikit_learn", samples),
        )
        show("one outer fold, R glmnet", samples, in_a_child("glmnet", samples))
    show("50 outer folds, decidua", options.samples[0], in_a_child("fifty_folds", options.samples[0]))
    for engine in ("screen", "logistic"):
        before = None
        for samples in options.permute:
            found = in_a_child(engine, samples, options.permutations)
            show(f"{options.permutations:,} permutations, {engine}", samples, found, before)
            before = samples, found["seconds"]


if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        work, samples, number = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
        seconds = globals()[work](samples, number)
        print(json.dumps({"seconds": seconds, "MiB": peak()}))
    else:
        main()
