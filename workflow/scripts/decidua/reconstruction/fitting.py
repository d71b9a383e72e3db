"""Which women swap ages, BMIs or miscarriages, so that the logistic regressions print as published?"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from decidua.errors import InputError
from decidua.reconstruction.dealing import places_of
from decidua.reconstruction.facts import COVARIATES, ETIOLOGIES, FOUR_OR_MORE, Facts, Women, as_printed
from decidua.reconstruction.moments import UNITS

#: Annealing: rounds of chunks of swaps, each round cooling from HOT to COLD. Set by trial.
ROUNDS, CHUNKS, CHUNK = 3, 80, 5_000
HOT, COLD = 3000.0, 0.001
#: What a swap exchanges, as often as it stands here; few women have the four losses that a swap needs.
SWAPPED = ("age", "age", "bmi", "bmi", "miscarriages", "miscarriages", "miscarriages")
#: About the means of age, BMI and miscarriages: centred sums lose no digits.
CENTRES = (33.0, 22.0, 3.0)
#: Slopes and odds ratios are printed with three decimals.
HALF_UNIT = 0.0005
Z95 = 1.959963984540054

#: A woman's age, BMI, miscarriages and live birth.
Row = tuple[float, float, float, bool]


def fit_regressions(paper: Facts, women: Women, rng: np.random.Generator) -> None:
    """Anneal until Table 2 prints as published, in at most a fixed number of swaps."""
    fit = _Fit(paper, women)
    for chunk in range(ROUNDS * CHUNKS):
        if fit.arrived():
            return
        heat = HOT * (COLD / HOT) ** (chunk % CHUNKS / (CHUNKS - 1))
        for place, what, partner, luck in _moves(len(women["stratum"]), rng):
            fit.propose(place, what, partner, luck, heat)


def _moves(women: int, rng: np.random.Generator) -> Iterator[tuple[int, str, float, float]]:
    """A chunk of proposals: a woman, what is swapped, a partner, luck."""
    return zip(
        rng.integers(women, size=CHUNK).tolist(),
        [SWAPPED[k] for k in rng.integers(len(SWAPPED), size=CHUNK).tolist()],
        rng.random(CHUNK).tolist(),
        rng.random(CHUNK).tolist(),
        strict=True,
    )


class _Fit:
    """Women whose covariates are swapped, and how far Table 2 and the mean ages of Figure 6 are.

    A swap exchanges the ages, the BMIs, or (both with four or more) the miscarriages of two women of one
    stratum, so Table 1 and every count by history stay as they are.
    """

    def __init__(self, paper: Facts, women: Women):
        self.women = women
        self.many = [category == FOUR_OR_MORE for category in women["category"]]
        everyone = places_of(women["stratum"])
        those_of_many = {s: [p for p in places if self.many[p]] for s, places in everyone.items()}
        self.partners = {"age": everyone, "bmi": everyone, "miscarriages": those_of_many}
        self.ages = _AgeBalance.of(paper, women)
        models = {name: _Regression.of(paper, women, name) for name in ("all", *ETIOLOGIES)}
        self.every_model = list(models.values())
        self.models = {e: (models[e], models["all"]) for e in ETIOLOGIES}

    def row(self, place: int) -> Row:
        women = self.women
        bmi = women["bmi"][place] / UNITS["bmi"]
        return women["age"][place], bmi, women["miscarriages"][place], women["live_birth"][place]

    def arrived(self) -> bool:
        """Refresh the models; whether all is as published."""
        for model in self.every_model:
            model.refresh(self.row)
        return self.ages.misfit() == 0 and all(model.arrived() for model in self.every_model)

    def propose(self, i: int, what: str, partner: float, luck: float, heat: float) -> None:
        """Swap woman i with one of her stratum, and undo it if it makes the fit worse (by more than luck)."""
        if what == "miscarriages" and not self.many[i]:
            return
        column, pool = self.women[what], self.partners[what][self.women["stratum"][i]]
        j = pool[int(partner * len(pool))]
        if column[i] == column[j]:
            return
        shift = self.ages.shift(i, j) if what == "age" else 0
        column[i], column[j] = column[j], column[i]
        rows = self.row(i), self.row(j)
        models = self.models[self.women["etiology"][i]]
        trials = [model.trial((i, j), rows) for model in models]
        rise = self.ages.misfit(shift) - self.ages.misfit()
        for model, trial in zip(models, trials, strict=True):
            rise += trial.misfit - model.misfit
        if rise <= 0 or luck < math.exp(-rise / heat):
            self.ages.total += shift
            for model, trial in zip(models, trials, strict=True):
                model.accept((i, j), trial)
        else:
            column[i], column[j] = column[j], column[i]


@dataclass
class _AgeBalance:
    """The sum of ages of Figure 6's women with four or more miscarriages, and where it may lie."""

    ages: list[int]
    inside: list[bool]
    total: int
    lowest: int
    highest: int

    @classmethod
    def of(cls, paper: Facts, women: Women) -> "_AgeBalance":
        counted = [etiology == paper["figure6"]["etiology"] for etiology in women["etiology"]]
        inside = [k and c == FOUR_OR_MORE for k, c in zip(counted, women["category"], strict=True)]
        everyone, total = (
            sum(age for age, k in zip(women["age"], chosen, strict=True) if k) for chosen in (counted, inside)
        )
        more, fewer = sum(inside), sum(counted) - sum(inside)
        printed = paper["figure6"]["mean_age"]
        allowed = [
            candidate
            for candidate in range(everyone)
            if as_printed(printed["four_or_more"], candidate / more) == printed["four_or_more"]
            and as_printed(printed["two_or_three"], (everyone - candidate) / fewer) == printed["two_or_three"]
        ]
        if not allowed:
            raise InputError("reconstruction: found no ages with Figure 6's mean ages")
        return cls(women["age"], inside, total, allowed[0], allowed[-1])

    def shift(self, i: int, j: int) -> int:
        """Change of the sum when women i and j of one stratum exchange ages."""
        return (self.ages[j] - self.ages[i]) * (self.inside[i] - self.inside[j])

    def misfit(self, shift: int = 0) -> int:
        total = self.total + shift
        return max(0, self.lowest - total, total - self.highest) ** 2


class _Trial(NamedTuple):
    """What the parts of two women, the totals and the misfit of a regression would be after a swap."""

    parts: list[tuple[float, ...]]
    totals: tuple[float, ...]
    misfit: float


@dataclass
class _Regression:
    """A printed logistic regression of live birth, kept up to date while covariates are swapped.

    Every slope starts at its printed value; one Newton step from there gives the maximum-likelihood slope to
    second order, so a swap costs two rows and a 4 x 4 solve. Plain floats in a fixed order of additions: the
    bytes depend neither on the linear algebra library nor on the processor.

    Attributes:
        members: the women it is of.
        windows: centre and half width of each slope that prints as published.
        printed: lower and upper end and p of each slope.
        tolerance: how near interval ends and p-values must come.
        slopes: intercept and slopes, from which the Newton step is taken.
        parts: each woman's part of the score and information, and `totals` their sums.
        misfit: the distance from print.
    """

    members: list[int]
    windows: list[tuple[float, float]]
    printed: list[tuple[float, ...]]
    tolerance: tuple[float, float]
    slopes: tuple[float, ...]
    parts: dict[int, tuple[float, ...]] = field(default_factory=dict)
    totals: tuple[float, ...] = ()
    misfit: float = 0.0

    @classmethod
    def of(cls, paper: Facts, women: Women, population: str) -> "_Regression":
        rows = [paper["table2"][population][name] for name in COVARIATES]
        tolerance = paper["reconstruction"]["tolerance"]
        windows = [_slope_window(row) for row in rows]
        return cls(
            members=[i for i, etiology in enumerate(women["etiology"]) if population in ("all", etiology)],
            windows=windows,
            printed=[tuple(float(row[key]) for key in ("lower", "upper", "p")) for row in rows],
            tolerance=(tolerance["interval"], tolerance["p"]),
            slopes=(1.5, *(centre for centre, _ in windows)),
        )

    def refresh(self, row: Callable[[int], Row]) -> None:
        """Solve the intercept at the printed slopes and recompute every woman's part."""
        for _ in range(25):
            self.parts = {i: _part(self.slopes, *row(i)) for i in self.members}
            self.totals = tuple(math.fsum(column) for column in zip(*self.parts.values(), strict=True))
            score, information = self.totals[0], self.totals[4]
            if abs(score) < 1e-9:
                break
            self.slopes = (self.slopes[0] + score / information, *self.slopes[1:])
        self.misfit = self.distance(self.totals)

    def trial(self, pair: tuple[int, int], rows: Sequence[Row]) -> _Trial:
        parts = [_part(self.slopes, *row) for row in rows]
        changes = zip(self.totals, self.parts[pair[0]], self.parts[pair[1]], *parts, strict=True)
        totals = tuple([total - a - b + c + d for total, a, b, c, d in changes])
        return _Trial(parts, totals, self.distance(totals))

    def accept(self, pair: tuple[int, int], trial: _Trial) -> None:
        self.parts[pair[0]], self.parts[pair[1]] = trial.parts
        self.totals, self.misfit = trial.totals, trial.misfit

    def arrived(self) -> bool:
        """Whether odds ratios, B, intervals and p-values are as published."""
        return self.distance(self.totals, share=0.99) == 0

    def distance(self, totals: Sequence[float], share: float = 0.8) -> float:
        """Squared excess over a share of what rounding and tolerance allow; 0 within."""
        steps, errors = _newton_step(totals)
        sum_of_squares = 0.0
        to_interval, to_p = self.tolerance
        for step, error, (centre, width), printed in zip(
            steps, errors, self.windows, self.printed, strict=True
        ):
            lower, upper, p = printed
            slope, reach = centre + step, Z95 * error
            # p-values are compared with the sign of the slope, or a slope of the wrong sign could fit.
            signed = math.copysign(math.erfc(abs(slope) / error / math.sqrt(2)) - 1, -slope)
            for excess in (
                (abs(step) - share * width) / HALF_UNIT,
                (abs(math.exp(slope - reach) - lower) - share * to_interval) / (to_interval / 4),
                (abs(math.exp(slope + reach) - upper) - share * to_interval) / (to_interval / 4),
                (abs(signed - math.copysign(p - 1, -centre)) - share * to_p) / (to_p / 4),
            ):
                if excess > 0:
                    sum_of_squares += excess * excess
        return sum_of_squares


def _slope_window(row: Mapping[str, str]) -> tuple[float, float]:
    """Centre and half width of the slopes that print both the odds ratio and, up to its sign, B."""
    ratio, size = float(row["odds_ratio"]), abs(float(row["B"]))
    low, high = math.log(ratio - HALF_UNIT), math.log(ratio + HALF_UNIT)
    signed = math.copysign(size, math.log(ratio))
    low_b, high_b = max(low, signed - HALF_UNIT), min(high, signed + HALF_UNIT)
    if low_b < high_b:
        low, high = low_b, high_b
    return (low + high) / 2, (high - low) / 2


def _part(slopes: Sequence[float], age: float, bmi: float, losses: float, birth: bool) -> tuple[float, ...]:
    """One woman's part of the score (4) and of the information matrix (10, upper triangle by rows)."""
    x, y, z = age - CENTRES[0], bmi - CENTRES[1], losses - CENTRES[2]
    p = 1.0 / (1.0 + math.exp(-(slopes[0] + slopes[1] * x + slopes[2] * y + slopes[3] * z)))
    r, w = birth - p, p * (1.0 - p)
    wx, wy, wz = w * x, w * y, w * z
    return (r, r * x, r * y, r * z, w, wx, wy, wz, wx * x, wx * y, wx * z, wy * y, wy * z, wz * z)


def _newton_step(totals: Sequence[float]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Steps and standard errors of the three slopes, by Cholesky factors of the information matrix."""
    s0, s1, s2, s3, i00, i01, i02, i03, i11, i12, i13, i22, i23, i33 = totals
    a = math.sqrt(i00)
    b, c, d = i01 / a, i02 / a, i03 / a
    e = math.sqrt(i11 - b * b)
    f, g = (i12 - c * b) / e, (i13 - d * b) / e
    h = math.sqrt(i22 - c * c - f * f)
    k = (i23 - d * c - g * f) / h
    m = math.sqrt(i33 - d * d - g * g - k * k)
    z0 = s0 / a
    z1 = (s1 - b * z0) / e
    z2 = (s2 - c * z0 - f * z1) / h
    z3 = (s3 - d * z0 - g * z1 - k * z2) / m
    step3 = z3 / m
    step2 = (z2 - k * step3) / h
    step1 = (z1 - f * step2 - g * step3) / e
    v1, v2, v3 = 1 / e, 1 / h, 1 / m
    w21, w32 = -f * v1 * v2, -k * v2 * v3
    w31 = -(g * v1 + k * w21) * v3
    errors = (math.sqrt(v1 * v1 + w21 * w21 + w31 * w31), math.sqrt(v2 * v2 + w32 * w32), v3)
    return (step1, step2, step3), errors
