"""A model that leaves the house: the same scores from its file, other laboratories' matrices, validation."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t

from decidua import results
from decidua.errors import InputError
from decidua.figures.validation import plot_validation, validation_source
from decidua.gene_ids import kind_of, read_identifiers, translate
from decidua.learning.cross_validation import Settings, learn_all
from decidua.learning.frozen import FORMAT, freeze, read_model, score, to_json
from decidua.learning.validation import curves, found_rows, no_curves, transport, validate
from decidua.simulation import Design, simulate

ABOUT = {"title": "Small", "labels": {}, "synthetic": "Simulated data"}


@pytest.fixture(scope="module")
def study():
    return simulate(Design(cases=14, controls=12, genes=200, effect=2.0), np.random.default_rng(5))


@pytest.fixture(scope="module")
def trained(study):
    labels = study.samples.set_index("sample")["label"]
    rng = np.random.default_rng(1)
    return learn_all(study.counts, labels, None, Settings(inner_folds=3, penalties=4), rng)


@pytest.fixture(scope="module")
def model(trained):
    return freeze(*trained, ABOUT)


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"size_factors": "tmm", "transform": "vst"},
        {"size_factors": "log_cpm", "method": "svm", "calibrate": True},
        {"method": "discriminant", "calibrate": True},
    ],
)
def test_the_file_gives_the_scores_of_the_model_itself(study, how, tmp_path):
    labels = study.samples.set_index("sample")["label"]
    choice = Settings(inner_folds=3, penalties=4, **how)
    learned, genes = learn_all(study.counts, labels, None, choice, np.random.default_rng(1))
    model = freeze(learned, genes, ABOUT)
    (tmp_path / "model.json").write_text(to_json(model), encoding="utf-8")
    from_file = score(read_model(tmp_path / "model.json"), study.counts, 0.9).table
    itself = learned.score(study.counts.loc[genes].to_numpy(np.float32).T)
    assert from_file["score"].to_numpy() == pytest.approx(itself, abs=1e-3)
    assert from_file["probability"].to_numpy() == pytest.approx(learned.probability(itself), abs=1e-3)
    assert to_json(read_model(tmp_path / "model.json")) == to_json(model)


def test_the_order_of_genes_and_samples_and_the_depth_of_a_sample_do_not_matter(study, model):
    there = score(model, study.counts, 0.9).table.set_index("sample")["score"]
    shuffled = study.counts.iloc[::-1, ::-1] * 3
    again = score(model, shuffled, 0.9).table.set_index("sample")["score"]
    assert again[there.index].to_numpy() == pytest.approx(there.to_numpy(), abs=1e-9)


def test_a_gene_that_is_missing_counts_as_at_its_training_mean(study, model):
    gone = [gene for gene in model.genes if gene not in model.reference_genes][:2] or list(model.genes[:2])
    with_mean = score(model, study.counts.drop(index=gone), 0.5)
    assert with_mean.genes.loc[~with_mean.genes["found"], "gene"].tolist() == sorted(gone)
    kept = ~np.isin(model.genes, gone)
    whole = score(model, study.counts, 0.9)
    factors = with_mean.table["size_factor"].to_numpy()
    values = np.log(study.counts.loc[list(model.genes)].to_numpy(float) / factors + 1).T
    z = (values - model.centre) / model.scale
    expected = z[:, kept] @ model.coefficients[kept] + model.intercept
    assert with_mean.table["score"].to_numpy() == pytest.approx(expected, abs=1e-9)
    assert whole.coverage == whole.weight == whole.reference == 1.0


def test_below_the_declared_coverage_nothing_is_scored_and_all_is_told(study, model):
    few = study.counts.loc[list(model.genes[: len(model.genes) // 3])]
    with pytest.raises(InputError) as caught:
        score(model, few, 0.9, where="new.tsv")
    told = str(caught.value).splitlines()
    assert len(told) == 4
    assert all(line.startswith("new.tsv: found ") and "; expected " in line for line in told)
    assert "of its genes" in told[0] and "(`coverage`)" in told[0]
    assert model.genes[-1] in told[-1] or "more; expected the genes of the model" in told[-1]


def test_other_identifiers_are_named_where_nothing_is_found(study, model):
    entrez = study.counts.set_axis([str(i) for i in range(len(study.counts))], axis=0)
    with pytest.raises(InputError, match=r"identifiers like 0 \(Entrez\); expected those of the model"):
        score(model, entrez, 0.9)


def test_a_table_of_identifiers_leads_from_one_kind_to_another(study, model, tmp_path):
    genes = study.counts.index
    ensembl = [f"ENSG{i:011d}" for i in range(len(genes))]
    lines = ["symbol\tentrez_id\tensembl_gene_id"]
    lines += [f"{gene}\t{i + 1}\t{long}.7" for i, (gene, long) in enumerate(zip(genes, ensembl, strict=True))]
    (tmp_path / "ids.tsv").write_text("\n".join(lines) + "\n")
    table = read_identifiers(tmp_path / "ids.tsv")
    expected = score(model, study.counts, 0.9).table
    for names in ([f"{long}.12" for long in ensembl], [str(i + 1) for i in range(len(genes))]):
        scores = score(model, study.counts.set_axis(names, axis=0), 0.9, table)
        pd.testing.assert_frame_equal(scores.table, expected)
        assert " read as symbol; 0 identifiers" in scores.note


def test_rows_of_one_gene_are_added_and_an_identifier_of_two_genes_is_left_out():
    counts = pd.DataFrame({"S1": [1, 2, 4, 8]}, index=["1", "2", "3", "9"])
    table = pd.DataFrame({"id": ["1", "2", "3", "3"], "symbol": ["A", "A", "B", "C"]}, dtype="string")
    found = translate(counts, ["A", "B", "C"], table)
    assert found.counts["S1"].to_dict() == {"A": 3}
    assert found.note == (
        "id read as symbol; 1 identifiers that mean several genes left out; "
        "1 rows added to others of the same gene"
    )


def test_identifiers_that_no_column_holds_are_told():
    counts = pd.DataFrame({"S1": [1]}, index=["x"])
    table = pd.DataFrame({"id": ["1"], "symbol": ["A"]}, dtype="string")
    with pytest.raises(InputError, match=r"those of the matrix \(x, ...\); expected one among id, symbol"):
        translate(counts, ["A"], table)


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (["ENSG00000141510.18", "ENSG00000012048"], "Ensembl"),
        (["7157", "672"], "Entrez"),
        (["TP53", "BRCA1"], "symbols or other names"),
        ([], "symbols or other names"),
    ],
)
def test_kinds_of_identifiers_are_told_apart(names, kind):
    assert kind_of(names) == kind


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"format": "another"}'])
def test_what_is_no_frozen_model_is_refused(text, tmp_path):
    (tmp_path / "m.json").write_text(text)
    with pytest.raises(InputError, match="expected a frozen model"):
        read_model(tmp_path / "m.json")


def test_a_model_of_a_later_format_is_refused(tmp_path):
    (tmp_path / "m.json").write_text(json.dumps({"format": FORMAT, "format_version": 2}))
    with pytest.raises(InputError, match="another format version; expected 1"):
        read_model(tmp_path / "m.json")


# ---- validation in labelled samples


def labelled(score, is_case, groups=None):
    names = pd.array([f"S{i}" for i in range(len(score))], dtype="string")
    probability = 1 / (1 + np.exp(-np.asarray(score, dtype=float)))
    scored = pd.DataFrame({"sample": names, "score": score, "logit": score, "probability": probability})
    labels = np.where(is_case, "case", "control")
    group = pd.array([None] * len(score) if groups is None else groups, dtype="string")
    return scored, pd.DataFrame({"sample": names, "label": labels, "group": group})


def found(table, quantity):
    return table.set_index("quantity").loc[quantity]


@pytest.mark.parametrize("seed", [1, 2])
def test_calibration_is_that_of_statsmodels(seed):
    import statsmodels.api as sm

    rng = np.random.default_rng(seed)
    scores = rng.normal(0.4, 1.5, 120)
    y = rng.random(120) < 1 / (1 + np.exp(0.8 - 0.6 * scores))
    table = validate(*labelled(scores, y), 0.5, "clinic")
    slope = sm.GLM(y.astype(float), sm.add_constant(scores), family=sm.families.Binomial()).fit(tol=1e-12)
    shift = sm.GLM(y.astype(float), np.ones(120), family=sm.families.Binomial(), offset=scores).fit(tol=1e-12)
    assert found(table, "calibration slope")["estimate"] == pytest.approx(slope.params[1], abs=1e-6)
    assert found(table, "recalibrated intercept")["estimate"] == pytest.approx(slope.params[0], abs=1e-6)
    row = found(table, "calibration intercept")
    assert row["estimate"] == pytest.approx(shift.params[0], abs=1e-6)
    # The sandwich over samples, as statsmodels has it, with the factor m / (m - 1) and t with m - 1.
    robust = sm.GLM(y.astype(float), np.ones(120), family=sm.families.Binomial(), offset=scores).fit(
        tol=1e-12, cov_type="cluster", cov_kwds={"groups": np.arange(120), "use_correction": False}
    )
    half = t.ppf(0.975, 119) * robust.bse[0] * np.sqrt(120 / 119)
    assert (row["lower"], row["upper"]) == pytest.approx((row["estimate"] - half, row["estimate"] + half))


def test_six_samples_counted_by_hand():
    scores, y = [2.0, 1.0, -1.0, 0.5, -2.0, -3.0], np.array([1, 1, 1, 0, 0, 0], dtype=bool)
    table = validate(*labelled(scores, y), 0.5, "clinic")
    # Of the nine pairs one is ranked wrongly (-1.0 below 0.5). Called cases are 2.0, 1.0 and 0.5.
    assert found(table, "AUC")["estimate"] == pytest.approx(8 / 9)
    assert [found(table, name)["estimate"] for name in ("sensitivity", "specificity")] == [2 / 3, 2 / 3]
    assert found(table, "accuracy")["estimate"] == pytest.approx(4 / 6)
    assert found(table, "majority rate")["estimate"] == 0.5


def test_two_samples_of_a_woman_count_as_one_for_intervals():
    rng = np.random.default_rng(3)
    scores, y = rng.normal(size=40), np.arange(40) % 2 == 0
    alone = validate(*labelled(scores, y), 0.5, "clinic")
    pairs = validate(
        *labelled(np.repeat(scores, 2), np.repeat(y, 2), np.repeat(range(40), 2).astype(str)), 0.5, "c"
    )
    for quantity in ("AUC", "accuracy", "sensitivity", "calibration intercept", "calibration slope"):
        one, two = found(alone, quantity), found(pairs, quantity)
        assert (one["lower"], one["upper"]) == pytest.approx((two["lower"], two["upper"]))
    assert found(pairs, "AUC")["counted"].startswith("20 case and 20 control groups")


def test_one_class_or_separated_classes_give_reasons_not_numbers():
    one_class = validate(*labelled([0.1, 0.2], np.array([True, True])), 0.5, "c")
    assert found(one_class, "AUC")["reason"] == "one class only"
    assert found(one_class, "specificity")["reason"] == "no sample of this class"
    assert found(one_class, "calibration intercept")["status"] == "not estimable"
    apart = validate(*labelled([-2.0, -1.0, 1.0, 2.0], np.array([False, False, True, True])), 0.5, "c")
    assert found(apart, "calibration slope")["status"] == "not estimable"
    assert found(apart, "AUC")["estimate"] == 1.0


def test_where_a_score_says_nothing_no_class_is_predicted_and_half_are_right():
    scored, sheet = labelled([0.0] * 6, np.array([1, 1, 1, 1, 0, 0], dtype=bool))
    table = validate(scored, sheet, 0.5, "c")
    rates = [found(table, name)["estimate"] for name in ("accuracy", "sensitivity", "specificity")]
    assert rates == [0.5, 0.5, 0.5]


# ---- the figure of a validation


def drawn(study, model, curves, table):
    scored = score(model, study.counts, 0.9)
    return validation_source(*curves, table, found_rows(scored, "new"))


def texts(figure):
    return " ".join(text.get_text() for axes in figure.axes for text in axes.texts)


def test_the_figure_shows_the_curve_whose_area_is_the_auc_and_the_recalibrated_line(study, model):
    rng = np.random.default_rng(4)
    is_case = np.arange(300) % 3 == 0
    scored, samples = labelled(rng.normal(size=300) + is_case, is_case)
    table = validate(scored, samples, 0.5, "new")
    source = drawn(study, model, curves(scored, samples), table)
    roc = source[source["shown"] == "ROC curve"]
    # the area by trapezia; the curve is read at 101 false positive rates
    assert np.trapezoid(roc["tpr"], roc["fpr"]) == pytest.approx(found(table, "AUC")["estimate"], abs=0.005)
    line = source[source["shown"] == "logistic curve"]
    slope, intercept = (
        found(table, f"{name}")["estimate"] for name in ("calibration slope", "recalibrated intercept")
    )
    logit = np.log(line["predicted"] / (1 - line["predicted"]))
    assert line["observed"].to_numpy() == pytest.approx(
        1 / (1 + np.exp(-intercept - slope * logit)), abs=1e-6
    )
    counted = source[source["shown"] == "number of predictions"]
    assert (counted["cases"].sum(), counted["controls"].sum()) == (100, 200)
    figure = plot_validation(source, labels={}, synthetic="Simulated data")
    said = texts(figure)
    assert (
        f"AUC {found(table, 'AUC')['estimate']:.3f} (" in said and "100 case and 200 control samples" in said
    )
    number = len(model.genes)
    assert f"{number} of {number} genes of the model found" in said and "Simulated data" in said
    assert not source.columns.isin(["sample", "group"]).any()


def test_what_a_validation_cannot_show_it_says(study, model):
    score_of, is_case = np.linspace(-1, 1, 12), np.ones(12, dtype=bool)
    scored, samples = labelled(score_of, is_case)
    source = drawn(study, model, curves(scored, samples), validate(scored, samples, 0.5, "new"))
    assert not (source["shown"] == "ROC curve").any()
    said = texts(plot_validation(source, labels={}))
    assert "Not estimable (AUC): one class only." in said and "AUC not estimable" in said
    place = {"analysis": "validation", "population": "new", "quantity": "AUC"}
    nothing = results.frame([results.not_estimable("the samples have no labels", **place)])
    said = texts(plot_validation(drawn(study, model, no_curves(), nothing), labels={}))
    assert "Not estimable: the samples have no labels" in said


def test_every_model_is_tested_in_every_other_study(study, model):
    other = simulate(Design(cases=12, controls=10, genes=200, effect=2.0), np.random.default_rng(6))
    strange = other.counts.set_axis([f"other{i}" for i in range(200)], axis=0)
    sheet = other.samples.assign(group=pd.NA)
    own = dict.fromkeys(("lower", "upper", "interval", "denominator", "counted", "reason"))
    within = {"one": own | {"estimate": 0.7, "status": "estimated"}}
    studies = {"one": (study.counts, None), "two": (other.counts, sheet), "three": (strange, sheet)}
    table = transport({"one": model}, studies, within, 0.5, dict.fromkeys(studies)).set_index("level")
    assert table.loc["one", "estimate"] == 0.7 and table.loc["one", "population"] == "held-out folds"
    expected = validate(score(model, other.counts, 0.5).table, sheet, model.threshold, "two").iloc[0]
    assert table.loc["two", "estimate"] == expected["estimate"]
    assert table.loc["three", "status"] == "not estimable"
    assert "expected 50% or more" in table.loc["three", "reason"]
