"""Tests of tables of counts over every table that the printed numbers leave possible."""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy.special import chdtrc, gammaln, ndtr, ndtri

from decidua.audit.boxes import Range
from decidua.statistics.answers import NotEstimable
from decidua.statistics.contingency import conditional_odds_ratio, freeman_halton

#: Tables whose probabilities agree this closely are equally likely, as in R's fisher.test.
_TIE = 1e-7
#: For so many tables at most are things worked out that need a loop over tables.
_FEW = 25
_HALF_TABLES = 50_000


def candidates(cells: Sequence[Sequence[Sequence[int]]], limit: int = 200_000) -> tuple[np.ndarray, bool]:
    """Every table of the cells' possible counts: tables x rows x columns, and whether these are all.

    Where cells hang together (n - events) make the array yourself: the functions below take any array. Beyond
    `limit` tables the first `limit` are given.
    """
    shape = (len(cells), len(cells[0]))
    choices = [np.asarray(cell, dtype=np.int64) for row in cells for cell in row]
    sizes = [len(choice) for choice in choices]
    total = math.prod(sizes)
    places = np.unravel_index(np.arange(min(total, limit)), sizes) if total else [[]] * len(sizes)
    tables = np.column_stack([c[np.asarray(i, int)] for c, i in zip(choices, places, strict=True)])
    return tables.reshape(-1, *shape), total <= limit


def statistic_ranges(tables: np.ndarray, finished: bool = True) -> dict[str, Range]:
    """Range of the statistic, by method, over tables (tables x rows x columns of counts).

    "Pearson", "Yates" (2 x 2), "likelihood ratio", "Cochran-Armitage trend" (2 x k or k x 2),
    "linear-by-linear". A method that is defined for none of the tables is left out.
    """
    statistics = _statistics(np.asarray(tables, dtype=float))
    return _ranges({method: statistic for method, (statistic, _) in statistics.items()}, finished)


def p_ranges(tables: np.ndarray, finished: bool = True) -> dict[str, Range]:
    """Range of p, by method.

    Those of `statistic_ranges`, and for 2 x 2 "Fisher" (two-sided by probability), "Fisher, mid-p",
    "Fisher, doubled", "Fisher, one-sided", "Pearson, one-sided", "Yates, one-sided", "unpooled z"; for 2 x k
    "Cochran-Armitage trend, one-sided". "Fisher" of larger tables only for few tables, of few women.
    """
    tables = np.asarray(tables, dtype=float)
    found = {}
    for method, (statistic, df) in _statistics(tables).items():
        found[method] = chdtrc(df, statistic)
    one_sided = {"Cochran-Armitage trend", *(("Pearson", "Yates") if tables.shape[1:] == (2, 2) else ())}
    found |= {f"{method}, one-sided": found[method] / 2 for method in one_sided if method in found}
    if tables.shape[1:] == (2, 2):
        found |= _fisher(tables) | {"unpooled z": _unpooled(tables)}
    elif len(tables) <= _FEW:
        found["Fisher"] = _each(tables, lambda table: freeman_halton(table, _HALF_TABLES).p)
    return _ranges(found, finished)


def tests_of(rows: int, columns: int) -> list[str]:
    """Tests that are fast enough for many tables of a shape, by name."""
    two = ["Yates", "Fisher"] if (rows, columns) == (2, 2) else []
    trend = ["Cochran-Armitage trend"] if 2 in (rows, columns) else []
    return ["Pearson", *two, "likelihood ratio", *trend, "linear-by-linear"]


def p_values(tables: np.ndarray, method: str) -> np.ndarray:
    """p of each table (tables x rows x columns) by one of `tests_of`; NaN where it is not defined."""
    tables = np.asarray(tables, dtype=float)
    if method == "Pearson":
        return _pearson_p(tables)
    if method == "Fisher":
        return _fisher(tables)["Fisher"]
    found = _statistics(tables)
    if method not in found:
        return np.full(len(tables), np.nan)
    statistic, df = found[method]
    return chdtrc(df, statistic)


def _pearson_p(tables: np.ndarray) -> np.ndarray:
    """As by `_statistics`, without the others: n times (sum of O^2 / (row total * column total)) - n."""
    rows, columns = tables.sum(axis=2), tables.sum(axis=1)
    n = rows.sum(axis=1)
    df = np.maximum((rows > 0).sum(axis=1) - 1, 0) * np.maximum((columns > 0).sum(axis=1) - 1, 0)
    per_column = np.einsum("kij,kij,ki->kj", tables, tables, 1 / np.where(rows > 0, rows, 1.0))
    share = (per_column / np.where(columns > 0, columns, 1.0)).sum(axis=1)
    statistic = np.maximum(n * (share - 1), 0.0)
    return chdtrc(np.where(df > 0, df, np.nan), statistic)


def two_by_two(
    tables: np.ndarray, measure: str = "odds_ratio", level: float = 0.95, finished: bool = True
) -> dict[str, dict[str, Range]]:
    """Ratio of [[a, b], [c, d]] (odds ratio ad/bc; risk ratio a/(a+b) : c/(c+d)) with interval and p.

    Result: "estimate", "lower", "upper", "p" -> method -> range. Methods: "Woolf" ("Katz" for risk ratios)
    first; "0.5 added to every cell", "conditional exact" (few tables), "groups exchanged" (1 / ratio),
    "90% interval" and "99% interval", the other measure by its name; for p also those of `p_ranges`.

    Sources: Woolf 1955, Ann Hum Genet 19:251; Katz et al. 1978, Biometrics 34:469.
    """
    tables = np.asarray(tables, dtype=float)
    odds = {"Woolf": _odds(tables), "0.5 added to every cell": _odds(tables + 0.5)}
    risk = {"Katz": _risks(tables), "0.5 added to every cell": _risks(tables + 0.5)}
    own, other = (odds, {"risk ratio": risk["Katz"]}), (risk, {"odds ratio": odds["Woolf"]})
    own, other = own if measure == "odds_ratio" else other
    usual = next(iter(own.values()))
    logs = {**own, "groups exchanged": (-usual[0], usual[1]), **other}
    estimate = {method: np.exp(log) for method, (log, _) in logs.items()}
    lower, upper = {}, {}
    levels = {method: (log, se, level) for method, (log, se) in logs.items()}
    levels |= {
        f"{100 * each:.0f}% interval": (*usual, each)
        for each in (0.95, 0.9, 0.99)
        if not math.isclose(each, level)
    }
    for method, (log, se, own_level) in levels.items():
        width = -float(ndtri((1 - own_level) / 2)) * se
        lower[method], upper[method] = np.exp(log - width), np.exp(log + width)
    if measure == "odds_ratio" and len(tables) <= _FEW:
        exact = [_each(tables, lambda t, i=i: _conditional(t, level)[i]) for i in range(3)]
        estimate["conditional exact"], lower["conditional exact"], upper["conditional exact"] = exact
    p = {
        method: 2 * ndtr(-np.abs(log / se))
        for method, (log, se) in logs.items()
        if method != "groups exchanged"
    }
    parts = {"estimate": estimate, "lower": lower, "upper": upper, "p": p}
    found = {part: _ranges(values, finished) for part, values in parts.items()}
    found["p"] |= p_ranges(tables, finished)
    return found


def _ranges(values: Mapping[str, np.ndarray], finished: bool) -> dict[str, Range]:
    """Of each method that is defined for some table."""
    found = {}
    for method, each in values.items():
        defined = each[~np.isnan(each)]
        if len(defined):
            found[method] = Range(float(defined.min()), float(defined.max()), finished, finished)
    return found


def _statistics(tables: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray | float]]:
    """Chi-square statistic and degrees of freedom, by method; NaN where a single row or column is filled."""
    rows, columns = tables.sum(axis=2), tables.sum(axis=1)
    n = rows.sum(axis=1)
    df = np.maximum((rows > 0).sum(axis=1) - 1, 0) * np.maximum((columns > 0).sum(axis=1) - 1, 0)
    df = np.where(df > 0, df, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = rows[:, :, None] * columns[:, None, :] / n[:, None, None]
        away = np.abs(tables - expected)
        shares = [np.where(expected > 0, each / expected, 0.0) for each in (away**2, tables)]
        logs = np.where(tables > 0, tables * np.log(np.where(tables > 0, shares[1], 1.0)), 0.0)
        pearson, g = shares[0].sum(axis=(1, 2)), 2 * logs.sum(axis=(1, 2))
        found = {"Pearson": (pearson + 0 * df, df)}
        if tables.shape[1:] == (2, 2):
            corrected = np.maximum(away - 0.5, 0.0) ** 2
            yates = np.where(expected > 0, corrected / expected, 0.0).sum(axis=(1, 2))
            found["Yates"] = (yates + 0 * df, df)
        found["likelihood ratio"] = (np.maximum(g, 0) + 0 * df, df)
        r2 = _squared_correlation(tables, rows, columns, n)
    if 2 in tables.shape[1:]:
        found["Cochran-Armitage trend"] = (n * r2, 1.0)
    found["linear-by-linear"] = ((n - 1) * r2, 1.0)
    return found


def _squared_correlation(
    tables: np.ndarray, rows: np.ndarray, columns: np.ndarray, n: np.ndarray
) -> np.ndarray:
    """Of the numbers of row and column; NaN when all women are in one row or column."""
    u, v = np.arange(tables.shape[1]), np.arange(tables.shape[2])
    u = u - (rows @ u / n)[:, None]
    v = v - (columns @ v / n)[:, None]
    spread = (rows * u**2).sum(axis=1) * (columns * v**2).sum(axis=1)
    product = np.einsum("tr,trc,tc->t", u, tables, v)
    return np.where(spread > 1e-9, product**2 / spread, np.nan)


def _fisher(tables: np.ndarray) -> dict[str, np.ndarray]:
    """Exact p-values of 2 x 2 tables; NaN where a row or column is empty."""
    counts = tables.astype(np.int64)
    first, second = counts.sum(axis=2).T
    column = counts.sum(axis=1)[:, 0]
    bottom = np.maximum(0, column - second)
    width = int((np.minimum(first, column) - bottom).max(initial=0)) + 1
    chunk = max(2_000_000 // width, 1)
    parts = [
        _exact(counts[i : i + chunk], bottom[i : i + chunk], width) for i in range(0, len(counts), chunk)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} if parts else {}


def _exact(counts: np.ndarray, bottom: np.ndarray, width: int) -> dict[str, np.ndarray]:
    a, b, c, d = counts.reshape(-1, 4).T
    first, second, column = a + b, c + d, a + c
    logs = gammaln(np.arange(int((first + second).max()) + 2) + 1.0)
    x = bottom[:, None] + np.arange(width)
    possible = x <= np.minimum(first, column)[:, None]
    x = np.where(possible, x, bottom[:, None])
    weight = -(
        logs[x] + logs[first[:, None] - x] + logs[column[:, None] - x] + logs[(second - column)[:, None] + x]
    )
    observed = -(logs[a] + logs[b] + logs[c] + logs[d])
    largest = np.where(possible, weight, -np.inf).max(axis=1)
    chance = np.where(possible, np.exp(weight - largest[:, None]), 0.0)
    chance /= chance.sum(axis=1)[:, None]
    away = weight - observed[:, None]
    two_sided = np.where(away <= _TIE, chance, 0.0).sum(axis=1)
    as_likely = np.where(np.abs(away) <= _TIE, chance, 0.0).sum(axis=1)
    tails = [np.where(side, chance, 0.0).sum(axis=1) for side in (x <= a[:, None], x >= a[:, None])]
    tail = np.minimum(*tails)
    undefined = (first == 0) | (second == 0) | (column == 0) | (b + d == 0)
    found = {
        "Fisher": two_sided,
        "Fisher, mid-p": two_sided - as_likely / 2,
        "Fisher, doubled": 2 * tail,
        "Fisher, one-sided": tail,
    }
    return {name: np.where(undefined, np.nan, np.minimum(p, 1.0)) for name, p in found.items()}


def _unpooled(tables: np.ndarray) -> np.ndarray:
    """Two-sided p of the difference of two proportions by its own standard error."""
    with np.errstate(divide="ignore", invalid="ignore"):
        n = tables.sum(axis=2)
        share = tables[:, :, 0] / n
        error = np.sqrt((share * (1 - share) / n).sum(axis=1))
        return np.where(error > 0, 2 * ndtr(-np.abs(share[:, 0] - share[:, 1]) / error), np.nan)


def _odds(tables: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log odds ratio and its standard error; infinite or NaN with empty cells."""
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(tables)
        log = logs[:, 0, 0] + logs[:, 1, 1] - logs[:, 0, 1] - logs[:, 1, 0]
        se = np.sqrt((1 / tables).sum(axis=(1, 2)))
    return log, np.where(np.isfinite(se), se, np.nan)


def _risks(tables: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log risk ratio and its standard error; infinite or NaN without events."""
    with np.errstate(divide="ignore", invalid="ignore"):
        events, n = tables[:, :, 0], tables.sum(axis=2)
        logs = np.log(events / n)
        se = np.sqrt((1 / events - 1 / n).sum(axis=1))
        return logs[:, 0] - logs[:, 1], np.where(np.isfinite(se) & (se > 0), se, np.nan)


def _conditional(table: np.ndarray, level: float) -> tuple[float, float, float]:
    found = conditional_odds_ratio(table, level)
    return found.value, found.lower, found.upper


def _each(tables: np.ndarray, value: Callable[[np.ndarray], float]) -> np.ndarray:
    """A value a table; NaN where it is not estimable."""
    found = np.full(len(tables), np.nan)
    for i, table in enumerate(tables.astype(np.int64)):
        try:
            found[i] = value(table)
        except NotEstimable:
            continue
    return found
