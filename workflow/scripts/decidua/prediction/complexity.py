"""How many parameters can these women bear, and what of the question is left out for it?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import log_expit, ndtri

from decidua import results
from decidua.markers import Panel
from decidua.prediction.question import Question

#: Shrinkage that a model should need at most; by how much R2 (Nagelkerke) may be too good at most.
SHRINKAGE, OPTIMISM = 0.9, 0.05
#: Margin within which the overall risk should be known.
MARGIN = 0.05
Z = float(ndtri(0.975))
#: Knots of continuous predictors where curves are affordable.
KNOTS = 3
SOURCE = "Riley et al. 2019, Stat Med 38:1276; R2 of the anticipated c statistic"
#: Points of the quadrature over a normal variable.
_POINTS = 80


@dataclass(frozen=True)
class Simplified:
    """A question as large as the women can bear.

    knots: of predictors that are curves. parameters: of history and immune tests together, wanted: with all
    predictors asked for. most: that the women can bear. done: what was done, in words. held: the effective
    degrees of freedom at which the penalty must hold a model, None where it need not.
    """

    asked: Question
    knots: Mapping[str, int]
    parameters: int
    wanted: int
    most: int
    done: str
    held: int | None = None

    @property
    def warning(self) -> str:
        """What every number must say where there are more parameters than the women bear; else empty."""
        if self.parameters <= self.most:
            return ""
        said = f"{self.parameters} parameters where these women can bear {self.most} (Riley et al. 2019)"
        if self.held is None:
            return said
        held = f"the penalty holds ridge models to {self.held} effective degrees of freedom"
        return f"{said}: {held} (risks may be too alike)"


def largest_r2(share: float) -> float:
    """The largest R2 of Cox and Snell that a model of an event of that share can have."""
    null = share * np.log(share) + (1 - share) * np.log1p(-share)
    return float(-np.expm1(2 * null))


def r2_of_c(c: float, share: float) -> float:
    """The R2 of Cox and Snell of a model with that c statistic, for an event of that share.

    The linear predictor is normal with the same variance in women with and without the event.

    Source: Riley et al. 2021, Stat Med 40:859, by quadrature instead of simulation.
    """
    apart = np.sqrt(2) * ndtri(c)
    points, weights = np.polynomial.hermite_e.hermegauss(_POINTS)
    weights = weights / weights.sum()
    intercept = np.log(share / (1 - share)) - apart**2 / 2
    with_event = weights @ log_expit(intercept + apart * (points + apart))
    without = weights @ log_expit(-intercept - apart * points)
    null = share * np.log(share) + (1 - share) * np.log1p(-share)
    return float(-np.expm1(-2 * (share * with_event + (1 - share) * without - null)))


def _women_a_parameter(r2: float, shrinkage: float) -> float:
    """Source: Riley et al. 2019, Stat Med 38:1276, criterion (i)."""
    return 1 / ((shrinkage - 1) * np.log1p(-r2 / shrinkage))


def strictest_shrinkage(share: float, r2: float) -> float:
    """The shrinkage that both criteria on overfitting ask for: (ii) is R2 too good by `OPTIMISM` at most."""
    return max(SHRINKAGE, r2 / (r2 + OPTIMISM * largest_r2(share)))


def needed(parameters: int, share: float, r2: float) -> int:
    """Women that so many parameters need, by all three criteria; r2: Cox and Snell's.

    Source: Riley et al. 2019, Stat Med 38:1276.
    """
    of_fit = parameters * _women_a_parameter(r2, strictest_shrinkage(share, r2))
    of_risk = (Z / MARGIN) ** 2 * share * (1 - share)
    return int(np.ceil(max(of_fit, of_risk)))


def bearable(women: int, share: float, r2: float) -> int:
    """Parameters whose overfitting so many women can bear, by the first two criteria."""
    return int(np.floor(women / _women_a_parameter(r2, strictest_shrinkage(share, r2))))


def expected_shrinkage(women: int, parameters: int, r2: float) -> float:
    """The shrinkage to be expected of so many parameters; NaN where nothing would be left."""
    from scipy.optimize import brentq

    def surplus(s: float) -> float:
        return women * (s - 1) * np.log1p(-r2 / s) - parameters

    low, high = r2 * 1.0001, 1 - 1e-9
    return float(brentq(surplus, low, high)) if surplus(low) > 0 > surplus(high) else float("nan")


def simplified(asked: Question, panel: Panel, women: int, share: float, numbers: Sequence[str]) -> Simplified:
    """The question with as many parameters as the women can bear.

    First curves become straight lines, then of each marker only the column of its first cut-off stays; what
    is left above that is held back by the penalty, to no more effective degrees of freedom than the women can
    bear parameters (one at least). The order is fixed: the outcome decides nothing of it. Matched sets have
    no penalty: there the warning is all.

    Args:
        numbers: predictors that could be curves.
    """
    r2 = r2_of_c(asked.anticipated_c, share)
    most, lines = bearable(women, share, r2), len(asked.history) + len(asked.immune)
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
    if left <= most or asked.sets:
        return Simplified(asked, {}, left, wanted, most, done)
    held = max(most, 1)
    done += f"; the penalty leaves ridge models {held} effective degrees of freedom at most"
    return Simplified(asked, {}, left, wanted, most, done, held)


def sample_size_table(found: Simplified, women: int, events: int) -> pd.DataFrame:
    """What these women can bear and what was done, in a results table, analysis "sample size"."""
    share, c = events / women, found.asked.anticipated_c
    r2 = r2_of_c(c, share)
    counted = {"numerator": events, "denominator": women, "counted": f"{women} women with a known outcome"}
    place = {"analysis": "sample size", "population": "all", **counted}
    margin = Z * np.sqrt(share * (1 - share) / women)
    rows = [
        ("anticipated c statistic", c, "declared in the settings, before these data were looked at"),
        ("R2 (Cox and Snell) of that", r2, "Riley et al. 2021, Stat Med 40:859"),
        ("parameters that these women can bear", found.most, SOURCE),
        ("parameters asked for, curves included", found.wanted, None),
        ("parameters of history + immune", found.parameters, found.done),
        ("women needed for those", needed(found.parameters, share, r2), SOURCE),
        ("shrinkage expected with those", expected_shrinkage(women, found.parameters, r2), SOURCE),
        ("margin of the overall risk", margin, f"{MARGIN:g} or less is wanted; Riley et al. 2019"),
    ]
    return results.frame(
        results.not_estimable("more parameters than anything could be learned of", **place, quantity=quantity)
        if np.isnan(value)
        else results.row(**place, variable="model", quantity=quantity, estimate=float(value), reason=reason)
        for quantity, value, reason in rows
    )
