"""How near to its cut-off is a marker, and how much would change if near calls went the other way?

The relative distance of a value to its cut-off is (value - cut-off) / |cut-off|, above 0 when abnormal. Where
several effector-to-target ratios make one call, and the rule wants m of them above their cut-offs, the m-th
largest distance decides: the largest under `any`, the smallest under `all`, the middle one of three under
`majority`. So the distance is above 0 exactly where the call is abnormal.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from decidua import results
from decidua.markers import ABNORMAL, Marker, Panel, classify, immunity_of, populations
from decidua.statistics.counting import SELECTED
from decidua.statistics.proportions import wilson

#: Rounding must not push a value out of the zone at whose very end it lies.
SLACK = 1e-12
SHARE = "share in the grey zone"
IF_GREY_NORMAL, IF_GREY_ABNORMAL = "rate if the grey zone were normal", "rate if the grey zone were abnormal"


def distances(cohort: pd.DataFrame, panel: Panel, combine: str = "any") -> pd.DataFrame:
    """How far each woman is from each marker's cut-off, and whether that is within its grey zone.

    Args:
        cohort: as for `decidua.markers.classify`.
        panel: with the grey zone of each marker.
        combine: how several effector-to-target ratios make one call.

    Returns:
        The same index; for each marker `<marker>_distance`, relative, NaN where its call is unknown or its
        cut-off is 0 (where unknown ratios leave it open: the least distance that fits the call), and
        `<marker>_grey`, a nullable boolean: NA where unknown values decide, or no zone is set.
    """
    columns: dict[str, pd.Series] = {}
    for marker in panel.markers:
        least, most = _bounds(cohort, marker, combine)
        distance = np.where(least > 0, least, np.where(most <= 0, most, np.nan))
        distance[np.isinf(distance)] = np.nan
        columns[f"{marker.name}_distance"] = pd.Series(distance, index=cohort.index)
        columns[f"{marker.name}_grey"] = _grey(least, most, marker.grey_zone, cohort.index)
    return pd.DataFrame(columns, index=cohort.index)


def _bounds(cohort: pd.DataFrame, marker: Marker, combine: str) -> tuple[np.ndarray, np.ndarray]:
    """The least and the largest distance that a woman may have, given the ratios that are known of her."""
    cutoffs, needed = marker.deciding(combine)
    table = np.full((len(cohort), len(cutoffs)), np.nan)
    for place, cutoff in enumerate(cutoffs):
        if cutoff.column in cohort and cutoff.above:
            values = pd.array(cohort[cutoff.column], dtype="Float64").to_numpy(dtype=float, na_value=np.nan)
            table[:, place] = (values - cutoff.above) / abs(cutoff.above)

    def decisive(unknown: float) -> np.ndarray:
        return np.sort(np.where(np.isnan(table), unknown, table), axis=1)[:, len(cutoffs) - needed]

    return decisive(-np.inf), decisive(np.inf)


def _grey(least: np.ndarray, most: np.ndarray, zone: float | None, index: pd.Index) -> pd.Series:
    grey = pd.Series(pd.NA, index=index, dtype="boolean")
    if zone is None:
        return grey
    end = zone + SLACK
    grey[(least >= -end) & (most <= end)] = True
    grey[(least > end) | (most < -end)] = False
    return grey


def grey_zone_table(
    cohort: pd.DataFrame,
    panel: Panel,
    combine: str,
    *,
    group: str | None,
    confidence: float,
    caution: str = "",
) -> pd.DataFrame:
    """How many women are in the grey zone, and the range of the prevalence if they were called otherwise.

    Args:
        caution: goes with every number; such as that the values are not of patients.

    Returns:
        A results table (decidua.results), analysis grey_zone, for immunity and each marker in all women and
        each group: the share in the zone (Wilson; of immunity: of women with any marker in its zone), the
        rate of abnormal calls, and that rate if every woman in the zone were normal, or abnormal.
    """
    calls = classify(cohort, panel, combine)
    near = distances(cohort, panel, combine)
    names = [marker.name for marker in panel.markers]
    grey = pd.DataFrame({name: near[f"{name}_grey"] for name in names}, index=cohort.index)
    certain = grey.fillna(False).astype(bool)
    called = {
        "rate": calls[names],
        IF_GREY_NORMAL: calls[names].mask(certain, False),
        IF_GREY_ABNORMAL: calls[names].mask(certain, True),
    }
    abnormal = {quantity: table.assign(immunity=_abnormal(table)) for quantity, table in called.items()}
    grey["immunity"] = _any(grey[names])
    without = {marker.name: _why_none(marker, combine) for marker in panel.markers}
    without["immunity"] = next(iter(without.values())) if all(without.values()) else ""
    rows = []
    for variable in ("immunity", *names):
        for population, members in populations(cohort, group).items():
            place = {"analysis": "grey_zone", "population": population, "variable": variable}
            if without[variable]:
                rows.append(results.not_estimable(without[variable], quantity=SHARE, **place))
                continue
            chosen = {quantity: table.loc[members, variable] for quantity, table in abnormal.items()}
            found = _rows(grey.loc[members, variable], chosen, confidence, place)
            rows += found if variable != "immunity" else map(_selected, found)
    return results.frame({**row, **_joined(row.get("reason"), caution)} for row in rows)


def _joined(*reasons: str | None) -> dict[str, str]:
    told = "; ".join(reason for reason in reasons if reason)
    return {"reason": told} if told else {}


def _selected(row: dict[str, Any]) -> dict[str, Any]:
    """Of immunity: to know it may take one marker or all of them, and so it is with a marker in its zone."""
    left_out = not row["counted"].split("; ")[1].startswith("0 ")
    return {**row, **_joined(row.get("reason"), SELECTED if left_out else None)}


def _why_none(marker: Marker, combine: str) -> str:
    """Why a marker has no grey zone; empty if it has one."""
    if marker.grey_zone is None:
        return "no grey zone is set"
    if not all(cutoff.above for cutoff in marker.deciding(combine)[0]):
        return "a cut-off is 0, and no distance is relative to 0"
    return ""


def _abnormal(calls: pd.DataFrame) -> pd.Series:
    immunity = immunity_of(calls)
    return immunity.eq(ABNORMAL).astype("boolean").mask(immunity.isna())


def _any(grey: pd.DataFrame) -> pd.Series:
    """Whether any is true; NA where none is but an unknown one may be."""
    found = pd.Series(pd.NA, index=grey.index, dtype="boolean")
    found[(~grey).fillna(False).all(axis="columns")] = False
    found[grey.fillna(False).any(axis="columns")] = True
    return found


def _rows(
    grey: pd.Series, abnormal: Mapping[str, pd.Series], confidence: float, place: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    placed, known = int(grey.notna().sum()), int(abnormal["rate"].notna().sum())
    left_out = f"{len(grey) - placed} unknown left out"
    counted = f"women of whom it is known whether they are in the grey zone; {left_out}"
    yield _rate(grey, counted, confidence, {**place, "quantity": SHARE})
    counted = f"women with a known call; {len(grey) - known} unknown left out"
    yield _rate(abnormal["rate"], counted, confidence, {**place, "quantity": "rate"})
    kept = f"{counted}; women not known to be in the grey zone keep their call"
    for quantity in (IF_GREY_NORMAL, IF_GREY_ABNORMAL):
        yield _rate(
            abnormal[quantity].mask(abnormal["rate"].isna()), kept, None, {**place, "quantity": quantity}
        )


def _rate(yes: pd.Series, counted: str, confidence: float | None, place: Mapping[str, Any]) -> dict[str, Any]:
    """A rate of the known; without an interval where the range itself is the answer."""
    numerator, denominator = int(yes.fillna(False).sum()), int(yes.notna().sum())
    common = {**place, "numerator": numerator, "denominator": denominator, "counted": counted}
    if not denominator:
        return results.not_estimable("it is known of nobody", **common)
    found = results.row(**common, estimate=numerator / denominator)
    if confidence is not None:
        lower, upper = wilson(numerator, denominator, confidence)
        found |= {"lower": float(lower), "upper": float(upper), "interval": f"Wilson, {confidence:.0%}"}
    return found
