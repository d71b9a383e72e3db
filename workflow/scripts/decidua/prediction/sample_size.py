"""How many parameters can these women bear, and what of the question is left out for it?

Riley et al. 2019 (Stat Med 38:1276) ask three things of a model of yes or no: (i) a shrinkage of 0.9 or
weaker, (ii) an R2 of Nagelkerke that is at most 0.05 too high, (iii) an overall risk known within 0.05.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import log_expit, logit, ndtri

from decidua import results
from decidua.statistics.answers import NotEstimable

SHRINKAGE, OPTIMISM, MARGIN = 0.9, 0.05, 0.05
#: The c statistic that history and blood markers may be expected to have (Tommy's Net: Koki et al. 2025).
ANTICIPATED_C = 0.65
SOURCE = "Riley et al. 2019, Stat Med 38:1276"
SOURCE_OF_R2 = "Riley et al. 2021, Stat Med 40:859"
_CONFIDENCE_95 = ndtri(0.975)
_NODES = 100
#: A share of events nearer to 0 or 1 is none that a model could be learned of.
_LEAST = 1e-9
STRAIGHT, LEFT_OUT = "a straight line instead of a curve", "left out"


@dataclass(frozen=True)
class Anticipated:
    """What a model of an event of that share is expected to reach: R2 of Cox and Snell, and the largest."""

    share: float
    r2: float

    def __post_init__(self) -> None:
        if not 0 < self.r2 < self.largest:
            raise NotEstimable(
                f"an R2 of {self.r2:.3g} cannot be: expected above 0, below {self.largest:.3g}, the largest "
                f"of an event share of {self.share:.3g}"
            )

    @classmethod
    def of_c(cls, share: float, c: float = ANTICIPATED_C) -> "Anticipated":
        """From an anticipated c statistic."""
        return cls(share, cox_snell_of_c(c, share))

    @property
    def largest(self) -> float:
        return largest_r2(self.share)


def _null(share: float) -> float:
    """Log-likelihood a woman, of a model that knows the share of events only."""
    if not _LEAST < share < 1 - _LEAST:
        raise NotEstimable("all women, or none, have the event")
    return share * np.log(share) + (1 - share) * np.log1p(-share)


def largest_r2(share: float) -> float:
    """The largest R2 of Cox and Snell that a model of an event of that share (0 to 1) can have.

    Raises:
        NotEstimable: a share of 0 or 1.
    """
    return float(-np.expm1(2 * _null(share)))


def cox_snell_of_c(c: float, share: float) -> float:
    """R2 of Cox and Snell of a model with that c statistic.

    The linear predictor is normal with variance 1 in women with and without the event, with means sqrt(2)
    probit(c) apart; then the log odds are linear in it. The source simulates the likelihood, here it is
    integrated (Gauss and Hermite).

    Source: Riley et al. 2021, Stat Med 40:859.

    Raises:
        NotEstimable: c not between 0.5 and 1, or a share of 0 or 1.
    """
    null = _null(share)
    if not 0.5 < c < 1:
        raise NotEstimable(f"a c statistic of {c:g} says nothing of R2: expected between 0.5 and 1")
    apart = np.sqrt(2) * ndtri(c)
    nodes, weights = _normal()
    intercept = logit(share) - apart**2 / 2
    with_event = weights @ log_expit(intercept + apart * (nodes + apart))
    without = weights @ log_expit(-(intercept + apart * nodes))
    return float(-np.expm1(2 * (null - share * with_event - (1 - share) * without)))


@cache
def _normal() -> tuple[np.ndarray, np.ndarray]:
    """Places and weights of a standard normal variable."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    return nodes, weights / weights.sum()


def shrinkage_wanted(expected: Anticipated) -> dict[str, float]:
    """The weakest shrinkage that criteria (i) and (ii) allow."""
    return {"i": SHRINKAGE, "ii": expected.r2 / (expected.r2 + OPTIMISM * expected.largest)}


def women_for_shrinkage(parameters: int, r2: float, shrinkage: float = SHRINKAGE) -> float:
    """Women (not rounded) of whom so many parameters have that shrinkage; r2: Cox and Snell, no optimism."""
    if not r2 < shrinkage < 1:
        raise NotEstimable(f"a shrinkage of {shrinkage:.3g} with an R2 of {r2:.3g} cannot be")
    return float(parameters / ((shrinkage - 1) * np.log1p(-r2 / shrinkage)))


def women_needed(parameters: int, expected: Anticipated) -> dict[str, int]:
    """Fewest women for so many parameters, by criterion: i, ii, iii, and all."""
    needed = {
        name: int(np.ceil(women_for_shrinkage(parameters, expected.r2, shrinkage)))
        for name, shrinkage in shrinkage_wanted(expected).items()
    }
    needed["iii"] = int(np.ceil((_CONFIDENCE_95 / MARGIN) ** 2 * expected.share * (1 - expected.share)))
    return {**needed, "all": max(needed.values())}


def margin_of_risk(women: int, share: float) -> float:
    """Half the width of the 95% interval of the overall risk (criterion iii: at most `MARGIN`)."""
    return float(_CONFIDENCE_95 * np.sqrt(share * (1 - share) / women))


def most_parameters(women: int, expected: Anticipated) -> int:
    """The most parameters whose shrinkage meets criteria (i) and (ii); 0 where not even one does.

    Criterion (iii) concerns the women alone; no smaller model meets it better.
    """
    strictest = max(shrinkage_wanted(expected).values())
    # What `women_for_shrinkage` asks of one parameter, so that women that are just enough count as enough.
    return int(np.floor(women / women_for_shrinkage(1, expected.r2, strictest) + 1e-9))


def expected_shrinkage(women: int, parameters: int, r2: float) -> float:
    """The shrinkage to be expected of so many parameters in so many women; r2: Cox and Snell's, no optimism.

    1 without parameters. Criterion (i) solved for the shrinkage.

    Raises:
        NotEstimable: more parameters than anything could be learned of.
    """
    if parameters == 0:
        return 1.0

    def surplus(shrinkage: float) -> float:
        return women * (shrinkage - 1) * np.log1p(-r2 / shrinkage) - parameters

    # Surplus falls from infinity at r2 to less than none at 1; of tiny R2 the start must lie close to it.
    low = r2 * (1 + 1e-12)
    if not surplus(low) > 0:
        raise NotEstimable(f"{parameters} parameters are more than {women} women could teach anything of")
    return float(brentq(surplus, low, 1.0 - 1e-12))


# ---- a smaller question


@dataclass(frozen=True)
class Simplified:
    """A question as large as the women can bear, as far as that goes.

    history, immune: predictors that stay, in the user's order. knots: of those that are curves. parameters:
    of history and immune tests together; wanted: with all that was asked for. most: that the women can bear.
    dropped: predictor and what became of it, in the order in which it was done. sentences: the same for a
    person. warning: what every output has to carry; empty where the women bear the model.
    """

    history: tuple[str, ...]
    immune: tuple[str, ...]
    knots: Mapping[str, int]
    wanted: int
    most: int
    dropped: tuple[tuple[str, str], ...] = ()
    sentences: tuple[str, ...] = ()
    warning: str = ""

    @property
    def parameters(self) -> int:
        return parameters_of((*self.history, *self.immune), self.knots)


def parameters_of(columns: Sequence[str], knots: Mapping[str, int]) -> int:
    """One a straight line, knots - 1 a curve (as `decidua.prediction.design.Specification`)."""
    return sum(max(knots.get(name, 0) - 1, 1) for name in columns)


def simplified(
    history: Sequence[str],
    immune: Sequence[str],
    knots: Mapping[str, int],
    most: int,
    again: Sequence[str] = (),
    go_on: bool = False,
) -> Simplified:
    """As much of the question as `most` parameters allow.

    In this order, until it fits: curves become straight lines, from the last immune test to the first
    predictor of the history; columns that measure a marker once more (`again`) are left out, from the last;
    then the last of the immune tests or of the history, of which there are more (of the immune tests where
    there are as many), until one of each is left. The user's order is that of importance: the outcome decides
    nothing, so that nothing of it has to be paid for. All models draw on the same two lists, so that history,
    and history with immune tests, stay comparable.

    Args:
        knots: of each column 0 or absent (a straight line) or 3 to 5.
        most: from `most_parameters`.
        again: immune columns beside the first of their marker.
        go_on: keep all that was asked for, and warn.
    """
    history, immune, knots = list(history), list(immune), {k: n for k, n in knots.items() if n}
    wanted = parameters_of((*history, *immune), knots)
    dropped: list[tuple[str, str]] = []

    def fits() -> bool:
        return go_on or parameters_of((*history, *immune), knots) <= most

    for name in (*reversed(immune), *reversed(history)):
        if not fits() and knots.pop(name, 0):
            dropped.append((name, STRAIGHT))
    for name in [name for name in reversed(immune) if name in set(again)]:
        if not fits() and len(immune) > 1:
            immune.remove(name)
            dropped.append((name, LEFT_OUT))
    while not fits() and max(len(history), len(immune)) > 1:
        longer = immune if len(immune) >= len(history) else history
        dropped.append((longer.pop(), LEFT_OUT))
    stays = {name: n for name, n in knots.items() if name in (*history, *immune)}
    left = parameters_of((*history, *immune), stays)
    warning = _warning(left, most, go_on)
    said = (*_sentences(dropped, wanted, left, most), *([f"{warning}."] if warning else []))
    return Simplified(tuple(history), tuple(immune), stays, wanted, most, tuple(dropped), said, warning)


def _warning(left: int, most: int, go_on: bool) -> str:
    if left <= most:
        return ""
    how = (
        "as the settings ask (go_on)"
        if go_on
        else "the smallest model that compares history with immune tests"
    )
    return f"{_counted(left)} where these women bear {most}, {how}: the predictions are overfitted ({SOURCE})"


def _counted(parameters: int) -> str:
    return f"{parameters} parameter{'' if parameters == 1 else 's'}"


def _sentences(dropped: Sequence[tuple[str, str]], wanted: int, left: int, most: int) -> list[str]:
    if not dropped:
        return []
    said = [
        f"Asked for were {_counted(wanted)}; these women bear {most}, so that {left} stayed. The order was "
        "fixed before, and the outcome decided nothing of it."
    ]
    gone = {name for name, done in dropped if done == LEFT_OUT}
    for what, words in ((STRAIGHT, "Straight lines instead of curves"), (LEFT_OUT, "Left out")):
        names = [name for name, done in dropped if done == what and (done == LEFT_OUT or name not in gone)]
        if names:
            said.append(f"{words}: {', '.join(names)}.")
    return said


# ---- a table


def sample_size_table(found: Simplified, women: int, events: int, expected: Anticipated) -> pd.DataFrame:
    """What these women can bear and what was done, in a results table, analysis "sample size".

    Rows, variable "model": the anticipated and the largest R2, the parameters borne, asked for and kept, the
    women needed by each criterion (level i, ii, iii, all), the shrinkage with what was asked for and what
    was kept, and the margin of the overall risk. Of each predictor that was changed a row of its own
    (quantity "parameters", estimate those that stay). Every row carries the warning, if there is one.
    """
    counted = f"{women} women with a known outcome, {events} with the event"
    place = {
        "analysis": "sample size",
        "population": "all",
        "numerator": events,
        "denominator": women,
        "counted": counted,
    }
    model = {**place, "variable": "model"}
    needed = women_needed(found.parameters, expected)
    margin = margin_of_risk(women, expected.share)
    done = " ".join(found.sentences) or "all that was asked for"
    numbers = [
        ("anticipated R2 (Cox and Snell)", None, expected.r2, SOURCE_OF_R2),
        ("largest R2 (Cox and Snell)", None, expected.largest, SOURCE),
        ("parameters that these women can bear", None, found.most, SOURCE),
        ("parameters asked for", None, found.wanted, "history and immune tests together, curves included"),
        ("parameters of history + immune", None, found.parameters, done),
        *(
            ("women needed for those", level, n, f"criterion {level}; {SOURCE}")
            for level, n in needed.items()
        ),
        ("margin of the overall risk", None, margin, _about(margin)),
    ]
    rows = [
        results.row(**model, quantity=quantity, level=level, estimate=float(value), reason=reason)
        for quantity, level, value, reason in numbers
    ]
    for level, parameters in (("asked for", found.wanted), ("kept", found.parameters)):
        own = {**model, "quantity": "expected shrinkage", "level": level}
        try:
            value = expected_shrinkage(women, parameters, expected.r2)
            rows.append(results.row(**own, estimate=value, reason=f"{_counted(parameters)}; {SOURCE}"))
        except NotEstimable as reason:
            rows.append(results.not_estimable(str(reason), **own))
    rows += [
        results.row(
            **place, variable=name, quantity="parameters", estimate=float(what == STRAIGHT), reason=what
        )
        for name, what in found.dropped
        if what == LEFT_OUT or name in (*found.history, *found.immune)
    ]
    return results.cautioned(results.frame(rows), found.warning)


def _about(margin: float) -> str:
    wanted = f"criterion iii: {MARGIN:g} or less is wanted"
    return wanted if margin <= MARGIN else f"{wanted}: the overall risk itself is not known well enough"
