"""Which rows, one a woman, carry what a paper printed about its cohort, and what can no rows carry?"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd

from decidua.errors import InputError, Problem
from decidua.markers import ABNORMAL, NORMAL, Cutoff, Marker, Panel, classify
from decidua.statistics.contingency import pearson
from decidua.statistics.groups import Summary, one_way_anova, scheffe, summarise
from decidua.statistics.logistic import fit

Facts = Mapping[str, Any]
Columns = dict[str, list[Any]]
Trial = tuple[list[tuple[float, ...]], tuple[float, ...], float]

STRATA = ("KN", "KA", "IN", "IA")
ETIOLOGIES = ("known", "idiopathic")
COVARIATES = ("age", "bmi", "miscarriages")
CATEGORIES = ("2", "3", "4+")
#: Values are whole multiples of these units, so that sums and sums of squares are exact integers.
UNITS = {"age": 1, "bmi": 10, "ivig_dose_g": 1}
#: Free choice, not published: shape (log-normal sigma; 0 is a normal curve) of each variable's distribution.
SHAPES = {"age": 0.0, "bmi": 0.2, "ivig_dose_g": 0.6}

#: Deals and draws of karyotypes that are tried; some hundreds are enough for the paper's counts.
DEALS = 20_000
#: Annealing: rounds of chunks of swaps, each round cooling from HOT to COLD. Set by trial.
ROUNDS, CHUNKS, CHUNK = 3, 80, 5_000
HOT, COLD = 3000.0, 0.001
#: What a swap exchanges, as often as it stands here; few women have the four losses that a swap needs.
AGE, BMI, LOSSES = range(3)
SWAPPED = (AGE, AGE, BMI, BMI, LOSSES, LOSSES, LOSSES)
#: About the means of age, BMI and miscarriages: centred sums lose no digits.
CENTRES = (33.0, 22.0, 3.0)
Z95 = 1.959963984540054


@dataclass(frozen=True)
class Reconstruction:
    """Rebuilt rows and what they meet.

    Attributes:
        cohort: one row a woman, in the columns of a validated cohort; `synthetic` is true throughout.
        constraints: one row a printed or derived number: constraint, where (in the paper), how (printed,
            derived, reconstructed), target, achieved, met, note. A number that no rows can carry is among
            them, unmet, with the reason.
    """

    cohort: pd.DataFrame
    constraints: pd.DataFrame


def reconstruct(
    paper: Facts, scenario: str, rng: np.random.Generator, panel: Panel | None = None
) -> Reconstruction:
    """Build rows, one a woman, from the numbers that a paper prints about its cohort.

    The rows are one of many cohorts that print the same tables. Means, SDs and ranges are met with exact
    integers; live births, miscarriages, immune subgroups and karyotypes are dealt to the printed counts;
    then ages, BMIs and miscarriages are swapped between women of a stratum, which leaves Table 1 as it is,
    until the logistic regressions print as published. Where the paper contradicts itself the scenario says
    which number is kept, and the other is listed as unmet.

    Free, because nothing is published about it: the shapes of the distributions; the marker values, above
    or below the cut-offs as the subgroup says, and which effector-to-target ratios are exceeded when
    cytotoxicity is abnormal (at least one, the rule "any"; so prevalence differs under other rules); which
    woman has which parity and dose; the order of the rows.

    Args:
        paper: the facts of a paper (resources/papers/), with a `reconstruction` part.
        scenario: which of the conflicting numbers are kept; a key of the facts' `reconstruction.scenarios`.
        rng: the same state gives the same bytes.
        panel: cut-offs that the subgroups refer to; those printed in the paper by default.

    Raises:
        InputError: no such scenario, a panel of other markers than the paper's, or moments that no
            integers have.

    Source: Han et al. 2025, doi 10.3389/fendo.2025.1546602.
    """
    scenarios = paper["reconstruction"]["scenarios"]
    if scenario not in scenarios:
        raise InputError(Problem(f"scenario {scenario!r}", f"one of {', '.join(scenarios)}"))
    plan = scenarios[scenario]
    panel = panel or _printed_panel(paper)
    _check_panel(paper, panel)
    women = _deal(paper, plan, rng)
    _fit_regressions(paper, women, rng)
    women |= _marker_values(women["subgroup"], panel, rng)
    cohort = _cohort(paper, women, panel, rng)
    return Reconstruction(cohort, _constraints(paper, plan, cohort, panel))


def _printed_panel(paper: Facts) -> Panel:
    markers = tuple(
        Marker(name, name, "", tuple(Cutoff(column, float(above)) for column, above in cutoffs.items()))
        for name, cutoffs in _printed_cutoffs(paper).items()
    )
    return Panel(paper["id"], paper["paper"]["doi"], markers)


def _printed_cutoffs(paper: Facts) -> dict[str, Mapping[str, str]]:
    """Marker to column to cut-off."""
    return {name: value for name, value in paper["panel"].items() if isinstance(value, Mapping)}


def _check_panel(paper: Facts, panel: Panel) -> None:
    """A panel must decide the same markers by the same columns as the paper's."""
    given = {marker.name: [cutoff.column for cutoff in marker.cutoffs] for marker in panel.markers}
    printed = {name: list(cutoffs) for name, cutoffs in _printed_cutoffs(paper).items()}
    if given != printed:
        found, expected = (
            "; ".join(f"{name} ({', '.join(columns)})" for name, columns in markers.items())
            for markers in (given, printed)
        )
        raise InputError(Problem(f"panel {panel.name} with {found}", expected))


# Integers with exact moments -----------------------------------------------------------------------


def integers_with_moments(
    start: Sequence[float], total: int, squares: int, minimum: int, maximum: int
) -> list[int]:
    """Ascending integers near `start` with an exact sum, sum of squares, minimum and maximum.

    Raises:
        InputError: the search finds none, as when the sum and sum of squares differ in parity.
    """
    values = sorted(min(maximum, max(minimum, round(value))) for value in start)
    values[0], values[-1] = minimum, maximum
    found = f"sum {total}, sum of squares {squares}, range {minimum} to {maximum}"
    impossible = Problem(found, f"moments that {len(values)} integers can have")
    while (missing := total - sum(values)) != 0:
        step = 1 if missing > 0 else -1
        inner = [k for k in range(1, len(values) - 1) if minimum <= values[k] + step <= maximum]
        gap = squares - sum(value * value for value in values)
        if not inner:
            raise InputError(impossible)
        values[min(inner, key=lambda k: abs(gap - 2 * step * values[k] - 1))] += step
    while (gap := squares - sum(value * value for value in values)) != 0:
        pair = _best_pair(values, gap, minimum, maximum)
        if pair is None:
            raise InputError(impossible)
        up, down = pair
        values[up] += 1
        values[down] -= 1
        values.sort()
    return values


def _best_pair(values: Sequence[int], gap: int, minimum: int, maximum: int) -> tuple[int, int] | None:
    """Whose step up and whose step down bring the sum of squares nearest, by the smallest change."""
    inner = range(1, len(values) - 1)
    first = {values[k]: k for k in reversed(inner)}
    last = {values[k]: k for k in inner}
    best, choice = (abs(gap), 0), None
    for up, i in first.items():
        for down, j in last.items():
            if i == j or up == maximum or down == minimum:
                continue
            rank = (abs(gap - 2 * (up - down) - 2), abs(up - down))
            if rank < best:
                best, choice = rank, (i, j)
    return choice


def _printed_moments(
    printed: Mapping[str, str], n: int, unit: int, shape: float, smallest: int = 0
) -> list[int]:
    """Integers, in units of 1 / `unit`, whose mean, SD and range print as given."""
    minimum = max(round(float(printed["min"]) * unit), smallest)
    maximum = round(float(printed["max"]) * unit)
    total = round(float(printed["mean"]) * n * unit)
    squares = round((float(printed["sd"]) * unit) ** 2 * (n - 1) + total * total / n)
    squares += (squares - total) % 2  # squares and values have the same parity
    start = _shaped(n, total / n, float(printed["sd"]) * unit, shape, minimum, maximum)
    return integers_with_moments(start, total, squares, minimum, maximum)


def _shaped(n: int, mean: float, sd: float, sigma: float, minimum: int, maximum: int) -> list[float]:
    """Quantiles of a normal or log-normal curve, cut to a range, with about this mean and SD."""
    normal = [NormalDist().inv_cdf((k + 0.5) / n) for k in range(n)]
    curve = [math.exp(sigma * z) if sigma else z for z in normal]
    location, scale = mean, sd
    values = curve
    for _ in range(50):
        centre = math.fsum(curve) / n
        spread = math.sqrt(math.fsum((c - centre) ** 2 for c in curve) / (n - 1))
        values = [min(maximum, max(minimum, location + scale * (c - centre) / spread)) for c in curve]
        got = math.fsum(values) / n
        got_sd = math.sqrt(math.fsum((v - got) ** 2 for v in values) / (n - 1))
        location, scale = location + mean - got, scale * sd / got_sd
    return values


def tail_counts(women: int, total: int, squares: int, maximum: int) -> list[int]:
    """How many of `women` have 4, 5, ... `maximum` miscarriages, given their sum and sum of squares.

    Of the solutions the one that falls off most smoothly; at least one woman has the maximum.

    Raises:
        InputError: there is none.
    """
    solutions = list(_compositions(women, total, squares, maximum))
    if not solutions:
        found = f"{women} women, sum {total}, sum of squares {squares}, at most {maximum}"
        raise InputError(Problem(found, "moments that integers from 4 on can have"))
    return min(solutions, key=_unevenness)


def _compositions(women: int, total: int, squares: int, value: int, least: int = 1) -> Iterator[list[int]]:
    if value == 4:
        if women * 4 == total and women * 16 == squares and women >= least:
            yield [women]
        return
    for count in range(least, women + 1):
        if count * value > total or count * value * value > squares:
            return
        rest = (women - count, total - count * value, squares - count * value * value)
        for counts in _compositions(*rest, value - 1, least=0):
            yield [*counts, count]


def _unevenness(counts: Sequence[int]) -> tuple[int, list[int]]:
    rises = sum(max(0, later - earlier) for earlier, later in zip(counts, counts[1:], strict=False))
    return rises, [-count for count in counts]


# Dealing counts to women ---------------------------------------------------------------------------


def _deal(paper: Facts, plan: Facts, rng: np.random.Generator) -> Columns:
    """Women with stratum, subgroup, outcome and history to the printed counts, and unfitted covariates."""
    women = _deal_outcomes(paper, plan, rng)
    women["karyotype"] = _karyotypes(paper, women, rng)
    for name in ("miscarriages", "age", "bmi", "parity", "ivig_dose_g"):
        women[name] = [0] * len(women["stratum"])
    for stratum, places in _places(women["stratum"]).items():
        n = paper["strata"][stratum]["n"]
        for name, unit in UNITS.items():
            printed = paper["table1"][name][stratum]
            if float(printed["max"]) == 0:
                continue
            smallest = paper["reconstruction"]["smallest_dose"] if name == "ivig_dose_g" else 0
            values = _printed_moments(printed, n, unit, SHAPES[name], smallest)
            _hand_out(women[name], places, values, rng)
        parities = [k for k, count in enumerate(paper["parity_counts"][stratum]) for _ in range(count)]
        _hand_out(women["parity"], places, parities, rng)
        _hand_out_miscarriages(paper, women, stratum, places, rng)
    return women


def _places(labels: Sequence[str]) -> dict[str, list[int]]:
    """Label to the positions that carry it, in order of first appearance."""
    places: dict[str, list[int]] = {}
    for place, label in enumerate(labels):
        places.setdefault(label, []).append(place)
    return places


def _hand_out(
    column: list[Any], places: Sequence[int], values: Sequence[Any], rng: np.random.Generator
) -> None:
    for place, k in zip(places, rng.permutation(len(values)).tolist(), strict=True):
        column[place] = values[k]


def _hand_out_miscarriages(
    paper: Facts, women: Columns, stratum: str, places: Sequence[int], rng: np.random.Generator
) -> None:
    twos, threes, more = paper["reconstruction"]["miscarriage_categories"][stratum]
    sums = paper["miscarriage_sums"][stratum]
    counts = tail_counts(
        more,
        sums["sum"] - 2 * twos - 3 * threes,
        sums["sum_of_squares"] - 4 * twos - 9 * threes,
        int(paper["table1"]["miscarriages"][stratum]["max"]),
    )
    for place in places:
        women["miscarriages"][place] = 2 + women["category"][place]
    tail = [value for value, count in enumerate(counts, start=4) for _ in range(count)]
    _hand_out(women["miscarriages"], [p for p in places if women["category"][p] == 2], tail, rng)


def _deal_outcomes(paper: Facts, plan: Facts, rng: np.random.Generator) -> Columns:
    """Stratum, subgroup, live birth and history category (0, 1, 2 for 2, 3, 4+) of every woman.

    Figure 6 prints one marker as related to history and the others as N-S: other deals are redone.
    """
    alpha = float(paper["paper"]["alpha"])
    for _ in range(DEALS):
        women: Columns = {"stratum": [], "subgroup": [], "live_birth": [], "category": []}
        for stratum in STRATA:
            for birth in (True, False):
                categories = _categories(paper, plan, stratum, birth)
                subgroups = _subgroups(paper, plan, stratum, birth) or [NORMAL] * len(categories)
                order = rng.permutation(len(subgroups)).tolist()
                women["stratum"] += [stratum] * len(categories)
                women["subgroup"] += [subgroups[k] for k in order]
                women["live_birth"] += [birth] * len(categories)
                women["category"] += categories
        _meet_figure_6(paper, women, rng)
        if all(p >= alpha for p in _history_p(paper, women).values()):
            return women
    raise InputError("reconstruction: found no deal in which the other markers are unrelated to history")


def _categories(paper: Facts, plan: Facts, stratum: str, birth: bool) -> list[int]:
    sizes = paper["reconstruction"]["miscarriage_categories"][stratum]
    births = plan["live_births_by_miscarriages"][stratum]
    counts = births if birth else [size - born for size, born in zip(sizes, births, strict=True)]
    return [category for category, count in enumerate(counts) for _ in range(count)]


def _subgroups(paper: Facts, plan: Facts, stratum: str, birth: bool) -> list[str]:
    facts = paper["strata"][stratum]
    if facts["immunity"] == NORMAL:
        return []
    cells = plan["subgroups"][facts["etiology"]]
    return [name for name, (n, born) in cells.items() for _ in range(born if birth else n - born)]


def _meet_figure_6(paper: Facts, women: Columns, rng: np.random.Generator) -> None:
    """Exchange subgroups between women of one outcome until Figure 6's count with 4+ miscarriages is met."""
    facts, wanted = paper["figure6"], paper["figure6_rows"]["four_or_more"][0]
    subgroup, category, birth = women["subgroup"], women["category"], women["live_birth"]
    places = [
        place
        for place, stratum in enumerate(women["stratum"])
        if subgroup[place] != NORMAL and paper["strata"][stratum]["etiology"] == facts["etiology"]
    ]

    def high(place: int) -> bool:
        return facts["marker"] in subgroup[place].split(" + ")

    while (count := sum(high(p) for p in places if category[p] == 2)) != wanted:
        inside = [p for p in places if category[p] == 2 and high(p) == (count > wanted)]
        outside = [p for p in places if category[p] < 2 and high(p) == (count < wanted)]
        pairs = [(i, o) for i in inside for o in outside if birth[i] == birth[o]]
        if not pairs:
            raise InputError("reconstruction: found no deal with Figure 6's counts")
        i, o = pairs[int(rng.integers(len(pairs)))]
        subgroup[i], subgroup[o] = subgroup[o], subgroup[i]


def _history_p(paper: Facts, women: Columns) -> dict[str, float]:
    """p of each marker that Figure 6 calls N-S, over 2, 3, 4+ and over 2-3 v 4+ miscarriages."""
    found = {}
    for marker in _printed_cutoffs(paper):
        for etiology in ETIOLOGIES:
            if (etiology, marker) == (paper["figure6"]["etiology"], paper["figure6"]["marker"]):
                continue
            table = [[0, 0] for _ in CATEGORIES]
            for stratum, subgroup, category in zip(
                women["stratum"], women["subgroup"], women["category"], strict=True
            ):
                if paper["strata"][stratum]["etiology"] == etiology:
                    table[category][marker in subgroup.split(" + ")] += 1
            merged = [[a + b for a, b in zip(table[0], table[1], strict=True)], table[2]]
            found[f"{etiology}, {marker}, 2, 3, 4+"] = _pearson_p(table)
            found[f"{etiology}, {marker}, 2-3 v 4+"] = _pearson_p(merged)
    return found


def _karyotypes(paper: Facts, women: Columns, rng: np.random.Generator) -> list[Any]:
    """Karyotypes of the miscarriages to Table 3's counts, drawn until Figure 7's p-values come out."""
    lost = {
        stratum: [p for p in places if not women["live_birth"][p]]
        for stratum, places in _places(women["stratum"]).items()
    }
    for _ in range(DEALS):
        column: list[Any] = [None] * len(women["stratum"])
        for stratum, places in lost.items():
            facts = paper["table3"][stratum]
            tested, euploid = int(facts["tested"]), int(facts["euploid"].split()[0])
            kinds = ["euploid"] * euploid + ["aneuploid"] * (tested - euploid)
            _hand_out(column, places, kinds + ["not tested"] * (len(places) - tested), rng)
        table = {e: [[0, 0] for _ in CATEGORIES] for e in ETIOLOGIES}
        for stratum, category, kind in zip(women["stratum"], women["category"], column, strict=True):
            if kind in ("euploid", "aneuploid"):
                table[paper["strata"][stratum]["etiology"]][category][kind == "aneuploid"] += 1
        table["all"] = (np.array(table["known"]) + np.array(table["idiopathic"])).tolist()
        if all(_p_met(_pearson_p(table[e]), p, paper) for e, p in paper["figure7"]["p"].items()):
            return column
    raise InputError("reconstruction: found no karyotypes with Figure 7's p-values")


def _p_met(p: float, printed: str, paper: Facts) -> bool:
    return p >= float(paper["paper"]["alpha"]) if printed == "N-S" else _as(printed, p) == printed


# Fitting the regressions by swaps ------------------------------------------------------------------


@dataclass
class _Regression:
    """A printed logistic regression of live birth, kept up to date while covariates are swapped.

    Every slope starts at its printed value; one Newton step from there gives the maximum-likelihood slope to
    second order, so a swap costs two rows and a 4 x 4 solve. Plain floats in a fixed order of additions: the
    bytes depend neither on the linear algebra library nor on the processor.
    """

    members: list[int]
    windows: list[tuple[float, float]]
    printed: list[tuple[float, float, float]]
    tolerance: tuple[float, float]
    slopes: tuple[float, ...] = ()
    totals: tuple[float, ...] = ()
    parts: dict[int, tuple[float, ...]] = field(default_factory=dict)
    misfit: float = 0.0

    def refresh(self, row: Callable[[int], tuple[float, float, float, bool]]) -> None:
        """Solve the intercept at the printed slopes and recompute every woman's part."""
        intercept = self.slopes[0] if self.slopes else 1.5
        for _ in range(25):
            self.slopes = (intercept, *(centre for centre, _ in self.windows))
            self.parts = {i: _part(self.slopes, *row(i)) for i in self.members}
            self.totals = tuple(math.fsum(column) for column in zip(*self.parts.values(), strict=True))
            intercept += self.totals[0] / self.totals[4]
            if abs(self.totals[0]) < 1e-9:
                break
        self.misfit = self.distance(self.totals)

    def trial(self, pair: tuple[int, int], rows: Sequence[tuple[float, ...]]) -> Trial:
        """What the parts of two women, the totals and the misfit would be with other covariates."""
        parts = [_part(self.slopes, *row) for row in rows]
        changes = zip(self.totals, self.parts[pair[0]], self.parts[pair[1]], *parts, strict=True)
        totals = tuple([total - a - b + c + d for total, a, b, c, d in changes])
        return parts, totals, self.distance(totals)

    def accept(
        self, pair: tuple[int, int], parts: list[tuple[float, ...]], totals: tuple[float, ...], misfit: float
    ) -> None:
        self.parts[pair[0]], self.parts[pair[1]] = parts
        self.totals, self.misfit = totals, misfit

    def arrived(self) -> bool:
        """Whether odds ratios, B, intervals and p-values are as published."""
        return self.distance(self.totals, share=0.99) == 0

    def distance(self, totals: Sequence[float], share: float = 0.8) -> float:
        """Squared excess over a share of what rounding and tolerance allow; 0 within."""
        steps, errors = _newton_step(totals)
        sum_of_squares = 0.0
        to_interval, to_p = self.tolerance
        for k in range(3):
            centre, width = self.windows[k]
            lower, upper, p = self.printed[k]
            slope = centre + steps[k]
            reach = Z95 * errors[k]
            # p-values are compared with the sign of the slope, or a slope of the wrong sign could fit.
            signed = math.copysign(math.erfc(abs(slope) / errors[k] / math.sqrt(2)) - 1, -slope)
            for excess in (
                (abs(steps[k]) - share * width) / 0.0005,
                (abs(math.exp(slope - reach) - lower) - share * to_interval) / (to_interval / 4),
                (abs(math.exp(slope + reach) - upper) - share * to_interval) / (to_interval / 4),
                (abs(signed - math.copysign(p - 1, -centre)) - share * to_p) / (to_p / 4),
            ):
                if excess > 0:
                    sum_of_squares += excess * excess
        return sum_of_squares


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


def _regressions(paper: Facts, stratum: Sequence[str]) -> dict[str, _Regression]:
    tolerance = paper["reconstruction"]["tolerance"]
    found = {}
    for population in ("all", *ETIOLOGIES):
        rows = [paper["table2"][population][name] for name in COVARIATES]
        found[population] = _Regression(
            members=[
                i for i, s in enumerate(stratum) if population in ("all", paper["strata"][s]["etiology"])
            ],
            windows=[_slope_window(row) for row in rows],
            printed=[tuple(float(row[key]) for key in ("lower", "upper", "p")) for row in rows],
            tolerance=(tolerance["interval"], tolerance["p"]),
        )
    return found


def _slope_window(row: Mapping[str, str]) -> tuple[float, float]:
    """Centre and half width of the slopes that print both the odds ratio and, up to its sign, B."""
    ratio, size = float(row["odds_ratio"]), abs(float(row["B"]))
    low, high = math.log(ratio - 0.0005), math.log(ratio + 0.0005)
    signed = math.copysign(size, math.log(ratio))
    low_b, high_b = max(low, signed - 0.0005), min(high, signed + 0.0005)
    if low_b < high_b:
        low, high = low_b, high_b
    return (low + high) / 2, (high - low) / 2


def _fit_regressions(paper: Facts, women: Columns, rng: np.random.Generator) -> None:
    """Anneal until Table 2 prints as published, in at most a fixed number of swaps."""
    fit = _Fit(paper, women)
    for chunk in range(ROUNDS * CHUNKS):
        if fit.arrived():
            return
        heat = HOT * (COLD / HOT) ** (chunk % CHUNKS / (CHUNKS - 1))
        for place, kind, partner, luck in _moves(len(women["stratum"]), rng):
            fit.propose(place, kind, partner, luck, heat)


def _moves(women: int, rng: np.random.Generator) -> Iterator[tuple[int, int, float, float]]:
    """A chunk of proposals: a woman, what is swapped (a place in `SWAPPED`), a partner, luck."""
    return zip(
        rng.integers(women, size=CHUNK).tolist(),
        rng.integers(len(SWAPPED), size=CHUNK).tolist(),
        rng.random(CHUNK).tolist(),
        rng.random(CHUNK).tolist(),
        strict=True,
    )


class _Fit:
    """Women whose covariates are swapped, and how far Table 2 and the mean ages of Figure 6 are.

    A swap exchanges the ages, the BMIs, or (both with four or more) the miscarriages of two women of one
    stratum, so Table 1 and every count by history stay as they are.
    """

    def __init__(self, paper: Facts, women: Columns):
        self.columns = [women[name] for name in COVARIATES]
        self.births = women["live_birth"]
        self.many = [category == 2 for category in women["category"]]
        self.stratum = women["stratum"]
        self.pools = _places(self.stratum)
        self.pools_of_many = {s: [p for p in places if self.many[p]] for s, places in self.pools.items()}
        self.ages = _AgeBalance.of(paper, women)
        models = _regressions(paper, self.stratum)
        self.models = {s: (models[paper["strata"][s]["etiology"]], models["all"]) for s in self.pools}
        self.every_model = list(models.values())

    def row(self, place: int) -> tuple[float, float, float, bool]:
        ages, bmis, losses = self.columns
        return ages[place], bmis[place] / UNITS["bmi"], losses[place], self.births[place]

    def arrived(self) -> bool:
        """Refresh the models; whether all is as published."""
        for model in self.every_model:
            model.refresh(self.row)
        return self.ages.misfit(0) == 0 and all(model.arrived() for model in self.every_model)

    def propose(self, i: int, kind: int, partner: float, luck: float, heat: float) -> None:
        """Swap woman i with one of her stratum, and undo it if it makes the fit worse (by more than luck)."""
        what = SWAPPED[kind]
        if what == LOSSES and not self.many[i]:
            return
        column, stratum = self.columns[what], self.stratum[i]
        pool = self.pools_of_many[stratum] if what == LOSSES else self.pools[stratum]
        j = pool[int(partner * len(pool))]
        if column[i] == column[j]:
            return
        shift = self.ages.shift(i, j) if what == AGE else 0
        column[i], column[j] = column[j], column[i]
        rows = self.row(i), self.row(j)
        trials = [model.trial((i, j), rows) for model in self.models[stratum]]
        rise = self.ages.misfit(shift) - self.ages.misfit(0)
        for model, trial in zip(self.models[stratum], trials, strict=True):
            rise += trial[2] - model.misfit
        if rise <= 0 or luck < math.exp(-rise / heat):
            self.ages.total += shift
            for model, trial in zip(self.models[stratum], trials, strict=True):
                model.accept((i, j), *trial)
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
    def of(cls, paper: Facts, women: Columns) -> "_AgeBalance":
        facts = paper["figure6"]
        counted = [paper["strata"][s]["etiology"] == facts["etiology"] for s in women["stratum"]]
        inside = [k and c == 2 for k, c in zip(counted, women["category"], strict=True)]
        everyone = sum(age for age, k in zip(women["age"], counted, strict=True) if k)
        more, fewer = sum(inside), sum(counted) - sum(inside)
        printed = facts["mean_age"]
        allowed = [
            total
            for total in range(everyone)
            if _as(printed["four_or_more"], total / more) == printed["four_or_more"]
            and _as(printed["two_or_three"], (everyone - total) / fewer) == printed["two_or_three"]
        ]
        if not allowed:
            raise InputError("reconstruction: found no ages with Figure 6's mean ages")
        total = sum(age for age, k in zip(women["age"], inside, strict=True) if k)
        return cls(women["age"], inside, total, allowed[0], allowed[-1])

    def shift(self, i: int, j: int) -> int:
        """Change of the sum when women i and j of one stratum exchange ages."""
        return (self.ages[j] - self.ages[i]) * (self.inside[i] - self.inside[j])

    def misfit(self, shift: int) -> int:
        total = self.total + shift
        return max(0, self.lowest - total, total - self.highest) ** 2


# Marker values and the table -----------------------------------------------------------------------

#: Free choice, not published: values lie between these multiples of their cut-off.
BELOW, ABOVE = 0.35, 2.0


def _marker_values(subgroups: Sequence[str], panel: Panel, rng: np.random.Generator) -> Columns:
    """A value for every marker column, in tenths, on the side of its cut-off that the subgroup says.

    An abnormal marker with several cut-offs exceeds all of them in about half of the women, else some: free.
    Lysis rises with the effector-to-target ratio, as cut-offs do.
    """
    values: Columns = {column: [] for column in panel.columns}
    for subgroup in subgroups:
        for marker in panel.markers:
            for column, value in _marker_value(marker, marker.name in subgroup.split(" + "), rng).items():
                values[column].append(value)
    return values


def _marker_value(marker: Marker, abnormal: bool, rng: np.random.Generator) -> dict[str, float]:
    falling = sorted(marker.cutoffs, key=lambda cutoff: -cutoff.above)
    exceeded = _exceeded(len(falling), abnormal, rng)
    while True:
        tenths = [_tenths(c.above * 10, over, rng) for c, over in zip(falling, exceeded, strict=True)]
        if all(a > b for a, b in zip(tenths, tenths[1:], strict=False)):
            return {c.column: value / 10 for c, value in zip(falling, tenths, strict=True)}


def _exceeded(n: int, abnormal: bool, rng: np.random.Generator) -> list[bool]:
    """Which of a marker's n cut-offs are exceeded."""
    if not abnormal or n == 1 or rng.random() < 0.5:
        return [abnormal] * n
    while True:
        exceeded = (rng.random(n) < 0.5).tolist()
        if any(exceeded):
            return exceeded


def _tenths(cutoff: float, over: bool, rng: np.random.Generator) -> int:
    """An integer strictly above or below a cut-off: above, the fewer the higher; below, a hump half-way."""
    if over:
        span = int(min(cutoff * ABOVE, 1000) - cutoff)
        return math.floor(cutoff) + 1 + int(rng.integers(span, size=2).min())
    low, high = int(cutoff * BELOW), math.ceil(cutoff) - 1
    return low + int(rng.integers(high - low + 1, size=2).sum()) // 2


def _cohort(paper: Facts, women: Columns, panel: Panel, rng: np.random.Generator) -> pd.DataFrame:
    """The women in the columns of a validated cohort, in a drawn order."""
    n = len(women["stratum"])
    order = rng.permutation(n)
    etiology = [paper["strata"][s]["etiology"] for s in women["stratum"]]

    def column(values: Iterable[Any], dtype: str) -> pd.Series:
        return pd.Series(list(values), dtype=dtype).iloc[order].reset_index(drop=True)

    return pd.DataFrame(
        {
            "id": pd.Series([f"{paper['id']}-{k:03d}" for k in range(1, n + 1)], dtype="string"),
            "synthetic": pd.Series([True] * n, dtype="boolean"),
            "etiology": column(etiology, "string").astype(pd.CategoricalDtype(list(ETIOLOGIES))),
            "age": column(women["age"], "float64"),
            "bmi": column((value / UNITS["bmi"] for value in women["bmi"]), "float64"),
            "miscarriages": column(women["miscarriages"], "Int64"),
            "parity": column(women["parity"], "Int64"),
            **{name: column(women[name], "float64") for name in panel.columns},
            "ivig_dose_g": column(women["ivig_dose_g"], "float64"),
            "live_birth": column(women["live_birth"], "boolean"),
            "karyotype": column(women["karyotype"], "string"),
        }
    )


# What is met ---------------------------------------------------------------------------------------


class _Ledger:
    """Collects constraints, with their place in the paper and, when unmet, the reason that the facts give."""

    def __init__(self, paper: Facts, plan: Facts):
        lists = [*paper["reconstruction"]["cannot_be_met"], *plan["cannot_be_met"]]
        self.reasons = {name: " ".join(e["because"].split()) for e in lists for name in e["constraints"]}
        self.alpha = float(paper["paper"]["alpha"])
        self.rows: list[dict[str, Any]] = []
        self.where, self.how = "", "printed"

    def block(self, facts: Facts, where: str = "") -> None:
        """The facts that the next constraints come from."""
        self.where, self.how = where or facts.get("where", ""), facts.get("how", "printed")

    def add(
        self, constraint: str, target: Any, achieved: Any, met: bool | None = None, note: str = ""
    ) -> None:
        """Met when target and achieved read the same, unless told; `note` is shown when it is met."""
        met = str(target) == str(achieved) if met is None else bool(met)
        reason = self.reasons.get(constraint, "the search did not reach it")
        self.rows.append(
            {
                "constraint": constraint,
                "where": self.where,
                "how": self.how,
                "target": str(target),
                "achieved": str(achieved),
                "met": met,
                "note": note if met else reason,
            }
        )

    def p(self, constraint: str, printed: str, p: float, note: str = "") -> None:
        """A p-value that prints as published; N-S is met from the paper's alpha on."""
        if printed == "N-S":
            self.add(constraint, printed, f"{p:.3f}", p >= self.alpha)
        else:
            self.add(constraint, printed, _as(printed, p) if p >= 0.0005 else "<0.001", note=note)

    def frame(self) -> pd.DataFrame:
        columns = ["constraint", "where", "how", "target", "achieved", "met", "note"]
        texts = dict.fromkeys((c for c in columns if c != "met"), "string")
        return pd.DataFrame(self.rows, columns=columns).astype({**texts, "met": "boolean"})


def _constraints(paper: Facts, plan: Facts, cohort: pd.DataFrame, panel: Panel) -> pd.DataFrame:
    """Every number that the rows are held to, recomputed from the rows alone."""
    women = _read_back(paper, cohort, panel)
    ledger = _Ledger(paper, plan)
    for part in (
        _check_groups,
        _check_table1,
        _check_prevalence,
        _check_live_birth,
        _check_table2,
        _check_history,
        _check_figure_6,
        _check_karyotypes,
    ):
        part(ledger, paper, women)
    _check_subgroups(ledger, plan, women)
    return ledger.frame()


def _read_back(paper: Facts, cohort: pd.DataFrame, panel: Panel) -> pd.DataFrame:
    """The cohort with immune subgroup (rule "any"), stratum and history category of each row."""
    calls = classify(cohort, panel, "any")
    women = cohort.assign(
        subgroup=calls["subgroup"].astype(object),
        abnormal=(calls["immunity"] == ABNORMAL).to_numpy(dtype=bool),
        figure_6_marker=calls[paper["figure6"]["marker"]].to_numpy(dtype=bool),
        category=np.clip(cohort["miscarriages"].to_numpy(dtype=int) - 2, 0, 2),
        live_birth=cohort["live_birth"].to_numpy(dtype=bool),
    )
    names = {(paper["strata"][s]["etiology"], paper["strata"][s]["immunity"]): s for s in STRATA}
    women["stratum"] = [names[key] for key in zip(cohort["etiology"], calls["immunity"], strict=True)]
    return women


def _label(paper: Facts, stratum: str) -> str:
    facts = paper["strata"][stratum]
    return f"{facts['etiology']} {facts['immunity']}"


def _populations(women: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return {"all": women} | {name: women[women["etiology"] == name] for name in ETIOLOGIES}


def _check_groups(ledger: _Ledger, paper: Facts, women: pd.DataFrame) -> None:
    ledger.block(paper["strata"])
    for stratum in STRATA:
        n = int((women["stratum"] == stratum).sum())
        ledger.add(f"Groups: {_label(paper, stratum)}, n", paper["strata"][stratum]["n"], n)
    ledger.block(paper["enrolment"])
    ledger.add("Enrolment: included", paper["enrolment"]["included"], len(women))
    ledger.block(paper["abstract"])
    for etiology in ETIOLOGIES:
        population = women[women["etiology"] == etiology]
        ledger.add(f"Abstract: {etiology}, n", paper["abstract"][etiology], len(population))
        abnormal = int(population["abnormal"].sum())
        ledger.add(f"Abstract: {etiology}, abnormal", paper["abstract"][f"{etiology}_abnormal"], abnormal)
    ledger.block(paper["paper"], "Methods")
    dose = women["ivig_dose_g"]
    ledger.add(
        "Protocol: dose above 0 in every abnormal woman, 0 in every normal one",
        f"{int(women['abnormal'].sum())} and {int((~women['abnormal']).sum())}",
        f"{int((dose[women['abnormal']] > 0).sum())} and {int((dose[~women['abnormal']] == 0).sum())}",
    )


def _check_table1(ledger: _Ledger, paper: Facts, women: pd.DataFrame) -> None:
    groups = {stratum: women[women["stratum"] == stratum] for stratum in STRATA}
    for variable, printed in paper["table1"].items():
        if not isinstance(printed, Mapping):
            continue
        ledger.block(paper["table1"])
        for stratum, group in groups.items():
            p, x = printed[stratum], group[variable].astype("float64")
            got = {"mean": x.mean(), "sd": x.std(), "min": x.min(), "max": x.max()}
            ledger.add(
                f"Table 1: {variable}, {_label(paper, stratum)}",
                _moments_text(p),
                _moments_text({key: _as(p[key], value) for key, value in got.items()}),
            )
        anova = one_way_anova(_moments(group[variable] for group in groups.values()))
        f = printed["test"]["F"]
        ledger.add(f"Table 1: {variable}, F", f, _as(f, anova.statistic))
        ledger.p(f"Table 1: {variable}, p", printed["test"]["p"], anova.p)
    _check_moments(ledger, paper, groups)
    _check_section_3_1(ledger, paper, women, groups)


def _check_moments(ledger: _Ledger, paper: Facts, groups: Mapping[str, pd.DataFrame]) -> None:
    for stratum, group in groups.items():
        ledger.block(paper["miscarriage_sums"])
        sums, losses = paper["miscarriage_sums"][stratum], group["miscarriages"].to_numpy(dtype=int)
        ledger.add(
            f"Table 1: miscarriages, {_label(paper, stratum)}, sum and sum of squares",
            f"{sums['sum']} and {sums['sum_of_squares']}",
            f"{losses.sum()} and {(losses**2).sum()}",
        )
        ledger.block(paper["parity_counts"])
        births = np.bincount(group["parity"].to_numpy(dtype=int), minlength=3).tolist()
        name = f"Table 1: parity, {_label(paper, stratum)}, women with 0, 1, 2"
        ledger.add(name, paper["parity_counts"][stratum], births)


def _check_section_3_1(
    ledger: _Ledger, paper: Facts, women: pd.DataFrame, groups: Mapping[str, pd.DataFrame]
) -> None:
    facts = paper["section_3_1"]
    ledger.block(facts)
    for variable in ("age", "bmi"):
        for etiology in ETIOLOGIES:
            printed = facts[variable][etiology]
            mean, sd = printed.split(" ± ")
            x = women.loc[women["etiology"] == etiology, variable]
            achieved = f"{_as(mean, x.mean())} ± {_as(sd, x.std())}"
            ledger.add(f"Section 3.1: {variable}, {etiology}", printed, achieved)
        pairs = scheffe(_moments(group[variable] for group in groups.values()))
        below = sum(pair.p < float(paper["paper"]["alpha"]) for pair in pairs)
        wanted = facts["significant_scheffe_pairs"][variable]
        ledger.add(f"Section 3.1: {variable}, significant Scheffe pairs", wanted, below)


def _moments_text(values: Mapping[str, str]) -> str:
    return f"{values['mean']} ± {values['sd']} ({values['min']}-{values['max']})"


def _check_prevalence(ledger: _Ledger, paper: Facts, women: pd.DataFrame) -> None:
    facts = paper["figure2"]
    ledger.block(facts)
    table = []
    for etiology in ETIOLOGIES:
        population = women[women["etiology"] == etiology]
        high, n = int(population["abnormal"].sum()), len(population)
        table.append([high, n - high])
        ledger.add(
            f"Figure 2: abnormal, {etiology}", facts["abnormal"][etiology], f"{100 * high / n:.1f}% ({high})"
        )
        only = population["subgroup"].value_counts()
        printed = facts["nk_level_only"][etiology]
        ledger.add(f"Figure 2: NK level only, {etiology}", printed, _percent(printed, only["nk_level"], n))
        order = sorted(facts["order"], key=lambda name, only=only: -only[name])
        ledger.add(f"Figure 2: order, {etiology}", ", ".join(facts["order"]), ", ".join(order))
    ledger.p("Figure 2: abnormal, known v idiopathic, p", facts["p"], _pearson_p(table))


def _check_live_birth(ledger: _Ledger, paper: Facts, women: pd.DataFrame) -> None:
    facts = paper["figure3"]
    ledger.block(facts)
    table = []
    for name, chosen in (("abnormal", women["abnormal"]), ("normal", ~women["abnormal"])):
        born, n = int(women.loc[chosen, "live_birth"].sum()), int(chosen.sum())
        table.append([born, n - born])
        achieved = f"{100 * born / n:.1f}% ({born}/{n})"
        ledger.add(f"Figure 3: live birth, {name} immunity", facts[name], achieved)
    ledger.p("Figure 3: live birth, abnormal v normal, p", facts["p"], _pearson_p(table))
    idiopathic = women[women["etiology"] == "idiopathic"]
    printed, cells = facts["idiopathic_subgroups"], _births(idiopathic, ["subgroup"])
    rates = {name: born / (born + lost) for name, (born, lost) in cells.items() if name != NORMAL}
    for end, pick in (("highest", max), ("lowest", min)):
        name = pick(rates, key=rates.__getitem__)
        born, lost = cells[name]
        wanted = f"{printed[end]['rate']} ({printed[end]['subgroup']})"
        achieved = f"{_percent(printed[end]['rate'], born, born + lost)} ({name})"
        ledger.add(f"Figure 3: {end} rate of the idiopathic subgroups", wanted, achieved)
    ledger.add(
        "Figure 3: women in the empty idiopathic subgroup", 0, sum(cells.get(printed["empty"], (0, 0)))
    )
    ledger.p(
        "Figure 3: live birth over the idiopathic subgroups, p", printed["p"], _pearson_p(cells.values())
    )
    both = _births(women, ["etiology", "subgroup"]).values()
    name = "Figure 3: live birth over the subgroups of known and idiopathic, p"
    note = (
        f"Pearson over {len(both)} cells of etiology by subgroup, normal included; which table is not stated"
    )
    ledger.p(name, facts["known_v_idiopathic_subgroups_p"], _pearson_p(both), note)


def _births(women: pd.DataFrame, by: list[str]) -> dict[Any, tuple[int, int]]:
    """Live births and miscarriages of each group that holds a woman."""
    sums = women.groupby(by, observed=True)["live_birth"].agg(["sum", "count"])
    return {k: (int(b), int(n - b)) for k, b, n in zip(sums.index, sums["sum"], sums["count"], strict=True)}


def _check_table2(ledger: _Ledger, paper: Facts, women: pd.DataFrame) -> None:
    ledger.block(paper["table2"])
    tolerance = paper["reconstruction"]["tolerance"]
    within = {name: f"(within {size})" for name, size in tolerance.items()}
    for name, population in _populations(women).items():
        model = fit(population[list(COVARIATES)], population["live_birth"])
        ratios, ends = np.exp(model.coefficients), np.exp(model.wald()).T
        for k, variable in enumerate(COVARIATES, start=1):
            printed, head = paper["table2"][name][variable], f"Table 2, {name}, {variable}"
            ledger.add(f"{head}: B", printed["B"], _as(printed["B"], model.coefficients[k]))
            ledger.add(f"{head}: odds ratio", printed["odds_ratio"], _as(printed["odds_ratio"], ratios[k]))
            wanted = [float(printed["lower"]), float(printed["upper"])]
            close = np.abs(ends[k] - wanted).max() <= tolerance["interval"]
            target = f"{printed['lower']}-{printed['upper']} {within['interval']}"
            ledger.add(f"{head}: 95% interval", target, f"{ends[k][0]:.3f}-{ends[k][1]:.3f}", close)
            close = abs(model.p[k] - float(printed["p"])) <= tolerance["p"]
            ledger.add(f"{head}: p", f"{printed['p']} {within['p']}", f"{model.p[k]:.3f}", close)


def _check_history(ledger: _Ledger, paper: Facts, women: pd.DataFrame) -> None:
    for name, population in _populations(women).items():
        ledger.block(paper["figure4"])
        born = _by_category(population, population["live_birth"])
        ledger.p(f"Figure 4, {name}: p", paper["figure4"]["p"][name], _pearson_p(born))
        events, others = born[2]
        printed = paper["figure4"]["four_or_more"][name]
        achieved = _percent(printed, events, events + others)
        ledger.add(f"Figure 4, {name}: live birth, four or more", printed, achieved)
        ledger.block(paper["four_or_more_rows"])
        counts = [events, events + others]
        target = paper["four_or_more_rows"][name]
        ledger.add(f"Figure 4, {name}: live births and women, four or more", target, counts)
        ledger.block(paper["figure5"])
        high = _by_category(population, population["abnormal"])
        ledger.p(f"Figure 5, {name}: p", paper["figure5"]["p"][name], _pearson_p(high))
        rates = [a / (a + b) for a, b in high]
        shown = ", ".join(f"{100 * rate:.1f}%" for rate in rates)
        ledger.add(
            f"Figure 5, {name}: direction", paper["figure5"]["direction"], shown, rates == sorted(rates)
        )


def _by_category(women: pd.DataFrame, event: pd.Series) -> list[list[int]]:
    """Women with and without an event, for 2, 3 and 4+ miscarriages."""
    event = event.to_numpy(dtype=bool)
    category = women["category"].to_numpy()
    return [
        [int(event[category == k].sum()), int((~event[category == k]).sum())] for k in range(len(CATEGORIES))
    ]


def _check_figure_6(ledger: _Ledger, paper: Facts, women: pd.DataFrame) -> None:
    facts = paper["figure6"]
    known = women[women["etiology"] == facts["etiology"]]
    two, three, more = _by_category(known, known["figure_6_marker"])
    fewer = [a + b for a, b in zip(two, three, strict=True)]
    for name, (high, low) in (("two_or_three", fewer), ("four_or_more", more)):
        text = name.replace("_", " ")
        ledger.block(facts)
        ledger.add(f"Figure 6: high Th1/Th2, {text}", facts[name], _percent(facts[name], high, high + low))
        ages = known.loc[(known["category"] == 2) == (name == "four_or_more"), "age"]
        mean = facts["mean_age"][name]
        ledger.add(f"Figure 6: mean age, {text}", mean, _as(mean, ages.mean()))
        ledger.block(paper["figure6_rows"])
        ledger.add(
            f"Figure 6: women with high Th1/Th2, {text}", paper["figure6_rows"][name], [high, high + low]
        )
    ledger.block(facts)
    ledger.p("Figure 6: high Th1/Th2, 2-3 v 4+, p", facts["p"], _pearson_p([fewer, more]))
    by_history = [known.loc[(known["category"] == 2) == side, "age"] for side in (False, True)]
    p = one_way_anova(_moments(by_history)).p
    ledger.p("Figure 6: mean age, 2-3 v 4+, p", facts["mean_age"]["p"], p)
    rows = {name: women[name].tolist() for name in ("stratum", "subgroup", "category")}
    for name, p in _history_p(paper, rows).items():
        ledger.p(f"Figure 6: {name}", facts["other_markers"], p)


def _check_karyotypes(ledger: _Ledger, paper: Facts, women: pd.DataFrame) -> None:
    lost = women[~women["live_birth"]]
    tested = lost[lost["karyotype"].isin(["euploid", "aneuploid"])]
    facts = paper["figure7"]
    ledger.block(facts)
    ledger.add("Figure 7, all: karyotyped", facts["tested"], len(tested))
    ledger.add("Figure 7, all: miscarriages", facts["miscarriages"], len(lost))
    for name, population in _populations(tested).items():
        table = _by_category(population, population["karyotype"] == "aneuploid")
        ledger.p(f"Figure 7, {name}: p", facts["p"][name], _pearson_p(table))
    ledger.block(paper["table3"])
    euploidy = {True: [0, 0], False: [0, 0]}
    for stratum in STRATA:
        printed, head = paper["table3"][stratum], f"Table 3, {_label(paper, stratum)}"
        n = int((women["stratum"] == stratum).sum())
        losses = int((lost["stratum"] == stratum).sum())
        kinds = tested.loc[tested["stratum"] == stratum, "karyotype"]
        known, euploid = len(kinds), int((kinds == "euploid").sum())
        ledger.add(f"{head}: miscarriages", printed["miscarriages"], losses)
        ledger.add(f"{head}: karyotyped", printed["tested"], known)
        ledger.add(f"{head}: euploid", printed["euploid"], f"{euploid} ({100 * euploid / known:.1f}%)")
        followed = n - (losses - known)
        failure = f"{euploid}/{followed} ({100 * euploid / followed:.1f}%)"
        ledger.add(f"{head}: treatment failure", printed["failure"], failure)
        side = euploidy[paper["strata"][stratum]["immunity"] == NORMAL]
        side[0] += euploid
        side[1] += known - euploid
    p = paper["table3"]["euploid_normal_v_abnormal_p"]
    ledger.p("Table 3: euploid, normal v abnormal, p", p, _pearson_p(euploidy.values()))
    for printed in paper["table3"]["unplaced_p"]:
        ledger.add(f"Table 3: p {printed}", printed, "not compared", met=False)


def _check_subgroups(ledger: _Ledger, plan: Facts, women: pd.DataFrame) -> None:
    ledger.where, ledger.how = "Figures 2 and 3", "reconstructed"
    for etiology, cells in plan["subgroups"].items():
        found = _births(women[women["etiology"] == etiology], ["subgroup"])
        for name, target in cells.items():
            born, lost = found.get(name, (0, 0))
            ledger.add(f"Subgroup, {etiology}, {name}: women and live births", target, [born + lost, born])


# Numbers as printed ----------------------------------------------------------------------------------------


def _as(printed: str, value: float) -> str:
    """A value with as many decimals as the printed one."""
    _, _, decimals = printed.strip("%").partition(".")
    return f"{value:.{len(decimals)}f}"


def _percent(printed: str, events: int, n: int) -> str:
    return _as(printed, 100 * events / n) + "%"


def _pearson_p(table: Iterable[Sequence[int]]) -> float:
    return pearson([list(row) for row in table]).p


def _moments(groups: Iterable[pd.Series]) -> Summary:
    samples = [group.to_numpy(dtype=float) for group in groups]
    return summarise(samples, [str(k) for k in range(len(samples))])
