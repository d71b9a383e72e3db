"""Marker calls against the published cut-offs (Han et al. 2025, section 2.1)."""

from itertools import product
from pathlib import Path

import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from decidua.cases import case_status, only_cases
from decidua.cohort import analysed_sizes
from decidua.config import load_yaml
from decidua.errors import InputError
from decidua.grey_zone import IF_GREY_ABNORMAL, IF_GREY_NORMAL, distances, grey_zone_table
from decidua.markers import (
    Cutoff,
    Marker,
    Panel,
    PanelError,
    classify,
    describe_panel,
    marker_names,
    prevalence_by_rule,
    subgroups,
    with_calls,
)

RESOURCES = Path(__file__).parents[2] / "workflow/resources"
DICTIONARY = load_yaml(RESOURCES / "cohort_dictionary.yaml")["variables"]
PANEL = Panel.load(RESOURCES / "panels/lee2013.yaml")
GREY = Panel.load(RESOURCES / "panels/lee2013.yaml", DICTIONARY, grey_zone=0.1)
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


# ---- the panel


def panel_file(tmp_path, **changes):
    """A panel of one marker as a file."""
    marker = {"label": "NK", "unit": "fraction", "cutoffs": [{"column": "nk_level", "above": 0.161}]}
    marker["cutoffs"][0]["obtained"] = "chosen"
    content = {"name": "p", "version": "2", "title": "t", "source": "s", "markers": {"nk": marker | changes}}
    path = tmp_path / "panel.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def test_a_panel_says_what_is_known_of_it_and_that_the_rest_is_not():
    table = describe_panel(PANEL)
    assert (table.version == "1").all() and (table.laboratory == "unknown").all()
    assert set(table.cases) == {"95"} and set(table.controls) == {"29"}  # 42 + 53 women, 29 fertile controls
    assert dict(zip(table.marker, table.published_auc, strict=True)) == {
        "nk_level": "0.691",
        "nk_cytotoxicity": "0.649",
        "th1_th2": "0.66",
    }


def test_a_cutoff_in_another_unit_of_the_column_is_converted(tmp_path):
    panel = Panel.load(panel_file(tmp_path), DICTIONARY)
    (cutoff,) = panel.markers[0].cutoffs
    assert (cutoff.above, cutoff.unit) == (pytest.approx(16.1), "% of lymphocytes")
    told = describe_panel(panel).iloc[0]
    assert (told.stated_above, told.stated_unit) == (0.161, "fraction")
    assert classify(women(nk_level=[16.0, 16.2]), panel).nk.tolist() == [False, True]


def test_a_marker_may_have_a_grey_zone_of_its_own(tmp_path):
    stated = Panel.load(panel_file(tmp_path, grey_zone=0.2), grey_zone=0.1).markers[0]
    none = Panel.load(panel_file(tmp_path, grey_zone=None), grey_zone=0.1).markers[0]
    silent = Panel.load(panel_file(tmp_path), grey_zone=0.1).markers[0]
    assert [stated.grey_zone, none.grey_zone, silent.grey_zone] == [0.2, None, 0.1]


# ---- the grey zone


def test_the_distance_is_relative_to_the_cutoff_and_its_end_is_in_the_zone():
    # 16.1 * 1.1 = 17.71 and 16.1 * 0.9 = 14.49 are its ends.
    near = distances(women(nk_level=[17.71, 14.49, 17.8, 14.4, None]), GREY)
    assert near.nk_level_distance.tolist()[:3] == pytest.approx([0.1, -0.1, 1.7 / 16.1])
    assert near.nk_level_grey.tolist() == [True, True, False, False, pd.NA]


@pytest.mark.parametrize(
    ("rule", "distance"), [("any", 0.5), ("majority", 0.05), ("all", -0.5), ("single:12.5:1", 0.05)]
)
def test_the_ratio_that_decides_under_the_rule_gives_the_distance(rule, distance):
    # By hand: 50:1 half above its cut-off, 25:1 half below, 12.5:1 a twentieth above.
    cohort = women(**{"50_1": [34.3 * 1.5], "25_1": [23.8 * 0.5], "12_5_1": [9.6 * 1.05]})
    assert distances(cohort, GREY, rule).nk_cytotoxicity_distance.tolist() == pytest.approx([distance])


def test_an_unknown_ratio_leaves_the_zone_open_where_it_could_decide():
    cohort = women(**{"50_1": [34.3 * 1.5, 34.3 * 1.05], "25_1": [None, None]})
    near = distances(cohort, GREY, "any")
    # Half above is out of the zone whatever the other ratio is; a twentieth above may be in or out.
    assert near.nk_cytotoxicity_distance.tolist() == pytest.approx([0.5, 0.05])
    assert near.nk_cytotoxicity_grey.tolist() == [False, pd.NA]


def grey_row(table, variable, quantity, population="all"):
    found = table[(table.variable == variable) & (table.quantity == quantity)]
    return found[found.population == population].iloc[0]


def test_the_grey_zone_moves_the_prevalence_within_a_range():
    # By hand: 20 is abnormal, 17 abnormal and grey, 15 normal and grey, 10 normal, the last one unknown.
    cohort = women(nk_level=[20.0, 17.0, 15.0, 10.0, None])
    table = grey_zone_table(cohort, GREY, "any", group=None, confidence=0.95)
    counts = {
        quantity: (row.numerator, row.denominator)
        for quantity in ("share in the grey zone", "rate", IF_GREY_NORMAL, IF_GREY_ABNORMAL)
        for row in [grey_row(table, "nk_level", quantity)]
    }
    assert list(counts.values()) == [(2, 4), (2, 4), (1, 4), (3, 4)]
    assert "1 unknown left out" in grey_row(table, "nk_level", "rate").counted
    # Immunity: the other markers are normal and not grey, so it moves with this one.
    assert grey_row(table, "immunity", IF_GREY_NORMAL).numerator == 1
    assert grey_row(table, "immunity", IF_GREY_ABNORMAL).numerator == 3


def test_the_grey_zone_is_counted_in_each_group():
    cohort = women(nk_level=[17.0, 10.0]).assign(site=["a", "b"])
    table = grey_zone_table(cohort, GREY, "any", group="site", confidence=0.95)
    shares = [grey_row(table, "nk_level", "share in the grey zone", site).estimate for site in "ab"]
    assert shares == [1.0, 0.0]


def test_without_a_grey_zone_the_table_says_so():
    table = grey_zone_table(women(), PANEL, "any", group=None, confidence=0.95)
    assert (table.status == "not estimable").all() and set(table.reason) == {"no grey zone is set"}


def test_nothing_is_near_to_a_cutoff_of_nought():
    marker = Marker("m", "M", "", (Cutoff("nk_level", 0.0),), grey_zone=0.1)
    cohort = women(nk_level=[1.0])
    assert distances(cohort, Panel("p", "", (marker,))).m_grey.isna().all()
    table = grey_zone_table(cohort, Panel("p", "", (marker,)), "any", group=None, confidence=0.95)
    assert set(table.reason) == {"a cut-off is 0, and no distance is relative to 0"}


@given(
    st.lists(st.tuples(values, values, values, values, values), min_size=1, max_size=12),
    st.sampled_from(PANEL.combining_rules()),
)
def test_the_distance_is_above_nought_exactly_where_the_call_is_abnormal(rows, rule):
    cohort = pd.DataFrame(rows, columns=PANEL.columns, dtype=float)
    cohort.insert(0, "id", [f"w{i}" for i in range(len(rows))])
    calls, near = classify(cohort, GREY, rule), distances(cohort, GREY, rule)
    for name in NAMES:
        distance = near[f"{name}_distance"]
        assert (distance.notna() == calls[name].notna()).all()
        known = calls[name].notna()
        assert ((distance[known] > 0) == calls[name][known].astype(bool)).all()
    table = grey_zone_table(cohort, GREY, rule, group=None, confidence=0.95)
    for variable in ("immunity", *NAMES):
        if grey_row(table, variable, "rate").denominator:
            low, middle, high = (
                grey_row(table, variable, each).numerator
                for each in (IF_GREY_NORMAL, "rate", IF_GREY_ABNORMAL)
            )
            assert low <= middle <= high


# ---- cases and controls


def test_an_analysis_holds_the_cases_and_no_woman_of_unknown_status():
    cohort = women(nk_level=[20.0, 20.0, 20.0]).assign(loss=pd.array([True, False, None], dtype="boolean"))
    calls = classify(cohort, PANEL).join(distances(cohort, GREY))
    calls["is_case"] = case_status(cohort, "loss")
    assert with_calls(cohort, calls).id.tolist() == ["w0"]
    everyone = with_calls(cohort, calls, controls=True)
    assert everyone.is_case.tolist() == [True, False, pd.NA]
    assert marker_names(calls) == NAMES and "nk_level_distance" not in everyone


def test_without_a_column_of_cases_every_woman_is_one():
    cohort = women(nk_level=[20.0, 10.0])
    assert len(only_cases(cohort, None)) == 2
    with pytest.raises(InputError, match="found 'loss'; expected null or a yes/no column"):
        only_cases(cohort, "loss")


def test_the_flow_tells_cases_from_controls():
    cohort = pd.DataFrame(
        {"etiology": ["known", None, "known", None, None], "loss": [True, True, False, False, pd.NA]}
    ).astype({"loss": "boolean"})
    sizes = analysed_sizes(cohort, "loss", "etiology", {"known": "Known etiology"})
    assert sizes == {
        "Cases: Known etiology": 1,
        "Cases: Unknown": 1,
        "Controls": 2,
        "Not known whether case or control": 1,
    }
    assert analysed_sizes(cohort, "loss", None, {}) == {
        "Cases": 2,
        "Controls": 2,
        "Not known whether case or control": 1,
    }
    assert analysed_sizes(cohort, None, None, {}) == {}
