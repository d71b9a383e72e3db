"""A model that can leave the house: everything that scoring another laboratory's samples needs, as JSON."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from decidua.errors import InputError
from decidua.gene_ids import kind_of, positions, translate
from decidua.learning.cross_validation import Model
from decidua.learning.performance import CASE, CONTROL
from decidua.learning.preparation import Preparation, SizeFactorReference

FORMAT, FORMAT_VERSION = "decidua frozen model", 1
#: Missing genes that a message or a card names; the table has them all.
NAMED = 5


@dataclass(frozen=True)
class FrozenModel:
    """A linear classifier with the frozen way from counts to its score.

    genes, centre, scale, coefficients: one entry a gene; values are standardised log normalised counts.
    reference_genes, reference_log_means: what size factors are measured against.
    intercept: of the score, a logit. threshold: probability from which a sample is called a case.
    about: what people must know of it: title, labels, training set, settings, performance, intended use.
    """

    genes: tuple[str, ...]
    centre: np.ndarray
    scale: np.ndarray
    coefficients: np.ndarray
    intercept: float
    threshold: float
    reference_genes: tuple[str, ...]
    reference_log_means: np.ndarray
    reference_rule: str
    about: Mapping[str, Any]

    @property
    def identifiers(self) -> str:
        """What kind of gene identifiers it uses."""
        return kind_of(self.genes)


@dataclass(frozen=True)
class Scores:
    """What a model says of other samples.

    table: a row a sample: sample, size_factor, score (logit), probability, predicted.
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

    Args:
        model: as learned from counts with these genes, in this order.
    """
    prepared = model.preparation
    return FrozenModel(
        genes=tuple(genes[prepared.genes]),
        centre=np.asarray(prepared.centre, dtype=float),
        scale=np.asarray(prepared.scale, dtype=float),
        coefficients=np.asarray(model.coefficients, dtype=float),
        intercept=model.intercept,
        threshold=model.threshold,
        reference_genes=tuple(genes[prepared.reference.genes]),
        reference_log_means=np.asarray(prepared.reference.log_means, dtype=float),
        reference_rule=prepared.reference.rule,
        about=about,
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
    if content.pop("format_version") != FORMAT_VERSION:
        raise InputError(f"{path}: found another format version; expected {FORMAT_VERSION}")
    del content["format"]
    arrays = ("centre", "scale", "coefficients", "reference_log_means")
    names = {key: tuple(content[key]) for key in ("genes", "reference_genes")}
    return FrozenModel(**content | {key: np.array(content[key], dtype=float) for key in arrays} | names)


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
    reference = SizeFactorReference(
        of_reference[found_reference], model.reference_log_means[found_reference], model.reference_rule
    )
    prepared = Preparation(reference, place[found], model.centre[found], model.scale[found])
    scores = prepared.transform(matrix) @ model.coefficients[found] + model.intercept
    probability = expit(scores)
    table = pd.DataFrame(
        {
            "sample": counts.columns.astype("string"),
            "size_factor": reference.size_factors(matrix),
            "score": scores,
            "probability": probability,
            "predicted": pd.array(np.where(probability >= model.threshold, CASE, CONTROL), dtype="string"),
        }
    )
    genes = pd.DataFrame({"gene": model.genes, "coefficient": model.coefficients, "found": found})
    return Scores(table, genes.astype({"gene": "string"}), *map(float, shares.values()), translation.note)


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
