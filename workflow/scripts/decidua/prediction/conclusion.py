"""What do the numbers allow to conclude? One paragraph: the verdict, what stays open, what forbids it.

Nothing is computed here: every number is read from the tables of the chapter.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from decidua import words
from decidua.prediction import nested
from decidua.prediction.added_value import (
    ADDED,
    CHANGE_C,
    CROSS,
    DOWN,
    TEST,
    UP,
    VERDICT,
    WITH,
    WITHOUT,
    WORSE,
    comparison,
)
from decidua.prediction.measures import SLOPE
from decidua.prediction.validation import CORRECTED
from decidua.results import ESTIMATED
from decidua.statistics.counting import EVERYONE

COLUMNS = ("topic", "sentence")
#: A gain in the c statistic that would matter: what is left open is measured by it.
RELEVANT = 0.05
CLOSING = (
    "A prediction is no effect: whether acting on these tests helps anybody is another question, which needs "
    "a trial."
)


@dataclass(frozen=True)
class Consequence:
    """What an alarm means for the conclusion: `of` is a word of its name.

    `forbids`: no added value is claimed while it stands.
    """

    of: str
    sentence: str
    forbids: bool = False


CONSEQUENCES = (
    Consequence(
        "positivity",
        "No effect of {treatment} and no untreated risk can be estimated from these data: what is predicted "
        "is the risk under the treatment policy of the clinic, and a marker may stand for the treatment that "
        "it brought",
    ),
    Consequence(
        "leak",
        "Something that is known only later may be among the predictors; until that is ruled out no added "
        "value is claimed",
        forbids=True,
    ),
    Consequence(
        "duplicate",
        "The same woman may be learned from and tested, which makes any model look good; no added value is "
        "claimed",
        forbids=True,
    ),
    Consequence(
        "separation",
        "The coefficients rest on the penalty, not on the data alone",
    ),
    Consequence("outcome", "If women of unknown outcome ended otherwise, so would these numbers"),
    Consequence("few events", "More women are needed before any of these numbers can be relied on"),
    Consequence("sample size", "More women are needed before any of these numbers can be relied on"),
)


@dataclass(frozen=True)
class Asked:
    """What the conclusion is about, in words.

    event: what is predicted, such as "a loss of the next pregnancy". history, immune: predictors as they are
    called. left_out: women by reason. crossing: the threshold of the risk that women may cross. treatment:
    what women were treated with, if it is known. synthetic: the mark of data that are no patients'. new, old:
    the models compared.
    """

    event: str
    history: Sequence[str]
    immune: Sequence[str]
    women: int
    events: int
    left_out: Mapping[str, int]
    crossing: float
    treatment: str | None = None
    synthetic: str = ""
    new: str = "history + immune"
    old: str = "history"
    confidence: float = 0.95


def conclude(
    asked: Asked, added: pd.DataFrame, curves: pd.DataFrame, alarms: Sequence[tuple[str, str]] = ()
) -> pd.DataFrame:
    """The conclusion as sentences, in the order of one paragraph.

    Args:
        added: as from decidua.prediction.added_value.added_value.
        curves: as from decidua.prediction.decision_curves.decision_curves.
        alarms: name and reason of each.

    Returns:
        Columns topic (data, question, verdict, open, told, acting, calibration, alarm, closing) and sentence.
    """
    table = _Table(added, comparison(asked.new, asked.old))
    raised = [(name, reason, _consequence(name)) for name, reason in dict.fromkeys(alarms)]
    forbidding = [name for name, _, found in raised if found is not None and found.forbids]
    rows = [("data", f"{asked.synthetic.rstrip('.')}.")] if asked.synthetic else []
    rows.append(("question", _question(asked)))
    rows += _verdict(asked, table, forbidding)
    rows += [("told", sentence) for sentence in _told(asked, table)]
    rows += [("acting", sentence) for sentence in _acting(asked, curves)]
    rows += [("calibration", sentence) for sentence in _calibration(asked, added)]
    rows += [("alarm", _alarm(asked, *each)) for each in raised]
    rows.append(("closing", CLOSING))
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype("string")


@dataclass(frozen=True)
class _Table:
    """Rows of one comparison."""

    added: pd.DataFrame
    variable: str

    def row(self, quantity: str, level: str | None = None, population: str = EVERYONE) -> Any:
        """The row as a mapping; None where there is none."""
        found = self.added[
            self.added["variable"].eq(self.variable)
            & self.added["quantity"].eq(quantity)
            & self.added["population"].eq(population)
        ]
        if level is not None:
            found = found[found["level"].eq(level).fillna(False)]
        return None if found.empty else found.iloc[0]

    def estimated(self, quantity: str, level: str | None = None, population: str = EVERYONE) -> Any:
        found = self.row(quantity, level, population)
        return found if found is not None and found["status"] == ESTIMATED else None


def _question(asked: Asked) -> str:
    share = words.percent(asked.events / asked.women) if asked.women else "–"
    said = f"Of {asked.women} women with a known outcome {asked.events} ({share}) had {asked.event}"
    left = [f"{number} {reason}" for reason, number in asked.left_out.items() if number]
    return f"{said}; left out: {words.listed(left)}." if left else f"{said}."


# ---- the verdict


def _verdict(asked: Asked, table: _Table, forbidding: Sequence[str]) -> Iterator[tuple[str, str]]:
    found, change, test = table.row(VERDICT), table.estimated(CHANGE_C, CORRECTED), table.estimated(TEST)
    if found is None or found["status"] != ESTIMATED or change is None:
        reason = "the models could not be compared" if found is None else str(found["reason"])
        yield "verdict", f"Whether immune tests add anything cannot be said: {reason}."
        return
    numbers = _numbers(change, test, asked.confidence)
    beyond = f"beyond {words.listed(asked.history)}, {words.listed(asked.immune)}"
    if found["level"] == ADDED and forbidding:
        named = words.listed([f"“{name}”" for name in forbidding])
        yield (
            "verdict",
            (
                f"No added value is claimed, because of {named}, although {beyond} change the c statistic by "
                f"{numbers}."
            ),
        )
    elif found["level"] == ADDED:
        yield "verdict", f"Added value: {beyond} raise the c statistic by {numbers}."
    else:
        worse = ", and the predictions are worse with the markers" if found["level"] == WORSE else ""
        yield "verdict", f"No evidence of added value{worse}: {beyond} change the c statistic by {numbers}."
    yield "open", _open(found["level"], change, test)


def _numbers(change: Any, test: Any, confidence: float) -> str:
    ends = f"{_percent(confidence)} interval {_number(change['lower'])} to {_number(change['upper'])}"
    said = f"{_number(change['estimate'])} (corrected for optimism; {ends})"
    if test is None:
        return said
    name = "likelihood-ratio chi-square" if test["test"] == nested.LIKELIHOOD_RATIO else test["test"]
    plural = "degree" if test["df"] == 1 else "degrees"
    chi = f"{name} {words.decimals(test['statistic'], 1)} on {test['df']:g} {plural} of freedom"
    return f"{said}; {chi}, {words.p_value(test['p'])}"


def _number(value: float) -> str:
    """Three decimals with a true minus, no negative zero."""
    said = words.decimals(value, 3)
    return said.removeprefix("-") if float(said) == 0 else said.replace("-", "−")


def _open(level: str, change: Any, test: Any) -> str:
    """What the width of the interval leaves open."""
    low, high = float(change["lower"]), float(change["upper"])
    if level == ADDED:
        return f"The gain may be as small as {_number(low)} or as large as {_number(high)}."
    if high <= 0:
        return "The interval excludes any gain in the c statistic."
    at_odds = ""
    if test is not None and test["p"] < 0.05:
        at_odds = "The markers go with the outcome, but that they improve the predictions is not shown. "
    elif low > 0:
        at_odds = "The interval lies above 0, but the test does not support it. "
    if high < RELEVANT:
        return f"{at_odds}A gain of {RELEVANT:g} or more is excluded, one of up to {_number(high)} is not."
    return (
        f"{at_odds}The interval is so wide that it leaves open a gain of up to {_number(high)}: this is no "
        "evidence that the markers are of no value."
    )


# ---- what would be told, and done


def _told(asked: Asked, table: _Table) -> Iterator[str]:
    cross = table.estimated(CROSS, CORRECTED)
    moves = {
        (quantity, population): table.estimated(quantity, CORRECTED, population)
        for quantity in (UP, DOWN)
        for population in (WITH, WITHOUT)
    }
    if cross is None or any(found is None for found in moves.values()):
        return
    said = {key: words.percent(found["estimate"]) for key, found in moves.items()}
    yield (
        f"With the markers {words.percent(cross['estimate'])} of women "
        f"{words.percent_interval(cross['lower'], cross['upper'])} would be told a risk on the other side of "
        f"{_percent(asked.crossing)}: of those with the event {said[UP, WITH]} one above it and "
        f"{said[DOWN, WITH]} one below it, of those without it {said[UP, WITHOUT]} and {said[DOWN, WITHOUT]}."
    )


def _acting(asked: Asked, curves: pd.DataFrame) -> Iterator[str]:
    own = curves[curves["model"].eq(asked.new) & curves["against"].eq(asked.old).fillna(False)]
    own = own.sort_values("threshold")
    if own.empty:
        return
    better = own["difference_lower"] > 0
    where = f"between {_percent(own['threshold'].iloc[0])} and {_percent(own['threshold'].iloc[-1])}"
    if not better.any():
        yield (
            f"At no threshold {where} is the net benefit with the markers above that of the history alone by "
            "more than chance allows."
        )
        return
    first, last = (_percent(own.loc[better, "threshold"].iloc[i]) for i in (0, -1))
    within = f"all of them from {first} to {last}" if first != last else first
    yield (
        f"At {int(better.sum())} of {len(own)} thresholds {where} ({within}) the net benefit with the "
        "markers is above that of the history alone by more than chance allows, each threshold by itself."
    )


def _percent(threshold: float) -> str:
    return f"{100 * threshold:g}%"


def _calibration(asked: Asked, added: pd.DataFrame) -> Iterator[str]:
    found = _Table(added, asked.new).estimated(SLOPE, CORRECTED)
    if found is None or found["lower"] <= 1 <= found["upper"]:
        return
    how = "too extreme" if found["upper"] < 1 else "not extreme enough"
    slope, low, high = (words.decimals(found[end], 2) for end in ("estimate", "lower", "upper"))
    ends = f"{_percent(asked.confidence)} interval {low} to {high}"
    yield f"The risks are {how} (calibration slope {slope}, {ends}): recalibrate before use."


# ---- alarms


def _consequence(name: str) -> Consequence | None:
    plain = name.lower().replace("_", " ")
    return next((each for each in CONSEQUENCES if each.of in plain), None)


def _alarm(asked: Asked, name: str, reason: str, found: Consequence | None) -> str:
    said = f"{words.heading(name, {})}: {reason.rstrip('.')}."
    if found is None:
        return said
    return f"{said} {found.sentence.format(treatment=asked.treatment or 'the treatment')}."
