"""How is a column, a group or an immune subgroup written where a person reads it?"""

from collections.abc import Mapping, Sequence
from typing import Any

FIXED = {
    "all": "All women",
    "normal": "Normal",
    "abnormal": "Abnormal",
    "unknown": "Unknown",
    "immunity": "Abnormal cellular immunity",
    "aneuploidy": "Aneuploidy among karyotyped miscarriages",
}


def cohort_labels(
    cohort: Mapping[str, Any], dictionary: Mapping[str, Any], panel: Mapping[str, Any]
) -> dict[str, str]:
    """Labels of one cohort: name as in its tables to the words for it.

    Args:
        cohort: the cohort's settings, with `analysis` and, for a table, `columns`.
        dictionary: the variables of cohort_dictionary.yaml.
        panel: the content of its marker panel.
    """
    labels = dict(FIXED)
    labels |= {name: variable["label"] for name, variable in dictionary.items()}
    for name, spec in cohort.get("columns", {}).items():
        if isinstance(spec, Mapping) and "label" in spec:
            labels[name] = spec["label"]
    labels |= {measured_name(name, list(panel["markers"])): label for name, label in labels.items()}
    # A marker's call goes by the marker's name, also where a measured column is called the same.
    labels |= {name: marker["label"] for name, marker in panel["markers"].items()}
    labels |= cohort["analysis"]["group_labels"]
    return labels


def measured_name(column: str, markers: Sequence[str]) -> str:
    """The name that a measured column has in the table of `with_calls`."""
    return f"{column}_measured" if column in markers else column
