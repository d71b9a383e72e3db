"""What do immune tests add to what the history tells? One model against another, paired throughout.

Net reclassification improvement is left out on purpose: it rises when noise is added to a model (Hilden and
Gerds 2014, Stat Med 33:3405). Who crosses a threshold is told by outcome, and what that is worth by net
benefit.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from decidua.prediction import nested
from decidua.prediction.decision_curves import NO_RISK, curves_of, reached
from decidua.prediction.design import BOOSTING, BOTH, CONDITIONAL, FIRTH, HISTORY, Specification
from decidua.prediction.measures import LARGE, R2, SCALED, SLOPE, WITHIN_SETS, C
from decidua.prediction.paired import Predicted, Statistic, corrected
from decidua.prediction.validation import (
    APPARENT,
    CORRECTED,
    Validated,
    Validation,
    difference,
    optimism_of,
)
from decidua.results import frame, not_estimable, row
from decidua.statistics.answers import NotEstimable
from decidua.statistics.counting import EVERYONE
from decidua.statistics.rows import Row, attempt, interval, test_row

ANALYSIS = "added value"
TEST = "test"
CHANGE_C, CHANGE_R2 = "change in c statistic", "change in explained variation"
CHANGE_BRIER, CHANGE_BENEFIT = "change in scaled Brier score", "change in net benefit"
NEW_INFORMATION = "fraction of new information"
CROSS, UP, DOWN = "women who cross the threshold", "women who move up to it", "women who move down below it"
WITH, WITHOUT = "with the event", "without the event"
VERDICT = "added value"
ADDED, NONE, WORSE = "added value", "no evidence of added value", "worse with the markers"
CANNOT_SAY = "not estimable"
#: p-value below which the test speaks for the markers; the interval of the change in c must agree.
LEVEL = 0.05


@dataclass(frozen=True)
class Women:
    """Whom all models concern, and the resamples that they share.

    rows: n rows of predictors. event: n booleans. groups: of each row the woman (or set) that is never split.
    weights: resamples x n, how often each is in a resample. sets: of each the matched set, or None.
    """

    rows: pd.DataFrame
    event: np.ndarray
    groups: np.ndarray
    weights: np.ndarray
    sets: np.ndarray | None = None

    @property
    def counted(self) -> str:
        return f"{len(self.event)} women, {int(self.event.sum())} with the event"

    @property
    def repeated(self) -> bool:
        """Whether a woman has several rows (women of a matched set are different women)."""
        return self.sets is None and len(np.unique(self.groups)) < len(self.groups)


def pairs(specs: Sequence[Specification]) -> list[tuple[str, str]]:
    """Every model of history and immune tests against the first one of the history alone: (new, old).

    Firth's has none of its kind to be held against.
    """
    old = [spec.name for spec in specs if spec.family == HISTORY]
    return [(spec.name, old[0]) for spec in specs if old and spec.family == BOTH and spec.method != FIRTH]


def comparison(new: str, old: str) -> str:
    """What two models side by side are called."""
    return f"{new} v {old}"


def added_value(
    validation: Validation,
    compared: Sequence[tuple[str, str]],
    women: Women,
    crossing: float,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """What the new model of each pair has above the old one.

    Args:
        compared: names of the new and the old model, as from `pairs`.
        crossing: the threshold of the predicted risk that women may cross.

    Returns:
        A results table. Variable the comparison ("history + immune v history"), level apparent or corrected.
        Quantity test: likelihood ratio (with several rows a woman a robust Wald test too); change in c
        statistic, in explained variation (Nagelkerke's R2), in scaled Brier score, in net benefit at the
        threshold; fraction of new information; women who cross the threshold, and population all, with the
        event and without it, women who move up to it or down below it. Variable a model: its calibration in
        the large and slope. Quantity "added value": estimate 1 where it is declared, else 0, level in words;
        the reason is the rule.
    """
    rows: list[Row] = []
    for new, old in compared:
        place = {"variable": comparison(new, old), "counted": women.counted}
        failed = [validation.failures[name] for name in (old, new) if name in validation.failures]
        if failed:
            rows += [not_estimable(failed[0], quantity=quantity, **place) for quantity in (TEST, CHANGE_C)]
            rows.append(not_estimable(failed[0], quantity=VERDICT, **place))
            continue
        pair = _Pair(validation.models[new], validation.models[old], women, crossing, confidence, place)
        rows += pair.rows()
    for name in dict.fromkeys(name for pair in compared for name in reversed(pair)):
        if name in validation.models:
            rows += _calibration(validation.models[name], women)
    if not compared:
        rows.append(not_estimable("there are no two models to compare", quantity=CHANGE_C))
    return frame({"analysis": ANALYSIS, "population": EVERYONE, **each} for each in rows)


def verdict(p: float, low: float, high: float) -> str:
    """What the test and the interval of the change in c allow to say.

    Added value needs both: markers that carry nothing then pass in fewer data sets than the test alone lets
    through (`LEVEL`).
    """
    if np.isnan([p, low, high]).any():
        return CANNOT_SAY
    if high < 0:
        return WORSE
    return ADDED if p < LEVEL and low > 0 else NONE


@dataclass(frozen=True)
class _Pair:
    new: Validated
    old: Validated
    women: Women
    crossing: float
    confidence: float
    place: Mapping[str, Any]

    @property
    def matched(self) -> bool:
        return CONDITIONAL in (self.new.spec.method, self.old.spec.method)

    def rows(self) -> list[Row]:
        tests = list(self._tests())
        changes = list(self._changes())
        found = [*tests, *changes, *self._new_information()]
        if self.matched:
            found += [
                not_estimable(NO_RISK, quantity=quantity, **self.place)
                for quantity in (CHANGE_BENEFIT, CROSS)
            ]
        else:
            found += attempt(self._net_benefit(), quantity=CHANGE_BENEFIT, **self.place)
            found += attempt(self._crossings(), quantity=CROSS, **self.place)
        return [self._verdict(tests, changes), *found]

    # ---- the test

    def _tests(self) -> Iterator[Row]:
        place = {**self.place, "quantity": TEST}
        try:
            smaller, larger = self._designs()
        except NotEstimable as reason:
            yield not_estimable(str(reason), test=nested.LIKELIHOOD_RATIO, **place)
            return
        event, sets = self.women.event, self.women.sets
        caution = self._filled_in()
        yield test_row(
            nested.LIKELIHOOD_RATIO,
            lambda: nested.likelihood_ratio(smaller, larger, event, sets if self.matched else None),
            caution="; ".join(filter(None, [caution, self._several()])),
            **place,
        )
        if self.women.repeated:
            yield test_row(
                nested.ROBUST_WALD,
                lambda: nested.robust_wald(smaller, larger, event, self.women.groups),
                caution=caution,
                **place,
            )

    def _designs(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        new, old = self.new.spec, self.old.spec
        if BOOSTING in (new.method, old.method):
            raise NotEstimable("boosted trees have no number of parameters to test")
        if not set(old.columns) <= set(new.columns):
            raise NotEstimable(f"{new.name} does not contain {old.name}")
        return nested.split(nested.columns(self.new.fitted, self.women.rows), old.columns)

    def _filled_in(self) -> str:
        columns = [name for name in self.new.spec.columns if name in self.women.rows]
        unknown = int(self.women.rows[columns].isna().any(axis="columns").sum())
        return f"unknown predictors of {unknown} women filled in" if unknown else ""

    def _several(self) -> str:
        return "several rows of one woman count as different women" if self.women.repeated else ""

    # ---- changes

    def _changes(self) -> Iterator[Row]:
        measures = [(CHANGE_C, WITHIN_SETS if self.matched else C)]
        measures += [(CHANGE_R2, R2), (CHANGE_BRIER, SCALED)]
        for quantity, measure in measures:
            place = {**self.place, "quantity": quantity}
            if self.matched and measure != WITHIN_SETS:
                yield not_estimable(NO_RISK, **place)
                continue
            yield from attempt(self._change(measure, place), **place)

    def _change(self, measure: str, place: Row) -> Iterator[Row]:
        found = difference(self.new, self.old, measure, self.confidence)
        how = self.new.measures.set_index("measure").at[measure, "interval"]
        yield row(**place, level=APPARENT, estimate=found["apparent"])
        ends = {"estimate": found["corrected"], "lower": found["low"], "upper": found["high"]}
        yield row(**place, level=CORRECTED, **ends, interval=f"paired; {how}")

    def _new_information(self) -> Iterator[Row]:
        place = {**self.place, "quantity": NEW_INFORMATION}
        if self.matched:
            yield not_estimable(NO_RISK, **place)
            return
        yield from attempt(self._apparent_fraction(place), level=APPARENT, **place)
        yield from attempt(self._corrected_fraction(place), level=CORRECTED, **place)

    def _apparent_fraction(self, place: Row) -> Iterator[Row]:
        found = nested.fraction_of_new_information(*self._designs(), self.women.event)
        yield row(**place, level=APPARENT, estimate=found)

    def _corrected_fraction(self, place: Row) -> Iterator[Row]:
        numbers, optimism = [], []
        for model in (self.new, self.old):
            found = model.measures.set_index("measure").loc[R2]
            if pd.isna(found["corrected"]):
                raise NotEstimable(str(found["reason"]))
            numbers.append(float(found["apparent"]))
            optimism.append(optimism_of(model.resampled, R2).to_numpy())
        drawn = np.array(numbers)[:, None] - np.array(optimism)[:, ~np.isnan(optimism).any(axis=0)]
        share = float(np.mean(self.women.event))
        yield fraction_row(drawn.mean(axis=1), drawn, share, self.confidence, place)

    # ---- what would be told

    def _net_benefit(self) -> Iterator[Row]:
        at = np.array([self.crossing])
        models = [Predicted.of(self.new), Predicted.of(self.old)]
        found = corrected(curves_of(self.women.event, at), models, self.women.weights, self.confidence)
        place = {**self.place, "quantity": CHANGE_BENEFIT, "counted": self._at}
        yield row(**place, level=APPARENT, estimate=found.apparent[2])
        ends = {"estimate": found.corrected[2], "lower": found.low[2], "upper": found.high[2]}
        yield row(**place, level=CORRECTED, **ends, interval=f"paired; {found.method}")

    @property
    def _at(self) -> str:
        return f"{self.women.counted}; threshold of the risk {100 * self.crossing:g}%"

    def _crossings(self) -> Iterator[Row]:
        event = self.women.event
        models = [Predicted.of(self.new), Predicted.of(self.old)]
        found = corrected(crossings(event, self.crossing), models, self.women.weights, self.confidence)
        sizes = {EVERYONE: len(event), WITH: int(event.sum()), WITHOUT: int((~event).sum())}
        kinds = [(CROSS, EVERYONE), *((move, population) for move in (UP, DOWN) for population in sizes)]
        for i, (quantity, population) in enumerate(kinds):
            place = {**self.place, "quantity": quantity, "population": population, "counted": self._at}
            place["denominator"] = sizes[population]
            yield row(**place, level=APPARENT, estimate=found.apparent[i])
            middle, low, high = np.clip([found.corrected[i], found.low[i], found.high[i]], 0, 1)
            ends = {"estimate": middle, "lower": low, "upper": high}
            yield row(**place, level=CORRECTED, **ends, interval=found.method)

    def _verdict(self, tests: Sequence[Row], changes: Sequence[Row]) -> Row:
        p = [each.get("p", np.nan) for each in tests]
        deciding = tests[-1]["test"]
        interval_of = next((each for each in changes if each.get("level") == CORRECTED), {})
        found = verdict(p[-1], interval_of.get("lower", np.nan), interval_of.get("upper", np.nan))
        place = {**self.place, "quantity": VERDICT}
        if found == CANNOT_SAY:
            missing = [each["reason"] for each in (*tests[-1:], *changes[:1]) if each["status"] == CANNOT_SAY]
            return not_estimable("; ".join(missing), **place)
        rule = f"added value: {deciding} p < {LEVEL:g}, and the whole interval of the change in c above 0"
        return row(**place, level=found, estimate=float(found == ADDED), reason=rule)


def crossings(event: np.ndarray, threshold: float) -> Statistic:
    """For `corrected`, of two models (new, old): shares of women whom the new one puts on the other side.

    Seven numbers: of all women those who cross; who move up to the threshold and who move down below it, each
    of all women, of those with the event and of those without.
    """
    event, at = np.asarray(event, dtype=bool), np.array([threshold])
    populations = np.array([np.ones(len(event)), event, ~event], dtype=float)

    def found(linears: Sequence[np.ndarray], weightings: Sequence[np.ndarray]) -> list[np.ndarray]:
        new, old = (reached(linear, at).astype(bool) for linear in linears)
        up, down = (new & ~old).astype(float), (old & ~new).astype(float)
        numbers = []
        for weights in weightings:
            who = populations * weights
            with np.errstate(invalid="ignore"):  # a resample may hold one outcome only
                rises, falls = (who @ moved / who.sum(axis=1) for moved in (up, down))
            numbers.append(np.r_[rises[0] + falls[0], rises, falls])
        return numbers

    return found


def fraction_of_new_information(new: float, old: float, share: float) -> float:
    """As that of `nested`, of the chi-squares that belong to Nagelkerke's R2 of each model.

    NaN where the larger model explains nothing; below 0 where the smaller one explains more.

    Args:
        share: of the women with the event.
    """
    most = -np.expm1(2 * (share * np.log(share) + (1 - share) * np.log1p(-share)))
    larger, smaller = (-np.log1p(-r2 * most) for r2 in (new, old))
    return float(1 - smaller / larger) if larger > 0 else float("nan")


def fraction_row(middle: np.ndarray, drawn: np.ndarray, share: float, confidence: float, place: Row) -> Row:
    """The corrected fraction of new information with its interval.

    Args:
        middle: corrected R2 of the new and the old model.
        drawn: 2 x resamples, the same had each resample's optimism been the one.
    """
    estimate = fraction_of_new_information(*middle, share)
    if np.isnan(estimate):
        return not_estimable(
            "corrected for optimism the larger model explains nothing", level=CORRECTED, **place
        )
    found = np.array([fraction_of_new_information(*each, share) for each in drawn.T])
    # where nothing is explained the fraction may be anything
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    low = np.quantile(np.where(np.isnan(found), -np.inf, found), tails[0], method="lower")
    high = np.quantile(np.where(np.isnan(found), np.inf, found), tails[1], method="higher")
    if not np.isfinite([low, high]).all():
        why = "no interval: the larger model may explain nothing, and then the fraction may be anything"
        return row(**place, level=CORRECTED, estimate=estimate, reason=why)
    how = f"from the optimism of both R2 in {len(found)} resamples"
    ends = {"estimate": estimate, "lower": float(low), "upper": float(high)}
    return row(**place, level=CORRECTED, **ends, interval=interval(how, confidence))


def _calibration(model: Validated, women: Women) -> Iterator[Row]:
    """Calibration in the large and slope of a model, apparent and corrected."""
    table = model.measures.set_index("measure")
    for measure in (LARGE, SLOPE):
        place = {"variable": model.spec.name, "quantity": measure, "counted": women.counted}
        if measure not in table.index:
            yield not_estimable(NO_RISK, **place)
            continue
        found = table.loc[measure]
        if pd.isna(found["corrected"]):
            yield not_estimable(str(found["reason"]), **place)
            continue
        caution = {} if pd.isna(found["reason"]) else {"reason": found["reason"]}
        ends = {"lower": found["apparent_low"], "upper": found["apparent_high"]}
        yield row(**place, level=APPARENT, estimate=found["apparent"], **ends, **caution)
        ends = {"lower": found["low"], "upper": found["high"], "interval": found["interval"]}
        yield row(**place, level=CORRECTED, estimate=found["corrected"], **ends, **caution)
