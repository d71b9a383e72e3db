"""Do women's markers go with the event beyond their history? Tests of a model against one that it contains.

Both models have the same women, the same values in the place of unknown ones and the same knots, so that one
contains the other. They are fitted without a penalty, which would leave no chi-square distribution.
"""

from collections.abc import Collection
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.special import chdtrc, fdtrc

from decidua.prediction.conditional import fit_conditional
from decidua.prediction.fits import Fitted
from decidua.prediction.predictors import filled
from decidua.statistics import logistic
from decidua.statistics.answers import HypothesisTest, NotEstimable

LIKELIHOOD_RATIO = "likelihood ratio"
ROBUST_WALD = "Wald, robust for several rows a woman"
#: Fewer women of the rarer outcome for each parameter make the chi-square distribution a rough one.
FEWEST_A_PARAMETER = 10
#: A column of which others leave this share of its length is determined by them.
_DETERMINED = 1e-9


def columns(fitted: Fitted, rows: pd.DataFrame) -> pd.DataFrame:
    """The columns of a model's design, unknown values filled in: one a straight line, several a spline.

    Returns:
        n x k standardised columns; their names are (predictor, place).
    """
    known = filled(fitted.values(rows), fitted.predictors)
    parts = {
        (predictor.name, place): column
        for j, predictor in enumerate(fitted.predictors)
        for place, column in enumerate(predictor.columns(known[:, j]).T)
    }
    return pd.DataFrame(parts)


def split(design: pd.DataFrame, kept: Collection[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The columns of some predictors, and all of them; without those that earlier ones determine.

    Raises:
        NotEstimable: nothing is left of the other predictors.
    """
    is_kept = design.columns.get_level_values(0).isin(list(kept))
    ordered = pd.concat([design.loc[:, is_kept], design.loc[:, ~is_kept]], axis="columns")
    length = np.sqrt((ordered**2).sum()).to_numpy()
    triangle = np.linalg.qr(np.column_stack([np.ones(len(ordered)), ordered]), mode="r")
    free = np.abs(np.diag(triangle))[1:] > _DETERMINED * np.maximum(length, 1.0)
    smaller, larger = ordered.loc[:, free & np.sort(is_kept)[::-1]], ordered.loc[:, free]
    if smaller.shape[1] == larger.shape[1]:
        raise NotEstimable("the markers do not vary, or the history determines them")
    return _named(smaller), _named(larger)


def _named(design: pd.DataFrame) -> pd.DataFrame:
    names = [name if not place else f"{name} (spline {place})" for name, place in design.columns]
    return design.set_axis(names, axis="columns")


def likelihood_ratio(
    smaller: pd.DataFrame, larger: pd.DataFrame, event: np.ndarray, sets: np.ndarray | None = None
) -> HypothesisTest:
    """Likelihood-ratio chi-square of the larger of two logistic models, as many degrees of freedom as columns
    more.

    Args:
        smaller, larger: n rows; the columns of the first are among those of the second.
        event: n booleans.
        sets: matched set of each woman: conditional logistic regression.

    Raises:
        NotEstimable: one outcome, separation, too few women.
    """
    if sets is None:
        models = [logistic.fit(design, event) for design in (larger, smaller)]
        found = logistic.likelihood_ratio(*models)
    else:
        found = _of_sets(smaller, larger, event, sets)
    return replace(found, caution=_few(event, larger.shape[1]))


def _of_sets(
    smaller: pd.DataFrame, larger: pd.DataFrame, event: np.ndarray, sets: np.ndarray
) -> HypothesisTest:
    ones, y = np.ones(len(event)), np.asarray(event, dtype=float)
    above, below = (
        fit_conditional(design.to_numpy(), y, sets, ones).log_likelihood for design in (larger, smaller)
    )
    statistic, df = max(2 * (above - below), 0.0), larger.shape[1] - smaller.shape[1]
    return HypothesisTest(float(statistic), float(chdtrc(df, statistic)), float(df))


def fraction_of_new_information(smaller: pd.DataFrame, larger: pd.DataFrame, event: np.ndarray) -> float:
    """One less the ratio of the two models' likelihood-ratio chi-squares against no predictors.

    It is one less the adequacy of the smaller model: what of all that the predictors tell in these women only
    the markers tell. Never below 0, also of markers that carry nothing.

    Raises:
        NotEstimable: as `likelihood_ratio`; the predictors tell nothing.

    Source: Harrell 2015, Regression Modeling Strategies, section 9.8.4.
    """
    share = float(np.mean(event))
    nothing = len(event) * (share * np.log(share) + (1 - share) * np.log1p(-share))
    above, below = (logistic.fit(design, event).log_likelihood - nothing for design in (larger, smaller))
    if not above > 0:
        raise NotEstimable("the predictors tell nothing")
    return float(1 - below / above)


def robust_wald(
    smaller: pd.DataFrame, larger: pd.DataFrame, event: np.ndarray, groups: np.ndarray
) -> HypothesisTest:
    """The same question where a woman has several rows, which the likelihood takes for several women.

    The covariance is summed over women (sandwich, times G / (G - 1) for G women), the statistic is F with the
    added columns and G - 1 degrees of freedom.

    Raises:
        NotEstimable: as `likelihood_ratio`; fewer women than coefficients.

    Source: Liang and Zeger 1986, Biometrika 73:13; Cameron and Miller 2015, J Hum Resour 50:317.
    """
    model = logistic.fit(larger, event)
    code = np.unique(groups, return_inverse=True)[1]
    number, size = int(code.max()) + 1, len(model.coefficients)
    if number <= size:
        raise NotEstimable(f"{number} women are too few for {size} coefficients")
    design = np.column_stack([np.ones(len(larger)), larger])
    pull = design * (np.asarray(event, dtype=float) - model.probabilities)[:, None]
    sums = np.column_stack([np.bincount(code, column, minlength=number) for column in pull.T])
    covariance = model.covariance @ (sums.T @ sums) @ model.covariance * number / (number - 1)
    added = np.r_[False, ~larger.columns.isin(smaller.columns)]
    b, df = model.coefficients[added], int(added.sum())
    statistic = float(b @ np.linalg.solve(covariance[np.ix_(added, added)], b)) / df
    p = float(fdtrc(df, number - 1, statistic))
    return HypothesisTest(statistic, p, float(df), float(number - 1), _few(event, larger.shape[1]))


def _few(event: np.ndarray, parameters: int) -> str:
    rarer = int(min(event.sum(), (~event).sum()))
    if rarer >= FEWEST_A_PARAMETER * parameters:
        return ""
    return f"{rarer} women of the rarer outcome are few for {parameters} parameters: p is rough"
