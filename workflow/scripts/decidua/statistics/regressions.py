"""How do the covariates go with the outcome? The regressions of the cohort (Han 2025, Table 2)."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from decidua.results import not_estimable, row
from decidua.statistics.analysis import Cohort, analysed
from decidua.statistics.answers import NotEstimable
from decidua.statistics.covariates import Sample, cautioned, no_effect, sample
from decidua.statistics.firth import MOST_WOMEN_PROFILED, Firth, fit_firth
from decidua.statistics.logistic import INTERCEPT, Logistic
from decidua.statistics.rows import Row, attempt, interval
from decidua.statistics.settings import Settings

ODDS_RATIO = "odds ratio"
PROFILE = "odds ratio, profile likelihood"
FIRTH = "odds ratio, Firth"
MANY_WOMEN = (
    f"Wald's interval and test: of more than {MOST_WOMEN_PROFILED} women the profile is the same in print"
)


def regression(women: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Logistic regression of the outcome on the covariates, in all women and each group (Han 2025, Table 2).

    Rows, variable a covariate: quantity odds ratio (Wald interval and test), coefficient (the same on the
    log scale; also of the intercept), "odds ratio, profile likelihood" (with the likelihood-ratio test) and
    "odds ratio, Firth" (penalised likelihood, profiled too), which exists where the outcome is separated.
    Counted are women with the outcome and every covariate known.
    """
    return analysed("regression", _regression, women, settings, quantity=ODDS_RATIO)


def _regression(cohort: Cohort) -> Iterator[Row]:
    for population, members in cohort.populations:
        try:
            found = sample(cohort, population, members)
        except NotEstimable as reason:
            for name in cohort.settings.covariates:
                yield not_estimable(str(reason), variable=name, population=population, quantity=ODDS_RATIO)
            continue
        for each in (*_likelihood_rows(found), *_firth_rows(found)):
            yield cautioned(each, found.few_events, no_effect(cohort, [each["variable"]]))


def _likelihood_rows(found: Sample) -> Iterator[Row]:
    try:
        model = found.model
    except NotEstimable as reason:
        yield from _without(reason, found, ODDS_RATIO)
        return
    yield from _model_rows(model, found.cohort.confidence, found.place)


def _without(reason: NotEstimable, found: Sample, quantity: str) -> Iterator[Row]:
    for name in found.cells.names:
        place = {"variable": name, "quantity": quantity, **found.place_without_numbers}
        yield not_estimable(str(reason), **place)


def _model_rows(model: Logistic, confidence: float, place: Row) -> Iterator[Row]:
    lower, upper = model.wald(confidence)
    for i, name in enumerate(model.names):
        log_odds = np.array([model.coefficients[i], lower[i], upper[i]])
        wald = {"interval": interval("Wald", confidence), "test": "Wald"}
        wald |= {"statistic": model.z[i], "p": model.p[i]}
        own = {**place, "variable": name}
        yield row(**own | {"quantity": "coefficient"}, **wald, **ends(log_odds))
        if name != INTERCEPT:
            yield row(**own | {"quantity": ODDS_RATIO}, **wald, **ends(odds_ratio(log_odds)))
            own |= {"quantity": PROFILE}
            yield from attempt(_profile_rows(model, name, confidence, own), **own)


def _profile_rows(model: Logistic, name: str, confidence: float, place: Row) -> Iterator[Row]:
    test = model.likelihood_ratio(name)
    best = model.coefficients[model.names.index(name)]
    yield row(
        **place,
        **ends(odds_ratio([best, *model.profile(name, confidence)])),
        interval=interval("profile likelihood", confidence),
        test="likelihood ratio",
        statistic=test.statistic,
        df=test.df,
        p=test.p,
    )


def _firth_rows(found: Sample) -> Iterator[Row]:
    if not found.cells.names:
        return
    try:
        model = fit_firth(found.cells)
    except NotEstimable as reason:
        yield from _without(reason, found, FIRTH)
        return
    for name in model.names:
        own = {**found.place, "variable": name, "quantity": FIRTH}
        yield from attempt(_firth_row(model, name, found.cohort.confidence, own), **own)


def _firth_row(model: Firth, name: str, confidence: float, place: Row) -> Iterator[Row]:
    estimate, test = model.estimate(name, confidence), model.test(name)
    method, test_name = "profile penalised likelihood", "penalised likelihood ratio"
    if not model.is_profiled:
        method, test_name, place = "Wald, penalised likelihood", "Wald", {**place, "reason": MANY_WOMEN}
    yield row(
        **place,
        **ends(odds_ratio([estimate.value, estimate.lower, estimate.upper])),
        interval=interval(method, confidence),
        test=test_name,
        statistic=test.statistic,
        df=test.df,
        p=test.p,
    )


def odds_ratio(log_odds: Sequence[float]) -> np.ndarray:
    """The odds ratio; infinite, or zero, where it is beyond what a number can hold."""
    with np.errstate(over="ignore", under="ignore"):
        return np.exp(np.asarray(log_odds, dtype=float))


def ends(values: Sequence[float]) -> Row:
    return dict(zip(("estimate", "lower", "upper"), map(float, values), strict=True))
