"""How good would a model be in other women like these? Bootstrap and cross-validation, learning inside.

A resample is a weight a woman (how often she is in it), and nothing is copied. The same resamples and folds
serve every model, so that the difference of two models is paired.

Corrected measures are apparent less the optimism of the bootstrap (Harrell et al. 1996, Stat Med 15:361);
the cross-validated ones stand beside them. Their interval holds both: from the lower of the two less its
half width to the higher plus it. Where predictors tell nothing the bootstrap remains too hopeful, since a
woman of a resample is among those that its model is tested on; where they tell something cross-validation
is a little too bleak, since its models learn from fewer women. The half width is normal, its standard
error the larger of two: how the fitted model's measure moves over resamples (Noma et al. 2021, Stat Med
40:5691, the model as it is), and how that of models learned anew moves, each in its own resample (of a
slope the first alone). The interval is meant to hold the measure of this very model in the population.
How often it does: benchmarks/prediction_truth.md.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.special import ndtri
from threadpoolctl import threadpool_limits

from decidua.learning.folds import stratified_folds
from decidua.prediction.design import BOOSTING, CONDITIONAL, MAXIMUM_LIKELIHOOD, RIDGE, Specification
from decidua.prediction.fits import Fitted, fit, fit_values
from decidua.prediction.measures import (
    MEASURES,
    SLOPE,
    WITHIN_SETS,
    all_measures,
    c_within_sets_of_many,
    measures_of_many,
)
from decidua.prediction.newton_together import MOST_WOMEN, block_size, fit_together
from decidua.statistics.answers import NotEstimable
from decidua.steps import steps

APPARENT, CORRECTED, BY_CENTRE, OVER_TIME = "apparent", "corrected", "leave-one-centre-out", "temporal"
#: Numbers kept of what the models of the resamples say of all women, a model; with more there are none.
MOST_KEPT = 50_000_000
#: With a larger share of resamples that a model could not be fitted to, nothing is told of the others.
MOST_FAILED = 0.2
#: The earlier share of the women in temporal validation, as a fraction: two thirds teach.
EARLIER = (2, 3)
IN_RESAMPLE, IN_ALL, FIXED = "in resample", "in all", "fitted model in resample"


@dataclass(frozen=True)
class Resamples:
    """The same for every model, so that differences are paired.

    weights: resamples x n whole numbers, how often each woman is in a bootstrap sample of groups.
    folds: repeats x n, the fold in which each woman is held out.
    """

    weights: np.ndarray
    folds: np.ndarray


def resamples(
    event: np.ndarray, groups: np.ndarray, count: int, folds: int, repeats: int, rng: np.random.Generator
) -> Resamples:
    """Draw bootstrap samples of groups and deal groups to folds; nobody is split over them.

    Args:
        event, groups: n, a boolean and any label a woman.
        count: of bootstrap samples.
    """
    names, code = np.unique(groups, return_inverse=True)
    number = len(names)
    drawn = np.empty((count, len(code)), dtype=np.int16)
    for place in range(count):
        drawn[place] = np.bincount(rng.integers(number, size=number), minlength=number)[code]
    dealt = [stratified_folds(event, groups, folds, rng) for _ in range(repeats)]
    return Resamples(drawn, np.array(dealt, dtype=np.int16).reshape(repeats, len(code)))


@dataclass(frozen=True)
class Validated:
    """A model and how good it is.

    apparent: n log odds, learned and told of the same women. held_out: repeats x n log odds, each by a model
    that has not seen the woman.
    measures: a row a measure: measure, apparent, apparent_low, apparent_high, corrected, low, high,
        cross_validated, interval (how), n, events, reason (why not estimable, or a caution).
    resampled: a row a resample: of each measure "<measure>: in resample" and "<measure>: in all" of the model
        learned from the resample, "<measure>: fitted model in resample" of the model of all women; NaN where
        the model could not be learned. Of boosted trees see `_of_held_out`.
    resampled_linear: resamples x n log odds told of all women by the model of each resample (float32, NaN
        where none could be learned; no row of boosted trees, or with more than `MOST_KEPT` numbers).
    """

    spec: Specification
    fitted: Fitted
    apparent: np.ndarray
    held_out: np.ndarray
    measures: pd.DataFrame
    resampled: pd.DataFrame
    resampled_linear: np.ndarray


@dataclass(frozen=True)
class Validation:
    """All models, and of those that could not be learned the reason, by name."""

    models: dict[str, Validated] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Task:
    """One model's numbers, ready to be learned from many times."""

    spec: Specification
    numbers: np.ndarray
    event: np.ndarray
    sets: np.ndarray | None

    @property
    def complete(self) -> bool:
        return not np.isnan(self.numbers).any()

    @property
    def together(self) -> bool:
        """Whether many resamples can be solved together: all columns stay what they are in each."""
        plain = self.spec.method in (RIDGE, MAXIMUM_LIKELIHOOD) and not any(self.spec.knots.values())
        return plain and self.complete and len(self.event) <= MOST_WOMEN

    def linears(self, weights: np.ndarray) -> Iterator[np.ndarray]:
        """Log odds of all women from each of B weightings (B x n), in blocks; NaN where none were learned."""
        spread = self.numbers.std(axis=0)
        x = (self.numbers - self.numbers.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
        penalty = 0.0 if self.spec.method == MAXIMUM_LIKELIHOOD else None
        for block in blocks(weights):
            if self.together:
                found = fit_together(x, self.event.astype(float), block, penalty, self.spec.most_df)
                yield found.intercepts[:, None] + found.coefficients @ x.T
            else:
                yield np.array([self._linear(each) for each in block])

    def _linear(self, weights: np.ndarray) -> np.ndarray:
        complete = self.complete
        try:
            found = fit_values(
                self.spec, self.numbers, self.event, weights, self.sets, complete=complete, ranges=False
            )
        except NotEstimable:
            return np.full(len(self.event), np.nan)
        return found.linear_of_values(self.numbers)

    @property
    def names(self) -> tuple[str, ...]:
        return (WITHIN_SETS,) if self.spec.method == CONDITIONAL else MEASURES

    def measured(self, linear: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
        """Of B x n log odds (or one row) and weights (or one row) B numbers a measure."""
        if self.spec.method != CONDITIONAL:
            return measures_of_many(linear, weights, self.event)
        return {WITHIN_SETS: c_within_sets_of_many(linear, weights, self.event, self.sets)}


def blocks(weights: np.ndarray) -> Iterator[np.ndarray]:
    """A few rows at a time, as floats."""
    size = block_size(weights.shape[1])
    for first in range(0, len(weights), size):
        yield weights[first : first + size].astype(float)


def validate(
    specs: Sequence[Specification],
    rows: pd.DataFrame,
    event: np.ndarray,
    drawn: Resamples,
    sets: np.ndarray | None = None,
    confidence: float = 0.95,
    processes: int = 1,
) -> Validation:
    """Learn and validate every model, on the same resamples and folds.

    Args:
        rows: n women, predictors unknown where missing.
        event: n booleans.
        sets: of conditional models, the matched set of each woman (then also the groups of the resamples).
        processes: that share the resamples; the numbers do not depend on how many.
    """
    event = np.asarray(event, dtype=bool)
    found = Validation()
    with threadpool_limits(limits=1, user_api="blas"):
        for spec in specs:
            try:
                found.models[spec.name] = _validated(spec, rows, event, drawn, sets, confidence, processes)
            except NotEstimable as error:
                found.failures[spec.name] = str(error)
    return found


def _validated(
    spec: Specification,
    rows: pd.DataFrame,
    event: np.ndarray,
    drawn: Resamples,
    sets: np.ndarray | None,
    confidence: float,
    processes: int,
) -> Validated:
    fitted = fit(spec, rows, event, sets=sets)
    task = _Task(spec, fitted.values(rows), event, sets)
    apparent = fitted.linear_of_values(task.numbers)
    held_out = _held_out(task, drawn.folds)
    if spec.method == BOOSTING:
        resampled, linear = _of_held_out(task, drawn.weights, apparent, held_out)
    else:
        resampled, linear = _resampled(task, drawn.weights, apparent, processes)
    table = measure_table(task, apparent, held_out, resampled, confidence)
    return Validated(spec, fitted, apparent, held_out, table, resampled, linear)


def _of_held_out(
    task: _Task, weights: np.ndarray, apparent: np.ndarray, held_out: np.ndarray
) -> tuple[pd.DataFrame, np.ndarray]:
    """Of trees only what is held out is told: they fit the repeated women of a resample too well.

    "in resample" is what the held-out predictions of the women of the resample have; "in all" is one number,
    such that the mean optimism is apparent less cross-validated. Both move with the women of a resample as
    those of the other models do, so that differences are paired.
    """
    whole = held_out[~np.isnan(held_out).any(axis=1)]
    once = np.ones((1, len(apparent)))
    plain, found = task.measured(apparent[None], once), {}
    drawn = [
        (task.measured(apparent[None], block), [task.measured(each[None], block) for each in whole])
        for block in blocks(weights)
    ]
    for name in task.names:
        found[f"{name}: {FIXED}"] = np.concatenate([fixed[name] for fixed, _ in drawn])
        inside = np.concatenate(
            [_mean([each[name] for each in tested], fixed[name]) for fixed, tested in drawn]
        )
        found[f"{name}: {IN_RESAMPLE}"] = inside
        optimism = plain[name][0] - _cross_validated(task, held_out, name)
        found[f"{name}: {IN_ALL}"] = np.nanmean(inside) - optimism if len(whole) else np.nan
    return pd.DataFrame(found), np.empty((0, len(apparent)), dtype=np.float32)


def _mean(each: list[np.ndarray], like: np.ndarray) -> np.ndarray:
    return np.mean(each, axis=0) if each else np.full(len(like), np.nan)


def _resampled(
    task: _Task, weights: np.ndarray, apparent: np.ndarray, processes: int
) -> tuple[pd.DataFrame, np.ndarray]:
    keep = weights.size <= MOST_KEPT
    if processes > 1 and len(weights) > 1:
        from joblib import Parallel, delayed

        # whole blocks of resamples, so that the sums are the same however many processes share them
        size = block_size(len(apparent))
        starts = np.array_split(np.arange(0, len(weights), size), processes)
        parts = [np.arange(each[0], min(each[-1] + size, len(weights))) for each in starts if len(each)]
        done = Parallel(n_jobs=processes)(
            delayed(_block)(task, weights[part], apparent, keep) for part in parts
        )
    else:
        done = [_block(task, weights, apparent, keep)]
    table = pd.concat([part for part, _ in done], ignore_index=True)
    return table, np.concatenate([linear for _, linear in done])


def _block(
    task: _Task, weights: np.ndarray, apparent: np.ndarray, keep: bool
) -> tuple[pd.DataFrame, np.ndarray]:
    kept = np.full((len(weights) if keep else 0, len(apparent)), np.nan, dtype=np.float32)
    parts, done, once = [], 0, np.ones((1, len(apparent)))
    with threadpool_limits(limits=1, user_api="blas"):
        told = task.linears(weights)
        for block in steps(list(blocks(weights)), f"Bootstrap of {task.spec.name}"):
            linear = next(told)
            found = {IN_RESAMPLE: task.measured(linear, block), IN_ALL: task.measured(linear, once)}
            found[FIXED] = task.measured(apparent[None], block)
            parts.append(
                pd.DataFrame(
                    {f"{name}: {how}": each[name] for how, each in found.items() for name in task.names}
                )
            )
            if keep:
                kept[done : done + len(block)] = linear
            done += len(block)
    return pd.concat(parts, ignore_index=True), kept


def _held_out(task: _Task, folds: np.ndarray) -> np.ndarray:
    """NaN for the women of a fold whose training set gave no model."""
    found = np.full(folds.shape, np.nan)
    tests = [
        (repeat, folds[repeat] == fold) for repeat in range(len(folds)) for fold in np.unique(folds[repeat])
    ]
    weights = np.array([~test for _, test in tests], dtype=np.int16)
    told = (row for block in task.linears(weights) for row in block)
    for (repeat, test), linear in zip(tests, told, strict=True):
        found[repeat, test] = linear[test]
    return found


def measure_table(
    task: _Task, apparent: np.ndarray, held_out: np.ndarray, resampled: pd.DataFrame, confidence: float
) -> pd.DataFrame:
    """The measures of a model, apparent and corrected, as `Validated` has them."""
    plain = {
        name: float(each[0])
        for name, each in task.measured(apparent[None], np.ones((1, len(apparent)))).items()
    }
    counts = {"n": len(apparent), "events": int(task.event.sum())}
    rows = []
    for name in task.names:
        row = {"measure": name, "apparent": plain[name], **counts}
        try:
            held = _cross_validated(task, held_out, name)
            row |= _corrected(name, plain[name], held, resampled, confidence, task.spec.method)
        except NotEstimable as error:
            row["reason"] = str(error)
        rows.append(row)
    return pd.DataFrame(rows, columns=COLUMNS)


COLUMNS = (
    "measure",
    "apparent",
    "apparent_low",
    "apparent_high",
    "corrected",
    "low",
    "high",
    "cross_validated",
    "interval",
    "n",
    "events",
    "reason",
)


def _corrected(
    name: str, plain: float, held_out: float, resampled: pd.DataFrame, confidence: float, method: str
) -> dict[str, object]:
    if np.isnan(plain):
        raise NotEstimable("the measure does not exist in these women")
    fixed = resampled[f"{name}: {FIXED}"].dropna()
    row = dict(zip(("apparent_low", "apparent_high"), _quantiles(fixed, confidence), strict=True))
    optimism = optimism_of(resampled, name).dropna()
    failed = len(resampled) - len(optimism)
    if failed > MOST_FAILED * len(resampled) or len(optimism) < 2:
        raise NotEstimable(f"{failed} of {len(resampled)} resamples gave no model")
    corrected = plain - float(optimism.mean())
    low, high = _around(corrected, held_out, _moved(resampled, name, method), confidence)
    row |= {"corrected": corrected, "cross_validated": held_out, "low": low, "high": high}
    row["interval"] = how_corrected(len(optimism), confidence, method)
    if failed:
        row["reason"] = f"{failed} of {len(resampled)} resamples gave no model and are left out"
    return row


def how_corrected(count: int, confidence: float, method: str) -> str:
    """In words what the interval of a corrected measure is."""
    both = "held-out predictions" if method == BOOSTING else "corrected by resamples and cross-validated"
    return f"{100 * confidence:g}%, {both}, normal with the spread over {count} resamples"


def _moved(resampled: pd.DataFrame, measure: str, method: str) -> tuple[pd.Series, pd.Series]:
    """How a measure moves over resamples: of models learned anew, and of the fitted one.

    Of trees the held-out predictions alone, which stay as they are. Of a calibration slope the fitted model's
    alone: where little is told, models learned anew may have any.
    """
    anew, fixed = (resampled[f"{measure}: {way}"] for way in (IN_RESAMPLE, FIXED))
    if method == BOOSTING:
        return anew, anew
    return (fixed, fixed) if measure == SLOPE else (anew, fixed)


def _around(
    corrected: float, held_out: float, moved: Sequence[pd.Series], confidence: float
) -> tuple[float, float]:
    """Ends of an interval about two corrections of one measure; NaN is none."""
    half = float(ndtri((1 + confidence) / 2) * max(each.std() for each in moved))
    return float(np.fmin(corrected, held_out)) - half, float(np.fmax(corrected, held_out)) + half


def optimism_of(resampled: pd.DataFrame, measure: str) -> pd.Series:
    """Of each resample: what its model has in the resample less what it has in all women."""
    return resampled[f"{measure}: {IN_RESAMPLE}"] - resampled[f"{measure}: {IN_ALL}"]


def _quantiles(values: pd.Series, confidence: float) -> tuple[float, float]:
    low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def _cross_validated(task: _Task, held_out: np.ndarray, name: str) -> float:
    """Mean over the repeats; NaN where some woman has no held-out prediction."""
    whole = held_out[~np.isnan(held_out).any(axis=1)]
    if not len(whole):
        return float("nan")
    return float(task.measured(whole, np.ones((1, whole.shape[1])))[name].mean())


# ---- the difference of two models


def difference(new: Validated, old: Validated, measure: str, confidence: float = 0.95) -> dict[str, float]:
    """The difference of a measure (new minus old) on the same resamples: apparent, corrected, low, high.

    Raises:
        NotEstimable: one of them has no such measure.
    """
    tables = [each.measures.set_index("measure") for each in (new, old)]
    for each, table in zip((new, old), tables, strict=True):
        if measure not in table.index or pd.isna(table.at[measure, "corrected"]):
            raise NotEstimable(f"{measure} of the model {each.spec.name} is not estimable")
    apparent = float(tables[0].at[measure, "apparent"] - tables[1].at[measure, "apparent"])
    optimism = (optimism_of(new.resampled, measure) - optimism_of(old.resampled, measure)).dropna()
    held_out = float(tables[0].at[measure, "cross_validated"] - tables[1].at[measure, "cross_validated"])
    moved = [_moved(each.resampled, measure, each.spec.method) for each in (new, old)]
    paired = [first - second for first, second in zip(*moved, strict=True)]
    corrected = apparent - float(optimism.mean())
    low, high = _around(corrected, held_out, paired, confidence)
    return {
        "apparent": apparent,
        "corrected": corrected,
        "cross_validated": held_out,
        "low": low,
        "high": high,
    }


# ---- other women than those learned from


def left_out_in_turn(
    spec: Specification, rows: pd.DataFrame, event: np.ndarray, label: np.ndarray, confidence: float = 0.95
) -> pd.DataFrame:
    """Leave-one-centre-out: learned from all other centres, told of each.

    Returns:
        A row a centre and measure: where, measure, estimate, low, high, n, events, reason. Intervals are of
        the model as it is: those tested are resampled, nothing is learned anew.
    """
    return pd.concat(
        [
            _elsewhere(spec, rows, event, label == name, str(name), confidence)
            for name in pd.unique(pd.Series(label).dropna().sort_values())
        ],
        ignore_index=True,
    )


def later_in_time(
    spec: Specification, rows: pd.DataFrame, event: np.ndarray, date: np.ndarray, confidence: float = 0.95
) -> pd.DataFrame:
    """Temporal validation: learned from the earlier two thirds, told of the later third.

    Women of one day stay together; women without a date are in neither part. The table is as from
    `left_out_in_turn`.
    """
    dates = pd.Series(date)
    known = dates.notna().to_numpy()
    ordered = dates[known].sort_values()
    if ordered.nunique() < 2:
        return _not_estimable_everywhere("later", "fewer than two different dates are known")
    border = ordered.iloc[-(-len(ordered) * EARLIER[0] // EARLIER[1]) - 1]
    if not (dates > border).any():  # the last day has more than a third of them
        border = ordered[ordered < border].iloc[-1]
    later = (dates > border).to_numpy()
    inside = rows[known].reset_index(drop=True)
    where = f"after {border:%Y-%m-%d}" if isinstance(border, pd.Timestamp) else f"after {border}"
    return _elsewhere(spec, inside, event[known], later[known], where, confidence)


def _elsewhere(
    spec: Specification,
    rows: pd.DataFrame,
    event: np.ndarray,
    test: np.ndarray,
    where: str,
    confidence: float,
) -> pd.DataFrame:
    event = np.asarray(event, dtype=bool)
    try:
        fitted = fit(spec, rows[~test], event[~test])
        linear = fitted.linear_predictor(rows[test])
        return _tested(linear, event[test], where, confidence)
    except NotEstimable as error:
        return _not_estimable_everywhere(where, str(error), int(test.sum()), int(event[test].sum()))


ELSEWHERE = ("where", "measure", "estimate", "low", "high", "n", "events", "reason")
#: Fewer women with or without the event tell nothing of a model there.
FEWEST = 10


def _not_estimable_everywhere(where: str, reason: str, n: int = 0, events: int = 0) -> pd.DataFrame:
    rows = [
        {"where": where, "measure": name, "n": n, "events": events, "reason": reason} for name in MEASURES
    ]
    return pd.DataFrame(rows, columns=ELSEWHERE)


def _tested(linear: np.ndarray, event: np.ndarray, where: str, confidence: float) -> pd.DataFrame:
    n, events = len(event), int(event.sum())
    if min(events, n - events) < FEWEST:
        reason = f"{events} women with the event and {n - events} without are fewer than {FEWEST}"
        return _not_estimable_everywhere(where, reason, n, events)
    estimates = all_measures(linear, event)
    drawn = np.random.default_rng(0).integers(n, size=(_TESTED, n))
    weights = np.array([np.bincount(each, minlength=n) for each in drawn], dtype=float)
    spread = pd.DataFrame(measures_of_many(linear[None], weights, event))
    rows = []
    for name, value in estimates.items():
        low, high = _quantiles(spread[name].dropna(), confidence)
        ends = {"estimate": value, "low": low, "high": high}
        rows.append({"where": where, "measure": name, **ends, "n": n, "events": events})
    return pd.DataFrame(rows, columns=ELSEWHERE)


#: Bootstrap samples of women in whom a model is tested as it is.
_TESTED = 200
