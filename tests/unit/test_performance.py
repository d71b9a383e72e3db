"""Performance of held-out predictions, against hand calculations and other tools; when it is no claim."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from decidua import results
from decidua.learning.calibration import calibration_table
from decidua.learning.performance import (
    auc,
    auc_interval,
    caution,
    corrected_t,
    fold_table,
    matthews,
    overlap,
    roc_curve,
    roc_table,
    summary,
)
from decidua.learning.precision_recall import average_precision, chance, precision_recall_table


def held_out(labels, scores, folds, repeat=1, groups=None, threshold=0.5):
    """A predictions table of one repeat; labels 1 and 0, scores are logits."""
    probability = 1 / (1 + np.exp(-np.asarray(scores, dtype=float)))
    names = np.array(["control", "case"], dtype=object)
    return pd.DataFrame(
        {
            "sample": [f"S{i}" for i in range(len(labels))],
            "group": pd.array(groups if groups is not None else [pd.NA] * len(labels), dtype="string"),
            "label": names[np.asarray(labels)],
            "repeat": repeat,
            "fold": folds,
            "score": scores,
            "probability": probability,
            "predicted": names[(probability >= threshold).astype(int)],
        }
    )


@pytest.fixture
def two_folds():
    """Fold 1 ranks all 4 pairs rightly, fold 2 3 of 4; its scores are higher by 10."""
    return held_out(
        [1, 1, 0, 0, 1, 1, 0, 0], [2.0, 1.0, -1.0, -2.0, 13.0, 11.0, 12.0, 10.0], [1, 1, 1, 1, 2, 2, 2, 2]
    )


def value(table, quantity):
    (row,) = table[table["quantity"] == quantity].itertuples()
    return row


def test_auc_counts_ties_one_half():
    # pairs: 3>1, 3>2, 2>1 right, 2=2 one half: 3.5 of 4
    assert auc([3, 2, 2, 1], [True, True, False, False]) == 0.875
    assert np.isnan(auc([1, 2], [True, True]))


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=2, max_size=40))
def test_auc_is_that_of_scikit_learn_and_turns_with_the_scores(members):
    from sklearn.metrics import roc_auc_score

    scores, is_case = map(np.array, zip(*members, strict=True))
    assume(0 < is_case.sum() < len(is_case))
    assert auc(scores, is_case) == pytest.approx(roc_auc_score(is_case, scores))
    assert auc(-scores, is_case) == pytest.approx(1 - auc(scores, is_case))


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=2, max_size=40))
def test_the_area_under_the_curve_is_the_auc(members):
    scores, is_case = map(np.array, zip(*members, strict=True))
    assume(0 < is_case.sum() < len(is_case))
    false, true = roc_curve(scores, is_case)
    assert np.trapezoid(true, false) == pytest.approx(auc(scores, is_case))


def test_the_primary_auc_is_the_mean_over_folds_and_the_pooled_one_stands_beside_it(two_folds):
    table = summary(two_folds, "study")
    assert value(table, "AUC within folds").estimate == pytest.approx((1 + 0.75) / 2)
    # pooled, the controls of fold 2 outrank the cases of fold 1: 4 + 4 + 3 of 16 pairs are right
    assert value(table, "AUC pooled over folds (biased at small n)").estimate == pytest.approx(11 / 16)


def test_rates_are_means_over_repeats():
    # 3 cases, 2 controls; repeat 1 calls cases 3/3, controls 1/2; repeat 2 cases 2/3, controls 2/2
    labels, folds = [1, 1, 1, 0, 0], [1, 2, 1, 2, 1]
    table = summary(
        pd.concat(
            [
                held_out(labels, [1, 1, 1, -1, 1], folds, 1),
                held_out(labels, [1, -1, 1, -1, -1], folds, 2),
            ]
        ).reset_index(drop=True),
        "study",
    )
    sensitivity, specificity = value(table, "sensitivity"), value(table, "specificity")
    assert sensitivity.estimate == pytest.approx(5 / 6)
    assert specificity.estimate == pytest.approx(3 / 4)
    assert value(table, "accuracy").estimate == pytest.approx(8 / 10)
    assert value(table, "balanced accuracy").estimate == pytest.approx((5 / 6 + 3 / 4) / 2)
    assert (value(table, "majority rate").numerator, value(table, "majority rate").denominator) == (3, 5)
    # folds are right in 2/3, 1, 1 and 1/2: t(3, .975) sqrt(.0625 (1/4 + 1)) = .89, more than Wilson's
    accuracy = value(table, "accuracy")
    assert (accuracy.lower, accuracy.upper) == (0, 1)


def test_where_folds_do_not_differ_the_interval_of_a_rate_is_wilsons():
    # 4 of 5 right in each of two folds; Wilson for 8/10: (0.8 + z2/20 -+ z sqrt(.016 + z2/400)) / (1 + z2/10)
    labels = [1, 1, 1, 0, 0] * 2
    predictions = held_out(labels, [1, 1, 1, -1, 1] * 2, [1] * 5 + [2] * 5)
    accuracy = value(summary(predictions, "study"), "accuracy")
    z2, n = 1.959964**2, 10
    half = np.sqrt(z2 * (0.16 / n + z2 / (4 * n * n)))
    ends = [(0.8 + z2 / (2 * n) + side * half) / (1 + z2 / n) for side in (-1, 1)]
    assert (accuracy.lower, accuracy.upper) == pytest.approx(ends, abs=1e-6)
    assert accuracy.interval.startswith("95%, the wider of corrected resampled t over folds")
    assert accuracy.interval.endswith("and Wilson on the mean over repeats, n = 10 samples")


def test_a_threshold_below_one_half_moves_the_predicted_labels_but_not_the_accuracy_at_one_half():
    predictions = held_out([1, 1, 0, 0], [-0.2, 1.0, -1.0, -2.0], [1, 2, 1, 2], threshold=0.4)
    table = summary(predictions, "study")
    assert value(table, "accuracy").estimate == 1
    assert value(table, "accuracy at probability 0.5").estimate == 0.75


def test_the_brier_score_stands_beside_that_of_the_class_shares():
    table = summary(held_out([1, 1, 0, 0], [0.0] * 4, [1, 2, 1, 2]), "study")
    assert value(table, "Brier score").estimate == pytest.approx(0.25)
    assert value(table, "Brier score of the class shares alone").estimate == pytest.approx(0.25)


def test_the_corrected_resampled_t_interval_by_hand():
    # mean square deviation .025; times 1/5 + 1/4 = .01125; t(4, .975) = 2.776445
    half = corrected_t(np.array([0.8, 0.9, 0.7, 0.6, 1.0]), folds=5, confidence=0.95)
    assert half == pytest.approx(2.776445 * np.sqrt(0.025 * 0.45), rel=1e-6)
    assert np.isnan(corrected_t(np.array([0.8]), folds=5, confidence=0.95))


def test_the_interval_of_one_pair_is_wilsons_for_one_toss():
    # with one case and one control the variance is t (1 - t): Wilson for 1 of 1 starts at 1 / (1 + z2)
    z2 = 1.959964**2
    assert auc_interval(1.0, [(1, 1)]) == pytest.approx((1 / (1 + z2), 1.0), abs=1e-6)
    assert auc_interval(0.0, [(1, 1)]) == pytest.approx((0.0, z2 / (1 + z2)), abs=1e-6)


@given(st.floats(0, 1), st.integers(1, 60), st.integers(1, 60))
def test_the_interval_of_an_auc_holds_it_and_turns_with_the_classes(estimate, cases, controls):
    lower, upper = auc_interval(estimate, [(cases, controls)])
    assert 0 <= lower <= estimate + 1e-9
    assert estimate - 1e-9 <= upper <= 1
    assert auc_interval(1 - estimate, [(controls, cases)]) == pytest.approx((1 - upper, 1 - lower), abs=1e-6)


def test_the_ends_of_the_interval_are_one_standard_error_times_z_away():
    # the definition of a score interval, with Newcombe's variance for 20 cases and 30 controls
    for end in auc_interval(0.8, [(20, 30)]):
        n = 24
        variance = end * (1 - end) * (1 + n * (1 - end) / (2 - end) + n * end / (1 + end)) / 600
        assert abs(0.8 - end) == pytest.approx(1.959964 * np.sqrt(variance), rel=1e-5)


def test_perfect_separation_still_has_an_interval():
    labels = [1, 0] * 20
    predictions = held_out(labels, [5.0 if label else -5.0 for label in labels], np.arange(40) // 2 % 5 + 1)
    row = value(summary(predictions, "study"), "AUC within folds")
    assert (row.estimate, row.upper) == (1, 1)
    assert 0.7 < row.lower < 0.95


def test_a_fold_with_one_class_is_left_out_and_counted():
    predictions = held_out([1, 0, 1, 1], [1.0, 0.0, 1.0, 1.0], [1, 1, 2, 2])
    row = value(summary(predictions, "study"), "AUC within folds")
    assert row.estimate == 1
    assert row.counted.endswith("; 1 of 2 folds left out, which test one class only")


def test_without_any_fold_of_both_classes_the_auc_is_not_estimable():
    predictions = held_out([1, 1, 0, 0], [1.0, 2.0, 0.0, 3.0], [1, 1, 2, 2])
    row = value(summary(predictions, "study"), "AUC within folds")
    assert (row.status, row.reason) == (results.NOT_ESTIMABLE, "no outer fold tests both classes")
    assert roc_table(predictions).empty


def test_every_row_names_study_model_and_whom_it_counts(two_folds):
    table = summary(two_folds, "tb")
    assert list(table.columns) == results.NAMES
    assert set(table["analysis"]) == {"classifier"}
    assert set(table["population"]) == {"tb"}
    assert set(table["variable"]) == {"ridge logistic regression"}
    assert set(table["counted"]) == {"8 samples (4 case, 4 control); 1 repeat of 2 folds"}
    interval = table["lower"].notna()
    assert table.loc[interval, "interval"].str.startswith("95%, ").all()


def test_each_repeat_has_its_own_row():
    first = held_out([1, 0, 1, 0], [2.0, 1.0, 2.0, 1.0], [1, 1, 2, 2], 1)
    second = held_out([1, 0, 1, 0], [1.0, 2.0, 2.0, 1.0], [1, 1, 2, 2], 2)
    table = summary(pd.concat([first, second], ignore_index=True), "study")
    rows = table[table["quantity"] == "AUC within folds of one repeat"]
    assert dict(zip(rows["level"], rows["estimate"], strict=True)) == {"repeat 1": 1.0, "repeat 2": 0.5}
    assert value(table, "AUC within folds").estimate == 0.75


def random_predictions(seed, cases=20, controls=12, repeats=2, shift=1.0, groups=None):
    """Repeats of three folds with both classes in each; the same samples in every repeat, other scores."""
    rng = np.random.default_rng(seed)
    labels = np.repeat([1, 0], [cases, controls])
    return pd.concat(
        [
            held_out(
                labels,
                rng.normal(size=len(labels)) + shift * labels,
                np.arange(len(labels)) % 3 + 1,
                r,
                groups,
                0.55,
            )
            for r in range(1, repeats + 1)
        ],
        ignore_index=True,
    )


def turned(predictions):
    """The other class is called the case."""
    other = {"case": "control", "control": "case"}
    return predictions.assign(
        label=predictions["label"].map(other),
        predicted=predictions["predicted"].map(other),
        score=-predictions["score"],
        probability=1 - predictions["probability"],
    )


NUMBERS = ["estimate", "lower", "upper"]


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 10**6), st.floats(0, 2))
def test_which_class_is_called_the_case_changes_nothing_but_names_and_the_sign_of_the_intercept(seed, shift):
    predictions = random_predictions(seed, shift=shift)
    one, other = (
        summary(table, "s").set_index(["quantity", "level"])[NUMBERS].astype(float)
        for table in (predictions, turned(predictions))
    )
    swap = {"sensitivity": "specificity", "specificity": "sensitivity"}
    for quantity in one.index.get_level_values(0).unique():
        name = swap.get(quantity, quantity)
        if "controls" in quantity or "cases" in quantity:
            name = quantity.replace("controls", "x").replace("cases", "controls").replace("x", "cases")
        found = other.loc[name].to_numpy()
        if quantity == "calibration intercept":
            found = -found[:, [0, 2, 1]]
        assert found == pytest.approx(one.loc[quantity].to_numpy(), abs=1e-7, nan_ok=True), quantity


@settings(max_examples=2, deadline=None)
@given(st.integers(0, 10**6))
def test_the_order_of_the_rows_changes_no_number(seed):
    predictions = random_predictions(seed)
    for measure in (lambda table: summary(table, "s"), precision_recall_table, calibration_table, roc_table):
        one, other = measure(predictions), measure(predictions[::-1].reset_index(drop=True))
        numbers = one.select_dtypes("float")
        assert other[numbers.columns].to_numpy() == pytest.approx(numbers.to_numpy(), abs=1e-9, nan_ok=True)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 30))
def test_average_precision_and_matthews_correlation_are_those_of_scikit_learn(seed, n):
    from sklearn.metrics import average_precision_score, matthews_corrcoef

    rng = np.random.default_rng(seed)
    scores, is_case, called = rng.integers(0, 5, n), rng.random(n) < 0.4, rng.random(n) < 0.5
    assume(0 < is_case.sum() < n and 0 < called.sum() < n)
    assert average_precision(scores, is_case) == pytest.approx(average_precision_score(is_case, scores))
    rates = called[is_case].mean(), (~called[~is_case]).mean()
    assert matthews(*rates, is_case.mean()) == pytest.approx(matthews_corrcoef(is_case, called))


def test_average_precision_of_a_random_order_is_the_mean_over_all_orders():
    from itertools import permutations

    # 2 of 4: by hand over the 6 places of two positives: 1, 5/6, 3/4, 7/12, 1/2, 5/12: mean 49/72
    assert chance(2, 4) == pytest.approx(49 / 72)
    orders = [average_precision([5, 4, 3, 2, 1], np.array(order)) for order in permutations([1, 1, 1, 0, 0])]
    assert chance(3, 5) == pytest.approx(np.mean(orders))


def test_the_area_under_a_precision_recall_curve_is_the_average_precision():
    predictions = random_predictions(3, cases=60, controls=45, repeats=1)
    curve = precision_recall_table(predictions)
    mean = curve[(curve["positive"] == "control") & (curve["repeat"] == "mean")]
    row = value(summary(predictions, "s"), "average precision of controls within folds")
    assert mean["precision"][1:].mean() == pytest.approx(row.estimate, abs=0.01)
    assert set(mean["chance"]) == {45 / 105}


def test_calibration_slope_and_its_interval_are_those_of_statsmodels_with_clustered_errors():
    import statsmodels.api as sm
    from scipy.stats import t

    groups = [f"w{i // 2}" for i in range(32)]
    predictions = random_predictions(5, groups=groups)
    row = value(summary(predictions, "s"), "calibration slope")
    is_case = (predictions["label"] == "case").astype(float)
    codes = pd.factorize(predictions["group"])[0]
    design = sm.add_constant(predictions["score"])
    fitted = sm.GLM(is_case, design, family=sm.families.Binomial()).fit(
        cov_type="cluster", cov_kwds={"groups": codes, "use_correction": False}
    )
    assert row.estimate == pytest.approx(fitted.params["score"], rel=1e-5)
    half = fitted.bse["score"] * np.sqrt(16 / 15) * t.ppf(0.975, 14)  # 16 groups
    assert (row.lower, row.upper) == pytest.approx((row.estimate - half, row.estimate + half), rel=1e-5)
    offset = sm.GLM(is_case, np.ones(64), family=sm.families.Binomial(), offset=predictions["score"]).fit()
    assert value(summary(predictions, "s"), "calibration intercept").estimate == pytest.approx(
        offset.params.iloc[0], rel=1e-6
    )


def test_more_repeats_of_the_same_predictions_do_not_make_calibration_surer():
    once = random_predictions(7, repeats=1)
    twice = pd.concat([once, once.assign(repeat=2)], ignore_index=True)
    for quantity in ("calibration slope", "calibration intercept"):
        rows = [value(summary(table, "s"), quantity) for table in (once, twice)]
        assert rows[0].lower == pytest.approx(rows[1].lower, rel=1e-6)


def test_the_expected_calibration_error_by_hand():
    # 12 samples are one group: 6 of 12 cases, mean prediction 0.7; by chance sqrt(2/pi) sqrt(.21 / 12)
    logit = np.log(0.7 / 0.3)
    table = summary(held_out([1, 0] * 6, [logit] * 12, [1, 1, 2, 2] * 3), "s")
    assert value(table, "expected calibration error").estimate == pytest.approx(0.2)
    by_chance = value(table, "expected calibration error if perfectly calibrated").estimate
    assert by_chance == pytest.approx(np.sqrt(2 / np.pi * 0.21 / 12))
    slope = value(table, "calibration slope")
    assert (slope.status, slope.reason) == (results.NOT_ESTIMABLE, "the held-out scores do not vary")


def test_what_cannot_be_had_says_why():
    apart = summary(held_out([1, 1, 0, 0], [2.0, 3.0, -1.0, -2.0], [1, 2, 1, 2]), "s")
    assert "slope is infinite" in value(apart, "calibration slope").reason
    one_sided = summary(held_out([1, 0, 1, 0], [1.0, 2.0, 2.0, 1.0], [1, 1, 2, 2]), "s")
    assert value(one_sided, "Matthews correlation coefficient").reason == (
        "every sample is predicted to be of one class"
    )
    one_class = summary(held_out([1, 1, 1, 1], [1.0, 2.0, 0.0, -1.0], [1, 1, 2, 2]), "s").set_index(
        "quantity"
    )
    for quantity in (
        "AUC pooled over folds (biased at small n)",
        "specificity",
        "balanced accuracy",
        "average precision of controls within folds",
        "calibration intercept",
    ):
        row = one_class.loc[quantity]
        assert row["status"] == results.NOT_ESTIMABLE and row["reason"]
        assert np.isnan(row["estimate"])


def test_the_calibration_table_counts_everyone_once_a_repeat():
    predictions = random_predictions(2, cases=60, controls=30)
    table = calibration_table(predictions)
    counts = table[table["shown"] == "number of predictions"]
    assert counts["cases"].sum() == pytest.approx(60) and counts["controls"].sum() == pytest.approx(30)
    points = table[table["shown"] == "group of samples"]
    assert points["samples"].sum() == pytest.approx(90)
    assert (points["samples"] >= 9).all()
    assert points["predicted"].is_monotonic_increasing
    assert (points["observed"] * points["samples"]).sum() == pytest.approx(60)
    curve = table[table["shown"] == "logistic curve"]
    assert (curve["lower"] <= curve["observed"]).all() and (curve["observed"] <= curve["upper"]).all()


def test_more_repeats_make_the_interval_of_the_auc_narrower_but_not_much():
    assert 2.25 == overlap(1) > overlap(2) > overlap(100) > 1.75


def many(n, groups=None):
    labels = [1, 0] * (n // 2)
    scores = [3.0 if i % 2 == 0 else -3.0 for i in range(n)]
    return held_out(labels, scores, np.arange(n) // 2 % 5 + 1, groups=groups)


def test_fewer_than_ten_samples_of_a_class_carry_no_claim():
    assert "the smaller class has 9 samples (fewer than 10)" in caution(many(18))
    assert caution(many(60)) is None


def test_groups_not_samples_are_counted_for_a_claim():
    # 60 samples, but of 8 women of a class only
    groups = [f"{'ab'[i % 2]}{i // 2 % 8}" for i in range(60)]
    assert "the smaller class has 8 groups (fewer than 10)" in caution(many(60, groups))
    assert value(summary(many(60, groups), "s"), "accuracy").interval.endswith("n = 16 groups")


def test_a_wide_interval_carries_no_claim_and_every_row_says_so():
    rng = np.random.default_rng(0)
    noise = held_out([1, 0] * 12, rng.normal(size=24), np.arange(24) // 2 % 5 + 1)
    text = caution(noise)
    assert text.startswith("too small for a claim: the interval of the AUC is 0.")
    assert text.endswith("wide (more than 0.4)")
    assert set(summary(noise, "s")["reason"]) == {text}


def test_the_mean_curves_area_is_the_auc_within_folds_up_to_the_grid():
    rng = np.random.default_rng(1)
    labels = np.arange(100) % 2
    predictions = pd.concat(
        [held_out(labels, labels + rng.normal(size=100), np.arange(100) // 2 % 5 + 1, r) for r in (1, 2, 3)],
        ignore_index=True,
    )
    table = roc_table(predictions)
    assert list(dict.fromkeys(table["repeat"])) == ["1", "2", "3", "mean"]
    mean = table[table["repeat"] == "mean"]
    area = np.trapezoid(mean["tpr"], mean["fpr"])
    assert area == pytest.approx(fold_table(predictions)["auc"].mean(), abs=0.01)
    assert mean["tpr"].is_monotonic_increasing
    assert (mean["lower"] <= mean["tpr"]).all() and (mean["tpr"] <= mean["upper"]).all()
    assert mean[["lower", "upper"]].stack().between(0, 1).all()
    assert table.loc[table["repeat"] != "mean", ["lower", "upper"]].isna().all(axis=None)
