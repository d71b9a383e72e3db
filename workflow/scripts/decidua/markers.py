"""Which blood markers are abnormal, and to which immune subgroup does that bring a woman?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from decidua import results
from decidua.cases import IS_CASE
from decidua.config import load_yaml
from decidua.errors import InputError
from decidua.labels import measured_name
from decidua.statistics.proportions import wilson

NORMAL, ABNORMAL = "normal", "abnormal"
#: What a panel file does not say.
UNKNOWN = "unknown"
IF_NORMAL, IF_ABNORMAL = "rate if unknown were normal", "rate if unknown were abnormal"


class PanelError(InputError):
    """A panel that cannot be used, or that does not fit its cohort."""


@dataclass(frozen=True)
class Cutoff:
    """A value of `column` strictly above `above` is abnormal; `ratio` is effector to target, if any.

    `above` is in `unit`, that of the column; the panel file says `stated` in the marker's own unit.
    """

    column: str
    above: float
    ratio: str = ""
    unit: str = ""
    stated: float = float("nan")
    obtained: str = UNKNOWN


@dataclass(frozen=True)
class Marker:
    """A marker and the one or more cut-offs that decide its call.

    `grey_zone` is the relative distance to the cut-off within which a call is near it; None: no such zone.
    """

    name: str
    label: str
    unit: str
    cutoffs: tuple[Cutoff, ...]
    grey_zone: float | None = None
    assay: str = UNKNOWN
    published_auc: float = float("nan")

    def deciding(self, combine: str) -> tuple[list[Cutoff], int]:
        """The cut-offs that a combining rule looks at, and how many of them an abnormal woman exceeds."""
        if len(self.cutoffs) > 1 and combine.startswith("single:"):
            return [cutoff for cutoff in self.cutoffs if combine == f"single:{cutoff.ratio}"], 1
        total = len(self.cutoffs)
        return list(self.cutoffs), {"any": 1, "all": total, "majority": total // 2 + 1}.get(combine, 1)


@dataclass(frozen=True)
class Panel:
    """The markers of one laboratory, with where their cut-offs come from; what is not known is UNKNOWN.

    `cases` and `controls` are the women on whom the cut-offs were derived.
    """

    name: str
    source: str
    markers: tuple[Marker, ...]
    version: str = UNKNOWN
    laboratory: str = UNKNOWN
    derived: str = UNKNOWN
    sampling: str = UNKNOWN
    cases: int | None = None
    controls: int | None = None

    @classmethod
    def load(
        cls,
        path: str | Path,
        dictionary: Mapping[str, Mapping[str, Any]] | None = None,
        grey_zone: float | None = None,
    ) -> "Panel":
        """Read a panel file; workflow/schemas/panel.schema.yaml says what it may hold.

        Args:
            dictionary: the variables of cohort_dictionary.yaml; a cut-off in another of a column's units is
                converted to the first one, in which a cohort holds the column.
            grey_zone: that of the markers for which the file states none.
        """
        panel = load_yaml(path)
        markers = tuple(
            _marker(name, marker, dictionary or {}, grey_zone) for name, marker in panel["markers"].items()
        )
        stated = ("version", "laboratory", "derived", "sampling")
        return cls(
            panel["name"],
            panel["source"],
            markers,
            **{key: panel[key] for key in stated if key in panel},
            cases=panel.get("n", {}).get("cases"),
            controls=panel.get("n", {}).get("controls"),
        )

    @property
    def columns(self) -> list[str]:
        """The columns of a cohort that the panel reads."""
        return [cutoff.column for marker in self.markers for cutoff in marker.cutoffs]

    def combining_rules(self) -> list[str]:
        """Every rule by which several ratios of a marker can make one call."""
        ratios = dict.fromkeys(c.ratio for m in self.markers if len(m.cutoffs) > 1 for c in m.cutoffs)
        return ["any", "all", "majority", *(f"single:{ratio}" for ratio in ratios)]


def _marker(
    name: str, marker: Mapping[str, Any], dictionary: Mapping[str, Any], grey_zone: float | None
) -> Marker:
    cutoffs = []
    for stated in marker["cutoffs"]:
        units = dictionary.get(stated["column"], {}).get("units", {})
        factor = units.get(marker["unit"], 1.0)
        cutoffs.append(
            Cutoff(
                stated["column"],
                float(stated["above"]) * factor,
                stated.get("ratio", ""),
                next(iter(units), marker["unit"]),
                float(stated["above"]),
                stated["obtained"],
            )
        )
    return Marker(
        name,
        marker["label"],
        marker["unit"],
        tuple(cutoffs),
        marker.get("grey_zone", grey_zone),
        marker.get("assay", UNKNOWN),
        float(marker.get("published_auc", {}).get("value", "nan")),
    )


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
    calls["immunity"] = immunity_of(calls[names])
    return calls


def immunity(cohort: pd.DataFrame, panel: Panel, combine: str) -> pd.Series:
    """Each woman's immunity alone, as `classify` finds it."""
    return immunity_of(_calls(cohort, panel, combine))


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
    cutoffs, needed = marker.deciding(combine)
    table = pd.concat([_above(cohort, cutoff) for cutoff in cutoffs], axis="columns")
    yes = table.fillna(False).sum(axis="columns")
    no = (~table).fillna(False).sum(axis="columns")
    call = pd.Series(pd.NA, index=cohort.index, dtype="boolean")
    call[yes >= needed] = True
    call[no > len(cutoffs) - needed] = False
    return call


def _above(cohort: pd.DataFrame, cutoff: Cutoff) -> pd.Series:
    if cutoff.column not in cohort:
        return pd.Series(pd.NA, index=cohort.index, dtype="boolean")
    values = cohort[cutoff.column].astype("Float64")
    return (values > cutoff.above).rename(cutoff.column)


def marker_names(calls: pd.DataFrame) -> list[str]:
    """The markers of a table that begins as `classify` makes it, in the panel's order."""
    names = list(calls.columns)
    return names[names.index("id") + 1 : names.index("subgroup")]


def with_calls(cohort: pd.DataFrame, calls: pd.DataFrame, *, controls: bool = False) -> pd.DataFrame:
    """The women of the analysis beside their marker calls, one row a woman.

    Where a measured column has a marker's name, the call takes the name and the measured value goes under
    `measured_name`. Women who are not known to be cases (the calls' column `is_case`, where there is one) are
    left out, so that every analysis concerns cases alone; with `controls` all women and that column stay.
    """
    markers = marker_names(calls)
    measured = cohort.rename(columns={name: measured_name(name, markers) for name in cohort.columns})
    wanted = ["id", *markers, "subgroup", "immunity"]
    if IS_CASE in calls and controls:
        wanted.append(IS_CASE)
    elif IS_CASE in calls:
        calls = calls[calls[IS_CASE].fillna(False).astype(bool)]
    return measured.merge(calls[wanted], on="id", validate="one_to_one")


def _subgroup(calls: pd.DataFrame) -> pd.Series:
    subgroup = pd.Series("", index=calls.index, dtype="string")
    for name in calls:
        abnormal = calls[name].fillna(False).astype(bool)
        subgroup = subgroup.where(~abnormal, subgroup + f" + {name}")
    subgroup = subgroup.str.removeprefix(" + ").replace("", NORMAL)
    return subgroup.mask(calls.isna().any(axis="columns"))


def immunity_of(calls: pd.DataFrame) -> pd.Series:
    """Abnormal if any marker is, normal if all are; NA when an unknown marker could decide."""
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


def populations(cohort: pd.DataFrame, group: str | None) -> dict[str, pd.Series]:
    """Who belongs to all women and to each level of the grouping column, if there is one."""
    found = {"all": pd.Series(True, index=cohort.index)}
    if group is not None and group in cohort:
        text = cohort[group].astype("string")
        for level in sorted(text.dropna().unique()):
            found[level] = (text == level).fillna(False).astype(bool)
    return found


def prevalence_by_rule(
    cohort: pd.DataFrame, panel: Panel, *, group: str | None, confidence: float
) -> pd.DataFrame:
    """Prevalence of abnormal immunity and of each marker under every combining rule, all and by group.

    Returns:
        A results table (decidua.results): analysis combining_rule, level the rule, Wilson intervals.
    """
    rows = []
    for rule in panel.combining_rules():
        calls = classify(cohort, panel, rule)
        for variable in ["immunity", *(marker.name for marker in panel.markers)]:
            abnormal = calls[variable].eq(ABNORMAL) if variable == "immunity" else calls[variable]
            for population, members in populations(cohort, group).items():
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
    """The panel as a table: a row a cut-off, with all that the file says of it, "unknown" where it is silent.

    `abnormal_above` is in `unit`, the cohort's; `stated_above` and `stated_unit` are the file's own words.
    """
    rows = [
        {
            "panel": panel.name,
            "version": panel.version,
            "marker": marker.name,
            "label": marker.label,
            "column": cutoff.column,
            "ratio": cutoff.ratio,
            "abnormal_above": cutoff.above,
            "unit": cutoff.unit,
            "stated_above": cutoff.stated,
            "stated_unit": marker.unit,
            "obtained": cutoff.obtained,
            "grey_zone": "none" if marker.grey_zone is None else f"{marker.grey_zone:g}",
            "assay": marker.assay,
            "laboratory": panel.laboratory,
            "cases": UNKNOWN if panel.cases is None else str(panel.cases),
            "controls": UNKNOWN if panel.controls is None else str(panel.controls),
            "published_auc": UNKNOWN if pd.isna(marker.published_auc) else f"{marker.published_auc:g}",
            "derived": panel.derived,
            "sampling": panel.sampling,
            "source": panel.source,
        }
        for marker in panel.markers
        for cutoff in marker.cutoffs
    ]
    return pd.DataFrame(rows)
