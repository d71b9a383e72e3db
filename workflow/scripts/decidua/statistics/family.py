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
        hypotheses: each "analysis.variable" or "analysis.variable.test", such as trend.aneuploidy.Cochran-
            Armitage; without a test it is Pearson's chi-square. Of several rows the first one counts.

    Returns:
        A results table: for each hypothesis the row of its test, then for each method the same rows with the
        adjusted p. A hypothesis whose test is not there is not estimable and counts for nothing.
    """
    tests = table[(table["population"] == "all") & (table["quantity"] == "test")]
    own = [_test_row(tests, hypothesis) for hypothesis in hypotheses]
    return frame([*own, *_adjusted(own)])


def _test_row(tests: pd.DataFrame, hypothesis: str) -> Row:
    analysis, variable, test = (*hypothesis.split(".", 2), PEARSON)[:3]
    wanted = (tests["analysis"] == analysis) & (tests["variable"] == variable) & (tests["test"] == test)
    found = tests[wanted.fillna(False).astype(bool)]
    if found.empty:
        place = {"analysis": analysis, "population": "all", "variable": variable, "test": test}
        return not_estimable("the tables hold no such test", quantity="test", **place)
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
                yield {**renamed, "p": float(value), "reason": f"adjusted for {tested} declared tests"}
