"""Does the part of one covariate depend on another, or on the group? Likelihood-ratio tests of products."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import combinations

import numpy as np

from decidua.statistics import counting
from decidua.statistics.answers import HypothesisTest, NotEstimable
from decidua.statistics.covariates import GROUP, Sample, few_events
from decidua.statistics.logistic import Cells, Logistic, fit_cells, likelihood_ratio
from decidua.statistics.rows import Row, adjusted_rows, test_row

INTERACTION = "likelihood ratio, interaction"
#: What stands between the names of what is multiplied.
TIMES = " x "


def interaction_rows(sample: Sample) -> Iterator[Row]:
    """A test a pair of covariates, in all women also a covariate and the group; adjusted as one family."""
    rows = []
    for pair in combinations(sample.cells.names, 2):
        test = partial(_of_pair, sample, *pair)
        rows.append(test_row(INTERACTION, test, variable=TIMES.join(pair), **sample.place))
    rows += _group_rows(sample)
    yield from rows
    yield from adjusted_rows(rows)


def _of_pair(sample: Sample, one: str, other: str) -> HypothesisTest:
    cells = sample.cells
    return _of_products(sample.model, cells, (_centred(cells, one) * _centred(cells, other))[:, None])


def _of_products(model: Logistic, cells: Cells, products: np.ndarray) -> HypothesisTest:
    """The model of these cells against one with the products as well."""
    names = [f"product {number}" for number in range(1, products.shape[1] + 1)]
    start = np.append(model.coefficients, np.zeros(len(names)))
    found = likelihood_ratio(fit_cells(cells.adding(names, products), start), model)
    few = few_events(cells.women_with_event, cells.women, len(cells.names) + len(names))
    return replace(found, caution=few)


def _centred(cells: Cells, name: str) -> np.ndarray:
    """About the mean: the same test, and a product that is little correlated with its factors."""
    column = cells.column(name)
    return column - cells.totals @ column / cells.totals.sum()


def _group_rows(sample: Sample) -> Iterator[Row]:
    """Among the women whose group is known."""
    groups = sample.cohort.groups
    if groups is None or sample.place["population"] != counting.EVERYONE:
        return
    known = sample.by_group.column(GROUP) >= 0
    each = (sample.by_group.x[known], sample.by_group.events[known], sample.by_group.totals[known])
    by_group = _ByGroup(Cells(sample.by_group.names, *each))
    left = sample.cells.women - by_group.cells.women
    place = dict(sample.place)
    place["counted"] += f"; {left} with unknown {counting.in_words(groups.variable)} left out" if left else ""
    place |= {"numerator": by_group.cells.women_with_event, "denominator": by_group.cells.women}
    for name in sample.cells.names:
        variable = TIMES.join([name, groups.variable])
        yield test_row(INTERACTION, partial(by_group.test, name), variable=variable, **place)


class _ByGroup:
    """The model with a term a group, but the first; it is fitted when it is first asked for."""

    def __init__(self, cells: Cells):
        codes = cells.column(GROUP)
        levels = np.unique(codes)[1:]
        self.terms = (codes[:, None] == levels).astype(float)
        covariates = cells.pick([name for name in cells.names if name != GROUP])
        self.cells = covariates.adding([f"group {level:g}" for level in levels], self.terms)
        self._model: Logistic | None = None

    def test(self, name: str) -> HypothesisTest:
        if not self.terms.shape[1]:
            raise NotEstimable("the women are of one group")
        self._model = self._model or fit_cells(self.cells)
        return _of_products(self._model, self.cells, self.terms * _centred(self.cells, name)[:, None])
