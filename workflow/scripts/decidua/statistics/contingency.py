"""Do two classifications of the women go together? Tests of tables whose cells are numbers of women."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import chdtrc, gammaln
from scipy.stats import binom, chi2_contingency, fisher_exact

from decidua.statistics.answers import Estimate, HypothesisTest, NotEstimable

#: Below this expected count the chi-square approximation is in doubt (Cochran 1954, Biometrics 10:417).
LEAST_EXPECTED = 5.0
#: Tables whose probabilities agree this closely (on the log scale) are equally likely, as in R's fisher.test.
_TIE = 1e-7
#: Odds ratios are looked for between exp(-60) and exp(60).
_FARTHEST = 60.0


def pearson(table: ArrayLike, correction: bool = False) -> HypothesisTest:
    """Pearson's chi-square test; empty rows and columns are left out.

    Args:
        table: rows x columns.
        correction: Yates' continuity correction, for 2 x 2 tables.

    Raises:
        NotEstimable: fewer than two rows or columns hold anyone.
    """
    return _chi_square(table, "pearson", correction)


def likelihood_ratio(table: ArrayLike) -> HypothesisTest:
    """Likelihood-ratio (G) test, without correction; arguments and errors as for `pearson`."""
    return _chi_square(table, "log-likelihood", False)


def _chi_square(table: ArrayLike, kind: str, correction: bool) -> HypothesisTest:
    table = _occupied(table)
    statistic, p, df, expected = chi2_contingency(table, correction=correction, lambda_=kind)
    least = expected.min()
    caution = f"smallest expected count {least:.1f}: see the exact test" if least < LEAST_EXPECTED else ""
    return HypothesisTest(float(statistic), float(p), float(df), caution=caution)


def fisher(table: ArrayLike) -> HypothesisTest:
    """Fisher's exact test of a 2 x 2 table, two-sided by probability as in R.

    Raises:
        NotEstimable: a row or a column is empty.
    """
    return HypothesisTest(np.nan, float(fisher_exact(_full_2x2(table)).pvalue))


def conditional_odds_ratio(table: ArrayLike, confidence: float = 0.95) -> Estimate:
    """Conditional maximum-likelihood odds ratio of [[a, b], [c, d]] and its exact interval (R's fisher.test).

    SciPy has the same but needs 12 ms a table, and does not return for a million women.

    Raises:
        NotEstimable: a row or a column is empty.
    """
    table = _full_2x2(table)
    (first, second), (column, _) = table.sum(axis=1), table.sum(axis=0)
    a = table[0, 0]
    x = np.arange(max(0, column - second), min(column, first) + 1)
    weights = -sum(gammaln(k + 1) for k in (x, first - x, column - x, second - column + x))
    tail = (1 - confidence) / 2

    def at(log_odds: float) -> np.ndarray:
        tilted = weights + x * log_odds
        likelihood = np.exp(tilted - tilted.max())
        return likelihood / likelihood.sum()

    def odds(excess: Callable[[np.ndarray], float]) -> float:
        return float(np.exp(brentq(lambda t: excess(at(t)), -_FARTHEST, _FARTHEST, xtol=1e-12)))

    lowest, highest = a == x[0], a == x[-1]
    return Estimate(
        0.0 if lowest else np.inf if highest else odds(lambda p: p @ x - a),
        0.0 if lowest else odds(lambda p: p[x >= a].sum() - tail),
        np.inf if highest else odds(lambda p: tail - p[x <= a].sum()),
    )


def freeman_halton(table: ArrayLike, limit: int = 500_000) -> HypothesisTest:
    """Fisher's exact test of an r x c table: the probability of all tables no more likely than this one.

    The columns are split in two halves; each half is enumerated and the halves that complete each other are
    matched by sorting, so that the work is about the square root of the number of tables.

    Args:
        limit: how many fillings of a half may be enumerated.

    Raises:
        NotEstimable: fewer than two rows or columns hold anyone, or there are too many tables.

    Source: Freeman and Halton 1951, Biometrika 38:141.
    """
    table = _occupied(table)
    if table.shape[0] > table.shape[1]:
        table = table.T
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    # Weights are multinomial probabilities, so that they stay in range; given the margins they differ from
    # the hypergeometric ones by a constant, the probability of the row margin.
    shares = np.log(rows / rows.sum())
    observed = _log_multinomial(table.T, shares).sum()
    left, right = (_fillings(half, rows, shares, limit) for half in _halves(columns, len(rows)))
    place = np.cumprod(np.r_[1, rows[:-1] + 1])
    p = _mass_up_to(observed + _TIE, left, right, place, rows @ place)
    return HypothesisTest(np.nan, float(min(p / np.exp(_log_multinomial(rows, shares)), 1.0)))


def _log_multinomial(counts: np.ndarray, log_shares: np.ndarray) -> np.ndarray:
    return gammaln(counts.sum(axis=-1) + 1) + (counts * log_shares - gammaln(counts + 1)).sum(axis=-1)


def _halves(columns: np.ndarray, rows: int) -> tuple[list[int], list[int]]:
    """Column totals in two lots with about as many fillings each."""
    halves: tuple[list[int], list[int]] = ([], [])
    sizes = [0.0, 0.0]
    for total in sorted(columns.tolist(), reverse=True):
        smaller = int(sizes[1] < sizes[0])
        halves[smaller].append(total)
        sizes[smaller] += (rows - 1) * np.log(total + 1)
    return halves


def _fillings(
    columns: Sequence[int], rows: np.ndarray, log_shares: np.ndarray, limit: int
) -> tuple[np.ndarray, np.ndarray]:
    """Every filling of some columns: its row sums (fillings x rows) and its log weight."""
    sums, weights = np.zeros((1, len(rows)), dtype=np.int64), np.zeros(1)
    for total in columns:
        ways = _ways(total, rows, limit)
        if len(sums) * len(ways) > limit:
            raise _too_many(limit)
        sums = (sums[:, None] + ways).reshape(-1, len(rows))
        weights = (weights[:, None] + _log_multinomial(ways, log_shares)).ravel()
        within = (sums <= rows).all(axis=1)
        sums, weights = sums[within], weights[within]
    return sums, weights


def _ways(total: int, rows: np.ndarray, limit: int) -> np.ndarray:
    """Every way to put the women of a column into rows that hold no more than their own total."""
    sizes = np.minimum(rows[:-1], total) + 1
    if sizes.prod(dtype=float) > limit:
        raise _too_many(limit)
    first = np.indices(sizes).reshape(len(sizes), -1).T
    last = total - first.sum(axis=1)
    fits = (last >= 0) & (last <= rows[-1])
    return np.column_stack([first[fits], last[fits]])


def _too_many(limit: int) -> NotEstimable:
    return NotEstimable(f"more than {limit:,} half tables to enumerate for the exact test")


def _mass_up_to(
    most: float,
    left: tuple[np.ndarray, np.ndarray],
    right: tuple[np.ndarray, np.ndarray],
    place: np.ndarray,
    whole: int,
) -> float:
    """Weight of all pairs of halves that make a whole table with a log weight of at most `most`."""
    code, weight = whole - right[0] @ place, right[1]
    order = np.lexsort((weight, code))
    code, weight = code[order], weight[order]
    wanted, room = left[0] @ place, most - left[1]
    order = np.argsort(wanted, kind="stable")
    wanted, room = wanted[order], room[order]
    total = 0.0
    for each in np.intersect1d(wanted, code):
        mine = slice(*np.searchsorted(wanted, [each, each + 1]))
        other = slice(*np.searchsorted(code, [each, each + 1]))
        cumulated = np.r_[0.0, np.cumsum(np.exp(weight[other]))]
        fitting = np.searchsorted(weight[other], room[mine], side="right")
        total += np.exp(most - room[mine]) @ cumulated[fitting]
    return total


def linear_by_linear(
    table: ArrayLike, row_scores: ArrayLike | None = None, column_scores: ArrayLike | None = None
) -> HypothesisTest:
    """Linear-by-linear association, (n - 1) r^2 with 1 df (SPSS; R's coin::lbl_test; Agresti 2013, 3.4).

    Args:
        table: rows x columns.
        row_scores, column_scores: a number a row and a column; 0, 1, 2, ... unless given.

    Raises:
        NotEstimable: all women are in one row or one column.
    """
    n, r2 = _squared_correlation(table, row_scores, column_scores)
    statistic = (n - 1) * r2
    return HypothesisTest(float(statistic), float(chdtrc(1, statistic)), 1.0)


def cochran_armitage(events: ArrayLike, totals: ArrayLike, scores: ArrayLike | None = None) -> HypothesisTest:
    """Cochran-Armitage test for a trend in proportions, chi-square with 1 df, as R's prop.trend.test.

    Args:
        events, totals: numbers of women a category, in order.
        scores: a number a category; 0, 1, 2, ... unless given.

    Raises:
        NotEstimable: all women are in one category, or all or none have the event.
    """
    x, n = np.asarray(events), np.asarray(totals)
    women, r2 = _squared_correlation(np.array([x, n - x]), None, scores)
    return HypothesisTest(float(women * r2), float(chdtrc(1, women * r2)), 1.0)


def exact_trend(
    events: ArrayLike, totals: ArrayLike, scores: ArrayLike | None = None, limit: int = 300_000_000
) -> HypothesisTest:
    """Exact conditional test for a trend in proportions, two-sided; the statistic is the sum of the scores.

    Given both margins, the women with the event are a random draw from all women. The p-value is the
    probability of a sum of their scores at least as far from its expectation as the observed one. The
    distribution is built category by category, from (women with the event so far, sum of their scores).

    Args:
        events, totals: numbers of women a category, in order.
        scores: a whole number a category; 0, 1, 2, ... unless given.
        limit: how many sums of probabilities may be made.

    Raises:
        NotEstimable: all women are in one category, all or none have the event, or the work is too much.

    Source: Agresti, Mehta and Patel 1990, J Am Stat Assoc 85:453; Cox 1958, J R Stat Soc B 20:215.
    """
    x, n = np.asarray(events, dtype=np.int64), np.asarray(totals, dtype=np.int64)
    _squared_correlation(np.array([x, n - x]), None, scores)
    s = np.arange(len(n)) if scores is None else np.asarray(scores)
    if (s != np.round(s)).any():
        raise ValueError(f"found the scores {s.tolist()}; expected whole numbers")
    statistic = float(x @ s)
    # Categories without women do not matter, nor does where the scores start.
    x, s, n = (each[n > 0] for each in (x, s.astype(np.int64), n))
    s = s - s.min()
    if x.sum() > n.sum() / 2:  # of the two mirrored problems the smaller one
        x = n - x
    drawn, most = int(x.sum()), int(s.max() * x.sum())
    if (np.minimum(n, drawn) + 1).sum() * float(drawn + 1) * (most + 1) > limit:
        raise NotEstimable(f"more than {limit:,} steps for the exact test; the asymptotic one serves")
    chances = _chances_of_sums(n, s, drawn, most)
    away = np.abs(np.arange(most + 1) * n.sum() - drawn * float(n @ s))
    extreme = away >= away[x @ s] * (1 - _TIE)
    return HypothesisTest(statistic, float(min(chances[extreme].sum(), 1.0)))


def _chances_of_sums(n: np.ndarray, s: np.ndarray, drawn: int, most: int) -> np.ndarray:
    """The probability of each sum of scores (0 to `most`) when `drawn` of the women are drawn."""
    # Binomial probabilities stay in range; given how many are drawn in all they differ from the wanted ones
    # by a constant.
    share = drawn / n.sum()
    found = np.zeros((drawn + 1, most + 1))
    found[0, 0] = 1.0
    for women, score in zip(n.tolist(), s.tolist(), strict=True):
        k = np.arange(min(women, drawn) + 1)
        chances = binom.pmf(k, women, share)
        longer = np.zeros_like(found)
        for events, chance in zip(k.tolist(), chances.tolist(), strict=True):
            shift = events * score
            if shift > most:
                break
            longer[events:, shift:] += chance * found[: drawn + 1 - events, : most + 1 - shift]
        found = longer
    return found[drawn] / found[drawn].sum()


def _squared_correlation(
    table: ArrayLike, row_scores: ArrayLike | None, column_scores: ArrayLike | None
) -> tuple[int, float]:
    """Number of women and squared correlation of their two scores."""
    table = np.asarray(table)
    _occupied(table)
    u = np.arange(table.shape[0]) if row_scores is None else np.asarray(row_scores, dtype=float)
    v = np.arange(table.shape[1]) if column_scores is None else np.asarray(column_scores, dtype=float)
    n = table.sum()
    u = u - table.sum(axis=1) @ u / n
    v = v - table.sum(axis=0) @ v / n
    spread = (table.sum(axis=1) @ u**2) * (table.sum(axis=0) @ v**2)
    if spread == 0:
        raise NotEstimable("all women have the same score")
    return int(n), float((u @ table @ v) ** 2 / spread)


def cochran_mantel_haenszel(tables: Sequence[ArrayLike]) -> HypothesisTest:
    """Cochran-Mantel-Haenszel test of 2 x 2 tables in strata, without correction (R's mantelhaen.test).

    Args:
        tables: one 2 x 2 table a stratum; strata with an empty margin say nothing and are left out.

    Raises:
        NotEstimable: no stratum says anything.
    """
    strata = np.array([np.asarray(table, dtype=float) for table in tables]).reshape(-1, 2, 2)
    rows, columns, n = strata.sum(axis=2), strata.sum(axis=1), strata.sum(axis=(1, 2))
    telling = (rows.prod(axis=1) > 0) & (columns.prod(axis=1) > 0)
    if not telling.any():
        raise NotEstimable("no stratum has women in both groups with both outcomes")
    strata, rows, columns, n = strata[telling], rows[telling], columns[telling], n[telling]
    excess = (strata[:, 0, 0] - rows[:, 0] * columns[:, 0] / n).sum()
    variance = (rows.prod(axis=1) * columns.prod(axis=1) / (n**2 * (n - 1))).sum()
    statistic = excess**2 / variance
    return HypothesisTest(float(statistic), float(chdtrc(1, statistic)), 1.0)


def _occupied(table: ArrayLike) -> np.ndarray:
    """The table without its empty rows and columns."""
    table = np.asarray(table, dtype=np.int64)
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    if min(table.shape) < 2:
        raise NotEstimable("nothing to compare: all women are in one row or one column of the table")
    return table


def _full_2x2(table: ArrayLike) -> np.ndarray:
    table = np.asarray(table, dtype=np.int64)
    if table.shape != (2, 2):
        raise ValueError(f"found a table of shape {table.shape}; expected 2 x 2")
    if not (table.sum(axis=0).all() and table.sum(axis=1).all()):
        raise NotEstimable("nothing to compare: all women are in one row or one column of the table")
    return table
