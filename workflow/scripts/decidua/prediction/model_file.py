"""A prediction model that can leave the house: JSON that people can read and check."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from decidua.config import schema_problems
from decidua.errors import InputError, Problem
from decidua.prediction import predictors

FORMAT, FORMAT_VERSION = "decidua prediction model", 1


@dataclass(frozen=True)
class Predictor(predictors.Predictor):
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
        return predictors.filled(values, self.predictors)

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
