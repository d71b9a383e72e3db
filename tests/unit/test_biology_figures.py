"""Figures and words of signatures and subgroups: what they show, and what stands where there is nothing."""

import numpy as np
import pandas as pd
import pytest
from test_signatures import a_set, measured, sheet

from decidua.figures.signatures import plot_signatures, signature_source
from decidua.figures.subgroups import plot_stability, plot_subgroups, stability_source, subgroup_source
from decidua.signatures import score_signatures
from decidua.study_report import study_section
from decidua.subgroups import find_subgroups

LABELS = {"case": "RPL", "control": "Control"}


def made(groups=4, scored=True, samples=48, seed=1):
    """Tables of a study with planted clusters, as the jobs make them."""
    rng = np.random.default_rng(seed)
    codes = np.arange(samples) % groups
    values = rng.normal(size=(40, samples)) + 6 + 1.5 * rng.normal(size=(40, groups))[:, codes]
    of = measured(values)
    table = sheet(of.values.columns, samples // 2)
    sets = [
        a_set("NK", of.values.index[:5] if scored else ["absent"]),
        a_set("T", of.values.index[5:9] if scored else ["no"]),
    ]
    scores = score_signatures(of, table, sets, rng, draws=19)
    found = find_subgroups(of, table, scores.scores, rng, genes=40, largest=6, resamplings=20, draws=19)
    components = pd.DataFrame({"sample": table["sample"], "pc1": values[0], "pc2": values[1]})
    return scores, found, components, table


def texts(figure):
    return " ".join(text.get_text() for axes in figure.axes for text in axes.texts)


def count(figure, label):
    return sum(
        len(line.get_xdata()) for axes in figure.axes for line in axes.lines if line.get_label() == label
    )


@pytest.fixture(scope="module")
def study():
    return made()


def test_every_score_is_a_point_and_no_row_has_a_name(study):
    scores, _, _, samples = study
    source = signature_source(scores.scores, samples, scores.table)
    assert "sample" not in source
    assert len(source) == 2 * len(samples)
    figure = plot_signatures(source, labels=LABELS, synthetic="Simulated data")
    assert count(figure, "sample") == len(source)
    assert "not the blood markers" in texts(figure)
    assert "5/5 genes measured" in texts(figure)


def test_where_no_signature_can_be_scored_the_figure_says_why():
    scores, found, components, samples = made(scored=False)
    source = signature_source(scores.scores, samples, scores.table)
    shown = texts(plot_signatures(source, labels=LABELS))
    assert "Not estimable: 0 of 1 genes measured" in shown
    source = subgroup_source(found.members, scores.scores, components, samples, found.table)
    assert "No immune signature could be scored" in texts(plot_subgroups(source, labels=LABELS))


def test_the_picture_shows_every_sample_in_its_subgroup_and_the_share_of_cases(study):
    scores, found, components, samples = study
    source = subgroup_source(found.members, scores.scores, components, samples, found.table)
    assert "sample" not in source
    assert source["number"].unique().tolist() == [4]
    sizes = found.table[found.table["quantity"] == "samples"].set_index("level")["numerator"]
    assert source["subgroup"].value_counts().sort_index().tolist() == sizes.sort_index().tolist()
    figure = plot_subgroups(source, labels=LABELS)
    assert count(figure, "sample") == len(samples)
    assert "4 subgroups are the most stable number" in texts(figure)


def test_the_number_asked_for_is_shown_and_said_to_be_asked_for(study):
    scores, _, components, samples = study
    members = pd.DataFrame({"sample": samples["sample"], "2 subgroups": "mixed 1"})
    members.loc[:9, "2 subgroups"] = "cases"
    found = made()[1]
    source = subgroup_source(members, scores.scores, components, samples, found.table, shown=2)
    shown = texts(plot_subgroups(source, labels=LABELS))
    assert "Shown are 2, the number asked for in the settings." in shown
    assert "RPL" in shown


def test_one_cloud_is_drawn_as_one_group_and_said_to_be_one():
    scores, found, components, samples = made(groups=1, seed=3)
    source = subgroup_source(found.members, scores.scores, components, samples, found.table)
    assert source["subgroup"].unique().tolist() == ["all samples"]
    assert "No subgroups beyond one cloud" in texts(plot_subgroups(source, labels=LABELS))
    stability = stability_source(found.table)
    assert "No subgroups beyond one cloud" in texts(plot_stability(stability))


def test_stability_is_drawn_for_every_number_beside_its_null(study):
    source = stability_source(study[1].table)
    assert source["number"].tolist() == [2, 3, 4, 5, 6]
    assert count(plot_stability(source), "observed") == count(plot_stability(source), "null mean") == 5


def test_too_few_samples_leave_figures_that_say_so():
    scores, found, components, samples = made(groups=2, samples=8)
    reason = "8 samples, fewer than 10"
    assert reason in texts(plot_stability(stability_source(found.table)))
    source = subgroup_source(found.members, scores.scores, components, samples, found.table)
    assert reason in texts(plot_subgroups(source, labels=LABELS))
    section = study_section("s", "S", "", {"subgroups": found.table, "signatures": scores.table}, [])
    assert section.cautions == [f"Subgroups: not estimable: {reason}."]


def test_the_page_says_the_number_of_subgroups_and_that_scores_are_no_blood_markers(study):
    scores, found, *_ = study
    section = study_section("s", "S", "", {"subgroups": found.table, "signatures": scores.table}, [])
    text = " ".join(section.sentences)
    assert "not the blood markers of the same name" in text
    assert (
        "4 subgroups of samples are the most stable number (against data without subgroups p = .050)" in text
    )
