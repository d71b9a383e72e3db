"""The methods: right by other tools, blind to test samples, the same in any order; and the guard."""

import dataclasses
import itertools

import numpy as np
import pandas as pd
import pytest
from test_classifier import QUICK, same, study, validate

from decidua import results
from decidua.errors import InputError
from decidua.learning import elastic_net, methods, preparation
from decidua.learning.cross_validation import Settings, evaluate_methods, learn_from
from decidua.learning.guard import Training
from decidua.learning.method_comparison import method_table
from decidua.learning.methods import NAMES
from decidua.learning.platt import calibrate
from decidua.learning.preparation import SIZE_FACTORS, TRANSFORMS
from decidua.learning.ranking import t_statistics
from decidua.learning.ridge import NotConverged

CHALLENGERS = [name for name in NAMES if name != "ridge"]


@pytest.fixture(autouse=True)
def small_forest(monkeypatch):
    monkeypatch.setattr(methods, "TREES", 12)
    monkeypatch.setattr(methods, "TRIAL_TREES", 6)


def standardised(n=40, genes=60, seed=0):
    rng = np.random.default_rng(seed)
    is_case = rng.permutation(np.arange(n) < 0.6 * n)
    values = rng.normal(size=(n, genes))
    values[is_case, :5] += 1
    values = (values - values.mean(axis=0)) / values.std(axis=0)
    return values.astype(np.float32), is_case


# ---- the guard


def learned_of(value):
    """Everything in what was learned, as bytes: arrays, numbers and trees, through all dataclasses."""
    if isinstance(value, np.ndarray):
        return value.tobytes()
    if dataclasses.is_dataclass(value):
        return [learned_of(getattr(value, field.name)) for field in dataclasses.fields(value)]
    if hasattr(value, "estimators_"):
        return [
            array.tobytes()
            for tree in value.estimators_
            for array in (tree.tree_.feature, tree.tree_.threshold, tree.tree_.value)
        ]
    return repr(value)


POISONS = {
    "unknown": lambda rows, rng: np.full_like(rows, np.nan),
    "huge": lambda rows, rng: rows * 1e6 + 1e9,
    "permuted": lambda rows, rng: rng.permuted(rows, axis=1),
    "zero": lambda rows, rng: np.zeros_like(rows),
}


def what_poison_changes(settings):
    """The poisons of test samples that change anything learned."""
    counts, labels = study(20, 14, genes=150, planted=10, shift=1.0)
    matrix = np.ascontiguousarray(counts.to_numpy().T, dtype=np.float32)
    is_case, everyone = (labels == "case").to_numpy(), np.arange(34)
    train, test = everyone[everyone % 4 > 0], everyone[everyone % 4 == 0]

    def learn(poison=None):
        poisoned = matrix.copy()
        if poison:
            poisoned[test] = poison(poisoned[test], np.random.default_rng(1))
        training, _ = Training(poisoned, is_case, everyone, everyone % 3).split(train, test)
        try:
            return learned_of(learn_from(training, settings, np.random.default_rng(2)))
        except (ArithmeticError, RuntimeWarning, ValueError) as stopped:  # by the poison: it was seen
            return repr(stopped)

    clean = learn()
    assert isinstance(clean, list) and clean == learn()
    return [name for name, poison in POISONS.items() if learn(poison) != clean]


@pytest.mark.parametrize("name", NAMES)
def test_poisoned_test_samples_change_nothing_that_a_method_learns(name):
    assert what_poison_changes(dataclasses.replace(QUICK, method=name, inner_folds=2, penalties=4)) == []


@pytest.mark.parametrize(("factors", "transform"), itertools.product(SIZE_FACTORS, TRANSFORMS))
def test_poisoned_test_samples_change_nothing_that_preparation_learns(factors, transform):
    how = {"size_factors": factors, "transform": transform, "adjust_batch": True}
    settings = dataclasses.replace(QUICK, method="discriminant", inner_folds=2, **how)
    assert what_poison_changes(settings) == []


def test_a_step_that_looks_at_test_samples_would_be_caught(monkeypatch):
    # the guard's own split, made to leak a sample of the outer test fold into what prepares the counts
    honest_split, honest_fit, seen = Training.split, preparation.fit, []

    def split(self, train, test):
        if len(self) == 34:
            seen[:] = [self.counts[test[:1]]]
        return honest_split(self, train, test)

    def fit(counts, how, batches=None):
        learned, values = honest_fit(np.vstack([counts, seen[0]]), how)
        return learned, values[:-1]

    monkeypatch.setattr(Training, "split", split)
    monkeypatch.setattr(preparation, "fit", fit)
    leaky = what_poison_changes(dataclasses.replace(QUICK, inner_folds=2, penalties=4))
    assert leaky == list(POISONS)


def test_a_training_set_holds_copies_of_its_own_rows_and_the_rest_is_sealed_without_labels():
    counts = np.arange(12, dtype=np.float32).reshape(4, 3)
    is_case, groups = np.array([True, False, True, False]), np.array([0, 1, 2, 2])
    everyone = Training(counts, is_case, groups)
    training, sealed = everyone.split(np.array([0, 1]), np.array([2, 3]))
    assert training.counts.tolist() == counts[:2].tolist()
    assert not np.shares_memory(training.counts, counts)
    with pytest.raises(ValueError, match="read-only"):
        training.counts[0, 0] = 7
    assert not hasattr(sealed, "is_case") and not hasattr(sealed, "__dict__")
    with pytest.raises(ValueError, match="samples of one group"):
        everyone.split(np.array([0, 2]), np.array([1, 3]))


# ---- each method, by another tool


def test_t_statistics_are_those_of_scipy():
    from scipy.stats import ttest_ind

    values, is_case = standardised()
    expected = ttest_ind(values[is_case].astype(float), values[~is_case].astype(float)).statistic
    np.testing.assert_allclose(t_statistics(values, is_case), expected, rtol=1e-4, atol=1e-5)
    assert (t_statistics(values, ~is_case) == -t_statistics(values, is_case)).all()


def test_elastic_net_scores_are_those_of_scikit_learn_at_full_convergence():
    from sklearn.linear_model import LogisticRegression

    values, is_case = standardised()
    strongest = np.abs((is_case - is_case.mean()) @ values).max() / len(values) / 0.5
    shares = np.array([0.6, 0.2, 0.05])
    path = elastic_net.fit_path(values, is_case, shares)
    for share, weights, intercept in zip(shares, path.coefficients, path.intercepts, strict=True):
        strength = 1 / (share * strongest * len(values))
        model = LogisticRegression(C=strength, l1_ratio=0.5, solver="saga", tol=1e-9, max_iter=100_000)
        expected = model.fit(values.astype(float), is_case).decision_function(values)
        assert np.abs(values @ weights + intercept - expected).max() < 1e-4 * expected.std()
        assert ((weights != 0) == (np.abs(model.coef_[0]) > 1e-12)).all()


def test_a_penalty_at_its_strongest_gives_no_gene_a_weight():
    values, is_case = standardised()
    path = elastic_net.fit_path(values, is_case, np.array([1.0]))
    assert (path.coefficients == 0).all()
    assert path.intercepts[0] == pytest.approx(np.log(24 / 16))


def test_the_discriminant_is_that_of_the_twenty_genes_with_the_largest_t():
    from scipy.stats import ttest_ind
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    values, is_case = standardised(seed=3)
    t = np.abs(ttest_ind(values[is_case], values[~is_case]).statistic)
    panel = np.sort(np.argsort(-t)[:20])
    expected = LinearDiscriminantAnalysis(solver="svd").fit(values[:, panel], is_case)
    model = fitted("discriminant", values, is_case).last()
    assert np.flatnonzero(model.coefficients).tolist() == panel.tolist()
    np.testing.assert_allclose(
        model.score(values), expected.decision_function(values[:, panel]), rtol=1e-3, atol=1e-3
    )


def test_the_support_vector_machine_is_that_of_the_primal():
    # the squared length of the weights / 2 + cost * hinge losses is minimal: no small step makes it smaller
    values, is_case = standardised(n=30, genes=200)
    model = fitted("svm", values, is_case, [0.3]).last()
    scaled, weights = values / np.sqrt(200), model.coefficients * np.sqrt(200)

    def objective(weights, intercept):
        margin = np.where(is_case, 1, -1) * (scaled @ weights + intercept)
        return weights @ weights / 2 + 0.3 * np.maximum(0, 1 - margin).sum()

    least, rng = objective(weights, model.intercept), np.random.default_rng(0)
    for _ in range(200):
        step = 0.01 * rng.normal(size=201)
        assert objective(weights + step[1:], model.intercept + step[0]) > least - 1e-6


def test_the_forest_scores_the_logit_of_its_votes():
    values, is_case = standardised()
    model = fitted("random_forest", values, is_case).last()
    share = model.forest.predict_proba(values[:, model.genes])[:, 1]
    share = share if model.sign > 0 else 1 - share
    np.testing.assert_allclose(1 / (1 + np.exp(-model.score(values))), (12 * share + 0.5) / 13)
    assert model.score(values)[is_case].min() > model.score(values)[~is_case].max()


def fitted(name, values, is_case, tunings=None):
    method = methods.method(name, Settings().grid)
    chosen = method.tunings if tunings is None else np.array(tunings)
    return method.fit(values, is_case, chosen, np.random.default_rng(0))


# ---- calibration


def test_calibration_is_a_logistic_regression_on_smoothed_targets():
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    is_case = rng.random(60) < 0.7
    scores = is_case + rng.normal(0, 1.5, 60)
    cases, controls = is_case.sum(), (~is_case).sum()
    target = np.where(is_case, (cases + 1) / (cases + 2), 1 / (controls + 2))
    twice = LogisticRegression(C=1e12, tol=1e-10, max_iter=10_000).fit(
        np.append(scores, scores)[:, None], np.repeat([1, 0], 60), np.append(target, 1 - target)
    )
    learned = calibrate(scores, is_case)
    assert learned.slope == pytest.approx(twice.coef_[0, 0], rel=1e-5)
    assert learned.intercept == pytest.approx(twice.intercept_[0], rel=1e-4)


def test_scores_of_the_wrong_sign_get_the_share_of_cases_and_perfect_ones_a_finite_slope():
    is_case = np.array([True, True, False, False])
    for scores in (np.array([0.0, 1.0, 2.0, 3.0]), np.full(4, 0.3)):
        assert calibrate(scores, is_case).probability(scores).tolist() == pytest.approx([0.5] * 4)
    perfect = calibrate(np.array([2.0, 1.0, -1.0, -2.0]), is_case)
    assert 0 < perfect.slope < 10
    turned = calibrate(np.array([-2.0, -1.0, 1.0, 2.0]), ~is_case)
    assert (turned.slope, turned.intercept) == pytest.approx((perfect.slope, -perfect.intercept))


def test_calibrating_moves_probabilities_and_leaves_scores_and_auc_alone():
    counts, labels = study(24, 18, planted=15, shift=1.0)
    with_it, without = (
        validate(counts, labels, chosen=dataclasses.replace(QUICK, calibrate=asked))
        for asked in (True, False)
    )
    assert with_it.predictions["score"].equals(without.predictions["score"])
    assert with_it.folds["auc"].equals(without.folds["auc"])
    assert without.folds["calibration_slope"].isna().all()
    slope = with_it.predictions["fold"].map(with_it.folds.set_index("fold")["calibration_slope"])
    intercept = with_it.predictions["fold"].map(with_it.folds.set_index("fold")["calibration_intercept"])
    expected = 1 / (1 + np.exp(-(intercept + slope * with_it.predictions["score"])))
    np.testing.assert_allclose(with_it.predictions["probability"], expected.astype(float))


# ---- cross-validation by every method


@pytest.mark.parametrize("name", CHALLENGERS)
def test_no_order_matters_to_a_challenger(name):
    counts, labels = study(15, 15, genes=120, planted=10, shift=1.0)
    chosen = dataclasses.replace(QUICK, method=name, inner_folds=2)
    made = validate(counts, labels, chosen=chosen)
    assert made.folds["auc"].mean() > 0.8
    rng = np.random.default_rng(0)
    shuffled = counts.iloc[rng.permutation(len(counts)), rng.permutation(counts.shape[1])]
    assert same(validate(shuffled, labels[::-1], chosen=chosen), made)
    turned = validate(counts, labels.map({"case": "control", "control": "case"}), chosen=chosen)
    np.testing.assert_array_equal(turned.predictions["score"], -made.predictions["score"])
    probability = 1 - made.predictions["probability"]
    np.testing.assert_allclose(turned.predictions["probability"], probability, atol=1e-9)
    np.testing.assert_allclose(turned.folds["auc"], made.folds["auc"])


def test_methods_are_compared_in_the_folds_of_the_first_repeat_whoever_else_is_compared():
    counts, labels = study(12, 10, genes=100, planted=10, shift=1.0)
    chosen = dataclasses.replace(QUICK, repeats=2)
    found = evaluate_methods(counts, labels, None, chosen, CHALLENGERS, np.random.default_rng(5))
    first = validate(counts, labels, chosen=chosen).predictions.query("repeat == 1")
    for predictions in found.values():
        place = ["sample", "label", "repeat", "fold"]
        pd.testing.assert_frame_equal(predictions[place], first[place])
    alone = evaluate_methods(
        counts, labels, None, chosen, ["ridge", "random_forest"], np.random.default_rng(5)
    )
    pd.testing.assert_frame_equal(alone["random_forest"], found["random_forest"])
    pd.testing.assert_frame_equal(alone["ridge"], first)
    assert evaluate_methods(counts, labels, None, chosen, [], np.random.default_rng(5)) == {}


def test_a_method_without_a_solution_is_not_estimable_and_the_others_are(monkeypatch):
    def fail(*_):
        raise NotConverged("elastic-net logistic regression did not converge at penalty 0.1")

    monkeypatch.setattr(elastic_net, "fit_path", fail)
    counts, labels = study(10, 10, genes=80)
    names = ["discriminant", "elastic_net"]
    found = evaluate_methods(counts, labels, None, QUICK, names, np.random.default_rng(5))
    table = method_table(found, "discriminant", "ours")
    assert list(table.columns) == results.NAMES
    assert table.groupby("level")["status"].unique().map(list).to_dict() == {
        "method in use": ["estimated"],
        "challenger": ["not estimable"],
    }
    assert table["reason"].iloc[-1] == (
        "repeat 1, fold 1: elastic-net logistic regression did not converge at penalty 0.1"
    )
    with pytest.raises(NotConverged):
        validate(counts, labels, chosen=dataclasses.replace(QUICK, method="elastic_net"))


def test_adjusting_for_batches_finds_what_they_hide():
    hidden, found = [], []
    for seed in range(4):
        counts, labels = study(15, 15, genes=150, planted=6, shift=0.6, seed=seed)
        batches = pd.Series([f"run {i % 3}" for i in range(30)], index=counts.columns)
        factor = np.random.default_rng(seed).lognormal(0, 1, (150, 3))[:, np.arange(30) % 3]
        biased = (counts * factor).astype(int)
        adjusted = validate_batches(biased, labels, dataclasses.replace(QUICK, adjust_batch=True), batches)
        assert adjusted.folds["batches"].tolist() == [3, 3, 3] and adjusted.folds["note"].isna().all()
        found.append(adjusted.folds["auc"].mean())
        hidden.append(validate(biased, labels).folds["auc"].mean())
    assert np.mean(found) > np.mean(hidden) + 0.05


def test_a_batch_that_training_has_not_is_noted_and_missing_batches_are_an_input_error():
    counts, labels = study(10, 10, genes=80)
    chosen = dataclasses.replace(QUICK, adjust_batch=True)
    batches = pd.Series(["run 9", *["run 1"] * 19], index=counts.columns)
    told = validate_batches(counts, labels, chosen, batches).folds["note"].dropna().tolist()
    assert told == ["1 tested of a batch that training has not, left at the overall mean"]
    with pytest.raises(InputError, match="batches: found a sample without a batch"):
        validate(counts, labels, chosen=chosen)


def validate_batches(counts, labels, chosen, batches):
    from decidua.learning.cross_validation import cross_validate

    return cross_validate(counts, labels, None, chosen, np.random.default_rng(5), batches)


def test_the_folds_table_says_what_was_used():
    counts, labels = study(12, 10, genes=100)
    how = {"method": "svm", "size_factors": "tmm", "transform": "vst"}
    made = validate(counts, labels, chosen=dataclasses.replace(QUICK, **how)).folds
    assert made[["method", "transform"]].drop_duplicates().values.tolist() == [["svm", "vst"]]
    assert made["reference"].unique().tolist() == ["trimmed mean of M-values against one training sample"]
    assert made["batches"].isna().all() and made["penalty"].notna().all()
    with pytest.raises(InputError, match="`method`: found lasso; expected one of ridge, elastic_net"):
        Settings(method="lasso")
