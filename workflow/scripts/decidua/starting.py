"""What does a clinic start from? An empty patient table, and settings, panel and dictionary that fit it."""

import csv
import io
import re
from collections.abc import Mapping
from typing import Any

from decidua.variables import describe_variables, variables

COHORT = """cohorts:                         # one entry a patient table, under a name of your choice
  clinic:
    title: "Our clinic"          # as it stands on the report
    source: table
    file: women.csv              # one row a woman; more that can be said of it: config.yaml of Decidua
    missing: ["", "NA"]          # cells that mean "not known"
    decimal: "."                 # or ","
    columns:                     # our name: your column; take out what you do not have
{columns}
    exclude: []                  # such as [{{reason: "Lost to follow-up", column: status, values: [LOST]}}]
    panel: panel.yaml            # your cut-offs

"""
PANEL = """# YOUR cut-offs belong here: these are of another laboratory. Take out what you do not measure.
"""
HEAD = """# The settings of your study; every key is checked. The table is women.csv, what its columns mean is
# in dictionary.csv, the cut-offs are in panel.yaml. `snakemake check_cohorts` says whether all that fits.

"""


def starting_files(config: str, dictionary: Mapping[str, Mapping[str, Any]], panel: str) -> dict[str, str]:
    """The files of a folder to start from, by name.

    Args:
        config: the text of the shipped config.yaml, whose comments stay.
        dictionary: the variables of cohort_dictionary.yaml.
        panel: the text of a shipped marker panel.
    """
    return {
        "women.csv": _line(dictionary),
        "config.yaml": _config(config, dictionary),
        "panel.yaml": PANEL + panel,
        "dictionary.csv": _dictionary(dictionary, panel),
    }


def _line(cells: Any) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


def _config(config: str, dictionary: Mapping[str, Mapping[str, Any]]) -> str:
    """The shipped settings with one cohort from a table, and neither studies nor papers."""
    width = max(map(len, dictionary))
    columns = "\n".join(
        f"      {f'{name}: {name}':<{2 * width + 2}}  # {_may_hold(entry)}"
        for name, entry in dictionary.items()
    )
    blocks = {
        "cohorts": COHORT.format(columns=columns),
        "studies": "studies: {}                      # RNA-seq studies: see config.yaml of Decidua\n\n",
        "papers": "papers: {}                       # audits of papers: see config.yaml of Decidua\n\n",
    }
    for key, block in blocks.items():
        config = re.sub(rf"(?ms)^{key}:.*?(?=^# -----|^\w+:|\Z)", lambda _, block=block: block, config)
    return HEAD + config[config.index("version:") :]


def _may_hold(entry: Mapping[str, Any]) -> str:
    """What a cell may hold, in words."""
    kinds = {"boolean": "yes or no", "text": "text", "integer": "whole number", "number": "number"}
    words = [" | ".join(entry["levels"]) if "levels" in entry else kinds[entry["type"]]]
    if "minimum" in entry:
        words.append(f"{entry['minimum']:g} to {entry['maximum']:g}")
    if "units" in entry:
        words.append(next(iter(entry["units"])))
    return ", ".join(words)


def _dictionary(dictionary: Mapping[str, Mapping[str, Any]], panel: str) -> str:
    cut = re.findall(r"column: (\w+)", panel)
    needed = {"id": "yes", **dict.fromkeys(cut, "by panel.yaml")}
    table = describe_variables(variables(dictionary))
    table["may hold"] = [_may_hold(dictionary[name]) for name in table["variable"]]
    table["needed"] = [needed.get(name, "no") for name in table["variable"]]
    kept = table[["variable", "meaning", "may hold", "needed"]].rename(columns={"variable": "column"})
    return kept.to_csv(index=False, lineterminator="\n")
