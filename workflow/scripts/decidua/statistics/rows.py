"""How do counts and tests become rows of a results table? Every row says whom it counts."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from decidua.results import ESTIMATED, not_estimable, row
from decidua.statistics.answers import Estimate, HypothesisTest, NotEstimable
from decidua.statistics.contingency import (
    conditional_odds_ratio,
    fisher,
    freeman_halton,
    pearson,
)
from decidua.statistics.counting import Tally
from decidua.statistics.multiplicity import benjamini_hochberg, holm
from decidua.statistics.proportions import newcombe, wilson

Row = dict[str, Any]
PEARSON = "Pearson chi-square"
FISHER = "Fisher exact"
FREEMAN_HALTON = "Freeman-Halton exact"
ANOVA = "one-way ANOVA"


def attempt(rows: Iterable[Row], **place: Any) -> Iterator[Row]:
    """The rows of a generator, and one that says why it came to no end; `place` is where that one stands."""
    try:
        yield from rows
    except NotEstimable as reason:
        yield not_estimable(**{**place, "reason": str(reason)})


def interval(method: str, confidence: float) -> str:
    """Method and confidence of an interval, as the results say it."""
    return f"{method}, {100 * confidence:g}%"


def rate_rows(tally: Tally, confidence: float, into: str = "level", **place: Any) -> Iterator[Row]:
    """The rate of each level with Wilson's interval; `into` is the column that names the level."""
    lower, upper = wilson(tally.events, tally.totals, confidence)
    for i, name in enumerate(tally.names):
        common = {
            **place,
            into: name,
            "quantity": "rate",
            "numerator": int(tally.events[i]),
            "denominator": int(tally.totals[i]),
            "counted": tally.counted(i),
        }
        if not tally.totals[i]:
            yield not_estimable(f"no {tally.known_words}", **common)
            continue
        yield row(
            **common,
            **_reason(tally.selection if tally.unknown[i] else ""),
            estimate=tally.events[i] / tally.totals[i],
            lower=float(lower[i]),
            upper=float(upper[i]),
            interval=interval("Wilson", confidence),
        )


#: Rates that would have come out if every woman of unknown status were counted, without or with the event.
LOWEST, HIGHEST = "rate if unknown had it not", "rate if unknown had it"
SMALLEST, LARGEST = "smallest possible difference of rates", "largest possible difference of rates"


def bound_rows(tally: Tally, **place: Any) -> Iterator[Row]:
    """How far the unknown could move each level's rate, and of two levels the difference.

    Nothing where everybody is known.

    These are not intervals: no chance is in them, only what is not known.
    """
    if not tally.unknown.any() and not sum(tally.unplaced):
        return
    whole = tally.totals + tally.unknown
    ends = {LOWEST: tally.events, HIGHEST: tally.events + tally.unknown}
    counted = "women of the level, the unknown counted as said"
    for quantity, events in ends.items():
        for i, name in enumerate(tally.names):
            if whole[i] and tally.unknown.any():
                own = {**place, "level": name, "quantity": quantity, "counted": counted}
                own |= {"numerator": int(events[i]), "denominator": int(whole[i])}
                yield row(**own, estimate=events[i] / whole[i])
    if len(tally.names) == 2 and whole.all():
        own = {**place, "level": " v ".join(tally.names)}
        own["counted"] = "all women, the unknown where they move the difference most"
        yield row(**own, quantity=SMALLEST, estimate=_least_difference(tally, (0, 1)))
        yield row(**own, quantity=LARGEST, estimate=-_least_difference(tally, (1, 0)))


def _least_difference(tally: Tally, order: tuple[int, int]) -> float:
    """The smallest difference of two rates, first minus second, over all that is not known.

    A woman of unknown level does most in the second one with the event and in the first one without it; where
    her event is not known either, how many are of each kind is tried.
    """
    i, j = order
    with_event, without, either = tally.unplaced
    k = np.arange(either + 1)
    first = tally.events[i] / (tally.totals[i] + tally.unknown[i] + without + either - k)
    second = tally.totals[j] + tally.unknown[j] + with_event + k
    second = (second - (tally.totals[j] - tally.events[j])) / second
    return float((first - second).min())


NON_INFERIORITY, EQUIVALENCE = "non-inferiority", "equivalence"


def margin_rows(
    tally: Tally,
    confidence: float,
    margin: float | None,
    *,
    wanted: bool = True,
    caution: str = "",
    **place: Any,
) -> Iterator[Row]:
    """Is the rate of the first of two levels not inferior, and equivalent, to that of the second?

    Not inferior: the whole interval of the difference lies above -margin, or below margin where the event is
    not `wanted`. Equivalent: it lies between -margin and margin. With a 95% interval these are one-sided
    tests at 2.5%. Nothing without a declared margin.
    """
    if margin is None:
        return
    points = f"{100 * margin:g} percentage points"
    found = difference_row(
        tally, confidence, level=" v ".join(tally.names), counted=tally.counted_in_all, **place
    )
    if found["status"] != ESTIMATED:
        yield from ({**found, "quantity": quantity} for quantity in (NON_INFERIORITY, EQUIVALENCE))
        return
    lower, upper = found["lower"], found["upper"]
    worst, best = (lower, upper) if wanted else (-upper, -lower)
    worse = "lower" if wanted else "higher"
    if worst > -margin:
        inferior = (
            f"not inferior: the whole interval rules out a rate {worse} by {points}, the margin declared"
        )
    elif best < -margin:
        inferior = f"inferior: the whole interval is {worse} by more than {points}, the declared margin"
    else:
        inferior = f"not shown: a rate {worse} by {points} or more is not ruled out"
    equivalent = (
        f"equivalent: the whole interval lies within {points}"
        if -margin < lower and upper < margin
        else f"not shown: a difference of {points} or more is not ruled out"
    )
    for quantity, reading in ((NON_INFERIORITY, inferior), (EQUIVALENCE, equivalent)):
        yield {**found, "quantity": quantity, **_reason(reading, caution)}


def test_row(name: str, make: Callable[[], HypothesisTest], *, caution: str = "", **place: Any) -> Row:
    """A test, or why it cannot be made; `caution` goes with it."""
    place = {"quantity": "test", **place}
    try:
        found = make()
    except NotEstimable as reason:
        return not_estimable(str(reason), test=name, **place)
    return row(
        **place,
        test=name,
        statistic=found.statistic,
        df=found.df,
        df_residual=found.df_residual,
        p=found.p,
        **_reason(found.caution, caution),
    )


def estimate_row(make: Callable[[], Estimate], *, caution: str = "", **place: Any) -> Row:
    """An estimate with its interval, or why there is none."""
    try:
        found = make()
    except NotEstimable as reason:
        return not_estimable(str(reason), **place)
    return row(**place, estimate=found.value, lower=found.lower, upper=found.upper, **_reason(caution))


def value_row(make: Callable[[], float], *, caution: str = "", **place: Any) -> Row:
    """A value without an interval, or why there is none."""
    try:
        return row(**place, estimate=make(), **_reason(caution))
    except NotEstimable as reason:
        return not_estimable(str(reason), **place)


def _reason(*cautions: str) -> Row:
    said = "; ".join(caution for caution in cautions if isinstance(caution, str) and caution)
    return {"reason": said} if said else {}


def comparison_rows(
    tally: Tally, confidence: float, *, level: str = "", caution: str = "", **place: Any
) -> Iterator[Row]:
    """Do the rates differ: Pearson's and the exact test; of two levels their difference and odds ratio too.

    `level` is what the rows are called; "A v B" unless given.
    """
    place = {**place, "level": level or " v ".join(tally.names), "counted": tally.counted_in_all}
    selection = tally.selection if tally.unknown.any() else ""
    caution = "; ".join(filter(None, (selection, caution)))
    said = "; ".join(filter(None, (tally.caution, caution)))
    two = len(tally.names) == 2
    exact = FISHER if two else FREEMAN_HALTON
    exact_test = fisher if two else freeman_halton
    yield test_row(PEARSON, lambda: pearson(tally.table()), caution=said, **place)
    yield test_row(exact, lambda: exact_test(tally.table()), caution=said, **place)
    if two:
        yield difference_row(tally, confidence, caution=caution, **place)
        yield estimate_row(
            lambda: conditional_odds_ratio(tally.table(), confidence),
            quantity="odds ratio",
            interval=interval("conditional exact", confidence),
            caution=caution,
            **place,
        )


def difference_row(tally: Tally, confidence: float, **place: Any) -> Row:
    """Difference of the rates of two levels, first minus second, with Newcombe's interval."""
    (x1, x2), (n1, n2) = tally.events.tolist(), tally.totals.tolist()
    return estimate_row(
        lambda: newcombe(x1, n1, x2, n2, confidence),
        quantity="difference of rates",
        interval=interval("Newcombe", confidence),
        **place,
    )


def pairwise_difference_rows(tally: Tally, confidence: float, **place: Any) -> Iterator[Row]:
    """Differences of the rates of every pair of more than two levels."""
    if len(tally.names) > 2:
        for pair in combinations(range(len(tally.names)), 2):
            two = tally.pick(pair)
            level = " v ".join(two.names)
            yield difference_row(two, confidence, level=level, counted=two.counted_in_all, **place)


def adjusted_rows(rows: Sequence[Row]) -> Iterator[Row]:
    """The same tests with p-values adjusted as one family, by Holm and by Benjamini and Hochberg."""
    tests = [each for each in rows if each["status"] == ESTIMATED and not np.isnan(each["p"])]
    if len(tests) < 2:
        return
    p = [each["p"] for each in tests]
    family = ", ".join(dict.fromkeys(each["variable"] for each in tests))
    for name, adjust in (("Holm", holm), ("Benjamini-Hochberg", benjamini_hochberg)):
        for each, value in zip(tests, adjust(p), strict=True):
            renamed = {"test": f"{each['test']}, {name}-adjusted", "p": float(value)}
            said = _reason(f"adjusted for {len(tests)} tests: {family}", each.get("reason", ""))
            yield {**each, **renamed, **said}


MOMENTS = ("mean", "standard deviation", "minimum", "maximum", "median", "lower quartile", "upper quartile")


def moment_rows(
    sample: np.ndarray, sd: float, quantities: Sequence[str] = MOMENTS, **place: str
) -> Iterator[Row]:
    """Moments of a sample, whose standard deviation is given; too small a sample says so."""
    moments: dict[str, Callable[[np.ndarray], float]] = {
        "mean": np.mean,
        "standard deviation": lambda _: sd,
        "minimum": np.min,
        "maximum": np.max,
        "median": np.median,
        "lower quartile": lambda values: np.quantile(values, 0.25),
        "upper quartile": lambda values: np.quantile(values, 0.75),
    }
    for quantity in quantities:
        own = {**place, "quantity": quantity, "denominator": len(sample)}
        if len(sample) < (2 if quantity == "standard deviation" else 1):
            yield not_estimable(f"{len(sample) or 'no'} women with a known value", **own)
        else:
            yield row(**own, estimate=float(moments[quantity](sample)))


def count_row(part: int, whole: int, **place: str) -> Row:
    """A number of women, out of how many."""
    return row(**place, estimate=part, numerator=part, denominator=whole)
