"""Marker calls against the published cut-offs (Han et al. 2025, section 2.1)."""

from itertools import product
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decidua.markers import Panel, PanelError, classify, prevalence_by_rule, subgroups

PANEL = Panel.load(Path(__file__).parents[2] / "workflow/resources/panels/lee2013.yaml")
LOW = {"nk_level": 10.0, "50_1": 20.0, "25_1": 15.0, "12_5_1": 5.0, "th1_th2": 20.0}
NAMES = ["nk_level", "nk_cytotoxicity", "th1_th2"]


def women(**columns):
    """A cohort of women with low values, but for the columns given."""
    n = max([len(values) for values in columns.values()], default=1)
    table = {"id": [f"w{i}" for i in range(n)]}
    for name, low in LOW.items():
        column = name if name in ("nk_level", "th1_th2") else f"nk_cytotoxicity_{name}"
        table[column] = columns.get(name, columns.get(column, [low] * n))
    return pd.DataFrame(table).astype({c: float for c in table if c != "id"})


def test_a_value_at_the_cutoff_is_normal():
    calls = classify(women(nk_level=[16.1, 16.2, None]), PANEL)
    assert calls.nk_level.tolist() == [False, True, pd.NA]


def test_any_ratio_above_its_cutoff_makes_cytotoxicity_abnormal_under_any():
    cohort = women(**{"nk_cytotoxicity_25_1": [23.9]})
    made = {rule: bool(classify(cohort, PANEL, rule).nk_cytotoxicity[0]) for rule in PANEL.combining_rules()}
    assert made == {
        "any": True,
        "all": False,
        "majority": False,
        "single:50:1": False,
        "single:25:1": True,
        "single:12.5:1": False,
    }


def test_an_unknown_ratio_matters_only_where_it_could_change_the_call():
    # Hand calculation: one of three high, one unknown, one low.
    cohort = women(**{"nk_cytotoxicity_50_1": [40.0], "nk_cytotoxicity_25_1": [None]})
    made = {rule: classify(cohort, PANEL, rule).nk_cytotoxicity[0] for rule in ("any", "all", "majority")}
    assert made["any"] is True or bool(made["any"])
    assert not made["all"]
    assert made["majority"] is pd.NA


def test_an_unknown_marker_is_not_normal():
    calls = classify(women(th1_th2=[None, None], nk_level=[20.0, 10.0]), PANEL)
    assert calls.immunity.tolist() == ["abnormal", pd.NA]
    assert calls.subgroup.isna().all()


def test_three_markers_make_eight_subgroups():
    assert subgroups(NAMES) == [
        "normal",
        "nk_level",
        "nk_cytotoxicity",
        "th1_th2",
        "nk_level + nk_cytotoxicity",
        "nk_level + th1_th2",
        "nk_cytotoxicity + th1_th2",
        "nk_level + nk_cytotoxicity + th1_th2",
    ]


def test_each_combination_of_markers_falls_into_its_own_subgroup():
    combinations = list(product([False, True], repeat=3))
    cohort = women(
        nk_level=[20.0 if a else 10.0 for a, _, _ in combinations],
        **{"nk_cytotoxicity_50_1": [40.0 if b else 20.0 for _, b, _ in combinations]},
        th1_th2=[40.0 if c else 20.0 for _, _, c in combinations],
    )
    found = classify(cohort, PANEL).subgroup.tolist()
    assert sorted(found) == sorted(subgroups(NAMES)) and len(set(found)) == 8


def test_a_cohort_without_any_marker_of_the_panel_is_an_error():
    with pytest.raises(PanelError, match="panel lee2013: found none of its markers in the cohort"):
        classify(pd.DataFrame({"id": ["a"]}), PANEL)


def test_a_marker_that_the_cohort_lacks_is_unknown_for_every_woman():
    calls = classify(women().drop(columns="th1_th2"), PANEL)
    assert calls.th1_th2.isna().all() and calls.immunity.isna().all()


def test_a_rule_that_names_no_ratio_of_the_panel_is_an_error():
    with pytest.raises(
        PanelError, match="found the rule 'single:99:1'; expected one of any, all, majority, single:50:1"
    ):
        classify(women(), PANEL, "single:99:1")


def test_prevalence_is_counted_among_women_with_a_known_call():
    cohort = women(nk_level=[20.0, 10.0, None, 10.0])
    table = prevalence_by_rule(cohort, PANEL, group=None, confidence=0.95)
    row = table[(table.variable == "nk_level") & (table.level == "any")].iloc[0]
    assert (row.numerator, row.denominator) == (1, 3)
    # Wilson 1927: (1/3 + z²/6 ± z sqrt(2/27 + z²/36)) / (1 + z²/3) with z = 1.959964
    assert (row.lower, row.upper) == (pytest.approx(0.0614919, abs=1e-6), pytest.approx(0.7923404, abs=1e-6))
    assert "1 unknown left out" in row.counted
    bounds = table[
        (table.variable == "nk_level") & (table.level == "any") & table.quantity.str.contains("unknown")
    ]
    assert bounds.estimate.tolist() == [1 / 4, 2 / 4]


values = st.one_of(st.none(), st.floats(0, 100))


@given(st.lists(st.tuples(values, values, values, values, values), min_size=1, max_size=12))
def test_all_implies_majority_implies_any(rows):
    cohort = pd.DataFrame(rows, columns=PANEL.columns, dtype=float)
    cohort.insert(0, "id", [f"w{i}" for i in range(len(rows))])
    calls = {rule: classify(cohort, PANEL, rule).nk_cytotoxicity for rule in ("any", "majority", "all")}
    assert not (calls["all"].fillna(False) & ~calls["majority"].fillna(True)).any()
    assert not (calls["majority"].fillna(False) & ~calls["any"].fillna(True)).any()


@given(st.lists(st.tuples(values, values, values, values, values), min_size=1, max_size=12))
def test_a_known_subgroup_agrees_with_the_immunity(rows):
    cohort = pd.DataFrame(rows, columns=PANEL.columns, dtype=float)
    cohort.insert(0, "id", [f"w{i}" for i in range(len(rows))])
    calls = classify(cohort, PANEL)
    known = calls.subgroup.notna()
    assert (calls.immunity[known].eq("normal") == calls.subgroup[known].eq("normal")).all()
