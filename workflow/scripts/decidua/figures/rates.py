"""How common is abnormal immunity in each group, and how many pregnancies end in a live birth?"""

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd
from matplotlib.figure import Figure

from decidua import results, style, words
from decidua.figures.forest import Mark, Row, Scale, Section, forest
from decidua.figures.page import is_value, nothing_to_show, scale_top, series_style, small_print

TESTS = ("Pearson chi-square", "Fisher exact", "Freeman-Halton exact")
_CONTRASTS = ("abnormal v normal", "normal v abnormal")
COLUMNS = ("n/N", "% (interval)")


def prevalence_source(table: pd.DataFrame, tests: Sequence[str] = TESTS) -> pd.DataFrame:
    """The rows of a results table that the prevalence figure shows.

    Args:
        table: results table with the analysis "prevalence".
        tests: names of the tests whose p-values are printed.

    Returns:
        Rates of abnormal immunity, of each marker and of each subgroup by group, then the tests. The subgroup
        without any abnormality is left out: it is the complement of abnormal immunity.
    """
    rows = table[is_value(table["analysis"], "prevalence")]
    return _rates_and_tests(rows[~_is_without_abnormality(rows)], tests)


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
    rates = _drawn_rates(source)
    title = "Prevalence of abnormal immunity"
    if not _any_estimated(rates):
        return nothing_to_show(title, _why(source), synthetic)
    tests = source[is_value(source["quantity"], "test")]
    groups = words.distinct(rates["population"])
    shown = words.distinct(rates.loc[is_value(rates["status"], results.ESTIMATED), "population"])
    sections = [
        Section(heading, tuple(_prevalence_row(rows, tests, groups, labels) for rows in blocks))
        for heading, blocks in _prevalence_blocks(rates)
    ]
    key = [(words.heading(group, labels), *series_style(group, groups)) for group in shown]
    top, step = scale_top(_largest(rates))
    return forest(
        sections,
        Scale("Women (%)", top, step, 100),
        columns=COLUMNS,
        key=key,
        notes=small_print(source, lambda row: _in_prevalence(row, labels)),
        synthetic=synthetic,
    )


def _drawn_rates(source: pd.DataFrame) -> pd.DataFrame:
    """The rates that have a line of their own; a row about the groups or the outcome as such is a note."""
    placed = source["level"].notna() | source["variable"].isin(["immunity", "subgroup"])
    return source[is_value(source["quantity"], "rate") & placed]


def _why(source: pd.DataFrame) -> list[str]:
    return words.distinct(source.loc[is_value(source["quantity"], "rate"), "reason"])


def _prevalence_blocks(rates: pd.DataFrame) -> list[tuple[str, list[pd.DataFrame]]]:
    """Headings, each with the rate rows of its lines: one line a marker, one a subgroup."""
    subgroups = is_value(rates["variable"], "subgroup")
    whole = is_value(rates["variable"], "immunity")
    found = []
    for heading, part, by in (
        ("", rates[whole], "variable"),
        ("Markers", rates[~whole & ~subgroups], "variable"),
        ("Immune subgroups", rates[subgroups], "level"),
    ):
        blocks = [rows for _, rows in part.groupby(by, sort=False, dropna=False)]
        if blocks:
            found.append((heading, blocks))
    return found


def _prevalence_row(
    rates: pd.DataFrame,
    tests: pd.DataFrame,
    groups: Sequence[str],
    labels: Mapping[str, str],
) -> Row:
    first = next(rates.itertuples())
    marks = tuple(rate_mark(rate, *series_style(rate.population, groups)) for rate in rates.itertuples())
    own = tests[is_value(tests["variable"], first.variable)]
    if first.variable == "subgroup":
        own = own[own["level"].isin([first.level])]
    remark = words.tests((test.test, test.p) for test in own.drop_duplicates("test").itertuples())
    return Row(_prevalence_label(first, labels), marks, remark)


def _prevalence_label(row, labels: Mapping[str, str]) -> str:
    if row.variable == "subgroup" and not pd.isna(row.level):
        return _subgroup_name(row.level, labels)
    return words.heading(row.variable, labels)


def _in_prevalence(row, labels: Mapping[str, str]) -> str:
    called = _prevalence_label(row, labels)
    where = row.test if row.quantity == "test" else words.heading(row.population, labels)
    return f"{called}, {where}"


def _subgroup_name(subgroup: str, labels: Mapping[str, str]) -> str:
    """A subgroup of one abnormal marker is of that marker only."""
    called = words.heading(subgroup, labels)
    return called if " + " in subgroup or subgroup in style.ROLES else f"{called} only"


def live_birth_source(table: pd.DataFrame, tests: Sequence[str] = TESTS) -> pd.DataFrame:
    """The rows of a results table that the live birth figure shows; the arguments are `prevalence_source`'s.

    Returns:
        Rates by immunity in all women and in each group, by subgroup in each group, then the tests. The
        subgroup without any abnormality is left out: it is the same women as normal immunity; so is the test
        over the strata of group and immunity.
    """
    rows = table[is_value(table["analysis"], "live_birth")]
    strata = is_value(rows["variable"], "immunity") & ~rows["level"].isin(_CONTRASTS)
    rows = rows[~_is_without_abnormality(rows) & ~(strata & is_value(rows["quantity"], "test"))]
    order = rows["level"].map({"normal": 0, "abnormal": 1}).fillna(2)
    return _rates_and_tests(rows.loc[order.sort_values(kind="stable").index], tests)


def _is_without_abnormality(rows: pd.DataFrame) -> pd.Series:
    return is_value(rows["variable"], "subgroup") & is_value(rows["level"], "normal")


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
    rates = _drawn_rates(source)
    title = words.heading(outcome, labels)
    if not _any_estimated(rates):
        return nothing_to_show(title, _why(source), synthetic)
    tests = source[is_value(source["quantity"], "test")]
    sections = [
        Section(
            words.heading(population, labels),
            tuple(_outcome_row(rate, labels) for rate in rows.itertuples()),
            tuple(_remarks(tests[is_value(tests["population"], population)], labels)),
        )
        for population, rows in rates.groupby("population", sort=False)
    ]
    return forest(
        sections,
        Scale(f"{title} (%)", *scale_top(_largest(rates)), 100),
        columns=COLUMNS,
        notes=small_print(source, lambda row: _in_outcome(row, labels)),
        synthetic=synthetic,
    )


def _outcome_row(rate, labels: Mapping[str, str]) -> Row:
    role = "normal" if not pd.isna(rate.level) and rate.level == "normal" else "abnormal"
    mark = rate_mark(rate, *series_style(role, ()))
    return Row(_outcome_label(rate, labels), (mark,), indent=rate.variable == "subgroup")


def _outcome_label(rate, labels: Mapping[str, str]) -> str:
    if pd.isna(rate.level):
        return words.heading(rate.variable, labels)
    if rate.variable == "subgroup":
        return _subgroup_name(rate.level, labels)
    called = words.heading(rate.level, labels)
    # "Normal" by itself would not say what is normal; a longer label speaks for itself.
    return f"{called} immunity" if called == words.NAMES.get(rate.level) else called


def _remarks(tests: pd.DataFrame, labels: Mapping[str, str]) -> Iterator[str]:
    """A line a comparison: what was compared, then each test with its p."""
    for _, rows in tests.groupby(["variable", "level"], sort=False, dropna=False):
        shown = words.tests((test.test, test.p) for test in rows.itertuples())
        yield f"{_compared(next(rows.itertuples()), labels)}: {shown}"


def _compared(test, labels: Mapping[str, str]) -> str:
    if pd.isna(test.level):
        return words.heading(test.variable, labels)
    called = words.heading(test.level, labels)
    if test.variable != "subgroup" or "subgroup" in test.level:
        return called
    return f"Subgroups, {called}"


def _in_outcome(row, labels: Mapping[str, str]) -> str:
    what = _outcome_label(row, labels) if row.quantity == "rate" else f"{_compared(row, labels)}, {row.test}"
    return f"{words.heading(row.population, labels)}, {what}"


def _rates_and_tests(rows: pd.DataFrame, tests: Sequence[str]) -> pd.DataFrame:
    rates = rows[is_value(rows["quantity"], "rate")]
    tested = rows[is_value(rows["quantity"], "test") & rows["test"].isin(list(tests))]
    return pd.concat([rates, tested], ignore_index=True)


def rate_mark(rate, colour: str, shape: str) -> Mark:
    """A rate's row of the results table as a mark of a forest, with what `COLUMNS` say of it."""
    cells = (words.counts(rate.numerator, rate.denominator), "")
    if rate.status == results.ESTIMATED:
        share = words.percent(rate.estimate).removesuffix("%")
        shown = f"{share} {words.percent_interval(rate.lower, rate.upper)}".rstrip()
        cells = (cells[0], shown)
    return Mark(rate.estimate, rate.lower, rate.upper, cells, colour, shape)


def _any_estimated(rates: pd.DataFrame) -> bool:
    return bool((rates["status"] == results.ESTIMATED).any())


def _largest(rates: pd.DataFrame) -> float:
    return float(rates[["estimate", "upper"]].max().max())
