"""The shipped claims files: well-formed, equal to the facts, free of verdicts; and what the audit finds.

Expected findings are computed in the test by hand or with SciPy, never by the audit's own arithmetic.
"""

import re
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from decidua.audit import search
from decidua.audit.claims import load_paper
from decidua.audit.conflicts import bounds, conflicts
from decidua.audit.relations import linear_system, table_tests
from decidua.audit.verdicts import audit, consistent
from decidua.config import load_yaml

RESOURCES = Path(__file__).parents[2] / "workflow/resources"
FILES = sorted((RESOURCES / "claims").glob("*.yaml"))
HAN = load_yaml(RESOURCES / "claims/han2025.yaml")
FACTS = load_yaml(RESOURCES / "papers/han2025.yaml")
GROUPS = ("KN", "KA", "IN", "IA")


def printed_facts():
    """Each number of the facts as the claims file should print it, by the claim's name."""
    facts = FACTS
    yield from {name: facts["enrolment"][name] for name in ("assessed", "included")}.items()
    names = ("incomplete_workup", "workup_elsewhere", "lost_to_follow_up", "stillbirth", "chemical_pregnancy")
    excluded = zip((*names, "did_not_follow_protocol"), facts["enrolment"]["excluded"].values(), strict=True)
    yield from ((f"excluded.{name}", value) for name, value in excluded)
    yield from (
        (f"abstract.{name}", facts["abstract"][name]) for name in facts["abstract"] if name != "where"
    )
    yield "panel.nk_level", facts["panel"]["nk_level"]["nk_level"]
    yield "panel.th1_th2", facts["panel"]["th1_th2"]["th1_th2"]
    yield from ((f"panel.{name}", value) for name, value in facts["panel"]["nk_cytotoxicity"].items())
    yield from ((f"{group}.women", facts["strata"][group]["n"]) for group in GROUPS)
    yield from table1()
    text = facts["section_3_1"]
    for variable in ("age", "bmi"):
        yield f"text.{variable}.F", facts["table1"][variable]["test"]["F"]
        yield f"{variable}.p", text[f"{variable}_p"]
        yield f"text.{variable}.scheffe", text["significant_scheffe_pairs"][variable]
        yield from ((f"text.{etiology}.{variable}", value) for etiology, value in text[variable].items())
    yield from figures()
    for population, variables in facts["table2"].items():
        for variable, row in variables.items() if population != "where" else ():
            yield f"{population}.{variable}.B", row["B"]
            yield f"{population}.{variable}.OR", f"{row['odds_ratio']} ({row['lower']}-{row['upper']})"
            yield f"{population}.{variable}.p", row["p"]
    yield from table3()
    yield from discussion()


def table1():
    short = {"ivig_dose_g": "dose"}
    for variable, rows in FACTS["table1"].items():
        if variable == "where":
            continue
        name = short.get(variable, variable)
        for group in GROUPS:
            row = rows[group]
            single = {row["mean"], row["sd"], row["min"], row["max"]} == {"0"}
            whole = f"{row['mean']} ± {row['sd']} ({row['min']}-{row['max']})"
            yield f"{group}.{name}", "0" if single else whole
        yield f"{name}.F", rows["test"]["F"]
        yield f"{name}.p", rows["test"]["p"]


def figures():
    two, three, four, five, six, seven = (FACTS[f"figure{number}"] for number in range(2, 8))
    yield from ((f"{etiology}.abnormal", value) for etiology, value in two["abnormal"].items())
    yield from ((f"{etiology}.nk", value) for etiology, value in two["nk_level_only"].items())
    yield "abnormal.p", two["p"]
    yield from {"treated.births": three["abnormal"], "untreated.births": three["normal"]}.items()
    yield from {"births.p": three["p"], "subgroups.p": three["idiopathic_subgroups"]["p"]}.items()
    yield "subgroups.all.p", three["known_v_idiopathic_subgroups_p"]
    yield from (
        (f"subgroups.{end}", three["idiopathic_subgroups"][end]["rate"]) for end in ("highest", "lowest")
    )
    for population in ("all", "known", "idiopathic"):
        yield f"{population}.births.p", four["p"][population]
        yield f"{population}.many.rate", four["four_or_more"][population]
        yield f"{population}.abnormal.p", five["p"][population]
    yield "abnormal.direction", five["direction"]
    yield "known.few.elevated", six["two_or_three"]
    yield "known.many.elevated", six["four_or_more"]
    yield from {"known.elevated.p": six["p"], "other_markers.p": six["other_markers"]}.items()
    yield from {
        "known.few.age": six["mean_age"]["two_or_three"],
        "known.many.age": six["mean_age"]["four_or_more"],
    }.items()
    yield "known.few_many.age.p", six["mean_age"]["p"]
    yield from {
        "tested": seven["tested"],
        "lost": seven["miscarriages"],
        "aneuploid.p": seven["p"]["all"],
    }.items()
    yield from ((f"{etiology}.aneuploid.p", seven["p"][etiology]) for etiology in ("known", "idiopathic"))


def table3():
    table = FACTS["table3"]
    names = {"miscarriages": "lost", "tested": "tested", "euploid": "euploid", "failure": "failure"}
    for group in GROUPS:
        yield from ((f"{group}.{name}", table[group][fact]) for fact, name in names.items())
    yield "table3.p1", table["unplaced_p"][0]
    yield "table3.p2", table["euploid_normal_v_abnormal_p"]
    yield "table3.p3", table["unplaced_p"][1]
    yield "failure.range", table["failure_range"]


def discussion():
    facts = FACTS["discussion"]
    yield "discussion.subgroups", facts["subgroups"]
    moraru, yamada = facts["cited_moraru_2012"], facts["cited_yamada_2022"]
    for arm in ("ivig", "none"):
        yield from zip((f"moraru.{arm}", f"moraru.{arm}.women"), moraru[arm].split(" of "), strict=True)
    yield from {"moraru.OR": moraru["odds_ratio"], "moraru.p": moraru["p"]}.items()
    yield from ((f"yamada.{name}", value) for name, value in yamada.items())
    names = ("three", "four", "five", "six_or_more")
    rates = facts["cited_suzumori_2010_live_birth_by_miscarriages"].values()
    yield from ((f"suzumori.{name}", rate) for name, rate in zip(names, rates, strict=True))


def test_what_han_2025_print_is_claimed_as_the_facts_have_it():
    claimed = {name: claim["printed"] for name, claim in HAN["claims"].items()}
    facts = {name: str(value) for name, value in printed_facts()}
    assert {name: claimed.get(name) for name in facts} == facts
    # What stands in the facts in words only.
    assert set(claimed) - set(facts) == {
        *(
            f"treatment.{name}"
            for name in ("dose", "interval.shortest", "interval.longest", "until", "abnormal", "normal")
        ),
        *("abnormal.order", "subgroups.empty", "failure.higher"),
    }
    assert "0.4 g/kg every 3-4 weeks to week 30" in FACTS["paper"]["treatment"]


@pytest.fixture(scope="module")
def audited():
    return audit("han2025", load_paper(RESOURCES / "claims/han2025.yaml"), {})


@pytest.fixture(scope="module")
def collisions():
    found = conflicts(*linear_system(load_paper(RESOURCES / "claims/han2025.yaml")), 60.0).found
    return [set(conflict.printed) for conflict in found]


def overall(audited):
    return audited.drop_duplicates("claim").set_index("claim")["overall"]


def check(audited, claim, relation):
    """The one check of a claim by a kind of relation."""
    rows = audited[(audited["claim"] == claim) & audited["relation"].fillna("").str.startswith(relation)]
    assert len(rows) == 1
    return rows.iloc[0]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_shipped_claims_file_can_be_read(path):
    load_paper(path)


def test_han_2025_has_many_claims():
    assert len(load_paper(RESOURCES / "claims/han2025.yaml").claims) >= 250


def test_every_table_that_rows_name_is_one_of_the_run():
    tables = {"baseline", "prevalence", "live_birth", "regression", "trend", "karyotype"}
    rows = [
        claim.rows for claim in load_paper(RESOURCES / "claims/han2025.yaml").claims.values() if claim.rows
    ]
    assert len(rows) >= 200 and {each["table"] for each in rows} <= tables


@pytest.mark.parametrize("name", ["han2025", "andersen2025"])
def test_no_verdict_stands_in_a_file_about_a_paper(name):
    text = (RESOURCES / f"claims/{name}.yaml").read_text().lower()
    words = r"wrong|inconsisten|error|typo|mistake|opposite|contradict|conflict|swapped|exchang|impossible"
    assert not re.findall(words, text)


def test_the_three_signs_of_b_that_disagree_with_their_odds_ratio_and_no_other(audited):
    # By hand: the sign of B against whether the odds ratio is above 1.
    disagree = {
        f"{population}.{variable}.B"
        for population, variables in FACTS["table2"].items()
        if population != "where"
        for variable, row in variables.items()
        if (float(row["B"]) > 0) != (float(row["odds_ratio"]) > 1)
    }
    assert disagree == {"known.bmi.B", "known.miscarriages.B", "idiopathic.miscarriages.B"}
    found = overall(audited)
    assert {name for name in found.index if name.endswith(".B") and found[name] == "inconsistent"} == disagree


def test_live_births_of_197_women_collide_with_the_miscarriages_of_table_3(collisions):
    # By hand: 197 - 163 = 34, but 16 + 22 = 38; 82.7% of 197 admits 163 only.
    assert any({"KA.lost", "IA.lost", "treated.births.total"} <= found for found in collisions)


def pearson_of_three(women, births):
    """p of three categories (categories x tables), for many tables."""
    expected = women * births.sum(axis=0) / women.sum(axis=0)
    away = (births - expected) ** 2
    return stats.chi2.sf((away / expected + away / (women - expected)).sum(axis=0), 2)


def by_loop(total, births, rate, p):
    """Women and births by 2, 3 and 4 or more miscarriages that have a rate in the last and Pearson's p."""
    found = []
    for many in range(1, total):
        for many_births in range(many + 1):
            if abs(100 * many_births / many - rate) > 0.15 + 1e-9:
                continue
            two, two_births = (
                each.ravel() for each in np.mgrid[1 : total - many, 0 : births - many_births + 1]
            )
            women = np.stack([two, total - many - two, np.full_like(two, many)])
            born = np.stack([two_births, births - many_births - two_births, np.full_like(two, many_births)])
            possible = (born <= women).all(axis=0)
            women, born = women[:, possible], born[:, possible]
            fits = np.abs(pearson_of_three(women, born) - p) <= 0.0015 + 1e-9
            found.append(np.stack([women[:, fits], born[:, fits]]))
    return np.concatenate(found, axis=2)


def test_the_p_values_of_figure_4_collide_with_the_births_of_table_3(monkeypatch):
    paper = load_paper(RESOURCES / "claims/han2025.yaml")
    unknowns, constraints = linear_system(paper)
    kept = consistent(constraints, conflicts(unknowns, constraints))
    # Women less miscarriages of Table 3: 118 + 97 - 22 - 16 = 177 births, 151 + 100 - 30 - 22 = 199. Mean, SD
    # and range say how many women can have two miscarriages and how many four or more.
    known, idiopathic = by_loop(215, 177, 78.7, 0.750), by_loop(251, 199, 77.6, 0.216)
    for place, name in ((0, "known.two.women"), (2, "known.many.women")):
        women = bounds(unknowns, kept, name)
        known = known[:, :, (known[0, place] >= women.low) & (known[0, place] <= women.high)]
    together = [pearson_of_three(*(known[:, :, [i]] + idiopathic)) for i in range(known.shape[2])]
    assert np.abs(np.concatenate(together) - 0.162).min() > 0.0015
    monkeypatch.setattr(search, "_SHORTENED", 0)  # which numbers are needed takes longer
    names = ("known.births.p", "idiopathic.births.p", "all.births.p")
    tests = [test for test in table_tests(paper) if test.claims[0] in names]
    (found,) = search.search_tests(unknowns, kept, tests)
    assert found.is_conflict and {test.claims[0] for test in found.tests} == set(names)


def test_treatment_failures_that_the_stated_formula_does_not_give(audited):
    # By hand: euploid / (women - (miscarriages - tested)), 7/110, 8/95, 10/142, 7/89 in per cent.
    expected = {"KN": 100 * 7 / 110, "KA": 100 * 8 / 95, "IN": 100 * 10 / 142, "IA": 100 * 7 / 89}
    found = overall(audited)
    for group, rate in expected.items():
        by_formula = check(audited, f"{group}.failure.percent", "formula")
        assert by_formula["from_summary_low"] == pytest.approx(rate, abs=1e-6)
        verdict = "reproduced" if group == "KN" else "inconsistent"
        assert by_formula["verdict"] == found[f"{group}.failure.events"] == verdict
        assert found[f"{group}.failure.total"] == "reproduced"


def test_a_parity_of_whole_numbers_has_another_sd(audited):
    # n = 100, values 0 and 1, mean 0.15: 15 women; sqrt(100 / 99 * 0.15 * 0.85) = 0.3589, printed 0.35.
    rows = audited[(audited["claim"] == "IA.parity.sd") & (audited["verdict"] == "rounding")]
    assert rows["from_summary_low"].tolist() == pytest.approx([np.sqrt(100 / 99 * 0.15 * 0.85)])


def test_the_abstract_has_the_two_etiologies_the_other_way_round(audited):
    # By hand: 118 + 97 = 215 known, 151 + 100 = 251 idiopathic.
    for claim, total in {"abstract.known": 215, "abstract.idiopathic": 251}.items():
        found = check(audited, claim, "sum")
        assert (found["verdict"], found["from_summary_low"]) == ("inconsistent", total)


@pytest.mark.parametrize(
    ("etiology", "variable", "normal", "abnormal"),
    [
        ("known", "age", (118, 32.78, 3.72), (97, 32.39, 3.78)),
        ("idiopathic", "age", (151, 33.66, 3.85), (100, 33.42, 3.46)),
        ("known", "bmi", (118, 23.00, 4.2), (97, 21.71, 3.15)),
    ],
)
def test_section_3_1_gives_one_stratum_as_the_whole_etiology(audited, etiology, variable, normal, abnormal):
    mean = (normal[0] * normal[1] + abnormal[0] * abnormal[1]) / (normal[0] + abnormal[0])
    claim = f"text.{etiology}.{variable}.mean"
    pooled = check(audited, claim, "pooled")
    assert pooled["verdict"] == "inconsistent"
    assert pooled["from_summary_low"] <= mean <= pooled["from_summary_high"]
    assert check(audited, claim, "repeats")["verdict"] == "reproduced"


@pytest.mark.parametrize(
    ("claim", "table", "printed"),
    [
        ("abnormal.p", [[97, 118], [100, 151]], 0.250),
        ("births.p", [[163, 34], [217, 52]], 0.569),
    ],
)
def test_p_values_by_pearson_and_by_no_other_standard_test(audited, claim, table, printed):
    pearson = stats.chi2_contingency(table, correction=False).pvalue
    likelihood_ratio = stats.chi2_contingency(table, correction=False, lambda_="log-likelihood").pvalue
    others = [stats.chi2_contingency(table).pvalue, stats.fisher_exact(table).pvalue, likelihood_ratio]
    assert round(pearson, 3) == printed
    assert printed not in [round(float(other), 3) for other in others]
    found = check(audited, claim, "table")
    assert (found["verdict"], found["method"]) == ("reproduced", "Pearson")
    assert found["from_summary_low"] == pytest.approx(pearson, abs=1e-9)


def test_f_of_age_lies_in_its_box_and_no_scheffe_pair_differs(audited):
    # F at the printed centres by hand: 2.848, so that the box around it holds 2.872 only if wide enough.
    n = np.array([118, 97, 151, 100])
    mean, sd = np.array([32.78, 32.39, 33.66, 33.42]), np.array([3.72, 3.78, 3.85, 3.46])
    between = (n * (mean - (n * mean).sum() / n.sum()) ** 2).sum() / 3
    centre = between / (((n - 1) * sd**2).sum() / (n.sum() - 4))
    found = check(audited, "age.F", "anova")
    assert found["from_summary_low"] < centre < found["from_summary_high"]
    assert found["verdict"] == "reproduced"
    assert overall(audited)[["text.age.scheffe", "text.bmi.scheffe"]].tolist() == ["reproduced"] * 2


def test_the_worked_example_has_its_one_planted_typing_error_and_no_other():
    found = overall(audit("example", load_paper(RESOURCES / "claims/example.yaml"), {}))
    assert found[found.isin(["inconsistent", "rounding", "other method"])].to_dict() == {
        "abstract.births": "inconsistent"
    }


def test_the_printed_accuracy_of_andersen_2025_is_near_its_sensitivity_and_specificity():
    # (108 * 95.7 + 27 * 99.5) / 135 = 96.46, within 96.41 to 96.51 for all roundings; printed is 96.6.
    table = audit("andersen2025", load_paper(RESOURCES / "claims/andersen2025.yaml"), {})
    found = check(table, "accuracy", "formula")
    assert found["verdict"] == "rounding"
    assert (found["from_summary_low"], found["from_summary_high"]) == pytest.approx((96.41, 96.51), abs=1e-3)
