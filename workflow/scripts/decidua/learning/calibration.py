"""Do the held-out probabilities mean what they say?

A prediction of 80% is calibrated when 80% of such samples are cases. All rows of all repeats are taken
together; those of one sample (or group) are not independent, and every interval says how it allows for that.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit, logit, stdtrit

from decidua import results
from decidua.learning.held_out import cases, member_of, members, unit
from decidua.statistics.answers import NotEstimable
from decidua.statistics.logistic import fit
from decidua.statistics.proportions import wilson

INTERCEPT, SLOPE = "calibration intercept", "calibration slope"
ERROR, ERROR_BY_CHANCE = (
    "expected calibration error",
    "expected calibration error if perfectly calibrated",
)
COLUMNS = ["shown", "predicted", "observed", "lower", "upper", "samples", "cases", "controls"]
#: Kinds of rows of the table for drawing.
POINT, CURVE, COUNT = "group of samples", "logistic curve", "number of predictions"
#: Groups of samples of similar prediction: odd, so that turning the classes round turns them round; at least
#: this many members in each.
MOST_GROUPS, SMALLEST = 9, 10
#: Ends of the probabilities in which predictions are counted for drawing.
BINS = np.round(np.linspace(0, 1, 21), 12)
#: Points at which the curve is drawn.
STEPS = 61
#: Probabilities closer to 0 or 1 count as this far from it: their logits would be infinite.
_LEAST = 1e-12
ONE_CLASS = "all samples are of one class"


@dataclass(frozen=True)
class Recalibration:
    """Logistic regression of the label on the logit of what was said: intercept + slope * logit.

    covariance: of (intercept, slope), 2 x 2, with the rows of a member counted as dependent. df: members - 2.
    """

    intercept: float
    slope: float
    covariance: np.ndarray
    df: int


def recalibrate(scores: np.ndarray, is_case: np.ndarray, member: np.ndarray) -> Recalibration:
    """Fit the label to the score, once over all rows (a row a sample and repeat).

    Returns:
        The fit; its covariance is the sandwich over members with the factor m / (m - 1), m members, so a
        sample that was predicted in ten repeats counts as one.

    Raises:
        NotEstimable: one class, scores that do not vary, or that tell all cases from all controls.

    Source: Cox 1958 (Biometrika 45:562); sandwich: Liang and Zeger 1986 (Biometrika 73:13), independence.
    """
    if is_case.all() or not is_case.any():
        raise NotEstimable(ONE_CLASS)
    if np.ptp(scores) <= 1e-9:
        raise NotEstimable("the held-out scores do not vary")
    if scores[is_case].min() >= scores[~is_case].max() or scores[is_case].max() <= scores[~is_case].min():
        raise NotEstimable("the held-out scores tell all cases from all controls: the slope is infinite")
    model = fit(pd.DataFrame({"score": scores}), is_case)
    code, names = pd.factorize(member, sort=True)
    if len(names) < 3:
        raise NotEstimable(f"{len(names)} independent samples are too few")
    rest = is_case - model.probabilities
    pull = np.column_stack([np.bincount(code, rest), np.bincount(code, rest * scores)])
    middle = pull.T @ pull * len(names) / (len(names) - 1)
    covariance = model.covariance @ middle @ model.covariance
    return Recalibration(*map(float, model.coefficients), covariance, len(names) - 2)


def intercept_in_the_large(
    scores: np.ndarray, is_case: np.ndarray, member: np.ndarray
) -> tuple[float, float, int]:
    """What must be added to every score so that as many cases are predicted as there are, at a slope of 1.

    Returns:
        The intercept, its standard error (sandwich over members) and the degrees of freedom (members - 1).

    Raises:
        NotEstimable: one class.
    """
    if is_case.all() or not is_case.any():
        raise NotEstimable(ONE_CLASS)
    shift = 0.0
    for _ in range(100):  # steps are held short, so that the first does not run off
        probability = expit(scores + shift)
        step = (is_case - probability).sum() / (probability * (1 - probability)).sum()
        shift += float(np.clip(step, -2, 2))
        if abs(step) < 1e-10:
            break
    probability = expit(scores + shift)
    code, names = pd.factorize(member, sort=True)
    pull = np.bincount(code, is_case - probability)
    number = len(names)
    if number < 2:
        raise NotEstimable("one independent sample is too few")
    error = np.sqrt((pull**2).sum() * number / (number - 1)) / (probability * (1 - probability)).sum()
    return shift, float(error), number - 1


def calibration_rows(predictions: pd.DataFrame, confidence: float) -> Iterator[dict]:
    """Rows of a results table: intercept, slope, expected calibration error and what chance makes of it."""
    scores, is_case, member = _arrays(predictions)
    samples = predictions["sample"].nunique()
    whose = f"{members(predictions)} {unit(predictions)}, each with all its repeats"
    method = f"{confidence:.0%}, t with the sandwich variance over {whose}"

    def with_limits(quantity: str, estimate: float, error: float, df: int) -> dict:
        half = float(stdtrit(df, (1 + confidence) / 2)) * error
        ends = {"lower": estimate - half, "upper": estimate + half, "interval": method}
        return {"quantity": quantity, "estimate": estimate, "denominator": samples, **ends}

    try:
        yield with_limits(INTERCEPT, *intercept_in_the_large(scores, is_case, member))
    except NotEstimable as error:
        yield results.not_estimable(str(error), quantity=INTERCEPT, denominator=samples)
    try:
        found = recalibrate(scores, is_case, member)
        yield with_limits(SLOPE, found.slope, float(np.sqrt(found.covariance[1, 1])), found.df)
    except NotEstimable as error:
        yield results.not_estimable(str(error), quantity=SLOPE, denominator=samples)
    groups = _groups(predictions)
    weight = groups["rows"] / groups["rows"].sum()
    gap = (groups["observed"] - groups["predicted"]).abs()
    spread = np.sqrt(groups["variance"] / groups["members"])
    yield {"quantity": ERROR, "estimate": float((weight * gap).sum()), "denominator": samples}
    # the mean size of a normal error is its standard deviation times the square root of 2 / pi
    by_chance = float((weight * spread).sum() * np.sqrt(2 / np.pi))
    yield {"quantity": ERROR_BY_CHANCE, "estimate": by_chance, "denominator": samples}


def calibration_table(predictions: pd.DataFrame, confidence: float = 0.95) -> pd.DataFrame:
    """What a calibration plot shows.

    Returns:
        The columns of `COLUMNS`. "group of samples": mean prediction and share of cases of samples of similar
        prediction, with Wilson's interval of as many members as a repeat has there on average. "logistic
        curve": the share of cases that the recalibrated score gives over the range of the predictions, with
        its pointwise band; none where it is not estimable. "number of predictions": from `lower` to `upper`,
        how many samples of each class have such a prediction in a repeat, on average.
    """
    repeats = predictions["repeat"].nunique()
    groups = _groups(predictions)
    lower, upper = wilson(groups["observed"] * groups["members"], groups["members"], confidence)
    points = groups[["predicted", "observed"]].assign(
        shown=POINT, lower=lower, upper=upper, samples=groups["rows"] / repeats
    )
    scores, is_case, member = _arrays(predictions)
    tables = [points]
    with suppress(NotEstimable):  # the row of the slope in the results says why
        tables.append(_curve(recalibrate(scores, is_case, member), scores, confidence))
    probability = predictions["probability"].to_numpy(dtype=float)
    per_class = [np.histogram(probability[who], BINS)[0] / repeats for who in (is_case, ~is_case)]
    counts = {"lower": BINS[:-1], "upper": BINS[1:], "cases": per_class[0], "controls": per_class[1]}
    tables.append(pd.DataFrame({"shown": COUNT, "samples": sum(per_class)} | counts))
    types = {name: "string" if name == "shown" else "float64" for name in COLUMNS}
    return pd.concat([table.reindex(columns=COLUMNS).astype(types) for table in tables], ignore_index=True)


def _curve(found: Recalibration, scores: np.ndarray, confidence: float) -> pd.DataFrame:
    at = np.linspace(scores.min(), scores.max(), STEPS)
    design = np.column_stack([np.ones(STEPS), at])
    middle = found.intercept + found.slope * at
    error = np.sqrt(np.einsum("ij,jk,ik->i", design, found.covariance, design))
    half = float(stdtrit(found.df, (1 + confidence) / 2)) * error
    ends = {"lower": expit(middle - half), "upper": expit(middle + half)}
    return pd.DataFrame({"shown": CURVE, "predicted": expit(at), "observed": expit(middle)} | ends)


def _arrays(predictions: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    # The logits of the probabilities, not the scores: what is judged is what was said.
    scores = logit(np.clip(predictions["probability"].to_numpy(dtype=float), _LEAST, 1 - _LEAST))
    return scores, cases(predictions), member_of(predictions).to_numpy(dtype=object)


def _groups(predictions: pd.DataFrame) -> pd.DataFrame:
    """Samples of similar prediction, a row a group of them.

    Returns:
        rows, members (as many as a repeat has there on average), predicted, observed (means), variance (of a
        label, were the predictions right).
    """
    probability, is_case = predictions["probability"].to_numpy(dtype=float), cases(predictions)
    number = members(predictions)
    wanted = min(MOST_GROUPS, max(1, number // SMALLEST))
    wanted -= 1 - wanted % 2
    _, position, count = np.unique(probability, return_inverse=True, return_counts=True)
    middle = (np.cumsum(count) - count / 2)[position] / len(probability) * wanted
    # equal predictions stay together; one on a border goes outwards, whichever class is called the case
    group = np.where(middle < wanted / 2, np.ceil(middle) - 1, np.floor(middle)).astype(int)
    table = pd.DataFrame(
        {
            "group": group,
            "rows": 1.0,
            "predicted": probability,
            "observed": is_case.astype(float),
            "variance": probability * (1 - probability),
        }
    )
    table = table.groupby("group", sort=True).agg(
        {"rows": "sum", "predicted": "mean", "observed": "mean", "variance": "mean"}
    )
    return table.assign(members=table["rows"] * number / len(predictions)).reset_index(drop=True)
