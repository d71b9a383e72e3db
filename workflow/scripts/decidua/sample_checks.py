"""Which samples look unlike the others, of a man, swapped, or twice the same? Flags, which drop no sample.

A flag is a reason to look at the sample, not a verdict: a true biological subgroup is flagged as well.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from decidua import results
from decidua.expression import Components, log2_normalised

#: Robust z (Iglewicz and Hoaglin 1993) from which a value is an outlier; fewest samples that have one.
OUTLIER, FEWEST = 3.5, 5
#: log2 normalised count from which a gene counts in the likeness of samples, as in the principal components.
EXPRESSED = 3.5
#: Correlation of the gene-wise centred values from which two samples look the same; fewest samples.
SAME, FEWEST_FOR_PAIRS = 0.95, 6
#: Reads a million and Y-linked gene from which a sample looks male; of XIST below which one lacks it.
MALE, XIST_LOW = 1.0, 5.0
LIBRARY, GENES, TOP = "library size", "detected genes", "top gene share"
DISTANCE, LIKENESS = "distance in the principal components", "median correlation to the others"
Y_LINKED, XIST, SWAP, DUPLICATE = "Y-linked expression", "XIST low", "swap suspected", "near-duplicate"
SWITCHED_OFF = "switched off"
TOO_FEW = f"fewer than {FEWEST} samples"
RULES = {
    LIBRARY: f"robust z of log2 beyond {OUTLIER}",
    GENES: f"robust z beyond {OUTLIER}",
    TOP: f"robust z of log2 above {OUTLIER}",
    DISTANCE: f"robust z of the distance from the median above {OUTLIER}",
    LIKENESS: f"robust z of Fisher's z below -{OUTLIER}",
    Y_LINKED: f"{MALE:g} read a million or more by Y-linked gene",
    XIST: f"XIST below {XIST_LOW:g} reads a million",
    SWAP: "a quarter of the strangers or more are as like it as the samples of its own group",
    DUPLICATE: f"centred correlation of {SAME} or more with a sample of another group",
}


@dataclass(frozen=True)
class Checks:
    """A row a sample (sample, the values, a column flags), and the results table of how many were flagged."""

    samples: pd.DataFrame
    summary: pd.DataFrame


def check_samples(
    counts: pd.DataFrame,
    quality: pd.DataFrame,
    components: Components,
    groups: Sequence[Any],
    sex_genes: Mapping[str, Mapping[str, Mapping[str, Any]]],
    sex_checks: bool = True,
) -> Checks:
    """Every rule for every sample.

    Args:
        counts: genes x samples.
        quality, components: of these samples, in their order (`decidua.expression`).
        groups: of each sample (the same woman twice), missing where there are none.
        sex_genes: as in resources/genes/y_linked.yaml.
        sex_checks: whether samples that do not look like a woman's are flagged.
    """
    values = log2_normalised(counts, quality.set_index("sample")["size_factor"])
    values = values.to_numpy(dtype=np.float32)
    alike, centred = _likeness(values)
    table, missing = pd.DataFrame({"sample": quality["sample"]}), {}
    distances = _distance(components.scores.drop(columns="sample").to_numpy())
    measures = {
        LIBRARY: (np.log2(quality["library_size"].to_numpy()), (-1, 1)),
        GENES: (quality["detected_genes"].to_numpy(dtype=float), (-1, 1)),
        TOP: (np.log2(quality["top_gene_share"].to_numpy()), (1,)),
        DISTANCE: (distances, (1,)),
        LIKENESS: (np.arctanh(np.minimum(_median_of_others(alike), 1 - 1e-7)), (-1,)),
    }
    flags = {}
    for name, (measure, sides) in measures.items():
        score, reason = robust_z(measure)
        table[f"z_{name.replace(' ', '_')}"] = score
        flags[name] = np.any([side * score > OUTLIER for side in sides], axis=0)
        missing |= {name: reason} if reason else {}
    table["median_correlation"] = _median_of_others(alike)
    found = [_sex(counts, sex_genes, sex_checks), _swaps(centred, groups), _duplicates(centred, groups)]
    for columns, more, reasons in found:
        table = table.assign(**columns)
        flags |= more
        missing |= reasons
    marked = pd.DataFrame(flags)[list(RULES)]
    table["flags"] = pd.array(
        ["; ".join(marked.columns[row]) or pd.NA for row in marked.to_numpy()], dtype="string"
    )
    return Checks(table, _summary(marked, missing))


def robust_z(values: np.ndarray) -> tuple[np.ndarray, str | None]:
    """Distance from the median in scaled median absolute deviations; NaN and why where it cannot be had."""
    if len(values) < FEWEST:
        return np.full(len(values), np.nan), TOO_FEW
    away = values - np.median(values)
    spread = np.median(np.abs(away))
    if not spread > 0:
        return np.full(len(values), np.nan), "more than half of the samples have the same value"
    return 0.6745 * away / spread, None


def _distance(scores: np.ndarray) -> np.ndarray:
    return np.sqrt(((scores - np.median(scores, axis=0)) ** 2).sum(axis=1))


def _likeness(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Correlations between samples (columns): of the values, and of what they are above the gene's mean."""
    chosen = values[values.mean(axis=1) >= EXPRESSED]
    with threadpool_limits(limits=1, user_api="blas"):
        return _correlations(chosen), _correlations(chosen - chosen.mean(axis=1, keepdims=True))


def _correlations(values: np.ndarray) -> np.ndarray:
    away = values - values.mean(axis=0)
    length = np.sqrt((away**2).sum(axis=0))
    away /= np.where(length > 0, length, 1)
    return np.clip(away.T @ away, -1, 1)


def _median_of_others(alike: np.ndarray) -> np.ndarray:
    if len(alike) < 2:
        return np.full(len(alike), np.nan)
    others = alike[~np.eye(len(alike), dtype=bool)].reshape(len(alike), -1)
    return np.median(others, axis=1).astype(float)


Found = tuple[dict[str, Any], dict[str, np.ndarray], dict[str, str]]


def _sex(counts: pd.DataFrame, genes: Mapping[str, Mapping[str, Mapping[str, Any]]], checked: bool) -> Found:
    """Mean reads a million of the Y-linked genes that the matrix has, and reads a million of XIST."""
    million = counts.to_numpy().sum(axis=0, dtype=np.int64) / 1e6
    columns, flags, missing = {}, {}, {}
    for kind, name, column in (("y_linked", Y_LINKED, "y_linked_cpm"), ("xist", XIST, "xist_cpm")):
        rows = _rows_of(counts.index, genes[kind])
        if not rows.any():
            missing[name] = (
                f"the matrix has none of {', '.join(genes[kind])}, by symbol, Ensembl or Entrez id"
            )
            columns[column] = np.full(counts.shape[1], np.nan)
            flags[name] = np.zeros(counts.shape[1], dtype=bool)
            continue
        columns[column] = counts[rows].to_numpy().mean(axis=0) / million
        flags[name] = columns[column] >= MALE if kind == "y_linked" else columns[column] < XIST_LOW
    if not checked:  # what was measured stays, for whoever wants to look
        flags = {name: np.zeros(counts.shape[1], dtype=bool) for name in flags}
        missing = dict.fromkeys(flags, SWITCHED_OFF)
    return columns, flags, missing


def _rows_of(index: pd.Index, genes: Mapping[str, Mapping[str, Any]]) -> np.ndarray:
    """Which genes are meant, by symbol, Ensembl id (with or without its version) or Entrez id."""
    names = {symbol.upper() for symbol in genes} | {str(i) for ids in genes.values() for i in ids.values()}
    plain = index.astype(str).str.upper().str.replace(r"^(ENSG\d+)\.\d+$", r"\1", regex=True)
    return plain.isin(names)


def _swaps(centred: np.ndarray, groups: Sequence[Any]) -> Found:
    """Samples to which a quarter of the strangers or more are as like as the median of their own group."""
    codes = pd.factorize(pd.Series(list(groups), dtype="string"))[0]
    same = (codes[:, None] == codes) & (codes[:, None] >= 0) & ~np.eye(len(codes), dtype=bool)
    strangers = (codes[:, None] != codes) & (codes[:, None] >= 0) & (codes >= 0)
    mates, others = np.full(len(codes), np.nan), np.full(len(codes), np.nan)
    for i in np.flatnonzero(same.any(axis=1) & strangers.any(axis=1)):
        mates[i] = np.median(centred[i, same[i]])
        others[i] = np.mean(centred[i, strangers[i]] >= mates[i])
    columns = {"likeness_to_group": mates, "strangers_as_alike": others}
    missing = {} if np.isfinite(mates).any() else {SWAP: "no group has two samples, beside another group"}
    return columns, {SWAP: others >= 0.25}, missing


def _duplicates(centred: np.ndarray, groups: Sequence[Any]) -> Found:
    """Samples of different groups (any two samples without groups) that look like the same one."""
    n = len(centred)
    largest = np.full(n, np.nan)
    if n < FEWEST_FOR_PAIRS:
        reason = f"fewer than {FEWEST_FOR_PAIRS} samples"
        return {"likeness_to_nearest": largest}, {DUPLICATE: np.zeros(n, dtype=bool)}, {DUPLICATE: reason}
    codes = pd.factorize(pd.Series(list(groups), dtype="string"))[0]
    compared = ~((codes[:, None] == codes) & (codes[:, None] >= 0)) & ~np.eye(n, dtype=bool)
    some = compared.any(axis=1)
    largest[some] = np.where(compared, centred, -np.inf)[some].max(axis=1)
    missing = {} if some.any() else {DUPLICATE: "all samples are of one group"}
    return {"likeness_to_nearest": largest}, {DUPLICATE: largest >= SAME}, missing


def _summary(flags: pd.DataFrame, missing: Mapping[str, str]) -> pd.DataFrame:
    n = len(flags)
    common = {"analysis": "sample checks", "population": "all", "counted": f"{n} samples"}
    rows = []
    for name, rule in RULES.items():
        place = {"variable": name, "quantity": "samples flagged", "level": rule, **common}
        if name in missing:
            rows.append(results.not_estimable(missing[name], **place))
            continue
        number = int(flags[name].sum())
        rows.append(results.row(estimate=number / n, numerator=number, denominator=n, **place))
    number = int(flags.any(axis=1).sum())
    place = {"variable": "any", "quantity": "samples flagged", "level": "by one rule or more", **common}
    rows.append(results.row(estimate=number / n, numerator=number, denominator=n, **place))
    return results.frame(rows)
