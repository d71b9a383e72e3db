"""How does a rate go with the number of earlier losses itself, not with its categories?"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.special import expit, ndtri

from decidua.results import not_estimable, row
from decidua.statistics import counting
from decidua.statistics.analysis import Cohort
from decidua.statistics.answers import NotEstimable
from decidua.statistics.counting import Events, Levels, tally
from decidua.statistics.covariates import EVENTS_PER_COVARIATE
from decidua.statistics.logistic import Logistic, fit
from decidua.statistics.rows import Row, interval, rate_rows

#: Numbers of losses of which a rate is shown, from the first category on; the fit is to every woman.
MOST_NUMBERS = 12
PER_LOSS = "per loss"
OBSERVED, FITTED = "observed rate", "fitted rate"


def number_rows(cohort: Cohort, variable: str) -> Iterator[Row]:
    """A logistic regression of a yes/no question on the number of earlier losses, beside the raw rates.

    Rows, population all and each group, level a number that some woman has: quantity observed rate (Wilson)
    and fitted rate (Wald interval of the linear predictor); level "per loss": the odds ratio with its Wald
    test. Counted are the women of the history's categories: not those with fewer losses than the first.

    Raises:
        NotEstimable: no history, numbers of losses that are not whole, or none small enough to be shown.
    """
    events = counting.event(cohort.women, variable, cohort.settings)
    losses = _losses(cohort)
    first = cohort.settings.history_categories[0]
    with np.errstate(invalid="ignore"):
        within = events.eligible & (losses >= first)
        drawn = np.unique(losses[within & (losses < first + MOST_NUMBERS)]).astype(int)
    if within.any() and not len(drawn):
        raise NotEstimable(f"nobody has {first} to {first + MOST_NUMBERS - 1} losses")
    for population, members in cohort.populations:
        place = {"population": population, "variable": variable}
        found = tally(events, _by_number(cohort, losses, drawn), members)
        for each in rate_rows(found, cohort.confidence, **place):
            yield {**each, "quantity": OBSERVED}
        place["counted"] = _counted(cohort, events, losses, members)
        yield from _fitted_rows(cohort, events, losses, within & members, drawn, place)


def _losses(cohort: Cohort) -> np.ndarray:
    if cohort.settings.history is None:
        raise NotEstimable("no column of earlier losses is set")
    losses = counting.numbers(cohort.women, cohort.settings.history, cohort.settings)
    known = losses[~np.isnan(losses)]
    if (known != np.round(known)).any():
        raise NotEstimable(f"{cohort.settings.history} does not hold whole numbers")
    return losses


def _by_number(cohort: Cohort, losses: np.ndarray, drawn: np.ndarray) -> Levels:
    codes = np.full(len(losses), counting.OUTSIDE)
    codes[np.isnan(losses)] = counting.UNKNOWN
    for place, number in enumerate(drawn):
        codes[losses == number] = place
    return Levels(cohort.settings.history, tuple(map(str, drawn)), codes)


def _counted(cohort: Cohort, events: Events, losses: np.ndarray, members: np.ndarray) -> str:
    concerned = events.eligible & members
    first = cohort.settings.history_categories[0]
    unknown = concerned & np.isnan(events.values)
    found = f"{events.known}; {int((unknown & (losses >= first)).sum())} {events.unknown}"
    if lost := int((concerned & np.isnan(losses)).sum()):
        found += f"; {lost} with unknown {counting.in_words(cohort.settings.history)} left out"
    if fewer := int((concerned & (losses < first)).sum()):
        found += f"; {fewer} with fewer than {first} left out"
    return found


def _fitted_rows(
    cohort: Cohort, events: Events, losses: np.ndarray, members: np.ndarray, drawn: np.ndarray, place: Row
) -> Iterator[Row]:
    known = members & ~np.isnan(events.values)
    per_loss = {**place, "level": PER_LOSS, "quantity": "odds ratio"}
    name = cohort.settings.history
    try:
        model = fit(pd.DataFrame({name: losses[known]}), events.values[known] == 1)
    except NotEstimable as reason:
        yield not_estimable(str(reason), **per_loss)
        yield not_estimable(str(reason), **place, quantity=FITTED)
        return
    place = {**place, "numerator": model.events, "denominator": model.women}
    caution = {"reason": _caution(model, losses[known], drawn)}
    yield {**_odds_ratio(model, name, cohort.confidence, {**per_loss, **place}), **caution}
    # No further than this population's own numbers go.
    drawn = drawn[(drawn >= losses[known].min()) & (drawn <= losses[known].max())]
    for number, ends in zip(drawn, _band(model, drawn, cohort.confidence), strict=True):
        yield row(
            **place,
            level=str(number),
            quantity=FITTED,
            **dict(zip(("estimate", "lower", "upper"), map(float, ends), strict=True)),
            interval=interval("logistic trend, Wald", cohort.confidence),
            **caution,
        )


def _caution(model: Logistic, losses: np.ndarray, drawn: np.ndarray) -> str | None:
    said = []
    if min(model.events, model.women - model.events) < EVENTS_PER_COVARIATE:
        said.append(f"fewer than {EVENTS_PER_COVARIATE} of the rarer outcome")
    if more := int((losses > drawn[-1]).sum()):
        said.append(f"{more} women with more than {drawn[-1]} losses are in the fit only")
    return "; ".join(said) or None


def _odds_ratio(model: Logistic, name: str, confidence: float, place: Row) -> Row:
    at = model.names.index(name)
    lower, upper = model.wald(confidence)
    return row(
        **place,
        estimate=float(np.exp(model.coefficients[at])),
        lower=float(np.exp(lower[at])),
        upper=float(np.exp(upper[at])),
        interval=interval("Wald", confidence),
        test="Wald",
        statistic=float(model.z[at]),
        p=float(model.p[at]),
    )


def _band(model: Logistic, numbers: np.ndarray, confidence: float) -> np.ndarray:
    """Fitted rate and ends of its interval at each number: the interval is symmetric on the logit scale."""
    design = np.column_stack([np.ones(len(numbers)), numbers])
    middle = design @ model.coefficients
    half = ndtri((1 + confidence) / 2) * np.sqrt(np.einsum("ij,jk,ik->i", design, model.covariance, design))
    return expit(np.column_stack([middle, middle - half, middle + half]))
