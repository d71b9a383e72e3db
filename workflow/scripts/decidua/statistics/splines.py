"""Is a covariate's part in the model a straight line? Restricted cubic splines."""

import numpy as np

from decidua.statistics.answers import NotEstimable

#: Between which quantiles of a covariate the knots stand, by their number (Harrell 2015, Regression Modeling
#: Strategies, 2nd ed., Table 2.3).
QUANTILES = {3: (0.10, 0.50, 0.90), 4: (0.05, 0.35, 0.65, 0.95), 5: (0.05, 0.275, 0.50, 0.725, 0.95)}
KNOTS = 4
#: Of fewer women the outer knots are the fifth smallest and the fifth largest value (ibid., section 2.4.6).
_FEW_WOMEN, _FIFTH = 100, 4


def knots(values: np.ndarray, wanted: int = KNOTS) -> np.ndarray:
    """Where the knots of a covariate stand: as many as wanted, or fewer where ties leave no more apart.

    Raises:
        NotEstimable: not even three knots differ.
    """
    ordered = np.sort(values)
    different = 1 + np.count_nonzero(np.diff(ordered))
    for number in range(min(wanted, different), min(QUANTILES) - 1, -1):
        at = np.quantile(ordered, QUANTILES[number])
        if _FIFTH < len(ordered) < _FEW_WOMEN:
            at[0], at[-1] = ordered[_FIFTH], ordered[-1 - _FIFTH]
        if (np.diff(at) > 0).all():
            return at
    raise NotEstimable("too few different values for three knots: a straight line is all that they can show")


def basis(values: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The spline's columns: the value itself, then one a knot but the last two; cubic between, linear beyond.

    Source: Harrell 2015, section 2.4.5, divided by the squared distance of the outer knots.
    """

    def cubed(knot: float) -> np.ndarray:
        return np.maximum(values - knot, 0.0) ** 3

    *inner, before, last = at
    gap, span = last - before, (last - at[0]) ** 2
    curved = [
        (cubed(knot) - cubed(before) * (last - knot) / gap + cubed(last) * (before - knot) / gap) / span
        for knot in inner
    ]
    return np.column_stack([values, *curved])
