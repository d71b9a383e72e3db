"""What do the regressions say besides odds ratios: risks, interactions, curves, imputed covariates?"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from decidua.statistics.analysis import Cohort, analysed
from decidua.statistics.answers import NotEstimable
from decidua.statistics.covariates import Sample, cautioned, no_effect, sample
from decidua.statistics.curves import LINEARITY, curve_rows
from decidua.statistics.imputed import imputed_rows
from decidua.statistics.interactions import TIMES, interaction_rows
from decidua.statistics.risks import RISK, risk_rows
from decidua.statistics.rows import Row, attempt
from decidua.statistics.settings import Settings


def models(women: pd.DataFrame, settings: Settings, rng: np.random.Generator) -> pd.DataFrame:
    """A closer look at the regression of the outcome on the covariates, in all women and each group.

    Rows: risks standardised over the women, quantity "standardised risk" at level "as observed" (variable
    the outcome) or at a value of a covariate, "risk difference" and "risk ratio" at level "+1 v as observed"
    (a step of `settings.steps`). Interactions, quantity test, variable "age x bmi" or "age x etiology", also
    adjusted as one family. Curves of `settings.splines`: tests of non-linearity and of the whole covariate,
    "spline knot", and "odds ratio, spline" at level a value, against "spline reference". Unknown covariates
    filled in `settings.imputations` times: "odds ratio, imputed", "fraction of missing information". No row
    is an effect of treatment.

    Args:
        rng: for the imputations; the order of the women plays no part.
    """
    return analysed("models", lambda cohort: _models(cohort, rng), women, settings, quantity=RISK)


def _models(cohort: Cohort, rng: np.random.Generator) -> Iterator[Row]:
    if not cohort.settings.covariates:
        raise NotEstimable("no covariates are set")
    for population, members in cohort.populations:
        yield from attempt(
            _of_population(cohort, population, members, rng), population=population, quantity=RISK
        )


def _of_population(
    cohort: Cohort, population: str, members: np.ndarray, rng: np.random.Generator
) -> Iterator[Row]:
    found = sample(cohort, population, members)
    for each in _all_rows(found, rng):
        yield cautioned(each, no_effect(cohort, each["variable"].split(TIMES)))


def _all_rows(found: Sample, rng: np.random.Generator) -> Iterator[Row]:
    settings, place = found.cohort.settings, found.place_without_numbers
    sections = [
        attempt(risk_rows(found), variable=settings.outcome, quantity=RISK, **place),
        interaction_rows(found),
    ]
    for name in settings.splines:
        own = {"variable": name, "quantity": "test", "test": LINEARITY}
        sections.append(attempt(curve_rows(found, name), **own, **place))
    for rows in sections:
        yield from (_with_few_events(each, found.few_events) for each in rows)
    yield from imputed_rows(found, rng)


def _with_few_events(row: Row, caution: str) -> Row:
    """The caution after the row's own reason, unless a larger model has it already."""
    return row if caution and caution in (row.get("reason") or "") else cautioned(row, caution)
