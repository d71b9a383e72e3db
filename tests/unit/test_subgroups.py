"""Subgroups: planted ones are found in their number, one cloud is one, names follow from who is in them."""

import numpy as np
import pandas as pd
import pytest
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.stats import chi2_contingency, fisher_exact
from sklearn.metrics import adjusted_rand_score

from decidua import results
from decidua.errors import InputError
from decidua.learning.consensus import _cuts, _ward, choose, cloud, consensus, members
from decidua.signatures import Expression
from decidua.study_report import study_section
from decidua.subgroup_names import WITH_BATCH, names
from decidua.subgroups import find_subgroups, permuted_p

QUICK = {"resamplings": 20, "draws": 19}


def blobs(sizes, distance, genes=30, seed=1):
    """Samples x genes: Gaussian clusters around centres of their own, and the cluster of each sample."""
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(len(sizes)), sizes)
    return rng.normal(size=(len(codes), genes)) + distance * rng.normal(size=(len(sizes), genes))[
        codes
    ], codes


def study(values, labels, truth=None):
    samples = [f"S{i:03d}" for i in range(len(values))]
    genes = [f"G{i:03d}" for i in range(values.shape[1])]
    of = Expression(
        pd.DataFrame(values.T + 10, index=genes, columns=samples), np.ones(len(genes), dtype=bool)
    )
    table = pd.DataFrame({"sample": samples, "label": labels, "group": pd.NA}).astype("string")
    scores = pd.DataFrame({"sample": samples, "NK": values.mean(axis=1)})
    truth = None if truth is None else pd.DataFrame({"sample": samples, "subgroup": truth})
    return of, table, scores, truth


@pytest.mark.parametrize("sizes", [(20, 20), (20, 15, 12), (15, 15, 15, 15)])
def test_planted_clusters_are_found_and_their_number_is_right(sizes):
    values, codes = blobs(sizes, 1.5)
    choice = choose(values, [2, 3, 4, 5], np.random.default_rng(0), **QUICK)
    assert choice.number == len(sizes)
    assert choice.p == 1 / 20
    matrix = choice.observed.matrices[choice.observed.numbers.index(choice.number)]
    assert adjusted_rand_score(codes, members(matrix, choice.number)) == 1


def test_one_gaussian_cloud_is_one_cluster_however_stretched():
    numbers = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        values = rng.normal(size=(30, 20)) * np.geomspace(5, 0.5, 20)
        numbers.append(choose(values, [2, 3, 4], rng, resamplings=15, draws=19).number)
    # each at 5% or less: of 12 clouds 3 or fewer in 99.8% of cases
    assert sum(number > 1 for number in numbers) <= 3


def test_a_cloud_has_the_covariances_of_the_samples():
    values, _ = blobs((30, 30), 1.0, genes=4)
    draw = cloud(values)
    rng = np.random.default_rng(0)
    many = np.vstack([draw(rng) for _ in range(400)])
    assert np.cov(many.T) == pytest.approx(np.cov(values.T), abs=0.1)


def test_trees_are_cut_as_scipy_cuts_them():
    values, _ = blobs((10, 10, 10), 0.5)
    tree = _ward(values @ values.T)
    assert tree == pytest.approx(linkage(values, "ward"))
    for number, codes in zip((2, 4, 6), _cuts(tree, (2, 4, 6)), strict=True):
        assert adjusted_rand_score(codes, fcluster(tree, number, "maxclust")) == 1


def test_more_subgroups_than_samples_are_refused():
    with pytest.raises(InputError, match="expected 2 genes or more and 2 to 7 subgroups"):
        consensus(np.zeros((10, 5)), [8], np.random.default_rng(0))


def test_names_follow_from_the_share_of_cases_and_the_highest_score():
    assert names([0.0, 0.3, 1.0, 0.95], [-1, 0, 0.2, 0.9], [10, 9, 8, 7]) == [
        "controls only",
        "mixed",
        "cases",
        "cases immune-high",
    ]
    # a mixed subgroup with the highest score leaves none that is immune-high; names are numbered by size
    assert names([0.5, 1.0, 1.0], [2, 1, 0], [5, 6, 7]) == ["mixed", "cases 2", "cases 1"]
    assert names([0.1, 0.11, 0.9], [np.nan] * 3, [5, 5, 5]) == ["controls only", "mixed", "cases"]


def test_the_four_subgroups_of_a_study_get_their_names_and_their_agreement_with_the_truth():
    values, codes = blobs((12, 12, 14, 16), 1.5)
    values[codes == 3] += 2.0  # the score, the mean of the genes, is highest there
    labels = np.select([codes == 0, codes == 1], ["control", "mixed"], "case")
    labels[codes == 1] = ["case"] * 4 + ["control"] * 8
    *given, truth = study(values, labels, codes)
    rng = np.random.default_rng(0)
    found = find_subgroups(*given, rng, genes=30, largest=6, truth=truth, **QUICK)
    table = found.table.set_index(["variable", "level", "quantity"])
    assert table.loc[("number of subgroups", np.nan, "number of subgroups"), "estimate"].item() == 4
    shares = table.xs("share of cases", level="quantity")
    counts = {level: (row["numerator"], row["denominator"]) for (_, level), row in shares.iterrows()}
    assert counts == {
        "controls only": (0, 12),
        "mixed": (4, 12),
        "cases": (14, 14),
        "cases immune-high": (16, 16),
    }
    assert table.xs("adjusted Rand index", level="quantity")["estimate"].item() == 1
    assert list(found.members) == ["sample", "4 subgroups"]


def test_labels_play_no_part_in_finding_subgroups():
    values, codes = blobs((15, 15), 1.5)
    labels = np.where(codes == 0, "case", "control")
    swapped = np.where(codes == 0, "control", "case")
    one, other = (
        find_subgroups(*study(values, each)[:3], np.random.default_rng(0), genes=30, largest=3, **QUICK)
        for each in (labels, swapped)
    )
    assert adjusted_rand_score(one.members["2 subgroups"], other.members["2 subgroups"]) == 1
    stable = one.table["variable"].isin(["stability", "number of subgroups"])
    pd.testing.assert_frame_equal(one.table[stable], other.table[stable])


def test_a_number_that_was_asked_for_is_described_beside_the_one_found():
    values, codes = blobs((15, 15), 1.5)
    labels = np.where(codes == 0, "case", "control")
    given = study(values, labels)[:3]
    found = find_subgroups(*given, np.random.default_rng(0), genes=30, largest=4, shown=3, **QUICK)
    assert list(found.members) == ["sample", "2 subgroups", "3 subgroups"]
    found = find_subgroups(*given, np.random.default_rng(0), genes=30, largest=20, shown=9, **QUICK)
    absent = found.table[found.table["status"] == "not estimable"].iloc[0]
    assert absent["reason"] == "30 samples allow at most 6 subgroups"


def test_few_samples_are_not_grouped_and_the_table_says_why():
    values, _ = blobs((4, 5), 1.5)
    given = study(values, ["case"] * 4 + ["control"] * 5)[:3]
    found = find_subgroups(*given, np.random.default_rng(0), genes=30, largest=4)
    assert found.table["reason"].tolist() == ["9 samples, fewer than 10"]
    assert list(found.members) == ["sample"]


def with_batch(batches, group=None):
    """The rows of two subgroups of 20 with the batch, by quantity, and the page's cautions."""
    values, codes = blobs((20, 20), 3.0)
    of, table, scores, _ = study(values, ["case", "control"] * 20)
    table = table.assign(batch=pd.array(batches(codes), dtype="string"))
    if group is not None:
        table["group"] = pd.array(group, dtype="string")
    choice = {"genes": 30, "largest": 3, "resamplings": 15, "draws": 19}
    found = find_subgroups(of, table, scores, np.random.default_rng(0), **choice).table
    rows = found[found["level"].str.endswith("batches").fillna(False).astype(bool)].set_index("quantity")
    return rows, study_section("x", "X", "", {"subgroups": found}, []).cautions


def test_subgroups_that_follow_the_batch_are_a_caution_with_its_v():
    def batches(codes):
        return np.where((codes == 0) ^ (np.arange(40) % 20 == 0), "run 1", "run 2")

    rows, cautions = with_batch(batches)
    # 19 and 1 of 20 each: phi^2 = (18/20)^2 = .81; less 1/39; over 1 - 1/39; the root (Bergsma 2013)
    expected = np.sqrt((0.81 - 1 / 39) / (38 / 39))
    assert rows.loc[WITH_BATCH, "estimate"] == pytest.approx(expected)
    assert rows.loc[WITH_BATCH, "reason"] == "the subgroups nearly follow the batch (Cramér's V 0.90)"
    assert rows.loc["test", "p"] == pytest.approx(fisher_exact([[19, 1], [1, 19]]).pvalue)
    assert "Caution: the subgroups nearly follow the batch (Cramér's V 0.90)." in cautions


def test_subgroups_across_batches_are_none_and_repeated_women_have_no_test():
    rows, cautions = with_batch(lambda codes: np.tile(["a", "b"], 20), [f"w{i // 2}" for i in range(40)])
    # ten of each batch in either subgroup
    assert rows.loc[WITH_BATCH, "estimate"] == 0 and pd.isna(rows.loc[WITH_BATCH, "reason"])
    assert rows.loc["test", "status"] == results.NOT_ESTIMABLE and "one woman" in rows.loc["test", "reason"]
    assert not [text for text in cautions if "batch" in text]


def test_one_batch_is_associated_with_nothing_and_says_so():
    rows, _ = with_batch(lambda codes: ["a"] * 40)
    assert set(rows["reason"]) == {"fewer than two batches"}


def test_too_many_tables_for_the_exact_test_are_permuted():
    rng = np.random.default_rng(2)
    batches = rng.integers(0, 6, 600)
    codes = np.where(rng.random(600) < 0.06, batches, rng.integers(0, 6, 600))
    asymptotic = chi2_contingency(pd.crosstab(batches, codes).to_numpy()).pvalue
    # at 100 samples a category SciPy's chi-square is near; 999 draws have an error of at most 0.016
    assert permuted_p(batches, codes, rng) == pytest.approx(asymptotic, abs=0.06)
    assert permuted_p(codes, codes, rng) == 1 / 1000
