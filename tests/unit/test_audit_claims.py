from pathlib import Path

import pytest

from decidua.audit import expressions
from decidua.audit.claims import load_paper
from decidua.errors import InputError
from decidua.preflight import check_inputs

GOOD = """
paper: {title: T, alpha: 0.05}
claims:
  a: {printed: "118", kind: count, where: Table 1}
  b: {printed: "97", kind: count, where: Table 1}
  age: {printed: "32.78 ± 3.72 (22-43)", kind: mean_sd_range, n: a, values: whole, where: Table 1}
  x: {printed: "45.1%", kind: percent, events: b, of: "a + b", where: Figure 2}
relations:
  - {sum: [a, b], equals: all}
unknowns:
  all: {kind: count, meaning: all women}
"""


def problems(tmp_path, text):
    path = tmp_path / "claims.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as error:
        load_paper(path)
    return [str(line).removeprefix(f"{path}, ") for line in error.value.problems]


def test_a_claims_file_gives_claims_parts_and_the_relations_they_declare(tmp_path):
    path = tmp_path / "claims.yaml"
    path.write_text(GOOD, encoding="utf-8")
    paper = load_paper(path)
    assert list(paper.claims) == ["a", "b", "age.mean", "age.sd", "age.min", "age.max", "x"]
    assert [relation.kind for relation in paper.relations] == ["values", "percent", "sum"]
    # Ages are whole years: the youngest is 22, not 21.5 to 22.5.
    assert (paper.claims["age.min"].box.low, paper.claims["age.min"].box.high) == (22, 22)
    assert paper.takes_part_in["b"] == ("percent x", "sum all")


def test_a_number_without_quotes_is_told_why_it_needs_them(tmp_path):
    (line,) = problems(tmp_path, GOOD.replace('printed: "118"', "printed: 118"))
    assert line.startswith("claims.a.printed: found 118; expected text in quotes, exactly as printed")


def test_a_name_given_twice_is_an_error(tmp_path):
    (line,) = problems(tmp_path, GOOD.replace("  b: {", "  a: {", 1).replace("events: b, ", "events: a, "))
    assert line == "row 5: found the name a twice (first in row 4); expected it once"


def test_all_problems_are_told_at_once(tmp_path):
    text = GOOD.replace('"97"', '"9.7"').replace(
        "  - {sum: [a, b], equals: all}",
        """
  - {sum: [a, agee], equals: all}
  - {anova: [age, a], F: a}
  - {total: [a]}
  - {table: [[a, b], [b]], p: a}
  - {table: [[a, b], [b, "a *"]], p: a}
  - {repeats: age, of: age.men}
  - {order: [a, b], is: more, statement: a}
  - {anova: [age, age]}
""",
    )
    assert problems(tmp_path, text) == [
        "claim b, printed: found '9.7'; expected a whole number such as 466 for a count",
        "relation 1, sum: found 'agee', which is no claim and no unknown; "
        "expected the name of one; the nearest is age",
        "relation 2, anova: found 'a', which has no mean and SD; "
        "expected a claim of kind mean_sd or mean_sd_range or constant",
        "relation 3, keys: found total; expected one kind of relation among sum, percent, subset, anova, "
        "t_test, scheffe, pooled, table, two_by_two, wald, formula, repeats, extremes, order, share",
        "relation 4, table.1: found ['b']; expected a list of at least 2",
        "relation 5, table: found 'a *'; expected names and numbers with + - * / and brackets",
        "relation 6, of: found 'age.men', which is no claim; "
        "expected the name of one; the nearest is age.mean",
        "relation 7, is: found 'more'; expected one of higher, lower, equal",
        "relation 8, found nothing to recompute; expected F or p",
    ]


def test_a_broken_entry_hides_no_other_problem_and_makes_none(tmp_path):
    text = GOOD.replace('{printed: "118", kind: count, where: Table 1}', '{print: "118", kind: count}')
    text = text.replace('"97"', '"9,7"').replace(
        "  - {sum: [a, b], equals: all}",
        "  - a and b make all\n  - {sum: [a, b], equals: al}\n  - {sum: [a, c], equals: all}",
    )
    assert problems(tmp_path, text) == [
        "claims.a.print: found an unknown key; "
        "expected one of events, kind, n, note, of, printed, rows, values, where",
        "claims.a.printed: found nothing; expected this key to be given",
        "claims.a.where: found nothing; expected this key to be given",
        "claim b, printed: found '9,7'; "
        "expected a decimal point, not a comma (of counts, 1,234 is read as a thousand and more)",
        "relation 1, found 'a and b make all'; expected keys with values, one of them the kind of relation",
        "relation 2, equals: found 'al', which is no claim and no unknown; "
        "expected the name of one; the nearest is all",
        "relation 3, sum: found 'c', which is no claim and no unknown; expected the name of one",
    ]


def test_relations_between_numbers_that_do_not_belong_together_are_errors(tmp_path):
    text = GOOD.replace("n: a,", "n: age.sd,").replace(
        "meaning: all women", "meaning: all, at_least: 5, at_most: 2"
    )
    text = text.replace(
        "  - {sum: [a, b], equals: all}",
        "  - {two_by_two: [[a, b], [b, a]], ratio: age}\n"
        "  - {repeats: age, of: x}\n  - {wald: {B: age, p: x}}",
    )
    assert problems(tmp_path, text) == [
        "unknowns, all: found at_least 5 above at_most 2; expected it below",
        "claim age, n: found age.sd, a claim of kind sd; expected a count",
        "relation 1, ratio: found age, which prints age.mean, age.sd, age.min, age.max; "
        "expected an estimate, with its interval or without",
        "relation 2, found age and x, which have no part in common; expected prints of the same number",
        "relation 3, wald: B: found age, which prints age.mean, age.sd, age.min, age.max; "
        "expected an estimate, with its interval or without",
    ]


def test_a_name_with_several_numbers_asks_which_one(tmp_path):
    (line,) = problems(tmp_path, GOOD.replace("sum: [a, b]", "sum: [a, age]"))
    assert line == (
        "relation 1, sum: found age, which prints several numbers; "
        "expected one of them: age.mean or age.sd or age.min or age.max"
    )


def test_rows_without_a_table_are_an_error(tmp_path):
    (line,) = problems(tmp_path, GOOD.replace('of: "a + b",', 'of: "a + b", rows: {variable: immunity},'))
    assert line == "claim x, rows: found no table; expected table: the name of a table of results"


def test_a_broken_claims_file_stops_the_run_before_anything_is_computed(tmp_path):
    broken = GOOD.replace("kind: count", "kind: number of women", 1)
    (tmp_path / "claims.yaml").write_text(broken, encoding="utf-8")
    papers = {"p": {"claims": str(tmp_path / "claims.yaml")}}
    config = {"cohorts": {}, "studies": {}, "papers": papers, "predictions": {}}
    with pytest.raises(
        InputError, match=r"claims.yaml, claims.a.kind: found 'number of women'; expected one of"
    ):
        check_inputs(config, [Path(tmp_path)])


@pytest.mark.parametrize("text", ["a ** 2", "f(a)", "a if b else c", "a <", "a[0]", "'a'"])
def test_only_arithmetic_is_an_expression(text):
    with pytest.raises(InputError, match="expected names and numbers"):
        expressions.names(text)


def test_a_linear_expression_is_told_from_another():
    assert expressions.linear("2 * (KN.women - x) / 4 + 3") == ({"KN.women": 0.5, "x": -0.5}, 3.0)
    assert expressions.linear("a * b") is None
    assert expressions.quotient("100 * a / (b - c)") == (({"a": 100.0}, 0.0), ({"b": 1.0, "c": -1.0}, 0.0))
    assert expressions.value("100 * a / (b - c)", {"a": 1, "b": 5, "c": 1}) == 25
