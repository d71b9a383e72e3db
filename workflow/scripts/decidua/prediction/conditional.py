"""How do predictors go with the event within matched sets? Conditional logistic regression."""

from dataclasses import dataclass

import numpy as np

from decidua.statistics.answers import NotEstimable

_MOST_STEPS, _MOST_HALVINGS, _SETTLED = 50, 40, 1e-8


@dataclass(frozen=True)
class Conditional:
    """Coefficients (k), covariance (k + 1 x k + 1, the first row and column zero: there is no intercept)."""

    coefficients: np.ndarray
    covariance: np.ndarray
    log_likelihood: float


def fit_conditional(x: np.ndarray, event: np.ndarray, sets: np.ndarray, weights: np.ndarray) -> Conditional:
    """Maximise the likelihood that within each set those have the event who have it.

    Sets in which nobody or everybody has the event say nothing. A set counts as often as its women's weight,
    which is one number a set. Sets with one event are solved here, as statsmodels knows no weights; where a
    set has several, by statsmodels with the sets repeated.

    Raises:
        NotEstimable: no set with both outcomes, a predictor that does not vary within sets, separation.

    Source: Breslow and Day 1980, Statistical Methods in Cancer Research I, chapter 7.
    """
    code = np.unique(sets, return_inverse=True)[1]
    events, size = np.bincount(code, event), np.bincount(code)
    useful = ((events > 0) & (events < size))[code]
    if not useful.any():
        raise NotEstimable("no matched set has women with and without the event")
    x, y, w, code = x[useful], event[useful], weights[useful], np.unique(code[useful], return_inverse=True)[1]
    order = np.argsort(code, kind="stable")
    x, y, w, code = x[order], y[order], w[order], code[order]
    starts = np.flatnonzero(np.r_[True, np.diff(code) > 0])
    within = x - (np.add.reduceat(x, starts) / np.diff(np.r_[starts, len(x)])[:, None])[code]
    if (np.abs(within).max(axis=0) <= 1e-12).any() or np.linalg.matrix_rank(within) < x.shape[1]:
        raise NotEstimable("within matched sets a predictor does not vary, or others determine it")
    if np.bincount(code, y).max() > 1:
        return _by_statsmodels(x, y, code, w)
    return _one_event(within, y, code, starts, w[starts])


def _one_event(
    x: np.ndarray, y: np.ndarray, code: np.ndarray, starts: np.ndarray, weight: np.ndarray
) -> Conditional:
    """Newton's method: each set's event is a draw with odds exp(x b)."""
    b = np.zeros(x.shape[1])
    likelihood, share = _of_sets(x @ b, y, code, starts, weight)
    for _ in range(_MOST_STEPS):
        mean = np.add.reduceat(x * share[:, None], starts)
        information = (x * (share * weight[code])[:, None]).T @ x - (mean * weight[:, None]).T @ mean
        try:
            step = np.linalg.solve(information, x.T @ ((y - share) * weight[code]))
        except np.linalg.LinAlgError:
            break
        size = 1.0
        for _ in range(_MOST_HALVINGS):
            reached, moved = _of_sets(x @ (b + size * step), y, code, starts, weight)
            if reached >= likelihood - 1e-12 * abs(likelihood):
                break
            size /= 2
        b, likelihood, share = b + size * step, reached, moved
        if np.abs(step).max() <= _SETTLED:
            return Conditional(b, _bordered(np.linalg.inv(information)), likelihood)
        if np.abs(b).max() > 30:
            break
    raise NotEstimable("the conditional likelihood has no maximum: sets may be separated")


def _of_sets(
    eta: np.ndarray, y: np.ndarray, code: np.ndarray, starts: np.ndarray, weight: np.ndarray
) -> tuple[float, np.ndarray]:
    top = np.maximum.reduceat(eta, starts)
    odds = np.exp(eta - top[code])
    total = np.add.reduceat(odds, starts)
    each = np.add.reduceat(y * eta, starts) - top - np.log(total)
    return float(weight @ each), odds / total[code]


def _by_statsmodels(x: np.ndarray, y: np.ndarray, code: np.ndarray, weights: np.ndarray) -> Conditional:
    import warnings

    from statsmodels.discrete.conditional_models import ConditionalLogit

    times = weights.astype(int)
    copy = np.concatenate([np.arange(count) for count in times])
    names = np.repeat(code, times) * (times.max() + 1) + copy
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = ConditionalLogit(np.repeat(y, times), np.repeat(x, times, axis=0), groups=names).fit()
            covariance = found.cov_params()
        except (np.linalg.LinAlgError, ValueError) as error:
            raise NotEstimable(f"the conditional likelihood could not be maximised: {error}") from None
    if not np.isfinite(found.params).all() or np.abs(found.params).max() > 30:
        raise NotEstimable("the conditional likelihood has no maximum: sets may be separated")
    return Conditional(np.asarray(found.params), _bordered(np.asarray(covariance)), float(found.llf))


def _bordered(covariance: np.ndarray) -> np.ndarray:
    whole = np.zeros((len(covariance) + 1,) * 2)
    whole[1:, 1:] = covariance
    return whole
