"""What makes numbers of a prediction doubtful? A name, where it stands, and the reason, a row each."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from decidua.markers import ABNORMAL, NORMAL, immunity_of
from decidua.prediction.design import CATEGORY, kind, values
from decidua.prediction.nested import FEWEST_A_PARAMETER
from decidua.statistics import logistic
from decidua.statistics.answers import NotEstimable
from decidua.statistics.identifiability import tied

POSITIVITY, UNKNOWN_OUTCOME, SEPARATION = "positivity", "outcome known only for some", "separation"
FEW_EVENTS, LEAKAGE = "too few events", "leakage suspect"
SEVERAL_ROWS, TOO_MANY = "women in several rows", "sample size"
DUPLICATES = "duplicate women suspect"
#: History and blood markers reach no better c statistic than this (published: 0.53 to 0.65).
PLAUSIBLE_C = 0.80
#: Tables that hang on the treatment, on the women whose outcome is known, and on the size of the model.
UNDER_TREATMENT = ("performance", "added_value", "decision_curves", "markers", "model")
OF_THE_KNOWN = ("performance", "calibration", "added_value", "decision_curves")
OF_THE_SIZE = (
    "performance",
    "calibration",
    "added_value",
    "decision_curves",
    "coefficients",
    "strata",
    "model",
)
OF_THE_ROWS = ("performance", "added_value")
#: Share of distinct values above which women who are alike in all predictors are suspected to be one.
MOSTLY_DISTINCT = 0.5
COLUMNS = ("alarm", "where", "reason")


class Alarm(NamedTuple):
    """A row: name of the alarm, table or model where it stands, and the reason in words."""

    alarm: str
    where: str
    reason: str


def alarms_table(found: Iterable[Alarm]) -> pd.DataFrame:
    """Alarms as a table of text, columns `COLUMNS`, each row once; empty where nothing is doubtful."""
    return pd.DataFrame(list(dict.fromkeys(found)), columns=list(COLUMNS)).astype("string")


def positivity(treatment: pd.Series | None, calls: pd.DataFrame) -> Iterator[Alarm]:
    """Treatment that is tied to being abnormal in any marker: what the markers tell it may tell.

    Args:
        treatment: n doses or yes/no, NA where unknown; None where no treatment was recorded.
        calls: n x markers, whether abnormal; NA where unknown.
    """
    if treatment is None or not calls.shape[1]:
        return
    treated = pd.to_numeric(treatment).astype("Float64") > 0
    abnormal = immunity_of(calls)
    levels = (ABNORMAL, NORMAL)
    of_level = [treated[(abnormal == level).fillna(False)].dropna() for level in levels]
    counts = np.array([(int(each.sum()), len(each)) for each in of_level])
    if why := tied(levels, counts[:, 0], counts[:, 1], place=0):
        yield from (Alarm(POSITIVITY, where, why) for where in UNDER_TREATMENT)


def outcome_known_for_some(events: int, known: int, unknown: int) -> Iterator[Alarm]:
    """Women of unknown outcome, with the event rate if none and if all of them had the event."""
    if not unknown:
        return
    everyone = known + unknown
    rate = f"{events / known:.1%}" if known else "not known"
    reason = (
        f"the outcome of {unknown} of {everyone} women is not known; they are left out. The event rate is "
        f"{rate} of those who are known, {events / everyone:.1%} of all if none of the others had it and "
        f"{(events + unknown) / everyone:.1%} if all of them had"
    )
    yield from (Alarm(UNKNOWN_OUTCOME, where, reason) for where in OF_THE_KNOWN)


def separation(rows: pd.DataFrame, event: np.ndarray, models: Mapping[str, Sequence[str]]) -> Iterator[Alarm]:
    """Models whose predictors tell some women's outcome for certain, alone or together.

    Looked for by a fit without a penalty (`decidua.statistics.logistic.fit`), of the women in whom all of the
    model's predictors are known; where that cannot be fitted for another reason, nothing is said.

    Args:
        rows: n women, numbers or yes/no, NA where unknown; columns that hold neither are not looked at.
        models: of each model its columns.
    """
    usable = [name for name in rows if kind(rows[name]) != CATEGORY]
    for model, columns in models.items():
        names = [name for name in columns if name in usable]
        numbers = pd.DataFrame(values(rows, names, {}), columns=names)
        known = numbers.notna().all(axis="columns").to_numpy()
        varying = numbers[known].loc[:, numbers[known].nunique() > 1]
        if varying.empty:
            continue
        try:
            logistic.fit(varying, np.asarray(event, dtype=bool)[known])
        except NotEstimable as reason:
            yield from separated([str(reason)], model)


def separated(reasons: Iterable[str], where: str) -> Iterator[Alarm]:
    """Of reasons why there is no estimate those that are a separation."""
    for reason in dict.fromkeys(reasons):
        if reason.startswith(f"{SEPARATION}: "):
            yield Alarm(SEPARATION, where, reason.removeprefix(f"{SEPARATION}: "))


def too_few_events(event: np.ndarray, parameters: Mapping[str, int]) -> Iterator[Alarm]:
    """Models with fewer than `FEWEST_A_PARAMETER` women of the rarer outcome a parameter.

    Args:
        event: n booleans. parameters: of each model, without the intercept.
    """
    rarer = int(min(np.sum(event), len(event) - np.sum(event)))
    for model, number in parameters.items():
        if rarer < FEWEST_A_PARAMETER * number:
            reason = (
                f"{rarer} women of the rarer outcome for {number} parameter{_s(number)}, fewer "
                f"than {FEWEST_A_PARAMETER} for each"
            )
            yield Alarm(FEW_EVENTS, model, reason)


def _s(number: int) -> str:
    return "" if number == 1 else "s"


def leakage(corrected: Mapping[str, float]) -> Iterator[Alarm]:
    """Models whose corrected c statistic is above `PLAUSIBLE_C`; NaN is none."""
    for model, c in corrected.items():
        if c > PLAUSIBLE_C:
            reason = (
                f"a c statistic of {c:.2f} is more than history and blood markers can tell (published: 0.53 "
                "to 0.65): does a predictor know the outcome?"
            )
            yield Alarm(LEAKAGE, model, reason)


def in_several_rows(woman: pd.Series | None) -> Iterator[Alarm]:
    """Women who have more than one row, which folds and resamples keep together.

    Args:
        woman: of each row who she is, NA where unknown (then she counts as one of her own); None where the
            table does not say.
    """
    if woman is None:
        return
    counts = woman.dropna().value_counts()
    several = counts[counts > 1]
    if several.empty:
        return
    reason = (
        f"{len(several)} women have more than one row, {int(several.sum())} rows together; all rows of a "
        "woman are in the same fold and resample, so that none is learned from and tested"
    )
    yield from (Alarm(SEVERAL_ROWS, where, reason) for where in OF_THE_ROWS)


def suspected_duplicates(rows: pd.DataFrame, event: np.ndarray) -> Iterator[Alarm]:
    """Rows that are the same as another in all predictors and the outcome, where that is no chance.

    Where no predictor has many values, women are alike by chance, and nothing is said.
    """
    if not len(rows) or rows.nunique().max() <= MOSTLY_DISTINCT * len(rows):
        return
    if copies := int(rows.assign(event=event).duplicated().sum()):
        reason = f"{copies} rows are the same as another in all predictors and the outcome"
        yield from (Alarm(DUPLICATES, where, reason) for where in OF_THE_ROWS)


def too_many_parameters(warning: str) -> Iterator[Alarm]:
    """A model that is larger than the women bear, in the words of `decidua.prediction.complexity`."""
    if warning:
        yield from (Alarm(TOO_MANY, where, warning) for where in OF_THE_SIZE)
