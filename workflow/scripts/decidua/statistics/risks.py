"""How high is the risk of the outcome, in all and at values of a covariate, standardised over the women?"""

from collections.abc import Iterator

import numpy as np

from decidua.statistics.answers import Estimate
from decidua.statistics.covariates import Sample, as_printed
from decidua.statistics.rows import Row, estimate_row, interval
from decidua.statistics.standardisation import Risk, risk_difference, risk_ratio, standardised_risk

RISK, DIFFERENCE, RATIO = "standardised risk", "risk difference", "risk ratio"
AS_OBSERVED = "as observed"
#: A covariate of no more values is shown at each of them, others at their quartiles.
FEW_VALUES, QUARTILES = 3, (0.25, 0.5, 0.75)


def risk_rows(sample: Sample) -> Iterator[Row]:
    """The average risk as the women are; of each covariate what a step of it changes, and typical values."""
    model, cells, settings = sample.model, sample.cells, sample.cohort.settings
    confidence = settings.confidence
    place = {**sample.place, "interval": interval("delta method", confidence)}
    observed = standardised_risk(model, cells)
    all_ = {"variable": settings.outcome, "level": AS_OBSERVED, "quantity": RISK}
    yield _row(observed.estimate(confidence), **all_, **place)
    for name in cells.names:
        own = {**place, "variable": name}
        higher, lower, level = _contrast(sample, observed, name)
        yield _row(risk_difference(higher, lower, confidence), level=level, quantity=DIFFERENCE, **own)
        yield _row(risk_ratio(higher, lower, confidence), level=level, quantity=RATIO, **own)
        for value in _typical_values(sample, name):
            risk = standardised_risk(model, cells, name, lambda values, to=value: np.full_like(values, to))
            yield _row(risk.estimate(confidence), level=f"{value:g}", quantity=RISK, **own)


def _contrast(sample: Sample, observed: Risk, name: str) -> tuple[Risk, Risk, str]:
    """What is compared: a step higher and as observed; of a covariate of 0 and 1, all of 1 and all of 0."""

    def at(to: float) -> Risk:
        return standardised_risk(sample.model, sample.cells, name, lambda values: np.full_like(values, to))

    if set(np.unique(sample.cells.column(name))) <= {0.0, 1.0}:
        return at(1.0), at(0.0), "1 v 0"
    step = float(sample.cohort.settings.steps.get(name, 1))
    higher = standardised_risk(sample.model, sample.cells, name, lambda values: values + step)
    return higher, observed, f"{step:+g} v {AS_OBSERVED}"


def _row(found: Estimate, **place) -> Row:
    return estimate_row(lambda: found, **place)


def _typical_values(sample: Sample, name: str) -> list[float]:
    """Where the categories of the history begin; each value of few; else the quartiles."""
    column, settings = sample.cells.column(name), sample.cohort.settings
    if name == settings.history:
        return [start for start in settings.history_categories if column.min() <= start <= column.max()]
    different = np.unique(column)
    if len(different) > FEW_VALUES:
        different = np.quantile(sample.each_woman(name), QUARTILES)
    return as_printed(different)
