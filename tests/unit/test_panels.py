"""Panels of few genes: the right genes, chosen in training samples alone, and how stable the choice is."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from decidua import results
from decidua.learning import panels, preparation, ranking
from decidua.learning.cross_validation import Settings, aligned_study, cross_validate, outer_folds
from decidua.learning.discriminant import fit_nested
from decidua.learning.guard import Training
from decidua.learning.noise import noise_study
from decidua.learning.panels import (
    INSIDE,
    OUTSIDE,
    PAIR_INSIDE,
    PAIR_OUTSIDE,
    STABILITY,
    PanelSettings,
    measure_panels,
)
from decidua.learning.performance import WITHIN
from decidua.learning.ranking import best_pair, strongest, t_statistics
from decidua.learning.stability import stability

QUICK = Settings(repeats=2, folds=3, inner_folds=3, penalties=4)
FEW = PanelSettings(panel=5, sizes=(1, 2, 5, 10), repeats=2, pair_repeats=1)


def standardised(cases, controls, genes, seed=0, shift=0.0, planted=0):
    rng = np.random.default_rng(seed)
    is_case = rng.permutation(cases + controls) < cases
    values = rng.normal(size=(cases + controls, genes))
    values[is_case, :planted] += shift
    values = (values - values.mean(axis=0)) / values.std(axis=0)
    return values.astype(np.float32), is_case


def study(cases, controls, genes=200, planted=0, shift=0.0, seed=0):
    """Counts (genes x samples) whose first genes are `shift` natural logs higher in cases; and labels."""
    rng = np.random.default_rng(seed)
    n = cases + controls
    is_case = rng.permutation(n) < cases
    mean = rng.lognormal(5, 1, genes)[:, None] * rng.lognormal(0, 0.3, n)
    mean[:planted] *= np.exp(shift * is_case)
    index = pd.Index([f"G{i:04d}" for i in range(genes)], name="gene")
    samples = pd.Index([f"S{i:03d}" for i in range(n)], name="sample")
    counts = rng.poisson(rng.gamma(5, mean / 5)).astype(np.int32)
    labels = pd.Series(np.where(is_case, "case", "control"), index=samples)
    return pd.DataFrame(counts, index=index, columns=samples), labels


def measured(counts, labels, groups=None, settings_=QUICK, chosen=FEW, seed=5):
    return measure_panels(counts, labels, groups, settings_, chosen, np.random.default_rng(seed), "s")


def estimate(table, variable, level, quantity):
    rows = table.query("variable == @variable and level == @level and quantity == @quantity")
    assert len(rows) == 1
    return rows["estimate"].iloc[0]


# ---- ranking


@given(cases=st.integers(2, 12), controls=st.integers(2, 12), seed=st.integers(0, 99))
@settings(max_examples=10)
def test_t_statistics_are_those_of_scipy(cases, controls, seed):
    values, is_case = standardised(cases, controls, 6, seed)
    expected = stats.ttest_ind(values[is_case].astype(float), values[~is_case].astype(float)).statistic
    assert t_statistics(values, is_case) == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_which_class_is_called_the_case_changes_the_signs_of_t_alone():
    values, is_case = standardised(9, 6, 50)
    assert np.array_equal(t_statistics(values, ~is_case), -t_statistics(values, is_case))


def test_the_strongest_genes_are_in_the_order_of_t_and_of_equals_the_first_is_taken():
    assert strongest(np.array([1.0, -3.0, 3.0, 2.0]), 3).tolist() == [1, 2, 3]


def brute_force(values, is_case):
    """The largest squared Mahalanobis distance of all pairs, by the textbook: pooled covariance, n - 2."""
    best = (-1.0, None)
    groups = [values[is_case].astype(float), values[~is_case].astype(float)]
    difference = groups[0].mean(axis=0) - groups[1].mean(axis=0)
    pooled = sum((g - g.mean(axis=0)).T @ (g - g.mean(axis=0)) for g in groups) / (len(values) - 2)
    for pair in combinations(range(values.shape[1]), 2):
        own = difference[list(pair)]
        distance = own @ np.linalg.solve(pooled[np.ix_(pair, pair)], own)
        best = max(best, (distance, pair), key=lambda found: found[0])
    return best


@given(n=st.integers(4, 20), ratio=st.sampled_from([0.3, 0.5]), seed=st.integers(0, 99))
@settings(max_examples=10)
def test_the_best_pair_is_that_of_brute_force(n, ratio, seed):
    cases = max(2, round(n * ratio))
    values, is_case = standardised(cases, n - cases + 2, 20, seed, shift=1.0, planted=3)
    distance, pair = brute_force(values, is_case)
    found = best_pair(values, is_case)
    assert (found.first, found.second) == pair
    assert found.distance == pytest.approx(distance, rel=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_the_best_pair_is_found_among_genes_that_say_nothing_alone(monkeypatch, seed):
    monkeypatch.setattr(ranking, "LEADING", 4)
    monkeypatch.setattr(ranking, "BLOCK", 16)  # many blocks of few genes
    values, is_case = standardised(18, 12, 150, seed)
    if seed % 2:  # a suppressor: a gene, and the same with a little of the class taken away
        rng = np.random.default_rng(seed)
        noise = rng.normal(size=30)
        values[:, 77] = noise + 0.05 * is_case + 0.02 * rng.normal(size=30)
        values[:, 130] = noise
        values = (values - values.mean(axis=0)) / values.std(axis=0)
    distance, pair = brute_force(values, is_case)
    found = best_pair(values, is_case)
    assert (found.first, found.second) == pair
    assert found.distance == pytest.approx(distance, rel=1e-5)
    if seed % 2:
        assert pair == (77, 130)
        assert not set(pair) & set(strongest(t_statistics(values, is_case), 4))


def test_f_of_the_best_pair_is_that_of_a_regression_of_the_class_on_it():
    import statsmodels.api as sm

    values, is_case = standardised(14, 9, 12, 3)
    found = best_pair(values, is_case)
    design = sm.add_constant(values[:, [found.first, found.second]].astype(float))
    fit = sm.OLS(is_case.astype(float), design).fit()
    assert found.f == pytest.approx(fit.fvalue, rel=1e-6)
    assert found.explained == pytest.approx(fit.rsquared, rel=1e-6)


def test_of_pairs_that_are_equal_the_first_is_taken_and_a_gene_twice_is_no_pair():
    values, is_case = standardised(12, 8, 30, 1, shift=2.0, planted=2)
    first = best_pair(values, is_case)
    doubled = np.hstack([values, values])  # every gene twice
    again = best_pair(doubled, is_case)
    assert (again.first, again.second) == (first.first, first.second)
    assert again.explained == pytest.approx(first.explained, rel=1e-12)


def test_which_class_is_called_the_case_does_not_change_the_best_pair():
    values, is_case = standardised(15, 9, 300, 8)
    assert best_pair(values, is_case) == best_pair(values, ~is_case)


def test_a_pair_of_one_gene_is_refused():
    values, is_case = standardised(5, 5, 1)
    with pytest.raises(ValueError, match="two genes"):
        best_pair(values, is_case)


# ---- linear discriminant


def test_the_discriminant_is_scikit_learn_s_with_ledoit_and_wolf_s_shrinkage():
    from sklearn.covariance import ledoit_wolf_shrinkage
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    values, is_case = standardised(20, 10, 60, 2, shift=0.8, planted=5)
    new = np.random.default_rng(1).normal(size=(7, 60))
    sizes = (2, 10, 60)
    for size, model in zip(sizes, fit_nested(values, is_case, sizes), strict=True):
        own = values[:, :size].astype(float)
        centred = own - np.where(is_case[:, None], own[is_case].mean(axis=0), own[~is_case].mean(axis=0))
        shrinkage = ledoit_wolf_shrinkage(centred, assume_centered=True)
        assert model.shrinkage == pytest.approx(shrinkage, rel=1e-6)
        other = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=shrinkage).fit(own, is_case)
        assert model.score(new) == pytest.approx(other.decision_function(new[:, :size]), rel=1e-5, abs=1e-5)


def test_without_genes_the_discriminant_gives_the_class_shares():
    values, is_case = standardised(30, 10, 3)
    (model,) = fit_nested(values, is_case, [0])
    assert model.score(values[:4]) == pytest.approx(np.full(4, np.log(3)))


# ---- stability


def test_stability_is_nogueira_s_by_hand():
    # Frequencies 1, 2/3, 1/3, 0; mean p(1-p) = 1/9, times 3/2 = 1/6; by lot 1/2 (1 - 1/2) = 1/4: 1 - 2/3.
    # Theorem 7, terms of the sets: 1, 1, 2/3; variance 4/9 (2/81 + 4/81) = 24/729.
    sets = [np.array([0, 1]), np.array([1, 0]), np.array([0, 2])]
    found = stability(sets, 4)
    half = 1.959963984540054 * np.sqrt(24 / 729)
    assert found.estimate == pytest.approx(1 / 3)
    assert (found.lower, found.upper) == pytest.approx((1 / 3 - half, 1 / 3 + half))


def test_the_same_set_every_time_is_stable_and_one_set_alone_is_not_estimable():
    same = stability([np.array([3, 5])] * 4, 10)
    assert (same.estimate, same.lower, same.upper) == pytest.approx((1, 1, 1))
    assert stability([np.array([3, 5])], 10) is None
    assert stability([np.array([0, 1])] * 3, 2) is None


def test_sets_by_lot_have_a_stability_about_zero():
    rng = np.random.default_rng(2)
    found = stability([rng.choice(500, 50, replace=False) for _ in range(100)], 500)
    assert abs(found.estimate) < 0.01 and found.lower < 0 < found.upper


# ---- panels in the folds


@pytest.fixture(scope="module")
def planted():
    counts, labels = study(24, 18, planted=6, shift=1.0)
    return counts, labels, measured(counts, labels)


def test_the_genes_of_each_fold_are_the_strongest_of_its_training_samples_by_scipy(planted):
    counts, labels, found = planted
    is_case = (labels == "case").to_numpy()
    chosen = []
    streams = np.random.default_rng(5)
    given = aligned_study(counts, labels, None, None, QUICK)
    for _, _, train, _, _ in outer_folds(given, QUICK, streams):
        matrix = counts.to_numpy().T[train].astype(np.float32)
        prepared, values = preparation.fit(matrix, QUICK.preparing)
        t = stats.ttest_ind(values[is_case[train]].astype(float), values[~is_case[train]].astype(float))
        chosen += counts.index[prepared.genes[np.argsort(-np.abs(t.statistic))[:5]]].tolist()
    expected = pd.Series(chosen).value_counts() / 6
    got = found.genes.set_index("gene")["frequency"]
    assert got.sort_index().to_dict() == pytest.approx(expected.sort_index().to_dict())
    assert found.genes["consensus"].sum() == 5 and found.genes["consensus"].head(5).all()
    assert set(found.genes["direction"].head(5)) == {"higher in cases"}


def test_the_folds_are_those_of_the_cross_validation(planted, monkeypatch):
    counts, labels, _ = planted
    seen = []
    real = panels._Samples.predictions
    monkeypatch.setattr(
        panels._Samples, "predictions", lambda self, name: seen.append(real(self, name)) or seen[-1]
    )
    measured(counts, labels)
    theirs = cross_validate(counts, labels, None, QUICK, np.random.default_rng(5)).predictions
    keys = ["sample", "repeat"]
    ours = seen[0].sort_values(keys)["fold"].tolist()
    assert ours == theirs.sort_values(keys)["fold"].tolist()


def test_what_all_samples_would_choose_changes_nothing_that_is_chosen_inside():
    counts, labels = study(20, 16, planted=4, shift=0.8)
    matrix = np.ascontiguousarray(counts.to_numpy().T, dtype=np.float32)
    is_case, codes = (labels == "case").to_numpy(), np.arange(36)
    train, test = np.flatnonzero(np.arange(36) % 3), np.arange(0, 36, 3)
    poisoned = matrix.copy()
    poisoned[test] = np.random.default_rng(9).poisson(1e5, poisoned[test].shape)
    outcome = []
    for whole in (Training(matrix, is_case, codes), Training(poisoned, is_case, codes)):
        lesson = panels._choose(whole, QUICK, 10, True)
        training, _ = whole.split(train, test)
        learned = panels._learn(training, QUICK, FEW, lesson, np.random.default_rng(3), True)
        inside = [name for name in learned.models if "inside" in name[0]]
        outcome.append({name: (*learned.models[name], learned.thresholds[name]) for name in inside})
    assert {name[0] for name in outcome[0]} == {INSIDE, PAIR_INSIDE}
    for name, (columns, model, threshold) in outcome[0].items():
        assert np.array_equal(columns, outcome[1][name][0]) and threshold == outcome[1][name][2]
        assert np.array_equal(model.coefficients, outcome[1][name][1].coefficients)


def test_on_noise_choosing_with_all_samples_flatters_and_choosing_inside_does_not():
    counts, labels = study(24, 24, genes=1500, seed=4)
    chosen = PanelSettings(panel=20, sizes=(20,), repeats=2, pair_repeats=1)
    table = measured(counts, labels, chosen=chosen).table
    assert estimate(table, OUTSIDE, "20", WITHIN) > 0.9
    assert 0.3 < estimate(table, INSIDE, "20", WITHIN) < 0.7
    assert estimate(table, PAIR_OUTSIDE, "2", WITHIN) > estimate(table, PAIR_INSIDE, "2", WITHIN) + 0.1
    said = table.loc[table["variable"] == OUTSIDE, "reason"]
    assert said.str.startswith("optimistic by construction").all()


def test_neither_the_order_of_samples_and_genes_nor_the_name_of_a_class_changes_the_panels(planted):
    counts, labels, found = planted
    rng = np.random.default_rng(0)
    other = counts.iloc[rng.permutation(len(counts)), rng.permutation(counts.shape[1])]
    shuffled = measured(other, labels.sample(frac=1, random_state=1))
    for name in ("table", "genes", "pairs"):
        pd.testing.assert_frame_equal(getattr(shuffled, name), getattr(found, name))
    swapped = measured(counts, labels.map({"case": "control", "control": "case"}))
    both = found.table["quantity"].isin([WITHIN, "accuracy", "Brier score", STABILITY])
    assert swapped.table.loc[both, "estimate"].to_numpy() == pytest.approx(
        found.table.loc[both, "estimate"].to_numpy()
    )
    assert swapped.genes["gene"].equals(found.genes["gene"])
    assert swapped.genes["mean_t"].to_numpy() == pytest.approx(-found.genes["mean_t"].to_numpy())


def test_the_samples_of_a_woman_stay_together_and_are_counted_as_one():
    counts, labels = study(24, 18, planted=6, shift=1.0)
    order = labels.sort_values(kind="stable").index
    groups = pd.Series([f"W{i // 2:02d}" for i in range(len(order))], index=order)
    table = measured(counts, labels, groups).table
    row = table.query("variable == @INSIDE and level == '5' and quantity == 'accuracy'").iloc[0]
    assert "21 groups" in row["counted"] and "21 groups" in row["interval"]


def test_a_panel_larger_than_the_genes_kept_is_not_estimable():
    counts, labels = study(15, 12, genes=30)
    table = measured(counts, labels, chosen=PanelSettings(5, (5, 500), 1, 0)).table
    row = table.query("variable == @INSIDE and level == '500'").iloc[0]
    assert row["status"] == results.NOT_ESTIMABLE and "30 genes" in row["reason"]
    assert not table["variable"].isin([PAIR_INSIDE, PAIR_OUTSIDE]).any()


def test_noise_alone_gives_a_fine_figure_when_the_genes_are_chosen_with_all_samples():
    table = noise_study(30, 20, 2000, np.random.default_rng(3), data_sets=2, with_pair=1)
    mean = table.groupby(["model", "chosen"])[["auc", "accuracy"]].mean()
    assert mean.loc[("top 20 genes", "outside"), "auc"] > 0.95
    assert 0.25 < mean.loc[("top 20 genes", "inside"), "auc"] < 0.75
    assert (table["model"] == "two genes").sum() == 2  # one data set, inside and outside
