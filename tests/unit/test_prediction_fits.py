"""Prediction models against scikit-learn, firthmodels and statsmodels, and laws that their fits must keep."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from decidua.prediction import design
from decidua.prediction.conditional import fit_conditional
from decidua.prediction.design import Specification
from decidua.prediction.fits import fit, fit_values
from decidua.prediction.newton import fit_ridge
from decidua.prediction.newton_together import fit_together
from decidua.statistics.answers import NotEstimable

REAL = os.environ.get("DECIDUA_REAL_DATA")
NAMES = ("age", "miscarriages", "marker")


def women(n: int = 240, seed: int = 1, unknown: float = 0.0) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3)) * [4.0, 1.0, 0.3] + [31.0, 3.0, 1.0]
    x[:, 2] += 0.05 * (x[:, 0] - 31)
    odds = -1.3 + 0.1 * (x[:, 0] - 31) + 0.4 * (x[:, 1] - 3) + 0.8 * (x[:, 2] - 1)
    event = rng.random(n) < 1 / (1 + np.exp(-odds))
    x[rng.random(x.shape) < unknown] = np.nan
    return pd.DataFrame(x, columns=list(NAMES)), event


def test_ridge_at_a_fixed_penalty_is_scikit_learns_logistic_regression():
    from sklearn.linear_model import LogisticRegression

    rows, event = women()
    fitted = fit(Specification("m", NAMES), rows, event, penalty=7.0)
    z = (rows - rows.mean()) / rows.std(ddof=0)
    other = LogisticRegression(C=1 / 7.0, tol=1e-10, max_iter=1000).fit(z, event)
    assert fitted.coefficients == pytest.approx(other.coef_[0], abs=1e-6)
    assert fitted.linear_predictor(rows) == pytest.approx(other.decision_function(z), abs=1e-6)


def test_without_a_penalty_coefficients_errors_and_likelihood_are_those_of_statsmodels():
    import statsmodels.api as sm

    rows, event = women()
    fitted = fit(Specification("m", NAMES, method=design.MAXIMUM_LIKELIHOOD), rows, event)
    z = (rows - rows.mean()) / rows.std(ddof=0)
    other = sm.Logit(event.astype(float), sm.add_constant(z)).fit(disp=0)
    assert np.r_[fitted.intercept, fitted.coefficients] == pytest.approx(other.params.to_numpy(), abs=1e-6)
    assert np.sqrt(np.diag(fitted.covariance)) == pytest.approx(other.bse.to_numpy(), abs=1e-6)
    assert fitted.log_likelihood == pytest.approx(other.llf, abs=1e-8)
    assert fitted.df == pytest.approx(3)


def test_firths_coefficients_are_those_of_firthmodels_and_the_mean_risk_is_the_share_of_events():
    from firthmodels import FirthLogisticRegression

    rows, event = women(60)
    fitted = fit(Specification("m", NAMES, method=design.FIRTH), rows, event)
    z = (rows - rows.mean()) / rows.std(ddof=0)
    other = FirthLogisticRegression(backend="numpy", gtol=1e-8, max_iter=200).fit(z.to_numpy(), event)
    assert fitted.coefficients == pytest.approx(other.coef_, abs=1e-5)
    assert fitted.risk(rows).mean() == pytest.approx(event.mean(), abs=1e-9)


def matched(rng: np.random.Generator, cases: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    sets = np.repeat(np.arange(50), 4)
    x = rng.normal(size=(200, 2)) + rng.normal(size=50)[sets, None]
    event = np.zeros(200)
    for each in range(50):
        inside = np.flatnonzero(sets == each)
        odds = np.exp(x[inside] @ [0.8, -0.3])
        event[rng.choice(inside, size=cases, replace=False, p=odds / odds.sum())] = 1
    return x, event, sets


@pytest.mark.parametrize("cases", [1, 2])
def test_conditional_regression_is_that_of_statsmodels_also_with_repeated_sets(cases):
    from statsmodels.discrete.conditional_models import ConditionalLogit

    x, event, sets = matched(np.random.default_rng(3), cases)
    times = np.array([1, 2, 1, 3, 1])[sets % 5]
    found = fit_conditional(x, event, sets, times.astype(float))
    copies = np.concatenate([np.arange(count) for count in times])
    groups = np.repeat(sets, times) * 10 + copies
    other = ConditionalLogit(np.repeat(event, times), np.repeat(x, times, axis=0), groups=groups)
    other = other.fit(disp=0, method="newton", tol=1e-12)  # its default stops early
    assert found.coefficients == pytest.approx(other.params, abs=1e-5)
    assert np.sqrt(np.diag(found.covariance))[1:] == pytest.approx(other.bse, abs=1e-5)
    assert found.log_likelihood == pytest.approx(other.llf, abs=1e-6)


@pytest.mark.skipif(not REAL, reason="DECIDUA_REAL_DATA is not set")
def test_matched_infertility_has_the_coefficients_of_rs_clogit():
    """The example of R's survival::clogit: case ~ spontaneous + induced + strata(stratum): 1.9859, 1.4090."""
    rows = pd.read_csv(Path(REAL) / "table_infert" / "table.csv")
    spec = Specification("m", ("spontaneous", "induced"), method=design.CONDITIONAL)
    fitted = fit(spec, rows, (rows["case"] == 1).to_numpy(), sets=rows["stratum"].to_numpy())
    scale = np.concatenate([each.scale for each in fitted.predictors])
    assert fitted.coefficients / scale == pytest.approx([1.9859, 1.4090], abs=5e-5)


def test_a_conditional_model_knows_no_absolute_risk():
    x, event, sets = matched(np.random.default_rng(3), 1)
    rows = pd.DataFrame(x, columns=["a", "b"])
    fitted = fit(Specification("m", ("a", "b"), method=design.CONDITIONAL), rows, event > 0, sets=sets)
    with pytest.raises(NotEstimable, match="no absolute risk"):
        fitted.risk(rows)


@pytest.mark.parametrize("method", [design.RIDGE, design.FIRTH, design.BOOSTING])
def test_a_weight_of_two_is_a_woman_who_is_there_twice(method):
    rows, event = women(150, unknown=0.1)
    times = np.arange(150) % 3
    spec = Specification("m", NAMES, {"age": 3}, method)
    weighted = fit(spec, rows, event, times)
    repeated = fit(
        spec, rows.loc[np.repeat(rows.index, times)].reset_index(drop=True), np.repeat(event, times)
    )
    assert weighted.women == repeated.women == times.sum()
    assert weighted.linear_predictor(rows) == pytest.approx(repeated.linear_predictor(rows), abs=1e-4)


@pytest.mark.parametrize("method", [design.RIDGE, design.MAXIMUM_LIKELIHOOD])
def test_fits_solved_together_are_those_solved_one_by_one(method):
    rows, event = women(150)
    x = ((rows - rows.mean()) / rows.std(ddof=0)).to_numpy()
    weights = np.random.default_rng(2).multinomial(150, np.full(150, 1 / 150), size=30).astype(float)
    weights[3] = event  # one outcome only
    penalty = None if method == design.RIDGE else 0.0
    found = fit_together(x, event.astype(float), weights, penalty)
    assert np.isnan(found.coefficients[3]).all()
    for place in np.delete(np.arange(30), 3):
        spec = Specification("m", NAMES, method=method)
        alone = fit_values(spec, x, event, weights[place], complete=True)
        together = found.intercepts[place] + x @ found.coefficients[place]
        assert together == pytest.approx(alone.linear_of_values(x), abs=1e-6)


def test_the_penalty_chosen_has_the_smallest_corrected_aic_of_all_fits():
    """Every penalty of the grid is fitted; AIC corrected as by Hurvich and Tsai 1989."""
    from decidua.prediction.newton import SHARES

    rows, event = women(150)
    x = ((rows - rows.mean()) / rows.std(ddof=0)).to_numpy()
    y, ones = event.astype(float), np.ones(150)
    unit = y.sum() * (150 - y.sum()) / 150
    criteria = []
    for share in SHARES:
        found = fit_ridge(x, y, ones, share * unit)
        df = found.df + 1
        criteria.append(-2 * found.log_likelihood + 2 * df * (1 + (df + 1) / (150 - df - 1)))
    chosen = fit_ridge(x, y, ones).penalty
    near = np.flatnonzero(np.isclose(SHARES * unit, chosen))[0]
    assert criteria[near] == pytest.approx(min(criteria), abs=0.01)


@pytest.mark.parametrize("most", [1.0, 0.3])
def test_a_ridge_has_no_more_degrees_of_freedom_than_it_may_have_and_together_as_alone(most):
    """Of three columns the strongest penalty that is tried else leaves 0.6."""
    rows, event = women(150)
    x = ((rows - rows.mean()) / rows.std(ddof=0)).to_numpy()
    free, wide, held = (
        fit_ridge(x, event.astype(float), np.ones(150), most_df=df) for df in (None, 2.5, most)
    )
    assert wide.penalty == free.penalty
    assert held.df <= most + 0.01 < free.df  # chosen at a fit that is nearly the last
    assert held.df > 0.85 * most  # the penalty is no stronger than it must be: the next one leaves more
    weights = np.random.default_rng(2).multinomial(150, np.full(150, 1 / 150), size=5).astype(float)
    found = fit_together(x, event.astype(float), weights, most_df=most)
    for place, weight in enumerate(weights):
        alone = fit_values(Specification("m", NAMES, most_df=most), x, event, weight, complete=True)
        assert alone.df <= most + 0.01
        together = found.intercepts[place] + x @ found.coefficients[place]
        assert together == pytest.approx(alone.linear_of_values(x), abs=1e-6)


def test_a_ridge_is_finite_where_the_outcome_is_separated_and_maximum_likelihood_says_that_it_is_not():
    rows = pd.DataFrame({"marker": np.arange(40.0)})
    event = np.arange(40) >= 30
    assert np.isfinite(fit(Specification("m", ("marker",)), rows, event).coefficients).all()
    with pytest.raises(NotEstimable, match="separated"):
        fit(Specification("m", ("marker",), method=design.MAXIMUM_LIKELIHOOD), rows, event)


def test_an_unknown_value_is_what_the_other_predictors_say_of_it_and_never_the_outcome():
    """Marker = 2 + 3 * age where it is known: so it is where it is not, to the trace of ridge."""
    rng = np.random.default_rng(4)
    age = rng.normal(30, 4, size=80)
    rows = pd.DataFrame({"age": age, "marker": 2 + 3 * age})
    rows.loc[:9, "marker"] = np.nan
    event = rng.random(80) < 0.4
    learned = fit(Specification("m", ("age", "marker")), rows, event).predictors[1]
    turned = fit(Specification("m", ("age", "marker")), rows, ~event).predictors[1]
    intercept, slopes = learned.imputation
    assert intercept + slopes["age"] * 33 == pytest.approx(2 + 3 * 33, rel=1e-3)
    assert turned.imputation == learned.imputation


def test_of_two_levels_the_abnormal_one_counts_one():
    rows, event = women(unknown=0.1)
    rows["call"] = np.where(rows["marker"].isna(), None, np.where(rows["marker"] > 1, "abnormal", "normal"))
    fitted = fit(Specification("m", (*NAMES, "call"), {"age": 4}), rows, event)
    assert fitted.predictors[3].levels == {"normal": 0.0, "abnormal": 1.0}


def test_a_predictor_of_which_nothing_is_known_is_refused():
    rows, event = women()
    rows["marker"] = np.nan
    with pytest.raises(NotEstimable, match="nothing is known of marker"):
        fit(Specification("m", NAMES), rows, event)


def test_the_order_of_the_women_does_not_matter():
    rows, event = women(unknown=0.1)
    order = np.random.default_rng(0).permutation(len(rows))
    spec = Specification("m", NAMES, {"marker": 3})
    first = fit(spec, rows, event).linear_predictor(rows)
    second = fit(spec, rows.iloc[order].reset_index(drop=True), event[order]).linear_predictor(rows)
    assert second == pytest.approx(first, abs=1e-9)
