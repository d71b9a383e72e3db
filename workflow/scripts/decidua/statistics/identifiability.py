"""Can these data tell treatment from immunity at all, and did anything after baseline choose the women?"""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from decidua.cases import CONTROLS, NOT_KNOWN
from decidua.markers import ABNORMAL
from decidua.results import not_estimable, row
from decidua.statistics import counting
from decidua.statistics.analysis import Cohort, analysed
from decidua.statistics.answers import NotEstimable
from decidua.statistics.counting import EVERYONE, Events, Levels, tally
from decidua.statistics.rows import Row, attempt, rate_rows
from decidua.statistics.settings import Settings

AGREEMENT, OVERLAP = "agreement", "overlap"
AFTER_BASELINE, OUTCOME_KNOWN = "left out after baseline", "outcome known"
#: Outside of these shares of treated women a stratum hardly has both kinds. The bounds are those within which
#: Crump et al. 2009 (Biometrika 96:187) would still compare, there of the propensity score.
FEWEST, MOST = 0.1, 0.9
ONE_AND_THE_SAME = (
    "every abnormal and no normal woman was treated: immunity and treatment cannot be told apart"
)
MIRRORED = "every normal and no abnormal woman was treated: immunity and treatment cannot be told apart"


def identifiability(women: pd.DataFrame, settings: Settings, flow: pd.DataFrame) -> pd.DataFrame:
    """What the design can and cannot show.

    Rows, variable the treatment: quantity rate, level abnormal, normal and each immune subgroup, of treated
    women, in all women and each group; agreement: women whose treatment is the same as their immunity
    (treated and abnormal, or neither); overlap: women in a subgroup of which between 10% and 90% were treated
    (positivity). `reason` says what follows. Variable enrolment, quantity "left out after baseline"; variable
    the outcome, quantity "outcome known".

    Args:
        women: one row a woman, with calls.
        flow: the enrolment flow (decidua.cohort.enrolment_flow).
    """

    def rows(cohort: Cohort) -> Iterator[Row]:
        place = {"population": EVERYONE, "variable": settings.treatment, "quantity": "rate"}
        yield from attempt(_treatment_rows(cohort), **place)
        yield from _enrolment_rows(flow)
        place = {"population": EVERYONE, "variable": settings.outcome, "quantity": OUTCOME_KNOWN}
        yield from attempt(_outcome_rows(cohort, place), **place)

    return analysed("identifiability", rows, women, settings, variable=settings.treatment, quantity="rate")


def entanglement(women: pd.DataFrame, settings: Settings, kinds: Levels, members: np.ndarray) -> str:
    """Why immunity and treatment cannot, or hardly, be told apart among the members; empty if they can.

    Without a treatment's column, or where nobody's treatment and immunity are known, there is nothing to say.
    """
    try:
        found = tally(treated(women, settings), kinds, members)
    except NotEstimable:
        return ""
    place = kinds.names.index(ABNORMAL)
    return tied(found.names, found.events, found.totals, place)


def tied(names: Sequence[str], treated: np.ndarray, women: np.ndarray, place: int) -> str:
    """The same from counts, a number each of two levels: women treated, and women; `place` is abnormal's."""
    if not women.all():
        return ""
    shares = treated / women
    abnormal, normal = shares[place], shares[1 - place]
    if (abnormal, normal) == (1.0, 0.0):
        return ONE_AND_THE_SAME
    if (abnormal, normal) == (0.0, 1.0):
        return MIRRORED
    if shares.max() < FEWEST or shares.min() > MOST:
        return f"{treated.sum()} of {women.sum()} women were treated: too even to compare"
    lopsided = [
        f"{treated[i]} of {women[i]} {name}"
        for i, name in enumerate(names)
        if not FEWEST <= shares[i] <= MOST
    ]
    if not lopsided:
        return ""
    return f"{' and '.join(lopsided)} women were treated: immunity and treatment can hardly be told apart"


def treated(women: pd.DataFrame, settings: Settings) -> Events:
    """Whether each woman had the treatment: yes, or a dose above 0.

    Raises:
        NotEstimable: no treatment was recorded, or its column holds neither doses nor yes and no.
    """
    if settings.treatment is None:
        raise NotEstimable("no treatment was recorded")
    dose = counting.numbers(women, settings.treatment, settings)
    values = np.where(np.isnan(dose), np.nan, (dose > 0).astype(float))
    return Events.of(values, settings.treatment)


def _treatment_rows(cohort: Cohort) -> Iterator[Row]:
    events = treated(cohort.women, cohort.settings)
    immunity = counting.immunity(cohort.women)
    subgroups = counting.immune_subgroups(cohort.women, cohort.settings)
    for population, members in cohort.populations:
        place = {"population": population, "variable": cohort.settings.treatment}
        by_immunity, by_subgroup = (tally(events, each, members) for each in (immunity, subgroups))
        yield from rate_rows(by_immunity, cohort.confidence, **place)
        yield from rate_rows(
            by_subgroup.pick([i for i, name in enumerate(by_subgroup.names) if name not in immunity.names]),
            cohort.confidence,
            **place,
        )
        why = entanglement(cohort.women, cohort.settings, immunity, members)
        same = np.where(immunity.codes < 0, np.nan, events.values == (immunity.codes == 0))
        same = np.where(np.isnan(events.values), np.nan, same)
        agreeing = Events.of(same, f"{cohort.settings.treatment} and immunity")
        yield _share_row(agreeing, members, AGREEMENT, why, place)
        shares = by_subgroup.events / np.maximum(by_subgroup.totals, 1)
        both = (shares >= FEWEST) & (shares <= MOST)
        overlapping = np.where(subgroups.codes < 0, np.nan, both[subgroups.codes].astype(float))
        overlapping = np.where(np.isnan(events.values), np.nan, overlapping)
        inside = Events.of(overlapping, f"{cohort.settings.treatment} and subgroup")
        yield _share_row(inside, members, OVERLAP, _without_overlap(by_subgroup), place)


def _without_overlap(found: counting.Tally) -> str:
    held = found.totals > 0
    shares = found.events[held] / found.totals[held]
    alone = int(((shares < FEWEST) | (shares > MOST)).sum())
    if not alone:
        return ""
    return f"in {alone} of {held.sum()} immune subgroups hardly any woman, or almost every, was treated"


def _share_row(events: Events, members: np.ndarray, quantity: str, why: str, place: Row) -> Row:
    within = members & ~np.isnan(events.values)
    part, whole = int((events.values[within] == 1).sum()), int(within.sum())
    unknown = int(members.sum()) - whole
    own = {**place, "quantity": quantity, "counted": f"{events.known}; {unknown} {events.unknown}"}
    if not whole:
        return not_estimable(f"no {events.known}", **own)
    said = {"reason": why} if why else {}
    return row(**own, estimate=part / whole, numerator=part, denominator=whole, **said)


def _enrolment_rows(flow: pd.DataFrame) -> Iterator[Row]:
    later = flow[flow["after_baseline"].fillna(False).astype(bool)]
    # Women who are no cases are not analysed.
    others = (flow["kind"] == "group") & flow["reason"].isin([CONTROLS, NOT_KNOWN])
    included = int(flow.loc[flow["kind"] == "included", "n"].sum() - flow.loc[others, "n"].sum())
    out = int(later["n"].sum())
    if not out:
        return
    listed = ", ".join(f"{step.reason} ({step.n})" for step in later.itertuples())
    yield row(
        population=EVERYONE,
        variable="enrolment",
        quantity=AFTER_BASELINE,
        estimate=out / (out + included),
        numerator=out,
        denominator=out + included,
        counted="women who were left out after baseline, and those included",
        reason=f"Left out for what came after baseline: {listed}; what is found holds for those who stayed",
    )


def _outcome_rows(cohort: Cohort, place: Row) -> Iterator[Row]:
    known = (~np.isnan(counting.outcome(cohort.women, cohort.settings).values)).astype(float)
    everyone = np.ones(len(known), dtype=bool)
    unknown = int((known == 0).sum())
    words = counting.in_words(cohort.settings.outcome)
    why = (
        f"The outcome ({words}) of {unknown} women is unknown; rates are those of the others"
        if unknown
        else ""
    )
    found = _share_row(
        Events(known, everyone, "women"), everyone, OUTCOME_KNOWN, why if unknown else "", place
    )
    yield {**found, "counted": "all women"}
