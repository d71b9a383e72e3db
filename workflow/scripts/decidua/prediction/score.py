"""What does a prediction model from a file say of other women, and how well?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from decidua import results
from decidua.errors import Problem
from decidua.prediction.model_file import PredictionModel
from decidua.statistics.proportions import wilson
from decidua.variables import Variable


@dataclass(frozen=True)
class Scored:
    """What a model says of other women.

    table: a row a woman: id, linear_predictor, risk, imputed and outside (names of predictors).
    predictors: a row a predictor: name, label, known, imputed, outside (women), low and high (the range).
    """

    table: pd.DataFrame
    predictors: pd.DataFrame


def score(model: PredictionModel, women: pd.DataFrame) -> Scored:
    """Score women, and count what was filled in and what lies outside of the range of the training.

    Args:
        women: a row a woman: id, and the predictors under the model's names, in its units.
    """
    values = model.values(women)
    unknown = np.isnan(values)
    low, high = np.array([predictor.range for predictor in model.predictors]).T
    with np.errstate(invalid="ignore"):
        outside = (values < low) | (values > high)
    linear = model.linear_predictor(model.filled(values))
    table = pd.DataFrame(
        {
            "id": women["id"].astype("string").to_numpy(),
            "linear_predictor": linear,
            "risk": expit(linear),
            "imputed": _named(unknown, model.names),
            "outside": _named(outside, model.names),
        }
    ).astype({"id": "string"})
    predictors = pd.DataFrame(
        {
            "name": pd.array(model.names, dtype="string"),
            "label": pd.array([predictor.label for predictor in model.predictors], dtype="string"),
            "known": (~unknown).sum(axis=0),
            "imputed": unknown.sum(axis=0),
            "outside": outside.sum(axis=0),
            "low": low,
            "high": high,
        }
    )
    return Scored(table, predictors)


def _named(where: np.ndarray, names: Sequence[str]) -> pd.array:
    return pd.array([", ".join(np.array(names)[row]) for row in where], dtype="string")


def mapping_problems(model: PredictionModel, variables: Sequence[Variable], file: str) -> list[Problem | str]:
    """Where the variables of a table do not fit the model: no predictor, another unit, another type."""
    read = {variable.name: variable for variable in variables}
    if not set(read) & set(model.names):
        return [Problem("none of the model's predictors", f"some of {', '.join(model.names)}", file)]
    problems: list[Problem | str] = []
    for predictor in model.predictors:
        if (variable := read.get(predictor.name)) is None:
            continue
        kind = "number" if variable.type == "integer" else variable.type
        place = {"file": file, "column": variable.source}
        if kind != predictor.type:
            expected = f"a {predictor.type}, as the model has it"
            problems.append(Problem(f"{predictor.name} as a {kind}", expected, **place))
        elif variable.unit != predictor.unit:
            found = f"{predictor.name} in {variable.unit or 'no unit'}"
            expected = f"{predictor.unit or 'no unit'}, the unit of the model"
            problems.append(Problem(found, expected, **place))
    return problems


def coverage_rows(
    model: PredictionModel, scored: Scored, columns: Sequence[str], population: str, confidence: float = 0.95
) -> pd.DataFrame:
    """How much of the model a table has, as a results table, analysis "coverage".

    Args:
        columns: the variables of the table.
    """
    women = len(scored.table)
    place = {"analysis": "coverage", "population": population, "denominator": women}
    rows = [_risk_row(scored.table["risk"].to_numpy(), place)]
    for row in scored.predictors.itertuples():
        own = place | {"variable": row.name, "counted": f"all {women} women"}
        absent = row.name not in columns
        filled = "no column in this table: for every woman the same stands in" if absent else None
        rows.append(_share("unknown, filled in as the model says", row.imputed, own, confidence, filled))
        known = own | {"denominator": row.known, "counted": f"{row.known} women with a known value"}
        said = f"the model knows {row.low:g} to {row.high:g}" if row.outside else None
        rows.append(_share("outside the range of the training", row.outside, known, confidence, said))
    used = {"id", "synthetic", str(model.about["outcome"]), *model.names}
    unused = [name for name in columns if name not in used]
    told = {"counted": ", ".join(unused) or "none", "quantity": "columns that the model does not use"}
    rows.append(results.row(**place | told, estimate=len(unused)))
    return results.frame(rows)


def _risk_row(risk: np.ndarray, place: Mapping[str, Any]) -> dict[str, Any]:
    return results.row(
        **place,
        quantity="mean predicted risk",
        estimate=float(risk.mean()),
        counted=f"all {len(risk)} women, unknown predictors filled in",
    )


def _share(
    quantity: str, number: int, place: Mapping[str, Any], confidence: float, reason: str | None
) -> dict[str, Any]:
    place = {**place, "quantity": quantity, "numerator": int(number)}
    if not place["denominator"]:
        return results.not_estimable("no woman has a known value", **place)
    lower, upper = wilson(number, place["denominator"], confidence)
    ends = {"lower": float(lower), "upper": float(upper), "interval": f"Wilson, {100 * confidence:g}%"}
    return results.row(**place, estimate=number / place["denominator"], reason=reason, **ends)


#: Of the rows of a validation, those that need no threshold: a risk is told, nobody is called a case.
_WITHOUT_THRESHOLD = ("accuracy", "sensitivity", "specificity", "majority rate")


def outcome_problem(model: PredictionModel, women: pd.DataFrame) -> str:
    """Why a model cannot be validated in these women; empty where it can."""
    name = str(model.about["outcome"])
    if name not in women:
        return f"the outcome of the model, {name}, is not among the columns of this table"
    if women[name].dtype != "boolean":
        return f"the outcome of the model, {name}, is not yes or no in this table"
    return "" if women[name].notna().any() else f"{name} is known of no woman"


def validation_rows(
    scores: pd.DataFrame, labels: pd.DataFrame, women: int, population: str, confidence: float = 0.95
) -> pd.DataFrame:
    """How well a model held in women that had no part in its training, as a results table.

    Args:
        scores, labels: as from `labelled`.
        women: of the table, also those whose outcome is not known.

    Returns:
        The rows of `decidua.learning.validation.validate` that need no threshold.
    """
    from decidua.learning.validation import validate

    table = validate(scores, labels, 0.5, population, confidence, rows_are="women")
    events = int((labels["label"] == "case").sum())
    counted = f"{events} women with the event and {len(labels) - events} without"
    unknown = women - len(labels)
    counted += f"; {unknown} left out, outcome not known" if unknown else ""
    table = table[~table["quantity"].isin(_WITHOUT_THRESHOLD)].reset_index(drop=True)
    texts = {
        name: table[name]
        .str.replace("share of cases", "share with the event")
        .str.replace("samples", "women")
        for name in ("quantity", "reason")
    }
    return table.assign(counted=counted, **texts).astype(results.DTYPES)


def labelled(
    scored: Scored, model: PredictionModel, women: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores and labels of the women whose outcome is known, as `decidua.learning.validation` takes them.

    The event of the model is the case.
    """
    outcome = women[str(model.about["outcome"])].astype("boolean")
    known = outcome.notna().to_numpy()
    event = (outcome == bool(model.about["event_value"])).to_numpy(dtype=bool, na_value=False)[known]
    table = scored.table[known]
    samples = table["id"].rename("sample")
    scores = pd.DataFrame(
        {
            "sample": samples,
            "score": table["linear_predictor"],
            "logit": table["linear_predictor"],
            "probability": table["risk"],
        }
    )
    labels = pd.DataFrame({"sample": samples, "label": np.where(event, "case", "control")})
    labels["group"] = pd.array([pd.NA] * len(labels), dtype="string")
    return scores.reset_index(drop=True), labels.reset_index(drop=True)
