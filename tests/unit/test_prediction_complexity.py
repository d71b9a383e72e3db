"""How many parameters can so many women bear?"""

from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.stats import norm

from decidua.markers import Cutoff, Marker, Panel
from decidua.prediction.complexity import (
    bearable,
    expected_shrinkage,
    largest_r2,
    needed,
    r2_of_c,
    simplified,
    strictest_shrinkage,
)
from decidua.prediction.question import Question


def test_the_published_example_of_chagas_disease_comes_out():
    # Riley et al. 2019, Stat Med 38:1276: 24 parameters, R2 0.288, an event share of 0.174: 662 women, "at
    # least 4.8" events a parameter. By hand, criterion (ii) decides: the largest R2 is
    # 1 - (0.174^0.174 * 0.826^0.826)^2 = 0.603; the shrinkage 0.288 / (0.288 + 0.05 * 0.603) = 0.905.
    women = needed(24, 0.174, 0.288)
    assert women == 662
    assert round(women * 0.174 / 24, 1) == 4.8
    assert largest_r2(0.174) == pytest.approx(0.603, abs=5e-4)
    assert strictest_shrinkage(0.174, 0.288) == pytest.approx(0.905, abs=5e-4)


def test_the_published_example_of_pre_eclampsia_comes_out():
    # Riley et al. 2020, BMJ 368:m441: an event share of 0.05, 15% of the largest R2 of 0.33 is 0.05; for 30
    # parameters 5249 women, 262.5 events.
    women = needed(30, 0.05, 0.05)
    assert women == 5249
    assert 0.05 * women == pytest.approx(262.5, abs=0.1)
    assert largest_r2(0.05) == pytest.approx(0.33, abs=5e-3)


@pytest.mark.parametrize(
    ("c", "share", "parameters", "r2", "women"),
    # Printed by pmsampsize, which draws a million women: R2 0.1818 and 266 women; 0.158 and 1556 women.
    [(0.81, 0.18, 6, 0.1818, 266), (0.78, 0.20, 30, 0.158, 1556)],
)
def test_the_r2_of_a_c_statistic_is_that_of_a_million_drawn_women(c, share, parameters, r2, women):
    found = r2_of_c(c, share)
    assert found == pytest.approx(r2, rel=0.01)
    assert needed(parameters, share, found) == pytest.approx(women, rel=0.01)


def test_the_r2_does_not_depend_on_which_outcome_is_the_event():
    assert r2_of_c(0.7, 0.2) == pytest.approx(r2_of_c(0.7, 0.8), rel=1e-8)


@pytest.mark.parametrize(("parameters", "women"), [(4, 800), (7, 1400), (10, 2000)])
def test_women_that_history_models_need(parameters, women):
    # An event share of 0.19 and a c statistic of 0.65, printed to the next hundred.
    found = needed(parameters, 0.19, r2_of_c(0.65, 0.19))
    assert found == pytest.approx(women, abs=50)
    assert bearable(found, 0.19, r2_of_c(0.65, 0.19)) == parameters
    assert bearable(found - 1, 0.19, r2_of_c(0.65, 0.19)) == parameters - 1


@pytest.mark.parametrize("parameters", [3, 7, 10])
def test_the_expected_shrinkage_is_what_the_women_needed_for_it_say(parameters):
    # The criterion is an equation in women, parameters and shrinkage: either way round it holds.
    r2 = r2_of_c(0.65, 0.19)
    shrinkage = expected_shrinkage(466, parameters, r2)
    assert parameters / ((shrinkage - 1) * np.log(1 - r2 / shrinkage)) == pytest.approx(466)
    assert 0.6 < shrinkage < 0.9


@pytest.mark.parametrize(("parameters", "shrinkage"), [(3, 0.87), (7, 0.74), (10, 0.67)])
def test_466_women_shrink_as_was_reckoned_before(parameters, shrinkage):
    assert expected_shrinkage(466, parameters, r2_of_c(0.65, 0.19)) == pytest.approx(shrinkage, abs=0.01)


def test_the_r2_of_a_c_statistic_is_that_of_simulated_women():
    # Independent: a logistic regression by statsmodels on a large sample of the two normal classes.
    rng = np.random.default_rng(5)
    event = rng.random(200_000) < 0.3
    x = rng.normal(size=len(event)) + np.sqrt(2) * norm.ppf(0.7) * event
    model = sm.Logit(event.astype(float), sm.add_constant(x)).fit(disp=False)
    r2 = 1 - np.exp(2 * (model.llnull - model.llf) / len(event))
    assert r2_of_c(0.7, 0.3) == pytest.approx(r2, rel=0.03)


def test_precision_of_the_overall_risk_asks_for_women_too():
    # One parameter, a strong model: criterion (iii) decides. By hand: (1.96 / 0.05)^2 * 0.25 = 384.1 women.
    assert needed(1, 0.5, 0.5) == 385


def asked(immune: tuple[str, ...], **changes) -> Question:
    plain = Question(
        "live_birth", False, "before_pregnancy", ("age", "miscarriages", "bmi", "parity"), immune, (),
        None, None, None, None, None, (0.05, 0.5), 0.2, 0.65, 200, 5, 5, 0.95, False,
    )  # fmt: skip
    return replace(plain, **changes)


NK = Marker("nk", "NK", "%", (Cutoff("nk_50", 10.0), Cutoff("nk_25", 8.0)))
PANEL = Panel("p", "s", (NK,))


def test_a_question_becomes_as_large_as_the_women_can_bear():
    # An event share of 0.19 and a c statistic of 0.65: 1,400 women bear 7 parameters, 2,000 bear 10 (above).
    question, numbers = asked(("nk_50", "nk_25")), ("age", "bmi", "nk_50")
    curves = simplified(question, PANEL, 2000, 0.19, numbers)
    assert (curves.parameters, set(curves.knots), curves.held) == (9, set(numbers), None)
    lines = simplified(question, PANEL, 1400, 0.19, numbers)
    assert (lines.parameters, lines.knots, lines.asked.immune) == (6, {}, ("nk_50", "nk_25"))
    fewer = simplified(question, PANEL, 1100, 0.19, numbers)
    assert (fewer.parameters, fewer.asked.immune, fewer.held) == (5, ("nk_50",), None)
    assert [name for name, _ in fewer.asked.refused] == ["nk_25"]
    assert not (curves.warning or lines.warning or fewer.warning)


def test_a_model_that_cannot_be_made_smaller_is_held_by_its_penalty():
    found = simplified(asked(("nk_50",)), PANEL, 466, 0.19, ())
    assert (found.parameters, found.most, found.held) == (5, 2, 2)
    assert "holds ridge models to 2 effective degrees" in found.warning
    few = simplified(asked(("nk_50",)), PANEL, 100, 0.19, ())
    assert (few.most, few.held) == (0, 1)


def test_a_model_stays_larger_only_when_told_to_or_where_sets_leave_no_penalty_and_warns():
    for changed in ({"go_on": True}, {"sets": "set"}):
        found = simplified(asked(("nk_50",), **changed), PANEL, 466, 0.19, ())
        assert (found.parameters, found.held) == (5, None)
        assert found.warning == "5 parameters where these women can bear 2 (Riley et al. 2019)"
