import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from decidua import results
from decidua.audit.claims import load_paper, read_paper
from decidua.audit.conflicts import conflicts
from decidua.audit.relations import linear_system
from decidua.audit.verdicts import COLUMNS, audit
from decidua.errors import InputError

ROOT = Path(__file__).parents[2]


def claim(printed, kind, **more):
    return {"printed": printed, "kind": kind, "where": "Table 1", **more}


def verdicts(claims, relations=(), unknowns=None, tables=None):
    given = {"paper": {"title": "T"}, "claims": claims, "relations": list(relations)}
    if unknowns:
        given["unknowns"] = {name: {"kind": "count", "meaning": f"women {name}"} for name in unknowns}
    paper = read_paper(given, "test")
    return audit("paper", paper, tables or {}, conflicts(*linear_system(paper)).found)


def of(table, name):
    return table.loc[table["claim"] == name, "overall"].iloc[0]


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        # By hand: 97 / 215 = 45.116%.
        ("45.1%", "reproduced"),
        ("45.2%", "rounding"),
        ("45%", "reproduced"),
        ("45.3%", "inconsistent"),
    ],
)
def test_a_percentage_follows_from_its_counts_or_not(printed, expected):
    table = verdicts({"x": claim(f"{printed} (97/215)", "percent_events_total")})
    assert of(table, "x.percent") == expected
    assert of(table, "x.events") == "not recomputable"


def test_another_correction_that_gives_the_print_is_named():
    # Han et al. 2025, Figure 2: Pearson's p is 0.250; SciPy's chi2_contingency gives the other.
    yates = stats.chi2_contingency([[97, 118], [100, 151]], correction=True).pvalue
    cells = {name: claim(str(n), "count") for name, n in zip("abcd", (97, 118, 100, 151), strict=True)}
    relation = {"table": [["a", "b"], ["c", "d"]], "p": "p"}
    assert of(verdicts({**cells, "p": claim("0.250", "p")}, [relation]), "p") == "reproduced"
    row = verdicts({**cells, "p": claim(f"{yates:.3f}", "p")}, [relation]).set_index("claim").loc["p"]
    assert (row["verdict"], row["other_method"]) == ("other method", "Yates")
    assert "which agrees with Yates" in row["sentence"]
    assert of(verdicts({**cells, "p": claim("0.025", "p")}, [relation]), "p") == "inconsistent"


def test_a_sum_that_does_not_hold_shows_what_it_gives():
    claims = {name: claim(str(n), "count") for name, n in (("a", 118), ("b", 97), ("all", 216))}
    row = verdicts(claims, [{"sum": ["a", "b"], "equals": "all"}]).set_index("claim").loc["all"]
    assert (row["verdict"], row["from_summary_low"], row["from_summary_high"]) == ("inconsistent", 215, 215)
    assert row["sentence"].startswith("The sum (118 + 97) gives 215; printed is 216. A typing")
    assert (row["sources"], row["takes_part_in"]) == ("a; b", "sum all")


def test_the_sign_of_a_coefficient_is_checked_and_the_other_numbers_are_not_blamed():
    # Han et al. 2025, Table 2: log(0.922) is -0.081.
    claims = {
        "B": claim("0.081", "coefficient"),
        "OR": claim("0.922 (0.844-1.008)", "ratio_interval"),
        "p": claim("0.074", "p"),
    }
    table = verdicts(claims, [{"wald": {"B": "B", "ratio": "OR", "p": "p"}}])
    assert of(table, "B") == "inconsistent"
    assert "With the other sign it would agree." in table.set_index("claim").loc["B", "sentence"]
    assert all(of(table, name) == "reproduced" for name in ("OR.estimate", "OR.lower", "OR.upper", "p"))


def test_one_unit_off_says_what_would_have_been_printed():
    # By hand: 97 / 215 = 45.116%, printed one unit higher.
    row = verdicts({"x": claim("45.2% (97/215)", "percent_events_total")}).set_index("claim").loc["x.percent"]
    assert row["sentence"] == (
        "The percentage (100 × 97 / 215) gives 45.116%; that prints as 45.1%; printed is 45.2%, "
        "one unit off in the last place: rounding on the way could explain it."
    )


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        # chi-square of [[40, 0], [0, 40]] is 80: p = 4e-19, which prints as 0.000 and is below 0.001.
        ("0.001", "rounding"),
        ("<0.001", "reproduced"),
        ("0.000", "reproduced"),
        ("0.002", "inconsistent"),
        ("0.01", "rounding"),
        (">0.001", "inconsistent"),
    ],
)
def test_a_p_of_nearly_nothing_printed_as_its_bound_is_one_unit_off_and_no_more(printed, expected):
    claims = {"a": claim("40", "count"), "b": claim("0", "count"), "p": claim(printed, "p")}
    table = verdicts(claims, [{"table": [["a", "b"], ["b", "a"]], "p": "p"}])
    assert of(table, "p") == expected
    if expected == "rounding":
        sentence = table.set_index("claim").loc["p", "sentence"]
        assert f"a bound (<{printed}) printed as a number could explain it" in sentence
        assert f"that prints as {0:.{len(printed) - 2}f};" in sentence


def test_a_reading_that_was_chosen_stands_in_the_sentence_of_its_checks():
    claims = {
        "n": claim("108", "count"),
        "x": claim("95.7%", "percent", of="n", note="reading: of all women"),
        "y": claim("50%", "percent", note="from the figure"),
    }
    relations = [
        {"percent": "x", "events": "103", "of": "n", "note": "reading: each woman is called once."},
        {"percent": "y", "events": "54", "of": "n", "note": "as the legend says"},
    ]
    table = verdicts(claims, relations)
    sentences = table.groupby("claim")["sentence"].agg(list)
    assert sentences["x"][0].endswith("could explain it. Reading: of all women.")
    assert sentences["x"][1].endswith(
        "could explain it. Reading: each woman is called once. Reading: of all women."
    )
    assert sentences["y"][0].endswith("agrees with what is printed. As the legend says.")


def test_what_nothing_gives_says_what_would_be_needed():
    row = verdicts({"p": claim("0.03", "p")}).iloc[0]
    assert row["verdict"] == "not recomputable"
    assert row["sentence"] == (
        "Nothing printed gives it; needed: the counts, or n, mean and SD of each group, and the test."
    )


def test_a_check_that_can_only_refute_does_not_reproduce():
    # By hand. 95.7% of 108: 103 give 95.37%, 104 give 96.30%. 45.1% of 215: 97 do.
    table = verdicts({"n": claim("215", "count"), "x": claim("45.1%", "percent", of="n")})
    assert of(table, "x") == "not recomputable"
    assert "97 of 215 would give it" in table.set_index("claim").loc["x", "sentence"]
    table = verdicts({"n": claim("108", "count"), "x": claim("95.7%", "percent", of="n")})
    assert of(table, "x") == "inconsistent"


def test_cells_that_are_not_printed_are_searched_within_what_the_print_allows():
    # 10 of 20 (50%) against c of 20, where 25 have the event: c is 15, and Pearson's p of [[10,10],[15,5]] is
    # 0.1025: by hand, chi-square = (10*5 - 10*15)^2 * 40 / (20*20*25*15) = 2.667. Without the total any c is
    # possible.
    claims = {
        "n1": claim("20", "count"),
        "n2": claim("20", "count"),
        "m": claim("25", "count"),
        "a": claim("10", "count"),
        "p": claim("0.102", "p"),
    }
    table = {"table": [["a", "n1 - a"], ["c", "n2 - c"]], "p": "p"}
    row = verdicts(claims, [table, {"sum": ["a", "c"], "equals": "m"}], "c").set_index("claim").loc["p"]
    assert row["verdict"] == "reproduced"
    assert row["from_summary_low"] == pytest.approx(0.1025, abs=5e-5)
    row = verdicts(claims, [table, {"subset": "c", "of": "n2"}], "c").set_index("claim").loc["p"]
    assert row["verdict"] == "not recomputable"
    assert row["sentence"].startswith("Pearson gives") and "21 possible tables): possible" in row["sentence"]
    row = verdicts(claims, [table], "c").set_index("claim").loc["p"]
    assert row["verdict"] == "not recomputable" and np.isnan(row["from_summary_low"])
    assert row["sentence"] == "Not recomputable by Pearson; needed: the counts c."


def test_a_number_is_not_confirmed_by_itself():
    # The only thing that bounds the events is the percentage that they would reproduce.
    claims = {"n": claim("200", "count"), "x": claim("45.2%", "percent", events="e", of="n")}
    assert of(verdicts(claims, unknowns=["e"]), "x") == "inconsistent"  # 90/200 is 45.0%, 91/200 is 45.5%
    claims = {"n": claim("215", "count"), "x": claim("45.1%", "percent", events="e", of="n")}
    assert of(verdicts(claims, unknowns=["e"]), "x") == "not recomputable"


def test_a_statement_in_words_follows_from_the_numbers():
    claims = {
        "a": claim("7.7%", "percent"),
        "b": claim("4.5%", "percent"),
        "text": claim("higher in the first", "text"),
    }
    for asked, expected in (("higher", "reproduced"), ("lower", "inconsistent"), ("equal", "inconsistent")):
        table = verdicts(claims, [{"order": ["a", "b"], "is": asked, "statement": "text"}])
        assert of(table, "text") == expected


def test_every_claim_has_a_row_and_every_row_a_sentence():
    for name in ("andersen2025", "example"):
        paper = load_paper(ROOT / f"workflow/resources/claims/{name}.yaml")
        table = audit(name, paper, {}, conflicts(*linear_system(paper)).found)
        assert list(table.columns) == COLUMNS
        assert list(dict.fromkeys(table["claim"])) == list(paper.claims)
        assert table["sentence"].str.endswith(".").all()


# ---- the run's own rows


@pytest.fixture
def tables():
    rows = [
        results.row(
            variable="immunity",
            population="known",
            quantity="rate",
            estimate=0.4512,
            numerator=97,
            denominator=215,
        ),
        results.not_estimable("nobody is tested", variable="immunity", population="all", quantity="rate"),
    ]
    return {"prevalence": results.frame(rows)}


def test_print_and_rows_stand_side_by_side(tables):
    picks = {"table": "prevalence", "variable": "immunity", "population": "known"}
    table = verdicts({"x": claim("45.1% (97/216)", "percent_events_total", rows=picks)}, tables=tables)
    found = table.set_index("claim")[["from_rows", "agrees_rows"]].to_dict("index")
    # In per cent, as printed; the parts of a compound are in the columns of the row that hold them.
    assert found == {
        "x.percent": {"from_rows": 45.12, "agrees_rows": "yes"},
        "x.events": {"from_rows": 97, "agrees_rows": "yes"},
        "x.total": {"from_rows": 215, "agrees_rows": "no"},
    }


def test_print_others_and_rows_are_compared_in_words(tables):
    # The rows give 45.12%, 97 and 215. By hand: 97/215 is 45.116%, 97/216 is 44.907%, 98/215 is 45.581%.
    rows = {"table": "prevalence", "variable": "immunity", "population": "known"}
    expected = {
        "45.1% (97/215)": "rows and others give the print",
        "45.1% (97/216)": "rows give the print, others do not",
        "44.9% (97/216)": "rows give neither",
    }
    for printed, words in expected.items():
        table = verdicts({"x": claim(printed, "percent_events_total", rows=rows)}, tables=tables)
        assert table.set_index("claim").loc["x.percent", "side_by_side"] == words
        assert table["rows_from"].tolist()[:2] == [
            "prevalence: immunity, known (estimate)",
            "prevalence: immunity, known (numerator)",
        ]
    alone = verdicts({"x": claim("46%", "percent", rows=rows), "y": claim("46%", "percent")}, tables=tables)
    assert alone["side_by_side"].tolist() == ["rows do not give the print", ""]
    claims = {
        "x": claim("46%", "percent", rows=rows),
        "a": claim("97", "count"),
        "b": claim("215.0", "number"),
    }
    ranged = verdicts(claims, [{"percent": "x", "events": "a", "of": "b"}], tables=tables)
    assert ranged["side_by_side"].tolist()[0] == "rows give what the others give"
    claims = {"x": claim("45.1%", "percent", of="b", rows=rows), "b": claim("215", "count")}
    possible = verdicts(claims, tables=tables)
    assert possible["side_by_side"].tolist()[0] == "rows give the print, others allow it"


def test_mean_sd_and_range_are_found_in_a_table_of_descriptions():
    quantities = {"mean": 32.779, "standard deviation": 3.721, "minimum": 22.0, "maximum": 44.0}
    rows = [results.row(variable="age", quantity=name, estimate=value) for name, value in quantities.items()]
    rows_of = {"table": "baseline", "variable": "age"}
    claims = {"age": claim("32.78 ± 3.72 (22-43)", "mean_sd_range", rows=rows_of)}
    table = verdicts(claims, tables={"baseline": results.frame(rows)}).set_index("claim")
    assert table["from_rows"].to_dict() == {
        f"age.{part}": value
        for part, value in zip(("mean", "sd", "min", "max"), quantities.values(), strict=True)
    }
    assert table["agrees_rows"].tolist() == ["yes", "yes", "yes", "no"]


def test_an_sd_of_nothing_is_no_contradiction():
    # Three women of 4 losses each: mean 4.00, SD 0.00. Its print reaches below 0, where no SD is.
    claims = {"x": claim("4.00 ± 0.00 (4-4)", "mean_sd_range", n=3, values="whole")}
    paper = read_paper({"paper": {"title": "T"}, "claims": claims}, "test")
    assert not conflicts(*linear_system(paper)).found


def test_a_row_that_is_not_estimable_gives_its_reason(tables):
    rows = {"table": "prevalence", "population": "all"}
    row = verdicts({"x": claim("45.1%", "percent", rows=rows)}, tables=tables).iloc[0]
    assert row["agrees_rows"] == "not estimable"
    assert row["sentence"].endswith("From the rows: nobody is tested.")


def test_claims_that_pick_no_row_or_several_are_told_together(tables):
    claims = {
        "several": claim("1", "number", rows={"table": "prevalence", "variable": "immunity"}),
        "none": claim("1", "number", rows={"table": "prevalence", "variable": "parity"}),
        "column": claim("1", "number", rows={"table": "prevalence", "colour": "blue"}),
        "table": claim("1", "number", rows={"table": "prevalences"}),
    }
    with pytest.raises(InputError) as error:
        verdicts(claims, tables=tables)
    lines = [str(line) for line in error.value.problems]
    assert lines[0] == "claim several: found 2 rows of prevalence with {'variable': 'immunity'}; expected one"
    assert lines[1] == "claim none: found 0 rows of prevalence with {'variable': 'parity'}; expected one"
    assert lines[2].startswith(
        "claim column: found the column 'colour'; expected one of analysis, population"
    )
    assert lines[3] == "claim table: found the table 'prevalences'; expected one of prevalence"


# ---- the laws, at the level of whole files; benchmarks/audit_truth.py measures them at full size


sys.path.insert(0, str(ROOT / "benchmarks"))
import audit_truth  # noqa: E402


@pytest.mark.parametrize("kind", audit_truth.KINDS)
def test_numbers_printed_from_data_are_never_called_inconsistent_and_planted_errors_are_found(kind):
    seen = audit_truth.measure(kind, {"Scheffé": 10, "share": 8}.get(kind, 40), seed=7, conflicts_of=4)
    assert seen["checks"] and (seen["false alarms"], seen["conflicts"]) == (0, 0)
    assert seen["planted"] and seen["found"] >= 0.99 * seen["planted"]
