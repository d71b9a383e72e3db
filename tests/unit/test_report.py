"""The page: sentences and tables say what the rows say, and nothing more."""

from pathlib import Path

import pandas as pd
import pytest

from decidua import report, results, words
from decidua.definitions import CHOSEN
from decidua.grey_zone import IF_GREY_ABNORMAL, IF_GREY_NORMAL, SHARE
from decidua.markers import IF_ABNORMAL, IF_NORMAL
from decidua.study_report import study_section

TEMPLATE = Path(__file__).parents[2] / "workflow/report/report.html.j2"
PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452") + b"rest"


def rate_row(**values):
    """Han et al. 2025, Figure 3: 163 of 197, with its Wilson interval."""
    shown = {"quantity": "rate", "estimate": 163 / 197, "lower": 0.7686, "upper": 0.8738}
    return results.row(**{**shown, "numerator": 163, "denominator": 197, **values})


def page(*sections):
    return report.render(
        TEMPLATE,
        version="v1",
        sections=sections,
        synthetic=[],
        packages=report.package_table(),
        settings="version: v1",
    )


def test_a_rate_is_written_with_counts_and_interval():
    assert report.rate(rate_row()) == "82.7% (163/197; 76.9 to 87.4)"


def test_a_rate_that_cannot_be_had_says_why():
    row = results.not_estimable("nobody was tested", quantity="rate")
    assert report.rate(row) == "not estimable (nobody was tested)"


def test_an_interval_below_zero_has_a_true_minus():
    row = results.row(quantity="difference", estimate=0.5, lower=-0.25, upper=1.0)
    assert report.value(row) == "0.50 (−0.25 to 1.00)"


def test_a_p_value_is_not_broken_over_lines():
    assert report.p_value(results.row(p=0.0344)) == "p\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}.034"


def test_text_from_the_data_is_escaped():
    section = report.Section("x", "<script>alert(1)</script>", sentences=["a < b"])
    assert "<script>alert" not in page(section) and "a &lt; b" in page(section)


def test_figures_are_inside_the_page():
    text = page(report.Section("x", "X", figures=[report.Figure("Figure 1", "Shows.", PNG)]))
    assert 'src="data:image/png;base64,iVBORw0KGgo' in text


def test_the_mark_of_synthetic_data_stands_in_its_section():
    assert "Simulated data." in page(report.Section("x", "X", synthetic="Simulated data"))


def performance(reason=None):
    rows = [
        results.row(
            quantity="AUC within folds",
            estimate=0.9,
            lower=0.8,
            upper=0.95,
            counted="30 samples",
            reason=reason,
        ),
        results.row(
            quantity="accuracy", estimate=0.85, lower=0.7, upper=0.9, counted="30 samples", reason=reason
        ),
        results.row(quantity="majority rate", estimate=0.8, counted="30 samples", reason=reason),
    ]
    return results.frame(rows)


def test_accuracy_stands_beside_the_majority_rate():
    section = study_section("s", "S", "", {"performance": performance()}, [])
    assert (
        "Accuracy 0.850 (0.700 to 0.900); always answering with the larger class reaches 0.800."
        in section.sentences
    )


def test_a_study_too_small_for_a_claim_says_so_first():
    section = study_section(
        "s", "S", "", {"performance": performance("too small for a claim: 6 samples")}, []
    )
    assert list(section.cautions) == ["Caution: too small for a claim: 6 samples."]


AUDITED = ["claim", "printed", "kind", "verdict", "from_summary_low", "from_summary_high"]
AUDITED += ["from_rows", "agrees_rows"]
NO_CONFLICT = pd.DataFrame(columns=["conflict", "claim", "where", "printed", "proof", "search"])


def audited(*rows):
    table = pd.DataFrame(rows, columns=AUDITED)
    overall = table.groupby("claim")["verdict"].transform("min")  # inconsistent stands before reproduced
    return table.assign(where="Table 1", overall=overall, side_by_side="", rows_from="", sentence="So.")


def test_the_audit_section_lists_what_does_not_come_out():
    nothing = float("nan")
    table = audited(
        ("a", "45.1%", "percent", "reproduced", 45.1163, 45.1163, 45.1163, "yes"),
        ("b", "7", "count", "reproduced", 7, 7, 8, "no"),
        ("b", "7", "count", "inconsistent", 8, 9, 8, "no"),
        ("c", "1", "count", "not recomputable", nothing, nothing, nothing, "not estimable"),
    ).assign(side_by_side=["", "", "rows give what the others give", ""])
    conflicts = pd.DataFrame(
        [[1, "b", "Table 1", "7", "3 + 5 = 8, but 7 (b 7).", "exhaustive"]], columns=NO_CONFLICT.columns
    )
    section = report.audit_section("p", "P", "", table, conflicts)
    assert [[row[:5] for row in table.rows] for table in (*section.tables, *section.more)] == [
        [["b", "Table 1", "7", "8 to 9", "8"]],
        [["1", "b 7 (Table 1)", "3 + 5 = 8, but 7 (b 7).", "exhaustive"]],
        [["a", "Table 1", "45.1%", "45.12%", "45.12%"], ["b", "Table 1", "7", "8 to 9", "8"]],
        [
            ["a", "Table 1", "45.1%", "45.12%", "45.12%"],
            ["b", "Table 1", "7", "7", "8"],
            ["b", "Table 1", "7", "8 to 9", "8"],
            ["c", "Table 1", "1", "–", "–"],
        ],
    ]
    assert section.sentences[0] == (
        "3 printed numbers and statements in 1 place of the paper: 1 reproduced from the others, "
        "1 not what the others give, 1 not recomputable from what is printed."
    )
    assert section.sentences[-2:] == [
        "This run's rows give 1 of 2 numbers to the last printed digit: counts 0 of 1, percentages 1 of 1.",
        "Of the numbers that they do not give, 1 are as the other printed numbers have them.",
    ]


def test_an_audit_without_rows_or_problems_is_short():
    table = audited(("a", "7", "count", "reproduced", 7, 7, float("nan"), "not estimable"))
    section = report.audit_section("p", "P", "", table, NO_CONFLICT)
    assert not section.tables
    assert [each.header[-2:] for each in section.more] == [["Verdict", "In words"]]
    assert section.sentences[-1] == "No rows of a cohort of this run stand for the paper's."


def test_unknown_immunity_is_told_with_its_bounds():
    # By hand: 4 abnormal and 4 normal of 10 women, 2 unknown: between 4/10 and 6/10 of all.
    place = {"variable": "immunity", "population": "all", "level": "any"}
    rows = [
        results.row(**place, quantity="rate", numerator=4, denominator=8, estimate=0.5),
        results.row(**place, quantity=IF_NORMAL, numerator=4, denominator=10, estimate=0.4),
        results.row(**place, quantity=IF_ABNORMAL, numerator=6, denominator=10, estimate=0.6),
    ]
    (sentence,) = report._unknown(results.frame(rows), "any")
    assert sentence.startswith("2 women of unknown immunity are left out.")
    assert sentence.endswith("between 40.0% and 60.0%.")


def test_the_table_of_combining_rules_shows_the_rate_of_the_known():
    place = {"variable": "immunity", "population": "all"}
    rows = []
    for rule, events in (("any", 4), ("all", 3)):
        known = {**place, "level": rule, "numerator": events, "denominator": 8, "estimate": events / 8}
        rows.append(results.row(**known, quantity="rate", lower=0.1, upper=0.9))
        bound = {**place, "level": rule, "quantity": IF_ABNORMAL, "numerator": 6, "denominator": 10}
        rows.append(results.row(**bound, estimate=0.6))
    shown = report.combining_table(results.frame(rows), {})
    assert [row[-1] for row in shown.rows] == ["50.0% (4/8; 10.0 to 90.0)", "37.5% (3/8; 10.0 to 90.0)"]


@pytest.mark.parametrize("name", ["numpy", "pandas", "scipy"])
def test_the_versions_of_the_packages_are_listed(name):
    assert name in [row[0] for row in report.package_table().rows]


def test_the_multiverse_is_told_as_a_range_with_the_chosen_value():
    place = {"population": "all", "variable": "live_birth"}
    rows = [results.row(population="all", variable="women", quantity="count", numerator=466)] * 18
    for quantity, estimate in (("smallest ", -0.0171), ("largest ", 0.042), ("", 0.0211)):
        marked = {} if quantity else {"reason": CHOSEN}
        quantity += "difference of rates"
        rows.append(results.row(**place, **marked, quantity=quantity, estimate=estimate))
    rows.append(results.not_estimable("no column", population="all", variable="women", quantity="count"))
    assert report._multiverse(results.frame(rows), {"immunity": "Abnormal immunity"}, "Live birth") == [
        "Over 18 pairs of a definition of recurrent pregnancy loss and a combining rule (multiverse): "
        "difference in live birth lies between −1.7 and 4.2 percentage points "
        "(2.1 percentage points as chosen in the settings). None is an effect of treatment."
    ]
    assert report._multiverse(results.frame([]), {}, "Live birth") == []


def test_missing_values_stand_by_variable_and_group_with_those_to_whom_they_apply():
    counts = [("all", 10, 6, 1), ("known", 4, 4, 0)]
    table = pd.DataFrame(
        {
            "variable": "karyotype",
            "label": "Karyotype",
            "population": [population for population, *_ in counts],
            "women": [women for _, women, *_ in counts],
            "not_applicable": [exempt for *_, exempt, _ in counts],
            "missing": [missing for *_, missing in counts],
            "share": [0.25, float("nan")],
        }
    )
    shown = report.missing_table(table, {"all": "All women", "known": "Known etiology"})
    assert list(shown.header) == ["Variable", "All women", "Known etiology"]
    assert list(map(list, shown.rows)) == [["Karyotype", "1/4 (25.0%)", "applies to nobody"]]


def test_the_grey_zone_is_told_with_what_it_could_change():
    place = {"population": "all", "variable": "immunity", "denominator": 10}
    rows = [
        results.row(**place, quantity=SHARE, numerator=2, estimate=0.2, lower=0.06, upper=0.51),
        results.row(**place, quantity=IF_GREY_NORMAL, numerator=3, estimate=0.3),
        results.row(**place, quantity=IF_GREY_ABNORMAL, numerator=5, estimate=0.5),
    ]
    (sentence,) = report._grey_zone(results.frame(rows))
    assert sentence.startswith("20.0% (2/10; 6.0 to 51.0) of the women") and sentence.endswith(
        "immunity would be 30.0%; were all abnormal, 50.0%."
    )
    none = results.not_estimable("no grey zone is set", **place, quantity=SHARE)
    assert report._grey_zone(results.frame([none])) == []


def test_risks_of_a_step_are_a_row_a_covariate_with_the_test_of_its_shape():
    def row(quantity, *ends, variable="age", **values):
        found = dict(zip(("estimate", "lower", "upper"), ends, strict=False))
        return results.row(population="all", variable=variable, quantity=quantity, **found, **values)

    rows = [
        row("risk difference", -0.0105, -0.0156, 0.0054, level="+5 v as observed"),
        row("risk ratio", 0.9873, 0.9811, 0.9935, level="+5 v as observed"),
        row("test", test="likelihood ratio, non-linearity", p=0.0385),
        row("risk difference", 0.01, 0.0, 0.02, variable="bmi", level="+1 v as observed"),
        row("risk ratio", 1.01, 1.0, 1.02, variable="bmi", level="+1 v as observed"),
    ]
    table = report.risk_table(results.frame(rows), {"age": "Age"}, "Live birth")
    assert table.rows[0] == [
        "Age",
        "+5",
        "-1.1 (−1.6 to 0.5)",
        "0.987 (0.981 to 0.994)",
        "p\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}.039",
    ]
    assert table.rows[1][-1] == "–"


def test_numbers_beyond_all_measure_are_written_by_their_size():
    numbers = (float("inf"), float("-inf"), 2.4e30, -7.7e9, 0.125)
    assert [words.decimals(number, 2) for number in numbers] == ["∞", "-∞", "2e+30", "-8e+09", "0.13"]
