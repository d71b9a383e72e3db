"""Do the means of several groups differ? From women's values, or from printed means and deviations."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import fdtrc, fdtri, gammaln, ndtri
from scipy.stats import kruskal, mannwhitneyu, studentized_range

from decidua.statistics.answers import Estimate, HypothesisTest, NotEstimable


@dataclass(frozen=True)
class Summary:
    """Groups by name with their size, mean and standard deviation (n - 1); NaN where a group is too small."""

    names: tuple[str, ...]
    n: np.ndarray
    mean: np.ndarray
    sd: np.ndarray

    @classmethod
    def printed(
        cls, n: Sequence[int], mean: Sequence[float], sd: Sequence[float], names: Sequence[str] = ()
    ) -> "Summary":
        """From what a paper prints of each group; without names the groups are called 1, 2, 3, ..."""
        names = tuple(names) or tuple(str(i + 1) for i in range(len(n)))
        return cls(names, np.asarray(n), np.asarray(mean, dtype=float), np.asarray(sd, dtype=float))

    @property
    def df_between(self) -> int:
        return len(self.names) - 1

    @property
    def df_within(self) -> int:
        return int(self.n.sum()) - len(self.names)

    @property
    def mean_square_within(self) -> float:
        return float(np.where(self.n > 1, (self.n - 1) * self.sd**2, 0.0).sum() / self.df_within)

    def occupied(self) -> "Summary":
        """The groups that hold anyone."""
        kept = self.n > 0
        names = tuple(name for name, keep in zip(self.names, kept, strict=True) if keep)
        return Summary(names, self.n[kept], self.mean[kept], self.sd[kept])


@dataclass(frozen=True)
class Contrast:
    """Two groups compared: difference of means (first minus second), simultaneous interval, adjusted p."""

    first: str
    second: str
    difference: Estimate
    p: float


def split(values: ArrayLike, codes: ArrayLike, groups: int) -> list[np.ndarray]:
    """The known values of each group; codes count from 0, a negative one is in no group."""
    values, codes = np.asarray(values, dtype=float), np.asarray(codes)
    known = ~np.isnan(values)
    return [values[known & (codes == group)] for group in range(groups)]


def summarise(samples: Sequence[np.ndarray], names: Sequence[str]) -> Summary:
    """Size, mean and standard deviation of each group's values."""
    n = np.array([len(sample) for sample in samples], dtype=int)
    mean = np.array([sample.mean() if len(sample) else np.nan for sample in samples])
    sd = np.array([_sd(sample) for sample in samples])
    return Summary(tuple(names), n, mean, sd)


def _sd(sample: np.ndarray) -> float:
    if len(sample) < 2:
        return np.nan
    # Rounding of the mean would give a constant a standard deviation of 1e-17.
    return 0.0 if np.ptp(sample) == 0 else float(sample.std(ddof=1))


def one_way_anova(summary: Summary) -> HypothesisTest:
    """One-way analysis of variance with equal variances, F test.

    Raises:
        NotEstimable: fewer than two groups hold anyone, or no group has any variation.
    """
    groups = _comparable(summary)
    grand = groups.n @ groups.mean / groups.n.sum()
    between = groups.n @ (groups.mean - grand) ** 2 / groups.df_between
    statistic = between / groups.mean_square_within
    return _f_test(statistic, groups.df_between, groups.df_within)


def welch_anova(summary: Summary) -> HypothesisTest:
    """One-way analysis of variance with unequal variances, as R's oneway.test.

    Raises:
        NotEstimable: as for `one_way_anova`, or a group has no variation of its own.

    Source: Welch 1951, Biometrika 38:330.
    """
    groups = _comparable(summary)
    if not (groups.sd > 0).all():
        without = ", ".join(name for name, sd in zip(groups.names, groups.sd, strict=True) if not sd > 0)
        raise NotEstimable(f"a group has no variation of its own: {without}")
    k = len(groups.names)
    weights = groups.n / groups.sd**2
    share = weights / weights.sum()
    between = weights @ (groups.mean - share @ groups.mean) ** 2 / (k - 1)
    spread = ((1 - share) ** 2 / (groups.n - 1)).sum() / (k**2 - 1)
    return _f_test(between / (1 + 2 * (k - 2) * spread), k - 1, 1 / (3 * spread))


def kruskal_wallis(samples: Sequence[np.ndarray]) -> HypothesisTest:
    """Kruskal-Wallis rank test with correction for ties.

    Raises:
        NotEstimable: fewer than two groups hold anyone, or all values are the same.
    """
    occupied = [sample for sample in samples if len(sample)]
    if len(occupied) < 2:
        raise NotEstimable("fewer than two groups have known values")
    if np.ptp(np.concatenate(occupied)) == 0:
        raise NotEstimable("all women have the same value")
    statistic, p = kruskal(*occupied)
    return HypothesisTest(float(statistic), float(p), float(len(occupied) - 1))


def scheffe(summary: Summary, confidence: float = 0.95) -> list[Contrast]:
    """Every pair of groups by Scheffe's method, which holds for all contrasts at once.

    Raises:
        NotEstimable: as for `one_way_anova`.

    Source: Scheffe 1953, Biometrika 40:87.
    """
    groups = _comparable(summary)
    k, df = groups.df_between, groups.df_within
    critical = np.sqrt(k * fdtri(k, df, confidence))
    return _contrasts(groups, lambda t: fdtrc(k, df, t**2 / k), critical)


def tukey(summary: Summary, confidence: float = 0.95) -> list[Contrast]:
    """Every pair of groups by Tukey's honest significant difference (Tukey-Kramer for unequal sizes).

    Raises:
        NotEstimable: as for `one_way_anova`.
    """
    groups = _comparable(summary)
    shape = len(groups.names), groups.df_within
    critical = studentized_range.ppf(confidence, *shape) / np.sqrt(2)
    return _contrasts(groups, lambda t: studentized_range.sf(np.sqrt(2) * abs(t), *shape), critical)


#: Up to so many pairs of samples without ties, Mann-Whitney's p-value is exact.
MOST_EXACT_PAIRS = 2500


def mann_whitney(first: np.ndarray, second: np.ndarray) -> tuple[str, HypothesisTest]:
    """Mann-Whitney test, two-sided: exact for few values without ties, else normal with correction for both.

    Returns:
        The test's name, and the test; the statistic is U of the first sample.

    Raises:
        NotEstimable: a sample is empty, or all values are the same.
    """
    both = np.concatenate([first, second])
    if not len(first) or not len(second):
        raise NotEstimable("fewer than two groups have known values")
    if np.ptp(both) == 0:
        raise NotEstimable("all women have the same value")
    exact = len(first) * len(second) <= MOST_EXACT_PAIRS and len(np.unique(both)) == len(both)
    found = mannwhitneyu(first, second, method="exact" if exact else "asymptotic")
    name = "Mann-Whitney exact" if exact else "Mann-Whitney"
    return name, HypothesisTest(float(found.statistic), float(found.pvalue))


def hedges_g(first: np.ndarray, second: np.ndarray, confidence: float = 0.95) -> Estimate:
    """Standardised difference of two means, first minus second, without bias, with its large-sample interval.

    The difference in pooled standard deviations times J(m) = G(m/2) / (sqrt(m/2) G((m-1)/2)), G the gamma
    function and m the degrees of freedom; its variance is (n1 + n2) / (n1 n2) + g^2 / (2 (n1 + n2)).

    Raises:
        NotEstimable: a sample has fewer than two values, or neither varies.

    Source: Hedges 1981, J Educ Stat 6:107; Hedges and Olkin 1985, Statistical Methods for Meta-Analysis.
    """
    n1, n2 = len(first), len(second)
    if min(n1, n2) < 2:
        raise NotEstimable("a group has fewer than two known values")
    summary = summarise([first, second], ("first", "second"))
    if summary.mean_square_within == 0:
        raise NotEstimable("no group has any variation")
    m = summary.df_within
    unbiased = np.exp(gammaln(m / 2) - gammaln((m - 1) / 2)) / np.sqrt(m / 2)
    g = float(unbiased * (summary.mean[0] - summary.mean[1]) / np.sqrt(summary.mean_square_within))
    half = float(ndtri((1 + confidence) / 2) * np.sqrt((n1 + n2) / (n1 * n2) + g**2 / (2 * (n1 + n2))))
    return Estimate(g, g - half, g + half)


def _contrasts(groups: Summary, p_of: Callable[[float], float], critical: float) -> list[Contrast]:
    found = []
    for i, j in combinations(range(len(groups.names)), 2):
        error = np.sqrt(groups.mean_square_within * (1 / groups.n[i] + 1 / groups.n[j]))
        difference = groups.mean[i] - groups.mean[j]
        half = critical * error
        found.append(
            Contrast(
                groups.names[i],
                groups.names[j],
                Estimate(float(difference), float(difference - half), float(difference + half)),
                float(p_of(difference / error)),
            )
        )
    return found


def _comparable(summary: Summary) -> Summary:
    groups = summary.occupied()
    if len(groups.names) < 2:
        raise NotEstimable("fewer than two groups have known values")
    if groups.df_within < 1 or groups.mean_square_within == 0:
        raise NotEstimable("no group has any variation")
    return groups


def _f_test(statistic: float, df: float, df_residual: float) -> HypothesisTest:
    p = float(fdtrc(df, df_residual, statistic))
    return HypothesisTest(float(statistic), p, float(df), float(df_residual))
