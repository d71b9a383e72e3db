"""What do panels cost? CPU seconds of the best pair, of nested panels, and of scikit-learn for the like.

usage: PYTHONPATH=workflow/scripts .venv/bin/python benchmarks/panels.py [--repeats 10] [--rival-folds 1]

The simulated study of the default run (135 x 20,000). The rival chooses the top 20 genes inside a Pipeline
and tunes a logistic regression on them in inner folds, from normalised log counts; it has no threshold to
choose.
"""

import argparse
import time

import numpy as np
from threadpoolctl import threadpool_limits

from decidua.expression import log2_normalised, size_factors
from decidua.learning import preparation
from decidua.learning.cross_validation import Settings
from decidua.learning.folds import splits, stratified_folds
from decidua.learning.panels import PanelSettings, measure_panels
from decidua.learning.ranking import best_pair
from decidua.simulation import Design, simulate


def rival(values: np.ndarray, is_case: np.ndarray, fold_of: np.ndarray, folds: int) -> None:
    """Some outer folds of scikit-learn's nested top 20."""
    from sklearn.feature_selection import SelectKBest, f_classif
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, StratifiedKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    steps = make_pipeline(StandardScaler(), SelectKBest(f_classif, k=20), LogisticRegression(tol=1e-8))
    grid = {"logisticregression__C": np.geomspace(1e-3, 1e3, 20)}
    for _, (train, test) in zip(range(folds), splits(fold_of), strict=False):
        search = GridSearchCV(steps, grid, cv=StratifiedKFold(5), scoring="neg_log_loss")
        search.fit(values[train], is_case[train]).predict_proba(values[test])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--rival-folds", type=int, default=1)
    options = parser.parse_args()
    study = simulate(Design(), np.random.default_rng(1))
    labels = study.samples.set_index("sample")["label"]
    is_case = (labels == "case").to_numpy()
    fold_of = stratified_folds(is_case, np.arange(len(is_case)), 5, np.random.default_rng(2))
    train = np.flatnonzero(fold_of != 0)
    settings = Settings(repeats=options.repeats)
    counts = np.ascontiguousarray(study.counts.to_numpy().T[train], dtype=np.float32)
    log2 = log2_normalised(study.counts, size_factors(study.counts)).to_numpy().T

    def panels(sizes: tuple[int, ...], repeats: int, pairs: int) -> None:
        chosen = PanelSettings(20, sizes, repeats, pairs)
        measure_panels(study.counts, labels, None, settings, chosen, np.random.default_rng(3), "study")

    def pair() -> None:
        best_pair(preparation.fit(counts, settings.preparing)[1], is_case[train])

    tasks = {
        "best pair of all pairs, one training set with its preparation": pair,
        f"nested top 20, {5 * options.repeats} outer folds": lambda: panels((), options.repeats, 0),
        "the default run: 8 sizes in 2 repeats, pairs in 1": lambda: panels(
            (1, 2, 5, 10, 50, 100, 200), 2, 1
        ),
    }
    if options.rival_folds:
        name = f"scikit-learn, SelectKBest(20) and GridSearchCV, {options.rival_folds} outer folds"
        tasks[name] = lambda: rival(log2, is_case, fold_of, options.rival_folds)
    with threadpool_limits(limits=1, user_api="blas"):
        for name, task in tasks.items():
            start = time.process_time()
            task()
            print(f"{time.process_time() - start:8.2f} CPU s  {name}")
