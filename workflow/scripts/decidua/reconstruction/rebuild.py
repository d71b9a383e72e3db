"""How do rows, one a woman, come from the numbers that a paper prints about its cohort?"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from decidua.errors import InputError, Problem
from decidua.markers import Panel
from decidua.reconstruction.checks import constraints
from decidua.reconstruction.dealing import deal
from decidua.reconstruction.facts import ETIOLOGIES, Facts, Women, marker_columns
from decidua.reconstruction.fitting import fit_regressions
from decidua.reconstruction.marker_values import marker_values
from decidua.reconstruction.moments import UNITS


@dataclass(frozen=True)
class Reconstruction:
    """Rebuilt rows and what they meet.

    Attributes:
        cohort: one row a woman, in the columns of a validated cohort; `synthetic` is true throughout.
        constraints: one row a printed or derived number: constraint, where (in the paper), how (printed,
            derived, reconstructed), target, achieved, met, note. A number that no rows can carry is among
            them, unmet, with the reason.
    """

    cohort: pd.DataFrame
    constraints: pd.DataFrame


def reconstruct(paper: Facts, scenario: str, rng: np.random.Generator, panel: Panel) -> Reconstruction:
    """Build rows, one a woman, from the numbers that a paper prints about its cohort.

    The rows are one of many cohorts that print the same tables. Means, SDs and ranges are met with exact
    integers; live births, miscarriages, immune subgroups and karyotypes are dealt to the printed counts;
    then ages, BMIs and miscarriages are swapped between women of a stratum, which leaves Table 1 as it is,
    until the logistic regressions print as published. Where the paper contradicts itself the scenario says
    which number is kept, and the other is listed as unmet.

    Free, because nothing is published about it: the shapes of the distributions; the marker values, above
    or below the cut-offs as the subgroup says, and which effector-to-target ratios are exceeded when
    cytotoxicity is abnormal (at least one, the rule "any"; so prevalence differs under other rules); which
    woman has which parity and dose; the order of the rows.

    Args:
        paper: the facts of a paper (resources/papers/), with a `reconstruction` part.
        scenario: which of the conflicting numbers are kept; a key of the facts' `reconstruction.scenarios`.
        rng: the same state gives the same bytes.
        panel: the paper's markers, with the cut-offs that the subgroups refer to.

    Raises:
        InputError: no such scenario, a panel of other markers than the paper's, or moments that no
            integers have.

    Source: Han et al. 2025, doi 10.3389/fendo.2025.1546602.
    """
    scenarios = paper["reconstruction"]["scenarios"]
    if scenario not in scenarios:
        raise InputError(Problem(f"scenario {scenario!r}", f"one of {', '.join(scenarios)}"))
    _check_panel(paper, panel)
    plan = scenarios[scenario]
    women = deal(paper, plan, rng)
    fit_regressions(paper, women, rng)
    women |= marker_values(women["subgroup"], panel, rng)
    cohort = _cohort(paper, women, panel, rng)
    return Reconstruction(cohort, constraints(paper, plan, cohort, panel))


def _check_panel(paper: Facts, panel: Panel) -> None:
    """A panel must decide the same markers by the same columns as the paper's."""
    given = {marker.name: [cutoff.column for cutoff in marker.cutoffs] for marker in panel.markers}
    printed = marker_columns(paper)
    if given != printed:
        found, expected = (
            "; ".join(f"{name} ({', '.join(columns)})" for name, columns in markers.items())
            for markers in (given, printed)
        )
        raise InputError(Problem(f"panel {panel.name} with {found}", expected))


def _cohort(paper: Facts, women: Women, panel: Panel, rng: np.random.Generator) -> pd.DataFrame:
    """The women in the columns of a validated cohort, in a drawn order."""
    n = len(women["stratum"])
    order = rng.permutation(n)

    def column(values: Iterable[Any], dtype: str) -> pd.Series:
        return pd.Series(list(values), dtype=dtype).iloc[order].reset_index(drop=True)

    return pd.DataFrame(
        {
            "id": pd.Series([f"{paper['id']}-{k:03d}" for k in range(1, n + 1)], dtype="string"),
            "synthetic": pd.Series([True] * n, dtype="boolean"),
            "etiology": column(women["etiology"], "string").astype(pd.CategoricalDtype(list(ETIOLOGIES))),
            "age": column(women["age"], "float64"),
            "bmi": column((value / UNITS["bmi"] for value in women["bmi"]), "float64"),
            "miscarriages": column(women["miscarriages"], "Int64"),
            "parity": column(women["parity"], "Int64"),
            **{name: column(women[name], "float64") for name in panel.columns},
            "ivig_dose_g": column(women["ivig_dose_g"], "float64"),
            "live_birth": column(women["live_birth"], "boolean"),
            "karyotype": column(women["karyotype"], "string"),
        }
    )
