"""What does the regression say when unknown covariates are filled in, beside that of the complete cases?"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from decidua.results import not_estimable, row
from decidua.statistics import counting
from decidua.statistics.answers import NotEstimable
from decidua.statistics.covariates import Sample, cautioned, few_events, table_of
from decidua.statistics.imputation import Pooled, imputations, impute, pool
from decidua.statistics.logistic import Cells, fit_cells
from decidua.statistics.regressions import ends, odds_ratio
from decidua.statistics.rows import Row, interval

IMPUTED, MISSING_INFORMATION = "odds ratio, imputed", "fraction of missing information"
NOTHING_MISSING = "no covariate is missing: the same as complete cases"
UNBOUNDED = "imputed as normal, without rounding or bounds; holds if what is unknown is missing at random"


def imputed_rows(sample: Sample, rng: np.random.Generator) -> Iterator[Row]:
    """Odds ratio and missing information of each covariate, pooled over the imputations.

    The imputation learns from all women of the population, by covariates, outcome and group; women of unknown
    outcome are left out of the regressions afterwards (von Hippel 2007, Sociol Methodol 37:83).
    """
    if not sample.cohort.settings.imputations:
        return
    x, y = table_of(sample.cohort)
    x, y = x[sample.members], y[sample.members]
    known = ~np.isnan(y)
    holes = int(np.isnan(x.to_numpy())[known].any(axis=1).sum())
    if not holes:
        yield from _same_as_complete(sample)
        return
    place = {"population": sample.place["population"]}
    place["counted"] = (
        f"women with known outcome, unknown covariates imputed in {holes}; "
        f"{int((~known).sum())} with unknown outcome left out after the imputation"
    )
    try:
        pooled, reason = _pooled(sample, x, y, rng)
    except NotEstimable as why:
        for name in x.columns:
            yield not_estimable(str(why), variable=name, quantity=IMPUTED, **place)
        return
    place |= {"numerator": int(y[known].sum()), "denominator": int(known.sum())}
    few = few_events(place["numerator"], place["denominator"], len(x.columns))
    for name, each in zip(x.columns, pooled, strict=True):
        for found in _rows_of(each, sample.cohort.confidence, **place, variable=name, reason=reason):
            yield cautioned(found, few)


def _rows_of(pooled: Pooled, confidence: float, **place) -> Iterator[Row]:
    found, test = pooled.estimate(confidence), pooled.test
    yield row(
        **place,
        quantity=IMPUTED,
        **ends(odds_ratio([found.value, found.lower, found.upper])),
        interval=interval("Rubin's rules", confidence),
        test="Wald, Barnard-Rubin",
        statistic=test.statistic,
        df=test.df,
        p=test.p,
    )
    yield row(**place, quantity=MISSING_INFORMATION, estimate=pooled.missing_information)


def _pooled(
    sample: Sample, x: pd.DataFrame, y: np.ndarray, rng: np.random.Generator
) -> tuple[list[Pooled], str]:
    """Each covariate's coefficient over the imputations, and what to say of these."""
    values = np.column_stack([x.to_numpy(), y, *_group_terms(sample)])
    # So that the order of the women in the table plays no part.
    values = values[np.lexsort(values.T[::-1])]
    known, names = ~np.isnan(values[:, x.shape[1]]), list(x.columns)
    varies = np.nanmax(values, axis=0, initial=-np.inf) > np.nanmin(values, axis=0, initial=np.inf)
    if not varies[: len(names)].all():
        raise NotEstimable(f"the same value for all women: {names[int(np.argmin(varies[: len(names)]))]}")
    declared = int(sample.cohort.settings.imputations)
    count = imputations(declared, len(values))
    models = []
    for filled in impute(values[:, varies], count, rng):
        covariates = pd.DataFrame(filled[known, : len(names)], columns=names)
        near = models[-1].coefficients if models else sample.near
        models.append(fit_cells(Cells.of(covariates, values[known, len(names)]), near))
    estimates = np.array([model.coefficients[1:] for model in models])
    variances = np.array([model.standard_errors[1:] ** 2 for model in models])
    df = float(known.sum() - len(names) - 1)
    pooled = [pool(estimates[:, i], variances[:, i], df) for i in range(len(names))]
    fewer = f", {declared} would take too long" if count < declared else ""
    return pooled, f"{count} imputations{fewer}; {UNBOUNDED}"


def _group_terms(sample: Sample) -> list[np.ndarray]:
    """A column a group, where the population is of more than one; who is of none is 0 in all."""
    groups = sample.cohort.groups
    if groups is None or sample.place["population"] != counting.EVERYONE:
        return []
    return [groups.members(i)[sample.members].astype(float) for i in range(len(groups.names))]


def _same_as_complete(sample: Sample) -> Iterator[Row]:
    for i, name in enumerate(sample.cells.names, 1):
        own = {"variable": name, "quantity": IMPUTED}
        try:
            model = sample.model
        except NotEstimable as reason:
            yield not_estimable(str(reason), **own, **sample.place_without_numbers)
            continue
        confidence = sample.cohort.confidence
        lower, upper = (end[i] for end in model.wald(confidence))
        wald = {"interval": interval("Wald", confidence), "test": "Wald"}
        wald |= {"statistic": model.z[i], "p": model.p[i], "reason": NOTHING_MISSING}
        wald |= ends(odds_ratio([model.coefficients[i], lower, upper]))
        yield cautioned(row(**own, **sample.place, **wald), sample.few_events)
