"""Which of the hypotheses that were declared to be tested still stand when they are tested together?"""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from decidua.results import ESTIMATED, frame, not_estimable
from decidua.statistics.multiplicity import benjamini_hochberg, holm
from decidua.statistics.rows import PEARSON, Row

METHODS = (("Holm", holm), ("Benjamini-Hochberg", benjamini_hochberg))


def family(table: pd.DataFrame, hypotheses: Sequence[str]) -> pd.DataFrame:
    """The tests of the declared hypotheses in all women, as they are and adjusted as one family.

    Args:
        table: rows of results tables.
        hypotheses: each "analysis.variable", "analysis.variable.test" or "analysis.variable.test.level", such
            as trend.aneuploidy.Cochran-Armitage; without a test it is Pearson's chi-square. The level is
            needed where there are several such tests.

    Returns:
        A results table: for each hypothesis the row of its test, then for each method the same rows with the
        adjusted p. A hypothesis whose test is not there is not estimable and counts for nothing.
    """
    tests = table[(table["population"] == "all") & (table["quantity"] == "test")]
    named = dict.fromkeys(_parts(hypothesis) for hypothesis in hypotheses)
    own = [_test_row(tests, *parts) for parts in named]
    return frame([*own, *_adjusted(own)])


def _parts(hypothesis: str) -> tuple[str, str, str, str]:
    """Analysis, variable, test and level; the same hypothesis in two spellings is one."""
    analysis, variable, test, level = (*hypothesis.split(".", 3), "", "")[:4]
    return analysis, variable, test or PEARSON, level


def _test_row(tests: pd.DataFrame, analysis: str, variable: str, test: str, level: str) -> Row:
    wanted = (tests["analysis"] == analysis) & (tests["variable"] == variable) & (tests["test"] == test)
    if level:
        wanted &= tests["level"] == level
    found = tests[wanted.fillna(False).astype(bool)]
    place = {"analysis": analysis, "population": "all", "variable": variable, "test": test}
    if found.empty:
        return not_estimable("the tables hold no such test", quantity="test", **place)
    if len(found) > 1:
        levels = ", ".join(map(str, found["level"]))
        why = f"{len(found)} such tests; name one of the levels {levels}"
        return not_estimable(why, quantity="test", **place)
    return found.iloc[0].to_dict()


def _adjusted(rows: Sequence[Row]) -> Iterator[Row]:
    p = np.array([each["p"] if each["status"] == ESTIMATED else np.nan for each in rows], dtype=float)
    tested = int((~np.isnan(p)).sum())
    for name, adjust in METHODS:
        for each, value in zip(rows, adjust(p), strict=True):
            renamed = {**each, "test": f"{each['test']}, {name}-adjusted"}
            if np.isnan(value):
                yield renamed
            else:
                said = f"adjusted for {tested} of {len(rows)} declared tests"
                own = each.get("reason")
                said = f"{said}; {own}" if isinstance(own, str) else said
                yield {**renamed, "p": float(value), "reason": said}
