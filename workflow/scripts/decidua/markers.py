"""Which blood markers are abnormal, and to which immune subgroup does that bring a woman?"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from decidua import results
from decidua.config import load_yaml
from decidua.errors import InputError
from decidua.labels import measured_name
from decidua.statistics.proportions import wilson

NORMAL, ABNORMAL = "normal", "abnormal"
IF_NORMAL, IF_ABNORMAL = "rate if unknown were normal", "rate if unknown were abnormal"


class PanelError(InputError):
    """A panel that cannot be used, or that does not fit its cohort."""


@dataclass(frozen=True)
class Cutoff:
    """A value of `column` strictly above `above` is abnormal; `ratio` is effector to target, if any."""

    column: str
    above: float
    ratio: str = ""


@dataclass(frozen=True)
class Marker:
    """A marker and the one or more cut-offs that decide its call."""

    name: str
    label: str
    unit: str
    cutoffs: tuple[Cutoff, ...]


@dataclass(frozen=True)
class Panel:
    """The markers of one laboratory, with where their cut-offs come from."""

    name: str
    source: str
    markers: tuple[Marker, ...]

    @classmethod
    def load(cls, path: str | Path) -> "Panel":
        """Read a panel file; workflow/schemas/panel.schema.yaml says what it may hold."""
        panel = load_yaml(path)
        markers = tuple(
            Marker(
                name,
                marker["label"],
                marker["unit"],
                tuple(Cutoff(c["column"], float(c["above"]), c.get("ratio", "")) for c in marker["cutoffs"]),
            )
            for name, marker in panel["markers"].items()
        )
        return cls(panel["name"], panel["source"], markers)

    @property
    def columns(self) -> list[str]:
        """The columns of a cohort that the panel reads."""
        return [cutoff.column for marker in self.markers for cutoff in marker.cutoffs]

    def combining_rules(self) -> list[str]:
        """Every rule by which several ratios of a marker can make one call."""
        ratios = dict.fromkeys(c.ratio for m in self.markers if len(m.cutoffs) > 1 for c in m.cutoffs)
        return ["any", "all", "majority", *(f"single:{ratio}" for ratio in ratios)]


def classify(cohort: pd.DataFrame, panel: Panel, combine: str = "any") -> pd.DataFrame:
    """Compare each marker with its cut-off.

    Args:
        cohort: one row a woman, `id` and a float column a marker in the panel's units, NaN if not measured.
        panel: cut-offs, units and source; a marker is abnormal when strictly above its cut-off.
        combine: how several effector-to-target ratios make one call: any, all, majority or single:RATIO.

    Returns:
        One row a woman: id, a nullable boolean a marker (True is abnormal), `subgroup` (the abnormal markers'
        names joined by " + ", or normal; NA when a marker is unknown) and `immunity` (normal, abnormal; NA
        when an unknown marker could decide).

    Raises:
        PanelError: no marker of the panel is in the cohort, or the rule names a ratio that no marker has.

    Source: Lee et al. 2013; Han et al. 2025, section 2.1.
    """
    calls = pd.concat([cohort["id"], _calls(cohort, panel, combine)], axis="columns")
    names = [marker.name for marker in panel.markers]
    calls["subgroup"] = _subgroup(calls[names])
    calls["immunity"] = _immunity(calls[names])
    return calls


def immunity(cohort: pd.DataFrame, panel: Panel, combine: str) -> pd.Series:
    """Each woman's immunity alone, as `classify` finds it."""
    return _immunity(_calls(cohort, panel, combine))


def _calls(cohort: pd.DataFrame, panel: Panel, combine: str) -> pd.DataFrame:
    """A nullable boolean a marker: True is abnormal."""
    missing = [column for column in panel.columns if column not in cohort]
    if len(missing) == len(panel.columns):
        listed = ", ".join(missing)
        raise PanelError(
            f"panel {panel.name}: found none of its markers in the cohort; expected one of {listed}"
        )
    rules = panel.combining_rules()
    if combine not in rules and any(len(marker.cutoffs) > 1 for marker in panel.markers):
        raise PanelError(
            f"panel {panel.name}: found the rule {combine!r}; expected one of {', '.join(rules)}"
        )
    return pd.DataFrame({marker.name: _call(cohort, marker, combine) for marker in panel.markers})


def _call(cohort: pd.DataFrame, marker: Marker, combine: str) -> pd.Series:
    """Kleene logic: a call stands when the unknown ratios could not change it."""
    above = [
        _above(cohort, cutoff)
        for cutoff in marker.cutoffs
        if len(marker.cutoffs) == 1
        or not combine.startswith("single:")
        or combine == f"single:{cutoff.ratio}"
    ]
    table = pd.concat(above, axis="columns")
    yes = table.fillna(False).sum(axis="columns")
    no = (~table).fillna(False).sum(axis="columns")
    total = len(above)
    needed = {"any": 1, "all": total, "majority": total // 2 + 1}.get(combine, 1)
    call = pd.Series(pd.NA, index=cohort.index, dtype="boolean")
    call[yes >= needed] = True
    call[no > total - needed] = False
    return call


def _above(cohort: pd.DataFrame, cutoff: Cutoff) -> pd.Series:
    if cutoff.column not in cohort:
        return pd.Series(pd.NA, index=cohort.index, dtype="boolean")
    values = cohort[cutoff.column].astype("Float64")
    return (values > cutoff.above).rename(cutoff.column)


def marker_names(calls: pd.DataFrame) -> list[str]:
    """The markers of a table that `classify` made, in the panel's order."""
    return [name for name in calls.columns if name not in ("id", "subgroup", "immunity")]


def with_calls(cohort: pd.DataFrame, calls: pd.DataFrame) -> pd.DataFrame:
    """The cohort beside its marker calls, one row a woman.

    Where a measured column has a marker's name, the call takes the name and the measured value goes under
    `measured_name`.
    """
    markers = marker_names(calls)
    measured = cohort.rename(columns={name: measured_name(name, markers) for name in cohort.columns})
    return measured.merge(calls, on="id", validate="one_to_one")


def _subgroup(calls: pd.DataFrame) -> pd.Series:
    subgroup = pd.Series("", index=calls.index, dtype="string")
    for name in calls:
        abnormal = calls[name].fillna(False).astype(bool)
        subgroup = subgroup.where(~abnormal, subgroup + f" + {name}")
    subgroup = subgroup.str.removeprefix(" + ").replace("", NORMAL)
    return subgroup.mask(calls.isna().any(axis="columns"))


def _immunity(calls: pd.DataFrame) -> pd.Series:
    immunity = pd.Series(pd.NA, index=calls.index, dtype="string")
    immunity[(~calls).fillna(False).all(axis="columns")] = NORMAL
    immunity[calls.fillna(False).any(axis="columns")] = ABNORMAL
    return immunity


def subgroups(markers: Sequence[str]) -> list[str]:
    """Every immune subgroup of the markers: normal, each marker alone, then the combinations (2^k in all)."""
    found = [""]
    for name in markers:
        found += [f"{subgroup} + {name}" if subgroup else name for subgroup in found]
    order = {name: place for place, name in enumerate(markers)}
    found.sort(
        key=lambda s: (len(s.split(" + ")) if s else 0, [order[n] for n in s.split(" + ")] if s else [])
    )
    return [subgroup or NORMAL for subgroup in found]


def prevalence_by_rule(
    cohort: pd.DataFrame, panel: Panel, *, group: str | None, confidence: float
) -> pd.DataFrame:
    """Prevalence of abnormal immunity and of each marker under every combining rule, all and by group.

    Returns:
        A results table (decidua.results): analysis combining_rule, level the rule, Wilson intervals.
    """
    populations = {"all": pd.Series(True, index=cohort.index)}
    if group is not None and group in cohort:
        text = cohort[group].astype("string")
        for level in sorted(text.dropna().unique()):
            populations[level] = (text == level).fillna(False).astype(bool)
    rows = []
    for rule in panel.combining_rules():
        calls = classify(cohort, panel, rule)
        for variable in ["immunity", *(marker.name for marker in panel.markers)]:
            abnormal = calls[variable].eq(ABNORMAL) if variable == "immunity" else calls[variable]
            for population, members in populations.items():
                rows += _prevalence_rows(abnormal[members], rule, variable, population, confidence)
    return results.frame(rows)


def _prevalence_rows(
    abnormal: pd.Series, rule: str, variable: str, population: str, confidence: float
) -> list[dict[str, Any]]:
    """The rate among known calls, and the rates if every unknown call were normal or abnormal."""
    known = int(abnormal.notna().sum())
    place = {
        "analysis": "combining_rule",
        "population": population,
        "variable": variable,
        "level": rule,
        "quantity": "rate",
        "numerator": int(abnormal.fillna(False).sum()),
        "denominator": known,
        "counted": f"women with a known call; {len(abnormal) - known} unknown left out",
    }
    if not known:
        return [results.not_estimable("nobody has a known call", **place)]
    lower, upper = wilson(place["numerator"], known, confidence)
    found = {"estimate": place["numerator"] / known, "lower": float(lower), "upper": float(upper)}
    rows = [results.row(**place, **found, interval=f"Wilson, {confidence:.0%}")]
    unknown = len(abnormal) - known
    for quantity, added in ((IF_NORMAL, 0), (IF_ABNORMAL, unknown)):
        bound = {"quantity": quantity, "numerator": place["numerator"] + added, "denominator": len(abnormal)}
        bound |= {
            "counted": "all women, unknown calls as said",
            "estimate": bound["numerator"] / len(abnormal),
        }
        rows.append(results.row(**{**place, **bound}))
    return rows


def describe_panel(panel: Panel) -> pd.DataFrame:
    """The panel as a table: a row a cut-off, with marker, unit, effector-to-target ratio and source."""
    rows = [
        {
            "panel": panel.name,
            "marker": marker.name,
            "label": marker.label,
            "column": cutoff.column,
            "ratio": cutoff.ratio,
            "abnormal_above": cutoff.above,
            "unit": marker.unit,
            "source": panel.source,
        }
        for marker in panel.markers
        for cutoff in marker.cutoffs
    ]
    return pd.DataFrame(rows)
