"""Are the genes of a set shifted together between cases and controls, more than genes outside of it?

A competitive rank test that allows for the correlation of genes (Wu and Smyth 2012, doi 10.1093/nar/gks461):
genes of a set move together also where nothing differs, and a test that takes them for independent finds
sets in noise.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import stdtr

from decidua import results
from decidua.contrast import contrast, mean_correlation, t_statistics
from decidua.gene_sets import GeneSet, id_kind, locate_sets
from decidua.results import not_estimable, row
from decidua.signatures import VERSUS, Expression, adjusted
from decidua.statistics.answers import NotEstimable

#: Fewer measured genes are no set.
LEAST = 3
TEST = "rank test of the set against all other genes, allowing for correlation"


@dataclass(frozen=True)
class Enrichment:
    """superiority: probability that a gene of the set has a larger statistic than one outside of it (0.5: no
    shift); correlation: mean within the set, of residuals; inflation: of the variance by it; z and p."""

    superiority: float
    correlation: float
    inflation: float
    z: float
    p: float


def rank_test(statistics: np.ndarray, inside: np.ndarray, correlation: float, df: float) -> Enrichment:
    """Wilcoxon's rank sum of the genes of a set against the others, if those of the set are correlated.

    Args:
        statistics: of all genes, such as t; inside: positions of the set's genes among them.
        correlation: mean of pairs within the set; below 0 it counts as 0.
        df: degrees of freedom that the correlation was estimated with; z is referred to t with as many.

    The variance of the number of pairs (inside, outside) in order follows from the chance that two such
    comparisons agree: arcsines of the correlation of two differences of normal statistics (Barry et al. 2008,
    doi 10.1214/07-AOAS146; Wu and Smyth 2012, equation of the rank test).
    """
    ranks = pd.Series(statistics).rank().to_numpy()  # of ties the mean; SciPy's takes a second to import
    n, m = len(inside), len(ranks) - len(inside)
    pairs = n * m
    won = float(ranks[inside].sum()) - n * (n + 1) / 2
    rho = max(float(correlation), 0.0)
    plain = _variance(n, m, 0.0)
    variance = _variance(n, m, rho)
    ties = np.unique(ranks, return_counts=True)[1].astype(float)
    everything = n + m
    shrunk = 1 - float((ties**3 - ties).sum()) / (everything**3 - everything)
    error = np.sqrt(variance * shrunk)
    distance = won - pairs / 2
    z = float(np.sign(distance) * max(abs(distance) - 0.5, 0.0) / error) if error > 0 else 0.0
    p = float(min(2 * stdtr(df, -abs(z)), 1.0))
    return Enrichment(won / pairs, float(correlation), variance / plain, z, p)


def _variance(n: int, m: int, rho: float) -> float:
    """Of the number of pairs in order, n correlated genes against m independent ones."""
    same = np.arcsin(1.0)
    own = np.arcsin(0.5)  # two comparisons that share the gene inside
    other = np.arcsin((1 + rho) / 2)  # that share the gene outside
    none = np.arcsin(rho / 2)
    total = same + own * (m - 1) + other * (n - 1) + none * (n - 1) * (m - 1)
    return float(n * m * total / (2 * np.pi))


def enrich(of: Expression, samples: pd.DataFrame, sets: Sequence[GeneSet]) -> pd.DataFrame:
    """A results table: each set's shift between cases and controls against all other measured genes."""
    found = locate_sets(sets, of.values.index, id_kind(sets, of.values.index))
    compared = contrast(of.values[of.measured], samples)
    place_of = np.cumsum(of.measured) - 1
    try:
        t, residuals, df = t_statistics(compared)
        known = np.flatnonzero(~np.isnan(t))
        reason = ""
    except NotEstimable as why:
        known, reason = np.array([], dtype=np.intp), str(why)
    rows, tests = [], []
    rank_of = np.full(int(of.measured.sum()), -1)
    rank_of[known] = np.arange(len(known))
    for one in sets:
        there = found[one.name].places
        inside = rank_of[place_of[there[of.measured[there]]]]
        inside = np.sort(inside[inside >= 0])
        place = {"analysis": "enrichment", "population": "all", "variable": one.name, "level": VERSUS}
        place |= {"counted": f"{compared.counted}; {len(known)} genes measured"}
        own = {"numerator": len(inside), "denominator": len(one.genes)}
        why = reason or _too_few(len(inside), len(known))
        if why:
            rows.append(not_estimable(why, **place, **own, quantity="probability of a larger statistic"))
            continue
        correlation = float(mean_correlation(residuals[known[inside]]))
        result = rank_test(t[known], inside, correlation, min(df, len(known) - 2))
        caution = {"reason": compared.caution} if compared.caution else {}
        rows += [
            row(
                **place,
                **own,
                **caution,
                quantity="probability of a larger statistic",
                estimate=result.superiority,
            ),
            row(**place, **own, quantity="mean correlation of residuals", estimate=result.correlation),
            row(**place, **own, quantity="variance inflation", estimate=result.inflation),
        ]
        tests.append(
            row(
                **place,
                **caution,
                quantity="test",
                test=TEST,
                statistic=result.z,
                df=min(df, len(known) - 2),
                p=result.p,
            )
        )
        rows.append(tests[-1])
    return results.frame([*rows, *adjusted(tests)])


def _too_few(inside: int, genes: int) -> str:
    if inside < LEAST:
        return f"{inside or 'none'} of its genes measured, fewer than {LEAST}"
    if genes - inside < LEAST:
        return f"{genes - inside} genes measured outside of the set, fewer than {LEAST}"
    return ""
