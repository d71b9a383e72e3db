"""Does the chapter say what a design cannot show, and nothing when it can?"""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decidua.statistics.family import family
from decidua.statistics.identifiability import (
    AFTER_BASELINE,
    AGREEMENT,
    MIRRORED,
    ONE_AND_THE_SAME,
    OUTCOME_KNOWN,
    OVERLAP,
    identifiability,
)
from decidua.statistics.settings import Settings
from decidua.statistics.tables import karyotype, live_birth, trend

SETTINGS = Settings(group=None, treatment="ivig_dose_g", karyotype=None, margin=0.1)
FLOW = pd.DataFrame(
    [
        (1, "Assessed", 130, "assessed", False),
        (2, "Incomplete work-up", 10, "excluded", False),
        (3, "Protocol not followed", 20, "excluded", True),
        (4, "Included", 100, "included", False),
    ],
    columns=["step", "reason", "n", "kind", "after_baseline"],
)


def women(abnormal_treated, abnormal_untreated, normal_treated, normal_untreated, born=None):
    """A cohort by immunity and treatment; one abnormal marker makes the abnormal women's subgroup."""
    rows = []
    for n, kind, dose in (
        (abnormal_treated, "abnormal", 20.0),
        (abnormal_untreated, "abnormal", 0.0),
        (normal_treated, "normal", 20.0),
        (normal_untreated, "normal", 0.0),
    ):
        subgroup = "th1_th2" if kind == "abnormal" else "normal"
        rows += [{"immunity": kind, "subgroup": subgroup, "ivig_dose_g": dose}] * n
    table = pd.DataFrame(rows).convert_dtypes()
    table["live_birth"] = pd.array([i % 3 > 0 for i in range(len(table))], dtype="boolean")
    return table.assign(miscarriages=2)


def found(table, quantity, population="all"):
    rows = table[(table["quantity"] == quantity) & (table["population"] == population)]
    assert len(rows) == 1
    return rows.iloc[0]


def caution(cohort):
    return found(identifiability(cohort, SETTINGS, FLOW), AGREEMENT)["reason"]


def test_treatment_that_is_immunity_is_called_one_and_the_same():
    table = identifiability(women(40, 0, 0, 60), SETTINGS, FLOW)
    row = found(table, AGREEMENT)
    assert (row["numerator"], row["denominator"], row["reason"]) == (100, 100, ONE_AND_THE_SAME)
    assert found(table, OVERLAP)["estimate"] == 0
    assert "2 of 2 immune subgroups" in found(table, OVERLAP)["reason"]


def test_treatment_that_is_the_opposite_of_immunity_is_as_bad():
    assert caution(women(0, 40, 60, 0)) == MIRRORED


def test_treatment_that_almost_follows_immunity_is_named_with_its_counts():
    # 1 of 60 normal women is under 10%; 34 of 40 abnormal ones are 85%.
    said = caution(women(34, 6, 1, 59))
    assert said == "1 of 60 normal women were treated: immunity and treatment can hardly be told apart"


def test_treatment_that_agrees_with_immunity_in_94_per_cent_is_no_overlap():
    table = identifiability(women(75, 5, 4, 68), SETTINGS, FLOW)
    assert "75 of 80 abnormal and 4 of 72 normal women were treated" in found(table, AGREEMENT)["reason"]
    assert found(table, OVERLAP)["estimate"] == 0


def test_treatment_in_both_strata_raises_no_alarm():
    table = identifiability(women(20, 20, 30, 30), SETTINGS, FLOW)
    assert pd.isna(found(table, AGREEMENT)["reason"])
    assert found(table, AGREEMENT)["estimate"] == pytest.approx(0.5)
    assert found(table, OVERLAP)["estimate"] == 1 and pd.isna(found(table, OVERLAP)["reason"])


def test_a_cohort_in_which_nobody_was_treated_cannot_compare_treatment():
    assert caution(women(0, 40, 0, 60)) == "0 of 100 women were treated: too even to compare"


def test_exclusions_after_baseline_are_counted_and_named():
    row = found(identifiability(women(20, 20, 30, 30), SETTINGS, FLOW), AFTER_BASELINE)
    assert (row["numerator"], row["denominator"]) == (20, 120)
    assert "Protocol not followed (20)" in row["reason"] and "Incomplete" not in row["reason"]


def test_controls_are_not_among_those_who_were_included():
    controls = pd.DataFrame([(5, "Controls", 40, "group", False)], columns=FLOW.columns)
    row = found(identifiability(women(20, 20, 30, 30), SETTINGS, pd.concat([FLOW, controls])), AFTER_BASELINE)
    assert (row["numerator"], row["denominator"]) == (20, 80)


def test_without_an_outcome_there_is_no_treatment_failure():
    cohort = lost([2, 3], ["aneuploid", "euploid"]).drop(columns="live_birth")
    table = karyotype(cohort, Settings(group=None, markers=(), treatment=None))
    failure = table[(table["variable"] == "treatment failure") & (table["quantity"] == "rate")]
    assert failure["status"].tolist() == ["not estimable"]
    assert failure["reason"].tolist() == ["the cohort has no column live_birth"]


def test_unknown_outcomes_are_counted():
    cohort = women(20, 20, 30, 30)
    cohort.loc[:4, "live_birth"] = pd.NA
    row = found(identifiability(cohort, SETTINGS, FLOW), OUTCOME_KNOWN)
    assert (row["numerator"], row["denominator"]) == (95, 100) and "of 5 women is unknown" in row["reason"]


def test_without_a_recorded_treatment_the_table_says_so():
    table = identifiability(women(20, 20, 30, 30), Settings(group=None, treatment=None), FLOW)
    assert "no treatment was recorded" in table["reason"].dropna().tolist()


@given(*[st.integers(0, 30)] * 4)
def test_any_numbers_of_treated_women_give_a_table(a, b, c, d):
    if a + b + c + d:
        table = identifiability(women(a, b, c, d), SETTINGS, FLOW)
        estimated = table[table["status"] == "estimated"]
        assert estimated["estimate"].between(0, 1).all()


def outcome_by_immunity(abnormal, normal, margin=0.1):
    """(live births, women) of abnormal and of normal immunity."""
    rows = []
    for kind, (born, n) in {"abnormal": abnormal, "normal": normal}.items():
        rows += [{"immunity": kind, "subgroup": kind, "live_birth": i < born} for i in range(n)]
    cohort = pd.DataFrame(rows).convert_dtypes().assign(miscarriages=2)
    settings = Settings(group=None, treatment=None, karyotype=None, margin=margin)
    return live_birth(cohort, settings)


def test_the_paper_s_comparable_rates_are_not_inferior_at_ten_points():
    # Han et al. 2025, Figure 3; statsmodels has Newcombe's interval too.
    from statsmodels.stats.proportion import confint_proportions_2indep

    row = found(outcome_by_immunity((163, 197), (217, 269)), "non-inferiority")
    expected = confint_proportions_2indep(163, 197, 217, 269, method="newcomb")
    assert row["estimate"] == pytest.approx(163 / 197 - 217 / 269)
    assert (row["lower"], row["upper"]) == pytest.approx(expected)
    assert row["reason"] == (
        "not inferior: the whole interval rules out a rate lower by 10 percentage points, the margin declared"
    )


def test_rates_whose_interval_lies_within_the_margin_are_equivalent():
    row = found(outcome_by_immunity((1630, 1970), (2170, 2690)), "equivalence")
    assert row["reason"] == "equivalent: the whole interval lies within 10 percentage points"


def test_a_rate_that_is_clearly_lower_is_inferior():
    row = found(outcome_by_immunity((100, 400), (300, 400)), "non-inferiority")
    assert row["reason"] == (
        "inferior: the whole interval is lower by more than 10 percentage points, the declared margin"
    )


def test_of_an_unwanted_outcome_a_higher_rate_is_inferior():
    cohort = (
        pd.DataFrame(
            [
                {"immunity": kind, "subgroup": kind, "live_birth": i < lost}
                for kind, lost in (("abnormal", 300), ("normal", 100))
                for i in range(400)
            ]
        )
        .convert_dtypes()
        .assign(miscarriages=2)
    )
    settings = Settings(group=None, treatment=None, karyotype=None, margin=0.1, outcome_is_wanted=False)
    assert found(live_birth(cohort, settings), "non-inferiority")["reason"].startswith("inferior: the whole")
    other = Settings(group=None, treatment=None, karyotype=None, margin=0.1)
    assert found(live_birth(cohort, other), "non-inferiority")["reason"].startswith("not inferior")


def test_few_women_show_neither():
    table = outcome_by_immunity((5, 10), (6, 10))
    assert found(table, "non-inferiority")["reason"].startswith("not shown")
    assert found(table, "equivalence")["reason"].startswith("not shown")


def test_no_margin_no_reading():
    assert "non-inferiority" not in set(outcome_by_immunity((5, 10), (6, 10), None)["quantity"])


def lost(miscarriages, karyotypes):
    """Women whose pregnancy was lost."""
    cohort = pd.DataFrame({"miscarriages": miscarriages, "karyotype": karyotypes}).convert_dtypes()
    return cohort.assign(live_birth=False, immunity="normal", subgroup="normal")


def test_untested_miscarriages_bound_the_aneuploidy_rate_and_its_trend():
    # Two losses before: 1 aneuploid, 1 euploid, 2 untested. Four: 3 aneuploid, 1 untested.
    cohort = lost(
        [2] * 4 + [4] * 4, ["aneuploid", "euploid", *["not tested"] * 2, *["aneuploid"] * 3, "not tested"]
    )
    table = trend(cohort, Settings(group=None, history_categories=(2, 4), markers=()))
    rows = table[table["variable"] == "aneuploidy"].set_index(["level", "quantity"])
    assert rows.loc[("2-3", "rate if unknown had it not"), "estimate"] == 1 / 4
    assert rows.loc[("2-3", "rate if unknown had it"), "estimate"] == 3 / 4
    assert rows.loc[("4+", "rate if unknown had it not"), "estimate"] == 3 / 4
    assert rows.loc[("2-3 v 4+", "smallest possible difference of rates"), "estimate"] == 1 / 4 - 1
    assert rows.loc[("2-3 v 4+", "largest possible difference of rates"), "estimate"] == 0


def test_where_all_are_tested_there_are_no_bounds():
    table = karyotype(lost([2, 3], ["aneuploid", "euploid"]), Settings(group=None, markers=()))
    euploid = table[table["variable"] == "euploid"]
    assert not euploid["quantity"].astype("string").str.contains("unknown").any()


def smallest_and_largest(rows):
    """By trying everything that is not known: (level or None, event or None) a woman."""
    differences = []
    ways = [
        itertools.product(
            [level] if level else ["abnormal", "normal"], [event] if event is not None else [0, 1]
        )
        for level, event in rows
    ]
    for world in itertools.product(*map(list, ways)):
        events = {kind: [event for level, event in world if level == kind] for kind in ("abnormal", "normal")}
        if all(events.values()):
            differences.append(np.mean(events["abnormal"]) - np.mean(events["normal"]))
    return min(differences), max(differences)


@given(
    st.lists(
        st.tuples(st.sampled_from(["abnormal", "normal", None]), st.sampled_from([0, 1, None])), max_size=4
    )
)
def test_the_possible_differences_are_those_of_everything_that_is_not_known(more):
    rows = [("abnormal", 1), ("normal", 0), *more]
    cohort = pd.DataFrame(
        {
            "immunity": pd.array([level for level, _ in rows], dtype="string"),
            "subgroup": pd.array([level for level, _ in rows], dtype="string"),
            "live_birth": pd.array(
                [None if event is None else bool(event) for _, event in rows], dtype="boolean"
            ),
            "miscarriages": 2,
        }
    )
    table = live_birth(cohort, Settings(group=None, treatment=None, karyotype=None))
    told = table[table["variable"] == "immunity"].set_index("quantity")["estimate"]
    if "smallest possible difference of rates" in told:
        low, high = smallest_and_largest(rows)
        assert told["smallest possible difference of rates"] == pytest.approx(low)
        assert told["largest possible difference of rates"] == pytest.approx(high)
    else:
        assert all(level and event is not None for level, event in rows)


def test_a_loss_without_a_karyotype_is_an_untested_miscarriage():
    cohort = lost([2, 2, 2], ["euploid", None, None])
    cohort["live_birth"] = pd.array([False, False, True], dtype="boolean")
    table = karyotype(cohort, Settings(group=None, markers=(), treatment=None))
    normal = table[table["level"] == "normal"].set_index(["variable", "quantity"])
    assert normal.loc[("miscarriages", "count"), "numerator"] == 2
    assert normal.loc[("karyotyped", "count"), ["numerator", "denominator"]].tolist() == [1, 2]
    failure = normal.loc[("treatment failure", "rate"), ["numerator", "denominator"]]
    assert failure.tolist() == [1, 2]  # the untested loss is left out
    assert normal.loc[("treatment failure", "rate if unknown had it"), "estimate"] == 2 / 3
    # By hand: 2 of 3 lost, all that were tested euploid.
    like = normal.loc[("treatment failure", "rate if the untested are like the tested"), "estimate"]
    assert like == pytest.approx(2 / 3)


def a_test(p, analysis="trend", variable="immunity", test="Pearson chi-square"):
    return {
        "analysis": analysis,
        "population": "all",
        "variable": variable,
        "quantity": "test",
        "test": test,
        "p": p,
        "status": "estimated",
    }


def test_the_declared_family_is_adjusted_together_and_no_other_test():
    table = pd.DataFrame(
        [
            a_test(0.01),
            a_test(0.04, variable="live_birth"),
            a_test(0.9, variable="age"),
            a_test(0.03, "prevalence"),
        ]
    )
    adjusted = family(table, ["trend.immunity", "trend.live_birth", "prevalence.immunity"])
    by_test = {name: rows["p"].tolist() for name, rows in adjusted.groupby("test", sort=False)}
    assert by_test["Pearson chi-square"] == [0.01, 0.04, 0.03]
    # By hand: 3 x .01; the larger of 2 x .03 and 1 x .04 carried on. BH: .04 x 3/3, .03 x 3/2, .01 x 3.
    assert by_test["Pearson chi-square, Holm-adjusted"] == pytest.approx([0.03, 0.06, 0.06])
    assert by_test["Pearson chi-square, Benjamini-Hochberg-adjusted"] == pytest.approx([0.03, 0.04, 0.04])


def test_two_spellings_of_a_hypothesis_are_one_and_an_unclear_one_asks_for_the_level():
    one = {**a_test(0.01), "level": "2 v 3+"}
    table = pd.DataFrame(
        [
            one,
            {**a_test(0.2, variable="subgroup"), "level": "normal"},
            {**a_test(0.4, variable="subgroup"), "level": "th1_th2"},
        ]
    )
    adjusted = family(table, ["trend.immunity", "trend.immunity.Pearson chi-square", "trend.subgroup"])
    plain = adjusted[adjusted["test"] == "Pearson chi-square"]
    assert plain["p"].tolist()[0] == 0.01 and len(plain) == 2
    assert plain["reason"].tolist()[1] == "2 such tests; name one of the levels normal, th1_th2"
    named = family(table, ["trend.subgroup.Pearson chi-square.th1_th2"])
    assert named["p"].tolist()[0] == 0.4


def test_an_adjusted_test_keeps_its_caution():
    table = pd.DataFrame([{**a_test(0.01), "reason": "hardly told apart"}])
    assert (
        family(table, ["trend.immunity"])["reason"].tolist()[1:]
        == ["adjusted for 1 of 1 declared tests; hardly told apart"] * 2
    )


def test_a_declared_hypothesis_that_was_not_tested_says_so_and_costs_nothing():
    adjusted = family(pd.DataFrame([a_test(0.01)]), ["trend.immunity", "trend.smoking.Cochran-Armitage"])
    assert adjusted["reason"].tolist()[1] == "the tables hold no such test"
    holm = adjusted[adjusted["test"] == "Pearson chi-square, Holm-adjusted"]
    assert np.allclose(holm["p"], 0.01)
