"""The audit's arithmetic: values from printed counts, verdicts by rounding."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decidua import results
from decidua.audit import agreement, audit, from_counts, from_rows
from decidua.errors import InputError


@pytest.mark.parametrize(
    ("counts", "printed"),
    [
        # Han et al. 2025, Figures 2 and 3, Table 3: what the paper prints beside its counts.
        ({"rate": [97, 215]}, "45.1%"),
        ({"rate": [163, 197]}, "82.7%"),
        ({"pearson": [[97, 118], [100, 151]]}, "0.250"),
        ({"pearson": [[163, 34], [217, 52]]}, "0.569"),
        ({"pearson": [[17, 18], [15, 10]]}, "0.382"),
    ],
)
def test_printed_values_follow_from_printed_counts(counts, printed):
    value, why_not = from_counts(counts)
    assert (agreement(value, printed), why_not) == ("yes", "")


def test_anova_from_summaries_is_the_anova_of_the_values():
    # By hand for (1, 2, 3) and (2, 3, 7): between 6 / 1, within 16 / 4, F = 1.5; p of t = 1.2247 with 4 df.
    given_ = {"n": [3, 3], "mean": [2, 4], "sd": [1, np.sqrt(7)]}
    assert from_counts({"anova_f": given_})[0] == pytest.approx(1.5)
    assert from_counts({"anova": given_})[0] == pytest.approx(0.28786, abs=1e-5)


@pytest.mark.parametrize(
    ("value", "printed", "verdict"),
    [
        (0.0344, "0.034", "yes"),
        (0.0345, "0.034", "yes"),
        (0.0346, "0.034", "no"),
        (0.4512, "45.1%", "yes"),
        (0.4516, "45.1%", "no"),
        (0.2505, "0.250", "yes"),
        (0.00005, "<0.0001", "yes"),
        (0.0002, "<0.0001", "no"),
        (-0.081, "0.081", "no"),
        (np.nan, "0.5", "not estimable"),
    ],
)
def test_a_value_agrees_when_it_rounds_to_what_is_printed(value, printed, verdict):
    assert agreement(value, printed) == verdict


def test_a_printed_value_that_is_no_number_is_an_error():
    with pytest.raises(InputError, match="found the printed value 'N-S'"):
        agreement(0.5, "N-S")


def test_an_unknown_recipe_is_an_error():
    with pytest.raises(InputError, match="expected one of rate, pearson, anova, anova_f"):
        from_counts({"median": [1]})


@pytest.fixture
def tables():
    rows = [
        results.row(variable="immunity", population="known", quantity="rate", estimate=0.45),
        results.not_estimable("nobody is tested", variable="immunity", population="all", quantity="rate"),
    ]
    return {"prevalence": results.frame(rows)}


def test_a_row_of_the_run_is_found_by_its_columns(tables):
    wanted = {"table": "prevalence", "variable": "immunity", "population": "known"}
    assert from_rows(wanted, tables) == (0.45, "")


def test_a_row_that_is_not_estimable_gives_its_reason(tables):
    value, why_not = from_rows({"table": "prevalence", "population": "all"}, tables)
    assert np.isnan(value) and why_not == "nobody is tested"


def test_a_claim_that_picks_no_row_or_several_is_an_error(tables):
    with pytest.raises(InputError, match="found 2 rows of prevalence"):
        from_rows({"table": "prevalence", "variable": "immunity"}, tables)
    with pytest.raises(InputError, match="found 0 rows of prevalence"):
        from_rows({"table": "prevalence", "variable": "parity"}, tables)


def test_without_a_cohort_only_the_counts_speak():
    claim = {
        "id": "a",
        "where": "Figure 2",
        "printed": "50%",
        "counts": {"rate": [1, 2]},
        "rows": {"table": "x"},
    }
    verdicts = audit("paper", [claim], {}).iloc[0]
    assert (verdicts["agrees_counts"], verdicts["agrees_rows"]) == ("yes", "not estimable")
    assert "no cohort stands for this paper" in verdicts["note"]


@given(st.integers(0, 500), st.integers(1, 500), st.integers(0, 3))
def test_a_rate_agrees_with_its_own_rounding(events, others, places):
    value = events / (events + others)
    assert agreement(value, f"{100 * value:.{places}f}%") == "yes"


@given(st.floats(0, 1), st.integers(2, 4))
def test_a_value_a_whole_digit_away_differs(value, places):
    printed = f"{value + 1.01 * 10**-places:.{places}f}"
    assert agreement(value, printed) == "no"


def test_the_shipped_claims_are_well_formed():
    from pathlib import Path

    from decidua.config import load_yaml

    claims = load_yaml(Path(__file__).parents[2] / "workflow/resources/claims/han2025.yaml")["claims"]
    assert len({claim["id"] for claim in claims}) == len(claims)
    assert all(set(claim) <= {"id", "where", "printed", "counts", "rows", "note"} for claim in claims)
    assert all(isinstance(claim["printed"], str) for claim in claims)
    table = audit("han2025", claims, {})
    assert isinstance(table, pd.DataFrame) and len(table) == len(claims)
