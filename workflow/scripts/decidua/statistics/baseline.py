"""Who are the women of each stratum, and do the strata differ? Table 1 of a cohort."""

from collections.abc import Callable, Iterator
from itertools import combinations

import numpy as np
import pandas as pd

from decidua.results import OF, row
from decidua.statistics import counting
from decidua.statistics.analysis import Cohort, analysed
from decidua.statistics.balance import standardised_difference, standardised_difference_of_shares
from decidua.statistics.contingency import fisher, freeman_halton, pearson
from decidua.statistics.counting import EVERYONE, Events, Levels, tally
from decidua.statistics.groups import (
    Summary,
    kruskal_wallis,
    one_way_anova,
    scheffe,
    split,
    summarise,
    welch_anova,
)
from decidua.statistics.rows import (
    ANOVA,
    FISHER,
    FREEMAN_HALTON,
    PEARSON,
    Row,
    attempt,
    count_row,
    interval,
    moment_rows,
    rate_rows,
    test_row,
    value_row,
)
from decidua.statistics.settings import Settings


def baseline(women: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Describe the women by group and immunity, and test whether these strata differ (Han 2025, Table 1).

    Rows, variable each of `describe`, population all, level a stratum ("known normal"). Of a number: quantity
    mean, standard deviation, minimum, maximum, median, lower and upper quartile, n missing; quantity test, of
    all strata: one-way ANOVA, Welch ANOVA, Kruskal-Wallis; quantity difference of means: every pair of strata
    by Scheffe. Of a category or yes/no: variable "education: 0-5yrs" with quantity rate; variable "education"
    with n missing and the tests Pearson and exact. Of both: standardised difference of every pair of strata.
    """
    return analysed("baseline", _baseline, women, settings, quantity="mean")


def _baseline(cohort: Cohort) -> Iterator[Row]:
    strata = counting.by_immunity(cohort.groups, counting.immunity(cohort.women))
    for variable in cohort.settings.describe:
        place = {"population": EVERYONE, "variable": variable}
        yield from attempt(_description(cohort, strata, place), quantity="mean", **place)


def _description(cohort: Cohort, strata: Levels, place: Row) -> Iterator[Row]:
    if counting.is_classification(cohort.women, place["variable"], cohort.settings):
        return _categories(cohort, strata, place)
    return _numbers(cohort, strata, place)


def _numbers(cohort: Cohort, strata: Levels, place: Row) -> Iterator[Row]:
    name = place["variable"]
    values = counting.numbers(cohort.women, name, cohort.settings)
    samples = split(values, strata.codes, len(strata.names))
    summary = summarise(samples, strata.names)
    words = f"women with known {counting.in_words(name)}"
    unknown = [int((strata.members(i) & np.isnan(values)).sum()) for i in range(len(samples))]
    for i, sample in enumerate(samples):
        own = {**place, "level": strata.names[i]}
        yield from moment_rows(
            sample, summary.sd[i], counted=f"{words}; {unknown[i]} unknown left out", **own
        )
        yield _missing_row(unknown[i], unknown[i] + len(sample), own)
    place = {**place, "counted": f"{words}; {sum(unknown)} unknown left out{_elsewhere(strata)}"}
    every = {**place, "level": " v ".join(strata.names)}
    yield test_row(ANOVA, lambda: one_way_anova(summary), **every)
    yield test_row("Welch ANOVA", lambda: welch_anova(summary), **every)
    yield test_row("Kruskal-Wallis", lambda: kruskal_wallis(samples), **every)
    pairs = {**place, "quantity": "difference of means", "test": "Scheffe"}
    yield from attempt(_scheffe_rows(summary, cohort.confidence, pairs), **pairs)
    for i, j in combinations(range(len(samples)), 2):
        yield _balance_row(strata, i, j, lambda i=i, j=j: standardised_difference(summary, i, j), place)


def _categories(cohort: Cohort, strata: Levels, place: Row) -> Iterator[Row]:
    kinds = counting.classification(cohort.women, place["variable"])
    for k, kind in enumerate(kinds.names):
        values = np.where(kinds.codes < 0, np.nan, kinds.members(k).astype(float))
        found = tally(Events.of(values, kinds.variable), strata)
        yield from rate_rows(found, cohort.confidence, **{**place, "variable": f"{kinds.variable}{OF}{kind}"})
    known = (kinds.codes >= 0) & (strata.codes >= 0)
    shape = len(kinds.names), len(strata.names)
    table = np.bincount(kinds.codes[known] * shape[1] + strata.codes[known], minlength=shape[0] * shape[1])
    table = table.reshape(shape)
    sizes = np.bincount(strata.codes[strata.codes >= 0], minlength=shape[1])
    for i, name in enumerate(strata.names):
        yield _missing_row(int(sizes[i] - table[:, i].sum()), int(sizes[i]), {**place, "level": name})
    words = (
        f"women with known {counting.in_words(kinds.variable)}; {sizes.sum() - table.sum()} unknown left out"
    )
    place = {**place, "counted": words + _elsewhere(strata)}
    every = {**place, "level": " v ".join(strata.names)}
    exact, exact_test = (FISHER, fisher) if shape == (2, 2) else (FREEMAN_HALTON, freeman_halton)
    yield test_row(PEARSON, lambda: pearson(table), **every)
    yield test_row(exact, lambda: exact_test(table), **every)
    for i, j in combinations(range(shape[1]), 2):
        columns = table[:, [i, j]]
        yield _balance_row(
            strata, i, j, lambda columns=columns: standardised_difference_of_shares(*columns.T), place
        )


def _elsewhere(strata: Levels) -> str:
    unplaced = int((strata.codes < 0).sum())
    return f"; {unplaced} with unknown {strata.variable} left out" if unplaced else ""


def _missing_row(unknown: int, women: int, place: Row) -> Row:
    return count_row(unknown, women, quantity="n missing", **{**place, "counted": "women"})


def _balance_row(strata: Levels, i: int, j: int, make: Callable[[], float], place: Row) -> Row:
    level = f"{strata.names[i]} v {strata.names[j]}"
    return value_row(make, **{**place, "quantity": "standardised difference", "level": level})


def _scheffe_rows(summary: Summary, confidence: float, place: Row) -> Iterator[Row]:
    for contrast in scheffe(summary, confidence):
        yield row(
            **place,
            level=f"{contrast.first} v {contrast.second}",
            estimate=contrast.difference.value,
            lower=contrast.difference.lower,
            upper=contrast.difference.upper,
            interval=interval("Scheffe", confidence),
            p=contrast.p,
        )
