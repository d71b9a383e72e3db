"""Is a covariate's part in the model a straight line, and if not, what is its shape?"""

from collections.abc import Iterator

import numpy as np
from scipy.special import ndtri

from decidua.results import row
from decidua.statistics import counting, splines
from decidua.statistics.answers import NotEstimable
from decidua.statistics.covariates import Sample, as_printed, cautioned
from decidua.statistics.logistic import Logistic, fit_cells, likelihood_ratio
from decidua.statistics.rows import Row, interval, test_row

LINEARITY, WHOLE = "likelihood ratio, non-linearity", "likelihood ratio, whole covariate"
CURVE, KNOT, REFERENCE = "odds ratio, spline", "spline knot", "spline reference"
#: Where a curve is drawn: at so many values between these quantiles of the covariate, and at its median.
VALUES, ENDS = 25, (0.01, 0.99)


def curve_rows(sample: Sample, name: str) -> Iterator[Row]:
    """The model with a spline of one covariate: its tests, its knots, and odds ratios against the median.

    Raises:
        NotEstimable: it is no covariate, too few of its values differ, or the model does not exist.
    """
    cells, place = sample.cells, {**sample.place, "variable": name}
    if name not in cells.names:
        raise NotEstimable(f"{counting.in_words(name)} is not among the covariates")
    values = sample.each_woman(name)
    at = splines.knots(values)
    few_knots = f"{len(at)} knots, as ties leave no more apart" if len(at) < splines.KNOTS else ""
    few_events = "" if sample.few_events else sample.few_events_for(len(cells.names) + len(at) - 2)
    caution = "; ".join(filter(None, (few_knots, few_events)))
    others = cells.pick([other for other in cells.names if other != name])
    model = fit_cells(others.adding(_columns(name, at), splines.basis(cells.column(name), at)))
    for test, reduced in ((LINEARITY, lambda: sample.model), (WHOLE, lambda: fit_cells(others))):
        yield test_row(test, lambda of=reduced: likelihood_ratio(model, of()), caution=caution, **place)
    for number, knot in enumerate(at, 1):
        yield row(**place, level=f"{number} of {len(at)}", quantity=KNOT, estimate=float(knot))
    [reference] = as_printed([np.median(values)])
    yield row(**place, quantity=REFERENCE, estimate=reference)
    grid = as_printed([*np.linspace(*np.quantile(values, ENDS), VALUES), reference])
    confidence = sample.cohort.confidence
    place |= {"quantity": CURVE, "interval": interval("pointwise Wald", confidence)}
    for value, ends in zip(grid, _odds_ratios(model, name, at, grid, reference, confidence), strict=True):
        found = dict(zip(("estimate", "lower", "upper"), map(float, ends), strict=True))
        yield cautioned(row(**place, level=f"{value:g}", **found), caution)


def _columns(name: str, at: np.ndarray) -> list[str]:
    return [name, *(f"{name}, spline {number}" for number in range(1, len(at) - 1))]


def _odds_ratios(
    model: Logistic, name: str, at: np.ndarray, grid: list[float], reference: float, confidence: float
) -> np.ndarray:
    """Estimate, lower and upper end at each value of the grid."""
    places = [model.names.index(column) for column in _columns(name, at)]
    contrast = splines.basis(np.array(grid), at) - splines.basis(np.array([reference]), at)
    change = contrast @ model.coefficients[places]
    variance = ((contrast @ model.covariance[np.ix_(places, places)]) * contrast).sum(axis=1)
    half = ndtri((1 + confidence) / 2) * np.sqrt(np.maximum(variance, 0.0))
    with np.errstate(over="ignore", under="ignore"):
        return np.exp(np.column_stack([change, change - half, change + half]))
