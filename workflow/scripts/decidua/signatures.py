"""How high is each immune signature in each sample, is it measurable here, and do cases and controls differ?

A score is the mean, over the genes of a set, of log2 normalised counts standardised over the samples. It
describes tissue: it is not the blood marker of the same name.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from decidua import results
from decidua.contrast import Contrast, contrast, difference, mean_correlation, test_name
from decidua.expression import log2_normalised, size_factors
from decidua.gene_sets import Found, GeneSet, id_kind, locate_sets
from decidua.learning.performance import CASE, CONTROL
from decidua.learning.preparation import Preparing
from decidua.results import not_estimable, row
from decidua.statistics.answers import NotEstimable
from decidua.statistics.multiplicity import benjamini_hochberg

VERSUS = f"{CASE} v {CONTROL}"
#: Genes on either side in abundance from which the genes of random sets are drawn.
_NEIGHBOURS = 100
WELL_MEASURED = Preparing()


@dataclass(frozen=True)
class Expression:
    """log2 normalised counts (genes x samples, both sorted by name) and which genes have enough reads."""

    values: pd.DataFrame
    measured: np.ndarray


def expression(counts: pd.DataFrame) -> Expression:
    """Normalise counts (genes x samples); the result does not depend on the order of either.

    A gene is measured if a fifth of the samples have 10 reads or more of it, and if its values vary.
    """
    counts = counts.sort_index(axis=0).sort_index(axis=1)
    values = log2_normalised(counts, size_factors(counts))
    enough = (counts.to_numpy() >= WELL_MEASURED.min_count).mean(axis=1) >= WELL_MEASURED.min_share
    return Expression(values, enough & (values.to_numpy().std(axis=1) > 1e-6))


@dataclass(frozen=True)
class Scores:
    """Scores (sample and a column a set that can be scored) and the results table about all sets."""

    scores: pd.DataFrame
    table: pd.DataFrame


def score_signatures(
    of: Expression,
    samples: pd.DataFrame,
    sets: Sequence[GeneSet],
    rng: np.random.Generator,
    *,
    coverage: float = 0.5,
    confidence: float = 0.95,
    draws: int = 1000,
) -> Scores:
    """Score every sample by every set, and say how well each set is measured and how the classes differ.

    Args:
        samples: the sheet: sample, label, group.
        coverage: share of a set's genes that must be measured.
        draws: random sets of the same size and abundance, for the correlation within the set.
    """
    found = locate_sets(sets, of.values.index, id_kind(sets, of.values.index))
    directions = _directions(of.values.to_numpy())
    usable = {name: there.places[of.measured[there.places]] for name, there in found.items()}
    scored = [one.name for one in sets if len(usable[one.name]) >= max(2, np.ceil(coverage * len(one.genes)))]
    length = np.sqrt(len(of.values.columns))
    scores = pd.DataFrame(
        {name: directions[usable[name]].mean(axis=0) * length for name in scored}, index=of.values.columns
    )
    compared = contrast(scores.T, samples)
    rows, tests = [], []
    for one in sets:
        place = {"analysis": "signatures", "population": "all", "variable": one.name}
        rows.append(_coverage(one, found[one.name], of, usable[one.name], place))
        if one.name not in scored:
            share = len(usable[one.name]) / len(one.genes)
            reason = f"{len(usable[one.name])} of {len(one.genes)} genes measured ({share:.0%}), "
            reason += f"below the declared coverage of {coverage:.0%} or fewer than two"
            rows.append(
                not_estimable(
                    reason,
                    **place,
                    level=VERSUS,
                    quantity="difference of mean scores",
                    counted=compared.counted,
                )
            )
            continue
        rows += _correlation(directions, of, usable[one.name], draws, rng, place)
        rows += _means(scores[one.name], samples, place)
        rows += _difference(compared, scored.index(one.name), confidence, place)
        tests += [each for each in rows[-1:] if each["status"] == results.ESTIMATED]
    rows += adjusted(tests)
    scores.columns.name = None
    return Scores(scores.rename_axis("sample").reset_index(), results.frame(rows))


def _directions(values: np.ndarray) -> np.ndarray:
    """Rows centred and of length 1; a row without variation is 0."""
    centred = values - values.mean(axis=1, keepdims=True)
    length = np.sqrt(np.einsum("ij,ij->i", centred, centred))
    return centred / np.where(length > 1e-9, length, np.inf)[:, None]


def _coverage(one: GeneSet, found: Found, of: Expression, usable: np.ndarray, place: Mapping) -> dict:
    few = [name for name, at in zip(found.names, found.places, strict=True) if not of.measured[at]]
    said = []
    if found.absent:
        said.append(f"not in the matrix: {', '.join(found.absent)}")
    if few:
        said.append(f"too few reads: {', '.join(few)}")
    return row(
        **place,
        quantity="coverage",
        estimate=len(usable) / len(one.genes),
        numerator=len(usable),
        denominator=len(one.genes),
        counted=(
            f"genes of the set, of which {len(found.places)} are in the matrix and {len(usable)} have"
            f" {WELL_MEASURED.min_count} reads or more in {WELL_MEASURED.min_share:.0%} of the samples"
        ),
        **({"reason": "; ".join(said)} if said else {}),
    )


def _correlation(
    directions: np.ndarray,
    of: Expression,
    usable: np.ndarray,
    draws: int,
    rng: np.random.Generator,
    place: Mapping,
) -> Iterator[dict]:
    own = float(mean_correlation(directions[usable]))
    counted = f"{len(usable)} genes over {directions.shape[1]} samples"
    yield row(**place, quantity="mean correlation within the set", estimate=own, counted=counted)
    place = {**place, "counted": counted}
    try:
        null = mean_correlation(directions[_random_sets(of, usable, draws, rng)])
    except NotEstimable as reason:
        yield not_estimable(str(reason), **place, quantity="mean correlation within random sets")
        return
    lower, upper = np.quantile(null, [0.025, 0.975])
    yield row(
        **place,
        quantity="mean correlation within random sets",
        estimate=float(null.mean()),
        lower=float(lower),
        upper=float(upper),
        interval=f"middle 95% of {draws} random sets of the same size and abundance",
    )
    yield row(
        **place,
        quantity="test",
        test="correlation above that of random sets, one-sided",
        statistic=own,
        p=float((1 + np.count_nonzero(null >= own)) / (draws + 1)),
    )


def _random_sets(of: Expression, usable: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Positions, draws x genes: for each gene of the set another measured one of about its abundance."""
    pool = np.setdiff1d(np.flatnonzero(of.measured), usable)
    size = min(2 * _NEIGHBOURS, len(pool))
    if size < 4 * len(usable):
        raise NotEstimable(f"{len(pool)} other genes measured, too few for random sets")
    means = of.values.to_numpy().mean(axis=1)
    pool = pool[np.argsort(means[pool], kind="stable")]
    start = np.searchsorted(means[pool], means[usable]) - size // 2
    start = np.clip(start, 0, len(pool) - size)
    chosen = start + rng.integers(0, size, (draws, len(usable)))
    while (again := _repeats(chosen)).any():
        chosen[again] = start + rng.integers(0, size, (int(again.sum()), len(usable)))
    return pool[chosen]


def _repeats(chosen: np.ndarray) -> np.ndarray:
    ordered = np.sort(chosen, axis=1)
    return (ordered[:, 1:] == ordered[:, :-1]).any(axis=1)


def _means(scores: pd.Series, samples: pd.DataFrame, place: Mapping) -> Iterator[dict]:
    label_of = samples.set_index("sample")["label"]
    labels = scores.index.map(label_of)
    for kind in (CASE, CONTROL):
        values = scores[labels == kind]
        yield row(
            **place,
            level=kind,
            quantity="mean score",
            estimate=float(values.mean()),
            denominator=len(values),
            counted=f"{kind} samples",
        )


def _difference(of: Contrast, place: int, confidence: float, where: Mapping) -> list[dict]:
    where = {**where, "level": VERSUS, "counted": of.counted}
    caution = {"reason": of.caution} if of.caution else {}
    try:
        estimate, test = difference(of, place, confidence)
    except NotEstimable as reason:
        return [not_estimable(str(reason), **where, quantity="difference of mean scores")]
    name = test_name(of)
    return [
        row(
            **where,
            **caution,
            quantity="difference of mean scores",
            estimate=estimate.value,
            lower=estimate.lower,
            upper=estimate.upper,
            interval=f"{name}, {100 * confidence:g}%",
        ),
        row(**where, **caution, quantity="test", test=name, statistic=test.statistic, df=test.df, p=test.p),
    ]


def adjusted(tests: Sequence[Mapping]) -> list[dict]:
    """The same tests with p-values adjusted as one family (Benjamini and Hochberg); none for a single one."""
    if len(tests) < 2:
        return []
    values = benjamini_hochberg([each["p"] for each in tests])
    said = f"adjusted for {len(tests)} gene sets"
    return [
        {
            **each,
            "test": f"{each['test']}, Benjamini-Hochberg-adjusted",
            "p": float(p),
            "reason": "; ".join(filter(None, (said, each.get("reason", "")))),
        }
        for each, p in zip(tests, values, strict=True)
    ]
