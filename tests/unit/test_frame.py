"""Published figures beside simulated ones: nothing is invented, and every simulated number says so."""

from pathlib import Path

import pandas as pd
import pytest

from decidua import results
from decidua.config import check, load_yaml, schema_problems
from decidua.errors import InputError
from decidua.frame import ARITHMETIC, PUBLISHED, frame_table, nearest_counts
from decidua.learning.panels import INSIDE, PAIR_INSIDE
from decidua.study_report import study_section

ROOT = Path(__file__).parents[2]
FACTS = ROOT / "workflow/resources/papers/andersen2025.yaml"
SHAPE = {"cases": 108, "controls": 27, "genes": 20000}


def measured(variable, level=None):
    return results.row(
        variable=variable,
        level=level,
        quantity="AUC within folds",
        estimate=0.9,
        lower=0.8,
        upper=0.95,
        interval="95%, score",
        counted="135 samples (108 case, 27 control); 2 repeats of 5 folds",
    )


@pytest.fixture(scope="module")
def frame():
    noise = [
        {"data_set": place, "model": "top 20 genes", "chosen": chosen, "auc": auc, "accuracy": 0.8}
        for chosen, aucs in (("inside", (0.45, 0.55)), ("outside", (0.97, 0.99)))
        for place, auc in enumerate(aucs, 1)
    ]
    performance = results.frame([measured("ridge logistic regression")])
    panels = results.frame([measured(INSIDE, "20"), measured(INSIDE, "5"), measured(PAIR_INSIDE, "2")])
    return frame_table(load_yaml(FACTS), performance, panels, pd.DataFrame(noise), "endometrium", SHAPE)


def test_the_published_figures_are_those_of_the_summary_and_nothing_else(frame):
    published = frame[(frame["level"] == PUBLISHED) & (frame["status"] == results.ESTIMATED)]
    got = published.set_index(["variable", "quantity"])["estimate"].to_dict()
    assert got == pytest.approx(
        {
            ("classifier", "AUC"): 0.996,
            ("classifier", "accuracy"): 0.966,
            ("classifier", "sensitivity"): 0.957,
            ("classifier", "specificity"): 0.995,
            ("two genes", "accuracy"): 0.999,
        }
    )
    assert published["counted"].str.contains("from a lay summary").all()


def test_what_is_not_known_of_the_paper_is_blank():
    facts = load_yaml(FACTS)
    unknown = [facts["paper"][key] for key in ("doi", "journal", "data")]
    unknown += [facts["classifier"][key] for key in ("model", "genes_chosen", "resampling")]
    unknown += [*facts["genes"].values(), facts["study"]["genes"], *facts["figures"]["top 20 genes"].values()]
    assert set(unknown) == {None}


def test_where_the_published_genes_were_chosen_is_said_to_be_unknown(frame):
    row = frame[frame["quantity"] == "genes chosen inside or outside the resamples"].iloc[0]
    assert row["status"] == results.NOT_ESTIMABLE and row["reason"] == "not known from the summary"


def test_every_number_that_is_not_published_says_that_it_is_simulated(frame):
    others = frame[~frame["level"].isin([PUBLISHED, ARITHMETIC])]
    assert len(others) == 7
    for column in ("population", "level", "counted"):
        assert others[column].str.contains("simulated").all(), column


def test_noise_is_the_mean_of_its_data_sets_from_the_smallest_to_the_largest(frame):
    row = frame[frame["level"].str.contains("all samples") & (frame["quantity"] == "AUC")].iloc[0]
    assert (row["estimate"], row["lower"], row["upper"]) == pytest.approx((0.98, 0.97, 0.99))


@pytest.mark.parametrize(
    ("printed", "total", "expected"),
    [
        ("96.6", 135, (130, 131, False)),  # 130 is 96.3%, 131 is 97.0%
        ("99.9", 135, (134, 135, False)),  # 134 is 99.3%
        ("80.0", 135, (108, 109, True)),
        ("95.7", 108, (103, 104, False)),  # 103 is 95.4%, 104 is 96.3%
        ("99.5", 27, (26, 27, False)),
        ("12.5", 8, (1, 2, True)),
        ("100", 27, (27, 27, True)),
        ("33", 3, (0, 1, True)),  # 1 of 3 is 33.3%
    ],
)
def test_a_percentage_is_a_whole_number_of_samples_or_it_is_not(printed, total, expected):
    assert nearest_counts(printed, total) == expected


def test_the_arithmetic_is_that_of_the_hand(frame):
    rows = frame[frame["level"] == ARITHMETIC].set_index("quantity")
    majority = rows.loc["majority rate"]
    assert (majority["estimate"], majority["numerator"], majority["denominator"]) == (0.8, 108, 135)
    # 0.957 x 108 + 0.995 x 27 = 103.356 + 26.865 = 130.221 of 135
    composed = rows.loc["accuracy by sensitivity and specificity"]
    assert composed["estimate"] == pytest.approx(130.221 / 135)
    assert "not the 96.6%" in composed["reason"]


def test_the_page_shows_published_and_simulated_figures_beside_each_other(frame):
    section = study_section("s", "S", "Simulated data", {"frame": frame}, [])
    header = section.tables[0].header
    assert header[2] == "Published" and all("simulated" in name.lower() for name in header[3:])
    row = next(row for row in section.tables[0].rows if row[:2] == ["top 20 genes", "AUC"])
    assert row[2] == "–" and {"0.900 (0.800 to 0.950)", "0.980 (0.970 to 0.990)"} <= set(row)
    assert any("not known from the summary" in sentence for sentence in section.sentences)


def test_the_shipped_facts_fit_their_schema_and_a_slip_is_told():
    schema = load_yaml(ROOT / "workflow/schemas/published.schema.yaml")
    facts = load_yaml(FACTS)
    assert not list(schema_problems(facts, schema))
    facts["figures"]["classifier"]["accuracy"] = 96.6
    (problem,) = schema_problems(facts, schema)
    assert problem.startswith("figures.classifier.accuracy: found 96.6; expected null, or a percentage")


def test_published_figures_that_are_not_there_are_told_by_their_key():
    config = load_yaml(ROOT / "config.yaml")
    config["studies"]["endometrium"]["published"] = "nowhere.yaml"
    with pytest.raises(InputError, match="studies.endometrium.published: found 'nowhere.yaml'"):
        check(config, load_yaml(ROOT / "workflow/schemas/config.schema.yaml"), [ROOT])
