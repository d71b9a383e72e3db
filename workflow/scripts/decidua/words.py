"""How is a number, a p-value or a name written on a figure?"""

import math
import re
from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pandas as pd

NOT_ESTIMABLE = "not estimable"
#: From here on a number is written by its size only.
LARGE = 1e9
#: What a test is called where there is little room; `tests_in_full` says what stands for what.
SHORT_TESTS = {
    "Pearson chi-square": "Pearson",
    "Fisher exact": "exact",
    "Freeman-Halton exact": "exact",
    "Cochran-Armitage": "trend",
}
#: What the keys that every table has are called, unless the labels say otherwise.
NAMES = {"all": "All", "normal": "Normal", "abnormal": "Abnormal", "unknown": "Unknown"}


def decimals(value: float, places: int) -> str:
    """A number with that many decimals, halves rounded up as statistics packages print them.

    Of a number too large for decimals to mean anything, as from a few women, only the size; ∞ for infinity.
    """
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if abs(value) >= LARGE:
        return f"{value:.0e}"
    return str(Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP))


def p_value(p: float) -> str:
    """p = .034, p < .001, p > .999: three decimals, no zero before the point; not estimable if missing."""
    if pd.isna(p):
        return NOT_ESTIMABLE
    if p < 0.001:
        return "p < .001"
    if p > 0.999:
        return "p > .999"
    return f"p = {decimals(p, 3).removeprefix('0')}"


def tests(results: Iterable[tuple[str, float]]) -> str:
    """Tests of one comparison (name, p) as Pearson p = .250, exact p = .260; each holds together in a line.

    Names stay whole where the short ones would not tell the tests apart.
    """
    results = list(results)
    short = [SHORT_TESTS.get(test, test) for test, _ in results]
    called = short if len(set(short)) == len(short) else [test for test, _ in results]
    shown = (f"{test} {p_value(p)}" for test, (_, p) in zip(called, results, strict=True))
    return ", ".join(text.replace(" ", "\N{NO-BREAK SPACE}") for text in shown)


def tests_in_full(names: Iterable[Any]) -> list[str]:
    """A sentence that says what the short names of these tests stand for, if there are any."""
    found: dict[str, list[str]] = {}
    for test in distinct(names):
        if test in SHORT_TESTS:
            found.setdefault(SHORT_TESTS[test], []).append(test)
    parts = []
    for short, full in found.items():
        joined = " or ".join(test.removesuffix(f" {short}") for test in full)
        parts.append(joined if joined.startswith(short) else f"{joined} {short}")
    return [f"Tests: {'; '.join(parts)}."] if parts else []


def percent(fraction: float) -> str:
    """A fraction of 1 as a percentage with one decimal."""
    return f"{decimals(Decimal(repr(float(fraction))) * 100, 1)}%"


def percent_interval(lower: float, upper: float) -> str:
    """Two fractions of 1 as (38.6–51.8); nothing when there is no interval."""
    if pd.isna(lower) or pd.isna(upper):
        return ""
    low, high = (percent(end).removesuffix("%") for end in (lower, upper))
    return f"({low}–{high})"


def interval(lower: float, upper: float, places: int = 3) -> str:
    """Two numbers as (0.853–0.964); nothing when there is no interval."""
    if pd.isna(lower) or pd.isna(upper):
        return ""
    return f"({decimals(lower, places)}–{decimals(upper, places)})"


def counts(numerator: Any, denominator: Any) -> str:
    """n/N; N alone where nothing is counted out of it, a dash where the table gives no count."""
    if pd.isna(denominator):
        return "–"
    return f"{int(denominator)}" if pd.isna(numerator) else f"{int(numerator)}/{int(denominator)}"


def name(key: str, labels: Mapping[str, str]) -> str:
    """What a key of the table is called: its label, the labels of its parts, or the key in plain words."""
    if key in labels:
        return labels[key]
    for joint in (" + ", " v "):
        if joint in key:
            return joint.join(name(part, labels) for part in key.split(joint))
    if key in NAMES:
        return NAMES[key]
    return re.sub(r"(?<=\d)-(?=\d)", "–", key.replace("_", " "))


def heading(key: str, labels: Mapping[str, str]) -> str:
    """The name of a key as it begins a line."""
    called = name(key, labels)
    return called[:1].upper() + called[1:]


def listed(texts: Iterable[str]) -> str:
    """a, b and c."""
    *first, last = [*texts] or [""]
    return f"{', '.join(first)} and {last}" if first else last


def distinct(texts: Iterable[Any]) -> list[str]:
    """The texts that are there, each once, in their order."""
    return list(dict.fromkeys(str(text) for text in texts if not pd.isna(text) and str(text)))
