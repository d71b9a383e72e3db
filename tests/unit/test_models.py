"""Are the regressions right beyond the odds ratio: Firth, risks, interactions, curves, imputation?

Expected values: statsmodels, patsy, SciPy's optimisers as independent implementations; calculations by hand.
"""

from functools import partial

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from patsy import dmatrix
from scipy.optimize import approx_fprime, minimize
from scipy.special import expit, logit
from scipy.stats import chi2, norm, t

from decidua import results
from decidua.statistics import firth, imputation, logistic, splines
from decidua.statistics.answers import NotEstimable
from decidua.statistics.imputed import NOTHING_MISSING
from decidua.statistics.logistic import Cells
from decidua.statistics.models import models
from decidua.statistics.regressions import regression
from decidua.statistics.settings import Settings
from decidua.statistics.standardisation import risk_difference, risk_ratio, standardised_risk

few = settings(max_examples=30, deadline=None)
Z = norm.ppf(0.975)


def cohort(number=400, seed=3):
    """Women with a curved age, a slope in BMI, and a group with another slope in earlier losses."""
    rng = np.random.default_rng(seed)
    age, bmi = rng.normal(33, 4, number), rng.normal(23, 3, number)
    losses, known = rng.integers(2, 6, number), rng.random(number) < 0.5
    eta = 1 - 0.1 * (bmi - 23) - 0.03 * (age - 33) ** 2 - 0.3 * losses * known + 0.5
    return pd.DataFrame(
        {
            "etiology": np.where(known, "known", "idiopathic"),
            "age": age,
            "bmi": bmi,
            "miscarriages": pd.array(losses, dtype="Int64"),
            "old": pd.array(age > 35, dtype="boolean"),
            "live_birth": pd.array(rng.random(number) < expit(eta), dtype="boolean"),
        }
    )


def looked_at(women, **chosen):
    return models(women, Settings(**chosen), np.random.default_rng(0))


def rows(table, **wanted):
    for column, value in wanted.items():
        table = table[table[column].eq(value).fillna(False).astype(bool)]
    return table


def only(table, **wanted):
    found = rows(table, **wanted)
    assert len(found) == 1, found
    return found.iloc[0]


def numbers(women, *names):
    return women[list(names)].astype(float)


def logit_of(x, y):
    """statsmodels' fit of the same model, to the last digit."""
    return sm.Logit(np.asarray(y, dtype=float), sm.add_constant(np.asarray(x, dtype=float))).fit(
        disp=0, tol=1e-14
    )


# ---- women counted in cells


def test_women_counted_in_cells_give_the_same_regression():
    women = cohort(3000)
    x, y = numbers(women, "miscarriages", "old"), women["live_birth"].to_numpy(dtype=float)
    cells = Cells.of(x, y).collapsed()
    assert len(cells.x) == 8 and cells.women == 3000 and cells.women_with_event == y.sum()
    one, other = logistic.fit_cells(cells), logistic.fit(x, y)
    assert one.coefficients == pytest.approx(other.coefficients, rel=1e-9)
    assert one.standard_errors == pytest.approx(other.standard_errors, rel=1e-9)
    assert one.log_likelihood == pytest.approx(other.log_likelihood, rel=1e-12)
    assert one.profile("old") == pytest.approx(other.profile("old"), rel=1e-7)


def test_women_who_all_differ_stay_a_cell_each():
    cells = Cells.of(numbers(cohort(50), "age", "bmi"), np.arange(50) % 2)
    assert cells.collapsed() is cells


# ---- Firth's penalised likelihood


def penalised(x, y, beta):
    design = np.column_stack([np.ones(len(y)), x])
    eta = design @ beta
    mu = expit(eta)
    information = (design * (mu * (1 - mu))[:, None]).T @ design
    return y @ eta - np.logaddexp(0, eta).sum() + np.linalg.slogdet(information)[1] / 2


def highest(x, y, place=None, value=0.0):
    """The highest penalised likelihood, where one coefficient may be held; and the coefficients there."""
    size = x.shape[1] + 1

    def full(free):
        return free if place is None else np.insert(free, place, value)

    free = np.zeros(size - (place is not None))
    for method in ("Nelder-Mead", "BFGS", "Nelder-Mead"):
        options = {"Nelder-Mead": {"xatol": 1e-10, "fatol": 1e-13, "maxiter": 20_000}, "BFGS": {"gtol": 1e-9}}
        free = minimize(lambda b: -penalised(x, y, full(b)), free, method=method, options=options[method]).x
    return penalised(x, y, full(free)), full(free)


def separated(number=40, seed=8):
    rng = np.random.default_rng(seed)
    x = np.column_stack([rng.random(number) < 0.3, rng.normal(size=number)]).astype(float)
    return x, ((rng.random(number) < 0.5) | (x[:, 0] == 1)).astype(float)


def fitted(x, y):
    return firth.fit_firth(Cells.of(pd.DataFrame(x, columns=[f"x{i}" for i in range(x.shape[1])]), y))


@pytest.mark.parametrize("table", [((12, 5), (7, 9)), ((6, 0), (5, 9)), ((1, 0), (0, 8))])
def test_firth_of_a_fourfold_table_is_its_odds_ratio_with_a_half_added_to_each_cell(table):
    # Heinze and Schemper 2002: in a saturated model the penalty adds half an observation to each cell.
    counts = np.array(table)
    x = np.repeat([1, 1, 0, 0], counts.ravel())[:, None]
    y = np.repeat([1.0, 0.0, 1.0, 0.0], counts.ravel())
    (a, b), (c, d) = counts + 0.5
    assert fitted(x, y).coefficients[0] == pytest.approx(np.log(a * d / (b * c)), abs=1e-6)


@pytest.mark.parametrize("seed", [8, 9, 10])
def test_firth_s_estimate_test_and_interval_are_those_of_an_optimiser(seed):
    x, y = separated(seed=seed)
    model = fitted(x, y)
    top, beta = highest(x, y)
    assert model.coefficients == pytest.approx(beta[1:], abs=1e-4)
    for place, name in enumerate(model.names, 1):
        drop = 2 * (top - highest(x, y, place)[0])
        assert model.test(name).statistic == pytest.approx(drop, abs=1e-5)
        assert model.test(name).p == pytest.approx(chi2.sf(drop, 1), rel=1e-4)
        found = model.estimate(name)
        for end in (found.lower, found.upper):
            assert 2 * (top - highest(x, y, place, end)[0]) == pytest.approx(chi2.ppf(0.95, 1), abs=1e-4)


@few
@given(seed=st.integers(0, 2**32 - 1), number=st.integers(8, 60))
def test_both_ways_end_firth_s_interval_where_the_profile_has_fallen_to_the_level(seed, number):
    x, y = separated(number, seed)
    try:
        model = fitted(x, y)
    except NotEstimable:
        return
    for place, name in enumerate(model.names):
        try:
            found = model.estimate(name)
            by_brent = [model._end_by_brent(place, side, Z) for side in (-1, 1)]
        except NotEstimable:  # rounding leaves the weighted design without full rank: a row says so
            continue
        # Not the ends themselves: the profile of a few women may fall to the level at several places.
        roots = [model._root_of_drop(place, end) for end in (found.lower, found.upper, *by_brent)]
        assert roots == pytest.approx([Z] * 4, abs=1e-3)


def test_where_a_coefficient_is_infinite_only_firth_gives_a_number():
    x, y = separated()
    women = pd.DataFrame({"treated": x[:, 0], "age": x[:, 1], "live_birth": y == 1})
    table = regression(women, Settings(group=None, covariates=("treated", "age")))
    found = only(table, variable="treated", quantity="odds ratio, Firth")
    assert found["status"] == results.ESTIMATED and 0 < found["lower"] < found["estimate"] < found["upper"]
    failed = rows(table, quantity="odds ratio")
    assert (failed["status"] == results.NOT_ESTIMABLE).all() and "certain from treated" in failed.iloc[0][
        "reason"
    ]


def test_of_very_many_women_firth_s_interval_is_wald_s_and_says_so(monkeypatch):
    women = cohort(300)
    profiled = regression(women, Settings(group=None, covariates=("bmi",)))
    monkeypatch.setattr(firth, "MOST_WOMEN_PROFILED", 299)
    table = regression(women, Settings(group=None, covariates=("bmi",)))
    found, before = (only(each, variable="bmi", quantity="odds ratio, Firth") for each in (table, profiled))
    assert found["interval"] == "Wald, penalised likelihood, 95%" and "Wald's interval" in found["reason"]
    assert found["estimate"] == before["estimate"]
    assert found["lower"] == pytest.approx(before["lower"], rel=0.01)
    half = np.log(found["upper"] / found["estimate"])
    assert found["statistic"] == pytest.approx(np.log(found["estimate"]) / (half / Z))


def test_the_penalty_of_a_hundred_thousand_women_is_beyond_print():
    rng = np.random.default_rng(5)
    x = rng.normal(size=(firth.MOST_WOMEN_PROFILED, 1))
    y = (rng.random(len(x)) < expit(-1.5 + 0.3 * x[:, 0])).astype(float)
    model, plain = fitted(x, y), logistic.fit(pd.DataFrame(x, columns=["x0"]), y)
    assert np.exp(model.coefficients[0]) == pytest.approx(np.exp(plain.coefficients[1]), abs=5e-5)
    ends, wald = model.estimate("x0"), [end[1] for end in plain.wald()]
    assert np.exp([ends.lower, ends.upper]) == pytest.approx(np.exp(wald), abs=5e-4)


# ---- absolute risks


@pytest.fixture(scope="module")
def model():
    women = cohort()
    cells = Cells.of(numbers(women, "age", "old"), women["live_birth"].to_numpy(dtype=float))
    return logistic.fit_cells(cells), cells


def test_the_difference_a_yes_no_covariate_makes_is_statsmodels_marginal_effect(model):
    fit, cells = model
    expected = logit_of(cells.x, cells.events).get_margeff(dummy=True).summary_frame().iloc[1]
    one, none = (
        standardised_risk(fit, cells, "old", partial(np.full_like, fill_value=v)) for v in (1.0, 0.0)
    )
    found = risk_difference(one, none)
    assert found.value == pytest.approx(expected["dy/dx"], rel=1e-6)
    assert (found.upper - found.lower) / (2 * Z) == pytest.approx(expected["Std. Err."], rel=1e-6)


def test_risks_and_ratios_have_the_errors_of_a_numerical_delta_method(model):
    fit, cells = model
    design = np.column_stack([np.ones(len(cells.x)), cells.x])
    higher = design + [0, 5, 0]

    def error(of):
        gradient = approx_fprime(fit.coefficients, of, 1e-7)
        return np.sqrt(gradient @ fit.covariance @ gradient)

    def observed(b):
        return expit(design @ b).mean()

    def raised(b):
        return expit(higher @ b).mean()

    base, five = (
        standardised_risk(fit, cells),
        standardised_risk(fit, cells, "age", lambda values: values + 5),
    )
    assert base.value == pytest.approx(cells.events.mean())  # the score equation of the intercept
    found = base.estimate()
    half = Z * error(lambda b: logit(observed(b)))
    assert logit([found.lower, found.upper]) == pytest.approx(
        logit(base.value) + np.array([-half, half]), rel=1e-5
    )
    ratio, log_error = risk_ratio(five, base), error(lambda b: np.log(raised(b)) - np.log(observed(b)))
    assert ratio.value == pytest.approx(raised(fit.coefficients) / observed(fit.coefficients))
    assert np.log(ratio.upper / ratio.value) == pytest.approx(Z * log_error, rel=1e-4)


def test_the_risk_of_a_saturated_model_is_the_rate():
    women = cohort()
    table = looked_at(women, group=None, covariates=("old",), splines=())
    for value in (False, True):
        rate = women["live_birth"][women["old"] == value].mean()
        assert only(table, variable="old", level=str(int(value)))["estimate"] == pytest.approx(rate)
    at_all = only(table, variable="live_birth", level="as observed")
    assert at_all["estimate"] == pytest.approx(women["live_birth"].mean())


def test_a_declared_step_is_the_step_of_the_risk_difference():
    table = looked_at(cohort(), covariates=("age", "bmi"), steps={"age": 5}, splines=(), imputations=0)
    levels = rows(table, population="all", quantity="risk difference").set_index("variable")["level"]
    assert levels.to_dict() == {"age": "+5 v as observed", "bmi": "+1 v as observed"}


def test_typical_values_are_quartiles_and_where_categories_of_the_history_begin():
    table = looked_at(cohort(), covariates=("age", "miscarriages"), splines=(), imputations=0, group=None)
    shown = rows(table, quantity="standardised risk")
    assert shown.loc[shown["variable"] == "miscarriages", "level"].tolist() == ["2", "3", "4"]
    quartiles = np.quantile(cohort()["age"], [0.25, 0.5, 0.75])
    assert shown.loc[shown["variable"] == "age", "level"].tolist() == [f"{value:.4g}" for value in quartiles]


# ---- interactions


def test_an_interaction_is_tested_by_the_likelihoods_of_statsmodels():
    women = cohort()
    table = looked_at(women, group=None, covariates=("age", "bmi"), splines=(), imputations=0)
    x, y = numbers(women, "age", "bmi").to_numpy(), women["live_birth"]
    expected = 2 * (logit_of(np.column_stack([x, x.prod(axis=1)]), y).llf - logit_of(x, y).llf)
    found = only(table, variable="age x bmi", test="likelihood ratio, interaction")
    assert (found["statistic"], found["df"]) == pytest.approx((expected, 1), rel=1e-6)


def test_a_group_s_interaction_is_what_regressions_of_their_own_gain():
    women = cohort()
    table = looked_at(women, covariates=("miscarriages",), splines=(), imputations=0)
    x, y, known = numbers(women, "miscarriages").to_numpy(), women["live_birth"], women["etiology"] == "known"
    apart = sum(logit_of(x[own], y[own]).llf for own in (known, ~known))
    expected = 2 * (apart - logit_of(np.column_stack([x, known]), y).llf)
    found = only(table, variable="miscarriages x etiology", test="likelihood ratio, interaction")
    assert (found["statistic"], found["df"]) == pytest.approx((expected, 1), rel=1e-6)


def test_women_of_unknown_group_are_left_out_of_the_group_s_interaction_and_counted():
    women = cohort()
    women.loc[:9, "etiology"] = None
    table = looked_at(women, covariates=("age", "bmi"), splines=(), imputations=0)
    found = only(table, variable="age x etiology", test="likelihood ratio, interaction")
    assert found["denominator"] == 390 and "10 with unknown etiology left out" in found["counted"]
    assert (
        only(table, variable="age x bmi", population="all", test="likelihood ratio, interaction")[
            "denominator"
        ]
        == 400
    )


def test_the_interactions_of_a_population_are_adjusted_as_one_family():
    table = looked_at(cohort(), splines=(), imputations=0)
    everyone = rows(table, population="all", quantity="test").set_index("variable")
    plain, holm = (
        everyone.loc[everyone["test"] == name, "p"]
        for name in ("likelihood ratio, interaction", "likelihood ratio, interaction, Holm-adjusted")
    )
    assert len(plain) == len(holm) == 6
    assert holm[plain.idxmin()] == pytest.approx(min(6 * plain.min(), 1))


# ---- curves


def test_the_spline_is_harrell_s_formula_by_hand():
    at = np.array([0.0, 1.0, 2.0])
    # At 3: (3^3 - 2^3 (2-0)/(2-1) + 1^3 (1-0)/(2-1)) / 2^2 = (27 - 16 + 1) / 4.
    # At 1.5: (1.5^3 - 0.5^3 * 2) / 4 = 3.125 / 4.
    assert splines.basis(np.array([-1.0, 1.5, 3.0]), at)[:, 1] == pytest.approx([0, 0.78125, 3])


@pytest.mark.parametrize("number", [3, 4, 5])
def test_the_spline_spans_what_patsy_s_natural_cubic_spline_spans(number):
    values = np.random.default_rng(2).normal(33, 4, 300)
    at = splines.knots(values, number)
    inner, bounds = at[1:-1], (at[0], at[-1])
    values = np.clip(values, *bounds)  # beyond its outer knots patsy's is not the same straight line
    names = {"v": values, "k": list(inner), "low": bounds[0], "high": bounds[1]}
    theirs = np.asarray(dmatrix("cr(v, knots=k, lower_bound=low, upper_bound=high)", names))
    own = np.column_stack([np.ones(len(values)), splines.basis(values, at)])
    assert np.linalg.matrix_rank(theirs) == np.linalg.matrix_rank(own) == number
    left = own - theirs @ np.linalg.lstsq(theirs, own, rcond=None)[0]
    assert np.abs(left).max() < 1e-8 * np.abs(own).max()


def test_knots_stand_at_harrell_s_quantiles_or_within_the_fifth_value_of_few_women():
    assert splines.knots(np.arange(1001.0)) == pytest.approx([50, 350, 650, 950])
    assert splines.knots(np.arange(40.0))[[0, -1]] == pytest.approx([4, 35])


def test_ties_leave_fewer_knots_or_none_at_all():
    # The quantiles 0.05 and 0.35 are the same value, but 0.10, 0.50 and 0.90 are not.
    assert splines.knots(np.repeat([0.0, 1.0, 2.0], [40, 30, 30])).tolist() == [0, 1, 2]
    with pytest.raises(NotEstimable, match="too few different values"):
        splines.knots(np.repeat([0.0, 1.0], 100))


def test_a_curve_is_tested_and_drawn_as_statsmodels_does():
    women = cohort()
    table = looked_at(women, group=None, covariates=("age", "bmi"), splines=("age",), imputations=0)
    at = rows(table, quantity="spline knot")["estimate"].to_numpy()
    x, y = numbers(women, "age", "bmi"), women["live_birth"]
    curved = logit_of(np.column_stack([x["bmi"], splines.basis(x["age"].to_numpy(), at)]), y)
    for test, reduced, df in (("non-linearity", x, 2), ("whole covariate", x[["bmi"]], 3)):
        found = only(table, test=f"likelihood ratio, {test}")
        expected = 2 * (curved.llf - logit_of(reduced, y).llf)
        assert (found["statistic"], found["df"]) == pytest.approx((expected, df), rel=1e-6)
    curve = rows(table, quantity="odds ratio, spline")
    reference = only(table, quantity="spline reference")["estimate"]
    assert len(curve) == 26 and only(curve, level=f"{reference:g}")["estimate"] == 1
    last = curve.iloc[-1]
    contrast = splines.basis(np.array([float(last["level"]), reference]), at)
    contrast = np.r_[0, 0, contrast[0] - contrast[1]]
    log_odds, error = contrast @ curved.params, np.sqrt(contrast @ curved.cov_params() @ contrast)
    assert np.log(last[["estimate", "lower", "upper"]].to_numpy(float)) == pytest.approx(
        [log_odds, log_odds - Z * error, log_odds + Z * error], rel=1e-5
    )


def test_a_curve_that_cannot_be_had_says_why():
    table = looked_at(cohort(), group=None, covariates=("age", "old"), splines=("old", "bmi"), imputations=0)
    reasons = table.loc[table["status"] == results.NOT_ESTIMABLE].set_index("variable")["reason"]
    assert (
        "too few different values" in reasons["old"] and "bmi is not among the covariates" in reasons["bmi"]
    )


# ---- imputation


def test_rubin_s_rules_are_those_of_a_calculation_by_hand():
    pooled = imputation.pool(np.array([1.0, 2.0, 3.0]), np.array([1.0, 1.0, 1.0]), 97)
    # Within 1, between 1, total 1 + 4/3 = 7/3, of which 4/7 is missing; Rubin's df 2 / (4/7)^2 = 6.125,
    # observed 98/100 * 97 * 3/7 = 40.74; together 1 / (1/6.125 + 1/40.74).
    df = 1 / (1 / 6.125 + 1 / 40.74)
    assert (pooled.value, pooled.error, pooled.df) == pytest.approx((2, np.sqrt(7 / 3), df))
    assert pooled.missing_information == pytest.approx((4 / 3 + 2 / (df + 3)) / (7 / 3))
    assert pooled.estimate().upper == pytest.approx(2 + t.ppf(0.975, df) * np.sqrt(7 / 3))
    assert pooled.test.p == pytest.approx(2 * t.sf(2 / np.sqrt(7 / 3), df))


def test_rubin_s_rules_are_statsmodels_where_degrees_of_freedom_play_no_part():
    from statsmodels.imputation.mice import MICEResults

    rng = np.random.default_rng(0)
    estimates, variances = rng.normal(size=8), rng.uniform(1, 2, 8)
    pooled = imputation.pool(estimates, variances, 1e9)
    total = variances.mean() + (1 + 1 / 8) * estimates.var(ddof=1)
    theirs = MICEResults(sm.OLS([0, 1], [1, 1]), np.array([estimates.mean()]), np.array([[total]]))
    assert pooled.error == pytest.approx(theirs.bse[0])


def missing_at_random(number=4000, seed=1):
    """Two normal covariates in either outcome; the second lacks where the outcome and the first are high.

    By Bayes' rule the regression on them is logistic, with the inverse covariance times the difference of
    means as its coefficients, and the second is linear in the first and the outcome.
    """
    rng = np.random.default_rng(seed)
    covariance, means = np.array([[1.0, 0.5], [0.5, 1.0]]), np.array([0.6, -0.4])
    y = rng.random(number) < 0.5
    x = rng.multivariate_normal([0, 0], covariance, number) + y[:, None] * means
    lacks = rng.random(number) < np.where(y, expit(3 * (x[:, 0] - 0.3)), 0.1)
    women = pd.DataFrame({"first": x[:, 0], "second": np.where(lacks, np.nan, x[:, 1]), "live_birth": y})
    return women, np.linalg.solve(covariance, means)


def test_imputation_takes_away_a_bias_that_complete_cases_have():
    women, truth = missing_at_random()
    chosen = {"group": None, "covariates": ("first", "second"), "splines": ()}
    complete = regression(women, Settings(**chosen))
    imputed = looked_at(women, **chosen)

    def away(table, quantity):
        """How many standard errors each coefficient is from the truth."""
        found = [only(table, variable=name, quantity=quantity) for name in ("first", "second")]
        best = np.log([row["estimate"] for row in found])
        errors = np.log([row["upper"] / row["lower"] for row in found]) / (2 * Z)
        return np.abs(best - truth) / errors

    assert away(complete, "odds ratio")[0] > 5
    assert away(imputed, "odds ratio, imputed").max() < 3  # beyond it in 1 of 200 cohorts, were all right
    share = only(imputed, variable="second", quantity="fraction of missing information")["estimate"]
    assert 0.1 < share < women["second"].isna().mean() + 0.1


def test_imputation_covers_the_truth_as_often_as_it_says():
    covered = []
    for seed in range(40):
        women, truth = missing_at_random(150, seed)
        values = np.column_stack([women[["first", "second"]], women["live_birth"]]).astype(float)
        fits = []
        for filled in imputation.impute(values, 5, np.random.default_rng(seed)):
            fits.append(logistic.fit(pd.DataFrame(filled[:, :2], columns=["first", "second"]), filled[:, 2]))
        found = imputation.pool(
            np.array([fit.coefficients[2] for fit in fits]),
            np.array([fit.covariance[2, 2] for fit in fits]),
            147,
        ).estimate()
        covered.append(found.lower <= truth[1] <= found.upper)
    # 38 of 40 are expected; with the stated coverage 33 or fewer happen less than once in 200 times.
    assert sum(covered) > 33


def test_imputed_values_follow_the_outcome_as_much_as_the_known_ones():
    # A covariate on another scale than the outcome: a penalty on its equation would draw its odds ratio to 1.
    estimates = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        x = rng.normal(22, 4, 300)
        y = (rng.random(300) < expit(1 - 0.2 * (x - 22))).astype(float)
        holes = np.where(rng.random(300) < 0.4, np.nan, x)
        fits = [
            logistic.fit(pd.DataFrame({"x": filled[:, 0]}), filled[:, 1])
            for filled in imputation.impute(np.column_stack([holes, y]), 5, rng)
        ]
        estimates.append(np.mean([fit.coefficients[1] for fit in fits]))
    # The standard error of the mean of 30 is about 0.006; a penalised equation is off by 0.03.
    assert np.mean(estimates) == pytest.approx(-0.2, abs=0.018)


def test_a_yes_or_no_covariate_is_compared_at_one_and_at_nought():
    women = cohort()
    women["smoker"] = (np.arange(len(women)) % 3 == 0).astype(float)
    table = looked_at(women, group=None, covariates=("age", "smoker"), splines=(), imputations=0)
    found = only(table, variable="smoker", quantity="risk difference")
    assert found["level"] == "1 v 0"
    model = logistic.fit(women[["age", "smoker"]].astype(float), women["live_birth"].astype(bool))
    b = model.coefficients
    at = [expit(b[0] + b[1] * women["age"].astype(float) + b[2] * to).mean() for to in (1, 0)]
    assert found["estimate"] == pytest.approx(at[0] - at[1])


def test_a_curve_counts_its_own_coefficients_for_the_caution_on_few_events():
    women = cohort(466)
    # 45 of the rarer outcome: enough for three covariates, too few for one of them as a curve of three terms.
    women["live_birth"] = pd.array(np.arange(466) % 10 > 0, dtype="boolean")
    women.loc[[10, 20], "live_birth"] = True
    table = looked_at(
        women, group=None, covariates=("age", "bmi", "miscarriages"), splines=("age",), imputations=0
    )
    plain = rows(table, variable="age", quantity="risk difference")
    curve = rows(table, variable="age", quantity="odds ratio, spline")
    assert plain["reason"].isna().all()
    assert curve["reason"].str.contains("fewer than 10 of the rarer outcome").all()


def test_where_nothing_is_missing_a_row_says_that_complete_cases_are_all():
    women = cohort()
    women.loc[:4, "live_birth"] = None
    table = looked_at(women, group=None, covariates=("age", "bmi"), splines=())
    wald = regression(women, Settings(group=None, covariates=("age", "bmi")))
    found, plain = (
        only(table, variable="age", quantity="odds ratio, imputed"),
        only(wald, variable="age", quantity="odds ratio"),
    )
    assert found["reason"] == NOTHING_MISSING
    assert (
        found[["estimate", "lower", "upper", "p"]].tolist()
        == plain[["estimate", "lower", "upper", "p"]].tolist()
    )
    assert not len(rows(table, quantity="fraction of missing information"))


def test_women_of_unknown_outcome_help_to_impute_and_are_left_out_then():
    women = cohort()
    women.loc[:39, "bmi"] = np.nan
    women.loc[30:59, "live_birth"] = None
    table = looked_at(women, group=None, covariates=("age", "bmi"), splines=(), imputations=2)
    found = only(table, variable="bmi", quantity="odds ratio, imputed")
    assert found["denominator"] == 370
    assert found["counted"] == (
        "women with known outcome, unknown covariates imputed in 30; "
        "30 with unknown outcome left out after the imputation"
    )
    assert found["reason"].startswith("2 imputations; imputed as normal, without rounding or bounds")


def test_the_order_of_the_women_changes_no_imputation():
    women = cohort(80)
    women.loc[:9, "bmi"] = np.nan
    women.loc[5:15, "age"] = np.nan
    shuffled = women.sample(frac=1, random_state=2)
    one, other = (looked_at(each, imputations=2) for each in (women, shuffled))
    pd.testing.assert_frame_equal(one, other, rtol=1e-6, atol=1e-9)


def test_no_imputations_means_no_rows_of_them():
    women = cohort()
    women.loc[:39, "bmi"] = np.nan
    for none in (0, None):
        assert not looked_at(women, imputations=none)["quantity"].str.contains("imputed").any()


def test_what_was_known_is_kept_and_what_is_filled_in_differs_between_imputations():
    values = numbers(cohort(60), "age", "bmi").to_numpy(copy=True)
    values[:10, 0] = np.nan
    one, other = imputation.impute(values, 2, np.random.default_rng(0))
    known = ~np.isnan(values)
    assert (one[known] == values[known]).all() and (other[known] == values[known]).all()
    assert not np.isnan(one).any() and (one[~known] != other[~known]).all()


def test_too_few_known_values_are_not_imputed_from():
    values = np.full((50, 2), np.nan)
    values[:, 0], values[:6, 1] = np.arange(50), np.arange(6)
    with pytest.raises(NotEstimable, match="only 6 women"):
        list(imputation.impute(values, 2, np.random.default_rng(0)))


def test_very_many_women_are_imputed_less_often_but_five_times_at_least():
    assert [imputation.imputations(20, women) for women in (466, 500_000, 10**6, 10**8)] == [20, 20, 10, 5]
    assert imputation.imputations(2, 10**8) == 2


# ---- what every row says


def test_few_events_a_covariate_are_a_caution_on_every_row():
    women = cohort(60)
    women.loc[:5, "bmi"] = np.nan
    table = looked_at(women, imputations=2)
    done = table[table["status"] == results.ESTIMATED]
    assert done["reason"].str.contains("fewer than 10 of the rarer outcome a covariate", regex=False).all()


def test_the_treatment_s_coefficient_is_said_to_be_no_effect():
    women = cohort()
    women["ivig_dose_g"] = np.where(women["bmi"] > 24, 100.0, 0.0)
    women.loc[:9, "ivig_dose_g"] = np.nan
    chosen = {"covariates": ("age", "ivig_dose_g"), "splines": (), "imputations": 2}
    for table in (regression(women, Settings(**chosen)), looked_at(women, **chosen)):
        about = table["variable"].str.contains("ivig_dose_g") & (table["status"] == results.ESTIMATED)
        said = (
            table["reason"]
            .str.contains("ivig dose g is the treatment: an association, not its effect")
            .eq(True)
        )
        assert about.any() and said[about].all() and not said[table["variable"] == "age"].any()


def test_a_cohort_without_covariates_says_so():
    assert looked_at(cohort(), covariates=())["reason"].tolist() == ["no covariates are set"]


# ---- laws


def shifted(women, by, times):
    return women.assign(age=women["age"] * times + by)


@settings(max_examples=8, deadline=None)
@given(by=st.floats(-1000, 1000), times=st.sampled_from([0.01, 0.5, 3.0, 100.0]))
def test_the_unit_and_the_origin_of_a_covariate_change_nothing_but_its_own_step(by, times):
    women = cohort(200)
    chosen = {"group": None, "covariates": ("age", "bmi"), "splines": ("age",), "imputations": 0}
    moved = shifted(women, by, times)
    before, after = (regression(each, Settings(**chosen)) for each in (women, moved))
    for quantity in ("odds ratio", "odds ratio, profile likelihood", "odds ratio, Firth"):
        for name, power in (("age", times), ("bmi", 1)):
            old, new = (only(each, variable=name, quantity=quantity) for each in (before, after))
            ends = ["estimate", "lower", "upper"]
            assert new[ends].to_numpy(float) ** power == pytest.approx(old[ends].to_numpy(float), rel=1e-4)
            assert new["p"] == pytest.approx(old["p"], rel=1e-3)
    old, new = looked_at(women, **chosen), looked_at(moved, **chosen, steps={"age": times})
    for quantity in ("risk difference", "risk ratio", "test"):
        for column in ("estimate", "lower", "p"):
            values = [rows(each, quantity=quantity)[column].astype(float) for each in (old, new)]
            assert values[1].tolist() == pytest.approx(values[0].tolist(), rel=1e-4, abs=1e-7, nan_ok=True)


@few
@given(seed=st.integers(0, 2**32 - 1), number=st.integers(0, 60), lost=st.floats(0, 0.5))
def test_small_cohorts_with_holes_give_numbers_or_reasons(seed, number, lost):
    rng = np.random.default_rng(seed)
    women = cohort(number, seed)
    for name in ("age", "bmi", "miscarriages", "live_birth"):
        women[name] = (
            women[name]
            .astype("Float64" if name != "live_birth" else "boolean")
            .mask(rng.random(number) < lost)
        )
    for table in (regression(women, Settings()), looked_at(women, imputations=2)):
        assert not table.duplicated(["population", "variable", "level", "quantity", "test"]).any()
        failed = table["status"] == results.NOT_ESTIMABLE
        assert table.loc[failed, "reason"].notna().all() and table.loc[~failed, "counted"].notna().all()
        assert (table.loc[~failed, "estimate"].notna() | table.loc[~failed, "p"].notna()).all()
