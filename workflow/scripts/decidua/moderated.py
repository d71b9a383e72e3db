"""Which genes differ, by t-tests whose variances borrow strength from each other?

Empirical Bayes of Smyth 2004 (doi 10.2202/1544-6115.1027): a gene's residual variance is drawn towards
a prior that all genes together teach.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, polygamma
from scipy.stats import t as student

from decidua.errors import InputError


@dataclass(frozen=True)
class VariancePrior:
    """Scaled inverse chi-square: degrees of freedom (0: none; infinite: one variance for all), variance."""

    df: float
    variance: float


@dataclass(frozen=True)
class ModeratedTest:
    """Of each gene: effect, standard error, statistic, two-sided p; df is that of the t distribution."""

    effect: np.ndarray
    error: np.ndarray
    statistic: np.ndarray
    p: np.ndarray
    df: float
    prior: VariancePrior


def variance_prior(variances: np.ndarray, df: float) -> VariancePrior:
    """The prior from residual variances with `df` degrees of freedom each; equations of Smyth's section 6.2.

    Variances of 0 are left out: their logarithm would decide everything. Without two positive ones, no prior.
    """
    positive = variances[variances > 0]
    if len(positive) < 2:
        return VariancePrior(0.0, float("nan"))
    logs = np.log(positive) - digamma(df / 2) + np.log(df / 2)
    spread = logs.var(ddof=1) - polygamma(1, df / 2)
    if spread <= 0:
        return VariancePrior(np.inf, float(np.exp(logs.mean())))
    half = inverse_trigamma(float(spread))
    return VariancePrior(2 * half, float(np.exp(logs.mean() + digamma(half) - np.log(half))))


def inverse_trigamma(value: float) -> float:
    """The x whose trigamma is `value` (> 0), by Newton's method on 1 / trigamma (Smyth 2004, appendix)."""
    if value > 1e7:
        return float(value**-0.5)
    if value < 1e-6:
        return 1 / value
    x = 0.5 + 1 / value
    for _ in range(50):
        trigamma = polygamma(1, x)
        step = trigamma * (1 - trigamma / value) / polygamma(2, x)
        x += step
        if -step / x < 1e-10:
            break
    return float(x)


def moderated_t(
    values: np.ndarray, design: np.ndarray, coefficient: int, prior: VariancePrior | None = None
) -> ModeratedTest:
    """Test one coefficient of a linear model in every gene.

    Args:
        values: samples x genes, log2 expression; design: samples x coefficients, of full rank.
        prior: of the variances; taught by these genes without it.

    Raises:
        InputError: no residual degree of freedom.
    """
    df = len(design) - design.shape[1]
    if df < 1:
        raise InputError(
            f"design: found {len(design)} samples for {design.shape[1]} coefficients; expected more samples"
        )
    inverse = np.linalg.inv(design.T @ design)
    beta = inverse @ (design.T @ values)
    variances = ((values - design @ beta) ** 2).sum(axis=0) / df
    prior = prior or variance_prior(variances, df)
    total = df + prior.df
    if np.isinf(prior.df):
        drawn = np.full(len(variances), prior.variance)
    else:
        drawn = (df * variances + (prior.df * prior.variance if prior.df else 0.0)) / total
    error = np.sqrt(drawn * inverse[coefficient, coefficient])
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = beta[coefficient] / error
    # a single gene cannot know its variance better than all genes together do (as limma bounds it)
    total = min(total, df * values.shape[1])
    return ModeratedTest(
        beta[coefficient], error, statistic, 2 * student.sf(np.abs(statistic), total), total, prior
    )
