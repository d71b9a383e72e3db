"""Ranges of recomputed numbers: the truth always lies within, and ends are attained where they are exact."""

import json
import math
from itertools import combinations_with_replacement, product
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from decidua.audit import contingency, ranges, wald, whole
from decidua.audit.boxes import Box, Range
from decidua.audit.formula import formula_range
from decidua.audit.ranges import Group

CASES = 150
R = json.loads((Path(__file__).parents[1] / "reference" / "r-statistics.json").read_text())


def printed(value: float, digits: int) -> Box:
    """What is known of a number when it is printed with so many decimals."""
    unit = 10.0**-digits
    centre = round(float(value), digits)
    return Box(centre - unit / 2, centre + unit / 2, unit)


def point(value: float) -> Box:
    return Box(value, value)


def holds(found: Range, value: float) -> bool:
    return Box(value, value).meets(found)


def samples(rng: np.random.Generator, groups: int) -> list[np.ndarray]:
    spread = rng.choice([0.5, 3.0, 20.0], groups)
    return [rng.normal(30 + rng.normal(0, 2), s, rng.integers(2, 60)) for s in spread]


def grouped(data: list[np.ndarray], digits: int) -> list[Group]:
    return [Group(len(x), printed(x.mean(), digits), printed(x.std(ddof=1), digits)) for x in data]


def welch(data: list[np.ndarray]) -> tuple[float, float]:
    """Welch's ANOVA by an independent implementation."""
    from statsmodels.stats.oneway import anova_oneway

    found = anova_oneway(data, use_var="unequal", welch_correction=True)
    return found.statistic, found.pvalue


def test_f_and_p_of_data_lie_within_the_range_of_their_rounded_summaries():
    rng = np.random.default_rng(1)
    for _ in range(CASES):
        data = samples(rng, int(rng.integers(2, 6)))
        groups = grouped(data, int(rng.integers(0, 4)))
        statistic, p = stats.f_oneway(*data)
        assert holds(ranges.anova_f(groups)["ANOVA"], statistic)
        assert holds(ranges.anova_p(groups)["ANOVA"], p)
        f, p = welch(data)
        assert holds(ranges.anova_f(groups)["Welch's ANOVA"], f)
        assert holds(ranges.anova_p(groups)["Welch's ANOVA"], p)


def test_t_and_p_of_data_lie_within_the_range_of_their_rounded_summaries():
    rng = np.random.default_rng(2)
    for _ in range(CASES):
        data = samples(rng, 2)
        groups = grouped(data, int(rng.integers(0, 4)))
        for method, equal in (("Student's t", True), ("Welch's t", False)):
            t, p = stats.ttest_ind(*data, equal_var=equal)
            assert holds(ranges.t_statistic(*groups)[method], abs(t))
            assert holds(ranges.t_p(*groups)[method], p)


def test_ranges_shrink_to_the_point_with_more_digits():
    data = samples(np.random.default_rng(3), 3)
    groups = grouped(data, 10)
    widths = [found.high - found.low for found in ranges.anova_f(groups).values()]
    assert max(widths) < 1e-6
    assert ranges.anova_f(groups)["ANOVA"].low == pytest.approx(stats.f_oneway(*data)[0], rel=1e-6)


def test_mean_and_sd_of_a_union_lie_within_the_range_of_the_groups():
    rng = np.random.default_rng(4)
    for _ in range(CASES):
        data = samples(rng, int(rng.integers(2, 6)))
        groups, union = grouped(data, int(rng.integers(0, 3))), np.concatenate(data)
        assert holds(ranges.pooled_mean(groups), union.mean())
        assert holds(ranges.pooled_sd(groups)["SD of the union"], union.std(ddof=1))


def test_least_and_most_between_groups_are_those_of_a_grid_and_of_the_corners():
    rng = np.random.default_rng(5)
    for _ in range(20):
        n, low = rng.integers(2, 50, 3).astype(float), rng.normal(0, 1, 3)
        high = low + rng.random(3)
        x = np.array(list(product(*np.linspace(low, high, 25).T)))
        between = ((x - (x @ n / n.sum())[:, None]) ** 2) @ n
        least, (most, exact) = ranges.least_between(n, low, high), ranges.most_between(n, low, high)
        assert exact and most == pytest.approx(between.max())
        step = ((high - low) / 24).max()
        assert -1e-9 <= between.min() - least <= n.sum() * (step**2 + 2 * step * math.sqrt(least / n.sum()))


def test_many_groups_have_an_outer_bound_near_the_largest_corner():
    rng = np.random.default_rng(6)
    n, low = rng.integers(2, 50, 10).astype(float), rng.normal(0, 1, 10)
    high = low + rng.random(10)
    most = ranges.most_between(n, low, high)[0]
    # Two more groups on top of one of them leave the maximum; 13 are no longer tried corner by corner.
    more = [np.r_[each[:-1], [each[-1]] * 4] for each in (low, high)]
    bound, exact = ranges.most_between(np.r_[n[:-1], [n[-1] / 4] * 4], *more)
    assert not exact and most * (1 - 1e-12) <= bound <= 1.2 * most


def test_groups_without_spread_or_women_crash_nothing():
    groups = [Group(10, point(0), point(0)), Group(12, point(2), point(1)), Group(1, point(1), point(0))]
    # By hand: 11 + 0 within, mean 25 / 23.
    between = 10 * (25 / 23) ** 2 + 12 * (2 - 25 / 23) ** 2 + (1 - 25 / 23) ** 2
    assert ranges.anova_f(groups)["ANOVA"].low == pytest.approx(between / 2 / (11 / 20))
    assert "Welch's ANOVA" not in ranges.anova_f(groups)
    nobody_varies = [Group(10, point(0), point(0)), Group(12, point(0), point(0))]
    assert ranges.anova_f(nobody_varies)["ANOVA"] == Range(0.0, math.inf, exact=False)


def test_pairs_by_tukey_are_those_of_scipy():
    data = samples(np.random.default_rng(7), 4)
    p = stats.tukey_hsd(*data).pvalue
    expected = sum(p[i, j] < 0.05 for i in range(4) for j in range(i))
    assert holds(ranges.significant_pairs(grouped(data, 4))["Tukey"], expected)


def coefficient(rng: np.random.Generator) -> dict[str, Box]:
    b, se, d = rng.normal(0, 1), rng.gamma(2, 0.2) + 0.01, rng.integers(1, 4, 7)
    z = b / se
    width = stats.norm.isf(0.025) * se
    values = (b, math.exp(b), math.exp(b - width), math.exp(b + width), se, z, 2 * stats.norm.sf(abs(z)))
    return {m: printed(v, int(k)) for m, v, k in zip(wald.MEMBERS, values, d, strict=True)}


def test_every_member_of_a_coefficient_meets_what_the_others_allow():
    rng = np.random.default_rng(8)
    for _ in range(CASES):
        members = coefficient(rng)
        kept = {m: members[m] for m in rng.permutation(wald.MEMBERS)[: rng.integers(2, 8)].tolist()}
        found = wald.wald(kept)
        for member, box in members.items():
            assert box.meets(found[member]["Wald"]), (member, kept)
        assert wald.contradictions(kept) == []


def test_the_polygon_gives_the_ends_that_linear_programming_gives():
    from scipy.optimize import linprog

    rng = np.random.default_rng(9)
    q = stats.norm.isf(0.025)
    for _ in range(20):
        members = coefficient(rng)
        rows = [[0, 1], [0, -1], [1, -q], [-1, q], [1, q], [-1, -q]]
        ends = [members["se"].high, -members["se"].low]
        for member in ("lower", "upper"):
            box = members[member]
            ends += [math.log(box.high), -math.log(box.low) if box.low > 0 else 1e6]
        best = [linprog([s, 0], rows, ends, bounds=[(None, None), (0, None)]).fun * s for s in (1, -1)]
        found = wald.wald({m: members[m] for m in ("lower", "upper", "se")})["B"]["Wald"]
        assert (found.low, found.high) == pytest.approx(best, abs=1e-6)


def test_a_sign_that_disagrees_with_the_ratio_lies_outside_and_the_pair_is_named():
    members = {
        "B": printed(0.08, 3),
        "ratio": printed(0.924, 3),
        "lower": printed(0.867, 3),
        "upper": printed(0.984, 3),
    }
    assert wald.wald(members)["B"]["Wald"].high < 0
    assert ("B", "ratio") in wald.contradictions(members)
    without = {**members, "p": printed(0.014, 3)}
    assert wald.wald(without)["p"]["Wald"].empty


def test_an_interval_of_another_level_and_a_one_sided_p_are_named():
    # log(2) -+ 1.644854 * 0.3; p = 2 (1 - Phi(2.310491)) = 0.020861.
    members = {
        "ratio": printed(2, 3),
        "lower": printed(1.2210, 3),
        "upper": printed(3.2760, 3),
        "se": printed(0.3, 4),
    }
    found = wald.wald(members)
    assert not printed(1.2210, 3).meets(found["lower"]["Wald"])
    assert printed(1.2210, 3).meets(found["lower"]["90% interval"])
    z = math.log(2) / 0.3
    p = wald.wald({"ratio": point(2), "se": point(0.3)})["p"]["one-sided p"]
    assert (p.low, p.high) == pytest.approx([stats.norm.sf(z)] * 2)


def test_statistics_of_tables_are_those_of_r():
    for table in R["tables"]:
        x, n = np.array(table["events"]), np.array(table["totals"])
        counts = np.array([[x, n - x]])
        statistic, p = contingency.statistic_ranges(counts), contingency.p_ranges(counts)
        for method, key in (
            ("Pearson", "pearson"),
            ("likelihood ratio", "likelihood_ratio"),
            ("Cochran-Armitage trend", "cochran_armitage"),
            ("linear-by-linear", "linear_by_linear"),
        ):
            assert [statistic[method].low, p[method].low] == pytest.approx(table[key], rel=1e-9)
        if "Fisher" in p:
            assert p["Fisher"].low == pytest.approx(table["fisher_p"], rel=1e-6)
        if table["yates_p"] is not None:
            assert p["Yates"].low == pytest.approx(table["yates_p"], rel=1e-9)


def test_the_range_over_candidate_tables_is_that_of_a_loop():
    tables, complete = contingency.candidates([[[3, 4, 5], [6]], [[2, 3], [9, 10]]])
    assert complete and len(tables) == 12
    p = [stats.fisher_exact(table).pvalue for table in tables]
    assert contingency.p_ranges(tables)["Fisher"].low == pytest.approx(min(p))
    assert contingency.p_ranges(tables)["Fisher"].high == pytest.approx(max(p))
    some, complete = contingency.candidates([[[3, 4, 5], [6]], [[2, 3], [9, 10]]], limit=5)
    assert len(some) == 5 and not complete
    assert not contingency.p_ranges(some, complete)["Pearson"].finished


def test_ratios_of_a_table_are_those_of_statsmodels():
    from statsmodels.stats.contingency_tables import Table2x2

    table = np.array([[10, 20], [15, 5]])
    other = Table2x2(table)
    for measure, method, estimate, interval, p in (
        ("odds_ratio", "Woolf", other.oddsratio, other.oddsratio_confint(), other.oddsratio_pvalue()),
        ("risk_ratio", "Katz", other.riskratio, other.riskratio_confint(), other.riskratio_pvalue()),
    ):
        found = contingency.two_by_two(table[None], measure)
        got = [found[part][method].low for part in ("estimate", "lower", "upper", "p")]
        assert got == pytest.approx([estimate, *interval, p])
    exact = stats.contingency.odds_ratio(table)
    assert contingency.two_by_two(table[None])["estimate"]["conditional exact"].low == pytest.approx(
        exact.statistic, rel=1e-4
    )


def test_tables_with_empty_cells_rows_and_columns_crash_nothing():
    tables = np.array([[[0, 20], [15, 5]], [[0, 0], [15, 5]], [[0, 20], [0, 5]]])
    assert contingency.p_ranges(tables)["Pearson"].finished
    assert contingency.two_by_two(tables[:1])["estimate"]["Woolf"] == Range(0.0, 0.0)
    assert "Woolf" not in contingency.two_by_two(tables[:1])["lower"]
    assert contingency.p_ranges(tables[1:2]).get("Pearson") is None


def test_formulas_hold_their_value_and_are_exact_where_names_stand_once():
    rng = np.random.default_rng(10)
    texts = (
        "100 * a / (b - (c - d))",
        "(a - b) / (a + b)",
        "a * a - b * a",
        "a / b - c / d",
        "-a + 2 * (b - a)",
    )
    for text, _ in product(texts, range(20)):
        values = dict(zip("abcd", rng.uniform(1, 9, 4), strict=True))
        boxes = {name: printed(v, int(rng.integers(0, 3))) for name, v in values.items()}
        assert holds(formula_range(text, boxes), eval(text, values))
    # By hand: a / (a + b) grows with a and falls with b.
    assert formula_range("a / (a + b)", {"a": Box(1, 2), "b": Box(3, 4)}) == Range(0.2, 0.4)
    assert formula_range("1 / a", {"a": Box(-1, 2)}).high == math.inf


def whole_sample(rng: np.random.Generator) -> np.ndarray:
    n = int(rng.integers(2, 40))
    if rng.random() < 0.2:
        return rng.choice([0.0, 0.0, 1.0, 7.0], n)
    return np.round(rng.normal(30, rng.choice([1, 4, 15]), n))


def test_means_and_sds_of_whole_numbers_and_of_tenths_are_never_excluded():
    rng = np.random.default_rng(11)
    for _ in range(CASES):
        step = float(rng.choice([1.0, 0.1]))
        x = whole_sample(rng) * step
        mean, digits = printed(x.mean(), int(rng.integers(0, 4))), int(rng.integers(0, 4))
        assert mean.meets(whole.attainable_mean(mean, len(x), step))
        low, high = point(x.min()), point(x.max())
        for name, sd in zip(whole.DIVISORS, (x.std(ddof=1), x.std()), strict=True):
            box = printed(sd, digits)
            for given in ((step,), (step, low, high), (None, low, high)):
                assert box.meets(whole.attainable_sd(mean, box, len(x), *given)[name])
        rounded = [printed(end, int(rng.integers(0, 3))) for end in (x.min(), x.max())]
        assert mean.meets(whole.mean_between(len(x), *rounded))
        box = printed(x.std(ddof=1), digits)
        assert box.meets(whole.attainable_sd(mean, box, len(x), None, *rounded)[whole.DIVISORS[0]])


def test_sds_of_few_whole_numbers_are_exactly_those_of_all_samples():
    low, high = 0, 5
    for n in (2, 3, 4):
        every = [
            x
            for x in combinations_with_replacement(range(low, high + 1), n)
            if min(x) == low and max(x) == high
        ]
        for total in {sum(x) for x in every}:
            sds = [np.std(x, ddof=1) for x in every if sum(x) == total]
            found = whole.attainable_sd(point(total / n), Box(0, 9), n, 1.0, point(low), point(high))
            found = found["divisor n - 1"]
            assert found.exact and (found.low, found.high) == pytest.approx((min(sds), max(sds)))
            between = whole.squares_between(n, point(total / n), point(low), point(high))
            assert (
                between.low <= min(sds) ** 2 * (n - 1) + 1e-9
                and between.high >= max(sds) ** 2 * (n - 1) - 1e-9
            )


def test_impossible_means_sds_and_percentages_give_the_nearest_possible():
    # 5.19 with 28 whole numbers: 145 / 28 = 5.1786, 146 / 28 = 5.2143 (Brown and Heathers 2017).
    assert whole.attainable_mean(printed(5.19, 2), 28).low == pytest.approx(145 / 28)
    # Two whole numbers with mean 2.5 differ by 1, 3, ...: SD 0.7071, 2.1213.
    assert whole.attainable_sd(printed(2.5, 1), printed(1.4, 1), 2)["divisor n - 1"].low == pytest.approx(
        2**-0.5
    )
    assert whole.attainable_percent(printed(51.0, 1), 14).low == pytest.approx(50.0)
    assert whole.integers_of(printed(50.0, 1), 14) == range(7, 8)
    assert list(whole.integers_of(printed(51.0, 1), 14)) == []
