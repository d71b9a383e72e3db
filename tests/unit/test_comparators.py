"""Nulls and comparators: blind to held-out samples, the same in any order, and they see what was planted."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_ind
from scipy.stats.contingency import association
from sklearn.linear_model import Ridge as SklearnRidge

from decidua import marks, results
from decidua.confounding import class_counts, cramers_v, is_tied
from decidua.errors import InputError
from decidua.expression import check_study
from decidua.figures.nulls import MEDIAN, PLACE, nulls_source, plot_nulls
from decidua.gene_lists import positions, read_gene_list
from decidua.learning.comparators import Options, compare, covariates_of
from decidua.learning.cross_validation import Settings, cross_validate, learn
from decidua.learning.folds import stratified_folds
from decidua.learning.guard import Training
from decidua.learning.kernels import Covariates, Ridge, Together, all_genes
from decidua.learning.nested import Split, held_out_scores
from decidua.learning.panels_at_random import Panels, random_orders, top_by_t
from decidua.preflight import cautions_of_model, nearly_tied_batches
from decidua.study_report import study_section

QUICK = Settings(repeats=1, folds=3, inner_folds=3, penalties=6)
FEW = Options(panel=5, random_panels=20)
HOUSEKEEPING = "workflow/resources/negative_controls/housekeeping.yaml"


def study(cases=18, controls=15, genes=120, planted=10, shift=1.5, seed=0):
    """Counts whose first genes are `shift` natural logs higher in cases, and the sheet."""
    rng = np.random.default_rng(seed)
    n = cases + controls
    is_case = rng.permutation(np.arange(n) < cases)
    mean = rng.lognormal(5, 1, genes)[:, None] * rng.lognormal(0, 0.3, n)
    mean[:planted] *= np.exp(shift * is_case)
    names = [f"S{i:03d}" for i in range(n)]
    counts = pd.DataFrame(
        rng.poisson(rng.gamma(5, mean / 5)).astype(np.int32),
        index=pd.Index([f"G{i:04d}" for i in range(genes)], name="gene"),
        columns=pd.Index(names, name="sample"),
    )
    label = np.where(is_case, "case", "control")
    sheet = pd.DataFrame({"sample": names, "label": label, "group": pd.NA}).astype("string")
    sheet["age"] = rng.integers(20, 40, n).astype(float)
    sheet["synthetic"] = True
    return counts, sheet


def compared(counts, sheet, options=FEW, settings=QUICK, seed=4):
    indexed = sheet.set_index("sample")
    rng = np.random.default_rng(seed)
    found = cross_validate(counts, indexed["label"], indexed["group"], settings, rng)
    return compare(counts, sheet, found.predictions, "x", settings, options, np.random.default_rng(seed))


def rows(table, variable, quantity="AUC within folds"):
    return table[(table["variable"] == variable) & (table["quantity"] == quantity)]


def one(table, variable, quantity="AUC within folds"):
    (row,) = rows(table, variable, quantity).to_dict("records")
    return row


def data_of(counts, sheet):
    matrix = np.ascontiguousarray(counts.to_numpy().T, dtype=np.float32)
    return Training(matrix, (sheet["label"] == "case").to_numpy(dtype=bool), np.arange(len(sheet)))


def scored(learner, data, seed=1):
    fold_of = stratified_folds(data.is_case, data.groups, 3, np.random.default_rng(0))
    rng = np.random.default_rng(seed)
    return held_out_scores({"it": learner}, data, fold_of, 3, QUICK.preparing, rng)["it"], fold_of


@pytest.fixture(scope="module")
def planted():
    return study()


@pytest.fixture(scope="module")
def outcome(planted):
    return compared(*planted, options=replace(FEW, negative_controls=[("G0100",), ("G0101",), ("none",)]))


# ---- models in the same folds


def test_all_genes_score_as_the_classifier_itself_does(planted):
    data = data_of(*planted)
    scores, fold_of = scored(Ridge(all_genes, QUICK.grid), data)
    streams = np.random.default_rng(1).spawn(3)
    for fold, stream in enumerate(streams):
        train, test = fold_of != fold, fold_of == fold
        model = learn(data.counts[train], data.is_case[train], data.groups[train], QUICK, stream)
        np.testing.assert_allclose(scores[0, test], model.score(data.counts[test]), atol=1e-4)


@pytest.mark.parametrize("kind", ["genes", "panels", "together"])
def test_what_held_out_samples_hold_changes_nothing_learned(planted, kind):
    counts, sheet = planted
    data = data_of(counts, sheet)
    covariates = covariates_of(counts, sheet)

    def learner(table):
        if kind == "panels":
            return Panels(random_orders(len(counts), 4, np.random.default_rng(2)), 5, QUICK.grid)
        return Ridge(all_genes if kind == "genes" else Together((all_genes, Covariates(table))), QUICK.grid)

    clean, fold_of = scored(learner(covariates), data)
    poisoned = np.flatnonzero(fold_of == 0)[:2]
    others = np.flatnonzero(fold_of == 0)[2:]
    matrix, strange = data.counts.copy(), covariates.copy()
    matrix[poisoned] = 1e6
    strange.loc[poisoned, "age"] = 1e9
    # only fold 0 is compared: the poisoned samples train the other folds
    fold = {"counts": matrix, "is_case": np.where(fold_of == 0, ~data.is_case, data.is_case)}
    train = np.flatnonzero(fold_of != 0)
    for held in (poisoned, others):
        split = Split.of(replace(data, **fold), train, held, QUICK.preparing)
        again = learner(strange).path(split)
        before = learner(covariates).path(Split.of(data, train, held, QUICK.preparing))
        if held is others:
            np.testing.assert_array_equal(again, before)
        else:
            assert not np.allclose(again, before)
    assert np.isfinite(clean).all()


def test_a_panel_is_ranked_by_the_t_of_two_samples(planted):
    counts, sheet = planted
    data = data_of(counts, sheet)
    split = Split.of(data, np.arange(25), np.arange(25, 33), QUICK.preparing)
    t = ttest_ind(split.values[split.is_case], split.values[~split.is_case]).statistic
    assert top_by_t(split.values, split.is_case, 12).tolist() == np.argsort(-np.abs(t))[:12].tolist()


def test_panels_are_ridge_regressions_as_scikit_learn_fits_them(planted):
    counts, sheet = planted
    split = Split.of(data_of(counts, sheet), np.arange(25), np.arange(25, 33), QUICK.preparing)
    panels = Panels(random_orders(len(counts), 3, np.random.default_rng(2)), 5, np.array([10.0, 0.1]))
    path, members = panels.path(split), panels.members(split)
    assert path.shape == (4, 8, 2)
    for panel, genes in enumerate(members):
        for place, penalty in enumerate(panels.grid):
            model = SklearnRidge(alpha=penalty * 25).fit(split.values[:, genes], split.is_case.astype(float))
            expected = model.predict(split.others[:, genes])
            np.testing.assert_allclose(path[panel, :, place], expected, atol=1e-5)


def test_a_random_panel_is_the_first_genes_of_its_order_that_are_kept():
    orders = np.array([[3, 0, 4, 1, 2]])
    values = np.zeros((4, 3), dtype=np.float32)
    split = Split(
        np.arange(4), np.arange(0), np.array([1, 1, 0, 0], dtype=bool), np.array([0, 1, 4]), values, values
    )
    # of the genes 0, 1 and 4 (columns 0, 1, 2), the order has 0 first, then 4
    assert Panels(orders, 2, QUICK.grid).members(split)[1].tolist() == [0, 2]


def test_covariates_are_coded_from_the_training_samples_alone():
    table = pd.DataFrame({"age": [20.0, 40.0, np.nan, 90.0], "site": ["a", "b", "a", "c"], "same": [1.0] * 4})
    train, held = Covariates(table).coded(np.array([0, 1, 2]), np.array([3]))
    # age: mean 30 fills the gap, standard deviation sqrt(200 / 3); unknown: 0, 0, 1, mean 1/3, sd sqrt(2) / 3
    root = np.sqrt(200 / 3)
    np.testing.assert_allclose(train[:, 0], [-10 / root, 10 / root, 0])
    np.testing.assert_allclose(train[:, 1], np.array([-1, -1, 2]) / np.sqrt(2))
    # site a: 1, 0, 1 and site b: 0, 1, 0; a site that training never saw is neither; what never varies is out
    np.testing.assert_allclose(train[:, 2], np.array([1, -2, 1]) / np.sqrt(2))
    assert train.shape == (3, 4)
    np.testing.assert_allclose(held[0], [60 / root, -1 / np.sqrt(2), -np.sqrt(2), -1 / np.sqrt(2)])


def test_the_kind_of_control_and_the_group_are_no_covariates(planted):
    counts, sheet = planted
    sheet = sheet.assign(comparator="IVF", group="w", batch="run 1")
    names = ["age", "batch", "library size (log10)", "detected genes"]
    assert covariates_of(counts, sheet).columns.tolist() == names


# ---- the table


def test_order_of_samples_and_genes_changes_nothing(planted, outcome):
    counts, sheet = planted
    options = replace(FEW, negative_controls=[("G0100",), ("G0101",), ("none",)])
    again = compared(counts.iloc[::-1, ::-1], sheet.iloc[::-1], options)
    pd.testing.assert_frame_equal(again.table, outcome.table)
    pd.testing.assert_frame_equal(again.panels, outcome.panels)


def test_which_class_is_the_case_changes_no_auc(planted, outcome):
    counts, sheet = planted
    swapped = sheet.assign(label=sheet["label"].map({"case": "control", "control": "case"}).astype("string"))
    options = replace(FEW, negative_controls=[("G0100",), ("G0101",), ("none",)])
    again = compared(counts, swapped, options)
    np.testing.assert_allclose(again.table["estimate"], outcome.table["estimate"], atol=1e-9)
    np.testing.assert_allclose(again.panels["auc"], outcome.panels["auc"], atol=1e-9)


def test_the_place_among_random_panels_counts_those_at_least_as_good(outcome):
    drawn = outcome.panels.set_index("draw")["auc"]
    assert len(drawn) == 21
    as_good = sum(drawn[draw] >= drawn[0] for draw in range(1, 21))
    row = one(outcome.table, "random panels", "share of random panels at least as good")
    assert (row["numerator"], row["denominator"]) == (as_good, 20)
    assert row["estimate"] == as_good / 20 and row["p"] == pytest.approx((as_good + 1) / 21)
    assert one(outcome.table, "chosen panel")["estimate"] == pytest.approx(drawn[0])


def test_planted_genes_are_found_and_genes_without_change_and_age_are_at_chance(outcome):
    assert one(outcome.table, "all genes")["estimate"] > 0.9
    assert one(outcome.table, "chosen panel")["estimate"] > 0.9
    for variable in ("covariates only", "negative-control genes"):
        row = one(outcome.table, variable)
        assert row["lower"] < 0.5 < row["upper"]
    coverage = one(outcome.table, "negative-control genes", "genes of the list in the matrix")
    assert (coverage["numerator"], coverage["denominator"]) == (2, 3)


def test_a_covariate_that_is_the_class_shows_without_any_gene():
    counts, sheet = study(planted=0)
    sheet["losses"] = np.where(sheet["label"] == "case", 3.0, 0.0)
    table = compared(counts, sheet, replace(FEW, random_panels=2)).table
    assert one(table, "covariates only")["estimate"] == 1
    assert one(table, "losses", "Cramér's V with the class")["reason"] == (
        "every category of losses holds one class only"
    )
    assert one(table, "negative-control genes")["reason"].startswith("no negative-control genes are named")


def test_cases_are_held_against_each_kind_of_control_alone():
    counts, sheet = study(cases=18, controls=20, planted=0)
    is_control = (sheet["label"] == "control").to_numpy()
    kinds = np.array(["like the cases"] * 9 + ["unlike"] * 9 + ["rare"] * 2, dtype=object)
    sheet["comparator"] = pd.NA
    sheet.loc[is_control, "comparator"] = kinds
    unlike = (sheet["comparator"] == "unlike").fillna(False).to_numpy(dtype=bool)
    counts.iloc[:20, np.flatnonzero(unlike)] *= 6
    table = rows(compared(counts, sheet, replace(FEW, random_panels=2)).table, "kind of control")
    table = table.set_index("level")
    assert table.index.tolist() == ["like the cases", "rare", "unlike"]
    assert table.loc["unlike", "estimate"] > 0.95 > 0.75 > table.loc["like the cases", "estimate"]
    assert table.loc["unlike", "denominator"] == 27
    assert table.loc["rare", "status"] == results.NOT_ESTIMABLE
    assert table.loc["rare", "reason"] == (
        "18 case and 2 control samples; needed are at least 3 of each to cross-validate with `folds: 3`,"
        " or `folds: 2`"
    )


# ---- gene lists


def test_the_shipped_genes_are_found_by_symbol_ensembl_id_and_entrez_id():
    genes = read_gene_list(HOUSEKEEPING)
    assert len(genes) == 11
    matrix = ["VCP", "ENSG00000143612.20", "2821", "ENSG00000143612", "other"]
    found = dict(zip([names[0] for names in genes], positions(matrix, genes), strict=True))
    assert {name: at.tolist() for name, at in found.items() if len(at)} == {
        "C1orf43": [1, 3],
        "GPI": [2],
        "VCP": [0],
    }


def test_a_list_of_ones_own_is_text_or_yaml_and_not_empty(tmp_path):
    (tmp_path / "mine.txt").write_text("# ours\nACTB\n\nGAPDH  # the usual one\n")
    (tmp_path / "mine.yaml").write_text("genes: [ACTB, 2597]\n")
    assert read_gene_list(tmp_path / "mine.txt") == [("ACTB",), ("GAPDH",)]
    assert read_gene_list(tmp_path / "mine.yaml") == [("ACTB",), ("2597",)]
    (tmp_path / "mine.txt").write_text("# nothing\n")
    with pytest.raises(InputError, match="found no gene"):
        read_gene_list(tmp_path / "mine.txt")


# ---- batch and class


def sheet_of(tmp_path, monkeypatch, batches):
    """A small study in the working folder, whose cases and controls have these batches; checks it."""
    monkeypatch.chdir(tmp_path)
    lines = [
        f"S{i}\t{label}\t{batch}"
        for i, (label, batch) in enumerate((label, batch) for label in batches for batch in batches[label])
    ]
    (tmp_path / "samples.tsv").write_text("\n".join(["sample\tlabel\trun", *lines]) + "\n")
    names = [line.split("\t")[0] for line in lines]
    (tmp_path / "counts.tsv").write_text(
        "\t".join(["gene", *names]) + "\n" + "\t".join(["A"] + ["5"] * len(names))
    )
    columns = {"sample": "sample", "label": "label", "batch": "run"}

    def check(accept=False, columns=columns):
        try:
            check_study("counts.tsv", "samples.tsv", columns, folds=2, accept_tied_batch=accept)
        except InputError as error:
            return str(error).splitlines()
        return []

    return check


def test_a_batch_tied_to_class_stops_before_the_run_with_batches_and_counts(tmp_path, monkeypatch):
    check = sheet_of(tmp_path, monkeypatch, {"case": "aab", "control": "cc"})
    assert check() == [
        "samples.tsv, column run: found every batch with samples of one class only (a: 2 case; b: 1 case;"
        " c: 2 control); expected batches that hold cases and controls: what was handled together cannot be"
        " told from what is compared (to go on all the same, `accept_tied_batch: true` under the study's"
        " `classifier:`; every output will say so)"
    ]
    assert check(accept=True) == []


@pytest.mark.parametrize(("cases", "controls"), [("aab", "abb"), ("aa", "aa")])
def test_a_batch_that_is_not_tied_may_not_be_accepted_as_tied(tmp_path, monkeypatch, cases, controls):
    check = sheet_of(tmp_path, monkeypatch, {"case": cases, "control": controls})
    assert check() == []
    (line,) = check(accept=True)
    assert line.startswith("samples.tsv, column run: found batches that hold both classes (a: ")
    assert "`accept_tied_batch: true` only where every batch holds one class" in line
    (line,) = check(accept=True, columns={"sample": "sample", "label": "label"})
    assert line.startswith("samples.tsv: found no `batch` column; expected ")


def test_a_batch_that_nearly_determines_the_class_is_found_before_the_run(tmp_path, monkeypatch):
    def found(case, control):
        sheet_of(tmp_path, monkeypatch, {"case": case, "control": control})
        columns = {"sample": "sample", "label": "label", "batch": "run"}
        label = {"case": ["case"], "control": ["control"]}
        mine = {"source": "counts", "samples": "samples.tsv", "columns": columns, "label": label}
        others = {"simulated": {"source": "simulation"}, "absent": mine | {"samples": "no.tsv"}}
        others["without"] = mine | {"columns": columns | {"batch": None}}
        return nearly_tied_batches({"mine": mine} | others, (tmp_path,))

    # one of 20 on the wrong side: chi-square 40 (19 * 20 - 0)^2 / (20 * 20 * 19 * 21); phi^2 less 1/39, ...
    phi2 = 380**2 / (20 * 20 * 19 * 21)
    expected = {"mine": pytest.approx(np.sqrt((phi2 - 1 / 39) / (38 / 39)))}
    assert found("a" * 19 + "b", "b" * 20) == expected
    assert found("a" * 20, "b" * 20) == {}  # tied, which is another matter
    assert found("ab" * 10, "ab" * 10) == {}


def test_a_model_in_a_file_keeps_the_cautions_about_its_study(tmp_path):
    path = tmp_path / "model.json"
    assert cautions_of_model(path) == ""
    for text, caution in ((f"{marks.SIMULATION}; {marks.TIED_BATCH}", marks.TIED_BATCH), (None, "")):
        path.write_text(json.dumps({"about": {"synthetic": text}}))
        assert cautions_of_model(path) == caution


def test_a_batch_a_sample_is_no_batch():
    labels = pd.Series(["case", "case", "control"])
    assert not is_tied(class_counts(pd.Series(["1", "2", "3"]), labels))
    assert is_tied(class_counts(pd.Series(["1", "1", "3"]), labels))
    assert cramers_v(class_counts(pd.Series(["1", "2", "3"]), labels)) == 0


def test_cramers_v_is_corrected_for_its_bias():
    counts = pd.DataFrame([[8, 2], [2, 8]], columns=["case", "control"])
    # chi-square 20 * 60^2 / 10^4 = 7.2, phi^2 = .36; less 1/19; over 1 - 1/19; the root (Bergsma 2013)
    assert cramers_v(counts) == pytest.approx(np.sqrt((0.36 - 1 / 19) / (18 / 19)))
    # at a large sample nothing is left to correct: SciPy's V
    large = counts * 1_000_000
    assert cramers_v(large) == pytest.approx(association(large.to_numpy(), correction=False), abs=1e-6)
    assert cramers_v(pd.DataFrame([[10, 0], [0, 10]])) == pytest.approx(1)
    assert cramers_v(pd.DataFrame([[5, 5], [5, 5]])) == 0


def test_a_batch_that_nearly_determines_the_class_is_a_caution_on_the_page():
    counts, sheet = study(cases=18, controls=15, planted=0)
    sheet["batch"] = np.where(sheet["label"] == "case", "run 1", "run 2")
    sheet.loc[sheet.index[sheet["label"] == "case"][0], "batch"] = "run 2"
    table = compared(counts, sheet, replace(FEW, random_panels=2)).table
    assert one(table, "batch only")["reason"].startswith("the batch alone tells the classes apart (AUC 0.9")
    section = study_section("x", "X", "", {"comparators": table}, [])
    assert any("batch nearly determines the class" in caution for caution in section.cautions)
    assert any("the batch alone tells the classes apart" in caution for caution in section.cautions)


def test_an_accepted_tied_batch_is_a_mark_and_a_caution_but_no_synthetic_data():
    text = marks.joined(["", marks.TIED_BATCH])
    assert text == marks.TIED_BATCH and not marks.is_synthetic(text)
    both = marks.joined([marks.SIMULATION, marks.TIED_BATCH])
    assert marks.is_synthetic(both) and marks.cautions(both) == marks.TIED_BATCH
    assert not marks.is_synthetic("") and not marks.is_synthetic(None) and marks.cautions(None) == ""
    table = results.frame([results.row(estimate=1.0), results.not_estimable("too few")])
    assert results.cautioned(table, "")["reason"].isna().tolist() == [True, False]
    assert results.cautioned(table, "beware")["reason"].tolist() == ["beware", "beware; too few"]


# ---- page and figure


def test_the_page_says_in_words_what_random_panels_and_covariates_reach(outcome):
    section = study_section("x", "X", "", {"comparators": outcome.table}, [])
    reached = one(outcome.table, "random panels", "share of random panels at least as good")["numerator"]
    said = " ".join(section.sentences)
    assert f"Of 20 panels of as many genes drawn at random, {reached} did as well as the chosen one" in said
    assert "Without any gene, age, library size (log10), detected genes reach an AUC of" in said
    assert "Genes that should not differ (2 of 3 genes of the list) reach" in said


def test_the_source_of_the_figure_has_every_draw_and_its_place(outcome):
    permutations = pd.DataFrame({"draw": [0, 1, 2, 3], "auc": [0.8, 0.5, 0.8, 0.4]})
    source = nulls_source(outcome.table, outcome.panels, permutations)
    of_labels = source[source["variable"] == "label permutation"]
    assert of_labels["draw"].dropna().tolist() == [0, 1, 2, 3]
    place = of_labels[of_labels["quantity"] == PLACE].iloc[0]
    # one of three draws reaches the observed 0.8: (1 + 1) / (3 + 1)
    assert (place["numerator"], place["denominator"], place["estimate"]) == (1, 3, 0.5)
    assert of_labels[of_labels["quantity"] == MEDIAN]["estimate"].tolist() == [0.5]
    figure = plot_nulls(source, labels={"case": "RPL"}, synthetic=marks.TIED_BATCH)
    said = " ".join(text.get_text().replace("\n", " ") for axes in figure.axes for text in axes.texts)
    assert "Labels permuted" in said and "Negative controls (2 of 3 genes)" in said
    assert "Batch tied to class, accepted in the settings" in said


def test_a_figure_without_any_number_says_why():
    reason = "no outer fold tests both classes"
    row = results.not_estimable(
        reason, analysis="comparators", variable="all genes", quantity="AUC within folds"
    )
    draws = pd.DataFrame({"draw": [0, 1], "auc": [np.nan, np.nan]})
    figure = plot_nulls(nulls_source(results.frame([row]), draws), labels={})
    assert any(reason in text.get_text() for axes in figure.axes for text in axes.texts)
