"""What does a published model say of these women, as it is and recalibrated to them?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from decidua import results, words
from decidua.config import schema_problems
from decidua.errors import InputError
from decidua.prediction.design import values
from decidua.prediction.measures import (
    MEASURES,
    all_measures,
    calibration_in_the_large,
    measures_of_many,
    recalibration,
)
from decidua.statistics.answers import NotEstimable

AS_PUBLISHED, NEW_INTERCEPT = "as published", "recalibrated: intercept"
NEW_LINE = "recalibrated: intercept and slope"
HOW = (AS_PUBLISHED, NEW_INTERCEPT, NEW_LINE)
NONE_KNOWN = "no woman has every predictor of it known"
_SUCCESS = "success"
#: Smaller numbers are 0: what is left of a calibration in the large set to 0 differs between machines.
_NOTHING = 1e-9


@dataclass(frozen=True)
class Term:
    """A predictor: log odds a unit, the unit, and the values that the model is known for."""

    column: str
    coefficient: float
    unit: str
    label: str
    minimum: float = -np.inf
    maximum: float = np.inf


@dataclass(frozen=True)
class Published:
    """A published logistic model; `predicts_success`: its risk is that of the wanted end.

    quoted: predictions in print, each a value of every predictor and `predicted`, in per cent of what the
    model predicts. validated: source, women and finding of its external validation.
    """

    name: str
    title: str
    source: str
    obtained: str
    how: str
    intended: str
    predicts_success: bool
    outcome: str
    intercept: float
    terms: tuple[Term, ...]
    quoted: tuple[Mapping[str, float], ...] = ()
    validated: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, given: Mapping[str, Any], schema: Mapping[str, Any], file: str = "") -> "Published":
        """From a file's content; workflow/schemas/prediction_published.schema.yaml says what it may hold.

        Raises:
            InputError: it holds something else; every problem.
        """
        problems = list(schema_problems(given, schema))
        if problems:
            raise InputError([f"{file}: {problem}" if file else problem for problem in problems])
        terms = tuple(
            Term(name, label=term.get("label", name), **{k: v for k, v in term.items() if k != "label"})
            for name, term in given["predictors"].items()
        )
        return cls(
            name=given["name"],
            title=given["title"],
            source=given["source"],
            obtained=given["obtained"],
            how=given.get("how", ""),
            intended=given.get("intended", ""),
            predicts_success=given["predicts"] == _SUCCESS,
            outcome=given["outcome"],
            intercept=float(given["intercept"]),
            terms=terms,
            quoted=tuple(given.get("quoted", ())),
            validated=given.get("validated"),
        )

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(term.column for term in self.terms)

    @property
    def caution(self) -> str:
        """How its coefficients were had and what others found of it, for every number that it gives."""
        said = f"coefficients {self.obtained}; {self.source}"
        if self.validated is None:
            return f"{said}; no external validation is known here"
        women = f", {self.validated['women']} women" if "women" in self.validated else ""
        found = self.validated["finding"]
        return f"{said}; external validation ({self.validated['source']}{women}): {found}"

    def linear_predictor(self, rows: pd.DataFrame) -> np.ndarray:
        """Log odds of the EVENT (n), NaN where a predictor is unknown.

        Args:
            rows: n women; columns in the units of the cohort dictionary, which are those of the model.

        Raises:
            NotEstimable: a column is missing or holds no numbers; each is named.
        """
        absent = [term.column for term in self.terms if term.column not in rows]
        if absent:
            raise NotEstimable(f"the cohort lacks {words.listed(absent)}, which {self.name} needs")
        wrong = [name for name in self.columns if not pd.api.types.is_numeric_dtype(rows[name].dtype)]
        if wrong:
            raise NotEstimable(f"{words.listed(wrong)}: no numbers, which {self.name} needs")
        found = np.full(len(rows), self.intercept)
        for term, column in zip(self.terms, values(rows, self.columns, {}).T, strict=True):
            found = found + term.coefficient * column
        return -found if self.predicts_success else found

    def outside(self, rows: pd.DataFrame) -> int:
        """Women with a value outside of those that the model is known for."""
        least, most = np.array([(term.minimum, term.maximum) for term in self.terms]).T
        known = values(rows, self.columns, {})
        return int(((known < least) | (known > most)).any(axis=1).sum())


@dataclass(frozen=True)
class Applied:
    """A published model applied to women.

    how: one of `HOW`. linear, risk: n log odds and risks of the event, NaN for a woman with an unknown
    predictor, and for all where it is `not estimable`. intercept, slope: of the recalibration of its log odds
    (0 and 1 as published). unknown: women with an unknown predictor; outside: women beyond the values
    that the model is known for. reason: why it is not estimable; empty where it is. caution: for its numbers.
    """

    model: str
    how: str
    linear: np.ndarray
    intercept: float
    slope: float
    unknown: int
    outside: int
    counted: str
    caution: str
    reason: str = ""

    @property
    def risk(self) -> np.ndarray:
        return expit(self.linear)

    @property
    def known(self) -> np.ndarray:
        return ~np.isnan(self.linear)


def applied(
    model: Published,
    rows: pd.DataFrame,
    event: np.ndarray,
    weights: np.ndarray | None = None,
    outcome: str | None = None,
    refused: str = "",
) -> dict[str, Applied]:
    """The model as it is, with a new intercept, and with a new intercept and slope: all of `HOW`.

    Recalibrated it has seen the women, so that its calibration is apparent; its c statistic is the same in
    all three (unless the slope is negative: then it ranks women the wrong way, which is said). Where it
    cannot be had the reason stands in `reason`.

    Args:
        rows: n women. event: n booleans, the unwanted end. weights: n, how often a woman counts.
        outcome: the column that the event is made of, if it should be held against that of the model.
        refused: why it must not be applied to them, if it must not.

    Source: Cox 1958 (Biometrika 45:562); Steyerberg et al. 2004 (Stat Med 23:2567).
    """
    event = np.asarray(event, dtype=bool)
    weights = np.ones(len(event)) if weights is None else np.asarray(weights, dtype=float)
    try:
        if refused:
            raise NotEstimable(refused)
        if outcome is not None and outcome != model.outcome:
            raise NotEstimable(f"{model.name} predicts {model.outcome}, the question is {outcome}")
        linear = model.linear_predictor(rows)
    except NotEstimable as reason:
        return {how: _nothing(model, how, len(rows), str(reason)) for how in HOW}
    known = ~np.isnan(linear)
    unknown = int((~known).sum())
    if not known.any():
        return {how: _nothing(model, how, len(rows), NONE_KNOWN) for how in HOW}
    names = words.listed(list(model.columns))
    counted = f"{known.sum()} women with known {names}; {unknown} with an unknown one left out"
    beyond = model.outside(rows)
    caution = model.caution
    if beyond:
        caution += f"; {beyond} women are outside of the values it is known for"
    seen = (linear[known], event[known], weights[known])
    lines = {
        AS_PUBLISHED: (0.0, 1.0),
        NEW_INTERCEPT: (calibration_in_the_large(*seen), 1.0),
        NEW_LINE: recalibration(*seen),
    }
    found = {}
    for how, (intercept, slope) in lines.items():
        own = (float(intercept), float(slope), unknown, beyond, counted)
        if np.isnan(intercept) or np.isnan(slope):
            nothing = np.full(len(rows), np.nan)
            why = "one outcome only, or log odds that do not vary or that separate the outcomes"
            found[how] = Applied(model.name, how, nothing, *own, caution, why)
            continue
        said = f"{caution}; it ranks these women the wrong way" if slope < 0 else caution
        found[how] = Applied(model.name, how, intercept + slope * linear, *own, said)
    return found


def _nothing(model: Published, how: str, women: int, reason: str) -> Applied:
    nan = float("nan")
    return Applied(
        model.name,
        how,
        np.full(women, nan),
        nan,
        nan,
        unknown=women,
        outside=0,
        counted=f"none of {women} women",
        caution=model.caution,
        reason=reason,
    )


def published_table(
    found: Mapping[str, Applied],
    event: np.ndarray,
    weights: np.ndarray | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """How good the published model is in these women: a results table, analysis "published model".

    Rows: variable the model, level of `HOW`, quantity each of `decidua.prediction.measures.MEASURES` and,
    recalibrated, "recalibrated intercept" and "recalibrated slope". Of the model as published all women are
    new ones; recalibrated it has seen them.

    Args:
        weights: B x n, how often each woman is in a resample: the interval is of the women, the model as it
            is; None: no interval.
    """
    event = np.asarray(event, dtype=bool)
    rows = []
    for how, one in found.items():
        place = {"analysis": "published model", "population": "all", "variable": one.model, "level": how}
        place |= {"counted": one.counted}
        if one.reason:
            reason = f"{one.reason}; {one.caution}"
            rows += [results.not_estimable(reason, **place, quantity=measure) for measure in MEASURES]
            continue
        seen = event[one.known]
        place |= {"numerator": int(seen.sum()), "denominator": len(seen)}
        numbers = all_measures(one.linear[one.known], seen)
        ends = _intervals(one, event, weights, confidence)
        if how != AS_PUBLISHED:
            numbers |= {"recalibrated intercept": one.intercept, "recalibrated slope": one.slope}
        for quantity, number in numbers.items():
            value = 0.0 if abs(number) < _NOTHING else number
            if np.isnan(value):
                reason = f"all women, or none, have the event, or all risks are alike; {one.caution}"
                rows.append(results.not_estimable(reason, **place, quantity=quantity))
                continue
            seen_words = "" if how == AS_PUBLISHED else "apparent: recalibrated on the same women; "
            rows.append(
                results.row(
                    **place,
                    quantity=quantity,
                    estimate=float(value),
                    **ends.get(quantity, {}),
                    reason=f"{seen_words}{one.caution}",
                )
            )
    return results.frame(rows)


def _intervals(
    one: Applied, event: np.ndarray, weights: np.ndarray | None, confidence: float
) -> dict[str, dict[str, object]]:
    """Of each measure its ends, and how they were had; of none without resamples of both outcomes."""
    if weights is None:
        return {}
    drawn = weights[:, one.known].astype(float)
    many = measures_of_many(one.linear[None, one.known], drawn, event[one.known])
    tails, found = [(1 - confidence) / 2, (1 + confidence) / 2], {}
    for name, drawn_values in many.items():
        if len(known := drawn_values[~np.isnan(drawn_values)]) > 1:
            low, high = np.quantile(known, tails)
            how = f"{100 * confidence:g}%, women resampled {len(known)} times, model as it is"
            found[name] = {"lower": float(low), "upper": float(high), "interval": how}
    return found
