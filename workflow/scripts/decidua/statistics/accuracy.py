"""How well does each marker tell women with losses from controls? In the sense of STARD 2015.

Higher values speak for a case, as the panel has it; an area below 0.5 is reported as it is.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
import pandas as pd

from decidua.cases import IS_CASE
from decidua.labels import measured_name
from decidua.markers import ABNORMAL, Panel
from decidua.results import ESTIMATED, frame, not_estimable, row
from decidua.statistics import roc
from decidua.statistics.answers import Estimate, NotEstimable
from decidua.statistics.counting import EVERYONE, SELECTED, in_words
from decidua.statistics.diagnostic import Accuracy
from decidua.statistics.groups import hedges_g, mann_whitney
from decidua.statistics.rows import Row, adjusted_rows, attempt, estimate_row, interval, test_row
from decidua.steps import steps

ANALYSIS = "accuracy"
CASES, CONTROLS, BOTH = "cases", "controls", "cases v controls"
PUBLISHED, YOUDEN, CALL = "published cut-off", "Youden cut-off", "call"
AUC, CUTOFF = "AUC", "cut-off"
SENSITIVITY, SPECIFICITY, INDEX = "sensitivity", "specificity", "Youden's index"
POSITIVE_LR, NEGATIVE_LR = "positive likelihood ratio", "negative likelihood ratio"
POSITIVE_VALUE, NEGATIVE_VALUE = "positive predictive value", "negative predictive value"
CURVES = ["variable", "fpr", "tpr"]
NO_CONTROLS = "no controls: no column of cases is set, and every woman is a case"
CHOSEN_HERE = "the cut-off was chosen on these women"


@dataclass(frozen=True)
class Design:
    """How the accuracy is measured.

    Attributes:
        cases: the yes/no column that told cases from controls; None: there are no controls.
        confidence: of every interval.
        prevalence: shares of cases at which predictive values are stated.
        resamples: of the bootstrap.
    """

    cases: str | None
    confidence: float = 0.95
    prevalence: Sequence[float] = (0.02, 0.1, 0.5)
    resamples: int = 1000


@dataclass(frozen=True)
class Score:
    """What a column says of each woman who is a case or a control: a measured value or a call (1, 0).

    NaN is unknown. `cutoff` is the panel's, None for a call; `unplaced` women are of unknown case status.
    """

    variable: str
    values: np.ndarray
    truth: np.ndarray
    cutoff: float | None
    unplaced: int

    @cached_property
    def known(self) -> np.ndarray:
        return ~np.isnan(self.values)

    @cached_property
    def places(self) -> np.ndarray:
        """Each known value's place among the different values, so that comparisons need no sorting anew."""
        places = np.zeros(len(self.values), dtype=np.int32)
        places[self.known] = np.unique(self.values[self.known], return_inverse=True)[1]
        return places

    def placements(self, of: np.ndarray) -> roc.Placements:
        """The placements of these women, of whom all are known."""
        return roc.placements_of_places(self.truth[of], self.places[of])

    @property
    def of_cases(self) -> np.ndarray:
        return self.values[self.known & self.truth]

    @property
    def of_controls(self) -> np.ndarray:
        return self.values[self.known & ~self.truth]

    @property
    def counted(self) -> str:
        """Whom a comparison counts."""
        known = f"{len(self.of_cases)} cases and {len(self.of_controls)} controls"
        return f"{known} with known {in_words(self.variable)}; {self.left_out}"

    def check(self) -> None:
        """NotEstimable where there is nobody to compare with."""
        for name, values in (("case", self.of_cases), ("control", self.of_controls)):
            if not len(values):
                raise NotEstimable(f"no {name} has a known {in_words(self.variable)}")

    @property
    def left_out(self) -> str:
        """Who is not counted."""
        elsewhere = f"; {self.unplaced} of unknown case status left out" if self.unplaced else ""
        return f"{int((~self.known).sum())} unknown left out{elsewhere}"


def accuracy(women: pd.DataFrame, panel: Panel, design: Design, rng: np.random.Generator) -> pd.DataFrame:
    """The accuracy of every marker that was measured, and of every call.

    Args:
        women: one row a woman with her calls and `is_case`, as decidua.markers.with_calls(controls=True).
        panel: whose columns and cut-offs are measured.
        rng: the bootstrap draws from it, a stream of its own for each column.

    Returns:
        A results table. Variable: a measured column (each effector-to-target ratio by itself), or a marker or
        immunity for its call (a marker of one cut-off has it in its column's rows). Level "cases",
        "controls": n, mean, standard deviation, median. Level "cases v controls": Hedges' g, Mann-Whitney
        (also adjusted over the columns), AUC. Level "published cut-off", "Youden cut-off" (also with
        bootstrap interval and optimism) or "call": sensitivity, specificity, likelihood ratios; with
        ", prevalence 2%" the predictive values. Variable AUC, level "A v B": DeLong's comparison of the
        columns A and B, on the women who have both.
    """
    place = {"analysis": ANALYSIS, "population": EVERYONE}
    if design.cases is None:
        return frame([not_estimable(NO_CONTROLS, quantity=AUC, **place)])
    rows = list(_sizes(women, design))
    measured, missing = _measured(women, panel)
    for variable in missing:
        rows.append(not_estimable("the cohort has no such column", variable=variable, quantity=AUC))
    streams = rng.spawn(len(measured))
    pairs = list(zip(measured, streams, strict=True))
    for score, stream in steps(pairs, "Accuracy, bootstrap of a measured column"):
        rows += attempt(_column_rows(score, design, stream), variable=score.variable, quantity=AUC)
    for score in _calls(women, panel):
        rows += attempt(_call_rows(score, design), variable=score.variable, quantity=AUC)
    rows += adjusted_rows([each for each in rows if each.get("test", "").startswith("Mann-Whitney")])
    compared = list(_delong_rows(measured, design.confidence))
    rows += [*compared, *adjusted_rows([each for each in compared if each.get("test") == "DeLong"])]
    return frame({**place, **each} for each in rows)


def curves(women: pd.DataFrame, panel: Panel, design: Design) -> pd.DataFrame:
    """The ROC curve of every measured column, at most 200 points each: columns variable, fpr, tpr."""
    found = [pd.DataFrame({"variable": [], "fpr": [], "tpr": []})]
    for score in _measured(women, panel)[0] if design.cases is not None else []:
        try:
            false, true = roc.curve(score.truth[score.known], score.values[score.known])
        except NotEstimable:
            continue  # the table says why
        found.append(pd.DataFrame({"variable": score.variable, "fpr": false, "tpr": true}))
    kept = [each for each in found if len(each)] or found
    return pd.concat(kept, ignore_index=True)[CURVES]


def _sizes(women: pd.DataFrame, design: Design) -> Iterator[Row]:
    status = women[IS_CASE]
    sizes = {CASES: status.sum(), CONTROLS: (~status).sum(), "unknown": status.isna().sum()}
    for level, number in sizes.items():
        place = {"variable": design.cases, "level": level, "quantity": "count", "counted": "women"}
        yield row(**place, estimate=int(number), numerator=int(number), denominator=len(women))


def _measured(women: pd.DataFrame, panel: Panel) -> tuple[list[Score], list[str]]:
    """The columns that the panel reads, and the names of those that are not there."""
    markers = [marker.name for marker in panel.markers]
    cutoffs = {cutoff.column: cutoff.above for marker in panel.markers for cutoff in marker.cutoffs}
    names = {measured_name(column, markers): above for column, above in cutoffs.items()}
    found = [_score(women, name, above) for name, above in names.items() if name in women]
    return found, [name for name in names if name not in women]


def _calls(women: pd.DataFrame, panel: Panel) -> Iterator[Score]:
    """The call of each marker with several cut-offs, and abnormal immunity where several decide it."""
    for marker in panel.markers:
        if len(marker.cutoffs) > 1:
            yield _score(women, marker.name, None)
    if len(panel.columns) < 2:
        return
    abnormal = women["immunity"].astype("string").eq(ABNORMAL)
    yield _score(women[[IS_CASE]].assign(immunity=abnormal), "immunity", None)


def _score(women: pd.DataFrame, variable: str, cutoff: float | None) -> Score:
    status = women[IS_CASE]
    placed = status.notna().to_numpy()
    values = pd.array(women[variable], dtype="Float64").to_numpy(dtype=float, na_value=np.nan)
    truth = status.fillna(False).to_numpy(dtype=bool)
    return Score(variable, values[placed], truth[placed], cutoff, int((~placed).sum()))


def _column_rows(score: Score, design: Design, rng: np.random.Generator) -> Iterator[Row]:
    yield from _description(score)
    score.check()
    place = {"variable": score.variable, "level": BOTH, "counted": score.counted}
    yield estimate_row(
        lambda: hedges_g(score.of_cases, score.of_controls, design.confidence),
        quantity="Hedges' g",
        interval=interval("large-sample normal", design.confidence),
        **place,
    )
    yield _mann_whitney_row(score, place)
    truth, values = score.truth[score.known], score.values[score.known]
    yield _auc_row(score, design.confidence, place)
    at = {"variable": score.variable, "counted": score.counted}
    published = _cutoff_rows(truth, values, score.cutoff, design, at)
    yield from attempt(published, level=PUBLISHED, quantity=CUTOFF, **at)
    yield from attempt(_youden_rows(truth, values, design, rng, at), level=YOUDEN, quantity=CUTOFF, **at)


def _description(score: Score) -> Iterator[Row]:
    unknown = ~score.known
    for level, values, members in (
        (CASES, score.of_cases, score.truth),
        (CONTROLS, score.of_controls, ~score.truth),
    ):
        left_out = f"{int((unknown & members).sum())} unknown left out"
        counted = f"{level} with known {in_words(score.variable)}; {left_out}"
        place = {"variable": score.variable, "level": level}
        size = {"numerator": len(values), "denominator": int(members.sum())}
        yield row(**place, **size, quantity="n", estimate=len(values), counted=level)
        for quantity, number, least in (
            ("mean", np.mean, 1),
            ("standard deviation", lambda sample: np.std(sample, ddof=1), 2),
            ("median", np.median, 1),
        ):
            own = {**place, "quantity": quantity, "denominator": len(values), "counted": counted}
            if len(values) < least:
                yield not_estimable(f"{len(values) or 'no'} {level} with a known value", **own)
            else:
                yield row(**own, estimate=float(number(values)))


def _mann_whitney_row(score: Score, place: Row) -> Row:
    try:
        name, test = mann_whitney(score.of_cases, score.of_controls)
    except NotEstimable as reason:
        return not_estimable(str(reason), test="Mann-Whitney", quantity="test", **place)
    return test_row(name, lambda: test, **place)


def _auc_row(score: Score, confidence: float, place: Row) -> Row:
    found = roc.area_of(score.placements(score.known), confidence)
    cautions = []
    if np.isnan(found.lower):
        cautions.append("fewer than two cases or controls: no interval")
    elif found.lower == found.upper:
        why = "cases and controls do not overlap" if found.value in (0, 1) else "all have the same value"
        cautions.append(f"{why}: DeLong's interval has no width")
    if found.value < 0.5:
        cautions.append("below 0.5: cases have the lower values, the panel calls the higher ones abnormal")
    return estimate_row(
        lambda: found,
        quantity=AUC,
        interval=interval("DeLong", confidence),
        numerator=int((score.known & score.truth).sum()),
        denominator=int(score.known.sum()),
        caution="; ".join(cautions),
        **place,
    )


def _cutoff_rows(
    truth: np.ndarray, values: np.ndarray, cutoff: float, design: Design, place: Row
) -> Iterator[Row]:
    place = {**place, "level": PUBLISHED}
    yield row(**place, quantity=CUTOFF, estimate=cutoff)
    yield from _accuracy_rows(Accuracy.of(truth, values > cutoff), design, place)


def _call_rows(score: Score, design: Design) -> Iterator[Row]:
    score.check()
    place = {"variable": score.variable, "counted": score.counted}
    truth, values = score.truth[score.known], score.values[score.known]
    yield _auc_row(score, design.confidence, {**place, "level": BOTH})
    selected = SELECTED if score.variable == "immunity" and not score.known.all() else ""
    yield from _accuracy_rows(Accuracy.of(truth, values > 0), design, {**place, "level": CALL}, selected)


def _accuracy_rows(found: Accuracy, design: Design, place: Row, caution: str = "") -> Iterator[Row]:
    """Sensitivity, specificity, likelihood ratios, predictive values; `caution` goes with each."""
    confidence = design.confidence
    exact, logs = interval("Clopper-Pearson", confidence), interval("log method", confidence)
    for quantity, share, part, whole in (
        (SENSITIVITY, found.sensitivity, found.true_positive, found.cases),
        (SPECIFICITY, found.specificity, found.true_negative, found.controls),
    ):
        own = {**place, "quantity": quantity, "numerator": part, "denominator": whole}
        yield estimate_row(lambda of=share: of(confidence), interval=exact, caution=caution, **own)
    for quantity, ratio in (
        (POSITIVE_LR, found.positive_likelihood_ratio),
        (NEGATIVE_LR, found.negative_likelihood_ratio),
    ):
        own = {**place, "quantity": quantity}
        yield _estimated(lambda of=ratio: of(confidence), logs, caution, own)
    bayes = interval("likelihood ratio's log method through Bayes' theorem", confidence)
    for prevalence in design.prevalence:
        for quantity, value in (
            (POSITIVE_VALUE, found.positive_predictive_value),
            (NEGATIVE_VALUE, found.negative_predictive_value),
        ):
            level = f"{place['level']}, prevalence {100 * prevalence:g}%"
            own = {**place, "quantity": quantity, "level": level}
            yield _estimated(lambda of=value, at=prevalence: of(at, confidence), bayes, caution, own)


def _estimated(make: Callable[[], Estimate], method: str, caution: str, place: Row) -> Row:
    """As `estimate_row`, with a word where the method has no interval."""
    found = estimate_row(make, interval=method, caution=caution, **place)
    if found["status"] == ESTIMATED and np.isnan(found["lower"]):
        without = "a count is 0, for which the method has no interval"
        found |= {"interval": None, "reason": "; ".join(filter(None, (caution, without)))}
    return found


def _youden_rows(
    truth: np.ndarray, values: np.ndarray, design: Design, rng: np.random.Generator, place: Row
) -> Iterator[Row]:
    place = {**place, "level": YOUDEN}
    best = roc.youden(truth, values)
    if np.isinf(best.threshold):
        raise NotEstimable("no cut-off is better than none: sensitivity + specificity is nowhere above 1")
    drawn = roc.bootstrap_youden(truth, values, design.resamples, rng)
    lower, upper = drawn.interval(design.confidence)
    resampled = f"{design.resamples} resamples within cases and controls"
    found = Estimate(best.threshold, lower, upper)
    yield estimate_row(
        lambda: found,
        quantity=CUTOFF,
        interval=interval(f"bootstrap percentile, {resampled}", design.confidence),
        caution=_bootstrap_caution(drawn, design.resamples),
        **place,
    )
    yield from _accuracy_rows(Accuracy.of(truth, values > best.threshold), design, place, CHOSEN_HERE)
    yield row(**place, quantity=INDEX, estimate=best.youden, reason=CHOSEN_HERE)
    place["counted"] = f"{place['counted']}; {resampled}"
    apparent = (best.sensitivity, best.specificity, best.youden)
    for name, own, optimism in zip((SENSITIVITY, SPECIFICITY, INDEX), apparent, drawn.optimism, strict=True):
        yield row(**place, quantity=f"optimism of {name}", estimate=optimism)
        yield row(**place, quantity=f"{name}, corrected for optimism", estimate=own - optimism)


def _bootstrap_caution(drawn: roc.YoudenBootstrap, resamples: int) -> str:
    cautions = []
    if drawn.values < drawn.all_values:
        cautions.append(f"{drawn.all_values} different values resampled in {drawn.values} bins")
    if none := int(np.isinf(drawn.thresholds).sum()):
        cautions.append(f"in {none} of {resamples} resamples no cut-off was better than none")
    return "; ".join(cautions)


def _delong_rows(measured: Sequence[Score], confidence: float) -> Iterator[Row]:
    """Every pair of columns on the women who have both."""
    for first, second in combinations(measured, 2):
        known = first.known & second.known
        place = {
            "variable": AUC,
            "level": f"{first.variable} v {second.variable}",
            "counted": f"{int((known & first.truth).sum())} cases and {int((known & ~first.truth).sum())} "
            f"controls with both known; {int((~known).sum())} others left out",
        }
        try:
            both = first.placements(known), second.placements(known)
            difference, test = roc.delong(*both, confidence)
        except NotEstimable as reason:
            yield not_estimable(str(reason), quantity="test", test="DeLong", **place)
            continue
        ends = {"estimate": difference.value, "lower": difference.lower, "upper": difference.upper}
        yield row(**place, **ends, quantity="difference of AUCs", interval=interval("DeLong", confidence))
        yield test_row("DeLong", lambda of=test: of, **place)
