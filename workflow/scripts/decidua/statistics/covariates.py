"""Which women do the regressions of the outcome count, and of what must their rows warn?"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from decidua.labels import measured_name
from decidua.results import ESTIMATED
from decidua.statistics import counting
from decidua.statistics.analysis import Cohort
from decidua.statistics.answers import NotEstimable
from decidua.statistics.logistic import Cells, Logistic, fit_cells
from decidua.statistics.rows import Row

#: Fewer outcomes a covariate make a logistic regression unreliable (Peduzzi 1996, J Clin Epidemiol 49:1373).
EVENTS_PER_COVARIATE = 10
FEW = f"fewer than {EVENTS_PER_COVARIATE} of the rarer outcome a covariate"
#: The column of the cells that holds the group's code, UNKNOWN where it is not known.
GROUP = "group code"


@dataclass(frozen=True)
class Sample:
    """The women of a population whose outcome and covariates are all known, and the regression of these.

    Attributes:
        members: who belongs to the population, complete or not.
        by_group: the cells with the group's code besides the covariates.
        place: what each of their rows says: population, women and events, whom it counts.
    """

    cohort: Cohort
    members: np.ndarray
    cells: Cells
    by_group: Cells
    place: Row

    @property
    def model(self) -> Logistic:
        """The regression of the outcome on the covariates; NotEstimable where it does not exist."""
        if isinstance(self._fitted, NotEstimable):
            raise self._fitted
        return self._fitted

    @property
    def near(self) -> np.ndarray | None:
        """Its coefficients, for a larger model to start from."""
        return None if isinstance(self._fitted, NotEstimable) else self._fitted.coefficients

    @cached_property
    def _fitted(self) -> Logistic | NotEstimable:
        try:
            return fit_cells(self.cells)
        except NotEstimable as reason:
            return reason

    @property
    def place_without_numbers(self) -> Row:
        """Where a row stands that is not estimable."""
        return {key: self.place[key] for key in ("population", "counted")}

    @property
    def few_events(self) -> str:
        """The caution of a model that asks much of few events; empty for none."""
        return self.few_events_for(len(self.cells.names))

    def few_events_for(self, terms: int) -> str:
        """The same of a model with so many coefficients besides the intercept."""
        return few_events(self.cells.women_with_event, self.cells.women, terms)

    def each_woman(self, name: str) -> np.ndarray:
        """A covariate of each woman, in the order of the cells."""
        return np.repeat(self.cells.column(name), self.cells.totals.astype(np.int64))


def table_of(cohort: Cohort) -> tuple[pd.DataFrame, np.ndarray]:
    """The covariates, NaN where unknown, and the outcome as 1, 0 and NaN: a row a woman.

    Raises:
        NotEstimable: a column is not there or does not hold what it should.
    """
    y = counting.outcome(cohort.women, cohort.settings).values
    names = cohort.settings.covariates
    columns = {name: counting.numbers(cohort.women, name, cohort.settings) for name in names}
    return pd.DataFrame(columns, index=cohort.women.index), y


def sample(cohort: Cohort, population: str, members: np.ndarray) -> Sample:
    """The complete cases of a population; NotEstimable as `table_of`."""
    x, y = table_of(cohort)
    complete = members & ~np.isnan(y) & ~np.isnan(x.to_numpy()).any(axis=1)
    codes = np.zeros(len(x)) if cohort.groups is None else cohort.groups.codes.astype(float)
    by_group = Cells.of(x.assign(**{GROUP: codes})[complete], y[complete]).collapsed()
    cells = by_group.pick(list(x.columns)).collapsed()
    unknown = int(members.sum() - complete.sum())
    counted = f"women with known outcome and covariates; {unknown} unknown left out"
    place = {"numerator": cells.women_with_event, "denominator": cells.women}
    return Sample(cohort, members, cells, by_group, {"population": population, "counted": counted, **place})


def few_events(events: int, women: int, terms: int) -> str:
    """The caution of a model that asks much of few events; empty for none."""
    return FEW if min(events, women - events) < EVENTS_PER_COVARIATE * terms else ""


def no_effect(cohort: Cohort, names: Sequence[str]) -> str:
    """What to say where one of the covariates is the treatment; empty where none is."""
    treatment = cohort.settings.treatment
    if treatment is None or not {treatment, measured_name(treatment, cohort.settings.markers)} & set(names):
        return ""
    return f"{counting.in_words(treatment)} is the treatment: an association, not its effect"


def cautioned(row: Row, *cautions: str) -> Row:
    """The row with cautions after its own reason, unless it is not estimable."""
    said = [text for text in (row.get("reason"), *cautions) if text]
    return {**row, "reason": "; ".join(said)} if said and row["status"] == ESTIMATED else row


def as_printed(values: Sequence[float], digits: int = 4) -> list[float]:
    """Values rounded to digits that a level can show, ascending, each once."""
    return sorted({float(f"{value:.{digits}g}") for value in values})
