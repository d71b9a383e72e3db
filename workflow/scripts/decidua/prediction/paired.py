"""What of the predictions of one model or two would hold in other women? From the same resamples for all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from decidua.prediction.validation import MOST_FAILED, Validated
from decidua.statistics.answers import NotEstimable
from decidua.steps import steps

#: Numbers of the women's log odds under each model, and weightings of the women: of each weighting k numbers.
Statistic = Callable[[Sequence[np.ndarray], Sequence[np.ndarray]], list[np.ndarray]]


@dataclass(frozen=True)
class Predicted:
    """What a model says of n women, as log odds of the event.

    apparent: n, learned from the same women. held_out: repeats x n, by models that have not seen the woman
    (NaN where there was none). resampled: resamples x n, by the model of each bootstrap sample of women (NaN
    where none could be learned); without rows where they were not kept.
    """

    apparent: np.ndarray
    held_out: np.ndarray
    resampled: np.ndarray

    @classmethod
    def of(cls, model: Validated) -> "Predicted":
        return cls(model.apparent, model.held_out, model.resampled_linear)

    @classmethod
    def everybody(cls, event: bool, n: int, resamples: int) -> "Predicted":
        """As if every woman (or none) would have the event for certain: acting on all women, or on none."""
        certain = np.inf if event else -np.inf
        shape = np.full((1, n), certain)
        return cls(shape[0], shape, np.broadcast_to(np.float32(certain), (resamples, n)))

    @property
    def known(self) -> np.ndarray:
        """Repeats in which every woman has a held-out prediction."""
        return self.held_out[~np.isnan(self.held_out).any(axis=1)]


@dataclass(frozen=True)
class Corrected:
    """k numbers, each apparent, and corrected with its interval; `method` says how."""

    apparent: np.ndarray
    corrected: np.ndarray
    low: np.ndarray
    high: np.ndarray
    method: str


def corrected(
    statistic: Statistic, models: Sequence[Predicted], weights: np.ndarray, confidence: float = 0.95
) -> Corrected:
    """k numbers of some models' predictions, corrected for having learned from the women who are counted.

    Optimism of a resample: what its models have in the resample less what they have in all women. The
    interval is the apparent number less the quantiles of the optimism: in the resamples all women stand for
    the population, so the optimism there is what the apparent number here is above that of the population.
    From the mean optimism goes what the models of all women have in the resamples more than in all women:
    nothing is learned there, so it is chance alone, and a strategy that learns nothing is not corrected.
    Where the models' resampled predictions were not kept, held-out predictions are counted instead, and the
    interval comes from resampling women whose predictions stay as they are.

    Args:
        statistic: gets the n log odds of each model and several weightings (n), gives k numbers for each.
        weights: resamples x n, how often a woman is in each; the models' resamples.

    Raises:
        NotEstimable: too many resamples gave no model; nothing held out.

    Source: Efron and Tibshirani 1993, chapters 13 and 17; Harrell et al. 1996, Stat Med 15:361.
    """
    ones = np.ones(weights.shape[1])
    weightings = [ones, *(weight.astype(float) for weight in weights)]
    apparent, *fixed = statistic([model.apparent for model in models], weightings)
    if any(not len(model.resampled) for model in models):
        return _of_held_out(statistic, models, weightings, apparent, confidence)
    optimism = np.full((len(weights), len(apparent)), np.nan)
    for place, weight in enumerate(steps(weightings[1:], "Bootstrap of what immune tests change")):
        linears = [model.resampled[place].astype(float) for model in models]
        if not any(np.isnan(linear).any() for linear in linears):
            inside, outside = statistic(linears, [weight, ones])
            optimism[place] = inside - outside
    there = ~np.isnan(optimism).any(axis=1)
    used, chance = optimism[there], np.array(fixed)[there] - apparent
    failed = len(weights) - len(used)
    if failed > MOST_FAILED * len(weights) or len(used) < 2:
        raise NotEstimable(f"{failed} of {len(weights)} resamples gave no number")
    lower, upper = np.quantile(used, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    method = f"apparent less the quantiles of the optimism of {len(used)} resamples, {100 * confidence:g}%"
    middle = apparent - (used - chance).mean(axis=0)
    return Corrected(apparent, middle, apparent - upper, apparent - lower, method)


def _of_held_out(
    statistic: Statistic,
    models: Sequence[Predicted],
    weightings: Sequence[np.ndarray],
    apparent: np.ndarray,
    confidence: float,
) -> Corrected:
    repeats = min(len(model.known) for model in models)
    if not repeats:
        raise NotEstimable("there are no held-out predictions of all women")
    found = np.mean(
        [
            statistic([model.known[place % len(model.known)] for model in models], weightings)
            for place in range(repeats)
        ],
        axis=0,
    )
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    low, high = np.quantile(found[1:], tails, axis=0)
    method = (
        f"held-out women resampled {len(weightings) - 1} times, models as they are, {100 * confidence:g}%"
    )
    return Corrected(apparent, found[0], low, high, method)
