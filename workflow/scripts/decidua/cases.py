"""Which women are cases, which are controls, and of which is it not known?"""

import pandas as pd

from decidua.errors import InputError

#: The column of the marker calls that says it; True is a case.
IS_CASE = "is_case"


#: What women who are no cases are called in the enrolment flow.
CONTROLS, NOT_KNOWN = "Controls", "Not known whether case or control"


def case_status(cohort: pd.DataFrame, cases: str | None) -> pd.Series:
    """Whether each woman is a case, NA where that is not known; without such a column every woman is one.

    Args:
        cases: the yes/no column that is true for women with losses and false for controls.

    Raises:
        InputError: the cohort has no such column.
    """
    if cases is None:
        return pd.Series(True, index=cohort.index, dtype="boolean")
    if cases not in cohort:
        raise InputError(f"analysis.cases: found {cases!r}; expected null or a yes/no column of the cohort")
    return cohort[cases].astype("boolean")


def only_cases(cohort: pd.DataFrame, cases: str | None) -> pd.DataFrame:
    """The women whom every analysis but the accuracy of the markers concerns."""
    return cohort[case_status(cohort, cases).fillna(False).astype(bool)]
