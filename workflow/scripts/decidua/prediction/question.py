"""What is predicted, when, of whom, and from what?"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from decidua import results
from decidua.statistics.answers import NotEstimable

#: When something is known of a woman, in this order.
MOMENTS = ("before_pregnancy", "pregnancy", "after")
#: The history, as far as a cohort has it, unless the settings name another.
HISTORY = ("age", "miscarriages", "bmi", "parity")
#: What a marker's call is called among the predictors.
CALL = "_abnormal"
#: Bands of age whose women are looked at by themselves: ends, and what they are called.
AGE_ENDS, AGE_BANDS = (35.0, 40.0), ("under 35", "35 to 39", "40 and over")
NOT_KNOWN = "outcome not known"


@dataclass(frozen=True)
class Question:
    """What is asked of a cohort.

    The event is that `outcome` is `event_value`. history, immune: columns of predictors; dichotomies: the
    panel's calls, columns that end in `CALL`. treatment, woman, sets, centre, date: columns, None where
    there is none. thresholds: range of risks of the event for decision curves; crossing: the risk at
    which a woman would be told something else. anticipated_c: the c statistic that is hoped for. go_on:
    no model is made smaller than asked. refused: of columns that might have been predictors, why they are
    none.
    """

    outcome: str
    event_value: bool
    moment: str
    history: tuple[str, ...]
    immune: tuple[str, ...]
    dichotomies: tuple[str, ...]
    treatment: str | None
    woman: str | None
    sets: str | None
    centre: str | None
    date: str | None
    thresholds: tuple[float, float]
    crossing: float
    anticipated_c: float
    resamples: int
    folds: int
    repeats: int
    confidence: float
    go_on: bool
    refused: tuple[tuple[str, str], ...] = ()

    @property
    def event(self) -> str:
        """What is predicted, in words."""
        if self.outcome == "live_birth":
            return "live birth" if self.event_value else "no live birth"
        name = self.outcome.replace("_", " ")
        return name if self.event_value else f"no {name}"


@dataclass(frozen=True)
class Data:
    """The women whose outcome is known, in an order that does not depend on the file's.

    rows: n predictors, numbers, yes/no or categories, NA where unknown. event: n booleans. groups: n whole
    numbers, never split over folds or resamples. ids: n names. strata: n rows, a column a division of the
    women. treatment: n values, None where no treatment is recorded. left_out: reason to number of women.
    """

    rows: pd.DataFrame
    event: np.ndarray
    groups: np.ndarray
    ids: pd.Series
    sets: np.ndarray | None
    centre: np.ndarray | None
    date: np.ndarray | None
    strata: pd.DataFrame
    treatment: pd.Series | None
    left_out: dict[str, int]


def usable(
    names: Iterable[str], when: Mapping[str, str], moment: str
) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Which columns are known at the moment of prediction; of the others why they are not used.

    Args:
        when: of a column one of `MOMENTS`; absent where nothing says it.
    """
    kept, refused = [], []
    for name in names:
        known = when.get(name)
        if known is None:
            refused.append((name, "nothing says when it is measured"))
        elif MOMENTS.index(known) > MOMENTS.index(moment):
            refused.append((name, f"known {_words(known)} only, after the moment of prediction"))
        else:
            kept.append(name)
    return tuple(kept), tuple(refused)


def question(
    settings: Mapping[str, Any],
    analysis: Mapping[str, Any],
    columns: Sequence[str],
    panel_columns: Sequence[str],
    markers: Sequence[str],
    when: Mapping[str, str],
) -> Question:
    """The question that the settings ask of a cohort.

    Args:
        settings: those of `prediction:` of the cohort; analysis: of `analysis:` treatment and confidence.
        columns: of the cohort. panel_columns: those in which the panel's markers are measured.
        markers: names of the panel's markers. when: of each column, when it is known.
    """
    own = dict(settings)
    asked = {
        "history": own.pop("history"),
        "immune": own.pop("immune"),
    }
    defaults = {"history": HISTORY, "immune": tuple(dict.fromkeys(panel_columns))}
    found, refused = {}, []
    for role, names in asked.items():
        names = defaults[role] if names is None else names
        there = [name for name in names if name in columns and name != own["outcome"]]
        refused += [(name, "the cohort has no such column") for name in names if name not in columns]
        found[role], why = usable(there, when, own["moment"])
        refused += why
    immune = tuple(name for name in found["immune"] if name not in found["history"])
    measured = set(panel_columns) & set(immune)
    return Question(
        outcome=own["outcome"],
        event_value=own["event"],
        moment=own["moment"],
        history=found["history"],
        immune=immune,
        dichotomies=tuple(name + CALL for name in markers) if measured else (),
        treatment=analysis["treatment"],
        thresholds=tuple(own["thresholds"]),
        confidence=analysis["confidence"],
        refused=tuple(refused),
        **{
            key: own[key]
            for key in (
                "woman",
                "sets",
                "centre",
                "date",
                "crossing",
                "anticipated_c",
                "resamples",
                "folds",
                "repeats",
                "go_on",
            )
        },
    )


def data(
    asked: Question,
    cohort: pd.DataFrame,
    calls: pd.DataFrame,
    markers: Sequence[str],
    groups: Mapping[str, str] | None = None,
) -> Data:
    """The women of a cohort, ready to be learned from.

    Args:
        cohort: a row a woman (or, with `woman`, a pregnancy): id and the columns.
        calls: id and a nullable boolean a marker, as from `decidua.markers.classify`.
        groups: of further divisions of the women, name to column (etiology).

    Raises:
        NotEstimable: there is no such outcome, or it is the same for all women of whom it is known.
    """
    if asked.outcome not in cohort or cohort[asked.outcome].dtype != "boolean":
        raise NotEstimable(f"the outcome {asked.outcome} is no yes/no column of this cohort")
    named = calls.set_index("id")[list(markers)].add_suffix(CALL)
    women = cohort.join(named, on="id")
    known = women[asked.outcome].notna()
    left_out = {NOT_KNOWN: int((~known).sum())} if not known.all() else {}
    women = women[known].reset_index(drop=True)
    if women[asked.outcome].nunique() < 2:
        raise NotEstimable("the outcome is the same for all women of whom it is known")
    names = [*asked.history, *asked.immune, *(name for name in asked.dichotomies if name in women)]
    event = (women[asked.outcome] == asked.event_value).to_numpy(dtype=bool)
    order = _order(women, names, event)
    women, event = women.iloc[order].reset_index(drop=True), event[order]
    held = asked.sets or asked.woman
    keys = women["id"] if held is None or held not in women else women[held]
    text = keys.astype("string").fillna("") if held is None else _unknown_apart(keys)
    return Data(
        rows=women[names],
        event=event,
        # by first place, so that what a woman or set is called changes nothing
        groups=pd.factorize(text)[0],
        ids=women["id"],
        sets=_column(women, asked.sets, codes=True),
        centre=_column(women, asked.centre),
        date=_column(women, asked.date),
        strata=_strata(women, asked, groups or {}),
        treatment=women.get(asked.treatment),
        left_out=left_out,
    )


def _order(women: pd.DataFrame, names: Sequence[str], event: np.ndarray) -> np.ndarray:
    """By what is known of the women, ties (which then are alike) by their identifier."""
    keys = pd.DataFrame({f"{place}": women[name].astype("string") for place, name in enumerate(names)})
    keys["event"], keys["id"] = event, women["id"].astype("string")
    return keys.sort_values(list(keys.columns), kind="stable", na_position="last").index.to_numpy()


def _unknown_apart(keys: pd.Series) -> pd.Series:
    """Rows whose woman or set is not known are each a group of their own."""
    text = keys.astype("string")
    own = pd.Series([f"\0{place}" for place in range(len(text))], index=text.index, dtype="string")
    return text.where(text.notna(), own)


def _column(women: pd.DataFrame, name: str | None, codes: bool = False) -> np.ndarray | None:
    if name is None or name not in women:
        return None
    if codes:
        return pd.factorize(_unknown_apart(women[name]))[0]
    column = women[name]
    if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
        return column.astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    return column.astype("string").astype(object).where(column.notna(), None).to_numpy()


def _strata(women: pd.DataFrame, asked: Question, groups: Mapping[str, str]) -> pd.DataFrame:
    found = pd.DataFrame(index=women.index)
    if "age" in women:
        age = women["age"].astype("Float64").to_numpy(dtype=float, na_value=np.nan)
        band = np.array(AGE_BANDS, dtype=object)[np.searchsorted(AGE_ENDS, np.nan_to_num(age), side="right")]
        found["age"] = pd.Series(pd.Categorical(band, AGE_BANDS)).mask(np.isnan(age))
    if "parity" in women:
        births = women["parity"].astype("Float64")
        words = pd.Series("no earlier birth", index=women.index, dtype="string")
        found["parity"] = words.mask((births > 0).fillna(False), "earlier birth").mask(births.isna())
    for name, column in {**groups, "centre": asked.centre}.items():
        if column is not None and column in women:
            found[name] = women[column].astype("string")
    return found


def _words(text: str) -> str:
    return {"before_pregnancy": "before the pregnancy", "pregnancy": "in the pregnancy"}.get(
        text, "after the pregnancy"
    )


def question_table(asked: Question, given: Data | None, cohort: str = "all") -> pd.DataFrame:
    """The question in a results table, analysis "question": a row a part of it.

    Args:
        given: None where the question cannot be answered.
    """
    place = {"analysis": "question", "population": cohort}
    rows = [results.row(**place, variable=what, level=told, quantity="said") for what, told in _said(asked)]
    rows += [
        results.not_estimable(why, **place, variable=name, level="not a predictor", quantity="known values")
        for name, why in asked.refused
    ]
    if given is None:
        return results.frame(rows)
    women = len(given.event)
    for role in ("history", "immune", "dichotomies"):
        for name in getattr(asked, role):
            if name in given.rows:
                number = int(given.rows[name].notna().sum())
                counted = f"{women} women with a known outcome"
                own = {
                    "numerator": number,
                    "denominator": women,
                    "counted": counted,
                    "estimate": number / women,
                }
                said = _ROLES[role]
                rows.append(results.row(**place, variable=name, level=said, quantity="known values", **own))
    return results.frame([*rows, *_event_rows(asked, given, place)])


_ROLES = {
    "history": "predictor, history",
    "immune": "predictor, immune",
    "dichotomies": "predictor, the panel's call",
}


def _said(asked: Question) -> list[tuple[str, str]]:
    treated = "predicted as treated here: no predictor, no effect" if asked.treatment else "none recorded"
    split = asked.sets or asked.woman
    return [
        ("event", asked.event),
        ("moment of prediction", _words(asked.moment)),
        ("treatment", f"{asked.treatment}: {treated}" if asked.treatment else treated),
        ("kept together", split or "each row by itself"),
        ("validation", f"{asked.resamples} bootstrap samples; {asked.repeats} x {asked.folds} folds"),
    ]


def _event_rows(asked: Question, given: Data, place: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The share of women with the event, and what it were if the unknown outcomes all went one way."""
    from decidua.statistics.proportions import wilson

    women, events, unknown = len(given.event), int(given.event.sum()), given.left_out.get(NOT_KNOWN, 0)
    cases = [("rate", events, women, f"{women} women with a known outcome; {unknown} left out")]
    if unknown:
        every = f"all {women + unknown} women, unknown outcomes as said"
        cases += [
            ("rate if no unknown outcome were the event", events, women + unknown, every),
            ("rate if every unknown outcome were the event", events + unknown, women + unknown, every),
        ]
    rows = []
    for quantity, number, total, counted in cases:
        lower, upper = wilson(number, total, asked.confidence)
        own = {"numerator": number, "denominator": total, "counted": counted, "estimate": number / total}
        ends = {"lower": float(lower), "upper": float(upper), "interval": f"Wilson, {asked.confidence:.0%}"}
        rows.append(results.row(**place, variable=asked.event, quantity=quantity, **own, **ends))
    return rows
