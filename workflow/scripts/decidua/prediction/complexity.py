"""How many parameters can these women bear, and what of the question is left out for it?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from decidua import results
from decidua.markers import Panel
from decidua.prediction.question import Question

#: Shrinkage that a model should need at most; the share of the largest possible R2 (Cox and Snell) hoped for.
SHRINKAGE, HOPED = 0.9, 0.15
#: Margin within which the overall risk should be known.
MARGIN = 0.05
#: Knots of continuous predictors where curves are affordable.
KNOTS = 3
SOURCE = (
    "Riley et al. 2019, Stat Med 38:1276; 15% of the largest R2 hoped for (Riley et al. 2020, BMJ 368:m441)"
)


@dataclass(frozen=True)
class Simplified:
    """A question as large as the women can bear, as far as that goes.

    knots: of predictors that are curves. parameters: of history and immune tests together, wanted: with all
    predictors asked for. most: that the women can bear. done: what was done, in words.
    """

    asked: Question
    knots: Mapping[str, int]
    parameters: int
    wanted: int
    most: int
    done: str

    @property
    def warning(self) -> str:
        """What every number must say where the models stay too large; empty where they do not."""
        if self.parameters <= self.most:
            return ""
        return f"{self.parameters} parameters where these women can bear {self.most} (Riley et al. 2019)"


def largest_r2(share: float) -> float:
    """The largest R2 of Cox and Snell that a model of an event of that share can have."""
    null = share * np.log(share) + (1 - share) * np.log1p(-share)
    return float(-np.expm1(2 * null))


def needed(parameters: int, share: float, shrinkage: float = SHRINKAGE, r2: float | None = None) -> int:
    """Women that so many parameters need for a shrinkage no stronger than that; r2: Cox and Snell's.

    Source: Riley et al. 2019, Stat Med 38:1276, criterion (i).
    """
    r2 = HOPED * largest_r2(share) if r2 is None else r2
    return int(np.ceil(parameters / ((shrinkage - 1) * np.log1p(-r2 / shrinkage))))


def bearable(women: int, share: float) -> int:
    """The same, solved for the parameters."""
    r2 = HOPED * largest_r2(share)
    return int(np.floor(women * (SHRINKAGE - 1) * np.log1p(-r2 / SHRINKAGE)))


def expected_shrinkage(women: int, share: float, parameters: int) -> float:
    """The shrinkage to be expected of so many parameters; NaN where nothing would be left."""
    from scipy.optimize import brentq

    r2 = HOPED * largest_r2(share)

    def surplus(s: float) -> float:
        return women * (s - 1) * np.log1p(-r2 / s) - parameters

    low, high = r2 * 1.0001, 1 - 1e-9
    return float(brentq(surplus, low, high)) if surplus(low) > 0 > surplus(high) else float("nan")


def simplified(asked: Question, panel: Panel, women: int, share: float, numbers: Sequence[str]) -> Simplified:
    """The question with as many parameters as the women can bear.

    First curves become straight lines, then of each marker only the column of its first cut-off stays; what
    is left above that is held back by the penalty. The order is fixed: the outcome decides nothing of it.

    Args:
        numbers: predictors that could be curves.
    """
    most, lines = bearable(women, share), len(asked.history) + len(asked.immune)
    curves = {name: KNOTS for name in numbers}
    wanted = lines + len(curves)
    if wanted <= most:
        return Simplified(asked, curves, wanted, wanted, most, "curves of three knots")
    if lines <= most or asked.go_on:
        return Simplified(asked, {}, lines, wanted, most, "straight lines")
    first = {marker.cutoffs[0].column for marker in panel.markers}
    others = {cutoff.column for marker in panel.markers for cutoff in marker.cutoffs[1:]} - first
    gone = tuple(name for name in asked.immune if name in others)
    done = "straight lines" + (", of each marker its first column only" if gone else "")
    why = "left out: more parameters than these women can bear"
    asked = replace(
        asked,
        immune=tuple(name for name in asked.immune if name not in others),
        refused=asked.refused + tuple((name, why) for name in gone),
    )
    left = lines - len(gone)
    if left > most:
        done += "; the penalty holds back the rest"
    return Simplified(asked, {}, left, wanted, most, done)


def sample_size_table(found: Simplified, women: int, events: int) -> pd.DataFrame:
    """What these women can bear and what was done, in a results table, analysis "sample size"."""
    share = events / women
    counted = {"numerator": events, "denominator": women, "counted": f"{women} women with a known outcome"}
    place = {"analysis": "sample size", "population": "all", **counted}
    margin = 1.959964 * np.sqrt(share * (1 - share) / women)
    rows = [
        ("parameters that these women can bear", found.most, SOURCE),
        ("parameters asked for, curves included", found.wanted, None),
        ("parameters of history + immune", found.parameters, found.done),
        ("women needed for those", needed(found.parameters, share), SOURCE),
        ("shrinkage expected with those", expected_shrinkage(women, share, found.parameters), SOURCE),
        ("margin of the overall risk", margin, f"{MARGIN:g} or less is wanted; Riley et al. 2019"),
    ]
    return results.frame(
        results.not_estimable("more parameters than anything could be learned of", **place, quantity=quantity)
        if np.isnan(value)
        else results.row(**place, variable="model", quantity=quantity, estimate=float(value), reason=reason)
        for quantity, value, reason in rows
    )
