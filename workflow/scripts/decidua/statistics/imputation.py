"""What if no covariate were missing? Multiple imputation, pooled by Rubin's rules."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

from decidua.statistics.answers import Estimate, HypothesisTest, NotEstimable
from decidua.steps import steps

#: Rounds of the chained equations (van Buuren 2018, Flexible Imputation of Missing Data, section 4.5).
ROUNDS = 5
#: The equations of one imputation are learned from no more women than this, drawn with replacement.
MOST_LEARNED_FROM = 20_000
#: Women times imputations: with more women there are fewer imputations, but never fewer than FEWEST.
MOST_FILLED, FEWEST = 10_000_000, 5
#: Fewer known values of a column teach nothing about the others.
FEWEST_KNOWN = 10
#: So often a bootstrap sample is drawn anew because a variable is the same for all of its women.
_MOST_DRAWS = 100


def imputations(declared: int, women: int) -> int:
    """How many imputations are made of that many women."""
    return declared if declared <= FEWEST else max(FEWEST, min(declared, MOST_FILLED // max(women, 1)))


def impute(values: np.ndarray, count: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Fill what is missing, several times, by chained linear equations with random draws.

    Each imputation learns its equations from a bootstrap sample of the women, so that it differs from the
    others also by what the equations could not tell exactly, and draws each missing value about its
    prediction. Values are neither rounded nor kept within bounds: both bias a regression on them.

    Args:
        values: a row a woman, a column a variable, NaN where unknown; no column is constant.
        count: how many times.

    Returns:
        The values in full, an array an imputation.

    Raises:
        NotEstimable: too few values of a column are known.

    Source: van Buuren 2018; bootstrap: Honaker and King 2010, Am J Polit Sci 54:561; rounding and bounds:
    von Hippel 2013, Sociol Methods Res 42:105.
    """
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401
    from sklearn.impute import IterativeImputer

    from decidua.statistics.normal_regression import NormalRegression

    known = (~np.isnan(values)).sum(axis=0)
    if known.min(initial=FEWEST_KNOWN) < FEWEST_KNOWN:
        raise NotEstimable(f"only {known.min()} women have the value that is known the least often")
    for _ in steps(range(count), f"Imputation of {len(values)} women"):
        sample = _sample(values, rng)
        chained = IterativeImputer(
            NormalRegression(),
            sample_posterior=True,
            max_iter=ROUNDS,
            skip_complete=True,
            random_state=int(rng.integers(2**31)),
        )
        filled = chained.fit(values[sample]).transform(values)
        yield filled


def _sample(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A bootstrap sample of the women in which every column varies.

    For each column that has them, it holds a woman without a value: else no equation would be made for it.
    """
    holes = np.isnan(values)
    without = holes.argmax(axis=0)[holes.any(axis=0)]
    size = min(len(values), MOST_LEARNED_FROM)
    for _ in range(_MOST_DRAWS):
        sample = rng.integers(len(values), size=size)
        low = np.nanmin(values[sample], axis=0, initial=np.inf)
        high = np.nanmax(values[sample], axis=0, initial=-np.inf)
        if (high > low).all():
            return np.append(sample, without)
    raise NotEstimable("a variable is the same for almost all women: nothing can be learned from it")


@dataclass(frozen=True)
class Pooled:
    """One coefficient over all imputations: mean, standard error, degrees of freedom, missing information."""

    value: float
    error: float
    df: float
    missing_information: float

    def estimate(self, confidence: float = 0.95) -> Estimate:
        half = stdtrit(self.df, (1 + confidence) / 2) * self.error
        return Estimate(self.value, self.value - half, self.value + half)

    @property
    def test(self) -> HypothesisTest:
        """That the coefficient is zero."""
        t = self.value / self.error
        return HypothesisTest(t, float(2 * stdtr(self.df, -abs(t))), self.df)


def pool(estimates: np.ndarray, variances: np.ndarray, df_complete: float) -> Pooled:
    """Rubin's rules for one coefficient.

    Args:
        estimates, variances: of each imputation.
        df_complete: residual degrees of freedom if nothing were missing.

    Source: Rubin 1987, Multiple Imputation for Nonresponse in Surveys, section 3.3; degrees of freedom:
    Barnard and Rubin 1999, Biometrika 86:948.
    """
    m = len(estimates)
    within, between = float(np.mean(variances)), float(np.var(estimates, ddof=1))
    more = (1 + 1 / m) * between
    total = within + more
    share = more / total
    observed = (df_complete + 1) / (df_complete + 3) * df_complete * (1 - share)
    df = observed if not share else 1 / (share**2 / (m - 1) + 1 / observed)
    increase = more / within
    missing = (increase + 2 / (df + 3)) / (increase + 1)
    return Pooled(float(np.mean(estimates)), float(np.sqrt(total)), float(df), float(missing))
