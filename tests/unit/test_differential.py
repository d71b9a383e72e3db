"""Differential expression: PyDESeq2's own answers, hand calculations, planted truth, what cannot be had."""

import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.special import polygamma
from threadpoolctl import threadpool_limits

from decidua import results, tables
from decidua.differential import ALL_ZERO, FDR, HIGHER, LOWER, TESTED, comparison, differential_expression
from decidua.figures.differential import genes_source, histogram_source, plot_ma, plot_p_values, plot_volcano
from decidua.learning.performance import CASE, CONTROL
from decidua.moderated import VariancePrior, inverse_trigamma, moderated_t, variance_prior
from decidua.simulation import Design, simulate
from decidua.study_report import study_section
from decidua.style import save

LABELS = {"case": "RPL", "control": "Control"}


def sheet(cases, controls, **columns):
    n = cases + controls
    table = pd.DataFrame(
        {
            "sample": pd.array([f"S{i:02d}" for i in range(n)], dtype="string"),
            "label": pd.array([CASE] * cases + [CONTROL] * controls, dtype="string"),
            "group": pd.array([pd.NA] * n, dtype="string"),
        }
    )
    return table.assign(**columns)


def draw(samples, genes=100, effect=1.5, seed=1):
    """Negative-binomial counts; every fifth gene differs; enough reads that every gene is tested."""
    rng = np.random.default_rng(seed)
    mean = rng.lognormal(5.5, 0.7, genes)[:, None] * rng.lognormal(0, 0.2, len(samples))
    change = np.where(np.arange(genes) % 5 == 0, rng.choice([-effect, effect], genes), 0.0)
    mean = mean * 2 ** np.outer(change, (samples["label"] == CASE).to_numpy(dtype=float))
    dispersion = 0.1 + 2 / mean
    counts = rng.negative_binomial(1 / dispersion, 1 / (1 + mean * dispersion))
    index = pd.Index([f"G{i:03d}" for i in range(genes)], name="gene")
    return pd.DataFrame(counts.astype(np.int32), index=index, columns=list(samples["sample"]))


@cache
def small(**columns):
    samples = sheet(9, 11)
    return draw(samples), samples


def directly(counts, metadata, design, contrast):
    """PyDESeq2 as its manual calls it."""
    from pydeseq2.dds import DeseqDataSet
    from pydeseq2.default_inference import DefaultInference
    from pydeseq2.ds import DeseqStats

    with warnings.catch_warnings(), threadpool_limits(limits=1):
        warnings.simplefilter("ignore")
        inference = DefaultInference(n_cpus=1)
        data = DeseqDataSet(
            counts=counts.T, metadata=metadata, design=design, quiet=True, inference=inference
        )
        data.deseq2()
        found = DeseqStats(data, contrast=contrast, quiet=True, inference=inference)
        found.summary()
    return data, found.results_df


@cache
def small_directly():
    counts, samples = small()
    metadata = samples.set_index("sample")[["label"]].astype(object)
    metadata.index.name = None
    metadata["label"] = metadata["label"].map({CASE: "y_case", CONTROL: "a_control"})
    return directly(counts, metadata, "~label", ["label", "y_case", "a_control"])


# ---- against PyDESeq2


def test_the_table_is_that_of_pydeseq2_called_directly():
    counts, samples = small()
    found = differential_expression(counts, samples).genes.set_index("gene")
    expected = small_directly()[1].loc[found.index]
    assert found["p"].notna().all()
    np.testing.assert_allclose(found["base_mean"], expected["baseMean"], rtol=1e-9)
    np.testing.assert_allclose(found["log2_fold_change"], expected["log2FoldChange"], atol=1e-3)
    np.testing.assert_allclose(found["standard_error"], expected["lfcSE"], rtol=5e-3)
    np.testing.assert_allclose(np.log(found["p"]), np.log(expected["pvalue"]), rtol=0.01, atol=0.01)
    both = found["p_adjusted"].notna() & expected["padj"].notna()
    np.testing.assert_allclose(found["p_adjusted"][both], expected["padj"][both], rtol=0.05, atol=1e-6)
    assert both.sum() == expected["padj"].notna().sum()


def test_the_table_is_that_of_pydeseq2_with_a_batch_and_a_covariate():
    samples = sheet(9, 11, batch=pd.array(list("ABBAB" * 4), dtype="string"), age=np.arange(20.0) % 7)
    counts = draw(samples, genes=60)
    found = differential_expression(counts, samples, adjust=["age"]).genes.set_index("gene").sort_index()
    metadata = samples.set_index("sample")[["label", "batch", "age"]].astype(
        {"label": object, "batch": object}
    )
    metadata.index.name = None
    expected = directly(counts, metadata, "~batch + age + label", ["label", CASE, CONTROL])[1]
    np.testing.assert_allclose(found["log2_fold_change"], expected["log2FoldChange"], atol=1e-3)
    np.testing.assert_allclose(np.log(found["p"]), np.log(expected["pvalue"]), rtol=0.02, atol=0.02)


def test_dispersions_are_as_likely_as_those_of_pydeseq2_or_more():
    from pydeseq2.utils import nb_nll

    from decidua.negative_binomial import Batched

    data = small_directly()[0]
    design, mu = data.obsm["design_matrix"].to_numpy(), data.layers["_mu_hat"]
    start = data.var["_MoM_dispersions"].to_numpy()
    arguments = dict(min_disp=1e-8, max_disp=20.0)
    found = Batched().alpha_mle(data.X, design, mu, start, **arguments)[0]

    def cost(alpha, gene):  # the objective that PyDESeq2 documents: likelihood with Cox-Reid adjustment
        weights = mu[:, gene] / (1 + mu[:, gene] * alpha)
        adjustment = 0.5 * np.linalg.slogdet((design.T * weights) @ design)[1]
        return nb_nll(data.X[:, gene], mu[:, gene], alpha) + adjustment

    theirs = data.var["genewise_dispersions"].to_numpy()
    for gene in range(data.n_vars):
        assert (
            cost(found[gene], gene) <= cost(theirs[gene], gene) + 1e-5
        )  # rounding where both are at the lower end


def test_shrunken_fold_changes_are_as_probable_as_those_of_pydeseq2_or_more():
    from pydeseq2.utils import nbinomFn

    from decidua.negative_binomial import shrink

    data = small_directly()[0]
    design = data.obsm["design_matrix"].to_numpy()
    place = 1
    size = 1 / data.var["dispersions"].to_numpy()
    factors = data.obs["size_factors"].to_numpy()
    scale = 0.5
    mine = shrink(data.X, design, factors, 1 / size, place, scale, data.varm["LFC"].to_numpy())
    plain = data.varm["LFC"].to_numpy()[:, place]
    assert (np.abs(mine) <= np.abs(plain) + 1e-6).all()
    for gene in range(0, 100, 10):

        def cost(beta, gene=gene):
            arguments = (data.X[:, gene], size[gene], np.log(factors), 15, scale, place)
            return nbinomFn(beta, design, *arguments)

        profile = [
            min(cost(np.array([b, effect])) for b in data.varm["LFC"].iloc[gene, 0] + np.linspace(-1, 1, 201))
            for effect in (mine[gene] - 0.05, mine[gene], mine[gene] + 0.05)
        ]
        assert profile[1] <= min(profile) + 1e-2


# ---- laws


def test_exchanging_the_classes_changes_signs_only():
    counts, samples = small()
    other = samples.assign(label=samples["label"].map({CASE: CONTROL, CONTROL: CASE}).astype("string"))
    for method in ("deseq2", "screen"):
        one = differential_expression(counts, samples, method).genes
        two = differential_expression(counts, other, method).genes
        assert one["gene"].tolist() == two["gene"].tolist()
        np.testing.assert_allclose(one["log2_fold_change"], -two["log2_fold_change"], rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(one["p"], two["p"], rtol=1e-6)


def test_the_order_of_samples_and_genes_and_a_second_run_give_the_same_bytes(tmp_path):
    counts, samples = small()
    shuffled = counts.iloc[::-1, np.random.default_rng(3).permutation(counts.shape[1])]
    for name, matrix, rows in (("a", counts, samples), ("b", shuffled, samples.iloc[::-1])):
        found = differential_expression(matrix, rows.reset_index(drop=True))
        tables.write(found.genes, tmp_path / f"{name}.csv")
        tables.write(found.summary, tmp_path / f"{name}_summary.csv")
    for end in (".csv", "_summary.csv"):
        assert (tmp_path / f"a{end}").read_bytes() == (tmp_path / f"b{end}").read_bytes()


def test_rows_are_sorted_by_p_and_adjusted_p_is_not_smaller_than_p():
    genes = differential_expression(*small()).genes
    assert genes["p"].is_monotonic_increasing
    adjusted = genes.dropna(subset=["p_adjusted"])
    assert (adjusted["p_adjusted"] >= adjusted["p"]).all()


@pytest.mark.parametrize("method", ["deseq2", "screen"])
def test_planted_changes_are_found_with_their_sign(method):
    made = simulate(Design(cases=24, controls=16, genes=400, changed=0.2), np.random.default_rng(7))
    found = differential_expression(made.counts, made.samples.assign(group=pd.NA), method).genes
    truth = made.genes.set_index("gene")
    where = made.subgroups.set_index("sample")["subgroup"].loc[made.samples["sample"]]
    column = {"controls only": None, "mixed": "log2fc_mixed", "RPL": "log2fc_rpl",
              "RPL immune-high": "log2fc_rpl_immune_high"}  # fmt: skip
    is_case = (made.samples["label"] == CASE).to_numpy()
    changes = np.column_stack([truth[column[s]] if column[s] else np.zeros(len(truth)) for s in where])
    planted = pd.Series(changes[:, is_case].mean(axis=1) - changes[:, ~is_case].mean(axis=1), truth.index)
    tested = found.dropna(subset=["p"]).set_index("gene")
    planted = planted.loc[tested.index]
    assert stats.spearmanr(tested["log2_fold_change"], planted).statistic > 0.5
    strong = tested[(tested["p_adjusted"] < FDR) & (planted.abs() > 0.5)]
    assert len(strong) >= 5
    assert (np.sign(strong["log2_fold_change"]) == np.sign(planted.loc[strong.index])).all()


def test_counts_of_the_summary_are_those_of_the_table():
    counts, samples = small()
    found = differential_expression(counts, samples)
    rows = found.summary.set_index("quantity")
    significant = found.genes["p_adjusted"] < FDR
    assert rows.loc[HIGHER, "numerator"] == (significant & (found.genes["log2_fold_change"] > 0)).sum()
    assert rows.loc[LOWER, "numerator"] == (significant & (found.genes["log2_fold_change"] < 0)).sum()
    assert rows.loc["p-values", "numerator"].sum() == rows.loc[TESTED, "numerator"] == 100


# ---- what is not tested, and why


def test_genes_without_reads_and_with_few_say_so():
    counts, samples = small()
    counts = counts.iloc[:30].copy()
    counts.iloc[0] = 0
    counts.iloc[1] = 0
    counts.iloc[1, :8] = 500
    found = differential_expression(counts, samples, "screen").genes.set_index("gene")
    assert found.loc["G000", "reason"] == ALL_ZERO
    assert found.loc["G001", "reason"] == "fewer than 9 samples with 10 reads"
    assert found.loc[["G000", "G001"], ["p", "log2_fold_change"]].isna().all(axis=None)


def test_two_samples_against_two_are_tested_with_a_caution():
    samples = sheet(2, 2)
    found = differential_expression(draw(samples, genes=80), samples)
    assert found.genes["p"].notna().sum() > 70
    assert "residual degrees of freedom" in found.summary["reason"].iloc[0]


@pytest.mark.parametrize(
    ("samples", "adjust", "reason"),
    [
        (sheet(4, 4, batch=list("AAAABBBB")), [], "batch tells cases from controls"),
        (sheet(4, 4), ["age"], "the sample sheet has no covariate age"),
        (sheet(1, 5), [], "found 1 samples of a class; expected 2 or more of each"),
        (sheet(2, 2, batch=list("ABCD")), [], "4 samples are too few for 5 coefficients"),
        (sheet(4, 4, batch=list("AABBAABB"), centre=list("XXYYXXYY")), ["centre"], "centre cannot be told"),
    ],
)
def test_a_comparison_that_cannot_be_made_says_why(samples, adjust, reason):
    found = differential_expression(draw(samples, genes=20), samples, adjust=adjust)
    assert found.genes["p"].isna().all() and (found.genes["reason"].str.startswith(reason)).all()
    assert set(found.summary["status"]) == {results.NOT_ESTIMABLE}
    assert found.summary["reason"].str.startswith(reason).all()


def test_samples_with_an_unknown_covariate_are_left_out_and_counted():
    samples = sheet(5, 5, age=[30.0, np.nan, 31, 40, 33, 28, 29, np.nan, 35, 36])
    model = comparison(samples, ["age"])
    assert list(model.matrix.index) == ["S00", "S02", "S03", "S04", "S05", "S06", "S08", "S09"]
    assert model.counted == "8 samples: 4 cases, 4 controls; 2 left out (a covariate unknown)"


def test_women_with_samples_of_both_classes_are_compared_within_themselves():
    women = pd.array([f"W{i % 4}" for i in range(8)], dtype="string")
    model = comparison(sheet(4, 4, group=women, batch=[f"B{i % 4 % 2}" for i in range(8)]))
    assert model.adjusted == ["group"] and model.problem is None
    assert model.cautions == ["each of 4 groups has both classes: compared within groups"]


def test_women_with_several_samples_of_one_class_are_a_caution():
    women = pd.array([f"W{i // 2}" for i in range(8)], dtype="string")
    model = comparison(sheet(4, 4, group=women))
    assert model.adjusted == []
    assert model.cautions == ["8 samples of 4 groups are tested as if independent: p-values are too small"]


# ---- moderated t


def t_design():
    return np.column_stack([np.ones(7), [0.5] * 3 + [-0.5] * 4])


def test_without_a_prior_the_moderated_t_is_students():
    values = np.random.default_rng(2).normal(size=(7, 20))
    found = moderated_t(values, t_design(), 1, VariancePrior(0.0, np.nan))
    expected = stats.ttest_ind(values[:3], values[3:])  # SciPy, equal variances
    np.testing.assert_allclose(found.statistic, expected.statistic, rtol=1e-10)
    np.testing.assert_allclose(found.p, expected.pvalue, rtol=1e-10)


def test_with_an_infinite_prior_all_genes_have_one_variance():
    values = np.random.default_rng(2).normal(size=(7, 20))
    found = moderated_t(values, t_design(), 1, VariancePrior(np.inf, 4.0))
    difference = values[:3].mean(axis=0) - values[3:].mean(axis=0)
    np.testing.assert_allclose(found.statistic, difference / (2 * np.sqrt(1 / 3 + 1 / 4)), rtol=1e-10)


def test_a_variance_is_drawn_to_the_prior_by_degrees_of_freedom():
    # by hand: cases 0, 2 (mean 1, squares 1 + 1), controls 3, 5 (mean 4, squares 1 + 1): s2 = 4 / 2, 2 df;
    # prior of 4 df and variance 5: (2 * 2 + 4 * 5) / 6 = 4; error sqrt(4 * (1/2 + 1/2)) = 2; t = -3 / 2, 6 df
    design = np.column_stack([np.ones(4), [0.5, 0.5, -0.5, -0.5]])
    found = moderated_t(np.array([[0.0, 2, 3, 5]] * 10).T, design, 1, VariancePrior(4.0, 5.0))
    np.testing.assert_allclose(found.error, 2.0)
    np.testing.assert_allclose(found.statistic, -1.5)
    np.testing.assert_allclose(found.p, 2 * stats.t.sf(1.5, 6))


def test_the_prior_of_drawn_variances_is_found():
    rng = np.random.default_rng(4)
    true = 10 * 0.3 / rng.chisquare(10, 40_000)
    found = variance_prior(true * rng.chisquare(6, 40_000) / 6, 6)
    assert found.df == pytest.approx(10, rel=0.05) and found.variance == pytest.approx(0.3, rel=0.02)


def test_equal_variances_leave_no_spread_for_a_prior_to_be_finite():
    assert np.isinf(variance_prior(np.full(50, 2.0), 5).df)


@given(st.floats(1e-3, 1e6))
def test_the_inverse_of_the_trigamma_function_is_its_inverse(x):
    assert inverse_trigamma(float(polygamma(1, x))) == pytest.approx(x, rel=1e-6)


# ---- figures and page


@cache
def drawn():
    counts, samples = small()
    found = differential_expression(counts, samples)
    return genes_source(found.genes), found.summary


def test_the_figures_draw_every_gene_tested_once_in_the_same_bytes(tmp_path):
    source, summary = drawn()
    assert len(source) == 100 and source["gene"].is_unique
    for plot in (plot_ma, plot_volcano):
        pages = []
        for name in ("one.svg", "two.svg"):
            figure = plot(source, summary, labels=LABELS, synthetic="Simulated data")
            axes = figure.axes[1]
            kinds = [line for line in axes.lines if line.get_label() in (HIGHER, LOWER, "other")]
            assert sum(len(line.get_xdata()) for line in kinds) == 100
            save(figure, [tmp_path / name])
            pages.append((tmp_path / name).read_bytes())
        assert pages[0] == pages[1] and len(pages[0]) < 1_000_000


def test_names_of_genes_do_not_overlap_even_when_all_points_are_in_one_place():
    source, summary = drawn()
    crowded = source.assign(log2_fold_change=source["log2_fold_change"] * 1e-3 + 1, gene="A_LONG_GENE_NAME")
    for shown in (source, crowded):
        figure = plot_volcano(shown, summary, labels=LABELS)
        figure.canvas.draw()
        boxes = [text.get_window_extent() for text in figure.axes[1].texts]
        assert boxes
        for i, box in enumerate(boxes):
            assert not any(box.overlaps(other) for other in boxes[i + 1 :])


def test_where_nothing_was_tested_the_figures_say_why():
    samples = sheet(4, 4, batch=list("AAAABBBB"))
    found = differential_expression(draw(samples, genes=20), samples)
    source = genes_source(found.genes)
    figures = [plot(source, found.summary, labels=LABELS) for plot in (plot_ma, plot_volcano)]
    figures.append(plot_p_values(histogram_source(found.summary), found.summary))
    for figure in figures:
        assert "batch tells cases from controls" in " ".join(text.get_text() for text in figure.axes[0].texts)


def test_the_histogram_has_a_bar_for_each_row():
    summary = drawn()[1]
    source = histogram_source(summary)
    bars = plot_p_values(source, summary).axes[1].patches
    assert [bar.get_height() for bar in bars] == source["numerator"].tolist() and len(bars) == 20


def test_the_page_says_what_differs_and_what_it_must_not_be_used_for():
    summary = drawn()[1]
    section = study_section("x", "X", "", {"de_summary": summary}, [])
    higher = summary.set_index("quantity").loc[HIGHER, "numerator"]
    assert f"{higher} genes higher" in section.sentences[0]
    assert "not for choosing genes of a classifier" in section.cautions[0]
