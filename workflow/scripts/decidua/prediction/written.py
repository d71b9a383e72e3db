"""What must people know of a prediction model before it says anything of a woman? The model, written down."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from decidua.prediction.curves import NO_RISK
from decidua.prediction.design import BOOSTING, CONDITIONAL
from decidua.prediction.fits import Fitted
from decidua.prediction.model_file import PredictionModel, Predictor
from decidua.results import ESTIMATED
from decidua.statistics.answers import NotEstimable

INTENDED_USE = (
    "To describe, in research, the risk of women like those of its training who are cared for as those were.",
    "To be validated in other clinics, and recalibrated there, before anybody is told a risk.",
)
NOT_FOR = (
    "Not for choosing or withholding a treatment: it says nothing of what a treatment would change.",
    "Not for the risk without treatment, where women of its training were treated: it predicts under the "
    "treatment policy of the clinic.",
    "Not for routine immunological screening, which RCOG Green-top Guideline 17 (2023) does not recommend "
    "outside of research.",
    "Not for women unlike those of its training, or with values outside of its range.",
)
#: What a model's own performance is told with.
KEPT = ("quantity", "level", "estimate", "lower", "upper", "interval", "reason")


def write_down(
    fitted: Fitted, labels: Mapping[str, str], units: Mapping[str, str], about: Mapping[str, Any]
) -> PredictionModel:
    """A fitted logistic model as one that stands by itself, with the words for its predictors.

    Args:
        labels: what predictors are called; units: what they are measured in (none: no unit).
        about: as from `about_model`.

    Raises:
        NotEstimable: boosted trees, and models of matched sets, which know no absolute risk.
    """
    if fitted.spec.method == BOOSTING:
        raise NotEstimable("boosted trees are no short list of numbers that a person can check")
    if fitted.spec.method == CONDITIONAL:
        raise NotEstimable(NO_RISK)
    predictors = tuple(
        Predictor(
            **{**own.__dict__, "range": tuple(map(_rounded, own.range))},
            label=labels.get(own.name, own.name.replace("_", " ")),
            unit=units.get(own.name, ""),
        )
        for own in fitted.predictors
    )
    return PredictionModel(fitted.intercept, predictors, about)


def _rounded(value: float) -> float:
    """To three digits: the end of a range need not be one woman's value."""
    return float(f"{value:.3g}")


def about_model(
    *,
    title: str,
    outcome: str,
    event_value: bool,
    event: str,
    moment: str,
    fitted: Fitted,
    left_out: Mapping[str, int],
    performance: pd.DataFrame,
    alarms: Iterable[Mapping[str, str]],
    provenance: Mapping[str, Any],
    synthetic: str = "",
    sentences: Iterable[str] = (),
) -> dict[str, Any]:
    """The part of a model that people read.

    Args:
        outcome, event_value: the column of the outcome, and its value that is predicted.
        event: what is predicted, in words; moment: when.
        left_out: reason to number of women that had no part in the training.
        performance: results table of the models; of it the rows whose variable is this model are kept.
        alarms: of each its name and reason.
        provenance: version, seed, packages and so on.
        sentences: more of what it must not be used for.
    """
    own = performance[performance["variable"].eq(fitted.spec.name).fillna(False).to_numpy(dtype=bool)]
    estimated = own[own["status"] == ESTIMATED]
    return {
        "title": title,
        "synthetic": synthetic,
        "outcome": outcome,
        "event_value": bool(event_value),
        "event": event,
        "moment": moment,
        "intended_use": list(INTENDED_USE),
        "not_for": [*NOT_FOR, *sentences],
        "training": {
            "model": fitted.spec.name,
            "method": fitted.spec.method,
            "women": int(fitted.women),
            "events": int(fitted.events),
            "left_out": {reason: int(number) for reason, number in left_out.items()},
            "penalty": float(fitted.penalty),
            "effective_degrees_of_freedom": float(fitted.df),
            "log_likelihood": float(fitted.log_likelihood),
            "notes": list(fitted.notes),
        },
        "performance": [{key: _plain(row[key]) for key in KEPT} for row in estimated.to_dict("records")],
        "alarms": [dict(alarm) for alarm in alarms],
        "provenance": dict(provenance),
    }


def _plain(value: Any) -> Any:
    if pd.isna(value):
        return None
    return float(value) if isinstance(value, float | np.floating) else str(value)
