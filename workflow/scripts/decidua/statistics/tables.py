"""Which numbers does the statistics chapter report? A cohort with marker calls in, tidy results out.

Every analysis takes `women`, one row a woman as decidua.markers.with_calls makes it, and `Settings`; it
gives a table as decidua.results defines it. What cannot be computed is a row that says why. A level
"A v B" compares A and B.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from scipy.special import ndtri

from decidua.markers import ABNORMAL, NORMAL
from decidua.results import not_estimable, row
from decidua.statistics import counting
from decidua.statistics.analysis import Cohort, analysed
from decidua.statistics.contingency import (
    cochran_armitage,
    cochran_mantel_haenszel,
    exact_trend,
    linear_by_linear,
)
from decidua.statistics.counting import EVERYONE, Events, Levels, Tally, tally
from decidua.statistics.groups import (
    one_way_anova,
    split,
    summarise,
)
from decidua.statistics.identifiability import entanglement
from decidua.statistics.number_of_losses import number_rows
from decidua.statistics.rows import (
    ANOVA,
    PEARSON,
    Row,
    adjusted_rows,
    attempt,
    bound_rows,
    comparison_rows,
    count_row,
    interval,
    margin_rows,
    moment_rows,
    pairwise_difference_rows,
    rate_rows,
    test_row,
)
from decidua.statistics.settings import Settings

ALL_SUBGROUPS, ABNORMAL_SUBGROUPS = "all subgroups", "abnormal subgroups"
LIKE_TESTED = "rate if the untested are like the tested"
ALL_CELLS = "all subgroups of all groups"


def prevalence(women: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """How many women of each group have abnormal immunity, markers and subgroups (Han 2025, Figure 2).

    Rows: variable immunity or a marker with level abnormal, or variable subgroup with level a subgroup;
    quantity rate, population a group (all without groups). Quantity test, difference of rates, odds ratio:
    population all, level "known v idiopathic", of a subgroup its name; the markers' Pearson tests also
    adjusted as one family.
    """
    return analysed("prevalence", _prevalence, women, settings, quantity="rate")


def _prevalence(cohort: Cohort) -> Iterator[Row]:
    pearsons = []
    for variable in ("immunity", *cohort.settings.markers):
        place = {"population": EVERYONE, "variable": variable, "quantity": "rate"}
        found = list(attempt(_abnormal_rows(cohort, variable), level=ABNORMAL, **place))
        yield from found
        pearsons += [each for each in found if each.get("test") == PEARSON and variable != "immunity"]
    yield from adjusted_rows(pearsons)
    yield from attempt(_subgroup_rows(cohort), population=EVERYONE, variable="subgroup", quantity="rate")


def _abnormal_rows(cohort: Cohort, variable: str) -> Iterator[Row]:
    found = tally(counting.event(cohort.women, variable, cohort.settings), _groups_or_all(cohort))
    place = {"variable": variable, "level": ABNORMAL}
    yield from rate_rows(found, cohort.confidence, into="population", **place)
    if cohort.groups is not None:
        place = {"population": EVERYONE, "variable": variable}
        yield from comparison_rows(found, cohort.confidence, **place)
        yield from pairwise_difference_rows(found, cohort.confidence, **place)


def _subgroup_rows(cohort: Cohort) -> Iterator[Row]:
    kinds = counting.immune_subgroups(cohort.women, cohort.settings)
    for i, name in enumerate(kinds.names):
        values = np.where(kinds.codes < 0, np.nan, kinds.members(i).astype(float))
        found = tally(Events.of(values, "subgroup"), _groups_or_all(cohort))
        place = {"variable": "subgroup", "level": name}
        yield from rate_rows(found, cohort.confidence, into="population", **place)
        if cohort.groups is not None:
            yield from comparison_rows(found, cohort.confidence, population=EVERYONE, **place)


def _groups_or_all(cohort: Cohort) -> Levels:
    return counting.whole(cohort.women) if cohort.groups is None else cohort.groups


def live_birth(women: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """The outcome by immunity and by immune subgroup (Han 2025, Figure 3).

    Rows, quantity rate: variable immunity, level abnormal or normal, in all women and each group; variable
    subgroup, level a subgroup, in each group. Quantity test, difference of rates, odds ratio: variable
    immunity, level "abnormal v normal" in each population, "known normal v known abnormal v ..." in all
    women; variable subgroup, level "all subgroups" and "abnormal subgroups" in each group, in all women
    "all subgroups of all groups" (every cell against every other) and "known v idiopathic" (the groups within
    subgroups, Cochran-Mantel-Haenszel). Beside the immunity rows: how far unknown outcomes could move them
    (`bound_rows`) and, with a declared margin, non-inferiority and equivalence of abnormal to normal.
    """
    return analysed("live_birth", _live_birth, women, settings, variable=settings.outcome, quantity="rate")


def _live_birth(cohort: Cohort) -> Iterator[Row]:
    events = counting.outcome(cohort.women, cohort.settings)
    for variable, rows in (("immunity", _outcome_by_immunity), ("subgroup", _outcome_by_subgroup)):
        yield from attempt(rows(cohort, events), population=EVERYONE, variable=variable, quantity="rate")


def _outcome_by_immunity(cohort: Cohort, events: Events) -> Iterator[Row]:
    kinds = counting.immunity(cohort.women)
    for population, members in cohort.populations:
        place = {"population": population, "variable": "immunity"}
        found = tally(events, kinds, members)
        caution = _entangled(cohort, members)
        yield from rate_rows(found, cohort.confidence, **place)
        yield from bound_rows(found, **place)
        yield from comparison_rows(found, cohort.confidence, caution=caution, **place)
        about = {"wanted": cohort.settings.outcome_is_wanted, "caution": caution}
        yield from margin_rows(found, cohort.confidence, cohort.settings.margin, **about, **place)
    if cohort.groups is not None:
        strata = tally(events, counting.by_immunity(cohort.groups, kinds))
        place = {"population": EVERYONE, "variable": "immunity", "caution": _entangled(cohort)}
        yield from comparison_rows(strata, cohort.confidence, **place)


def _entangled(cohort: Cohort, members: np.ndarray | None = None) -> str:
    """Why immunity cannot, or hardly, be told from treatment; among all women unless members are given."""
    members = np.ones(len(cohort.women), dtype=bool) if members is None else members
    return entanglement(cohort.women, cohort.settings, counting.immunity(cohort.women), members)


def _outcome_by_subgroup(cohort: Cohort, events: Events) -> Iterator[Row]:
    kinds = counting.immune_subgroups(cohort.women, cohort.settings)
    abnormal = [i for i, name in enumerate(kinds.names) if name != NORMAL]
    for population, members in cohort.groups_as_populations or cohort.populations:
        place = {"population": population, "variable": "subgroup"}
        found = tally(events, kinds, members)
        yield from rate_rows(found, cohort.confidence, **place)
        by_all = {**place, "level": ALL_SUBGROUPS, "caution": _entangled(cohort, members)}
        yield from comparison_rows(found, cohort.confidence, **by_all)
        yield from comparison_rows(found.pick(abnormal), cohort.confidence, level=ABNORMAL_SUBGROUPS, **place)
    if cohort.groups is not None and len(cohort.groups.names) > 1:
        yield from _groups_within_subgroups(cohort, events, cohort.groups, kinds)


def _groups_within_subgroups(cohort: Cohort, events: Events, groups: Levels, kinds: Levels) -> Iterator[Row]:
    place = {"population": EVERYONE, "variable": "subgroup"}
    cells = tally(events, counting.cross(groups, kinds))
    yield from comparison_rows(cells, cohort.confidence, level=ALL_CELLS, caution=_entangled(cohort), **place)
    if len(groups.names) == 2:
        outcome_group_subgroup = np.array([cells.events, cells.totals - cells.events]).reshape(2, 2, -1)
        yield test_row(
            "Cochran-Mantel-Haenszel",
            lambda: cochran_mantel_haenszel(outcome_group_subgroup.transpose(2, 1, 0)),
            counted=cells.counted_in_all,
            level=" v ".join(groups.names),
            **place,
        )


def trend(women: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Outcome, immunity, markers and aneuploidy over the number of earlier losses (Han 2025, Figures 4 to 7).

    Rows: variable the outcome, immunity, each marker, aneuploidy and each of `trends`; population all and
    each group; level a category ("2", "3", "4+") or those before the last together ("2-3"); quantity rate.
    Quantity test, level "2, 3, 4+": Pearson, exact, linear-by-linear, Cochran-Armitage, exact conditional
    trend; level "2-3 v 4+": Pearson and Fisher, beside them difference of rates and odds ratio; the markers'
    Pearson tests also adjusted as one family a population. Variable age: mean and standard deviation of "2-3"
    and "4+", with a one-way ANOVA. Where something is unknown (untested miscarriages): how far that could
    move the rates and their difference (`bound_rows`). Over the number itself
    (decidua.statistics.number_of_losses): quantity observed rate and fitted rate, level the number; quantity
    odds ratio, level "per loss".
    """
    return analysed("trend", _trend, women, settings, quantity="rate")


def _trend(cohort: Cohort) -> Iterator[Row]:
    settings = cohort.settings
    categories = counting.history(cohort.women, settings)
    two = counting.merged(categories, settings)
    followed = [settings.outcome, "immunity", *settings.markers]
    followed += [] if settings.karyotype is None else ["aneuploidy"]
    pearsons: dict[str, list[Row]] = {population: [] for population, _ in cohort.populations}
    for variable in dict.fromkeys((*followed, *settings.trends)):
        rows = _followed(cohort, variable, categories, two)
        for each in attempt(rows, population=EVERYONE, variable=variable, quantity="rate"):
            yield each
            if variable in settings.markers and each.get("test") == PEARSON and " v " in each["level"]:
                pearsons[each["population"]].append(each)
        lines = number_rows(cohort, variable)
        yield from attempt(lines, population=EVERYONE, variable=variable, quantity="fitted rate")
    for family in pearsons.values():
        yield from adjusted_rows(family)
    if "age" in (*settings.covariates, *settings.describe):
        yield from attempt(_age_rows(cohort, two), population=EVERYONE, variable="age", quantity="mean")


def _followed(cohort: Cohort, variable: str, categories: Levels, two: Levels) -> Iterator[Row]:
    events = counting.event(cohort.women, variable, cohort.settings)
    for population, members in cohort.populations:
        place = {"population": population, "variable": variable}
        by_category, by_two = (tally(events, levels, members) for levels in (categories, two))
        yield from rate_rows(by_category, cohort.confidence, **place)
        yield from bound_rows(by_category, **place)
        if by_two.names != by_category.names:
            together = [*rate_rows(by_two, cohort.confidence, **place), *bound_rows(by_two, **place)]
            yield from (each for each in together if each["level"] not in categories.names)
        yield from _category_tests(by_category, cohort.confidence, place)
        yield from comparison_rows(by_two, cohort.confidence, **place)


def _category_tests(found: Tally, confidence: float, place: Row) -> Iterator[Row]:
    level = ", ".join(found.names)
    if len(found.names) > 2:
        yield from comparison_rows(found, confidence, level=level, **place)
    own = {**place, "level": level, "counted": found.counted_in_all}
    yield test_row("linear-by-linear", lambda: linear_by_linear(found.table()), **own)
    yield test_row("Cochran-Armitage", lambda: cochran_armitage(found.events, found.totals), **own)
    yield test_row("exact conditional trend", lambda: exact_trend(found.events, found.totals), **own)


def _age_rows(cohort: Cohort, two: Levels) -> Iterator[Row]:
    age = counting.numbers(cohort.women, "age", cohort.settings)
    for population, members in cohort.populations:
        codes = np.where(members, two.codes, counting.OUTSIDE)
        samples = split(age, codes, len(two.names))
        summary = summarise(samples, two.names)
        unknown = int((np.isnan(age) & (codes >= 0)).sum())
        place = {"population": population, "variable": "age"}
        place["counted"] = f"women with known age; {unknown} unknown left out"
        for name, sample, sd in zip(two.names, samples, summary.sd, strict=True):
            yield from moment_rows(sample, sd, ("mean", "standard deviation"), level=name, **place)
        yield test_row(ANOVA, lambda of=summary: one_way_anova(of), level=" v ".join(two.names), **place)


def karyotype(women: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Karyotypes of the miscarriages, and failure of treatment (Han 2025, Table 3).

    Rows, population all, level a stratum ("known normal"), abnormal, normal and a group: variable
    miscarriages and karyotyped with quantity count; with quantity rate variable euploid (of the karyotyped),
    treatment failure (euploid miscarriages of all women but those whose miscarriage was not karyotyped) and
    aneuploid miscarriage (of the same women; the counts that Han's Table 3 prints as failures). The paper's
    formula takes the untested miscarriages, and no births, out of the denominator and is too low: beside it
    stands the "rate if the untested are like the tested". Quantity
    test, difference of rates, odds ratio: "abnormal v normal" in all women and each group, "known v
    idiopathic" and the strata in all women.
    """
    return analysed("karyotype", _karyotype, women, settings, variable="euploid", quantity="rate")


def _karyotype(cohort: Cohort) -> Iterator[Row]:
    kinds = counting.immunity(cohort.women)
    classified = [kinds]
    if cohort.groups is not None:
        classified = [counting.by_immunity(cohort.groups, kinds), kinds, cohort.groups]
    euploid = counting.karyotyped(cohort.women, cohort.settings, "euploid")
    tested, ended = ~np.isnan(euploid.values), counting.ended(cohort.women, euploid, cohort.settings)
    for levels in classified:
        for i, name in enumerate(levels.names):
            chosen = (True, ended, euploid.eligible, tested, euploid.values == 1)
            members, women, lost, known, found = (int((levels.members(i) & each).sum()) for each in chosen)
            place = {"population": EVERYONE, "level": name, "quantity": "count"}
            counted = f"women of known outcome; {members - women} unknown left out"
            yield count_row(lost, women, variable="miscarriages", counted=counted, **place)
            yield count_row(known, lost, variable="karyotyped", counted="miscarriages", **place)
            place |= {"variable": "treatment failure", "quantity": LIKE_TESTED}
            yield _as_if_tested(lost, women, found, known, cohort.confidence, place)
    yield from _karyotype_rates(cohort, "euploid", euploid, classified)
    for variable, wanted in (("treatment failure", "euploid"), ("aneuploid miscarriage", "aneuploid")):
        place = {"population": EVERYONE, "variable": variable, "quantity": "rate"}
        yield from attempt(_failure_rows(cohort, variable, wanted, classified), **place)


def _failure_rows(cohort: Cohort, variable: str, wanted: str, classified: Sequence[Levels]) -> Iterator[Row]:
    events = counting.miscarriage(cohort.women, cohort.settings, wanted)
    yield from _karyotype_rates(cohort, variable, events, classified)


def _as_if_tested(lost: int, women: int, euploid: int, known: int, confidence: float, place: Row) -> Row:
    """The share of euploid miscarriages if the untested were like the tested: the product of two rates."""
    place = {**place, "counted": f"{lost}/{women} miscarriages, {euploid}/{known} euploid among the tested"}
    if not women or not known:
        return not_estimable(
            "nobody's outcome is known" if not women else "no miscarriage was tested", **place
        )
    share = lost / women * euploid / known
    if not share:
        return row(**place, estimate=share)
    # The delta method on the log scale.
    half = ndtri((1 + confidence) / 2) * np.sqrt(1 / lost - 1 / women + 1 / euploid - 1 / known)
    ends = {"lower": float(share * np.exp(-half)), "upper": float(min(share * np.exp(half), 1.0))}
    return row(**place, estimate=share, **ends, interval=interval("log delta", confidence))


def _karyotype_rates(
    cohort: Cohort, variable: str, events: Events, classified: Sequence[Levels]
) -> Iterator[Row]:
    for levels in classified:
        place = {"population": EVERYONE, "variable": variable}
        found = tally(events, levels)
        yield from rate_rows(found, cohort.confidence, **place)
        yield from bound_rows(found, **place)
        caution = "" if levels is cohort.groups else _entangled(cohort)
        yield from comparison_rows(found, cohort.confidence, caution=caution, **place)
    for population, members in cohort.groups_as_populations:
        found = tally(events, counting.immunity(cohort.women), members)
        place = {"population": population, "variable": variable, "caution": _entangled(cohort, members)}
        yield from comparison_rows(found, cohort.confidence, **place)
