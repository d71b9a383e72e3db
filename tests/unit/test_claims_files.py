"""The claims files that are shipped: well-formed, equal to the facts, free of verdicts; and what the audit finds in them.

Expected findings are computed in the test by hand or with SciPy, never by the audit's own arithmetic.
"""

import re
from pathlib import Path

import pytest

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
