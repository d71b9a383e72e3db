"""The simulated study: the shape it promises, and the truth kept apart."""

import numpy as np
import pandas as pd
import pytest

from decidua.errors import InputError
from decidua.gene_lists import read_gene_list
from decidua.gene_sets import shipped_genes
from decidua.simulation import HOUSEKEEPING, Design, simulate

SMALL = Design(cases=40, controls=20, genes=2_000)


def draw(design=SMALL, seed=1):
    return simulate(design, np.random.default_rng(seed))


@pytest.fixture(scope="module")
def study():
    return draw()


def test_the_default_study_has_the_size_of_andersen_2025():
    study = draw(Design())
    assert study.counts.shape == (20_000, 135)
    assert study.samples["label"].value_counts().to_dict() == {"case": 108, "control": 27}
    assert (study.counts.dtypes == np.int32).all()


def test_the_subgroups_are_controls_only_mixed_and_two_of_cases(study):
    table = pd.crosstab(study.subgroups["subgroup"], study.samples["label"])
    # 60% of 20 controls and 7% of 40 cases are mixed, 40% of the other 37 cases immune-high
    assert table.loc["controls only"].to_dict() == {"case": 0, "control": 8}
    assert table.loc["mixed"].to_dict() == {"case": 3, "control": 12}
    assert table.loc["RPL"].to_dict() == {"case": 22, "control": 0}
    assert table.loc["RPL immune-high"].to_dict() == {"case": 15, "control": 0}


def test_the_sample_sheet_is_marked_and_does_not_tell_the_subgroup(study):
    drawn = ["age", "cycle_day", "rin", "batch", "comparator"]
    assert list(study.samples.columns) == ["sample", "label", "synthetic", *drawn]
    assert study.samples["synthetic"].all()
    assert study.samples["age"].between(18, 42).all()
    assert study.samples["cycle_day"].between(3, 10).all()


def test_every_batch_has_both_classes_and_controls_only_are_of_a_kind(study):
    batches = pd.crosstab(study.samples["batch"], study.samples["label"])
    assert len(batches) == 3 and (batches > 0).all(axis=None)
    is_case = study.samples["label"] == "case"
    assert study.samples["comparator"].isna().equals(is_case.astype(bool))
    tiny = draw(Design(cases=4, controls=2, genes=200)).samples
    assert (pd.crosstab(tiny["batch"], tiny["label"]) > 0).all(axis=None)


def test_the_genes_of_the_shipped_negative_controls_are_abundant_and_planted_unchanged(study):
    assert [
        names[0] for names in read_gene_list("workflow/resources/negative_controls/housekeeping.yaml")
    ] == list(HOUSEKEEPING)
    truth = study.genes.set_index("gene").loc[list(HOUSEKEEPING)]
    assert (truth.filter(like="log2fc") == 0).all(axis=None)
    assert truth["mean_count"].min() > study.genes["mean_count"].median()


def test_names_of_genes_are_simulated_but_for_signatures_and_housekeeping(study):
    named = {gene for genes in shipped_genes().values() for gene in genes} | set(HOUSEKEEPING)
    others = set(study.counts.index) - named
    assert named < set(study.counts.index)
    assert all(gene.startswith("SIM") for gene in others)
    assert study.counts.index.is_unique
    assert study.genes["gene"].tolist() == study.counts.index.tolist()


def test_the_same_seed_gives_the_same_study_and_another_seed_another():
    assert draw().counts.equals(draw().counts)
    assert not draw().counts.equals(draw(seed=2).counts)


def test_effect_zero_plants_nothing_and_two_plants_twice_as_much_as_one():
    planted = ["log2fc_mixed", "log2fc_rpl", "log2fc_rpl_immune_high"]
    none, one, two = (draw(Design(40, 20, 2_000, effect=effect)).genes[planted] for effect in (0, 1, 2))
    assert (none == 0).all(axis=None)
    np.testing.assert_allclose(two, 2 * one)


def test_immune_genes_are_higher_in_the_immune_high_subgroup(study):
    signature = study.genes["signature"].isin(["NK", "macrophage"]).to_numpy()
    reads = np.log2(study.counts.to_numpy()[signature] + 1).mean(axis=0)
    immune = (study.subgroups["subgroup"] == "RPL immune-high").to_numpy(dtype=bool)
    assert reads[immune].mean() - reads[~immune].mean() > 1


def test_counts_vary_as_negative_binomial_counts_of_the_stated_dispersion():
    # without planted or background changes var = mean + dispersion * mean^2 (Anders and Huber 2010)
    from decidua.simulation import _negative_binomial

    dispersion = np.array([0.05, 0.4])
    mean = np.full((2, 40_000), 100, dtype=np.float32)
    counts = _negative_binomial(mean, dispersion, np.random.default_rng(0))
    np.testing.assert_allclose(counts.mean(axis=1), 100, rtol=0.02)
    np.testing.assert_allclose(counts.var(axis=1), 100 + dispersion * 100**2, rtol=0.05)


def test_a_design_that_cannot_be_is_refused_with_all_its_problems():
    with pytest.raises(InputError) as caught:
        Design(cases=1, genes=10, effect=-1, cases_mixed=2)
    assert str(caught.value).splitlines() == [
        "design: found 1 cases, 27 controls; expected 2 or more of each",
        "design: found 10 genes; expected 86 or more",
        "design: found effect -1; expected 0 or more",
        "design: found cases_mixed 2; expected a share from 0 to 1",
    ]
