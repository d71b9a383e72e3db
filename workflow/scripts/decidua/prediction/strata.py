"""Is a model as good in parts of the cohort as in the whole? By age, parity, etiology, centre.

Small strata are hidden, and so many more that nobody can count them back from the totals.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import chdtrc, expit, ndtri

from decidua.learning.performance import auc_interval
from decidua.prediction.decision_curves import NO_RISK
from decidua.prediction.design import CONDITIONAL
from decidua.prediction.measures import LARGE, C, c_statistic, calibration_in_the_large
from decidua.prediction.newton import log_likelihood
from decidua.prediction.validation import Validated
from decidua.results import frame, not_estimable, row
from decidua.statistics.answers import HypothesisTest, NotEstimable
from decidua.statistics.counting import EVERYONE
from decidua.statistics.proportions import wilson
from decidua.statistics.rows import Row, interval, test_row

ANALYSIS = "strata"
OBSERVED, EXPECTED, RATIO = "observed risk", "expected risk", "observed to expected events"
UNKNOWN = "unknown"
#: A stratum of fewer women, or of fewer women with or without the event, is hidden.
FEWEST_WOMEN, FEWEST_EVENTS = 10, 5
HIDDEN = (
    f"hidden: fewer than {FEWEST_WOMEN} women, or fewer than {FEWEST_EVENTS} with or without the event, here "
    "or in a stratum that could else be counted back from the total"
)
TEST = "likelihood ratio, calibration in the large alike in all strata shown"


def strata(
    model: Validated, event: np.ndarray, groups: np.ndarray, labels: pd.DataFrame, confidence: float = 0.95
) -> pd.DataFrame:
    """Performance of a model's held-out risks in each stratum, as a results table (see `strata_of`)."""
    name = model.spec.name
    if model.spec.method == CONDITIONAL:
        place = {"analysis": ANALYSIS, "population": EVERYONE, "quantity": C}
        return frame([not_estimable(f"{name}: {NO_RISK}", **place)])
    return strata_of(name, model.held_out, event, groups, labels, confidence)


def strata_of(
    model: str,
    held_out: np.ndarray,
    event: np.ndarray,
    groups: np.ndarray,
    labels: pd.DataFrame,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Performance of held-out risks in each stratum.

    Args:
        model: its name.
        held_out: repeats x n log odds, each by a model that has not seen the woman; NaN where there was none.
        event: n booleans. groups: n, of each row the woman, where she may have several.
        labels: n rows, a column a variable: the stratum of each woman, missing where unknown.

    Returns:
        A results table. Variable the column, level the stratum ("unknown" too): c statistic, calibration in
        the large, observed and expected risk, observed to expected events; each with numerator the events and
        denominator the women. A hidden stratum has one row, without its numbers. Quantity test: whether
        calibration in the large differs between the strata shown.
    """
    told = ~np.isnan(held_out).any(axis=0)
    event, groups = np.asarray(event, dtype=bool)[told], np.asarray(groups)[told]
    women = _Women(model, held_out[:, told], event, groups, confidence)
    rows = []
    for variable in labels:
        text = labels.loc[:, variable].astype("string").fillna(UNKNOWN).to_numpy(dtype=object)[told]
        for each in _variable(women, text, _order(labels[variable])):
            rows.append({"variable": str(variable), **each})
    if not len(labels.columns):
        rows.append(not_estimable("no column divides the women into strata", quantity=C))
    return frame({"analysis": ANALYSIS, "population": EVERYONE, **each} for each in rows)


def _order(column: pd.Series) -> list[str]:
    """The strata in the order of the category or the alphabet, the unknown last."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        names = [str(level) for level in column.cat.categories]
    else:
        names = sorted(column.dropna().astype("string").unique())
    return [*names, UNKNOWN]


def shown(with_event: Sequence[int], without: Sequence[int]) -> np.ndarray:
    """Which strata may be shown: k booleans.

    Small ones are hidden. Since the totals of all strata are known, those hidden could be counted back: where
    one is hidden alone, or all hidden ones together are small, the smallest of the others is hidden too.

    Args:
        with_event, without: women of each of k strata; a stratum of nobody has nobody to protect.

    Source: primary and secondary suppression, Hundepool et al. 2012, Statistical Disclosure Control.
    """
    kinds = np.array([with_event, without])
    n = kinds.sum(axis=0)
    hidden = (n > 0) & _small(kinds)
    while hidden.any():
        others = np.flatnonzero(~hidden & (n > 0))
        enough = hidden.sum() > 1 and not _small(kinds[:, hidden].sum(axis=1))
        if enough or not len(others):
            break
        hidden[others[np.argmin(n[others])]] = True
    return ~hidden


def _small(kinds: np.ndarray) -> np.ndarray:
    """Of women with and without the event (the two rows)."""
    return (kinds.sum(axis=0) < FEWEST_WOMEN) | (kinds.min(axis=0) < FEWEST_EVENTS)


@dataclass(frozen=True)
class _Women:
    """Held-out log odds (repeats x n), events and groups of some women under a model."""

    model: str
    linear: np.ndarray
    event: np.ndarray
    groups: np.ndarray
    confidence: float

    def of(self, who: np.ndarray) -> "_Women":
        return replace(self, linear=self.linear[:, who], event=self.event[who], groups=self.groups[who])

    @property
    def counted(self) -> str:
        return f"{self.model}: held-out risks, {len(self.linear)} repeats, folds pooled"

    def different(self, who: np.ndarray) -> int:
        """Women of these rows, each once."""
        return len(np.unique(self.groups[who]))

    @property
    def z(self) -> float:
        return float(ndtri((1 + self.confidence) / 2))

    @property
    def mean_risk(self) -> np.ndarray:
        return expit(self.linear).mean(axis=0)

    @property
    def residuals(self) -> np.ndarray:
        """Event less mean risk, summed over the rows of each woman."""
        code = np.unique(self.groups, return_inverse=True)[1]
        return np.bincount(code, self.event - self.mean_risk)

    @property
    def repeated(self) -> bool:
        return len(np.unique(self.groups)) < len(self.groups)


def _variable(women: _Women, text: np.ndarray, names: Collection[str]) -> Iterator[Row]:
    members = {name: text == name for name in names}
    members = {name: who for name, who in members.items() if who.any()}
    with_event, without = (
        [women.different(who & kind) for who in members.values()] for kind in (women.event, ~women.event)
    )
    keep = shown(with_event, without)
    for (name, who), kept in zip(members.items(), keep, strict=True):
        if kept:
            yield from ({"level": name, **each} for each in _stratum(women.of(who)))
        else:
            yield not_estimable(HIDDEN, level=name, quantity=C)
    there = [who for who, kept in zip(members.values(), keep, strict=True) if kept]
    linear = women.linear.mean(axis=0)
    yield test_row(TEST, lambda: heterogeneity(linear, women.event, there), counted=women.counted)


def _stratum(women: _Women) -> Iterator[Row]:
    event, events, n = women.event, int(women.event.sum()), len(women.event)
    place = {"numerator": events, "denominator": n, "counted": women.counted}
    yield _c_row(women, place)
    yield _large_row(women, place)
    lower, upper = wilson(events, n, women.confidence)
    ends = {"estimate": event.mean(), "lower": float(lower), "upper": float(upper)}
    yield row(**place, **ends, quantity=OBSERVED, interval=interval("Wilson", women.confidence))
    yield row(**place, quantity=EXPECTED, estimate=float(women.mean_risk.mean()))
    yield _ratio_row(women, place)


def _c_row(women: _Women, place: Row) -> Row:
    found = float(np.mean([c_statistic(linear, women.event) for linear in women.linear]))
    sizes = [(women.different(women.event), women.different(~women.event))]
    ends = dict(zip(("lower", "upper"), auc_interval(found, sizes, confidence=women.confidence), strict=True))
    how = interval("Newcombe's score interval", women.confidence)
    return row(**place, **ends, quantity=C, estimate=found, interval=how)


def _large_row(women: _Women, place: Row) -> Row:
    """Wald's interval: the shift has the variance 1 / sum(risk (1 - risk)), of several rows a sandwich."""
    shifts = np.array([calibration_in_the_large(linear, women.event) for linear in women.linear])
    risk = expit(women.linear.mean(axis=0) + shifts.mean())
    information = float((risk * (1 - risk)).sum())
    variance, how = 1 / information, "Wald"
    if women.repeated:
        code = np.unique(women.groups, return_inverse=True)[1]
        variance = float((np.bincount(code, women.event - risk) ** 2).sum()) / information**2
        how = "Wald, robust for several rows a woman"
    middle, half = float(shifts.mean()), women.z * np.sqrt(variance)
    ends = {"estimate": middle, "lower": middle - half, "upper": middle + half}
    return row(**place, **ends, quantity=LARGE, interval=interval(how, women.confidence))


def _ratio_row(women: _Women, place: Row) -> Row:
    """Log-normal interval; the events are binomial, of several rows a woman by their residuals.

    Source: Debray et al. 2017, BMJ 356:i6460.
    """
    events, expected = float(women.event.sum()), float(women.mean_risk.sum())
    error, how = np.sqrt((1 - women.event.mean()) / events), "log-normal"
    if women.repeated:
        error = np.sqrt((women.residuals**2).sum()) / events
        how = "log-normal, robust for several rows a woman"
    factor, ratio = float(np.exp(women.z * error)), events / expected
    ends = {"estimate": ratio, "lower": ratio / factor, "upper": ratio * factor}
    return row(**place, **ends, quantity=RATIO, interval=interval(how, women.confidence))


def heterogeneity(linear: np.ndarray, event: np.ndarray, members: Sequence[np.ndarray]) -> HypothesisTest:
    """Are risks too high or too low by the same in all strata? One shift of the log odds against one each.

    Args:
        linear: n log odds. members: n booleans for each of k strata; those in none are left out.

    Raises:
        NotEstimable: fewer than two strata.
    """
    if len(members) < 2:
        raise NotEstimable("fewer than two strata are shown")

    def likelihood(who: np.ndarray) -> float:
        shift = calibration_in_the_large(linear[who], event[who])
        return log_likelihood(linear[who] + shift, event[who].astype(float), np.ones(int(who.sum())))

    together = likelihood(np.logical_or.reduce(members))
    statistic, df = max(2 * (sum(map(likelihood, members)) - together), 0.0), len(members) - 1
    return HypothesisTest(float(statistic), float(chdtrc(df, statistic)), float(df))
