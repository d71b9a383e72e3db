"""Checks of samples: what is planted is flagged, what is not is not, and what cannot be checked says why."""

from functools import cache

import numpy as np
import pandas as pd
import pytest

from decidua import results
from decidua.config import load_yaml
from decidua.expression import log2_normalised, principal_components, quality, size_factors
from decidua.figures.expression import plot_qc, qc_source
from decidua.sample_checks import (
    DISTANCE,
    DUPLICATE,
    GENES,
    LIBRARY,
    LIKENESS,
    RULES,
    SWAP,
    XIST,
    Y_LINKED,
    check_samples,
    robust_z,
)
from decidua.study_report import study_section

SEX = load_yaml("workflow/resources/genes/y_linked.yaml")
N, GENES_DRAWN = 20, 600


@cache
def drawn(seed=5):
    """Samples of ten women, two each, who differ from each other; no one else is unlike the rest."""
    rng = np.random.default_rng(seed)
    women = np.repeat(np.arange(N // 2), 2)
    log = rng.normal(4.5, 2.0, GENES_DRAWN)[:, None] + rng.normal(0, 0.5, (GENES_DRAWN, N // 2))[:, women]
    mean = np.exp(log + rng.normal(0, 0.25, (GENES_DRAWN, N)))
    counts = pd.DataFrame(rng.poisson(mean).astype(np.int32), columns=[f"S{i:02d}" for i in range(N)])
    counts.index = pd.Index([f"G{i}" for i in range(GENES_DRAWN)], name="gene")
    return counts, [f"W{woman}" for woman in women]


def checked(counts, groups, sex_checks=True):
    components = principal_components(log2_normalised(counts, size_factors(counts)), 200)
    return check_samples(counts, quality(counts), components, groups, SEX, sex_checks)


def flagged(checks, rule):
    flags = checks.samples.set_index("sample")["flags"]
    return [sample for sample, text in flags.dropna().items() if rule in text.split("; ")]


def rows(checks):
    return checks.summary.set_index("variable")


def test_robust_z_by_hand():
    # median 3, distances 2 1 0 1 97, their median 1: 0.6745 * 97
    scores, reason = robust_z(np.array([1.0, 2, 3, 4, 100]))
    assert reason is None and scores[4] == pytest.approx(0.6745 * 97) and scores[2] == 0


@pytest.mark.parametrize(
    ("values", "reason"),
    [([1.0, 2, 3, 9], "fewer than 5 samples"), ([1.0, 1, 1, 1, 9], "more than half of the samples")],
)
def test_a_robust_z_that_cannot_be_had_says_why(values, reason):
    scores, found = robust_z(np.array(values))
    assert np.isnan(scores).all() and found.startswith(reason)


def test_right_samples_raise_no_suspicion_of_swaps_or_duplicates():
    checks = checked(*drawn())
    assert flagged(checks, SWAP) == flagged(checks, DUPLICATE) == []
    assert rows(checks).loc[SWAP, "denominator"] == N


def test_of_two_samples_that_changed_places_both_pairs_are_suspected_and_no_other_pair():
    counts, groups = drawn()
    order = list(counts.columns)
    order[0], order[7] = order[7], order[0]
    swapped = counts[order].set_axis(counts.columns, axis=1)
    # each is a stranger to its new group, and the sample that stayed there is a stranger to it
    found = set(flagged(checked(swapped, groups), SWAP))
    assert found & {"S00", "S01"} and found & {"S06", "S07"} and found <= {"S00", "S01", "S06", "S07"}


def test_the_same_library_under_two_women_is_flagged_on_both():
    counts, groups = drawn()
    again = counts.copy()
    again["S09"] = np.random.default_rng(1).binomial(counts["S02"], 0.8)  # sequenced less deeply
    assert set(flagged(checked(again, groups), DUPLICATE)) >= {"S02", "S09"}
    same_woman = [f"W{i}" for i in (0, 1, 2, 3, 4, 5, 6, 7, 8, 2, *range(10, 20))]
    assert flagged(checked(again, same_woman), DUPLICATE) == []


def test_a_shallow_and_a_foreign_sample_are_outliers():
    counts, groups = drawn()
    odd = counts.copy()
    odd["S04"] = np.random.default_rng(1).binomial(counts["S04"], 0.01)
    odd["S11"] = np.random.default_rng(2).permutation(counts["S11"])
    checks = checked(odd, groups)
    assert flagged(checks, LIBRARY) == ["S04"] and "S04" in flagged(checks, GENES)
    assert flagged(checks, LIKENESS)[-1:] == ["S11"] and "S11" in flagged(checks, DISTANCE)


@pytest.mark.parametrize("names", ["symbols", "ensembl", "entrez"])
def test_a_man_among_women_is_flagged_by_whatever_the_genes_are_called(names):
    counts, groups = drawn()
    ids = {**SEX["y_linked"], **SEX["xist"]}
    called = {
        "symbols": list(ids),
        "ensembl": [f"{entry['ensembl']}.12" for entry in ids.values()],
        "entrez": [str(entry["entrez"]) for entry in ids.values()],
    }[names]
    more = pd.DataFrame(0, index=called, columns=counts.columns, dtype=np.int32)
    more.iloc[-1] = 400
    more["S13"] = [300] * len(SEX["y_linked"]) + [0]
    checks = checked(pd.concat([counts, more]).rename_axis("gene"), groups)
    assert flagged(checks, Y_LINKED) == flagged(checks, XIST) == ["S13"]


def test_without_these_genes_sex_is_not_estimable_and_says_which_were_sought():
    found = rows(checked(*drawn())).loc[[Y_LINKED, XIST]]
    assert (found["status"] == results.NOT_ESTIMABLE).all()
    assert "none of RPS4Y1, DDX3Y" in found.loc[Y_LINKED, "reason"] and "XIST" in found.loc[XIST, "reason"]


def test_where_men_are_meant_the_checks_of_sex_are_switched_off_and_say_so():
    counts, groups = drawn()
    ids = [*SEX["y_linked"], *SEX["xist"]]
    of_men = pd.DataFrame(300, index=ids, columns=counts.columns, dtype=np.int32)
    of_men.loc[list(SEX["xist"])] = 0
    counts = pd.concat([counts, of_men]).rename_axis("gene")
    on, off = checked(counts, groups), checked(counts, groups, sex_checks=False)
    assert rows(on).loc[Y_LINKED, "numerator"] == rows(on).loc[XIST, "numerator"] == N
    assert not flagged(off, Y_LINKED) and not flagged(off, XIST)
    found = rows(off).loc[[Y_LINKED, XIST]]
    assert (found["status"] == results.NOT_ESTIMABLE).all() and set(found["reason"]) == {"switched off"}
    rest = [rule for rule in RULES if rule not in (Y_LINKED, XIST)]
    pd.testing.assert_frame_equal(rows(on).loc[rest], rows(off).loc[rest])
    pd.testing.assert_series_equal(on.samples["y_linked_cpm"], off.samples["y_linked_cpm"])


def test_without_groups_there_is_nothing_to_swap():
    found = rows(checked(drawn()[0], [pd.NA] * N)).loc[SWAP]
    assert found["status"] == results.NOT_ESTIMABLE and found["reason"].startswith("no group has two samples")


def test_four_samples_have_no_outliers_but_every_rule_has_its_row():
    counts = drawn()[0].iloc[:, :4]
    checks = checked(counts, [pd.NA] * 4)
    assert list(checks.summary["variable"]) == [*RULES, "any"]
    assert (rows(checks).loc[list(RULES), "status"] == results.NOT_ESTIMABLE).all()
    assert rows(checks).loc["any", "numerator"] == 0 and len(checks.samples) == 4


def test_the_order_of_samples_changes_no_flag():
    counts, groups = drawn()
    order = np.random.default_rng(2).permutation(N)
    one = checked(counts, groups).samples.set_index("sample")
    two = checked(counts.iloc[:, order], [groups[i] for i in order]).samples.set_index("sample")
    pd.testing.assert_series_equal(one["flags"], two["flags"].loc[one.index])


def test_no_name_of_a_sample_leaves_the_restricted_table():
    counts, groups = drawn()
    odd = counts.copy()
    odd["S04"] = np.random.default_rng(1).binomial(counts["S04"], 0.01)
    checks = checked(odd, groups)
    section = study_section("x", "X", "", {"quality_summary": checks.summary}, [])
    said = checks.summary.to_csv() + str(section)
    assert not any(name in said for name in counts.columns)
    assert "1 of 20 were flagged" in section.cautions[0] and "restricted" in section.cautions[0]


def test_the_figure_rings_the_samples_flagged_in_each_panel():
    counts, groups = drawn()
    odd = counts.copy()
    odd["S04"] = np.random.default_rng(1).binomial(counts["S04"], 0.01)
    table = quality(odd).merge(checked(odd, groups).samples, on="sample")
    samples = pd.DataFrame({"sample": counts.columns, "label": ["case", "control"] * (N // 2)})
    source = qc_source(table, samples)
    assert list(source.columns) == [
        "label", "library_size", "detected_genes", "median_correlation", "flagged",
    ]  # fmt: skip
    figure = plot_qc(source, labels={})
    rings = [line for axes in figure.axes for line in axes.lines if line.get_label() == "flagged"]
    assert sum(len(line.get_xdata()) for line in rings) == 3 * source["flagged"].sum()
