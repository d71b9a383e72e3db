"""Does a frozen model hold in samples of another study? Discrimination, calibration, recalibration."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit, ndtri

from decidua import results
from decidua.errors import InputError
from decidua.learning.frozen import FrozenModel, Scores, score
from decidua.learning.performance import CASE, auc, auc_interval
from decidua.statistics.answers import NotEstimable
from decidua.statistics.logistic import fit as fit_logistic
from decidua.statistics.proportions import wilson

#: Logits beyond the scores within which a recalibration intercept must lie.
_FARTHEST = 50.0
AUC = "AUC"
#: What the diagonal of the transport matrix takes over from a study's own performance.
KEPT = ("estimate", "lower", "upper", "interval", "denominator", "counted", "status", "reason")


def validate(
    scored: pd.DataFrame,
    samples: pd.DataFrame,
    threshold: float,
    population: str,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Performance of a frozen model on labelled samples that had no part in its training.

    Args:
        scored: as in `Scores`, a row a sample.
        samples: sample, label, group (NA: every sample is a woman of her own).
        threshold: the model's, from which a sample is called a case.
        population: name of the rows.

    Returns:
        A results table, analysis "validation": AUC, accuracy at the threshold beside the majority rate,
        sensitivity, specificity, Brier score, observed and mean predicted share of cases, calibration
        intercept (slope held at 1) and slope; then, named so, the recalibrated model's intercept and slope
        and its Brier score in the same samples. Intervals count women.

    Source: calibration in the large and slope: Cox 1958, Biometrika 45:562; Steyerberg 2019, chapter 15.
    """
    table = scored.merge(samples[["sample", "label", "group"]], on="sample", validate="one_to_one")
    table = table.sort_values("sample", ignore_index=True)
    is_case = (table["label"] == CASE).to_numpy(dtype=bool)
    women = np.where(table["group"].isna(), table["sample"], table["group"])
    size = {kind: len(set(women[is_case == kind])) for kind in (True, False)}
    counted = f"{size[True]} women with and {size[False]} without the label case, {len(table)} samples"
    common = {"analysis": "validation", "population": population, "counted": counted}
    rows = [
        _auc_row(table["score"].to_numpy(), is_case, size, confidence),
        *_rate_rows(table, is_case, women, threshold, confidence),
        *_calibration_rows(table, is_case, confidence),
    ]
    return results.frame({"status": results.ESTIMATED, **common, **row} for row in rows)


def _auc_row(
    scores: np.ndarray, is_case: np.ndarray, size: Mapping[bool, int], confidence: float
) -> dict[str, Any]:
    if not size[True] or not size[False]:
        return results.not_estimable("one class only", quantity=AUC)
    estimate = auc(scores, is_case)
    lower, upper = auc_interval(estimate, [(size[True], size[False])], confidence=confidence)
    return {
        "quantity": AUC,
        "estimate": estimate,
        "lower": lower,
        "upper": upper,
        "interval": f"{confidence:.0%}, Newcombe's score interval",
        "denominator": len(scores),
    }


def _rate_rows(
    table: pd.DataFrame, is_case: np.ndarray, women: np.ndarray, threshold: float, confidence: float
) -> Iterator[dict[str, Any]]:
    called = (table["probability"] >= threshold).to_numpy()
    for quantity, of, right in (
        ("accuracy", np.ones(len(table), dtype=bool), called == is_case),
        ("sensitivity", is_case, called),
        ("specificity", ~is_case, ~called),
    ):
        if not of.any():
            yield results.not_estimable("no sample of this class", quantity=quantity)
            continue
        rate, number = float(right[of].mean()), len(set(women[of]))
        lower, upper = wilson(rate * number, number, confidence)
        yield {
            "quantity": quantity,
            "estimate": rate,
            "lower": float(lower),
            "upper": float(upper),
            "interval": f"{confidence:.0%}, Wilson, n = {number} women",
            "numerator": int(right[of].sum()),
            "denominator": int(of.sum()),
        }
    larger = int(max(is_case.sum(), (~is_case).sum()))
    place = {"numerator": larger, "denominator": len(table)}
    yield {"quantity": "majority rate", "estimate": larger / len(table)} | place


def _calibration_rows(
    table: pd.DataFrame, is_case: np.ndarray, confidence: float
) -> Iterator[dict[str, Any]]:
    score, y = table["logit"].to_numpy(), is_case.astype(float)
    yield {"quantity": "share of cases", "estimate": y.mean(), "denominator": len(y)}
    yield {"quantity": "mean predicted probability", "estimate": expit(score).mean(), "denominator": len(y)}
    yield {"quantity": "Brier score", "estimate": _brier(score, y), "denominator": len(y)}
    z = ndtri((1 + confidence) / 2)
    try:
        shift, error = in_the_large(score, y)
    except NotEstimable as why:
        yield results.not_estimable(str(why), quantity="calibration intercept")
    else:
        yield {
            "quantity": "calibration intercept",
            "estimate": shift,
            "lower": shift - z * error,
            "upper": shift + z * error,
            "interval": f"{confidence:.0%}, Wald; slope held at 1, 0 is right",
        }
        yield {
            "quantity": "Brier score, intercept recalibrated in these samples",
            "estimate": _brier(score + shift, y),
            "reason": "fitted to and measured in the same samples",
        }
    try:
        model = fit_logistic(pd.DataFrame({"score": score}), y)
    except NotEstimable as why:
        for quantity in ("calibration slope", "recalibrated intercept"):
            yield results.not_estimable(str(why), quantity=quantity)
        return
    lower, upper = model.wald(confidence)
    for place, quantity, ideal in ((1, "calibration slope", 1), (0, "recalibrated intercept", 0)):
        yield {
            "quantity": quantity,
            "estimate": model.coefficients[place],
            "lower": lower[place],
            "upper": upper[place],
            "interval": f"{confidence:.0%}, Wald; {ideal} is right",
        }
    yield {
        "quantity": "Brier score, intercept and slope recalibrated in these samples",
        "estimate": float(((model.probabilities - y) ** 2).mean()),
        "reason": "fitted to and measured in the same samples",
    }


def _brier(score: np.ndarray, y: np.ndarray) -> float:
    return float(((expit(score) - y) ** 2).mean())


def in_the_large(score: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """The shift of the logits after which as many cases are expected as observed, and its standard error.

    Raises:
        NotEstimable: one class only.
    """
    if not 0 < y.sum() < len(y):
        raise NotEstimable("one class only")
    ends = -float(score.max()) - _FARTHEST, -float(score.min()) + _FARTHEST
    shift = float(brentq(lambda a: (y - expit(score + a)).sum(), *ends, xtol=1e-10))
    probability = expit(score + shift)
    return shift, float(1 / np.sqrt((probability * (1 - probability)).sum()))


def transport(
    models: Mapping[str, FrozenModel],
    studies: Mapping[str, tuple[pd.DataFrame, pd.DataFrame]],
    within: Mapping[str, Mapping[str, Any]],
    coverage: float,
    identifiers: Mapping[str, pd.DataFrame | None],
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Train on one study, test on another: the AUC of every frozen model in every other study.

    Args:
        models: by study. studies: counts (genes x samples) and sample sheet by study.
        within: by study the row of its own AUC within folds, which stands on the diagonal.
        coverage: as for `score`. identifiers: a study's table of gene identifiers.

    Returns:
        A results table, analysis "transport": variable the study trained on, level the study tested on.
    """
    rows = []
    for trained, model in models.items():
        for tested, (counts, samples) in studies.items():
            place = {"analysis": "transport", "variable": trained, "level": tested, "quantity": AUC}
            if trained == tested:
                own = {key: within[tested][key] for key in KEPT}
                rows.append(place | {"population": "held-out folds"} | own)
                continue
            place["population"] = "another study"
            try:
                scored = score(model, counts, coverage, identifiers[tested], tested)
            except InputError as error:
                rows.append(results.not_estimable("; ".join(map(str, error.problems)), **place))
                continue
            row = validate(scored.table, samples, model.threshold, tested, confidence).iloc[0].to_dict()
            note = f"{scored.coverage:.1%} of the model's genes found; {scored.note}"
            rows.append({**row, **place, "counted": f"{row['counted']}; {note}"})
    return results.frame(rows)


def found_rows(scores: Scores, population: str) -> pd.DataFrame:
    """How much of the model another matrix has, as a results table, analysis "coverage"."""
    found, asked = int(scores.genes["found"].sum()), len(scores.genes)
    common = {"analysis": "coverage", "population": population, "counted": scores.note}
    return results.frame(
        [
            results.row(
                quantity="genes of the model found",
                estimate=scores.coverage,
                numerator=found,
                denominator=asked,
                **common,
            ),
            results.row(
                quantity="weight of the model found",
                estimate=scores.weight,
                reason="share of the sum of absolute coefficients; a missing gene counts as at its mean",
                **common,
            ),
            results.row(quantity="size factor genes found", estimate=scores.reference, **common),
        ]
    )
