"""What do the analyses of a cohort share: the women, how they are analysed, and rows as a table."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from decidua.results import frame, not_estimable
from decidua.statistics import counting
from decidua.statistics.answers import NotEstimable
from decidua.statistics.counting import EVERYONE, Levels
from decidua.statistics.rows import Row, attempt
from decidua.statistics.settings import Settings


@dataclass(frozen=True)
class Cohort:
    """The women, how they are analysed, and their groups; None where they are analysed as a whole."""

    women: pd.DataFrame
    settings: Settings
    groups: Levels | None

    @property
    def groups_as_populations(self) -> list[tuple[str, np.ndarray]]:
        """Each group's name and members."""
        if self.groups is None:
            return []
        return [(name, self.groups.members(i)) for i, name in enumerate(self.groups.names)]

    @property
    def populations(self) -> list[tuple[str, np.ndarray]]:
        """All women, then each group."""
        return [(EVERYONE, np.ones(len(self.women), dtype=bool)), *self.groups_as_populations]

    @property
    def confidence(self) -> float:
        return self.settings.confidence


def analysed(
    analysis: str,
    rows_of: Callable[[Cohort], Iterator[Row]],
    women: pd.DataFrame,
    settings: Settings,
    **place: str,
) -> pd.DataFrame:
    """The rows of an analysis as a table; `place` is where a row stands that says why there are none."""
    place = {"population": EVERYONE, **place}
    found: list[Row] = []
    try:
        cohort = Cohort(women, settings, counting.groups(women, settings))
    except NotEstimable as reason:
        cohort = Cohort(women, settings, None)
        found.append(not_estimable(f"no groups: {reason}", **place | {"variable": settings.group}))
    found += attempt(rows_of(cohort), **place)
    return frame({**each, "analysis": analysis} for each in found)
