"""Tests of tables of counts over every table that the printed numbers leave possible."""

from collections.abc import Sequence

import numpy as np

from decidua.audit.boxes import Range


def candidates(cells: Sequence[Sequence[Sequence[int]]], limit: int = 200_000) -> tuple[np.ndarray, bool]:
    """Every table of the cells' possible counts: tables x rows x columns, and whether these are all.

    Where cells hang together (n - events) make the array yourself: the functions below take any array.
    """
    raise NotImplementedError


def statistic_ranges(tables: np.ndarray, finished: bool = True) -> dict[str, Range]:
    """Range of the statistic, by method, over tables (tables x rows x columns of counts).

    "Pearson", "Yates" (2 x 2), "likelihood ratio", "Cochran-Armitage trend" (2 x k or k x 2),
    "linear-by-linear". A method that is defined for none of the tables is left out.
    """
    raise NotImplementedError


def p_ranges(tables: np.ndarray, finished: bool = True) -> dict[str, Range]:
    """Range of p, by method: those above, "Fisher", "Fisher, mid-p", "Fisher, doubled", "Fisher, one-sided",
    "Pearson, one-sided", "Yates, one-sided", "unpooled z" (2 x 2), "Cochran-Armitage trend, one-sided".

    "Fisher" of larger tables only for few tables, of few women.
    """
    raise NotImplementedError


def two_by_two(
    tables: np.ndarray, measure: str = "odds_ratio", level: float = 0.95, finished: bool = True
) -> dict[str, dict[str, Range]]:
    """Ratio of [[a, b], [c, d]] (odds ratio ad/bc; risk ratio a/(a+b) : c/(c+d)) with interval and p.

    Result: "estimate", "lower", "upper", "p" -> method -> range. Methods: "Woolf" (Katz for risk ratios)
    first; "0.5 added to every cell", "conditional exact" (few tables), "groups exchanged" (1 / ratio),
    "90% interval" and "99% interval", the other measure; for p also those of `p_ranges`.
    """
    raise NotImplementedError
