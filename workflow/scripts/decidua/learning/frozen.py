"""A model that can leave the house: everything that scoring another laboratory's samples needs, as JSON."""

import json
from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from decidua.errors import InputError
from decidua.gene_ids import kind_of, positions, translate
from decidua.learning.cross_validation import Model, predicted_class
from decidua.learning.normalisation import DispersionTrend, LibrarySizes, TMMReference
from decidua.learning.platt import Calibration
from decidua.learning.preparation import Preparation, SizeFactorReference

FORMAT, FORMAT_VERSION = "decidua frozen model", 1
#: Missing genes that a message or a card names; the table has them all.
NAMED = 5


@dataclass(frozen=True)
class FrozenModel:
    """A linear classifier with the frozen way from counts to its score.

    genes, centre, scale, coefficients: one entry a gene; values are standardised, transformed, normalised
        counts. intercept: of the score.
    size_factors: one of `preparation.SIZE_FACTORS`; reference_genes, reference_values: what they are measured
        against (mean log counts; of tmm the reference sample's counts; of log_cpm nothing), reference_scale:
        of tmm.
    trend: asymptote, extra and noise of a variance-stabilising transform; None: logarithms.
    calibration: intercept and slope from scores to logits of probabilities.
    threshold: probability from which a sample is called a case.
    about: what people must know of it: title, labels, training set, settings, performance, intended use.
    """

    genes: tuple[str, ...]
    centre: np.ndarray
    scale: np.ndarray
    coefficients: np.ndarray
    intercept: float
    size_factors: str
    reference_genes: tuple[str, ...]
    reference_values: np.ndarray
    reference_scale: float | None
    trend: tuple[float, ...] | None
    calibration: tuple[float, float]
    threshold: float
    about: Mapping[str, Any]

    @property
    def identifiers(self) -> str:
        """What kind of gene identifiers it uses."""
        return kind_of(self.genes)


@dataclass(frozen=True)
class Scores:
    """What a model says of other samples.

    table: a row a sample: sample, size_factor, score, logit (of the calibrated probability), probability,
        predicted.
    genes: a row a gene of the model: gene, coefficient, found.
    coverage: share of the model's genes that were found; weight: share of the sum of absolute coefficients.
    reference: share of the genes found that size factors are measured against.
    note: how gene identifiers were read.
    """

    table: pd.DataFrame
    genes: pd.DataFrame
    coverage: float
    weight: float
    reference: float
    note: str


def freeze(model: Model, genes: pd.Index, about: Mapping[str, Any]) -> FrozenModel:
    """Take a model out of its matrix: positions of genes become names.

    A batch adjustment stays behind: a new laboratory's batch is none of those that training had.

    Args:
        model: a linear one, as learned from counts with these genes, in this order.
    """
    prepared, reference = model.preparation, model.preparation.reference
    # A library size is comparable over the same genes only.
    used, values, scale, method = tuple(genes), np.empty(0), None, "log_cpm"
    if isinstance(reference, SizeFactorReference):
        used, values, method = tuple(genes[reference.genes]), reference.log_means, "median_of_ratios"
    elif isinstance(reference, TMMReference):
        values, scale, method = reference.counts, reference.scale, "tmm"
    return FrozenModel(
        genes=tuple(genes[prepared.genes]),
        centre=np.asarray(prepared.centre, dtype=float),
        scale=np.asarray(prepared.scale, dtype=float),
        coefficients=np.asarray(model.coefficients, dtype=float),
        intercept=model.intercept,
        size_factors=method,
        trend=None if prepared.trend is None else astuple(prepared.trend),
        calibration=astuple(model.calibration),
        threshold=model.threshold,
        about=about,
        reference_genes=used,
        reference_values=np.asarray(values, dtype=float),
        reference_scale=scale,
    )


def to_json(model: FrozenModel) -> str:
    """The model as JSON text, the same bytes for the same model."""
    content = {"format": FORMAT, "format_version": FORMAT_VERSION, **asdict(model)}
    return json.dumps(content, indent=0, ensure_ascii=False, default=_plain, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)


def read_model(path: str | Path) -> FrozenModel:
    """Read what `to_json` gave.

    Raises:
        InputError: no such file, no frozen model, or one of a later format.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path}: found {error}; expected a frozen model (JSON)") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InputError(f"{path}: found other content; expected a frozen model (JSON)")
    if content.pop("format_version", None) != FORMAT_VERSION:
        raise InputError(f"{path}: found another format version; expected {FORMAT_VERSION}")
    del content["format"]
    wanted = {field.name for field in fields(FrozenModel)}
    if wanted != set(content):
        raise InputError(
            [
                *(
                    f"{path}: found no {key}; expected it in a frozen model"
                    for key in sorted(wanted - set(content))
                ),
                *(f"{path}: found {key}; expected no such key" for key in sorted(set(content) - wanted)),
            ]
        )
    for key in ("centre", "scale", "coefficients", "reference_values"):
        content[key] = np.array(content[key], dtype=float)
    for key in ("genes", "reference_genes", "calibration", "trend"):
        content[key] = content[key] and tuple(content[key])
    return FrozenModel(**content)


def score(
    model: FrozenModel,
    counts: pd.DataFrame,
    coverage: float,
    identifiers: pd.DataFrame | None = None,
    where: str = "counts",
) -> Scores:
    """Score other samples.

    A gene that the matrix lacks is taken at the mean of the training samples. Size factors are measured
    against those of the model's reference genes that are there.

    Args:
        counts: genes x samples, whole numbers.
        coverage: least share of the model's genes, of its weight and of its reference genes that must be
            found.
        identifiers: table of gene identifiers, where the matrix uses another kind than the model.
        where: the matrix's name in messages.

    Raises:
        InputError: less than that is found; a sample without reads in the reference genes.
    """
    wanted = sorted({*model.genes, *model.reference_genes})
    translation = translate(counts, wanted, identifiers)
    place = positions(translation.counts.index, model.genes)
    of_reference = positions(translation.counts.index, model.reference_genes)
    found, found_reference = place >= 0, of_reference >= 0
    size = np.abs(model.coefficients)
    shares = {
        "of its genes": found.mean(),
        "of its weight (sum of absolute coefficients)": size[found].sum() / size.sum() if size.any() else 1.0,
        "of the genes that size factors are measured against": found_reference.mean(),
    }
    _require(shares, coverage, model, np.flatnonzero(~found), counts.index, where)
    matrix = translation.counts.to_numpy(dtype=float).T
    reference = _reference(model, of_reference)
    trend = model.trend and DispersionTrend(*model.trend)
    prepared = Preparation(reference, place[found], model.centre[found], model.scale[found], trend)
    scores = prepared.transform(matrix) @ model.coefficients[found] + model.intercept
    calibration = Calibration(*model.calibration)
    probability = calibration.probability(scores)
    table = pd.DataFrame(
        {
            "sample": counts.columns.astype("string"),
            "size_factor": reference.size_factors(matrix),
            "score": scores,
            "logit": calibration.intercept + calibration.slope * scores,
            "probability": probability,
            "predicted": pd.array(predicted_class(probability, model.threshold), dtype="string"),
        }
    )
    genes = pd.DataFrame({"gene": model.genes, "coefficient": model.coefficients, "found": found})
    return Scores(table, genes.astype({"gene": "string"}), *map(float, shares.values()), translation.note)


def _reference(model: FrozenModel, place: np.ndarray) -> SizeFactorReference | TMMReference | LibrarySizes:
    """What size factors are measured against, by the genes' positions in another matrix."""
    found = place >= 0
    if model.size_factors == "log_cpm":
        return LibrarySizes()
    values = model.reference_values[found]
    if model.size_factors == "tmm":
        counts = np.zeros(place.max() + 1)
        counts[place[found]] = values
        return TMMReference(counts, model.reference_scale, np.flatnonzero(counts))
    return SizeFactorReference(place[found], values, "frozen")


def _require(
    shares: Mapping[str, float],
    coverage: float,
    model: FrozenModel,
    missing: np.ndarray,
    index: pd.Index,
    where: str,
) -> None:
    problems = [
        f"{where}: found {share:.1%} {what}; expected {coverage:.0%} or more (`coverage`)"
        for what, share in shares.items()
        if share < coverage
    ]
    if not problems:
        return
    named = ", ".join(model.genes[i] for i in missing[:NAMED])
    more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
    problems.append(f"{where}: found no {named}{more}; expected the genes of the model")
    if kind_of(index) != model.identifiers:
        problems.append(
            f"{where}: found gene identifiers like {index[0]} ({kind_of(index)}); expected those of the"
            f" model, like {model.genes[0]} ({model.identifiers}), or a table of both in `identifiers`"
        )
    raise InputError(problems)
