"""The permutation test of the whole procedure: exact, within groups and strata, however it is shared out."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decidua import results
from decidua.errors import InputError
from decidua.learning import permutation, preparation, ridge
from decidua.learning.cross_validation import Settings
from decidua.learning.performance import auc
from decidua.learning.permutation import (
    LOGISTIC,
    SCREEN,
    combine,
    exchange,
    p_value,
    permutation_test,
    summary,
)
from decidua.study_report import study_section

QUICK = Settings(folds=3, inner_folds=3, penalties=6)


def study(cases, controls, genes=60, shift=0.0, seed=0):
    """Negative-binomial counts whose first ten genes are `shift` natural logs higher in cases."""
    rng = np.random.default_rng(seed)
    n = cases + controls
    is_case = rng.permutation(np.arange(n) < cases)
    mean = rng.lognormal(5, 1, genes)[:, None] * rng.lognormal(0, 0.3, n)
    mean[:10] *= np.exp(shift * is_case)
    samples = [f"S{i:03d}" for i in range(n)]
    counts = pd.DataFrame(rng.poisson(rng.gamma(5, mean / 5)), [f"G{i:03d}" for i in range(genes)], samples)
    return counts, pd.Series(np.where(is_case, "case", "control"), samples)


def draws_of(
    counts, labels, number=20, engine=SCREEN, groups=None, batches=None, chosen=QUICK, seed=3, **share
):
    rng = np.random.default_rng(seed)
    return permutation_test(counts, labels, groups, batches, chosen, rng, number, engine, **share)


def table(aucs):
    return pd.DataFrame({"draw": range(len(aucs)), "auc": aucs})


# ---- which labels change places


MEMBERS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), min_size=4, max_size=30)


@settings(max_examples=40, deadline=None)
@given(MEMBERS, st.lists(st.booleans(), min_size=6, max_size=6), st.integers(0, 2**32 - 1))
def test_groups_of_one_label_move_whole_and_stay_within_their_batches(members, of_group, seed):
    groups, batches = map(np.array, zip(*members, strict=True))
    is_case = np.array(of_group)[groups]
    drawn = exchange(is_case, groups, batches).draw(np.random.default_rng(seed))
    assert all(len(set(drawn[groups == group])) == 1 for group in set(groups))
    seen = {group: frozenset(batches[groups == group]) for group in set(groups)}
    for stratum in set(seen.values()):
        inside = [group for group in seen if seen[group] == stratum]
        before, after = (sum(labels[groups == group][0] for group in inside) for labels in (is_case, drawn))
        assert before == after


@settings(max_examples=40, deadline=None)
@given(MEMBERS, st.integers(0, 2**32 - 1))
def test_labels_that_vary_within_groups_stay_within_their_group_and_batch(members, seed):
    groups, batches = map(np.array, zip((0, 0), (0, 0), *members, strict=True))
    rng = np.random.default_rng(seed)
    is_case = np.append([True, False], rng.random(len(members)) < 0.5)
    drawn = exchange(is_case, groups, batches).draw(rng)
    for group, batch in set(zip(groups, batches, strict=True)):
        inside = (groups == group) & (batches == batch)
        assert drawn[inside].sum() == is_case[inside].sum()


def test_every_arrangement_is_drawn_equally_often():
    # 2 of 4 samples are cases: 6 arrangements; of 1,200 draws 200 each, chi-square with 5 df below 15.1 (99%)
    permuted, rng = exchange(np.array([1, 1, 0, 0], bool), np.arange(4)), np.random.default_rng(0)
    assert permuted.arrangements == 6
    found = np.unique([permuted.draw(rng) @ [8, 4, 2, 1] for _ in range(1_200)], return_counts=True)[1]
    assert len(found) == 6
    assert ((found - 200) ** 2 / 200).sum() < 15.1


def test_arrangements_are_counted_within_strata():
    # batch 0: 1 case of 3 samples, batch 1: 2 of 4; 3 x 6
    is_case = np.array([1, 0, 0, 1, 1, 0, 0], bool)
    assert exchange(is_case, np.arange(7), np.array([0, 0, 0, 1, 1, 1, 1])).arrangements == 18


# ---- the statistic


def by_plain_loops(counts, labels, chosen, seed):
    """The same statistic, one label vector and one training set at a time, with the factorising route."""
    matrix, is_case = counts.to_numpy(dtype=np.float32).T.copy(), (labels == "case").to_numpy()
    deal = np.random.default_rng(seed).spawn(2)[0]
    loss, aucs = [], []
    for at in permutation._training_sets(np.arange(len(is_case)), chosen, deal):
        prepared, values = preparation.fit(matrix[at.train], chosen.preparing)
        genes = values.shape[1]
        path = ridge.fit_path(
            values.astype(float) @ values.T.astype(float) / genes, is_case[at.train], chosen.grid
        )
        scores = path.score(prepared.transform(matrix[at.test]).astype(float) @ values.T / genes)
        if at.inner:
            loss.append(np.log1p(np.exp(np.where(is_case[at.test, None], -scores, scores))))
        else:
            aucs.append(auc(scores[:, np.concatenate(loss).mean(axis=0).argmin()], is_case[at.test]))
            loss = []
    return np.mean(aucs)


def test_the_statistic_is_that_of_the_plain_pipeline_in_the_same_folds():
    counts, labels = study(20, 16, genes=200, shift=0.5)
    rng = np.random.default_rng(3).spawn(2)[1].spawn(5)[4]
    permuted = exchange((labels == "case").to_numpy(), np.arange(36)).draw(rng)
    drawn = draws_of(counts, labels, 5, LOGISTIC)["auc"]
    assert drawn[0] == pytest.approx(by_plain_loops(counts, labels, QUICK, 3))
    fifth = pd.Series(np.where(permuted, "case", "control"), labels.index)
    assert drawn[5] == pytest.approx(by_plain_loops(counts, fifth, QUICK, 3))


@pytest.mark.parametrize("engine", [LOGISTIC, SCREEN])
def test_a_permuted_vector_has_the_statistic_that_it_has_as_the_labels_themselves(engine):
    # folds and all else are blind to labels: this, and equally likely arrangements, make the test exact
    counts, labels = study(14, 10)
    drawn = draws_of(counts, labels, 3, engine)["auc"]
    stream = np.random.default_rng(3).spawn(2)[1].spawn(2)[1]
    second = exchange((labels == "case").to_numpy(), np.arange(24)).draw(stream)
    as_labels = pd.Series(np.where(second, "case", "control"), labels.index)
    assert draws_of(counts, as_labels, 1, engine)["auc"][0] == pytest.approx(drawn[2])


def test_the_screen_is_the_ridge_regression_of_scikit_learn():
    from sklearn.linear_model import Ridge

    rng = np.random.default_rng(0)
    values, new = rng.normal(size=(30, 80)), rng.normal(size=(9, 80))
    new, values = new - values.mean(axis=0), values - values.mean(axis=0)
    labels, tested = rng.random((4, 30)) < 0.4, rng.random((4, 9)) < 0.5
    screen = permutation._Screen(values @ values.T / 80, new @ values.T / 80, QUICK.grid)
    for i, penalty in enumerate(QUICK.grid):
        model = Ridge(alpha=penalty * 80).fit(values, labels.T.astype(float))
        expected = model.predict(new).T
        np.testing.assert_allclose(screen.scores(labels, np.full(4, i)), expected, atol=1e-9)
        np.testing.assert_allclose(
            screen.losses(labels, tested)[:, i], ((expected - tested) ** 2).sum(axis=1)
        )


def test_p_is_uniform_where_there_is_nothing_to_find():
    # 19 permutations: p is 0.05, 0.10, ... 1, each as likely; Kolmogorov's bound at 1% for 120 data sets
    chosen = Settings(folds=3, inner_folds=2, penalties=3)
    p = [p_value(draws_of(*study(11, 9, 30, seed=seed), 19, chosen=chosen, seed=seed)) for seed in range(120)]
    steps = np.arange(1, 21) / 20
    below = (np.array(p)[:, None] <= steps + 1e-9).mean(axis=0)
    assert np.abs(below - steps).max() < 1.63 / np.sqrt(120)


def test_a_planted_signal_is_found_by_both_engines():
    counts, labels = study(16, 14, shift=1.0)
    for engine in (LOGISTIC, SCREEN):
        drawn = draws_of(counts, labels, 19, engine)
        assert drawn["auc"][0] > 0.9
        assert p_value(drawn) == pytest.approx(1 / 20)


def test_p_counts_the_labels_as_they_are_and_ties():
    # of 4 permutations 0.9 and the tie 0.8 are as great, the fold-less one counts as 0.5: (2 + 1) / (4 + 1)
    assert p_value(table([0.8, 0.9, 0.8, 0.5, np.nan])) == pytest.approx(3 / 5)


# ---- what must not matter


@pytest.mark.parametrize(("engine", "number"), [(SCREEN, 230), (LOGISTIC, 120)])
def test_draws_shared_out_over_jobs_are_the_same(engine, number):
    counts, labels = study(10, 8, genes=30)
    chosen = Settings(folds=2, inner_folds=2, penalties=4)
    whole = draws_of(counts, labels, number, engine, chosen=chosen)
    for parts in (2, 4):  # the fourth of four shares is empty
        shares = [
            draws_of(counts, labels, number, engine, chosen=chosen, part=part, parts=parts)
            for part in range(parts, 0, -1)
        ]
        pd.testing.assert_frame_equal(combine(shares), whole, check_exact=True)


@pytest.mark.parametrize("engine", [LOGISTIC, SCREEN])
def test_the_order_of_rows_and_the_names_of_the_classes_change_nothing(engine):
    counts, labels = study(12, 9)
    batches = pd.Series([f"b{i % 2}" for i in range(21)], labels.index)
    first = draws_of(counts, labels, engine=engine, batches=batches)
    turned = draws_of(counts.iloc[::-1, ::-1], labels[::-1], engine=engine, batches=batches[::-1])
    pd.testing.assert_frame_equal(turned, first, check_exact=True)
    swapped = labels.map({"case": "control", "control": "case"})
    np.testing.assert_allclose(draws_of(counts, swapped, engine=engine, batches=batches), first, atol=1e-12)


def test_the_first_draws_do_not_depend_on_how_many_follow():
    counts, labels = study(10, 8, genes=30)
    few, more = draws_of(counts, labels, 4), draws_of(counts, labels, 9)
    np.testing.assert_allclose(more["auc"][:5], few["auc"], atol=1e-12)


# ---- what cannot be tested


def test_folds_of_one_class_are_left_out_by_the_same_rule_for_all():
    # 3 controls among 16: where all are in one outer fold, it trains on cases only and the others test cases
    counts, labels = study(13, 3)
    permuted = exchange((labels == "case").to_numpy(), np.arange(16))
    deal, draw = np.random.default_rng(3).spawn(2)
    tests = [at.test for at in permutation._training_sets(np.arange(16), QUICK, deal) if not at.inner]
    drawn = [permuted.draw(stream) for stream in draw.spawn(30)]
    together = [any((~labels[test]).sum() == 3 for test in tests) for labels in drawn]
    assert any(together)
    for engine in (LOGISTIC, SCREEN):
        found = draws_of(counts, labels, 30, engine)["auc"]
        assert found[1:].isna().tolist() == together
        assert found.dropna().between(0, 1).all()
    vectors = np.array([[True, False], [True, True], [False, False]])
    assert permutation._both(vectors).tolist() == [True, False, False]
    means = permutation._means(np.array([[0.5, np.nan, 1.0], [np.nan] * 3]))
    np.testing.assert_array_equal(means, [0.75, np.nan])


def test_draws_without_any_fold_are_counted_and_told():
    _, labels = study(13, 3)
    row = summary(table([0.8, 0.9, np.nan]), labels, None, None, "s", QUICK).iloc[0]
    assert row["reason"] == "1 of 2 permutations count as 0.5: no outer fold holds both classes"
    assert summary(table([np.nan, 0.9]), labels, None, None, "s", QUICK)["reason"].tolist() == [
        "no outer fold trains and tests on both classes"
    ]


def test_no_permutations_and_labels_that_cannot_move_are_not_estimable():
    counts, labels = study(6, 6)
    none = draws_of(counts, labels, 0)
    assert none.empty
    for found, batches, reason in (
        (none, None, "no permutations asked for (`classifier`, `permutations: 0`)"),
        (table([0.8, 0.8]), labels, "permuting samples within batches leaves every label where it is"),
    ):
        test = summary(found, labels, None, batches, "s", QUICK)
        assert test["status"].tolist() == [results.NOT_ESTIMABLE]
        assert test["reason"].tolist() == [reason]
        said = study_section("s", "S", "", {"permutation_test": test}, []).sentences
        assert said == [f"Permutation test: not estimable, {reason}."]


def test_few_arrangements_are_a_caution():
    # two women of each kind, two samples each: 6 arrangements
    labels = pd.Series(["case"] * 4 + ["control"] * 4, [f"S{i}" for i in range(8)])
    groups = pd.Series(list("aabbccdd"), labels.index)
    row = summary(table([0.8] + [0.5] * 9), labels, groups, None, "s", QUICK).iloc[0]
    assert row["reason"].startswith("groups (all samples of one together) can be arranged in 6 ways only")
    assert row["counted"].startswith("8 samples of 4 groups (4 case, 4 control); 1 repeat of 3 folds; 9 perm")


def test_the_page_says_p_and_its_resolution():
    _, labels = study(13, 9)
    test = summary(table([0.8] + [0.5] * 99), labels, None, None, "s", QUICK)
    assert test["p"][0] == pytest.approx(0.01)
    assert study_section("s", "S", "", {"permutation_test": test}, []).sentences == [
        "Permuting the labels, with the whole procedure relearned each time: p = 0.01 (99 permutations,"
        " so p is 1/100 at the least)."
    ]


def test_an_unknown_engine_and_a_sample_without_a_batch_are_refused():
    counts, labels = study(6, 6)
    with pytest.raises(
        InputError, match="permutation engine: found forest; expected one of logistic, ridge screen"
    ):
        draws_of(counts, labels, engine="forest")
    with pytest.raises(InputError, match="batches: found a sample without a batch"):
        draws_of(counts, labels, batches=pd.Series("b", labels.index[1:]))
