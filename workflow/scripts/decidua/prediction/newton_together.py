"""Many ridge logistic regressions of the same women with different weights (resamples), solved together.

Gives what `decidua.prediction.newton.fit_ridge` gives for each weighting, in a fraction of the time: products
of columns are taken once, and the information of all resamples is one matrix product.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from decidua.prediction import newton
from decidua.prediction.newton import SHARES, STRONGER, strong_enough

#: With more women one resample after the other is as fast.
MOST_WOMEN = 5_000
#: Numbers in one array of women x resamples: small enough for the processor's cache, large enough for speed.
_MOST_NUMBERS = 100_000
_LARGEST_BLOCK = 25


def block_size(women: int) -> int:
    """Resamples solved together; it depends on nothing but the women, so that bytes do not either."""
    return int(np.clip(_MOST_NUMBERS // max(women, 1), 1, _LARGEST_BLOCK))


@dataclass(frozen=True)
class Together:
    """Of each of B weightings: intercept (B), coefficients of the columns as given (B x k); NaN where the
    weighting has one outcome only or no maximum."""

    intercepts: np.ndarray
    coefficients: np.ndarray


def fit_together(
    x: np.ndarray,
    event: np.ndarray,
    weights: np.ndarray,
    penalty: float | None = None,
    most_df: float | None = None,
) -> Together:
    """As `fit_ridge`, columns standardised within each weighting.

    Args:
        x: n x k columns of about mean 0 and standard deviation 1.
        event: n floats.
        weights: B x n.
        penalty: None lets each weighting choose. most_df: as of `fit_ridge`.
    """
    design = np.column_stack([np.ones(len(x)), x])
    upper = np.triu_indices(design.shape[1])
    problem = _Problem(design, design[:, upper[0]] * design[:, upper[1]], upper, event)
    found = np.full((len(weights), design.shape[1]), np.nan)
    total, events = weights.sum(axis=1), weights @ event
    usable = np.flatnonzero((events > 0) & (events < total))
    if len(usable):
        found[usable] = _fitted(problem, weights[usable], total[usable], events[usable], penalty, most_df)
    return Together(found[:, 0], found[:, 1:])


def _fitted(
    problem: "_Problem",
    weights: np.ndarray,
    total: np.ndarray,
    events: np.ndarray,
    penalty: float | None,
    most_df: float | None,
) -> np.ndarray:
    x = problem.design[:, 1:]
    mean = weights @ x / total[:, None]
    spread = np.sqrt(np.maximum(weights @ x**2 / total[:, None] - mean**2, 0.0))
    # a column that is the same for all of a resample gets no coefficient
    same = spread <= 1e-7
    scale = np.where(same, 1.0, spread)
    b = np.zeros((len(weights), problem.design.shape[1]))
    b[:, 0] = np.log(events / (total - events))
    if penalty is not None:
        return problem.solved(weights, np.full(len(total), penalty), scale, same, b)[0]
    unit = events * (total - events) / total
    tried = newton._START * unit
    b, information = problem.solved(weights, tried, scale, same, b, newton._NEARLY)
    searching = np.arange(len(weights))
    for _ in range(newton._ROUNDS):
        chosen = _chosen(
            b[searching],
            information[searching],
            scale[searching],
            tried[searching],
            unit[searching],
            total[searching],
            most_df,
        )
        moving = chosen != tried[searching]
        searching = searching[moving]
        if not len(searching):
            break
        tried[searching] = chosen[moving]
        b[searching], information[searching] = problem.solved(
            weights[searching],
            tried[searching],
            scale[searching],
            same[searching],
            b[searching],
            newton._NEARLY,
        )
    return problem.solved(weights, tried, scale, same, b)[0]


def _chosen(
    b: np.ndarray,
    information: np.ndarray,
    scale: np.ndarray,
    penalty: np.ndarray,
    unit: np.ndarray,
    total: np.ndarray,
    most_df: float | None,
) -> np.ndarray:
    """As `newton._chosen`, of standardised columns."""
    across = information[:, 1:, 0]
    inside = information[:, 1:, 1:] - across[:, :, None] * across[:, None, :] / information[:, :1, :1]
    inside = inside / scale[:, :, None] / scale[:, None, :]
    usable = np.isfinite(inside).all(axis=(1, 2))
    size, vectors = np.linalg.eigh(np.where(usable[:, None, None], inside, 1.0))
    size = np.maximum(size, 1e-12 * np.maximum(size[:, -1:], 1.0))[:, None, :]
    at = np.einsum("bij,bi->bj", vectors, b[:, 1:] * scale)[:, None, :]
    held = penalty[:, None, None]
    tried = SHARES * unit[:, None]
    shrunk = size / (size + tried[:, :, None])
    away = (1 + held / size) * at * shrunk - at
    likelihood = (away * (held * at) - 0.5 * away**2 * size).sum(axis=2)
    df = 1 + shrunk.sum(axis=2)
    spare = np.maximum(total[:, None] - df - 1, 1.0)
    criterion = -2 * likelihood + 2 * df * (1 + (df + 1) / spare)
    allowed = df - 1 <= (np.inf if most_df is None else most_df)
    chosen = np.where(allowed, criterion, np.inf).argmin(axis=1)
    best = np.take_along_axis(tried, chosen[:, None], axis=1)[:, 0]
    if not (some := allowed.any(axis=1)).all():
        stronger = STRONGER * unit[:, None]
        place = strong_enough(size[:, 0, :], stronger, most_df)
        best = np.where(some, best, np.take_along_axis(stronger, place[:, None], axis=1)[:, 0])
    return np.where(usable, best, penalty)


@dataclass(frozen=True)
class _Problem:
    design: np.ndarray
    products: np.ndarray
    upper: tuple[np.ndarray, np.ndarray]
    event: np.ndarray

    def solved(
        self,
        weights: np.ndarray,
        penalty: np.ndarray,
        scale: np.ndarray,
        same: np.ndarray,
        start: np.ndarray,
        settled: float = newton._SETTLED,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Newton's method: coefficients, B x k + 1, NaN where there is no maximum, and their information."""
        size = self.design.shape[1]
        damping = np.zeros((len(weights), size))
        damping[:, 1:] = penalty[:, None] * scale**2
        fixed = np.zeros((len(weights), size), dtype=bool)
        fixed[:, 1:] = same
        unit = np.column_stack([np.ones(len(weights)), scale])
        found, information = start.copy(), np.full((len(weights), size, size), np.nan)
        eta = found @ self.design.T
        objective, mu = self.objective(eta, weights, found, damping)
        active = np.flatnonzero(np.isfinite(objective))
        found[~np.isfinite(objective)] = np.nan
        eta, objective, mu = eta[active], objective[active], mu[active]
        for _ in range(newton._MOST_STEPS):
            if not len(active):
                return found, information
            held = self.information(weights[active], mu)
            information[active] = held
            b = found[active]
            gradient = (weights[active] * (self.event - mu)) @ self.design - damping[active] * b
            step = _solve(held, damping[active], gradient, fixed[active])
            along, length = step @ self.design.T, np.ones(len(active))
            reached, moved = self.objective(eta + along, weights[active], b + step, damping[active])
            for _ in range(newton._MOST_HALVINGS):
                worse = np.flatnonzero(~(reached >= objective - 1e-12 * np.abs(objective)))
                if not len(worse):
                    break
                length[worse] /= 2
                part, who = length[worse, None], active[worse]
                reached[worse], moved[worse] = self.objective(
                    eta[worse] + part * along[worse],
                    weights[who],
                    b[worse] + part * step[worse],
                    damping[who],
                )
            found[active] = b + length[:, None] * step
            eta, objective, mu = eta + length[:, None] * along, reached, moved
            lost = ~(np.abs(found[active] * unit[active]).max(axis=1) <= newton._INFINITE)
            found[active[lost]] = np.nan
            going = ~lost & (np.abs(step * unit[active]).max(axis=1) > settled)
            active, eta, objective, mu = active[going], eta[going], objective[going], mu[going]
        found[active] = np.nan
        return found, information

    def information(self, weights: np.ndarray, mu: np.ndarray) -> np.ndarray:
        size = self.design.shape[1]
        flat = (weights * mu * (1 - mu)) @ self.products
        found = np.empty((len(weights), size, size))
        found[:, self.upper[0], self.upper[1]] = flat
        found[:, self.upper[1], self.upper[0]] = flat
        return found

    def objective(
        self, eta: np.ndarray, weights: np.ndarray, b: np.ndarray, damping: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        mu = expit(eta)
        each = self.event * eta - np.maximum(eta, 0.0) + np.log(np.maximum(mu, 1 - mu))
        return np.einsum("bn,bn->b", weights, each) - 0.5 * (damping * b**2).sum(axis=1), mu


def _solve(
    information: np.ndarray, damping: np.ndarray, gradient: np.ndarray, fixed: np.ndarray
) -> np.ndarray:
    """The steps; none of a coefficient that is fixed, NaN where the system has no solution."""
    size = information.shape[1]
    system = information + damping[:, :, None] * np.eye(size)
    if fixed.any():
        system = np.where(fixed[:, :, None] | fixed[:, None, :], np.eye(size), system)
        gradient = np.where(fixed, 0.0, gradient)
    try:
        return np.linalg.solve(system, gradient[:, :, None])[:, :, 0]
    except np.linalg.LinAlgError:
        steps = np.full(gradient.shape, np.nan)
        for place, (left, right) in enumerate(zip(system, gradient, strict=True)):
            try:
                steps[place] = np.linalg.solve(left, right)
            except np.linalg.LinAlgError:
                continue
        return steps
