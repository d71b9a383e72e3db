"""What does a printed text say? The box of a number, or the parts of a compound, each with its box."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from decidua.audit.boxes import Box
from decidua.errors import InputError

#: Signs that papers print for a minus or between two ends, and what is read.
MINUS = str.maketrans({"\u2212": "-", "\u2013": "-", "\u2014": "-", "\u2010": "-", "\u2011": "-"})
SPACES = str.maketrans({"\u00a0": " ", "\u2009": " ", "\u202f": " "})
_DIGITS = r"(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+\.?\d*|\.\d+)"
_POWER = r"(?:e[+-]?\d+|\s*[x\u00d7]\s*10\s*\^?\s*-?\d+)?"
NUMBER = rf"[+-]?{_DIGITS}{_POWER}"
_BOUND = r"(?:<=|>=|[<>\u2264\u2265=])?\s*"
_TO = r"\s*(?:-|to|,|;)\s*"
_NOT_SIGNIFICANT = re.compile(r"n\.?\s*-?\s*s\.?|not significant", re.IGNORECASE)

#: Kinds of a single number: where its values can be at all, and whether they are whole.
DOMAINS: Mapping[str, tuple[float, float, bool]] = {
    "count": (0, math.inf, True),
    "percent": (-math.inf, math.inf, False),
    "p": (0, 1, False),
    "mean": (-math.inf, math.inf, False),
    "sd": (0, math.inf, False),
    "value": (-math.inf, math.inf, False),
    "ratio": (0, math.inf, False),
    "coefficient": (-math.inf, math.inf, False),
    "se": (0, math.inf, False),
    "statistic": (-math.inf, math.inf, False),
    "number": (-math.inf, math.inf, False),
}


@dataclass(frozen=True)
class Compound:
    """A kind whose text holds several numbers: the kind of each part, the forms it may take, an example."""

    parts: Mapping[str, str]
    forms: tuple[re.Pattern, ...]
    example: str


def _forms(*patterns: str) -> tuple[re.Pattern, ...]:
    return tuple(re.compile(pattern, re.IGNORECASE) for pattern in patterns)


def _part(name: str, pattern: str = NUMBER) -> str:
    return rf"(?P<{name}>{pattern})"


_PERCENT = _part("percent", rf"{_BOUND}{NUMBER}\s*%?")
_COUNT = _part("count", rf"{_BOUND}{NUMBER}")
_MEAN_SD = [
    rf"{_part('mean')}\s*(?:\u00b1|\+/-|\+-)\s*{_part('sd')}",
    rf"{_part('mean')}\s*\(\s*(?:SD\s*=?\s*)?{_part('sd')}\s*\)",
]
_MIN_MAX = rf"{_part('min')}\s*%?{_TO}{_part('max')}\s*%?"
_LOWER_UPPER = rf"{_part('lower')}{_TO}{_part('upper')}"
_OPEN, _CLOSE = r"\s*[\(\[]\s*", r"\s*[\)\]]"
_CI = r"(?:\d+(?:\.\d+)?\s*%\s*)?(?:CI|confidence interval)?\s*[:,=]?\s*"
_EVENTS_TOTAL = rf"{_part('events')}\s*(?:/|of)\s*{_part('total')}"

COMPOUNDS: Mapping[str, Compound] = {
    "mean_sd": Compound({"mean": "mean", "sd": "sd"}, _forms(*_MEAN_SD), "32.78 \u00b1 3.72"),
    "mean_sd_range": Compound(
        {"mean": "mean", "sd": "sd", "min": "value", "max": "value"},
        _forms(*(rf"{form}{_OPEN}{_MIN_MAX}{_CLOSE}" for form in _MEAN_SD)),
        "32.78 \u00b1 3.72 (22-43)",
    ),
    "range": Compound({"min": "value", "max": "value"}, _forms(_MIN_MAX), "22-43"),
    "count_percent": Compound(
        {"count": "count", "percent": "percent"},
        _forms(
            rf"{_COUNT}{_OPEN}{_PERCENT}{_CLOSE}",
            rf"{_part('percent', rf'{NUMBER}%')}{_OPEN}(?:n\s*=\s*)?{_COUNT}{_CLOSE}",
        ),
        "7 (50.0%)",
    ),
    "events_total": Compound({"events": "count", "total": "count"}, _forms(_EVENTS_TOTAL), "7/110"),
    "percent_events_total": Compound(
        {"percent": "percent", "events": "count", "total": "count"},
        _forms(
            rf"{_PERCENT}{_OPEN}{_EVENTS_TOTAL}{_CLOSE}",
            rf"{_EVENTS_TOTAL}{_OPEN}{_PERCENT}{_CLOSE}",
            rf"{_PERCENT}\s*,?\s*{_EVENTS_TOTAL}",
        ),
        "82.7% (163/197)",
    ),
    "interval": Compound({"lower": "number", "upper": "number"}, _forms(_CI + _LOWER_UPPER), "0.867-0.984"),
    "ratio_interval": Compound(
        {"estimate": "ratio", "lower": "ratio", "upper": "ratio"},
        _forms(rf"{_part('estimate')}{_OPEN}{_CI}{_LOWER_UPPER}{_CLOSE}"),
        "0.924 (0.867-0.984)",
    ),
    "coefficient_interval": Compound(
        {"estimate": "coefficient", "lower": "coefficient", "upper": "coefficient"},
        _forms(rf"{_part('estimate')}{_OPEN}{_CI}{_LOWER_UPPER}{_CLOSE}"),
        "-0.080 (-0.143 to -0.016)",
    ),
}
COMPOUNDS = {
    **COMPOUNDS,
    "percent_count": COMPOUNDS["count_percent"],
    "events_total_percent": COMPOUNDS["percent_events_total"],
    # One value that every woman has: its mean, no spread, and its ends.
    "constant": Compound(
        {"mean": "mean", "sd": "sd", "min": "value", "max": "value"}, _forms(_part("mean")), "0"
    ),
}
KINDS = (*DOMAINS, "text", *COMPOUNDS)
#: Kinds in which a comma is a decimal one: they are hardly ever a thousand.
WITHOUT_THOUSANDS = ("p", "percent", "ratio", "coefficient", "se")
POINT = "a decimal point, not a comma (of counts, 1,234 is read as a thousand and more)"


def read_number(text: str, kind: str, alpha: float = 0.05) -> Box:
    """The values that a printed number can stand for.

    Args:
        text: as printed: 466, 1,234, 45.1%, -0.080 (any minus sign), <0.0001, N-S, 2.1e-05.
        kind: one of `DOMAINS`. Percentages are in per cent; counts are whole numbers.
        alpha: above it lies a p-value printed as not significant.

    Raises:
        InputError: the text is no number of that kind; the message ends with what was expected.
    """
    low, high, whole = DOMAINS[kind]
    cleaned = text.translate(MINUS).translate(SPACES).strip()
    if _decimal_comma(cleaned) or (kind in WITHOUT_THOUSANDS and "," in cleaned):
        raise InputError(f"found {text!r}; expected {POINT}")
    if kind == "p":
        cleaned = re.sub(r"^p\s*(?==|<|>|\u2264|\u2265)", "", cleaned, flags=re.IGNORECASE)
        if _NOT_SIGNIFICANT.fullmatch(cleaned):
            return Box(alpha, 1.0)
    match = re.fullmatch(rf"({_BOUND})({NUMBER})\s*(%?)", cleaned, re.IGNORECASE)
    if match is None or (match[3] and kind not in ("percent", "value", "number")):
        raise InputError(f"found {text!r}; expected {_expected(kind, cleaned)}")
    bound, value = match[1].strip().replace("\u2264", "<=").replace("\u2265", ">="), _decimal(match[2])
    if whole and value != value.to_integral_value():
        raise InputError(f"found {text!r}; expected a whole number such as 466 for a count")
    number, unit = float(value), 0.0 if whole else 10.0 ** int(value.as_tuple().exponent)
    if not (low <= number <= high):
        raise InputError(f"found {text!r}; expected a value {_domain(low, high)} for kind {kind}")
    if bound in ("", "="):
        half = Decimal(0) if whole else Decimal(1).scaleb(value.as_tuple().exponent) / 2
        return Box(max(low, float(value - half)), min(high, float(value + half)), unit, whole)
    strict = 1 if whole and len(bound) == 1 else 0
    floor = low if low > -math.inf or kind != "percent" else 0.0
    if bound[0] == "<":
        return Box(floor, number - strict, 0.0, whole)
    return Box(number + strict, high, 0.0, whole)


def read_parts(text: str, kind: str, alpha: float = 0.05) -> dict[str, tuple[str, Box]]:
    """The parts of a compound: name to its own text and its box, in the order of `COMPOUNDS`.

    Raises:
        InputError: the text does not have the form of that kind.
    """
    compound = COMPOUNDS[kind]
    cleaned = text.translate(MINUS).translate(SPACES).strip()
    if _decimal_comma(cleaned):
        raise InputError(f"found {text!r}; expected {POINT}")
    for form in compound.forms:
        if (match := form.fullmatch(cleaned)) and kind == "constant":
            number = float(_decimal(cleaned))
            same, none = Box(number, number, 0.0, number.is_integer()), Box(0.0, 0.0)
            return {part: (cleaned, none if part == "sd" else same) for part in compound.parts}
        if match:
            return {
                name: (match[name].strip(), read_number(match[name], part, alpha))
                for name, part in compound.parts.items()
            }
    raise InputError(f"found {text!r}; expected the form {compound.example!r} for kind {kind}")


def _decimal(text: str) -> Decimal:
    text = re.sub(r"\s*[x\u00d7]\s*10\s*\^?\s*", "e", text, flags=re.IGNORECASE)
    return Decimal(text.replace(",", "").strip())


def _decimal_comma(text: str) -> bool:
    """Whether a comma stands where a point would: after a 0, or before digits that are not three."""
    return re.search(r"(?<![\d.,])(?:0,\d|\d+,(?!\d{3}(?!\d))\d)", text) is not None


def _expected(kind: str, text: str) -> str:
    examples: dict[str, str] = {
        "count": "a whole number such as 466",
        "percent": "a percentage such as 45.1%",
        "p": "a p-value such as 0.034, <0.001 or N-S",
    }
    return examples.get(kind, "a number such as 32.78")


def _domain(low: float, high: float) -> str:
    return f"of at least {low:g}" if high == math.inf else f"from {low:g} to {high:g}"
