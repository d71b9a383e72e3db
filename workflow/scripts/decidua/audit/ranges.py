"""Analysis of variance and t-tests from printed sizes, means and SDs: what they can give.

Every function takes boxes and returns, by name of the method, an outer bound of the truth; the first method
is the one that is usually meant, the others are what could have been done instead.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
from scipy.special import fdtrc, stdtr
from scipy.stats import f as f_distribution
from scipy.stats import studentized_range
from scipy.stats import t as t_distribution

from decidua.audit.boxes import Box, Range

#: Up to so many groups the largest sum of squares between them is looked for at every corner of their means.
_CORNERS = 12
#: An SD that may be 0 counts as at least this in weights 1 / SD^2, which would be infinite.
_LEAST_SD = 1e-9
DIVISOR_N = "SDs with divisor n"


@dataclass(frozen=True)
class Group:
    """A group of women: how many, and the boxes of their mean and SD (of divisor n - 1)."""

    n: int
    mean: Box
    sd: Box


@dataclass(frozen=True)
class _Arrays:
    """Sizes and ends of the boxes of several groups."""

    n: np.ndarray
    low: np.ndarray
    high: np.ndarray
    sd_low: np.ndarray
    sd_high: np.ndarray

    @property
    def k(self) -> int:
        return len(self.n)

    @property
    def residual(self) -> int:
        return int(self.n.sum()) - self.k

    def within(self, divisor_n: bool = False) -> tuple[float, float]:
        """Sum of squares within the groups: it grows with every SD."""
        freedom = self.n if divisor_n else self.n - 1
        return float(freedom @ self.sd_low**2), float(freedom @ self.sd_high**2)


def _arrays(groups: Sequence[Group]) -> _Arrays:
    n = np.array([group.n for group in groups], dtype=float)
    low, high = (np.array([getattr(g.mean, end) for g in groups], dtype=float) for end in ("low", "high"))
    sd_low, sd_high = (
        np.maximum([getattr(g.sd, end) for g in groups], 0.0).astype(float) for end in ("low", "high")
    )
    return _Arrays(n, low, high, sd_low, sd_high)


def least_between(weights: np.ndarray, low: np.ndarray, high: np.ndarray) -> float:
    """Smallest sum of w (x - mean)^2 over x in their boxes; attained.

    The sum is the least over c of sum w (x - c)^2, convex in x and c together: the best x is c clipped to its
    box, and what remains is convex in c, with a derivative that is linear between the ends of the boxes.
    """
    ends = np.unique(np.r_[low, high])
    slope = weights @ (ends - np.clip(ends, low[:, None], high[:, None]))
    right = int(np.searchsorted(slope, 0.0))
    right = min(max(right, 1), len(ends) - 1) if len(ends) > 1 else 0
    left = max(right - 1, 0)
    rise = slope[right] - slope[left]
    share = 0.0 if rise == 0 else -slope[left] / rise
    c = ends[left] + min(max(share, 0.0), 1.0) * (ends[right] - ends[left])
    return float(weights @ (c - np.clip(c, low, high)) ** 2)


def most_between(weights: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[float, bool]:
    """Largest sum of w (x - mean)^2 over x in their boxes, and whether it is attained.

    It is convex in x, so a corner attains it. Which one is no threshold on the boxes when weights differ (two
    equal boxes' worth of weights must be split evenly: the partition problem), so up to 12 groups every
    corner is tried. Beyond that: the least over c of the sum of w max(|low - c|, |high - c|)^2, which is
    no smaller (max min <= min max).
    """
    if len(weights) <= _CORNERS:
        x = np.where(_corners(len(weights)), high, low)
        x = x - x[0].mean()
        mean = x @ weights / weights.sum()
        return float(max((x - mean[:, None]) ** 2 @ weights)), True
    middle, half = (low + high) / 2, (high - low) / 2
    # w (|m - c| + h)^2 has the derivative 2 w ((c - m) + h sign(c - m)): monotone, jumps at the middles.
    order = np.argsort(middle, kind="stable")
    w, m, h = weights[order], middle[order], half[order]
    below = np.r_[0.0, np.cumsum(w * h)]
    # In each gap between middles the stationary c, clipped to the gap: one of them is the minimum.
    c = (w @ m - (2 * below - below[-1])) / w.sum()
    c = np.clip(c, np.r_[-np.inf, m], np.r_[m, np.inf])
    return float(min((np.abs(m - c[:, None]) + h) ** 2 @ w)), False


@lru_cache(maxsize=16)
def _corners(k: int) -> np.ndarray:
    """Every choice of the low or high end of k boxes: 2^k x k."""
    return (np.arange(2**k)[:, None] >> np.arange(k)) & 1 > 0


def _ratio(low: float, high: float, divisor_low: float, divisor_high: float, exact: bool) -> Range:
    """Of numbers of 0 or more; 0 / 0 is anything."""
    least = low / divisor_high if divisor_high > 0 else math.inf if low > 0 else 0.0
    most = high / divisor_low if divisor_low > 0 else math.inf
    return Range(least, most, exact and divisor_low > 0)


def anova_df(groups: Sequence[Group]) -> tuple[int, int]:
    """Degrees of freedom of the one-way analysis of variance: k - 1 and N - k."""
    return len(groups) - 1, sum(group.n for group in groups) - len(groups)


def anova_f(groups: Sequence[Group]) -> dict[str, Range]:
    """F of the one-way analysis of variance: "ANOVA", "Welch's ANOVA", "ANOVA, SDs with divisor n".

    A method that is not defined for the groups (no residual degrees of freedom; Welch: a group of one woman
    or without spread) is left out.
    """
    found = {}
    df1, df2 = anova_df(groups)
    if df1 < 1 or df2 < 1:
        return found
    a = _arrays(groups)
    least = least_between(a.n, a.low, a.high)
    most, exact = most_between(a.n, a.low, a.high)
    between = (least / df1, most / df1)
    found["ANOVA"] = _ratio(*between, *(s / df2 for s in a.within()), exact)
    if _welch_defined(a):
        found["Welch's ANOVA"] = _welch_f(a)[0]
    found[f"ANOVA, {DIVISOR_N}"] = _ratio(*between, *(s / df2 for s in a.within(True)), exact)
    return found


def anova_p(groups: Sequence[Group]) -> dict[str, Range]:
    """p of the same methods."""
    df1, df2 = anova_df(groups)
    found = {}
    for method, f in anova_f(groups).items():
        df = _welch_f(_arrays(groups))[1] if method == "Welch's ANOVA" else (df2, df2)
        found[method] = _p_of_f(f, df1, *df)
    return found


def _welch_defined(a: _Arrays) -> bool:
    return bool((a.n > 1).all() and (a.sd_high > 0).all())


def _welch_f(a: _Arrays) -> tuple[Range, tuple[float, float]]:
    """F and its second degrees of freedom. Source: Welch 1951, Biometrika 38:330.

    The numerator, min over c of sum w (x - c)^2, grows with every weight w = n / SD^2; the shares w / W in
    the denominator are bounded one by one, so the whole is an outer bound.
    """
    light, heavy = (a.n / np.maximum(sd, _LEAST_SD) ** 2 for sd in (a.sd_high, a.sd_low))
    least = least_between(light, a.low, a.high)
    most = most_between(heavy, a.low, a.high)[0]
    # Summed over the others, not as a difference: weights may differ by twenty orders of magnitude.
    others = 1 - np.eye(a.k)
    share_low, share_high = light / (light + others @ heavy), heavy / (heavy + others @ light)
    unevenness = [float(((1 - share) ** 2 / (a.n - 1)).sum()) for share in (share_high, share_low)]
    factor = 2 * (a.k - 2) / (a.k**2 - 1)
    small, large = (1 + factor * each for each in unevenness)
    df = tuple((a.k**2 - 1) / (3 * each) if each > 0 else math.inf for each in reversed(unevenness))
    most = math.inf if (a.sd_low < _LEAST_SD).any() else most
    return Range(least / (a.k - 1) / large, most / (a.k - 1) / small, exact=False), df


def p_of_f(f: Box, df1: float, df2: float) -> Range:
    """p of a printed F."""
    return _p_of_f(Range(max(f.low, 0.0), f.high), df1, df2, df2)


def _p_of_f(f: Range, df1: float, df2_low: float, df2_high: float) -> Range:
    """p falls with F. It need not be monotone in the second degrees of freedom: these are sampled densely."""
    if df2_low == df2_high:
        return Range(_upper_f(df1, df2_low, f.high), _upper_f(df1, df2_low, f.low), f.exact)
    df2 = 1 / np.linspace(max(1 / df2_high, 1e-9), 1 / df2_low, 65)
    low = min(_upper_f(df1, each, f.high) for each in df2)
    return Range(low, max(_upper_f(df1, each, f.low) for each in df2), exact=False)


def _upper_f(df1: float, df2: float, f: float) -> float:
    return 0.0 if math.isinf(f) else float(fdtrc(df1, df2, max(f, 0.0)))


def p_of_t(t: Box, df: float) -> dict[str, Range]:
    """p of a printed t (either sign): "two-sided", "one-sided"."""
    apart, wide = max(t.low, -t.high, 0.0), max(abs(t.low), abs(t.high))
    two_sided = _p_of_t(Range(apart, wide), df, df)
    return {"two-sided": two_sided, "one-sided": Range(two_sided.low / 2, two_sided.high / 2, True)}


def _p_of_t(t: Range, df_low: float, df_high: float) -> Range:
    """Two-sided: it falls with |t| and, for the tails grow thinner, with the degrees of freedom."""
    return Range(
        2 * float(stdtr(df_high, -t.high)), 2 * float(stdtr(df_low, -t.low)), t.exact and df_low == df_high
    )


def t_statistic(a: Group, b: Group) -> dict[str, Range]:
    """|t|, to be compared with the printed t without its sign.

    "Student's t", "Welch's t", "Student's t, SDs with divisor n"; one that is not defined is left out.
    """
    return {method: t for method, (t, _) in _t(a, b).items()}


def t_p(a: Group, b: Group) -> dict[str, Range]:
    """p of the same, two-sided; and "Student's t, one-sided", "Welch's t, one-sided"."""
    found = {method: _p_of_t(t, *df) for method, (t, df) in _t(a, b).items()}
    for method in ("Student's t", "Welch's t"):
        if method in found:
            p = found[method]
            found[f"{method}, one-sided"] = Range(p.low / 2, p.high / 2, p.exact)
    return found


def _t(a: Group, b: Group) -> dict[str, tuple[Range, tuple[float, float]]]:
    """|t| and the ends of its degrees of freedom, by method."""
    apart = max(a.mean.low - b.mean.high, b.mean.low - a.mean.high, 0.0)
    wide = max(a.mean.high - b.mean.low, b.mean.high - a.mean.low)
    arrays, df = _arrays([a, b]), a.n + b.n - 2
    found = {}
    if df > 0:
        for method, divisor_n in (("Student's t", False), (f"Student's t, {DIVISOR_N}", True)):
            error = (math.sqrt(s / df * (1 / a.n + 1 / b.n)) for s in arrays.within(divisor_n))
            found[method] = _ratio(apart, wide, *error, exact=True), (df, df)
    if _welch_defined(arrays):
        error = (math.sqrt((sd**2 / arrays.n).sum()) for sd in (arrays.sd_low, arrays.sd_high))
        found["Welch's t"] = _ratio(apart, wide, *error, exact=True), _satterthwaite(arrays)
    return found


def _satterthwaite(a: _Arrays) -> tuple[float, float]:
    """Ends of 1 / sum(share^2 / (n - 1)), share = v / (v1 + v2), v = SD^2 / n: one peak in the share."""
    v_low, v_high = (np.maximum(sd, _LEAST_SD) ** 2 / a.n for sd in (a.sd_low, a.sd_high))
    first, second = a.n - 1
    ends = [v_low[0] / (v_low[0] + v_high[1]), v_high[0] / (v_high[0] + v_low[1])]
    if a.sd_low[0] < _LEAST_SD:
        ends[0] = 0.0
    if a.sd_low[1] < _LEAST_SD:
        ends[1] = 1.0
    peak = min(max(first / (first + second), ends[0]), ends[1])
    df = [1 / (share**2 / first + (1 - share) ** 2 / second) for share in (*ends, peak)]
    return float(min(df)), float(max(df))


def significant_pairs(groups: Sequence[Group], alpha: float = 0.05) -> dict[str, Range]:
    """How many pairs of groups differ significantly: "Scheffé", "Tukey", "Bonferroni", "LSD".

    All by the mean square within all groups. From the pairs that always do to the pairs that can: an outer
    bound, for not every pair need be able to at once.
    """
    k, (df1, df2) = len(groups), anova_df(groups)
    if df2 < 1:
        return {}
    pairs = list(combinations(groups, 2))
    within = [s / df2 for s in _arrays(groups).within()]
    t2 = [_squared_t(a, b, *within) for a, b in pairs]
    critical = {
        "Scheffé": df1 * float(f_distribution.isf(alpha, df1, df2)),
        "Tukey": _tukey(k, df2, alpha) ** 2 / 2,
        "Bonferroni": float(t_distribution.isf(alpha / 2 / len(pairs), df2)) ** 2,
        "LSD": float(t_distribution.isf(alpha / 2, df2)) ** 2,
    }
    found = {}
    for method, limit in critical.items():
        always, ever = sum(low > limit for low, _ in t2), sum(high >= limit for _, high in t2)
        found[method] = Range(float(always), float(ever), exact=always == ever)
    return found


def _squared_t(a: Group, b: Group, within_low: float, within_high: float) -> tuple[float, float]:
    apart = max(a.mean.low - b.mean.high, b.mean.low - a.mean.high, 0.0)
    wide = max(a.mean.high - b.mean.low, b.mean.high - a.mean.low)
    size = 1 / a.n + 1 / b.n
    found = _ratio(apart**2, wide**2, within_low * size, within_high * size, exact=True)
    return found.low, found.high


@lru_cache(maxsize=256)
def _tukey(k: int, df: int, alpha: float) -> float:
    return float(studentized_range.isf(alpha, k, df))


def pooled_mean(groups: Sequence[Group]) -> Range:
    """Mean of the union of the groups: it grows with every mean."""
    a = _arrays(groups)
    return Range(float(a.n @ a.low / a.n.sum()), float(a.n @ a.high / a.n.sum()))


def pooled_sd(groups: Sequence[Group]) -> dict[str, Range]:
    """SD of the union: "SD of the union", "within groups" (root of the mean square), "divisor n".

    The sums of squares between and within depend on different boxes, so both ends are attained together.
    """
    a = _arrays(groups)
    least = least_between(a.n, a.low, a.high)
    most, exact = most_between(a.n, a.low, a.high)
    low, high = a.within()
    found = {}
    total = float(a.n.sum())
    if total > 1:
        found["SD of the union"] = _root(low + least, high + most, total - 1, exact)
    if a.residual > 0:
        found["within groups"] = _root(low, high, a.residual, True)
    low, high = a.within(divisor_n=True)
    found["divisor n"] = _root(low + least, high + most, total, exact)
    return found


def _root(low: float, high: float, divisor: float, exact: bool) -> Range:
    return Range(math.sqrt(low / divisor), math.sqrt(high / divisor), exact)
