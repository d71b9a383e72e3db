"""Printed numbers that cannot all hold. Expected values are by hand, or by a loop over every table."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from decidua.audit import search
from decidua.audit.claims import read_paper
from decidua.audit.conflicts import Linear, Unknown, bounds, conflicts, sentence
from decidua.audit.relations import linear_system, table_tests
from decidua.audit.summaries import conflict_table, verdict_table, with_conflicts
from decidua.audit.verdicts import audit, consistent

TINY = (search.Effort(50),)


def paper(claims, relations, unknowns=()):
    entries = {
        name: {"printed": printed, "kind": kind, "where": "Figure 4"}
        for name, (printed, kind) in claims.items()
    }
    given = {"paper": {"title": "T"}, "claims": entries, "relations": relations}
    if unknowns:
        given["unknowns"] = {name: {"kind": "count", "meaning": f"births in {name}"} for name in unknowns}
    return read_paper(given, "test")


def searched(made, efforts=search.EFFORTS, seconds=600.0):
    unknowns, constraints = linear_system(made)
    found = conflicts(unknowns, constraints)
    return search.search_tests(unknowns, consistent(constraints, found), table_tests(made), efforts, seconds)


def table_of(made, searches):
    found = conflicts(*linear_system(made))
    return conflict_table("t", made, found.found, found.unfinished, searches)


# ---- sums


def counts(**printed):
    return {name: (str(value), "count") for name, value in printed.items()}


def test_a_sum_that_does_not_hold_is_a_conflict_of_its_own_numbers_with_an_exact_proof():
    claims = counts(women=197, births=163, lost_a=16, lost_b=22, other=5)
    relation = {"sum": ["births", "lost_a", "lost_b"], "equals": "women"}
    made = paper(claims, [relation, {"subset": "other", "of": "women"}])
    (found,) = conflicts(*linear_system(made)).found
    assert set(found.printed) == {"women", "births", "lost_a", "lost_b"}
    # 163 + 16 + 22 = 201, four more than 197.
    assert found.proof.low - found.proof.high == Fraction(4)
    text = sentence(found, {name: printed for name, (printed, _) in claims.items()})
    assert text.startswith("163 + 16 + 22 = 201, but 197 is printed")


def test_two_sums_that_collide_only_together_are_found():
    # 10 + x = 20 and 15 + x = 20, by hand: x is 10 and 5.
    relations = [{"sum": ["a", "x"], "equals": "n"}, {"sum": ["b", "x"], "equals": "n"}]
    (found,) = conflicts(*linear_system(paper(counts(a=10, b=15, n=20), relations, ["x"]))).found
    assert set(found.printed) == {"a", "b"} or set(found.printed) == {"a", "b", "n"}
    assert not conflicts(*linear_system(paper(counts(a=10, b=10, n=20), relations, ["x"]))).found


def test_an_equation_is_tried_with_its_own_numbers_before_others():
    # (118 * 32.78 + 97 * 32.39) / 215 = 32.604; that it repeats one of the two is another reading.
    claims = {
        **counts(n=118, m=97),
        "a": ("32.78 ± 3.72", "mean_sd"),
        "b": ("32.39 ± 3.78", "mean_sd"),
        "all": ("32.78 ± 3.72", "mean_sd"),
    }
    entries = {name: {"printed": p, "kind": k, "where": "Table 1"} for name, (p, k) in claims.items()}
    for name, size in (("a", "n"), ("b", "m"), ("all", 215)):
        entries[name]["n"] = size
    relations = [{"pooled": ["a", "b"], "equals": "all"}, {"repeats": "all", "of": "a"}]
    made = read_paper({"paper": {"title": "T"}, "claims": entries, "relations": relations}, "test")
    (found,) = conflicts(*linear_system(made)).found
    assert found.relations == ("pooled all",) and {"a.mean", "b.mean", "all.mean"} <= set(found.printed)


def test_whole_numbers_are_looked_for_unless_real_ones_are_enough():
    # 2x + 2y = 5: real numbers do it, whole ones do not.
    unknowns = [Unknown(name, 0, 10, True) for name in "xy"]
    odd = [Linear("odd", {"x": 2.0, "y": 2.0}, 5, 5)]
    assert bounds(unknowns, odd, "x").empty
    rough = bounds(unknowns, odd, "x", whole=False)
    assert (rough.low, rough.high) == (0, 2)


# ---- tests of tables that share counts


def trio(p):
    """Births a, c and b, d of 10 women each: by etiology equal, and all together with a p."""
    claims = {**counts(n=10), "one.p": ("1.000", "p"), "two.p": ("1.000", "p"), "all.p": (p, "p")}
    tables = {
        "one.p": [["a", "n - a"], ["b", "n - b"]],
        "two.p": [["c", "n - c"], ["d", "n - d"]],
        "all.p": [["a + c", "2*n - a - c"], ["b + d", "2*n - b - d"]],
    }
    relations = [{"table": cells, "p": name, "note": "reading: by 2 and 3"} for name, cells in tables.items()]
    return paper(claims, [*relations, *({"subset": each, "of": "n"} for each in "abcd")], "abcd")


def test_three_p_values_that_no_counts_give_together_are_a_conflict_with_its_search_space():
    # By hand: p of 1 asks a = b and c = d (a step of one gives at most 0.65), so that a + c = b + d, p = 1.
    made = trio("0.050")
    (found,) = searched(made)
    assert found.is_conflict and {test.name for test in found.tests} == {
        "table one.p",
        "table two.p",
        "table all.p",
    }
    table = table_of(made, [found])
    assert list(table["claim"])[:3] == ["one.p", "two.p", "all.p"]
    assert (table["conflict"] == 1).all()
    proof, told = table["proof"].iloc[0], table["search"].iloc[0]
    assert proof.startswith("one.p 1.000, two.p 1.000 and all.p 0.050 cannot all hold (test: Pearson)")
    assert proof.endswith("As it is read here: by 2 and 3.")
    assert told.startswith("exhaustive: none of ") and "for the 5 counts of the tables" in told


def test_counts_without_an_upper_end_are_no_conflict_and_take_no_memory():
    # Nothing bounds a and b from above: 1 of 10 births in both gives p = 1.
    claims = {**counts(n=10), "p": ("1.000", "p")}
    relation = {"table": [["a", "n"], ["b", "n"]], "p": "p"}
    assert not [each for each in searched(paper(claims, [relation], "ab")) if each.is_conflict]


def test_without_tables_of_unknown_counts_nothing_is_searched():
    # One p is printed without a table, the other of a table that is known: p is 0.65, whatever is printed.
    claims = {**counts(a=5, b=4, n=10), "p": ("0.050", "p"), "q": ("0.050", "p")}
    assert searched(paper(claims, [{"table": [["a", "n - a"], ["b", "n - b"]], "p": "p"}])) == []
    assert searched(paper({"p": ("0.050", "p")}, [])) == []


def test_three_p_values_that_some_counts_give_together_are_none():
    assert searched(trio("1.000")) == []
    assert searched(trio("0.999")) == []  # one off in the last place


@pytest.mark.parametrize(
    ("effort", "seconds", "words"),
    [
        (TINY, 600.0, "not exhaustive: 12 candidates for the 3 counts of the tables, of at most 133"),
        (search.EFFORTS, 0.0, "not exhaustive: stopped by the time limit after 0 candidates"),
    ],
)
def test_a_search_that_does_not_end_says_so_and_is_no_conflict(effort, seconds, words):
    # By hand: n is one number, a one of 11, and b one of 11 for each: 1 + 11 + 121 = 133 looks.
    made = trio("0.050")
    found = searched(made, effort, seconds)
    assert found and not any(each.is_conflict for each in found)
    table = table_of(made, found)
    assert table["conflict"].isna().all()
    assert words in table["search"].iloc[0] and table["search"].iloc[0].startswith("one.p 1.000: ")
    told = with_conflicts(audit("t", made, {}), table).set_index("claim")["sentence"]
    assert "not exhaustive" in told["one.p"] and "not exhaustive" not in told["n"]
    assert verdict_table(audit("t", made, {}), table)["in_conflict"].sum() == 0


@pytest.mark.parametrize(("second", "other"), [(2, False), (4, True)])
def test_two_tests_that_share_a_count_collide_unless_another_standard_test_resolves_it(second, other):
    # Births x of 10 against 5 of 10 and against `second` of 10, both p = 1: x is 5 and `second`.
    # By hand, Yates' correction gives 1 also for a step of one: 4 to 6 and 3 to 5 have numbers in common.
    claims = {**counts(n=10, five=5, less=second), "p": ("1.000", "p"), "q": ("1.000", "p")}
    relations = [
        {"table": [["x", "n - x"], ["five", "n - five"]], "p": "p"},
        {"table": [["x", "n - x"], ["less", "n - less"]], "p": "q"},
        {"subset": "x", "of": "n"},
    ]
    (found,) = searched(paper(claims, relations, ["x"]))
    assert found.is_conflict and len(found.tests) == 2
    assert found.other == ("p and q by Yates" if other else "")
    named = table_of(paper(claims, relations, ["x"]), [found])["claim"]
    assert {"p", "q", "n", "five", "less"} == set(named)


def test_numbers_that_the_conflict_does_not_need_are_not_named():
    made = trio("0.050")
    (found,) = searched(made)
    # What is needed of the women: none of the counts is above n.
    assert set(table_of(made, [found])["claim"]) == {"one.p", "two.p", "all.p", "n"}


def pearson(table):
    """By hand, for tables x rows x columns: sum of (O - E)^2 / E; NaN with an empty row or column."""
    n = table.sum(axis=(1, 2), keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = table.sum(axis=2, keepdims=True) * table.sum(axis=1, keepdims=True) / n
        return chi2.sf(((table - expected) ** 2 / expected).sum(axis=(1, 2)), 1)


@st.composite
def printed_tables(draw):
    """Births of two small groups in two etiologies, and p-values by etiology and of all, as printed."""
    women = np.array([[draw(st.integers(2, 6)) for _ in range(2)] for _ in range(2)])
    births = np.array([[draw(st.integers(0, n)) for n in row] for row in women])
    tables = np.stack([births, women - births], axis=-1).astype(float)
    p = pearson(np.concatenate([tables, tables.sum(axis=0, keepdims=True)]))
    return women, births, p, draw(st.integers(2, 3)), draw(st.integers(0, 1000)) / 1000


def as_paper(women, births, printed):
    names = [["a", "b"], ["c", "d"]]
    claims = counts(**{f"n{i}{j}": women[i][j] for i in (0, 1) for j in (0, 1)}, all_births=births.sum())
    claims |= {name: (text, "p") for name, text in zip(("p0", "p1", "p2"), printed, strict=True)}
    cells = [[[x, f"n{i}{j} - {x}"] for j, x in enumerate(names[i])] for i in (0, 1)]
    both = [[f"{u} + {v}", f"n0{j} + n1{j} - {u} - {v}"] for j, (u, v) in enumerate(zip(*names, strict=True))]
    relations = [{"table": table, "p": f"p{k}"} for k, table in enumerate([*cells, both])]
    relations += [{"subset": x, "of": f"n{i}{j}"} for i in (0, 1) for j, x in enumerate(names[i])]
    relations.append({"sum": ["a", "b", "c", "d"], "equals": "all_births"})
    return paper(claims, relations, "abcd")


def some_births_fit(women, births, printed):
    """A loop over all births: whether one has the printed total and every p, off by one at most."""
    all_births = np.array(list(product(*(range(n + 1) for n in women.ravel())))).reshape(-1, 2, 2)
    all_births = all_births[all_births.sum(axis=(1, 2)) == births.sum()]
    tables = np.stack([all_births, women - all_births], axis=-1).astype(float)
    fits = np.ones(len(tables), dtype=bool)
    for text, table in zip(printed, (tables[:, 0], tables[:, 1], tables.sum(axis=1)), strict=True):
        unit = 10.0 ** -len(text.split(".")[1])
        away = np.abs(pearson(table) - float(text))
        fits &= away <= 1.5 * unit + 1e-9
    return bool(fits.any())


@settings(max_examples=25, deadline=None)
@given(printed_tables())
def test_p_values_printed_from_tables_are_never_a_conflict_and_others_are_one_where_no_table_gives_them(
    drawn,
):
    women, births, p, digits, wrong = drawn
    if np.isnan(p).any():
        return
    printed = [f"{each:.{digits}f}" for each in p]
    assert not [each for each in searched(as_paper(women, births, printed)) if each.is_conflict]
    printed[2] = f"{wrong:.3f}"
    found = searched(as_paper(women, births, printed))
    assert all(each.is_conflict for each in found)
    assert (not found) == some_births_fit(women, births, printed)
