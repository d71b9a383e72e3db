"""The cross-validation engine: converged, honest, the same in any order, and blind to test samples."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decidua import tables
from decidua.errors import InputError
from decidua.learning import preparation, ridge
from decidua.learning.cross_validation import (
    Folds,
    Settings,
    best_threshold,
    combine,
    cross_validate,
    evaluate_folds,
    learn,
)
from decidua.learning.folds import inner_folds, splits, stratified_folds
from decidua.learning.preparation import Preparing

REAL = os.environ.get("DECIDUA_REAL_DATA")
QUICK = Settings(repeats=1, folds=3, inner_folds=3, penalties=8)


def study(cases, controls, genes=300, planted=0, shift=0.0, seed=0):
    """Negative-binomial counts whose first genes are `shift` natural logs higher in cases."""
    rng = np.random.default_rng(seed)
    n = cases + controls
    is_case = rng.permutation(np.arange(n) < cases)
    mean = rng.lognormal(5, 1, genes)[:, None] * rng.lognormal(0, 0.3, n)
    mean[:planted] *= np.exp(shift * is_case)
    counts = rng.poisson(rng.gamma(5, mean / 5))
    index = pd.Index([f"G{i:04d}" for i in range(genes)], name="gene")
    samples = pd.Index([f"S{i:03d}" for i in range(n)], name="sample")
    labels = pd.Series(np.where(is_case, "case", "control"), index=samples)
    return pd.DataFrame(counts.astype(np.int32), index=index, columns=samples), labels


def validate(counts, labels, groups=None, chosen=QUICK, seed=5):
    return cross_validate(counts, labels, groups, chosen, np.random.default_rng(seed))


def same(left, right):
    return all(getattr(left, name).equals(getattr(right, name)) for name in ("predictions", "folds", "genes"))


# ---- folds shared out over jobs


@pytest.mark.parametrize("parts", [2, 4, 6])
def test_folds_shared_out_over_jobs_give_the_same_bytes(tmp_path, parts):
    counts, labels = study(20, 15, planted=10, shift=1.0)
    chosen = Settings(repeats=2, folds=3, inner_folds=3, penalties=8)
    shares = []
    for part in range(parts, 0, -1):  # they come back in any order
        share = evaluate_folds(counts, labels, None, chosen, np.random.default_rng(5), part, parts)
        paths = [tmp_path / f"{part}_{name}.parquet" for name in ("predictions", "folds", "coefficients")]
        tables.write(share.predictions, paths[0])
        tables.write(share.folds, paths[1])
        tables.write_matrix(share.coefficients, paths[2])
        shares.append(Folds(tables.read(paths[0]), tables.read(paths[1]), tables.read_matrix(paths[2])))
    assert sum(len(share.folds) for share in shares) == 6
    for name, table in vars(combine(shares, chosen)).items():
        tables.write(table, tmp_path / "shared.parquet")
        tables.write(getattr(validate(counts, labels, chosen=chosen), name), tmp_path / "whole.parquet")
        assert (tmp_path / "shared.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes(), name


# ---- ridge logistic regression in the dual


def separable(n=40, genes=200, seed=0):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, genes))
    is_case = np.arange(n) < n * 0.7
    values[is_case, :10] += 0.5
    return values, is_case, rng.normal(size=(25, genes))


def test_scores_are_those_of_scikit_learn_at_full_convergence():
    from sklearn.linear_model import LogisticRegression

    values, is_case, new = separable(genes=100)
    single, penalties = values.astype(np.float32), Settings().grid
    path = ridge.fit_path(single @ single.T, is_case, penalties * 100)
    scores = path.score(new.astype(np.float32) @ single.T)
    for i in (0, 7, 13, 19):
        model = LogisticRegression(C=1 / (penalties[i] * 100), tol=1e-10, max_iter=100_000).fit(
            values, is_case
        )
        converged = model.decision_function(new)
        assert np.abs(scores[:, i] - converged).max() < 1e-4 * converged.std()


def test_scores_are_those_of_an_independent_minimisation_over_the_genes():
    from scipy.optimize import minimize

    values, is_case, new = separable(n=30, genes=15, seed=2)
    target = is_case.astype(float)

    def loss(parameters, penalty):
        scores = values @ parameters[1:] + parameters[0]
        residual = 1 / (1 + np.exp(-scores)) - target
        value = (np.logaddexp(0, scores) - target * scores).sum() + penalty / 2 * parameters[1:] @ parameters[
            1:
        ]
        return value, np.append(residual.sum(), values.T @ residual + penalty * parameters[1:])

    for penalty in (100.0, 1.0, 0.01):
        path = ridge.fit_path(values @ values.T, is_case, np.array([penalty]))
        found = minimize(loss, np.zeros(16), (penalty,), jac=True, method="BFGS", options={"gtol": 1e-9})
        other = new @ found.x[1:] + found.x[0]
        assert np.abs(path.score(new @ values.T)[:, 0] - other).max() < 1e-4 * other.std()


@settings(max_examples=25, deadline=None)
@given(st.integers(4, 30), st.integers(2, 60), st.integers(0, 2**32 - 1))
def test_every_solution_meets_the_conditions_of_a_minimum(n, genes, seed):
    # weights = (target - probability) / penalty, and they sum to 0 (the intercept is free)
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, genes))
    is_case = np.arange(n) < max(1, n // 3)
    path = ridge.fit_path(values @ values.T / genes, is_case, np.geomspace(1e-3, 1e3, 7))
    probability = 1 / (1 + np.exp(-path.scores))
    np.testing.assert_allclose(path.weights * path.penalties[:, None], is_case - probability, atol=1e-6)
    np.testing.assert_allclose((is_case - probability).sum(axis=1), 0, atol=1e-6)


def test_one_class_or_a_penalty_of_zero_is_refused():
    with pytest.raises(ValueError, match="both classes"):
        ridge.fit_path(np.eye(3), np.ones(3, dtype=bool), np.array([1.0]))
    with pytest.raises(ValueError, match="positive"):
        ridge.fit_path(np.eye(3), np.array([True, False, True]), np.array([0.0]))


# ---- preparation


def test_the_filter_asks_for_enough_reads_in_enough_training_samples():
    # genes: 10 reads in 2 of 5 samples; in 1 of 5; constant after normalisation; 9 reads in all
    counts = np.array(
        [[10, 10, 50, 9], [10, 0, 50, 9], [0, 0, 50, 9], [0, 0, 50, 9], [0, 0, 50, 9]], np.float32
    )
    learned, values = preparation.fit(counts, Preparing(10, 0.4))
    assert learned.genes.tolist() == [0]
    assert values[:, 0].mean() == pytest.approx(0, abs=1e-6)
    assert values[:, 0].std() == pytest.approx(1, abs=1e-6)


def test_no_gene_left_is_an_input_error():
    with pytest.raises(
        InputError, match="gene filter: found no gene that varies and has 10 reads or more in 20%"
    ):
        preparation.fit(np.ones((4, 3), np.float32), Preparing())


def test_transforming_the_training_samples_gives_the_values_they_were_fitted_with():
    counts, _ = study(8, 8)
    matrix = np.ascontiguousarray(counts.to_numpy().T, dtype=np.float32)
    learned, values = preparation.fit(matrix, Preparing())
    np.testing.assert_allclose(learned.transform(matrix), values, atol=1e-5)


# ---- folds


@settings(max_examples=60, deadline=None)
@given(st.lists(st.booleans(), min_size=10, max_size=60), st.integers(2, 5), st.integers(0, 2**32 - 1))
def test_ungrouped_folds_differ_by_one_sample_of_a_class_at_most(is_case, folds, seed):
    is_case = np.array(is_case)
    fold_of = stratified_folds(is_case, np.arange(len(is_case)), folds, np.random.default_rng(seed))
    for value in (True, False):
        sizes = np.bincount(fold_of[is_case == value], minlength=folds)
        assert sizes.max() - sizes.min() <= 1


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 12)), min_size=10, max_size=60),
    st.integers(2, 5),
    st.integers(0, 2**32 - 1),
)
def test_a_group_is_never_split(members, folds, seed):
    is_case, groups = map(np.array, zip(*members, strict=True))
    fold_of = stratified_folds(is_case, groups, folds, np.random.default_rng(seed))
    assert all(len(np.unique(fold_of[groups == group])) == 1 for group in np.unique(groups))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 12)), min_size=10, max_size=60), st.integers(2, 5))
def test_folds_do_not_depend_on_which_class_is_called_the_case(members, folds):
    is_case, groups = map(np.array, zip(*members, strict=True))
    one, other = (stratified_folds(c, groups, folds, np.random.default_rng(1)) for c in (is_case, ~is_case))
    assert (one == other).all()


def test_inner_folds_are_as_many_as_the_smaller_class_carries():
    rng = np.random.default_rng(0)
    is_case = np.arange(9) < 3
    assert inner_folds(is_case, np.arange(9), 5, rng)[1] == 3
    # three women of two samples each, one of them with both classes: 2 groups hold a control
    is_case, groups = np.array([1, 1, 1, 0, 0, 0], bool), np.array([0, 0, 1, 1, 2, 2])
    fold_of, number = inner_folds(is_case, groups, 5, rng)
    assert number == 2
    assert all(len(np.unique(is_case[train])) == 2 for train, _ in splits(fold_of))


def test_a_training_set_with_one_sample_of_a_class_says_what_it_needs():
    with pytest.raises(InputError) as caught:
        inner_folds(np.array([True, False, False]), np.arange(3), 5, np.random.default_rng(0))
    assert str(caught.value) == (
        "cross-validation: found a training set with 1 case and 2 control samples; expected 2 or more of each"
        " class, and of their groups, in every training set, to choose the penalty: more samples, or more"
        " `folds`"
    )


def test_the_threshold_is_half_way_where_balanced_accuracy_is_greatest():
    is_case = np.array([False, False, True, True])
    assert best_threshold(np.array([0.1, 0.2, 0.3, 0.9]), is_case) == pytest.approx(0.25)
    # without any order in the scores, one half
    assert best_threshold(np.array([0.7, 0.7, 0.7, 0.7]), is_case) == 0.5


# ---- cross-validation


@pytest.fixture(scope="module")
def planted():
    counts, labels = study(24, 18, planted=15, shift=1.0)
    return counts, labels, validate(counts, labels)


def test_a_planted_signal_is_found(planted):
    _, _, made = planted
    assert made.folds["auc"].mean() > 0.9
    top = made.genes["gene"].head(10)
    assert top.isin([f"G{i:04d}" for i in range(15)]).mean() >= 0.9
    assert (made.genes["mean_coefficient"].head(10) > 0).all()
    assert (made.genes["top_frequency"].head(5) == 1).all()


def test_a_panel_of_three_genes_is_cross_validated_as_well():
    # fewer genes than samples: the Gram matrix is singular
    counts, labels = study(30, 20, genes=3, planted=1, shift=1.5)
    made = validate(counts, labels, chosen=Settings(repeats=2))
    assert made.folds["auc"].mean() > 0.8
    assert made.genes["gene"].iloc[0] == "G0000"


def test_every_sample_is_predicted_once_in_every_repeat():
    counts, labels = study(12, 9)
    made = validate(counts, labels, chosen=Settings(repeats=2, folds=3, inner_folds=2, penalties=4))
    assert made.predictions.groupby("repeat")["sample"].apply(sorted).tolist() == [sorted(counts)] * 2
    assert len(made.folds) == 6
    agreed = made.predictions["probability"] >= made.predictions["threshold"]
    assert (made.predictions["predicted"] == np.where(agreed, "case", "control")).all()


def test_held_out_scores_are_those_of_a_plain_pipeline_fitted_on_the_training_samples(planted):
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    counts, labels, made = planted
    for row in made.folds.itertuples():
        test = made.predictions.query("fold == @row.fold").set_index("sample")
        train = counts.columns.difference(test.index)
        log_means = np.log(counts[train].astype(float)[(counts[train] > 0).all(axis=1)]).mean(axis=1)

        def normalised(samples, log_means=log_means):
            reads = counts[samples].astype(float)
            with np.errstate(divide="ignore"):
                ratios = np.log(reads.loc[log_means.index]).sub(log_means, axis=0)
            return np.log(reads / np.exp(ratios.where(np.isfinite(ratios)).median()) + 1).T

        kept = (counts[train] >= 10).sum(axis=1) >= 0.2 * len(train)
        scaler = StandardScaler().fit(normalised(train).loc[:, kept])
        model = LogisticRegression(C=1 / (row.penalty * kept.sum()), tol=1e-10, max_iter=100_000)
        model.fit(scaler.transform(normalised(train).loc[:, kept]), labels[train] == "case")
        scores = model.decision_function(scaler.transform(normalised(test.index).loc[:, kept]))
        assert row.genes == kept.sum()
        assert np.abs(scores - test["score"]).max() < 1e-4 * scores.std()


def test_poisoned_test_samples_change_nothing_that_is_learned(planted):
    counts, labels, made = planted
    first = made.predictions.query("fold == 1")
    poisoned = counts.copy()
    poisoned[first["sample"].iloc[0]] = np.random.default_rng(0).integers(0, 2**31 - 1, len(counts))
    again = validate(poisoned, labels)
    learned = ["penalty", "threshold", "deviance", "genes", "reference_genes", "n_train"]
    pd.testing.assert_series_equal(again.folds.loc[0, learned], made.folds.loc[0, learned])
    others = again.predictions.query("fold == 1").iloc[1:]
    pd.testing.assert_frame_equal(others, first.iloc[1:])
    assert again.predictions.query("fold == 1")["score"].iloc[0] != first["score"].iloc[0]


def test_a_model_is_learned_from_what_it_is_given_and_then_frozen():
    counts, labels = study(12, 12, planted=10, shift=1.0)
    matrix = np.ascontiguousarray(counts.to_numpy().T, dtype=np.float32)
    is_case = (labels == "case").to_numpy()
    train, test = np.arange(16), np.arange(16, 24)
    model = learn(matrix[train], is_case[train], train, QUICK, np.random.default_rng(0))
    kept = (
        model.coefficients.copy(),
        model.preparation.centre.copy(),
        model.preparation.reference.log_means.copy(),
    )
    before = model.score(matrix[test])
    poisoned = matrix[test].copy()
    poisoned[0] = 1e9
    model.score(poisoned)
    np.testing.assert_array_equal(model.score(poisoned)[1:], before[1:])
    after = model.coefficients, model.preparation.centre, model.preparation.reference.log_means
    assert all((left == right).all() for left, right in zip(kept, after, strict=True))


def test_the_order_of_samples_labels_and_genes_changes_no_byte(planted):
    counts, labels, made = planted
    rng = np.random.default_rng(0)
    shuffled = counts.iloc[rng.permutation(len(counts)), rng.permutation(counts.shape[1])]
    assert same(validate(shuffled, labels[::-1]), made)


def test_calling_the_other_class_the_case_turns_the_scores_and_keeps_the_rest(planted):
    counts, labels, made = planted
    turned = validate(counts, labels.map({"case": "control", "control": "case"}))
    np.testing.assert_allclose(turned.predictions["score"], -made.predictions["score"], atol=1e-4)
    np.testing.assert_allclose(turned.folds["auc"], made.folds["auc"])
    assert (turned.folds["penalty"] == made.folds["penalty"]).all()


def test_the_first_repeats_do_not_depend_on_how_many_follow():
    counts, labels = study(9, 9, genes=120)
    few, more = (
        validate(counts, labels, chosen=Settings(repeats=repeats, folds=3, inner_folds=2, penalties=4))
        for repeats in (1, 3)
    )
    pd.testing.assert_frame_equal(more.predictions.query("repeat == 1"), few.predictions)
    assert (
        not more.predictions.query("repeat == 2")["fold"]
        .reset_index(drop=True)
        .equals(few.predictions["fold"])
    )


def test_noise_is_a_coin_toss_inside_the_folds_and_a_discovery_when_genes_are_chosen_outside():
    honest, outside = [], []
    for seed in range(6):
        counts, labels = study(24, 12, genes=1_000, seed=seed)
        honest.append(validate(counts, labels, seed=seed).folds["auc"].mean())
        values = np.log(counts / counts.sum() * 1e6 + 1)
        cases, controls = (values.loc[:, labels == name] for name in ("case", "control"))
        t = (cases.mean(axis=1) - controls.mean(axis=1)) / np.sqrt(
            cases.var(axis=1) / 24 + controls.var(axis=1) / 12
        )
        best = t.abs().nlargest(20).index
        outside.append(validate(counts.loc[best], labels, seed=seed).folds["auc"].mean())
    # pure noise of 135 x 20,000 with its 20 best genes chosen on all samples gave 0.98 in scikit-learn
    assert 0.4 < np.mean(honest) < 0.6
    assert np.mean(outside) > 0.9


def test_samples_of_one_woman_are_tested_together_and_then_do_not_inflate_the_auc():
    # 15 women, 4 samples each; the label belongs to the woman and is noise, but her samples are alike
    rng = np.random.default_rng(4)
    women = np.repeat(np.arange(15), 4)
    mean = rng.lognormal(5, 1, 300)[:, None] * rng.lognormal(0, 0.5, (300, 15))[:, women]
    samples = [f"S{i:02d}" for i in range(60)]
    counts = pd.DataFrame(rng.poisson(mean), columns=samples, index=[f"G{i:03d}" for i in range(300)])
    labels = pd.Series(np.where(women % 2, "case", "control"), index=samples)
    groups = pd.Series([f"w{w}" for w in women], index=samples)
    grouped = validate(counts, labels, groups)
    assert grouped.predictions.groupby("group")["fold"].nunique().eq(1).all()
    assert grouped.folds["auc"].mean() < 0.75
    assert validate(counts, labels).folds["auc"].mean() > 0.95


def test_twelve_samples_finish_in_five_folds_and_the_inner_folds_say_they_are_fewer():
    counts, labels = study(6, 6)
    made = validate(counts, labels, chosen=Settings(repeats=1))
    assert len(made.predictions) == 12
    four = made.folds["inner_folds"] == 4
    # of 6 in 5 folds one fold holds 2: a training set of 4 carries 4 inner folds
    assert made.folds.loc[four, "note"].str.startswith("4 inner folds, not 5: the training set has 4 c").all()
    assert (made.folds.loc[~four, "inner_folds"] == 5).all()
    assert 1 <= four.sum() <= 2


def test_a_fold_that_tests_one_class_has_no_auc_and_says_so():
    # two women hold all controls, of three folds one holds none
    counts, labels = study(6, 6)
    groups = pd.Series([f"w{i}" for i in range(12)], index=labels.index)
    controls = labels.index[labels == "control"]
    groups[controls] = ["c1", "c1", "c1", "c2", "c2", "c3"]
    groups[controls[5]] = groups[labels.index[labels == "case"][0]]
    made = validate(counts, labels, groups, Settings(repeats=1, folds=3, inner_folds=2, penalties=4))
    one_class = made.folds["n_test_case"].isin([0]) | (made.folds["n_test_case"] == made.folds["n_test"])
    assert made.folds["auc"].isna().tolist() == one_class.tolist()
    assert (made.folds["note"].str.contains("no AUC").fillna(False) == one_class).all()


def test_fewer_samples_or_groups_of_a_class_than_folds_is_refused_with_the_counts():
    counts, labels = study(7, 4)
    with pytest.raises(InputError) as caught:
        validate(counts, labels, chosen=Settings())
    assert str(caught.value) == (
        "cross-validation: found 7 case and 4 control samples; expected at least 5 of each to cross-validate"
        " with `folds: 5`, or `folds: 4`"
    )
    groups = pd.Series(["a", "b"] * 5 + ["a"], index=labels.index)
    with pytest.raises(InputError, match="found 2 case and 2 control groups; expected at least 3 of each"):
        validate(counts, labels, groups)


def test_labels_and_groups_must_fit_the_counts():
    counts, labels = study(6, 6)
    with pytest.raises(InputError, match="labels: found other samples than in the counts"):
        validate(counts, labels.iloc[1:])
    with pytest.raises(InputError, match="labels: found RPL; expected case and control"):
        validate(counts, labels.replace("case", "RPL"))
    groups = pd.Series(["a"] * 11 + [None], index=labels.index)
    with pytest.raises(InputError, match="groups: found a sample without a group"):
        validate(counts, labels, groups)


def test_groups_that_are_all_missing_are_no_groups():
    counts, labels = study(6, 6)
    assert same(validate(counts, labels, pd.Series(pd.NA, index=labels.index)), validate(counts, labels))


def test_settings_that_make_no_sense_are_told_together():
    with pytest.raises(InputError) as caught:
        Settings(folds=1, weakest=0, min_share=2, threshold=1)
    assert str(caught.value).splitlines() == [
        "classifier, `folds`: found 1; expected 2 or more",
        "classifier, `weakest`: found 0; expected more than 0, 1000 (`strongest`) at most",
        "classifier, `min_share`: found 2; expected a share from 0 to 1",
        "classifier, `threshold`: found 1; expected a probability between 0 and 1",
    ]


@pytest.mark.skipif(not REAL, reason="DECIDUA_REAL_DATA is not set")
def test_tuberculosis_is_told_from_real_counts_as_well_as_in_other_tools():
    # plain scikit-learn, ridge: 0.88 to 0.96 over seeds; endoSignatureR on the same data: 0.90 to 0.92
    from decidua.expression import read_study

    folder = Path(REAL) / "tb_hiv_blood"
    tb = read_study(folder / "counts.tsv.gz", folder / "samples.tsv", folds=5)
    labels = tb.samples.set_index("sample")["label"]
    made = cross_validate(tb.counts, labels, None, Settings(repeats=2), np.random.default_rng(1))
    assert 0.85 < made.folds["auc"].mean() < 0.97
