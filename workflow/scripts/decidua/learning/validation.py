"""Does a frozen model hold in samples of another study? Discrimination, calibration, recalibration."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, stdtrit

from decidua import results
from decidua.errors import InputError
from decidua.learning.calibration import COLUMNS as CALIBRATION_COLUMNS
from decidua.learning.calibration import calibration_table, intercept_in_the_large, recalibrate
from decidua.learning.cross_validation import predicted_class
from decidua.learning.frozen import FrozenModel, Scores, score
from decidua.learning.performance import CASE, CONTROL, auc, auc_interval, roc_table
from decidua.statistics.answers import NotEstimable
from decidua.statistics.proportions import wilson

AUC = "AUC"
#: What the diagonal of the transport matrix takes over from a study's own performance.
KEPT = ("estimate", "lower", "upper", "interval", "denominator", "counted", "status", "reason")


def validate(
    scored: pd.DataFrame,
    samples: pd.DataFrame,
    threshold: float,
    population: str,
    confidence: float = 0.95,
    rows_are: str = "samples",
) -> pd.DataFrame:
    """Performance of a frozen model on labelled samples that had no part in its training.

    Args:
        scored: as in `Scores`, a row a sample.
        samples: sample, label, group (NA: every sample is a woman of her own).
        threshold: the model's, from which a sample is called a case.
        population: name of the rows.
        rows_are: what each row is, in the plural.

    Returns:
        A results table, analysis "validation": AUC, accuracy at the threshold beside the majority rate,
        sensitivity, specificity, Brier score, observed and mean predicted share of cases, calibration
        intercept (slope held at 1) and slope; then, named so, the recalibrated model's intercept and slope
        and its Brier score in the same samples. Intervals count groups (women), where there are any.

    Source: calibration in the large and slope: Cox 1958, Biometrika 45:562; Steyerberg 2019, chapter 15.
    """
    table = scored.merge(samples[["sample", "label", "group"]], on="sample", validate="one_to_one")
    table = table.sort_values("sample", ignore_index=True)
    is_case = (table["label"] == CASE).to_numpy(dtype=bool)
    women = np.where(table["group"].isna(), table["sample"], table["group"])
    size = {kind: len(set(women[is_case == kind])) for kind in (True, False)}
    unit = rows_are if table["group"].isna().all() else "groups"
    counted = f"{size[True]} case and {size[False]} control {unit}, {len(table)} {rows_are}"
    common = {"analysis": "validation", "population": population, "counted": counted}
    rows = [
        _auc_row(table["score"].to_numpy(), is_case, size, confidence),
        *_rate_rows(table, is_case, women, threshold, unit, confidence),
        *_calibration_rows(table, is_case, women, unit, confidence),
    ]
    return results.frame({"status": results.ESTIMATED, **common, **row} for row in rows)


def curves(
    scored: pd.DataFrame, samples: pd.DataFrame, confidence: float = 0.95
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What a figure of the validation draws; aggregates only.

    Args:
        scored, samples: as for `validate`.

    Returns:
        The ROC curve on a grid (fpr, tpr; no rows where there is one class only), and the calibration, as
        from `calibration_table`: the logistic curve is that of the recalibrated model.
    """
    table = scored.merge(samples[["sample", "label", "group"]], on="sample", validate="one_to_one")
    if not table["group"].isna().all():
        table["group"] = table["group"].fillna(table["sample"])
    table = table.sort_values("sample", ignore_index=True).assign(repeat=1, fold=1)
    roc = roc_table(table, confidence)
    roc = roc.loc[roc["repeat"] == "mean", ["fpr", "tpr"]].reset_index(drop=True)
    return roc, calibration_table(table, confidence)


def no_curves() -> tuple[pd.DataFrame, pd.DataFrame]:
    """As `curves`, of samples without labels: empty."""
    return tuple(
        pd.DataFrame(columns=names).astype(
            {name: "string" if name == "shown" else "float64" for name in names}
        )
        for names in (["fpr", "tpr"], CALIBRATION_COLUMNS)
    )


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
    table: pd.DataFrame,
    is_case: np.ndarray,
    women: np.ndarray,
    threshold: float,
    unit: str,
    confidence: float,
) -> Iterator[dict[str, Any]]:
    found = predicted_class(table["probability"].to_numpy(), threshold)
    right = np.where(pd.isna(found), 0.5, found == np.where(is_case, CASE, CONTROL))
    for quantity, of in (
        ("accuracy", np.ones(len(table), dtype=bool)),
        ("sensitivity", is_case),
        ("specificity", ~is_case),
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
            "interval": f"{confidence:.0%}, Wilson, n = {number} {unit}",
            "denominator": int(of.sum()),
        }
    larger = int(max(is_case.sum(), (~is_case).sum()))
    place = {"numerator": larger, "denominator": len(table)}
    yield {"quantity": "majority rate", "estimate": larger / len(table)} | place


def _calibration_rows(
    table: pd.DataFrame, is_case: np.ndarray, women: np.ndarray, unit: str, confidence: float
) -> Iterator[dict[str, Any]]:
    score, y = table["logit"].to_numpy(), is_case.astype(float)
    yield {"quantity": "share of cases", "estimate": y.mean(), "denominator": len(y)}
    yield {"quantity": "mean predicted probability", "estimate": expit(score).mean(), "denominator": len(y)}
    yield {"quantity": "Brier score", "estimate": _brier(score, y), "denominator": len(y)}
    same = {"reason": "fitted to and measured in the same samples"}
    how = f"{confidence:.0%}, t with the sandwich variance over {len(set(women))} {unit}"
    try:
        shift, error, df = intercept_in_the_large(score, is_case, women)
    except NotEstimable as why:
        yield results.not_estimable(str(why), quantity="calibration intercept")
    else:
        half = stdtrit(df, (1 + confidence) / 2) * error
        ends = {
            "lower": shift - half,
            "upper": shift + half,
            "interval": f"{how}; slope held at 1, 0 is right",
        }
        yield {"quantity": "calibration intercept", "estimate": shift} | ends
        quantity = "Brier score, intercept recalibrated in these samples"
        yield {"quantity": quantity, "estimate": _brier(score + shift, y)} | same
    try:
        found = recalibrate(score, is_case, women)
    except NotEstimable as why:
        for quantity in ("calibration slope", "recalibrated intercept"):
            yield results.not_estimable(str(why), quantity=quantity)
        return
    halves = stdtrit(found.df, (1 + confidence) / 2) * np.sqrt(np.diag(found.covariance))
    for at, quantity, value, ideal in (
        (1, "calibration slope", found.slope, 1),
        (0, "recalibrated intercept", found.intercept, 0),
    ):
        ends = {"lower": value - halves[at], "upper": value + halves[at]}
        yield {"quantity": quantity, "estimate": value, "interval": f"{how}; {ideal} is right"} | ends
    quantity = "Brier score, intercept and slope recalibrated in these samples"
    yield {"quantity": quantity, "estimate": _brier(found.intercept + found.slope * score, y)} | same


def _brier(score: np.ndarray, y: np.ndarray) -> float:
    return float(((expit(score) - y) ** 2).mean())


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
