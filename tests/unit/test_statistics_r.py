"""Does the statistics library give R's answers? tests/reference/r-statistics.json was made with R 4.2.2.

EXACT is what both compute to machine precision. Where R itself stops earlier the tolerance says so.
"""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from decidua.statistics import contingency, groups, logistic, multiplicity, proportions, roc
from decidua.statistics.answers import HypothesisTest

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "r-statistics.json").read_text())
REAL_DATA = os.environ.get("DECIDUA_REAL_DATA")
EXACT = 1e-8
each_table = pytest.mark.parametrize(
    "r", REFERENCE["tables"], ids=lambda r: f"{r['events']} of {r['totals']}"
)
each_anova = pytest.mark.parametrize("r", REFERENCE["anova"], ids=lambda r: f"F {r['F']:.2f}")
each_model = pytest.mark.parametrize("r", REFERENCE["logistic_infert"], ids=lambda r: r["formula"])
each_roc = pytest.mark.parametrize("r", REFERENCE["roc"], ids=lambda r: f"{len(r['y'])} samples")


def same(found, expected, relative=EXACT):
    assert np.asarray(found, dtype=float) == pytest.approx(np.asarray(expected, dtype=float), rel=relative)


def statistic_and_p(test: HypothesisTest):
    return [test.statistic, test.p]


def yes_no(r):
    events, totals = np.array(r["events"]), np.array(r["totals"])
    return np.array([events, totals - events])


@each_table
def test_pearson_is_chisq_test_without_correction(r):
    found = contingency.pearson(yes_no(r))
    same(statistic_and_p(found), r["pearson"])
    assert found.df == len(r["events"]) - 1


@each_table
def test_pearson_with_correction_is_chisq_test(r):
    if r["yates_p"] is not None:  # R corrects 2 x 2 tables only
        same(contingency.pearson(yes_no(r), correction=True).p, r["yates_p"])


@each_table
def test_likelihood_ratio_is_the_g_test(r):
    same(statistic_and_p(contingency.likelihood_ratio(yes_no(r))), r["likelihood_ratio"])


@each_table
def test_exact_tests_are_fisher_test(r):
    same(contingency.freeman_halton(yes_no(r)).p, r["fisher_p"])
    if len(r["events"]) == 2:
        same(contingency.fisher(yes_no(r)).p, r["fisher_p"])


@each_table
def test_conditional_odds_ratio_is_that_of_fisher_test(r):
    if "fisher_conditional_or" not in r:
        return
    found = contingency.conditional_odds_ratio(yes_no(r))
    # fisher.test calls uniroot with its default tolerance of 1.2e-4.
    same([found.value, found.lower, found.upper], r["fisher_conditional_or"], relative=5e-4)


@each_table
def test_cochran_armitage_is_prop_trend_test(r):
    same(statistic_and_p(contingency.cochran_armitage(r["events"], r["totals"])), r["cochran_armitage"])


@each_table
def test_linear_by_linear_is_n_minus_1_times_squared_correlation(r):
    same(statistic_and_p(contingency.linear_by_linear(yes_no(r))), r["linear_by_linear"])


@each_table
def test_wilson_is_binom_confint(r):
    same(np.transpose(proportions.wilson(r["events"], r["totals"])), r["wilson"])


@each_table
def test_clopper_pearson_is_binom_test(r):
    same(np.transpose(proportions.clopper_pearson(r["events"], r["totals"])), r["clopper_pearson"])


@each_table
def test_r_gave_no_newcombe_interval_to_compare_with(r):
    # Its published values are in test_statistics_tables.py.
    assert r["newcombe_diff_first_second"] is None


def samples_of(r):
    names = sorted(set(r["groups"]))
    codes = np.array([names.index(name) for name in r["groups"]])
    samples = groups.split(r["values"], codes, len(names))
    return samples, groups.summarise(samples, names)


@each_anova
def test_means_and_standard_deviations_are_mean_and_sd(r):
    _, summary = samples_of(r)
    same(summary.mean, [r["means"][name] for name in summary.names])
    same(summary.sd, [r["sds"][name] for name in summary.names])


@each_anova
def test_one_way_anova_is_aov_from_values_and_from_their_summary(r):
    samples, summary = samples_of(r)
    printed = groups.Summary.printed(
        [len(sample) for sample in samples], list(r["means"].values()), list(r["sds"].values())
    )
    for each in (summary, printed):
        found = groups.one_way_anova(each)
        same([*statistic_and_p(found), found.df, found.df_residual], [r["F"], r["p"], *r["df"]])


@each_anova
def test_scheffe_is_the_pairwise_scheffe_test(r):
    found = {f"{c.first}-{c.second}": c.p for c in groups.scheffe(samples_of(r)[1])}
    assert found.keys() == r["scheffe"].keys()
    same(list(found.values()), list(r["scheffe"].values()))


@each_anova
def test_tukey_is_tukeyhsd(r):
    found = {f"{c.second}-{c.first}": c.p for c in groups.tukey(samples_of(r)[1])}
    assert found.keys() == r["tukey"].keys()
    same(list(found.values()), list(r["tukey"].values()), relative=1e-6)


@each_anova
def test_welch_anova_is_oneway_test(r):
    same(groups.welch_anova(samples_of(r)[1]).p, r["welch_p"])


@each_anova
def test_kruskal_wallis_is_kruskal_test(r):
    same(groups.kruskal_wallis(samples_of(r)[0]).p, r["kruskal_p"])


@pytest.fixture(scope="module")
def infert():
    if REAL_DATA is None:
        pytest.skip("R's infert data: set DECIDUA_REAL_DATA to the folder that holds table_infert")
    return pd.read_csv(Path(REAL_DATA) / "table_infert" / "table.csv")


def design(infert, r):
    terms = r["terms"][1:]
    return pd.DataFrame({term: infert[term.split(":")].prod(axis=1) for term in terms})


@each_model
def test_logistic_regression_is_glm(infert, r):
    found = logistic.fit(design(infert, r), infert["case"] == 1)
    assert [logistic.INTERCEPT, *r["terms"][1:]] == list(found.names)
    same(found.coefficients, r["B"])
    same(np.exp(found.coefficients), r["OR"])
    same([found.deviance, found.aic], [r["deviance"], r["aic"]])
    # glm takes its standard errors from the weights of the last step but one.
    same(found.standard_errors, r["SE"], relative=5e-5)
    same(np.exp(np.transpose(found.wald())), r["wald_ci"], relative=5e-5)
    same(found.p, r["p"], relative=1e-3)


@each_model
def test_standard_errors_at_the_maximum_are_those_of_statsmodels(infert, r):
    from statsmodels.discrete.discrete_model import Logit
    from statsmodels.tools import add_constant

    x, y = design(infert, r), infert["case"] == 1
    expected = Logit(y.astype(float), add_constant(x.astype(float))).fit(disp=False, tol=1e-12)
    found = logistic.fit(x, y)
    same(found.standard_errors, expected.bse)
    same(found.p, expected.pvalues)


@each_model
def test_profile_likelihood_interval_is_confint(infert, r):
    found = logistic.fit(design(infert, r), infert["case"] == 1)
    same(np.exp([found.profile(name) for name in found.names]), r["profile_ci"], relative=1e-3)


@each_model
def test_auc_of_a_fitted_model_is_proc(infert, r):
    truth = infert["case"] == 1
    found = roc.auc(truth, logistic.fit(design(infert, r), truth).probabilities)
    same([found.value, found.lower, found.upper], r["auc"])


@each_roc
def test_auc_with_delong_interval_is_proc(r):
    for score in "ab":
        found = roc.auc(r["y"], r[score])
        same([found.value, found.lower, found.upper], r[f"auc_{score}"])


@each_roc
def test_paired_delong_test_is_roc_test(r):
    same(roc.delong_test(r["y"], r["a"], r["b"]).p, r["delong_p"])


@each_roc
def test_youden_cutoff_is_coords_best(r):
    found = roc.youden(r["y"], r["a"])
    expected = r["youden"]
    same([found.threshold, found.sensitivity, found.specificity], list(expected.values()))


def test_adjusted_p_values_are_p_adjust():
    r = REFERENCE["multiplicity"]
    same(multiplicity.holm(r["p"]), r["holm"])
    same(multiplicity.benjamini_hochberg(r["p"]), r["bh"])
