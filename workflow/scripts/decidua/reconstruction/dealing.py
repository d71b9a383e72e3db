"""Which woman gets which outcome, subgroup, history, karyotype and covariates, to the printed counts?"""

from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any

import numpy as np

from decidua.errors import InputError
from decidua.markers import NORMAL
from decidua.reconstruction.facts import (
    ANEUPLOID,
    ETIOLOGIES,
    EUPLOID,
    FOUR_OR_MORE,
    HISTORIES,
    KARYOTYPES,
    STRATA,
    Facts,
    Women,
    alpha,
    marker_columns,
    markers_of,
    p_is_met,
)
from decidua.reconstruction.moments import UNITS, integers_as_printed, tail_counts
from decidua.statistics.contingency import pearson

#: Deals and draws of karyotypes that are tried; some hundreds are enough for the paper's counts.
DEALS = 20_000


def deal(paper: Facts, plan: Facts, rng: np.random.Generator) -> Women:
    """Women with etiology, stratum, subgroup, outcome, history and karyotype to the printed counts.

    Ages, BMIs, doses (in the units of `moments`), parities and miscarriages have the printed moments of each
    stratum; within it they go to any woman.
    """
    women = _deal_outcomes(paper, plan, rng)
    women["karyotype"] = _deal_karyotypes(paper, women, rng)
    for name in ("miscarriages", "parity", *UNITS):
        women[name] = [0] * len(women["stratum"])
    for stratum, places in places_of(women["stratum"]).items():
        for name in UNITS:
            printed = paper["table1"][name][stratum]
            if float(printed["max"]) > 0:
                smallest = paper["reconstruction"]["smallest_dose"] if name == "ivig_dose_g" else 0
                values = integers_as_printed(name, printed, len(places), smallest)
                _hand_out(women[name], places, values, rng)
        _hand_out(women["parity"], places, _repeated(enumerate(paper["parity_counts"][stratum])), rng)
        _deal_miscarriages(paper, women, stratum, places, rng)
    return women


def places_of(labels: Sequence[str]) -> dict[str, list[int]]:
    """Label to the positions that carry it, in order of first appearance."""
    places: dict[str, list[int]] = {}
    for place, label in enumerate(labels):
        places.setdefault(label, []).append(place)
    return places


def _repeated(counts: Iterable[tuple[Any, int]]) -> list[Any]:
    """Each value as often as it is counted."""
    return [value for value, count in counts for _ in range(count)]


def _shuffled(values: Sequence[Any], rng: np.random.Generator) -> list[Any]:
    return [values[k] for k in rng.permutation(len(values)).tolist()]


def _hand_out(
    column: list[Any], places: Sequence[int], values: Sequence[Any], rng: np.random.Generator
) -> None:
    for place, value in zip(places, _shuffled(values, rng), strict=True):
        column[place] = value


def _deal_outcomes(paper: Facts, plan: Facts, rng: np.random.Generator) -> Women:
    """Stratum, etiology, subgroup, live birth and category of history of every woman.

    Figure 6 prints one marker as related to history and the others as N-S: other deals are redone.
    """
    for _ in range(DEALS):
        women: Women = {name: [] for name in ("stratum", "etiology", "subgroup", "live_birth", "category")}
        for stratum, birth in product(STRATA, (True, False)):
            categories = _categories(paper, plan, stratum, birth)
            subgroups = _subgroups(paper, plan, stratum, birth) or [NORMAL] * len(categories)
            women["stratum"] += [stratum] * len(categories)
            women["etiology"] += [paper["strata"][stratum]["etiology"]] * len(categories)
            women["subgroup"] += _shuffled(subgroups, rng)
            women["live_birth"] += [birth] * len(categories)
            women["category"] += categories
        _meet_figure_6(paper, women, rng)
        if min(p_by_history(paper, women).values()) >= alpha(paper):
            return women
    raise InputError("reconstruction: found no deal in which the other markers are unrelated to history")


def _categories(paper: Facts, plan: Facts, stratum: str, birth: bool) -> list[int]:
    sizes = paper["reconstruction"]["miscarriage_categories"][stratum]
    births = plan["live_births_by_miscarriages"][stratum]
    counts = births if birth else [size - born for size, born in zip(sizes, births, strict=True)]
    return _repeated(enumerate(counts))


def _subgroups(paper: Facts, plan: Facts, stratum: str, birth: bool) -> list[str]:
    """Immune subgroups of the women with abnormal immunity; empty for a normal stratum."""
    facts = paper["strata"][stratum]
    if facts["immunity"] == NORMAL:
        return []
    cells = plan["subgroups"][facts["etiology"]].items()
    return _repeated((name, born if birth else n - born) for name, (n, born) in cells)


def _meet_figure_6(paper: Facts, women: Women, rng: np.random.Generator) -> None:
    """Exchange subgroups between women of one outcome until Figure 6's count with 4+ miscarriages is met."""
    facts, wanted = paper["figure6"], paper["figure6_rows"]["four_or_more"][0]
    subgroup, category, birth = women["subgroup"], women["category"], women["live_birth"]
    abnormal = [
        place
        for place, etiology in enumerate(women["etiology"])
        if etiology == facts["etiology"] and subgroup[place] != NORMAL
    ]
    many = [place for place in abnormal if category[place] == FOUR_OR_MORE]
    few = [place for place in abnormal if category[place] != FOUR_OR_MORE]

    def high(place: int) -> bool:
        return facts["marker"] in markers_of(subgroup[place])

    while (count := sum(high(place) for place in many)) != wanted:
        inside = [place for place in many if high(place) == (count > wanted)]
        outside = [place for place in few if high(place) == (count < wanted)]
        pairs = [(i, o) for i in inside for o in outside if birth[i] == birth[o]]
        if not pairs:
            raise InputError("reconstruction: found no deal with Figure 6's counts")
        i, o = pairs[int(rng.integers(len(pairs)))]
        subgroup[i], subgroup[o] = subgroup[o], subgroup[i]


def p_by_history(paper: Facts, women: Women) -> dict[str, float]:
    """p of each marker that Figure 6 calls N-S, over 2, 3, 4+ and over 2-3 v 4+ miscarriages."""
    related = paper["figure6"]["marker"], paper["figure6"]["etiology"]
    rows = list(zip(women["etiology"], women["category"], women["subgroup"], strict=True))
    found = {}
    for marker, etiology in product(marker_columns(paper), ETIOLOGIES):
        if (marker, etiology) != related:
            table = _by_history((c, marker in markers_of(s)) for e, c, s in rows if e == etiology)
            merged = [[a + b for a, b in zip(table[0], table[1], strict=True)], table[2]]
            found[f"{etiology}, {marker}, 2, 3, 4+"] = pearson(table).p
            found[f"{etiology}, {marker}, 2-3 v 4+"] = pearson(merged).p
    return found


def _by_history(women: Iterable[tuple[int, bool]]) -> list[list[int]]:
    """Women without and with an event, for 2, 3 and 4+ miscarriages."""
    table = [[0, 0] for _ in HISTORIES]
    for category, event in women:
        table[category][event] += 1
    return table


def _deal_karyotypes(paper: Facts, women: Women, rng: np.random.Generator) -> list[str | None]:
    """Karyotypes of the miscarriages to Table 3's counts, drawn until Figure 7's p-values come out."""
    lost = {
        stratum: [place for place in places if not women["live_birth"][place]]
        for stratum, places in places_of(women["stratum"]).items()
    }
    for _ in range(DEALS):
        column: list[str | None] = [None] * len(women["stratum"])
        for stratum, places in lost.items():
            facts = paper["table3"][stratum]
            tested, euploid = int(facts["tested"]), int(facts["euploid"].split()[0])
            counts = euploid, tested - euploid, len(places) - tested
            _hand_out(column, places, _repeated(zip(KARYOTYPES, counts, strict=True)), rng)
        rows = zip(women["etiology"], women["category"], column, strict=True)
        karyotyped = [row for row in rows if row[2] in (EUPLOID, ANEUPLOID)]
        tables = {
            name: _by_history((c, kind == ANEUPLOID) for e, c, kind in karyotyped if name in ("all", e))
            for name in paper["figure7"]["p"]
        }
        if all(p_is_met(paper, p, pearson(tables[name]).p) for name, p in paper["figure7"]["p"].items()):
            return column
    raise InputError("reconstruction: found no karyotypes with Figure 7's p-values")


def _deal_miscarriages(
    paper: Facts, women: Women, stratum: str, places: Sequence[int], rng: np.random.Generator
) -> None:
    """Earlier miscarriages of a stratum, with the printed moments, to each woman's category of history."""
    twos, threes, more = paper["reconstruction"]["miscarriage_categories"][stratum]
    sums = paper["miscarriage_sums"][stratum]
    counts = tail_counts(
        more,
        sums["sum"] - 2 * twos - 3 * threes,
        sums["sum_of_squares"] - 4 * twos - 9 * threes,
        int(paper["table1"]["miscarriages"][stratum]["max"]),
    )
    for place in places:
        women["miscarriages"][place] = 2 + women["category"][place]
    many = [place for place in places if women["category"][place] == FOUR_OR_MORE]
    _hand_out(women["miscarriages"], many, _repeated(enumerate(counts, start=4)), rng)
