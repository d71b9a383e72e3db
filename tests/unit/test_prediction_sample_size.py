"""Do the women bear the model, and does it become smaller in the order that was stated?"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decidua.prediction.sample_size import (
    LEFT_OUT,
    STRAIGHT,
    Anticipated,
    cox_snell_of_c,
    expected_shrinkage,
    largest_r2,
    margin_of_risk,
    most_parameters,
    sample_size_table,
    shrinkage_wanted,
    simplified,
    women_for_shrinkage,
    women_needed,
)
from decidua.statistics.answers import NotEstimable

HISTORY, IMMUNE = ("age", "miscarriages", "bmi", "parity"), ("nk", "lysis_50", "lysis_25", "th1_th2")
#: Event share and c statistic of the next pregnancy after recurrent loss (Tommy's Net).
NEXT = Anticipated.of_c(0.19, 0.65)


def test_the_worked_example_of_24_parameters_is_met_by_each_criterion():
    # Riley et al. 2019 and the example of pmsampsize: R2 0.288, event share 0.174, 24 parameters:
    # 623 women for shrinkage, 662 for the optimism (shrinkage 0.905), 221 for the overall risk.
    example = Anticipated(0.174, 0.288)
    assert women_needed(24, example) == {"i": 623, "ii": 662, "iii": 221, "all": 662}
    assert shrinkage_wanted(example)["ii"] == pytest.approx(0.905, abs=5e-4)


def test_the_worked_example_of_pre_eclampsia_is_met():
    # Riley et al. 2020 (BMJ 368:m441): event share 0.05, 15% of the largest R2 of 0.33 is 0.05; for 30
    # parameters 5249 women, 262.5 events.
    assert largest_r2(0.05) == pytest.approx(0.33, abs=5e-3)
    needed = women_needed(30, Anticipated(0.05, 0.05))
    assert needed["all"] == needed["i"] == 5249
    assert 0.05 * needed["all"] == pytest.approx(262.5, abs=0.1)


@pytest.mark.parametrize(
    ("c", "share", "parameters", "r2", "women"),
    # Printed by pmsampsize, which draws a million women: R2 0.1818 and 266 women; 0.158 and 1556 women.
    [(0.81, 0.18, 6, 0.1818, 266), (0.78, 0.20, 30, 0.158, 1556)],
)
def test_r2_of_a_c_statistic_is_that_of_a_million_drawn_women(c, share, parameters, r2, women):
    found = Anticipated.of_c(share, c)
    assert found.r2 == pytest.approx(r2, rel=0.01)
    assert women_needed(parameters, found)["all"] == pytest.approx(women, rel=0.01)


def test_r2_of_a_c_statistic_is_that_of_an_adaptive_integral():
    from scipy.integrate import quad
    from scipy.stats import norm

    apart = np.sqrt(2) * norm.ppf(0.7)

    def gain(x, mean, yes):
        with_event, without = 0.3 * norm.pdf(x, apart), 0.7 * norm.pdf(x)
        risk = with_event / (with_event + without)
        return norm.pdf(x, mean) * np.log(risk / 0.3 if yes else (1 - risk) / 0.7)

    information = 0.3 * quad(gain, -8, 9, (apart, True))[0] + 0.7 * quad(gain, -8, 9, (0, False))[0]
    assert cox_snell_of_c(0.7, 0.3) == pytest.approx(1 - np.exp(-2 * information), rel=1e-6)


@pytest.mark.parametrize(("parameters", "women"), [(4, 800), (7, 1400), (10, 2000)])
def test_the_next_pregnancy_needs_as_many_women_as_was_reckoned_before(parameters, women):
    assert women_needed(parameters, NEXT)["all"] == pytest.approx(women, rel=0.01)


@pytest.mark.parametrize(("parameters", "shrinkage"), [(3, 0.87), (7, 0.74), (10, 0.67)])
def test_466_women_shrink_the_next_pregnancy_as_was_reckoned_before(parameters, shrinkage):
    assert expected_shrinkage(466, parameters, NEXT.r2) == pytest.approx(shrinkage, abs=0.01)


def test_the_overall_risk_of_385_women_of_whom_half_have_the_event_is_known_within_five_points():
    # 1.96^2 * 0.25 / 0.05^2 = 384.2: the textbook sample of a proportion.
    assert women_needed(1, Anticipated(0.5, 0.1))["iii"] == 385
    assert margin_of_risk(385, 0.5) < 0.05 < margin_of_risk(384, 0.5)


@settings(max_examples=25, deadline=None)
@given(st.floats(0.02, 0.98), st.floats(0.52, 0.95), st.integers(1, 60))
def test_women_needed_bear_the_parameters_and_one_fewer_does_not(share, c, parameters):
    expected = Anticipated.of_c(share, c)
    needed = women_needed(parameters, expected)
    enough = max(needed["i"], needed["ii"])
    assert most_parameters(enough, expected) >= parameters
    assert most_parameters(enough - 1, expected) < parameters
    assert expected_shrinkage(enough, parameters, expected.r2) >= 0.9 - 1e-9


@settings(max_examples=25, deadline=None)
@given(st.floats(0.02, 0.98), st.floats(0.52, 0.95))
def test_r2_does_not_depend_on_which_outcome_is_the_event(share, c):
    assert cox_snell_of_c(c, share) == pytest.approx(cox_snell_of_c(c, 1 - share), rel=1e-8)
    assert 0 < cox_snell_of_c(c, share) < largest_r2(share)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_without_two_outcomes_there_is_no_r2(share):
    with pytest.raises(NotEstimable, match="all women, or none"):
        largest_r2(share)


@pytest.mark.parametrize("c", [0.5, 1.0, 0.3])
def test_a_c_statistic_of_no_use_is_refused(c):
    with pytest.raises(NotEstimable, match="says nothing of R2"):
        cox_snell_of_c(c, 0.2)


def test_more_than_the_largest_r2_is_refused():
    with pytest.raises(NotEstimable, match="cannot be"):
        Anticipated(0.19, 0.7)
    with pytest.raises(NotEstimable, match="cannot be"):
        women_for_shrinkage(3, 0.5, 0.4)


def test_what_the_women_bear_stays_as_it_was_asked():
    found = simplified(HISTORY, IMMUNE, {"age": 3, "nk": 4}, most=11)
    assert (found.history, found.immune, found.knots) == (HISTORY, IMMUNE, {"age": 3, "nk": 4})
    assert (found.parameters, found.wanted, found.dropped, found.sentences) == (11, 11, (), ())
    assert not found.warning


def test_curves_become_lines_before_any_predictor_goes_and_the_last_immune_test_first():
    found = simplified(HISTORY, IMMUNE, {"age": 3, "bmi": 3, "nk": 3}, most=10)
    assert found.dropped == (("nk", STRAIGHT),)
    assert simplified(HISTORY, IMMUNE, {"age": 3, "bmi": 3, "nk": 3}, most=8).dropped == (
        ("nk", STRAIGHT),
        ("bmi", STRAIGHT),
        ("age", STRAIGHT),
    )


def test_a_curve_that_went_altogether_is_told_once():
    found = simplified(("age", "bmi"), ("nk",), {"age": 3, "bmi": 3}, most=2)
    assert found.sentences[1:] == ("Straight lines instead of curves: age.", "Left out: bmi.")


def test_further_columns_of_a_marker_go_before_markers_and_then_the_last_of_the_longer_list():
    found = simplified(HISTORY, IMMUNE, {}, most=4, again=["lysis_25"])
    # 8 wanted: lysis_25, then of 4 + 3 the history's parity, then of 3 + 3 th1_th2, then of 3 + 2 bmi.
    assert found.dropped == tuple((name, LEFT_OUT) for name in ("lysis_25", "parity", "th1_th2", "bmi"))
    assert (found.history, found.immune) == (("age", "miscarriages"), ("nk", "lysis_50"))
    assert found.sentences[0].startswith("Asked for were 8 parameters; these women bear 4, so that 4 stayed.")


@pytest.mark.parametrize("most", [0, 1])
def test_one_predictor_of_each_kind_stays_with_a_warning(most):
    found = simplified(HISTORY, IMMUNE, {"age": 5}, most)
    assert (found.history, found.immune, dict(found.knots)) == (("age",), ("nk",), {})
    assert f"2 parameters where these women bear {most}" in found.warning


def test_only_when_told_to_the_run_goes_on_with_all_and_the_warning():
    found = simplified(HISTORY, IMMUNE, {"age": 3}, most=2, go_on=True)
    assert (found.history, found.immune, found.knots, found.dropped) == (HISTORY, IMMUNE, {"age": 3}, ())
    assert "9 parameters where these women bear 2, as the settings ask" in found.warning
    table = sample_size_table(found, 466, 90, NEXT)
    assert table["reason"].str.startswith(found.warning).all()


def test_a_history_alone_is_no_reason_to_fail():
    assert simplified(HISTORY, (), {}, most=2).history == ("age", "miscarriages")
    assert simplified((), (), {}, most=0).warning == ""


def test_the_table_says_what_was_borne_and_what_became_of_each_predictor():
    found = simplified(HISTORY, IMMUNE, {"age": 3}, most=most_parameters(466, NEXT))
    table = sample_size_table(found, 466, 90, NEXT)
    borne = table[table["quantity"] == "parameters that these women can bear"]
    needed = table[(table["quantity"] == "women needed for those") & (table["level"] == "all")]
    # 800 women bear 4 parameters, so 466 bear 466 / 201 = 2.3.
    assert list(borne["estimate"]) == [2]
    assert list(needed["estimate"]) == [women_needed(2, NEXT)["all"]]
    changed = table[table["quantity"] == "parameters"].set_index("variable")["estimate"].to_dict()
    # Of each list the first stays, age as a line.
    gone = dict.fromkeys((*HISTORY[1:], *IMMUNE[1:]), 0.0)
    assert changed == {"age": 1.0, **gone}
    assert (table["counted"] == "466 women with a known outcome, 90 with the event").all()
