"""The logistic trend over the number of losses, against statsmodels and counts by hand."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from decidua import results
from decidua.statistics.proportions import wilson
from decidua.statistics.settings import Settings
from decidua.statistics.tables import trend


def women(n=400, seed=3):
    rng = np.random.default_rng(seed)
    losses = 1 + rng.poisson(1.8, n)
    birth = rng.random(n) < 1 / (1 + np.exp(-(2 - 0.3 * losses)))
    table = pd.DataFrame({"etiology": rng.choice(["known", "idiopathic"], n), "miscarriages": losses})
    table["live_birth"] = pd.array(birth, dtype="boolean")
    table.loc[::17, "live_birth"] = pd.NA
    table["miscarriages"] = table["miscarriages"].astype("Int64")
    table.loc[::23, "miscarriages"] = pd.NA
    return table


def settings(**changes):
    return Settings(**{"markers": (), "karyotype": None, "covariates": (), "describe": ()} | changes)


def rows(table, **wanted):
    for column, value in wanted.items():
        table = table[table[column].eq(value).fillna(False).astype(bool)]
    return table


@pytest.mark.parametrize("population", ["all", "known"])
def test_the_fitted_rates_and_their_band_are_those_of_statsmodels(population):
    cohort = women()
    found = rows(trend(cohort, settings(confidence=0.9)), variable="live_birth", population=population)
    used = cohort.dropna()
    used = used[(used["miscarriages"] >= 2) & (used["etiology"].eq(population) | (population == "all"))]
    x = sm.add_constant(used["miscarriages"].astype(float))
    model = sm.GLM(used["live_birth"].astype(float), x, family=sm.families.Binomial()).fit(tol=1e-12)
    fitted = rows(found, quantity="fitted rate")
    design = np.column_stack([np.ones(len(fitted)), fitted["level"].astype(float)])
    theirs = model.get_prediction(design).summary_frame(alpha=0.1)
    for mine, other in {"estimate": "mean", "lower": "mean_ci_lower", "upper": "mean_ci_upper"}.items():
        np.testing.assert_allclose(fitted[mine].astype(float), theirs[other], rtol=1e-7)
    assert set(fitted["interval"]) == {"logistic trend, Wald, 90%"}
    per_loss = rows(found, level="per loss").iloc[0]
    assert per_loss["estimate"] == pytest.approx(np.exp(model.params.iloc[1]), rel=1e-7)
    assert per_loss["p"] == pytest.approx(model.pvalues.iloc[1], rel=1e-6)
    ends = np.exp(model.conf_int(0.1).iloc[1])
    assert [per_loss["lower"], per_loss["upper"]] == pytest.approx(list(ends), rel=1e-7)
    assert (per_loss["numerator"], per_loss["denominator"]) == (used["live_birth"].sum(), len(used))


def test_the_observed_rates_are_counted_at_each_number():
    cohort = women()
    observed = rows(
        trend(cohort, settings()), variable="live_birth", population="idiopathic", quantity="observed rate"
    )
    known = cohort[cohort["etiology"].eq("idiopathic")].dropna()
    for row in observed.itertuples():
        births = known.loc[known["miscarriages"].eq(int(row.level)), "live_birth"]
        assert (row.numerator, row.denominator) == (births.sum(), len(births))
        if len(births):
            assert (row.lower, row.upper) == tuple(map(float, wilson(births.sum(), len(births))))
    assert (
        observed["level"].tolist() == sorted(observed["level"], key=int) and observed["level"].iloc[0] == "2"
    )


def test_who_is_left_out_of_the_trend_is_told():
    cohort = women()
    per_loss = rows(
        trend(cohort, settings()), variable="live_birth", population="all", level="per loss"
    ).iloc[0]
    enough = cohort["miscarriages"].ge(2).fillna(False)
    assert per_loss["counted"] == (
        f"women with known live birth; {(enough & cohort['live_birth'].isna()).sum()} unknown left out; "
        f"{cohort['miscarriages'].isna().sum()} with unknown miscarriages left out; "
        f"{cohort['miscarriages'].eq(1).sum()} with fewer than 2 left out"
    )


def test_the_line_is_over_the_number_and_not_over_the_categories():
    cohort = pd.DataFrame({"miscarriages": [2, 2, 3, 3, 20, 20] * 9, "live_birth": [1, 0, 1, 0, 1, 1] * 9})
    cohort["live_birth"] = cohort["live_birth"].astype(bool)
    found = rows(trend(cohort, settings(group=None)), variable="live_birth")
    # Twenty losses are beyond the numbers that are shown, but not beyond the fit.
    assert rows(found, quantity="fitted rate")["level"].tolist() == ["2", "3"]
    per_loss = rows(found, level="per loss").iloc[0]
    assert (per_loss["denominator"], per_loss["reason"]) == (
        54,
        "18 women with more than 3 losses are in the fit only",
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"miscarriages": 2}, "the same value for all women: miscarriages"),
        ({"live_birth": True}, "all 20 women have the same outcome"),
        ({"miscarriages": [2, 3] * 10, "live_birth": [True, False] * 10}, "separation: the outcome of some"),
        ({"miscarriages": [2.5, 3] * 10}, "miscarriages does not hold whole numbers"),
        (
            {"miscarriages": pd.array([None] * 20, dtype="Int64")},
            "no woman has the outcome and every covariate",
        ),
    ],
)
def test_what_cannot_be_fitted_says_why(changes, reason):
    cohort = pd.DataFrame({"miscarriages": [2, 3, 4, 5] * 5, "live_birth": [True, False, True, True] * 5})
    table = trend(cohort.assign(**changes), settings(group=None))
    found = rows(table, variable="live_birth", quantity="fitted rate")
    assert len(found) == 1 and found.iloc[0]["status"] == results.NOT_ESTIMABLE
    assert found.iloc[0]["reason"].startswith(reason)
