"""Measures of predicted risks: by hand, by scikit-learn and statsmodels, and by the laws that they keep."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit

from decidua.prediction import measures

RISK = np.array([0.1, 0.2, 0.2, 0.4, 0.8])
EVENT = np.array([False, False, True, False, True])


def simulated(n: int = 300) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    linear = rng.normal(-1, 0.8, size=n)
    return linear, rng.random(n) < expit(0.3 + 0.7 * linear)


def test_measures_of_five_women_by_hand():
    """c: of 6 pairs 0.8 is above all three; 0.2 is above 0.1, ties with 0.2, is below 0.4: (3 + 1.5) / 6.
    Brier: (0.01 + 0.04 + 0.64 + 0.16 + 0.04) / 5 = 0.178; scaled: 1 - 0.178 / (0.4 * 0.6)."""
    assert measures.c_statistic(RISK, EVENT) == pytest.approx(4.5 / 6)
    assert measures.brier(RISK, EVENT) == pytest.approx(0.178)
    assert measures.scaled_brier(RISK, EVENT) == pytest.approx(1 - 0.178 / 0.24)
    assert measures.risk_variance(RISK) == pytest.approx(0.0624)


def test_net_benefit_by_hand():
    """At 0.2 four women are positive, 2 with the event: 2/5 - 2/5 * 1/4; at 0.5 one, with the event: 1/5."""
    found = measures.net_benefit(RISK, EVENT, np.array([0.2, 0.5, 0.9]))
    assert found == pytest.approx([0.3, 0.2, 0.0])


def test_nagelkerkes_r2_by_hand():
    """1 - (L0 / L1)^(2 / n) over 1 - L0^(2 / n), as Nagelkerke 1991 has it."""
    model = 0.9 * 0.8 * 0.2 * 0.6 * 0.8
    nothing = 0.4**2 * 0.6**3
    expected = (1 - (nothing / model) ** (2 / 5)) / (1 - nothing ** (2 / 5))
    assert measures.nagelkerke(logit(RISK), EVENT) == pytest.approx(expected)


def test_c_is_the_area_under_the_curve_of_scikit_learn_also_with_weights():
    from sklearn.metrics import roc_auc_score

    linear, event = simulated()
    weights = np.random.default_rng(1).integers(0, 4, size=300).astype(float)
    score = np.round(linear, 1)
    assert measures.c_statistic(score, event, weights) == pytest.approx(
        roc_auc_score(event, score, sample_weight=weights)
    )


def test_slope_and_calibration_in_the_large_are_those_of_statsmodels():
    import statsmodels.api as sm

    linear, event = simulated()
    slope = sm.Logit(event.astype(float), sm.add_constant(linear)).fit(disp=0)
    large = sm.GLM(event.astype(float), np.ones(300), family=sm.families.Binomial(), offset=linear).fit()
    assert measures.recalibration(linear, event) == pytest.approx(tuple(slope.params), abs=1e-6)
    assert measures.calibration_in_the_large(linear, event) == pytest.approx(large.params[0], abs=1e-6)


def test_c_within_sets_counts_pairs_of_one_set_only():
    """Set 1: 0.9 above 0.1 and 0.3; set 2: 0.2 below 0.5: 2 of 3 pairs; over all it would be 4 of 6."""
    score = np.array([0.9, 0.1, 0.3, 0.2, 0.5])
    event, sets = np.array([1, 0, 0, 1, 0]) > 0, np.array([1, 1, 1, 2, 2])
    assert measures.c_within_sets(score, event, sets) == pytest.approx(2 / 3)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.floats(-2, 2), st.floats(0.2, 3))
def test_recalibration_takes_back_what_was_done_to_the_log_odds(seed, shift, factor):
    linear, event = simulated()
    weights = np.random.default_rng(seed).integers(0, 3, size=300).astype(float)
    moved = shift + factor * linear
    slope = measures.calibration_slope(linear, event, weights)
    assert measures.calibration_slope(moved, event, weights) == pytest.approx(slope / factor, rel=1e-6)
    large = measures.calibration_in_the_large(linear, event, weights)
    assert measures.calibration_in_the_large(linear + shift, event, weights) == pytest.approx(
        large - shift, abs=1e-6
    )


def test_weights_are_repeated_women_for_every_measure():
    linear, event = simulated(80)
    times = np.random.default_rng(1).integers(0, 4, size=80)
    weighted = measures.all_measures(linear, event, times.astype(float))
    repeated = measures.all_measures(np.repeat(linear, times), np.repeat(event, times))
    assert weighted == pytest.approx(repeated, abs=1e-9)
    thresholds = np.array([0.1, 0.25])
    assert measures.net_benefit(expit(linear), event, thresholds, times) == pytest.approx(
        measures.net_benefit(np.repeat(expit(linear), times), np.repeat(event, times), thresholds)
    )


def test_a_probability_stands_for_many_women_with_and_without_the_event():
    """30% of each of 100 women like one another: 30 with, 70 without."""
    linear = np.repeat([-1.0, 0.2, 0.9], 100)
    share = np.repeat([0.3, 0.4, 0.8], 100)
    event = np.concatenate([np.arange(100) < 100 * each for each in (0.3, 0.4, 0.8)])
    assert measures.all_measures(linear, share) == pytest.approx(
        measures.all_measures(linear, event), abs=1e-9
    )


def test_what_does_not_exist_is_not_a_number():
    linear = np.array([0.1, 0.2, 0.3])
    nobody = measures.all_measures(linear, np.zeros(3))
    assert all(np.isnan(nobody[name]) for name in (measures.C, measures.SLOPE, measures.LARGE, measures.R2))
    assert np.isnan(measures.calibration_slope(np.zeros(3), np.array([0, 1, 0])))
    assert np.isnan(measures.calibration_slope(linear, np.array([0, 0, 1])))  # told apart: infinite


def test_the_smooth_curve_of_true_risks_lies_on_the_diagonal_within_its_band():
    rng = np.random.default_rng(2)
    linear = rng.normal(-1, 1, size=4000)
    curve = measures.calibration_curve(linear, rng.random(4000) < expit(linear))
    assert ((curve.lower < curve.predicted) & (curve.predicted < curve.upper)).mean() > 0.9
    assert np.abs(curve.observed - curve.predicted).max() < 0.05


def test_the_band_counts_women_not_rows():
    linear, event = simulated()
    once = measures.calibration_curve(linear, event, np.arange(300))
    many = measures.calibration_curve(np.tile(linear, 5), np.tile(event, 5), np.tile(np.arange(300), 5))
    assert many.upper - many.lower == pytest.approx(once.upper - once.lower, rel=0.02)
