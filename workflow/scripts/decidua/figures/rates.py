"""How common is abnormal immunity in each group, and how many pregnancies end in a live birth?"""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.figure import Figure

from decidua import results, style
from decidua.figures import words
from decidua.figures.forest import Mark, Row, Scale, Section, forest
from decidua.figures.page import nothing_to_show, scale_top, series_style, small_print

PEARSON = "Pearson chi-square"
_COLUMNS = ("n/N", "Rate (interval)")


def prevalence_source(table: pd.DataFrame, tests: Sequence[str] = (PEARSON,)) -> pd.DataFrame:
    """The rows of a results table that the prevalence figure shows.

    Args:
        table: results table with the analysis "prevalence".
        tests: names of the tests whose p-values are printed.

    Returns:
        Rates of abnormal immunity, of each marker and of each subgroup by group, then the tests. The subgroup
        without any abnormality is left out: it is the complement of abnormal immunity.
    """
    return _rates_and_tests(_without_repetition(table[table["analysis"] == "prevalence"]), tests)


@style.publication()
def plot_prevalence(
    source: pd.DataFrame, *, labels: Mapping[str, str], synthetic: str | None = None
) -> Figure:
    """Draw the prevalence of abnormal immunity, markers and subgroups by group (Han et al. 2025, Figure 2).

    Args:
        source: as from `prevalence_source`.
        labels: what variables, groups and subgroups are called.
        synthetic: the mark of data that are no patients'.
    """
    rates = source[source["quantity"] == "rate"]
    title = "Prevalence of abnormal immunity"
    if not _any_estimated(rates):
        return nothing_to_show(title, words.distinct(rates["reason"]), synthetic)
    tests = source[source["quantity"] == "test"]
    groups = words.distinct(rates["population"])
    names = words.distinct(tests["test"])
    sections = [
        Section(heading, tuple(_prevalence_row(rows, tests, names, groups, labels) for rows in blocks))
        for heading, blocks in _prevalence_blocks(rates)
    ]
    key = [(words.heading(group, labels), *series_style(group, groups)) for group in groups]
    top, step = scale_top(_largest(rates))
    return forest(
        sections,
        Scale("Women (%)", top, step, 100),
        mark_columns=_COLUMNS,
        row_columns=tuple(names),
        key=key,
        notes=small_print(source),
        synthetic=synthetic,
    )


def _prevalence_blocks(rates: pd.DataFrame) -> list[tuple[str, list[pd.DataFrame]]]:
    """Headings, each with the rate rows of its lines: one line a marker, one a subgroup."""
    subgroups = rates["variable"] == "subgroup"
    whole = rates["variable"] == "immunity"
    found = []
    for heading, part, by in (
        ("", rates[whole], "variable"),
        ("Markers", rates[~whole & ~subgroups], "variable"),
        ("Immune subgroups", rates[subgroups], "level"),
    ):
        blocks = [rows for _, rows in part.groupby(by, sort=False)]
        if blocks:
            found.append((heading, blocks))
    return found


def _prevalence_row(
    rates: pd.DataFrame,
    tests: pd.DataFrame,
    names: Sequence[str],
    groups: Sequence[str],
    labels: Mapping[str, str],
) -> Row:
    first = rates.iloc[0]
    key = first["level"] if first["variable"] == "subgroup" else first["variable"]
    marks = tuple(_rate_mark(rate, *series_style(rate.population, groups)) for rate in rates.itertuples())
    own = tests[tests["variable"] == first["variable"]]
    if first["variable"] == "subgroup":
        own = own[own["level"] == first["level"]]
    cells = tuple(_p_of(own[own["test"] == test]) for test in names)
    called = _subgroup_name(key, labels) if first["variable"] == "subgroup" else words.heading(key, labels)
    return Row(called, marks, cells)


def _subgroup_name(subgroup: str, labels: Mapping[str, str]) -> str:
    """A subgroup of one abnormal marker is of that marker only."""
    called = words.heading(subgroup, labels)
    return called if " + " in subgroup or subgroup in style.ROLES else f"{called} only"


def _p_of(tests: pd.DataFrame) -> str:
    return words.p_value(tests["p"].iloc[0]) if len(tests) else ""


def live_birth_source(table: pd.DataFrame, tests: Sequence[str] = (PEARSON,)) -> pd.DataFrame:
    """The rows of a results table that the live birth figure shows; the arguments are `prevalence_source`'s.

    Returns:
        Rates by immunity in all women and in each group, by subgroup in each group, then the tests. The
        subgroup without any abnormality is left out: it is the same women as normal immunity.
    """
    rows = _without_repetition(table[table["analysis"] == "live_birth"])
    order = rows["level"].map({"normal": 0, "abnormal": 1}).fillna(2)
    return _rates_and_tests(rows.assign(order=order).sort_values("order", kind="stable"), tests)[
        table.columns
    ]


def _without_repetition(rows: pd.DataFrame) -> pd.DataFrame:
    repeated = (rows["variable"] == "subgroup") & (rows["level"] == "normal") & (rows["quantity"] == "rate")
    return rows[~repeated]


@style.publication()
def plot_live_birth(
    source: pd.DataFrame,
    *,
    labels: Mapping[str, str],
    synthetic: str | None = None,
    outcome: str = "live_birth",
) -> Figure:
    """Draw the outcome by immunity and immune subgroup, a section a population (Han et al. 2025, Figure 3).

    Args:
        source: as from `live_birth_source`.
        labels: what populations, immunity and subgroups are called.
        synthetic: the mark of data that are no patients'.
        outcome: key of the outcome's name in `labels`.
    """
    rates = source[source["quantity"] == "rate"]
    title = words.heading(outcome, labels)
    if not _any_estimated(rates):
        return nothing_to_show(title, words.distinct(rates["reason"]), synthetic)
    tests = source[source["quantity"] == "test"]
    sections = [
        Section(
            words.heading(population, labels),
            tuple(_outcome_row(rate, labels) for rate in rows.itertuples()),
            tuple(_remark(test, labels) for test in tests[tests["population"] == population].itertuples()),
        )
        for population, rows in rates.groupby("population", sort=False)
    ]
    return forest(
        sections,
        Scale(f"{title} (%)", *scale_top(_largest(rates)), 100),
        mark_columns=_COLUMNS,
        notes=small_print(source),
        synthetic=synthetic,
    )


def _outcome_row(rate, labels: Mapping[str, str]) -> Row:
    role = "normal" if rate.level == "normal" else "abnormal"
    mark = _rate_mark(rate, *series_style(role, ()))
    if rate.variable == "subgroup":
        return Row(_subgroup_name(rate.level, labels), (mark,), indent=True)
    return Row(words.heading(rate.level, labels), (mark,))


def _remark(test, labels: Mapping[str, str]) -> str:
    """The test in words: what was compared, how, and p."""
    shown = f"{test.test} {words.p_value(test.p)}"
    return shown if pd.isna(test.level) else f"{words.heading(test.level, labels)}: {shown}"


def _rates_and_tests(rows: pd.DataFrame, tests: Sequence[str]) -> pd.DataFrame:
    rates = rows[rows["quantity"] == "rate"]
    tested = rows[(rows["quantity"] == "test") & rows["test"].isin(list(tests))]
    return pd.concat([rates, tested], ignore_index=True)


def _rate_mark(rate, colour: str, shape: str) -> Mark:
    cells = (words.counts(rate.numerator, rate.denominator), "")
    if rate.status == results.ESTIMATED:
        shown = f"{words.percent(rate.estimate)} {words.percent_interval(rate.lower, rate.upper)}".rstrip()
        cells = (cells[0], shown)
    return Mark(rate.estimate, rate.lower, rate.upper, cells, colour, shape)


def _any_estimated(rates: pd.DataFrame) -> bool:
    return bool((rates["status"] == results.ESTIMATED).any())


def _largest(rates: pd.DataFrame) -> float:
    return float(rates[["estimate", "upper"]].max().max())
