"""What do the facts of a paper say, and when does a number read as printed?"""

import re
from collections.abc import Mapping
from typing import Any

#: The content of a file of resources/papers/.
Facts = Mapping[str, Any]
#: Column to one value a woman.
Women = dict[str, list[Any]]

STRATA = ("KN", "KA", "IN", "IA")
ETIOLOGIES = ("known", "idiopathic")
COVARIATES = ("age", "bmi", "miscarriages")
KARYOTYPES = EUPLOID, ANEUPLOID, NOT_TESTED = ("euploid", "aneuploid", "not tested")
#: Categories of history are 0, 1, 2 for 2, 3, 4 or more earlier miscarriages.
HISTORIES = range(3)
FOUR_OR_MORE = 2
NOT_SIGNIFICANT = "N-S"


def marker_columns(paper: Facts) -> dict[str, list[str]]:
    """The paper's markers, with the columns that decide each."""
    return {name: list(cutoffs) for name, cutoffs in paper["panel"].items() if isinstance(cutoffs, Mapping)}


def markers_of(subgroup: str) -> list[str]:
    """The abnormal markers of an immune subgroup."""
    return subgroup.split(" + ")


def alpha(paper: Facts) -> float:
    return float(paper["paper"]["alpha"])


def as_printed(printed: str, value: float) -> str:
    """A value with as many decimals as the first printed one."""
    decimals = re.search(r"\.(\d+)", printed)
    return f"{value:.{len(decimals[1]) if decimals else 0}f}"


def p_as_printed(printed: str, p: float) -> str:
    """A p-value with as many decimals as the printed one; three beside N-S."""
    if printed == NOT_SIGNIFICANT:
        return f"{p:.3f}"
    return as_printed(printed, p) if p >= 0.0005 else "<0.001"


def p_is_met(paper: Facts, printed: str, p: float) -> bool:
    """Whether a p-value prints as published; N-S is met from the paper's alpha on."""
    return p >= alpha(paper) if printed == NOT_SIGNIFICANT else p_as_printed(printed, p) == printed
