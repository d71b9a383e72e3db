"""How do published figures of a classifier stand beside those of a simulation, and of noise, like it?

The published figures are facts of a paper (workflow/resources/papers/andersen2025.yaml). All other numbers
are of simulated data, and each says so in its row.
"""

from collections.abc import Iterator, Mapping
from decimal import ROUND_FLOOR, Decimal
from typing import Any

import pandas as pd

from decidua import results, words
from decidua.learning.noise import INSIDE, OUTSIDE, TWO
from decidua.learning.panels import INSIDE as TOP
from decidua.learning.panels import PAIR_INSIDE
from decidua.learning.performance import WITHIN

PUBLISHED = "published"
HONEST = "simulated study, all choices inside the folds"
NOISE_OUTSIDE = "simulated noise, genes chosen on all samples"
NOISE_INSIDE = "simulated noise, genes chosen inside the folds"
LEVELS = (PUBLISHED, HONEST, NOISE_OUTSIDE, NOISE_INSIDE)
ARITHMETIC = "arithmetic of the published figures"
CLASSIFIER = "classifier"
AUC, ACCURACY, AT_HALF = "AUC", "accuracy", "accuracy at probability 0.5"
CHOSEN = "genes chosen inside or outside the resamples"
#: Quantities of the study's own tables, and what they are called here.
_HONEST = {
    WITHIN: AUC,
    ACCURACY: ACCURACY,
    AT_HALF: AT_HALF,
    "sensitivity": "sensitivity",
    "specificity": "specificity",
}


def frame_table(
    facts: Mapping[str, Any],
    performance: pd.DataFrame,
    panels: pd.DataFrame,
    noise: pd.DataFrame,
    study: str,
    shape: Mapping[str, int],
) -> pd.DataFrame:
    """Published figures, their arithmetic, those of the simulated study, and those of noise.

    Args:
        facts: the published figures, as in workflow/resources/papers/andersen2025.yaml.
        performance, panels: results tables of the simulated study, of all genes and of panels.
        noise: as from `decidua.learning.noise.noise_study`.
        study: the simulated study, the population of the rows.
        shape: cases, controls and genes of the noise.

    Returns:
        A results table, analysis "frame": variable the model, level where the number comes from.
    """
    rows = [
        *_published(facts),
        *_arithmetic(facts),
        *_honest(performance, panels, study),
        *_noise(noise, study, shape),
    ]
    return results.frame({"analysis": "frame", **row} for row in rows)


def nearest_counts(printed: str, total: int) -> tuple[int, int, bool]:
    """The whole numbers about a printed percentage of a total, and whether one of them is printed so.

    Args:
        printed: such as "96.6"; its decimals are those to which it was rounded.
    """
    share = Decimal(printed)
    below = int((share * total / 100).to_integral_value(ROUND_FLOOR))
    above = min(below + 1, total)
    half = _half(printed)
    # both ends of what rounds to the printed number are taken in: rules for rounding a half differ
    whole = any(abs(Decimal(100 * count) / total - share) <= half for count in (below, above))
    return below, above, whole


def _published(facts: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What is printed; what is not known stands as such."""
    study = facts["study"]
    counted = f"{study['cases']} cases, {study['controls']} controls; {facts['paper']['source']}"
    for model, figures in facts["figures"].items():
        for quantity, printed in figures.items():
            common = {
                "population": facts["name"],
                "variable": model,
                "level": PUBLISHED,
                "quantity": quantity,
                "counted": counted,
            }
            if printed is None:
                reason = facts.get("remarks", {}).get(model) if quantity == ACCURACY else None
                yield results.not_estimable(reason or "not known from the summary", **common)
            else:
                yield results.row(**common, estimate=_fraction(quantity, printed))
    where = facts["classifier"].get("genes_chosen")
    yield results.not_estimable(
        "not known from the summary" if where is None else f"{where} the resamples, it says",
        population=facts["name"],
        variable=CLASSIFIER,
        level=PUBLISHED,
        quantity=CHOSEN,
        counted=counted,
    )


def _fraction(quantity: str, printed: str) -> float:
    return float(printed) if quantity == AUC else float(Decimal(printed) / 100)


def _arithmetic(facts: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    cases, controls = facts["study"]["cases"], facts["study"]["controls"]
    total = cases + controls
    common = {"population": facts["name"], "level": ARITHMETIC}
    larger = max(cases, controls)
    yield results.row(
        **common,
        variable=CLASSIFIER,
        quantity="majority rate",
        estimate=larger / total,
        numerator=larger,
        denominator=total,
        counted=f"{cases} cases, {controls} controls",
        reason="what always answering with the larger class reaches",
    )
    of = {ACCURACY: total, "sensitivity": cases, "specificity": controls}
    for model, figures in facts["figures"].items():
        for quantity, number in of.items():
            if figures.get(quantity) is not None:
                yield common | _as_samples(model, quantity, figures[quantity], number)
    yield from (common | row for row in _composed(facts["figures"].get(CLASSIFIER, {}), cases, controls))


def _as_samples(model: str, quantity: str, printed: str, total: int) -> dict[str, Any]:
    below, above, whole = nearest_counts(printed, total)
    near = ", ".join(f"{count} of {total} is {words.percent(count / total)}" for count in (below, above))
    verdict = "a whole number of samples" if whole else "no whole number, so an average over resamples"
    return results.row(
        variable=model,
        quantity=f"{quantity} of {printed}% in samples",
        estimate=float(Decimal(printed) * total / 100),
        denominator=total,
        counted=f"{total} {_CLASSES[quantity]}",
        reason=f"{near}: {verdict}",
    )


_CLASSES = {ACCURACY: "samples", "sensitivity": "cases", "specificity": "controls"}


def _composed(figures: Mapping[str, str | None], cases: int, controls: int) -> Iterator[dict[str, Any]]:
    """On the same samples, accuracy is the mean of sensitivity and specificity by the classes' shares."""
    printed = [figures.get(quantity) for quantity in ("sensitivity", "specificity", ACCURACY)]
    if None in printed:
        return
    weight = Decimal(cases) / (cases + controls)

    def accuracy(step: int) -> Decimal:
        halves = [Decimal(one) + step * _half(one) for one in printed[:2]]
        return (halves[0] * weight + halves[1] * (1 - weight)) / 100

    low, high = accuracy(-1), accuracy(1)
    given, half = Decimal(printed[2]) / 100, _half(printed[2]) / 100
    agrees = low <= given + half and high >= given - half
    verdict = (
        "agrees with the accuracy that is given"
        if agrees
        else f"not the {printed[2]}% that is given; averages over resamples need not agree"
    )
    yield results.row(
        variable=CLASSIFIER,
        quantity="accuracy by sensitivity and specificity",
        estimate=float(accuracy(0)),
        lower=float(low),
        upper=float(high),
        interval="what rounding of the two figures allows",
        counted=f"{cases} cases, {controls} controls",
        reason=verdict,
    )


def _half(printed: str) -> Decimal:
    """Half of the last decimal of a printed number."""
    return Decimal(1).scaleb(Decimal(printed).as_tuple().exponent) / 2


def _honest(performance: pd.DataFrame, panels: pd.DataFrame, study: str) -> Iterator[dict[str, Any]]:
    tables = [(CLASSIFIER, performance[performance["level"].isna()])]
    for variable in (TOP, PAIR_INSIDE):
        for size, rows in panels[panels["variable"] == variable].groupby("level", sort=False):
            if variable == PAIR_INSIDE:
                tables.append((TWO, rows))
            elif size in ("20", "30"):
                tables.append((f"top {size} genes", rows))
    for model, rows in tables:
        for row in rows[rows["quantity"].isin(_HONEST)].to_dict("records"):
            known = {key: value for key, value in row.items() if not pd.isna(value)}
            yield known | {
                "analysis": "frame",
                "population": f"{study} (simulated)",
                "variable": model,
                "level": HONEST,
                "quantity": _HONEST[row["quantity"]],
                "counted": f"simulated: {row['counted']}" if not pd.isna(row["counted"]) else "simulated",
            }


def _noise(noise: pd.DataFrame, study: str, shape: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    levels = {OUTSIDE: NOISE_OUTSIDE, INSIDE: NOISE_INSIDE}
    for (model, chosen), rows in noise.groupby(["model", "chosen"], sort=True):
        number = len(rows)
        sets = f"{number} data set{'s' if number > 1 else ''} of simulated noise"
        each = f"{shape['cases']} case, {shape['controls']} control, {shape['genes']:,} genes"
        for column, quantity in (("auc", AUC), ("accuracy", AT_HALF)):
            row = results.row(
                population=f"noise in the shape of {study} (simulated)",
                variable=model,
                level=levels[chosen],
                quantity=quantity,
                estimate=rows[column].mean(),
                counted=f"simulated: {sets}, each {each}",
            )
            if number > 1:
                row |= {"lower": rows[column].min(), "upper": rows[column].max()}
                row |= {"interval": "the smallest and the largest of the data sets of noise"}
            yield row
