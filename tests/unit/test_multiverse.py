"""The multiverse: every definition with every combining rule, against a plain count of the women."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from decidua import results
from decidua.cohort import Import
from decidua.definitions import CHOSEN, Definition, apply_definition, choices_in
from decidua.markers import Cutoff, Marker, Panel, classify, with_calls
from decidua.statistics.multiverse import RANGED, multiverse
from decidua.statistics.settings import Settings
from decidua.statistics.tables import live_birth, prevalence

LEE = Panel.load(Path(__file__).parents[2] / "workflow/resources/panels/lee2013.yaml")
ONE = Panel("one", "made up", (Marker("th1_th2", "Th1/Th2", "ratio", (Cutoff("th1_th2", 36.2),)),))
LOSSES = ["clinical_losses", "biochemical_losses", "stillbirths", "consecutive_losses"]
RULES = ["any", "all", "majority", "single:50:1", "single:25:1", "single:12.5:1"]
MARKERS = tuple(marker.name for marker in LEE.markers)
#: Above which each measured value is abnormal: Han et al. 2025, section 2.1.
ABOVE = {"nk_level": 16.1, "th1_th2": 36.2}
LYSIS = {"50_1": 34.3, "25_1": 23.8, "12_5_1": 9.6}


def cohort(n=150, seed=4, columns=("miscarriages", *LOSSES)):
    rng = np.random.default_rng(seed)

    def some(values, unknown=0.1):
        return np.where(rng.random(n) < unknown, np.nan, values.astype(float))

    women = pd.DataFrame({"id": pd.array([f"w{i}" for i in range(n)], dtype="string")})
    women["etiology"] = pd.Categorical(rng.choice(["known", "idiopathic"], n), ["known", "idiopathic"])
    women["nk_level"] = some(rng.normal(14, 4, n))
    women["th1_th2"] = some(rng.normal(28, 9, n))
    for ratio, cutoff in LYSIS.items():
        women[f"nk_cytotoxicity_{ratio}"] = some(rng.normal(cutoff, 6, n))
    women["live_birth"] = pd.array(some(rng.random(n) < 0.8), dtype="boolean")
    kinds = {name: rng.poisson(mean, n) for name, mean in zip(LOSSES, (2, 0.7, 0.3), strict=False)}
    run = np.ceil(sum(kinds.values()) * rng.random(n))
    for name, values in {"miscarriages": kinds["clinical_losses"], **kinds, LOSSES[3]: run}.items():
        women[name] = pd.array(some(values), dtype="Int64")
    given = [name for name in women if name not in ("miscarriages", *LOSSES) or name in columns]
    return women[given]


def settings(**changes):
    return Settings(**{"markers": MARKERS, "treatment": None, "karyotype": None} | changes)


def only(table, **wanted):
    for column, value in wanted.items():
        table = table[table[column].eq(value).fillna(False).astype(bool)]
    assert len(table) == 1, table
    return table.iloc[0]


def plain_immunity(woman, rule):
    """Kleene's any of: level, lysis by the rule, Th1/Th2; by hand for one woman, None where not known."""
    votes = [
        None if np.isnan(woman[f"nk_cytotoxicity_{ratio}"]) else woman[f"nk_cytotoxicity_{ratio}"] > cutoff
        for ratio, cutoff in LYSIS.items()
    ]
    if rule.startswith("single:"):
        lysis = votes[["50:1", "25:1", "12.5:1"].index(rule.removeprefix("single:"))]
    else:
        needed = {"any": 1, "majority": 2, "all": 3}[rule]
        yes, open_ = votes.count(True), votes.count(None)
        lysis = True if yes >= needed else False if yes + open_ < needed else None
    calls = [lysis] + [None if np.isnan(woman[name]) else woman[name] > cut for name, cut in ABOVE.items()]
    return True if True in calls else None if None in calls else False


def test_every_universe_is_what_a_plain_loop_over_the_women_counts():
    women = cohort()
    table = multiverse(women, settings(), LEE, "any")
    found = table[table["variable"].eq("women") & table["population"].eq("known")]
    assert len(found) == 17 * len(RULES)
    for level in found["level"]:
        counts = dict.fromkeys(("women", "known", "abnormal", "births", "followed"), 0)
        births = {True: [0, 0], False: [0, 0]}
        choices = choices_in(level)
        for _, woman in women[women["etiology"].eq("known")].iterrows():
            if not plain_definition(woman, choices):
                continue
            immunity, birth = plain_immunity(woman, choices["E:T ratios"]), woman["live_birth"]
            counts["women"] += 1
            counts["known"] += immunity is not None
            counts["abnormal"] += immunity is True
            if birth is not pd.NA:
                counts["followed"] += 1
                counts["births"] += birth
                if immunity is not None:
                    births[immunity][0] += birth
                    births[immunity][1] += 1
        place = {"population": "known", "level": level}
        own = table[table["level"].eq(level) & ~table["quantity"].str.startswith(("smallest", "largest"))]
        assert only(own, **place, variable="women")["estimate"] == counts["women"]
        assert only(own, **place, variable="immunity", quantity="count")["estimate"] == counts["known"]
        shares = {
            ("immunity", "rate"): (counts["abnormal"], counts["known"]),
            ("live_birth", "rate"): (counts["births"], counts["followed"]),
            ("live_birth", "rate, abnormal immunity"): births[True],
            ("live_birth", "rate, normal immunity"): births[False],
        }
        for (variable, quantity), (part, whole) in shares.items():
            row = only(own, **place, variable=variable, quantity=quantity)
            assert (row["numerator"], row["denominator"]) == (part, whole)
            assert row["estimate"] == pytest.approx(part / whole)
        row = only(own, **place, variable="live_birth", quantity="difference of rates")
        assert row["estimate"] == pytest.approx(
            births[True][0] / births[True][1] - births[False][0] / births[False][1]
        )


def plain_definition(woman, choices):
    """Whether she surely meets it, in scalar arithmetic; `consecutive` is tested in test_definitions.py."""
    if "consecutive" not in choices:
        return True
    wanted = Definition(
        int(choices["losses"][0]),
        choices["consecutive"] == "yes",
        choices["biochemical losses"] == "counted",
        choices["stillbirths"] == "counted",
    )
    counted = sum(0 if pd.isna(woman[name]) else woman[name] for name in wanted.counted)
    if counted < wanted.losses:
        return False
    others = [woman[name] for name in wanted.not_counted] if wanted.consecutive else []
    run = woman["consecutive_losses"]
    if wanted.consecutive and (pd.isna(run) or any(pd.isna(other) for other in others)):
        return False
    return not wanted.consecutive or run - sum(others) >= wanted.losses


@pytest.mark.parametrize("definition", [None, Definition(2), Definition(3, True, True, False), Definition(4)])
def test_the_chosen_universe_is_what_the_other_tables_say(definition):
    women = cohort(300)
    chosen = settings(definition=definition)
    table = multiverse(women, chosen, LEE, "majority")
    marked = table[table["reason"].eq(CHOSEN) & ~table["quantity"].str.startswith(("smallest", "largest"))]
    kept = apply_definition(Import(women, len(women), ()), definition).cohort
    classified = with_calls(kept, classify(kept, LEE, "majority"))
    abnormal, births = prevalence(classified, chosen), live_birth(classified, chosen)
    same = ["estimate", "lower", "upper", "interval", "numerator", "denominator", "counted"]
    for group in ("known", "idiopathic"):
        theirs = only(abnormal, population=group, variable="immunity", quantity="rate")
        mine = only(marked, population=group, variable="immunity", quantity="rate")
        pd.testing.assert_series_equal(mine[same], theirs[same], check_names=False)
    for group in ("all", "known", "idiopathic"):
        place = {"population": group, "variable": "immunity"}
        for level in ("abnormal", "normal"):
            theirs = only(births, **place, level=level, quantity="rate")
            mine = only(marked, population=group, quantity=f"rate, {level} immunity")
            pd.testing.assert_series_equal(mine[same], theirs[same], check_names=False)
        theirs = only(births, **place, level="abnormal v normal", quantity="difference of rates")
        mine = only(marked, population=group, quantity="difference of rates")
        pd.testing.assert_series_equal(mine[same[:-1]], theirs[same[:-1]], check_names=False)
    assert only(marked, population="all", variable="women")["estimate"] == len(kept)


def test_the_range_is_over_every_universe_and_names_one_that_has_it():
    table = multiverse(cohort(), settings(), LEE, "any")
    for population, variable, quantity in [("all", "immunity", "rate"), ("known", "live_birth", RANGED[3])]:
        own = table[table["population"].eq(population) & table["variable"].eq(variable)]
        values = own[own["quantity"].eq(quantity)]
        for end, value in (("smallest", values["estimate"].min()), ("largest", values["estimate"].max())):
            found = only(own, quantity=f"{end} {quantity}")
            assert found["estimate"] == value == only(values, level=found["level"])["estimate"]
            assert found["counted"] == "102 of 102 universes"


def test_with_miscarriages_alone_the_threshold_is_varied_and_the_rest_says_why_not():
    table = multiverse(cohort(columns=["miscarriages"]), settings(), LEE, "any")
    losses = {choices_in(level)["losses"] for level in table[table["variable"].eq("immunity")]["level"]}
    assert losses == {"all women of the table", "2 or more", "3 or more"}
    failed = table[table["status"].eq(results.NOT_ESTIMABLE)].set_index("level")["reason"].to_dict()
    assert failed == {
        "losses: 2 or more; consecutive: yes": "the cohort has no column consecutive_losses",
        "losses: 3 or more; consecutive: yes": "the cohort has no column consecutive_losses",
        "biochemical losses: counted or not; stillbirths: counted or not": (
            "the cohort has no column clinical_losses: the kinds of losses cannot be told apart"
        ),
    }


def test_a_panel_without_ratios_has_one_rule():
    table = multiverse(cohort(columns=[]), settings(markers=("th1_th2",), outcome="birth"), ONE, "any")
    assert table[table["status"].eq(results.ESTIMATED)]["level"].unique().tolist() == [
        "losses: all women of the table"
    ]
    assert "the cohort has no column birth" in set(table["reason"].dropna())


def test_a_universe_without_women_says_so_and_is_left_out_of_the_range():
    women = cohort(columns=["miscarriages"]).assign(miscarriages=pd.array([2] * 150, dtype="Int64"))
    table = multiverse(women, settings(group=None), ONE, "any")
    empty = table[table["level"].eq("losses: 3 or more; consecutive: no")]
    assert set(empty[empty["quantity"].str.startswith("rate")]["status"]) == {results.NOT_ESTIMABLE}
    assert only(table, quantity="smallest difference of rates")["counted"] == "2 of 3 universes"
