"""What does a prediction model learn from women whose outcome is known, and what does it say of others?

All that is learned is learned here, from the rows that are given and from nothing else: what stands in for an
unknown predictor, knots, centre and scale, the penalty, the coefficients.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from decidua.prediction import design
from decidua.prediction.design import (
    BOOSTING,
    CONDITIONAL,
    MAXIMUM_LIKELIHOOD,
    Specification,
)
from decidua.prediction.newton import fit_ridge, log_likelihood
from decidua.prediction.predictors import Predictor, fill, filled
from decidua.statistics.answers import NotEstimable
from decidua.statistics.splines import basis, knots

#: Quantiles of the training women between which a value is known ground: extremes would be single women.
RANGE = (0.01, 0.99)
#: Of the regressions that stand in for unknown values the share of ridge: finite also where others determine
#: a column.
_IMPUTATION_RIDGE = 1e-4
#: Boosted trees: few, small and slow, for few events; no random numbers, no early stopping.
BOOSTED = {"max_iter": 60, "learning_rate": 0.05, "max_leaf_nodes": 4, "max_bins": 63}
_SMALLEST_LEAF = 20


@dataclass(frozen=True)
class Fitted:
    """A model that was learned.

    intercept: 0 for a conditional model, which has none. penalty: of the sum of squares of the coefficients
    of standardised columns, halved; 0 where there
    is none. df: effective degrees of freedom without the intercept. log_likelihood: of the outcome, without
    penalty. covariance: of the intercept and of the coefficients of the standardised columns, in order
    (k + 1 x k + 1; all zero for boosting, which has none). notes: what a reader must know.
    """

    spec: Specification
    intercept: float
    predictors: tuple[Predictor, ...]
    penalty: float
    df: float
    women: int
    events: int
    log_likelihood: float
    covariance: np.ndarray
    notes: tuple[str, ...] = ()
    _booster: Any = None

    @property
    def coefficients(self) -> np.ndarray:
        """Of the standardised columns, in the order of the predictors."""
        return np.concatenate([predictor.coefficients for predictor in self.predictors])

    def values(self, rows: pd.DataFrame) -> np.ndarray:
        """The predictors of n women as n x p floats, NaN where unknown."""
        coding = {each.name: each.levels for each in self.predictors if each.levels is not None}
        return design.values(rows, self.spec.columns, coding)

    def linear_of_values(self, numbers: np.ndarray) -> np.ndarray:
        """Log odds from the predictors as n x p floats."""
        if self._booster is not None:
            return _boosted(self._booster, numbers)
        known = filled(numbers, self.predictors)
        columns = [each.columns(known[:, place]) for place, each in enumerate(self.predictors)]
        return self.intercept + np.column_stack(columns) @ self.coefficients

    def linear_predictor(self, rows: pd.DataFrame) -> np.ndarray:
        """Log odds of the event of each woman (up to a constant a set for a conditional model)."""
        return self.linear_of_values(self.values(rows))

    def risk(self, rows: pd.DataFrame) -> np.ndarray:
        """The risk of the event of each woman, unknown predictors filled in.

        Raises:
            NotEstimable: a conditional model, which knows no absolute risk.
        """
        if self.spec.method == CONDITIONAL:
            raise NotEstimable("a conditional model compares the women of a set: it knows no absolute risk")
        return expit(self.linear_predictor(rows))


def fit(
    spec: Specification,
    rows: pd.DataFrame,
    event: np.ndarray,
    weights: np.ndarray | None = None,
    sets: np.ndarray | None = None,
    rng: np.random.Generator | None = None,
    penalty: float | None = None,
) -> Fitted:
    """Learn a model.

    Args:
        rows: the predictors, numbers, yes/no or categories, unknown where missing.
        event: a boolean a woman.
        weights: how often each woman counts (whole numbers, as in a bootstrap sample); once.
        sets: of a conditional model, the matched set of each woman.
        rng: not used: no method draws random numbers.
        penalty: of the ridge, instead of the one that the data choose.

    Raises:
        NotEstimable: one outcome only, nothing known of a predictor, no maximum.
    """
    coding = design.codings(rows, spec.columns)
    numbers = design.values(rows, spec.columns, coding)
    fitted = fit_values(spec, numbers, event, weights, sets, penalty)
    kinds = [design.kind(rows[name]) for name in spec.columns]
    predictors = (
        replace(each, type=kind, levels=coding.get(each.name))
        for each, kind in zip(fitted.predictors, kinds, strict=True)
    )
    return replace(fitted, predictors=tuple(predictors))


def fit_values(
    spec: Specification,
    numbers: np.ndarray,
    event: np.ndarray,
    weights: np.ndarray | None = None,
    sets: np.ndarray | None = None,
    penalty: float | None = None,
    complete: bool = False,
    ranges: bool = True,
) -> Fitted:
    """As `fit`, of predictors that are numbers already (n x p floats, NaN where unknown).

    Args:
        complete: nothing will be unknown where the model is applied (in a resample of women without a hole):
            what would stand in is not learned.
        ranges: whether the range of each predictor is wanted.
    """
    weights = np.ones(len(event)) if weights is None else np.asarray(weights, dtype=float)
    if not weights.all():
        there = weights > 0
        numbers, event, weights = numbers[there], event[there], weights[there]
        sets = sets[there] if sets is not None else None
    y = np.asarray(event, dtype=float)
    if not 0 < weights @ y < weights.sum():
        raise NotEstimable("all women have the same outcome")
    predictors = _prepared(spec, numbers, weights, complete, ranges)
    learned = Fitted(
        spec, 0.0, predictors, 0.0, 0.0, int(weights.sum()), int(weights @ y), 0.0, np.zeros((0, 0))
    )
    if spec.method == BOOSTING:
        return _fit_boosting(learned, numbers, y, weights)
    known = filled(numbers, predictors)
    x = np.column_stack([each.columns(known[:, place]) for place, each in enumerate(predictors)])
    match spec.method:
        case "ridge" | "maximum_likelihood":
            return _fit_ridge(learned, x, y, weights, 0.0 if spec.method == MAXIMUM_LIKELIHOOD else penalty)
        case "firth":
            return _fit_firth(learned, x, y, weights)
        case "conditional":
            from decidua.prediction.conditional import fit_conditional

            if sets is None:
                raise NotEstimable("a conditional model needs the matched set of each woman")
            found = fit_conditional(x, y, sets, weights)
            return _with(
                learned, 0.0, found.coefficients, found.covariance, 0.0, x.shape[1], found.log_likelihood
            )
    raise ValueError(f"no such method: {spec.method}")


# ---- what stands in for the unknown, knots, centre and scale


def _prepared(
    spec: Specification, numbers: np.ndarray, weights: np.ndarray, complete: bool, ranges: bool
) -> tuple[Predictor, ...]:
    known = ~np.isnan(numbers)
    nothing = [name for name, any_known in zip(spec.columns, known.any(axis=0), strict=True) if not any_known]
    if nothing:
        raise NotEstimable(f"nothing is known of {', '.join(nothing)}")
    plain = np.where(known, numbers, 0.0)
    means = weights @ plain / (weights @ known)
    imputations = (
        _no_imputations(spec, means) if complete else _imputations(spec, numbers, known, weights, means)
    )
    filled = numbers if known.all() else fill(numbers, spec.columns, means, imputations)
    whole = weights.astype(int)
    found = []
    for j, name in enumerate(spec.columns):
        at: tuple[float, ...] = ()
        if wanted := spec.knots.get(name, 0):
            at = _knots(np.repeat(numbers[known[:, j], j], whole[known[:, j]]), wanted)
        centre, scale = _scaling(filled[:, j], at, weights)
        ends = _range(numbers[:, j], ranges)
        parts = (float(means[j]), ends, imputations[j], at, centre, scale, (0.0,) * len(centre))
        found.append(Predictor(name, design.NUMBER, *parts))
    return tuple(found)


def _knots(known: np.ndarray, wanted: int) -> tuple[float, ...]:
    try:
        return tuple(knots(known, wanted).tolist())
    except NotEstimable:  # ties leave too few places: a straight line
        return ()


def _scaling(
    filled: np.ndarray, at: tuple[float, ...], weights: np.ndarray
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Centre and scale of each column, over all women, filled in."""
    raw = basis(filled, np.array(at)) if at else filled[:, None]
    total = weights.sum()
    centre = weights @ raw / total
    spread = np.sqrt(weights @ (raw - centre) ** 2 / total)
    # a column that is the same for all of a resample: nothing is learned from it
    same = spread <= 1e-9 * np.maximum(np.abs(centre), 1e-12)
    return tuple(centre.tolist()), tuple(np.where(same, 1.0, spread).tolist())


def _range(numbers: np.ndarray, wanted: bool) -> tuple[float, float]:
    """Of the women themselves, not of their weights: no resample asks for it."""
    if not wanted:
        return (-np.inf, np.inf)
    low, high = np.nanquantile(numbers, RANGE)
    return float(low), float(high)


def _no_imputations(spec: Specification, means: np.ndarray) -> list[tuple[float, dict[str, float]]]:
    return [(float(mean), {}) for mean in means]


def _imputations(
    spec: Specification, numbers: np.ndarray, known: np.ndarray, weights: np.ndarray, means: np.ndarray
) -> list[tuple[float, dict[str, float]]]:
    """Linear regression of each predictor on the others, not on the outcome; unknown others at their mean."""
    names, p = spec.columns, numbers.shape[1]
    if p == 1:
        return _no_imputations(spec, means)
    centred = np.where(known, numbers, means) - means
    spread = np.sqrt(weights @ centred**2 / weights.sum())
    scale = np.where(spread > 0, spread, 1.0)
    z = centred / scale
    found = []
    for j in range(p):
        who = known[:, j]
        others = np.delete(np.arange(p), j)
        x, w, target = z[who][:, others], weights[who], z[who, j]
        middle, at = w @ x / w.sum(), w @ target / w.sum()
        x, target = x - middle, target - at
        product = (x * w[:, None]).T @ x + _IMPUTATION_RIDGE * w.sum() * np.eye(p - 1)
        slopes = np.linalg.solve(product, x.T @ (w * target)) * scale[j] / scale[others]
        intercept = means[j] + at * scale[j] - (means[others] + middle * scale[others]) @ slopes
        found.append(
            (float(intercept), dict(zip(np.array(names)[others].tolist(), slopes.tolist(), strict=True)))
        )
    return found


# ---- the methods


def _with(
    learned: Fitted,
    intercept: float,
    coefficients: np.ndarray,
    covariance: np.ndarray,
    penalty: float,
    df: float,
    likelihood: float,
    notes: tuple[str, ...] = (),
) -> Fitted:
    ends = np.cumsum([len(each.centre) for each in learned.predictors])
    predictors = tuple(
        replace(each, coefficients=tuple(part.tolist()))
        for each, part in zip(learned.predictors, np.split(coefficients, ends[:-1]), strict=True)
    )
    return replace(
        learned,
        intercept=float(intercept),
        predictors=predictors,
        penalty=float(penalty),
        df=float(df),
        log_likelihood=float(likelihood),
        covariance=covariance,
        notes=learned.notes + notes,
    )


def _varying(x: np.ndarray) -> np.ndarray:
    return np.ptp(x, axis=0) > 0


def _spread_out(found: np.ndarray, vary: np.ndarray) -> np.ndarray:
    """Coefficients of the columns that vary among zeros for the others."""
    every = np.zeros(len(vary))
    every[vary] = found
    return every


def _fit_ridge(
    learned: Fitted, x: np.ndarray, y: np.ndarray, weights: np.ndarray, penalty: float | None
) -> Fitted:
    vary = _varying(x)
    found = fit_ridge(x[:, vary], y, weights, penalty, learned.spec.most_df)
    kept = np.flatnonzero(np.r_[True, vary])
    covariance = np.zeros((len(vary) + 1,) * 2)
    covariance[np.ix_(kept, kept)] = found.covariance
    coefficients = _spread_out(found.coefficients[1:], vary)
    return _with(
        learned,
        found.coefficients[0],
        coefficients,
        covariance,
        found.penalty,
        found.df,
        found.log_likelihood,
    )


def _fit_firth(learned: Fitted, x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> Fitted:
    """Firth's coefficients; the intercept so that the mean risk is the share of events (Puhr 2017, FLIC)."""
    from decidua.statistics.firth import fit_firth
    from decidua.statistics.logistic import Cells

    vary = _varying(x)
    names = tuple(f"x{j}" for j in np.flatnonzero(vary))
    found = fit_firth(Cells(names, np.asfortranarray(x[:, vary]), weights * y, weights))
    coefficients = _spread_out(found.coefficients, vary)
    intercept = intercept_of(x @ coefficients, y, weights)
    errors = np.zeros(len(vary) + 1)
    errors[1:][vary] = found.standard_errors
    likelihood = log_likelihood(intercept + x @ coefficients, y, weights)
    note = "the intercept is set so that the mean risk is the share of events (FLIC)"
    return _with(
        learned, intercept, coefficients, np.diag(errors**2), 0.0, int(vary.sum()), likelihood, (note,)
    )


def intercept_of(linear: np.ndarray, y: np.ndarray, weights: np.ndarray) -> float:
    """What must be added to all log odds so that as many events are predicted as there are."""
    from decidua.prediction.measures import calibration_in_the_large

    return calibration_in_the_large(linear, y, weights)


def _fit_boosting(learned: Fitted, numbers: np.ndarray, y: np.ndarray, weights: np.ndarray) -> Fitted:
    from sklearn import config_context
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    booster = HistGradientBoostingClassifier(
        **BOOSTED, min_samples_leaf=_SMALLEST_LEAF, early_stopping=False, random_state=0
    )
    with config_context(skip_parameter_validation=True, assume_finite=True), threadpool_limits(1):
        # repeated rows: with weights its bins would cost a hundred times the trees
        times = weights.astype(int)
        booster.fit(np.repeat(numbers, times, axis=0), np.repeat(y, times).astype(int))
    linear = _boosted(booster, numbers)
    size = sum(len(each.centre) for each in learned.predictors) + 1
    return replace(
        learned,
        df=float("nan"),
        log_likelihood=log_likelihood(linear, y, weights),
        covariance=np.zeros((size, size)),
        _booster=booster,
        notes=("boosted trees take an unknown value as it is: nothing is filled in",),
    )


def _boosted(booster: Any, numbers: np.ndarray) -> np.ndarray:
    from sklearn import config_context
    from threadpoolctl import threadpool_limits

    with config_context(skip_parameter_validation=True, assume_finite=True), threadpool_limits(1):
        return booster.decision_function(numbers)
