"""Would another definition of recurrent pregnancy loss, or another combining rule, have told another story?

A universe is one definition with one rule by which the effector-to-target ratios make a call. Every universe
is analysed in the same way; which one is the chosen one changes nothing but a mark.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from decidua import markers
from decidua.definitions import (
    CHOSEN,
    CLINICAL,
    NOT_TOLD_APART,
    RATIOS,
    Definition,
    choices_of,
    every_definition,
    universe_name,
)
from decidua.markers import ABNORMAL, NORMAL, Panel
from decidua.results import ESTIMATED, not_estimable, row
from decidua.statistics import counting
from decidua.statistics.analysis import Cohort, analysed
from decidua.statistics.answers import NotEstimable
from decidua.statistics.counting import EVERYONE, UNKNOWN, Tally
from decidua.statistics.rows import Row, difference_row, rate_rows
from decidua.statistics.settings import Settings

KINDS = (ABNORMAL, NORMAL)
IN_ABNORMAL, IN_NORMAL = (f"rate, {kind} immunity" for kind in KINDS)
DIFFERENCE = "difference of rates"
#: Quantities of which the smallest and the largest over the universes are told.
RANGED = ("rate", IN_ABNORMAL, IN_NORMAL, DIFFERENCE)


@dataclass(frozen=True)
class Universe:
    """One definition with one combining rule: its choices in words, and the women it counts.

    `counts` is population (all, then the groups) x immunity (abnormal, normal, unknown) x outcome (no, yes,
    unknown); `before`, `outside` and `unchecked` are a number a population: the women of the table, those who
    do not meet the definition, and those of whom that cannot be known.
    """

    name: str
    chosen: bool
    counts: np.ndarray
    before: np.ndarray
    outside: np.ndarray
    unchecked: np.ndarray


def multiverse(women: pd.DataFrame, settings: Settings, panel: Panel, rule: str) -> pd.DataFrame:
    """Prevalence of abnormal immunity and the outcome under every definition and combining rule.

    Args:
        women: a validated cohort before its definition was applied, one row a woman.
        settings: with the chosen definition.
        panel: the markers.
        rule: the chosen combining rule.

    Returns:
        Rows, population all and each group, level the universe ("losses: 3 or more; consecutive: no; E:T
        ratios: any"), reason of the chosen one `CHOSEN`. Variable women, quantity count; variable immunity,
        quantity count (of known immunity) and rate (abnormal of known); variable the outcome, quantity rate,
        "rate, abnormal immunity", "rate, normal immunity" and difference of rates (abnormal minus normal).
        Then of each rate and difference the smallest and the largest over the universes. A definition that
        the columns cannot say is a row that says so.
    """
    rows_of = partial(_multiverse, panel=panel, rule=rule)
    return analysed("multiverse", rows_of, women, settings, variable="immunity", quantity="rate")


def _multiverse(cohort: Cohort, panel: Panel, rule: str) -> Iterator[Row]:
    definitions = every_definition(cohort.women.columns, cohort.settings.definition)
    possible = [each for each in definitions if each is None or not each.absent(cohort.women.columns)]
    universes = _universes(cohort, possible, panel, rule)
    found = [each for universe in universes for each in _universe_rows(cohort, universe)]
    yield from found
    yield from _impossible_rows(cohort, [each for each in definitions if each not in possible])
    yield from _range_rows(found, len(universes))


def _universes(
    cohort: Cohort, definitions: Sequence[Definition | None], panel: Panel, rule: str
) -> list[Universe]:
    rules = panel.combining_rules() if any(len(m.cutoffs) > 1 for m in panel.markers) else [rule]
    outcome, of_group, k = _outcome(cohort), _group_codes(cohort), len(cohort.populations)
    cells = {}
    for each in rules:
        kinds = counting.immunity(pd.DataFrame({"immunity": markers.immunity(cohort.women, panel, each)}))
        immunity = np.where(kinds.codes == UNKNOWN, 2, kinds.codes)
        cells[each] = ((of_group * 3 + immunity) * 3 + outcome).astype(np.int32)
    found = []
    for definition in definitions:
        meets = _meets(cohort, definition)
        member, unchecked = meets == 1, np.isnan(meets)
        common = {
            "before": _by_population(of_group, k),
            "outside": _by_population(of_group[meets == 0], k),
            "unchecked": _by_population(of_group[unchecked], k),
        }
        for each in rules:
            counts = np.bincount(cells[each][member], minlength=9 * k).reshape(k, 3, 3)
            counts[0] = counts.sum(axis=0)
            choices = choices_of(definition) | ({RATIOS: each} if len(rules) > 1 else {})
            chosen = definition == cohort.settings.definition and each == rule
            found.append(Universe(universe_name(choices), chosen, counts, **common))
    return found


def _outcome(cohort: Cohort) -> np.ndarray:
    """0 no, 1 yes, 2 unknown; unknown for all where there is no such column."""
    try:
        values = counting.outcome(cohort.women, cohort.settings).values
    except NotEstimable:
        return np.full(len(cohort.women), 2)
    return np.where(np.isnan(values), 2, values).astype(int)


def _group_codes(cohort: Cohort) -> np.ndarray:
    """1 and up: the groups, in the order of the populations; 0: in none."""
    if cohort.groups is None:
        return np.zeros(len(cohort.women), dtype=int)
    return np.maximum(cohort.groups.codes, -1) + 1


def _meets(cohort: Cohort, definition: Definition | None) -> np.ndarray:
    """1 meets it, 0 does not, NaN cannot be known."""
    if definition is None:
        return np.ones(len(cohort.women))
    return definition.meets(cohort.women).to_numpy(dtype=float, na_value=np.nan)


def _by_population(of_group: np.ndarray, k: int) -> np.ndarray:
    counts = np.bincount(of_group, minlength=k)
    counts[0] = counts.sum()
    return counts


def _universe_rows(cohort: Cohort, universe: Universe) -> Iterator[Row]:
    mark = {"reason": CHOSEN} if universe.chosen else {}
    for place, (population, _) in enumerate(cohort.populations):
        for each in _population_rows(cohort, universe, place, population):
            # A row that cannot be had keeps the reason why.
            yield each if each["status"] != ESTIMATED else {**each, **mark}


def _population_rows(cohort: Cohort, universe: Universe, at: int, population: str) -> Iterator[Row]:
    counts = universe.counts[at]
    women, known = int(counts.sum()), int(counts[:2].sum())
    place = {"population": population, "level": universe.name}
    words = f"women of the table; {universe.outside[at]} do not meet the definition"
    words += f"; of {universe.unchecked[at]} it cannot be known" if universe.unchecked[at] else ""
    own = place | {"quantity": "count"}
    yield row(**own, variable="women", **_count(women, universe.before[at]), counted=words)
    yield row(**own, variable="immunity", **_count(known, women), counted="women who meet the definition")
    abnormal = _tally("immunity", [universe.name], counts[:1].sum(axis=1), [known], [women - known])
    yield from rate_rows(abnormal, cohort.confidence, population=population, variable="immunity")
    if cohort.settings.outcome in cohort.women:
        yield from _outcome_rows(cohort, counts, place)


def _outcome_rows(cohort: Cohort, counts: np.ndarray, place: Row) -> Iterator[Row]:
    name, level = cohort.settings.outcome, place["level"]
    own = {"population": place["population"], "variable": name}
    everyone = counts.sum(axis=0)
    overall = _tally(name, [level], [everyone[1]], [everyone[:2].sum()], [everyone[2]])
    yield from rate_rows(overall, cohort.confidence, **own)
    elsewhere = f"; {counts[2].sum()} with unknown immunity left out" if counts[2].any() else ""
    kinds = _tally(name, KINDS, counts[:2, 1], counts[:2, :2].sum(axis=1), counts[:2, 2], elsewhere)
    for each, quantity in zip(rate_rows(kinds, cohort.confidence), (IN_ABNORMAL, IN_NORMAL), strict=True):
        yield {**each, **own, "level": level, "quantity": quantity}
    # "A v B" is first minus second, as in the table of the live birth rates.
    yield difference_row(kinds, cohort.confidence, **own, level=level, counted=kinds.counted_in_all)


def _tally(
    variable: str, names: Sequence[str], events: Any, totals: Any, unknown: Any, elsewhere: str = ""
) -> Tally:
    words = f"women with known {counting.in_words(variable)}"
    numbers = (np.asarray(each, dtype=int) for each in (events, totals, unknown))
    return Tally(tuple(names), *numbers, words, "unknown left out", elsewhere)


def _count(part: int, whole: int) -> Row:
    return {"estimate": int(part), "numerator": int(part), "denominator": int(whole)}


def _impossible_rows(cohort: Cohort, definitions: Sequence[Definition]) -> Iterator[Row]:
    """Definitions and settings that the columns cannot say."""
    place = {"population": EVERYONE, "variable": "women", "quantity": "count"}
    for definition in definitions:
        needed = ", ".join(definition.absent(cohort.women.columns))
        yield not_estimable(
            f"the cohort has no column {needed}", level=universe_name(choices_of(definition)), **place
        )
    if CLINICAL not in cohort.women:
        reason = f"the cohort has no column {CLINICAL}: the kinds of losses cannot be told apart"
        yield not_estimable(reason, level=universe_name(NOT_TOLD_APART), **place)
    try:
        counting.outcome(cohort.women, cohort.settings)
    except NotEstimable as reason:
        place |= {"variable": cohort.settings.outcome, "quantity": "rate"}
        yield not_estimable(str(reason), **place)


def _range_rows(rows: Sequence[Row], universes: int) -> Iterator[Row]:
    """The smallest and the largest estimate over the universes, with the first universe that has it."""
    ranged: dict[tuple[str, str, str], list[Row]] = {}
    for each in rows:
        if each["quantity"] in RANGED:
            key = (each["population"], each["variable"], each["quantity"])
            ranged.setdefault(key, []).append(each)
    for (population, variable, quantity), found in ranged.items():
        place = {"population": population, "variable": variable}
        estimated = [each for each in found if each["status"] == ESTIMATED]
        counted = f"{len(estimated)} of {universes} universes"
        for end, pick in (("smallest", min), ("largest", max)):
            own = {**place, "quantity": f"{end} {quantity}", "counted": counted}
            if not estimated:
                yield not_estimable("not estimable in any universe", **own)
                continue
            best = pick(each["estimate"] for each in estimated)
            tied = [each for each in estimated if each["estimate"] == best]
            # A tie goes to the chosen universe.
            first = next((each for each in tied if each.get("reason") == CHOSEN), tied[0])
            # No interval: of an estimate that was picked for being extreme it would not hold.
            bare = {key: value for key, value in first.items() if key not in ("lower", "upper", "interval")}
            yield {**bare, **own, "reason": first.get("reason")}
