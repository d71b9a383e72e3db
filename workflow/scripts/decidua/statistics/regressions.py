"""How do the covariates go with the outcome? The regressions of the cohort (Han 2025, Table 2)."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from decidua.results import not_estimable, row
from decidua.statistics import counting
from decidua.statistics.analysis import Cohort, analysed
from decidua.statistics.answers import NotEstimable
from decidua.statistics.logistic import INTERCEPT, Logistic, fit
from decidua.statistics.rows import Row, attempt, interval
from decidua.statistics.settings import Settings

#: Fewer outcomes a covariate make a logistic regression unreliable (Peduzzi 1996, J Clin Epidemiol 49:1373).
EVENTS_PER_COVARIATE = 10


def regression(women: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Logistic regression of the outcome on the covariates, in all women and each group (Han 2025, Table 2).

    Rows, variable a covariate: quantity odds ratio (Wald interval and test), coefficient (the same on the
    log scale; also of the intercept) and "odds ratio, profile likelihood" (with the likelihood-ratio test).
    Counted are women with the outcome and every covariate known.
    """
    return analysed("regression", _regression, women, settings, quantity="odds ratio")


def _regression(cohort: Cohort) -> Iterator[Row]:
    for population, members in cohort.populations:
        place = {"population": population, "quantity": "odds ratio"}
        try:
            x, y, complete = _complete(cohort, members)
            unknown = int(members.sum() - complete.sum())
            place["counted"] = f"women with known outcome and covariates; {unknown} unknown left out"
            model = fit(x[complete], y[complete] == 1)
        except NotEstimable as reason:
            for name in cohort.settings.covariates:
                yield not_estimable(str(reason), variable=name, **place)
            continue
        place |= {"numerator": model.events, "denominator": model.women}
        few = min(model.events, model.women - model.events) < EVENTS_PER_COVARIATE * x.shape[1]
        caution = f"fewer than {EVENTS_PER_COVARIATE} of the rarer outcome a covariate" if few else None
        for each in _model_rows(model, cohort.confidence, place):
            yield {"reason": caution, **each}


def _complete(cohort: Cohort, members: np.ndarray) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Covariates, outcome, and which of the members have all of them."""
    y = counting.outcome(cohort.women, cohort.settings).values
    names = cohort.settings.covariates
    columns = {name: counting.numbers(cohort.women, name, cohort.settings) for name in names}
    x = pd.DataFrame(columns, index=cohort.women.index)
    return x, y, members & ~np.isnan(y) & ~np.isnan(x.to_numpy()).any(axis=1)


def _model_rows(model: Logistic, confidence: float, place: Row) -> Iterator[Row]:
    lower, upper = model.wald(confidence)
    for i, name in enumerate(model.names):
        log_odds = np.array([model.coefficients[i], lower[i], upper[i]])
        wald = {"interval": interval("Wald", confidence), "test": "Wald"}
        wald |= {"statistic": model.z[i], "p": model.p[i]}
        own = {**place, "variable": name}
        yield row(**own | {"quantity": "coefficient"}, **wald, **_ends(log_odds))
        if name != INTERCEPT:
            yield row(**own, **wald, **_ends(np.exp(log_odds)))
            own |= {"quantity": "odds ratio, profile likelihood"}
            yield from attempt(_profile_rows(model, name, confidence, own), **own)


def _profile_rows(model: Logistic, name: str, confidence: float, place: Row) -> Iterator[Row]:
    test = model.likelihood_ratio(name)
    best = model.coefficients[model.names.index(name)]
    yield row(
        **place,
        **_ends(np.exp([best, *model.profile(name, confidence)])),
        interval=interval("profile likelihood", confidence),
        test="likelihood ratio",
        statistic=test.statistic,
        df=test.df,
        p=test.p,
    )


def _ends(values: Sequence[float]) -> Row:
    return dict(zip(("estimate", "lower", "upper"), map(float, values), strict=True))
