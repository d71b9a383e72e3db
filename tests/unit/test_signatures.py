"""Immune signatures and gene sets: ids, coverage, scores, and a rank test that noise cannot fool."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from decidua.config import load_yaml
from decidua.contrast import Contrast, contrast, difference, mean_correlation, t_statistics
from decidua.enrichment import enrich, rank_test
from decidua.errors import InputError
from decidua.gene_sets import (
    ENSEMBL,
    ENTREZ,
    SYMBOL,
    GeneSet,
    disjoint,
    id_kind,
    joined,
    locate_sets,
    read_gmt,
    shipped_sets,
)
from decidua.signatures import Expression, expression, score_signatures
from running import ROOT

SHIPPED = shipped_sets(load_yaml(ROOT / "workflow/resources/genes/signatures.yaml"))


def sheet(samples, cases, group=None):
    labels = ["case"] * cases + ["control"] * (len(samples) - cases)
    table = pd.DataFrame({"sample": list(samples), "label": labels, "group": group if group else pd.NA})
    return table.astype("string")


def a_set(name, genes):
    return GeneSet(name, name, "made up", tuple(genes), {SYMBOL: tuple(genes)})


def measured(values, genes=None):
    """An Expression of plain normal values, all of them measured."""
    genes = genes or [f"G{i:04d}" for i in range(len(values))]
    samples = [f"S{i:03d}" for i in range(values.shape[1])]
    return Expression(pd.DataFrame(values, index=genes, columns=samples), np.ones(len(values), dtype=bool))


def draw_counts(rng, genes=300, samples=20):
    names = [gene for one in SHIPPED for gene in one.genes]
    names = list(dict.fromkeys(names))
    names += [f"X{i}" for i in range(genes - len(names))]
    counts = rng.negative_binomial(10, 10 / (10 + rng.uniform(20, 400, (genes, 1))), (genes, samples))
    return pd.DataFrame(counts.astype(np.int32), index=names, columns=[f"S{i:02d}" for i in range(samples)])


def rows_of(table, **wanted):
    for column, value in wanted.items():
        table = table[table[column].eq(value).fillna(False)]
    return table


# --- gene sets ------------------------------------------------------------------------------------------


def test_every_shipped_gene_has_one_id_of_each_kind_and_no_two_genes_share_one():
    ids = {}
    for one in SHIPPED:
        for gene, entrez, ensembl in zip(one.genes, one.ids[ENTREZ], one.ids[ENSEMBL], strict=True):
            assert ids.setdefault(gene, (entrez, ensembl)) == (entrez, ensembl)
            assert entrez.isdigit()
            assert ensembl.startswith("ENSG") and len(ensembl) == 15
    assert len({entrez for entrez, _ in ids.values()}) == len({e for _, e in ids.values()}) == len(ids) == 43


def test_a_gene_of_two_sets_is_planted_in_the_first():
    sets = disjoint(SHIPPED)
    assert "CD8A" in sets["cytotoxic"]
    assert sets["cytolytic"] == ("CD8B", "GZMA", "GZMB", "PRF1")


@pytest.mark.parametrize("kind", [SYMBOL, ENTREZ, ENSEMBL])
def test_genes_are_found_under_whatever_ids_the_matrix_has(kind):
    index = [gene for one in SHIPPED for gene in one.ids[kind]]
    index = list(dict.fromkeys(index))
    index = [f"{gene}.12" for gene in index] if kind == ENSEMBL else index
    assert id_kind(SHIPPED, index) == kind
    found = locate_sets(SHIPPED, index, kind)
    for one in SHIPPED:
        assert found[one.name].absent == ()
        assert [index[place].split(".")[0] for place in found[one.name].places] == list(one.ids[kind])


def test_genes_that_are_not_in_the_matrix_are_named():
    found = locate_sets([a_set("s", ["A", "B", "C"])], ["C", "Z", "A"])["s"]
    assert (found.places.tolist(), found.names, found.absent) == ([2, 0], ("A", "C"), ("B",))


def test_a_gmt_file_is_read(tmp_path):
    path = tmp_path / "own.gmt"
    path.write_text("ALPHA\thttps://example.org\tA\tB\tB\nBETA\t\tC\n\n", encoding="utf-8")
    sets = read_gmt(path)
    assert [(one.name, one.genes) for one in sets] == [("ALPHA", ("A", "B")), ("BETA", ("C",))]
    assert sets[0].source == "https://example.org"


def test_all_that_is_wrong_with_a_gmt_file_is_told(tmp_path):
    path = tmp_path / "own.gmt"
    path.write_text("ALPHA\tx\tA\nALPHA\tx\tB\nBETA\tx\n", encoding="utf-8")
    with pytest.raises(InputError) as error:
        read_gmt(path)
    assert "row 2: found the set ALPHA again; expected each set once" in str(error.value)
    assert "row 3: found a line without a name or genes" in str(error.value)


def test_a_name_of_two_files_is_refused():
    with pytest.raises(InputError, match="the gene set NK more than once"):
        joined(SHIPPED, [a_set("NK", ["A"])])


# --- contrasts ------------------------------------------------------------------------------------------


def test_the_difference_of_two_classes_is_welchs_as_scipy_has_it():
    rng = np.random.default_rng(1)
    values = pd.DataFrame(rng.normal(size=(1, 12)), columns=[f"S{i}" for i in range(12)])
    estimate, test = difference(contrast(values, sheet(values.columns, 5)), 0, 0.9)
    expected = stats.ttest_ind(values.iloc[0, :5], values.iloc[0, 5:], equal_var=False)
    interval = expected.confidence_interval(0.9)
    assert (test.statistic, test.p, test.df) == pytest.approx(
        (expected.statistic, expected.pvalue, expected.df)
    )
    assert (estimate.lower, estimate.upper) == pytest.approx((interval.low, interval.high))


def test_women_in_both_classes_are_compared_with_themselves():
    rng = np.random.default_rng(2)
    values = pd.DataFrame(rng.normal(size=(3, 9)), columns=[f"S{i}" for i in range(9)])
    # woman d has cases only; a gave two samples as a case
    women = ["a", "a", "b", "c", "d", "a", "b", "c", "e"]
    made = contrast(values, sheet(values.columns, 5, women))
    assert made.counted == "3 women with samples of both classes; 2 left out: samples of one class only"
    first = values.iloc[1]
    case = [(first["S0"] + first["S1"]) / 2, first["S2"], first["S3"]]
    expected = stats.ttest_rel(case, [first["S5"], first["S6"], first["S7"]])
    assert difference(made, 1, 0.95)[1].p == pytest.approx(expected.pvalue)
    assert t_statistics(made)[0][1] == pytest.approx(expected.statistic)


def test_several_samples_of_a_woman_of_one_class_count_once():
    values = pd.DataFrame([[1.0, 3.0, 5.0, 8.0, 9.0, 10.0]], columns=list("abcdef"))
    made = contrast(values, sheet("abcdef", 3, ["w", "w", "x", "y", "z", "z"]))
    assert made.values.tolist() == [[2.0, 5.0, 8.0, 9.5]]
    assert made.counted == "2 case and 2 control women, the mean of each one's samples"


def test_gene_statistics_are_students_t_as_scipy_has_it():
    rng = np.random.default_rng(3)
    values = pd.DataFrame(rng.normal(size=(4, 11)), columns=[f"S{i}" for i in range(11)])
    values.iloc[3] = 2.0
    t, residuals, df = t_statistics(contrast(values, sheet(values.columns, 6)))
    expected = stats.ttest_ind(values.iloc[:3, :6], values.iloc[:3, 6:], axis=1).statistic
    assert t[:3] == pytest.approx(expected)
    assert np.isnan(t[3])
    assert df == 9
    assert np.linalg.norm(residuals[:3], axis=1) == pytest.approx(1)


# --- scores ---------------------------------------------------------------------------------------------


def test_a_score_is_the_mean_of_standardised_values():
    # Two genes over four samples; standardised by hand (population sd): 1..4 has mean 2.5 and sd sqrt(1.25).
    values = np.array([[1.0, 2.0, 3.0, 4.0], [4.0, 4.0, 0.0, 0.0], [1.0, 0.0, 0.0, 1.0]])
    of = measured(values, ["A", "B", "Z"])
    found = score_signatures(of, sheet(of.values.columns, 2), [a_set("s", "AB")], np.random.default_rng(0))
    z = (np.array([1, 2, 3, 4]) - 2.5) / np.sqrt(1.25)
    assert found.scores["s"].tolist() == pytest.approx(((z + [1, 1, -1, -1]) / 2).tolist())
    # their correlation by hand: sum of products (-1.5 - 0.5 - 0.5 - 1.5) / sqrt(5 * 4) with B as +-1
    own = rows_of(found.table, quantity="mean correlation within the set")
    assert own["estimate"].item() == pytest.approx(-4 / np.sqrt(20))


def test_below_the_declared_coverage_there_is_no_score_but_a_reason():
    rng = np.random.default_rng(4)
    counts = draw_counts(rng)
    nk = SHIPPED[0].genes
    counts = counts.drop(index=list(nk[:4]))
    counts.loc[nk[4]] = 1  # in the matrix, but with too few reads
    found = score_signatures(expression(counts), sheet(counts.columns, 10), SHIPPED, rng, draws=50)
    assert "NK" not in found.scores and "T" in found.scores
    coverage = rows_of(found.table, variable="NK", quantity="coverage").iloc[0]
    assert (coverage["numerator"], coverage["denominator"]) == (3, 8)
    assert coverage["reason"] == f"not in the matrix: {', '.join(nk[:4])}; too few reads: {nk[4]}"
    absent = rows_of(found.table, variable="NK", quantity="difference of mean scores").iloc[0]
    assert absent["status"] == "not estimable"
    assert "3 of 8 genes measured (38%), below the declared coverage of 50%" in absent["reason"]


def test_neither_the_order_of_samples_nor_that_of_genes_changes_anything():
    rng = np.random.default_rng(5)
    counts = draw_counts(rng)
    samples = sheet(counts.columns, 8)
    mixed = counts.iloc[rng.permutation(len(counts)), rng.permutation(20)]
    first, second = (
        score_signatures(expression(each), samples, SHIPPED, np.random.default_rng(6), draws=50)
        for each in (counts, mixed)
    )
    pd.testing.assert_frame_equal(first.table, second.table)
    pd.testing.assert_frame_equal(first.scores, second.scores)
    pd.testing.assert_frame_equal(
        enrich(expression(counts), samples, SHIPPED), enrich(expression(mixed), samples, SHIPPED)
    )


def test_swapping_the_classes_turns_differences_round_and_keeps_p():
    rng = np.random.default_rng(7)
    counts = draw_counts(rng)
    samples = sheet(counts.columns, 8)
    swapped = samples.assign(label=samples["label"].map({"case": "control", "control": "case"}))
    tables = [
        score_signatures(expression(counts), each, SHIPPED, np.random.default_rng(0), draws=50).table
        for each in (samples, swapped)
    ]
    one, other = (rows_of(table, quantity="difference of mean scores") for table in tables)
    assert one["estimate"].tolist() == pytest.approx((-other["estimate"]).tolist())
    one, other = (rows_of(table, quantity="test") for table in tables)
    assert one["p"].tolist() == pytest.approx(other["p"].tolist())
    one, other = (enrich(expression(counts), each, SHIPPED) for each in (samples, swapped))
    assert one["p"].dropna().tolist() == pytest.approx(other["p"].dropna().tolist())
    larger = "probability of a larger statistic"
    assert rows_of(one, quantity=larger)["estimate"].tolist() == pytest.approx(
        (1 - rows_of(other, quantity=larger)["estimate"]).tolist()
    )


def test_a_set_that_moves_together_stands_out_from_random_sets_and_one_that_does_not_does_not():
    rng = np.random.default_rng(8)
    values = rng.normal(size=(400, 40))
    values[:6] += 1.5 * rng.normal(size=40)
    of = measured(values)
    sets = [a_set("together", of.values.index[:6]), a_set("apart", of.values.index[200:206])]
    table = score_signatures(of, sheet(of.values.columns, 20), sets, rng, draws=199).table
    tests = rows_of(table, test="correlation above that of random sets, one-sided").set_index("variable")["p"]
    assert tests["together"] == 1 / 200
    assert tests["apart"] > 0.05


# --- enrichment -----------------------------------------------------------------------------------------


def test_without_correlation_the_rank_test_is_wilcoxons():
    rng = np.random.default_rng(9)
    statistics = np.round(rng.normal(size=60), 1)  # with ties
    inside = np.arange(12)
    found = rank_test(statistics, inside, 0.0, np.inf)
    expected = stats.mannwhitneyu(statistics[:12], statistics[12:], method="asymptotic", use_continuity=True)
    assert found.p == pytest.approx(expected.pvalue)
    assert found.superiority == pytest.approx(expected.statistic / (12 * 48))
    assert found.inflation == 1


def test_the_variance_with_correlated_genes_is_that_of_simulated_ranks():
    # n genes that share a normal part against m independent ones: the variance of U, counted in draws
    n, m, rho, draws = 5, 20, 0.4, 20_000
    rng = np.random.default_rng(10)
    own = np.sqrt(rho) * rng.normal(size=(draws, 1)) + np.sqrt(1 - rho) * rng.normal(size=(draws, n))
    wins = (own[:, :, None] > rng.normal(size=(draws, 1, m))).sum(axis=(1, 2))
    inflation = rank_test(np.arange(25.0), np.arange(5), rho, np.inf).inflation
    assert inflation == pytest.approx(wins.var() / (n * m * (n + m + 1) / 12), rel=0.03)


def test_a_correlated_set_is_not_found_in_noise_as_a_plain_rank_test_finds_it():
    rng = np.random.default_rng(11)
    found, plain = [], []
    for _ in range(300):
        values = rng.normal(size=(200, 24))
        values[:15] += rng.normal(size=24)  # correlation 0.5, nothing to do with the classes
        t, residuals, df = t_statistics(Contrast(values, np.arange(24) < 12, ""))
        correlation = float(mean_correlation(residuals[:15]))
        found.append(rank_test(t, np.arange(15), correlation, df).p)
        plain.append(rank_test(t, np.arange(15), 0.0, np.inf).p)
    # 300 draws at 5%: 15 expected, 99.9% of binomials have 28 or fewer
    assert sum(p < 0.05 for p in found) <= 28
    assert sum(p < 0.05 for p in plain) > 100


def test_a_shifted_set_is_found_and_one_with_too_few_genes_says_so():
    rng = np.random.default_rng(12)
    values = rng.normal(size=(300, 30))
    values[:10, :15] += 1.5
    of = measured(values)
    sets = [a_set("shifted", of.values.index[:10]), a_set("few", ["G0000", "G0001", "absent"])]
    table = enrich(of, sheet(of.values.columns, 15), sets)
    assert rows_of(table, variable="shifted", quantity="test")["p"].item() < 0.001
    few = rows_of(table, variable="few").iloc[0]
    assert (few["status"], few["reason"]) == ("not estimable", "2 of its genes measured, fewer than 3")
