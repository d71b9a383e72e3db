"""A prediction model that can leave the house: JSON that people can read, and what it says of other women."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from decidua import results
from decidua.config import schema_problems
from decidua.errors import InputError, Problem
from decidua.prediction import fits
from decidua.statistics.proportions import wilson
from decidua.variables import Variable

FORMAT, FORMAT_VERSION = "decidua prediction model", 1


@dataclass(frozen=True)
class Predictor(fits.Predictor):
    """What was learned of a predictor, with the words for people: label, and unit of its values."""

    label: str = ""
    unit: str = ""


@dataclass(frozen=True)
class PredictionModel:
    """Logistic regression of an event on predictors; about: what people must know of it."""

    intercept: float
    predictors: tuple[Predictor, ...]
    about: Mapping[str, Any]

    @property
    def names(self) -> tuple[str, ...]:
        """Of its predictors, in their order."""
        return tuple(predictor.name for predictor in self.predictors)

    def values(self, women: pd.DataFrame) -> np.ndarray:
        """The predictors of n women as n x p numbers, NaN where unknown; an absent column is unknown.

        Raises:
            InputError: a level of a category that the model does not know.
        """
        return np.column_stack([_numbers(predictor, women) for predictor in self.predictors])

    def filled(self, values: np.ndarray) -> np.ndarray:
        """The same with each unknown value as the model's imputation says."""
        return fits.filled(values, self.predictors)

    def linear_predictor(self, values: np.ndarray) -> np.ndarray:
        """Of n women, from known or filled values (n x p): log odds of the event."""
        parts = [predictor.part(values[:, j]) for j, predictor in enumerate(self.predictors)]
        return self.intercept + np.sum(parts, axis=0)

    def risk(self, women: pd.DataFrame) -> np.ndarray:
        """The risk of the event of each woman, unknown predictors filled in."""
        return expit(self.linear_predictor(self.filled(self.values(women))))


def _numbers(predictor: Predictor, women: pd.DataFrame) -> np.ndarray:
    if predictor.name not in women:
        return np.full(len(women), np.nan)
    column = women[predictor.name]
    if predictor.levels is not None:
        text = column.astype("string")
        column = text.map(predictor.levels)
        if strange := sorted(set(text[column.isna()].dropna())):
            expected = f"one of the model's: {', '.join(predictor.levels)}"
            raise InputError(Problem(f"{predictor.name} {', '.join(strange)}", expected))
    return pd.to_numeric(column.astype("Float64")).to_numpy(dtype=float, na_value=np.nan)


# ---- the file


def to_json(model: PredictionModel) -> str:
    """The model as JSON text; the same bytes for the same model, every number to the last digit."""
    content = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "about": dict(model.about),
        "intercept": float(model.intercept),
        "predictors": [_predictor_content(predictor) for predictor in model.predictors],
    }
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def no_model_json(reason: str) -> str:
    """What stands in the place of a model that cannot be written down: why not."""
    content = {"format": FORMAT, "format_version": FORMAT_VERSION, "not_estimable": reason}
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _predictor_content(predictor: Predictor) -> dict[str, Any]:
    intercept, coefficients = predictor.imputation
    content = asdict(predictor)
    for key in ("range", "knots", "centre", "scale", "coefficients"):
        content[key] = list(map(float, content[key]))
    content["mean"] = float(predictor.mean)
    imputed_by = {name: float(coefficient) for name, coefficient in coefficients.items()}
    content["imputation"] = {"intercept": float(intercept), "coefficients": imputed_by}
    if predictor.levels is None:
        del content["levels"]
    return content


def read_model(path: str | Path, schema: Mapping[str, Any]) -> PredictionModel:
    """Read what `to_json` gave.

    Args:
        schema: workflow/schemas/prediction_model.schema.yaml.

    Raises:
        InputError: no such file, no prediction model, another version, every key that is missing or wrong.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"), parse_constant=_no_number)
    except FileNotFoundError:
        raise InputError(f"{path}: found no such file; expected a prediction model (JSON)") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: found {error}; expected a prediction model (JSON)") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        kind = content.get("format") if isinstance(content, dict) else None
        found = f"a {kind}" if isinstance(kind, str) else "other content"
        raise InputError(f"{path}: found {found}; expected a {FORMAT}")
    if content.get("format_version") != FORMAT_VERSION:
        version = content.get("format_version", "no format_version")
        raise InputError(f"{path}: found version {version!r} of the format; expected {FORMAT_VERSION}")
    if "not_estimable" in content:
        raise InputError(
            f"{path}: found no model ({content['not_estimable']}); expected one with coefficients"
        )
    problems = list(schema_problems(content, schema)) or list(_content_problems(content["predictors"]))
    if problems:
        raise InputError([f"{path}: {problem}" for problem in problems])
    predictors = tuple(_predictor(entry) for entry in content["predictors"])
    return PredictionModel(float(content["intercept"]), predictors, content["about"])


def _no_number(text: str) -> float:
    raise ValueError(f"{text}, which is no number of JSON")


def _content_problems(entries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What a schema cannot say of predictors."""
    names = [entry["name"] for entry in entries]
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            yield f"predictors: found {name!r} {names.count(name)} times; expected each name once"
    for place, entry in enumerate(entries):
        key, knots = f"predictors.{place} ({entry['name']})", entry["knots"]
        columns = max(len(knots) - 1, 1)
        for part in ("centre", "scale", "coefficients"):
            if len(entry[part]) != columns:
                yield f"{key}.{part}: found {len(entry[part])} numbers; expected {columns}, one a column"
        if len(knots) in (1, 2) or any(low >= high for low, high in zip(knots, knots[1:], strict=False)):
            yield f"{key}.knots: found {knots}; expected none, or three or more that ascend"
        if entry["range"][0] > entry["range"][1]:
            yield f"{key}.range: found {entry['range']}; expected the smaller end first"
        for other in entry["imputation"]["coefficients"]:
            if other not in names or other == entry["name"]:
                yield f"{key}.imputation: found {other!r}; expected the name of another predictor"
        if (entry["type"] == "category") != ("levels" in entry):
            yield (
                f"{key}.levels: found {'them' if 'levels' in entry else 'none'} for a {entry['type']}; "
                "expected them for a category, and for nothing else"
            )


def _predictor(entry: Mapping[str, Any]) -> Predictor:
    given = {field.name: entry.get(field.name) for field in fields(Predictor)}
    for key in ("range", "knots", "centre", "scale", "coefficients"):
        given[key] = tuple(map(float, entry[key]))
    imputation = entry["imputation"]
    given["mean"] = float(entry["mean"])
    given["imputation"] = (float(imputation["intercept"]), dict(imputation["coefficients"]))
    return Predictor(**given)


# ---- other women


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
