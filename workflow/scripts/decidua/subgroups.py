"""Which subgroups of samples are there, who is in them, and what are they called?

Labels play no part in how subgroups are found; they name them afterwards. A subgroup that was found in these
values is described by them, not tested on them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from decidua import confounding, results
from decidua.expression import most_variable
from decidua.learning.consensus import Choice, choose, members, within
from decidua.learning.performance import CASE, CONTROL
from decidua.results import not_estimable, row
from decidua.signatures import Expression
from decidua.statistics.answers import NotEstimable
from decidua.statistics.contingency import freeman_halton
from decidua.statistics.proportions import wilson
from decidua.subgroup_names import NUMBER, WITH_BATCH, names

#: How many samples a subgroup has on average at the largest number tried; fewer in all are not grouped.
_SAMPLES_EACH, _FEWEST = 5, 10
#: p-value up to which a number of subgroups is told from one cloud; 19 null draws can reach it.
LEVEL = 0.05
#: Of the batches, where the exact test has too many tables to count.
_PERMUTATIONS = 999


@dataclass(frozen=True)
class Subgroups:
    """What was found.

    members: sample, and for each number of subgroups described a column of their names ("2 subgroups").
    table: results: the number and its test, the stability of each number, what each subgroup is like.
    """

    members: pd.DataFrame
    table: pd.DataFrame


def find_subgroups(
    of: Expression,
    samples: pd.DataFrame,
    scores: pd.DataFrame,
    rng: np.random.Generator,
    *,
    genes: int,
    largest: int,
    shown: int | None = None,
    resamplings: int = 50,
    draws: int = 39,
    confidence: float = 0.95,
    truth: pd.DataFrame | None = None,
) -> Subgroups:
    """Cluster the samples, choose the number of subgroups, name and describe them.

    Args:
        samples: the sheet: sample, label, group.
        scores: sample and the immune signatures that could be scored.
        genes: how many genes of the largest variance (`components` of the settings).
        largest: the largest number tried; fewer where there are not five samples each.
        shown: a number to describe and show besides the one found.
        truth: sample and subgroup, where it is known.
    """
    sheet = samples.set_index("sample").loc[list(of.values.columns)]
    counted = f"{len(sheet)} samples"
    place = {"analysis": "subgroups", "population": "all", "counted": counted}
    numbers = range(2, min(largest, len(sheet) // _SAMPLES_EACH) + 1)
    if len(sheet) < _FEWEST:
        reason = f"{len(sheet)} samples, fewer than {_FEWEST}"
        absent = not_estimable(reason, **place, variable=NUMBER, quantity=NUMBER)
        return Subgroups(pd.DataFrame({"sample": sheet.index.astype("string")}), results.frame([absent]))
    values = of.values.to_numpy()[most_variable(of.values.to_numpy(), genes)].T
    choice = choose(values, list(numbers), rng, resamplings=resamplings, draws=draws, level=LEVEL)
    scores = scores.set_index("sample").loc[sheet.index]
    described = sorted({choice.number, *({shown} & set(numbers))} - {1})
    rows = [*_stability(choice, values.shape[1], resamplings, draws, sheet, place)]
    if shown is not None and shown not in (*numbers, 1):
        reason = f"{counted} allow at most {numbers[-1]} subgroups"
        rows.append(not_estimable(reason, **place, variable=f"{shown} subgroups", quantity="samples"))
    columns = {"sample": sheet.index.astype("string")}
    for number in described:
        matrix = choice.observed.matrices[choice.observed.numbers.index(number)]
        codes = members(matrix, number)
        called, found = _described(codes, matrix, sheet, scores, confidence)
        which = {**place, "variable": f"{number} subgroups"}
        asked = (
            "" if number == choice.number else f"a number asked for in the settings; found: {choice.number}"
        )
        rows += [{**which, **_noted(each, asked)} for each in found]
        rows += _agreement(codes, sheet, truth, which)
        rows += _with_batch(codes, sheet, which, rng)
        columns[which["variable"]] = pd.array(np.array(called, dtype=object)[codes], dtype="string")
    return Subgroups(pd.DataFrame(columns), results.frame(rows))


def _noted(found: dict, note: str) -> dict:
    """A row with a note besides its reason."""
    reason = "; ".join(filter(None, [found.get("reason"), note]))
    return {**found, "reason": reason} if reason else found


def _stability(
    choice: Choice, genes: int, resamplings: int, draws: int, sheet: pd.DataFrame, place: Mapping
) -> Iterator[dict]:
    """The number chosen, the test that there is more than one, and what each number showed."""
    reason = f"no number is more stable than in one Gaussian cloud; {choice.nearest} come nearest"
    cautions = [] if choice.number > 1 else [reason]
    if _repeated(sheet):
        cautions.append("several samples of one woman can make a subgroup of their own")
    caution = {"reason": "; ".join(cautions)} if cautions else {}
    yield row(**place, **caution, variable=NUMBER, quantity=NUMBER, estimate=choice.number)
    yield row(
        **place,
        variable=NUMBER,
        quantity="test",
        test=f"smallest relative ambiguity over all numbers against {draws} Gaussian clouds, one-sided",
        statistic=float(choice.relative.min()),
        p=choice.p,
    )
    method = f"{resamplings} resamplings of 80% of samples and {genes} genes, Ward's method"
    for at, number in enumerate(choice.observed.numbers):
        own = {
            **place,
            "variable": "stability",
            "level": f"{number} subgroups",
            "counted": f"{place['counted']}; {method}",
        }
        null = choice.null[:, at]
        lower, upper = np.quantile(null, [0.025, 0.975])
        yield row(**own, quantity="ambiguous pairs", estimate=float(choice.observed.pac[at]))
        yield row(
            **own,
            quantity="ambiguous pairs without subgroups",
            estimate=float(null.mean()),
            lower=float(lower),
            upper=float(upper),
            interval=f"middle 95% of {draws} Gaussian clouds",
        )
        yield row(**own, quantity="relative ambiguity", estimate=float(choice.relative[at]))


def _described(
    codes: np.ndarray, matrix: np.ndarray, sheet: pd.DataFrame, scores: pd.DataFrame, confidence: float
) -> tuple[list[str], list[dict]]:
    """The names of the subgroups, and of each its size, its share of cases, its consensus and mean scores."""
    is_case = (sheet["label"] == CASE).to_numpy(dtype=bool)
    sizes = np.bincount(codes)
    cases = np.bincount(codes, weights=is_case).astype(int)
    means = np.array([scores[codes == code].mean(axis=0).to_numpy(dtype=float) for code in range(len(sizes))])
    immune = means.mean(axis=1) if means.shape[1] else np.full(len(sizes), np.nan)
    called = names(cases / sizes, immune, sizes)
    lower, upper = wilson(cases, sizes, confidence)
    inside = within(matrix, codes)
    rows = []
    for code, name in enumerate(called):
        n = int(sizes[code])
        rows.append(row(level=name, quantity="samples", estimate=n, numerator=n, denominator=len(sheet)))
        rows.append(
            row(
                level=name,
                quantity="share of cases",
                estimate=cases[code] / n,
                lower=float(lower[code]),
                upper=float(upper[code]),
                interval=f"Wilson, {100 * confidence:g}%",
                numerator=int(cases[code]),
                denominator=n,
            )
        )
        rows.append(
            row(level=name, quantity="mean consensus", estimate=float(inside[code]))
            if not np.isnan(inside[code])
            else not_estimable("one sample only", level=name, quantity="mean consensus")
        )
        for score, mean in zip(scores.columns, means[code], strict=True):
            rows.append(row(level=name, quantity=f"mean {score} score", estimate=float(mean), denominator=n))
        if not scores.shape[1]:
            rows.append(not_estimable("no signature could be scored", level=name, quantity="mean score"))
    return called, rows


def _agreement(
    codes: np.ndarray, sheet: pd.DataFrame, truth: pd.DataFrame | None, which: Mapping
) -> Iterator[dict]:
    """Do subgroups differ in their share of cases; and how near are they to what was planted?"""
    is_case = (sheet["label"] == CASE).to_numpy(dtype=bool)
    test = "Freeman-Halton exact"
    table = np.array(
        [np.bincount(codes[is_case == kind], minlength=codes.max() + 1) for kind in (True, False)]
    )
    level = f"{CASE} v {CONTROL}"
    try:
        if _repeated(sheet):
            raise NotEstimable("several samples of one woman: they are not independent")
        yield row(**which, level=level, quantity="test", test=test, p=freeman_halton(table).p)
    except NotEstimable as reason:
        yield not_estimable(str(reason), **which, level=level, quantity="test", test=test)
    if truth is not None:
        from sklearn.metrics import adjusted_rand_score

        known = truth.set_index("sample")["subgroup"].loc[sheet.index]
        agreement = float(adjusted_rand_score(known.astype(str), codes))
        yield row(
            **which,
            quantity="adjusted Rand index",
            estimate=agreement,
            reason=f"against the {known.nunique()} subgroups that were simulated",
        )


def _with_batch(
    codes: np.ndarray, sheet: pd.DataFrame, which: Mapping, rng: np.random.Generator
) -> Iterator[dict]:
    """Are the subgroups those of what was handled together? Nothing where the sheet names no batch."""
    if "batch" not in sheet:
        return
    table = pd.crosstab(sheet["batch"].to_numpy(dtype=object), codes)
    which = {**which, "level": f"{len(table)} batches", "denominator": len(sheet)}
    if len(table) < 2:
        for quantity in (WITH_BATCH, "test"):
            yield not_estimable("fewer than two batches", **which, quantity=quantity)
        return
    value = confounding.cramers_v(table)
    caution = {}
    if value >= confounding.STRONG:
        caution = {"reason": f"the subgroups nearly follow the batch (Cramér's V {value:.2f})"}
    how = {"test": "Cramér's V, corrected for bias (Bergsma)"}
    yield row(**which, **how, quantity=WITH_BATCH, estimate=value, **caution)
    which = {**which, "quantity": "test"}
    if _repeated(sheet):
        reason = "several samples of one woman: they are not independent"
        yield not_estimable(reason, **which, test="Freeman-Halton exact")
        return
    try:
        yield row(**which, test="Freeman-Halton exact", p=freeman_halton(table.to_numpy()).p)
    except NotEstimable:  # too many tables to count them all
        p = permuted_p(pd.factorize(sheet["batch"], sort=True)[0], codes, rng)
        yield row(**which, test=f"Pearson's chi-square, {_PERMUTATIONS} permutations", p=p)


def permuted_p(
    rows: np.ndarray, columns: np.ndarray, rng: np.random.Generator, draws: int = _PERMUTATIONS
) -> float:
    """How often permuted pairs have a chi-square as large as these: (b + 1) / (draws + 1).

    Args:
        rows, columns: the two categories of each sample, as numbers from 0.
    """
    shape = rows.max() + 1, columns.max() + 1
    expected = np.outer(np.bincount(rows), np.bincount(columns)) / len(rows)

    def chi_square(rows: np.ndarray) -> float:
        table = np.bincount(rows * shape[1] + columns, minlength=shape[0] * shape[1]).reshape(shape)
        return float(((table - expected) ** 2 / expected).sum())

    # sums of the same cells in another order differ in their last digits
    observed = chi_square(rows) * (1 - 1e-9)
    return (sum(chi_square(rng.permutation(rows)) >= observed for _ in range(draws)) + 1) / (draws + 1)


def _repeated(sheet: pd.DataFrame) -> bool:
    """Whether a woman gave several samples."""
    return bool(sheet["group"].notna().any() and sheet["group"].duplicated().any())
