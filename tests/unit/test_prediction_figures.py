"""Figures of the prediction of the next pregnancy: legible, true to their source, no bar of few women."""

import itertools
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_figures import all_words, lines, overlap, texts, written
from test_prediction_score import model

from decidua import results, style, words
from decidua.figures.nomogram import nomogram_source, plot_nomogram
from decidua.figures.prediction import (
    DIFFERENCES,
    MEASURES,
    added_value_source,
    alarms_beside,
    blood_panel_source,
    performance_source,
    plot_added_value,
    plot_blood_panel,
    plot_performance,
    plot_strata,
    strata_source,
)
from decidua.figures.prediction_curves import (
    calibration_source,
    decision_source,
    plot_calibration,
    plot_decision_curves,
)
from decidua.figures.scales import Span
from decidua.prediction.curves import risk_bars
from decidua.prediction.model_file import PredictionModel, Predictor

MARK = "Reconstructed from printed numbers, not patient data"
WHY = "matched sets hold no absolute risk"
LONG = "a model with quite a long name, as published and recalibrated in these women"
MODELS = ("history", "history + immune")
MANY = ("history", "immune", *MODELS[1:], "history + immune, dichotomised", "history + immune, boosted", LONG)
WORDS = {"labels": {"nk_level": "NK level (% of lymphocytes)"}, "synthetic": MARK}


def place(number, **values):
    common = {"analysis": "prediction", "population": "all", "counted": "330 women", **values}
    spread = 0.05 + number / 50
    known = {"estimate": 0.6 + number / 40, "lower": 0.6 + number / 40 - spread, "upper": 0.6 + spread * 1.5}
    return results.row(**common, **known, interval="bootstrap, 95%", numerator=62, denominator=330)


def nowhere(table):
    """The same rows, none of them estimable."""
    gone = table.assign(estimate=np.nan, lower=np.nan, upper=np.nan, interval=pd.NA, p=np.nan)
    return gone.assign(status=results.NOT_ESTIMABLE, reason=WHY).astype(table.dtypes)


def measures(models=MODELS, ways=("apparent", "corrected"), names=tuple(MEASURES)):
    """A row a measure, model and way."""
    every = itertools.product(names, enumerate(models), ways)
    rows = [
        place(i + 2 * (way == "apparent"), variable=name, level=way, quantity=measure)
        for measure, (i, name), way in every
    ]
    return results.frame(rows)


def strata(levels=(("age", ("under 35", "35 and over")),)):
    rows = [
        place(i, variable=name, level=level, quantity="c statistic")
        for name, own in levels
        for i, level in enumerate(own)
    ]
    return results.frame(rows)


def effects(number=3):
    rows = [
        {**place(i - 24, variable=f"marker_{i}", quantity="standardised mean difference"), "p": 0.01 * i}
        for i in range(number)
    ]
    return results.frame(rows)


def calibrations(models=MODELS):
    parts = []
    at = np.linspace(0.05, 0.45, 21)
    for name in models:
        for way, bent in (("apparent", 0.0), ("corrected", 0.04)):
            own = {"model": name, "shown": "curve", "way": way, "predicted": at, "observed": at + bent}
            parts.append(pd.DataFrame({**own, "lower": at - 0.03, "upper": at + 0.1, "reason": pd.NA}))
        risks = np.linspace(0.03, 0.5, 300)
        parts.append(risk_bars(risks, np.arange(300) % 5 == 0).assign(model=name, shown="risks"))
    return pd.concat(parts, ignore_index=True)


def decisions(models=MODELS):
    at = np.arange(5, 41) / 100
    curves = {"treat all": 0.2 - 0.8 * at / (1 - at), "treat none": 0 * at}
    curves |= {name: 0.15 - 0.3 * at + i / 100 for i, name in enumerate(models)}
    parts = []
    for name, benefit in curves.items():
        band = {"lower": benefit - 0.02, "upper": benefit + 0.03} if name in models else {}
        parts.append(pd.DataFrame({"model": name, "threshold": at, "net_benefit": benefit, **band}))
    return pd.concat(parts, ignore_index=True)


def no_curve():
    return pd.DataFrame({"model": ["history"], "reason": [WHY]})


def shown(select, plot):
    def of(table):
        source = select(table)
        return plot(source, **WORDS), source

    return of


performance = shown(performance_source, plot_performance)
added = shown(added_value_source, plot_added_value)
by_stratum = shown(strata_source, plot_strata)
panel = shown(blood_panel_source, plot_blood_panel)
calibration = shown(calibration_source, plot_calibration)
decision = shown(decision_source, plot_decision_curves)


def nomogram(of):
    source = nomogram_source(of)
    return plot_nomogram(source, **WORDS, event="loss", **({} if of else {"reason": WHY})), source


def twelve_predictors():
    rest = [
        Predictor(
            name=f"x{i}", label=f"A predictor with a long name, number {i}", type="number", unit="",
            range=(0.0, 10.0**i), mean=0.0, imputation=(0.0, {}), knots=(), centre=(0.0,), scale=(10.0**i,),
            coefficients=(i - 3.0,),
        )
        for i in range(8)
    ]  # fmt: skip
    call = Predictor(
        name="call", label="Call", type="category", unit="", range=(0.0, 1.0), mean=0.5, imputation=(0.5, {}),
        knots=(), centre=(0.0,), scale=(1.0,), coefficients=(0.4,), levels={"normal": 0.0, "abnormal": 1.0},
    )  # fmt: skip
    return PredictionModel(-1.0, (*model().predictors, *rest, call), {})


DIFFERING = ("history + immune", "history + immune, boosted", LONG)
FIGURES = {
    "performance": lambda: performance(measures()),
    "performance, crowded": lambda: performance(measures(MANY, ("apparent", "corrected", "temporal", LONG))),
    "performance, not estimable": lambda: performance(nowhere(measures())),
    "performance, empty": lambda: performance(results.frame([])),
    "added value": lambda: added(measures(MODELS[1:], names=tuple(DIFFERENCES))),
    "added value, crowded": lambda: added(measures(DIFFERING, names=tuple(DIFFERENCES))),
    "added value, not estimable": lambda: added(nowhere(measures(names=tuple(DIFFERENCES)))),
    "strata": lambda: by_stratum(strata()),
    "strata, crowded": lambda: by_stratum(
        strata((("age", ("under 35", "35 and over")), ("centre", [f"{LONG} {i}" for i in range(12)])))
    ),
    "strata, not estimable": lambda: by_stratum(nowhere(strata())),
    "blood panel": lambda: panel(effects()),
    "blood panel, crowded": lambda: panel(effects(12)),
    "blood panel, empty": lambda: panel(effects(0)),
    "calibration": lambda: calibration(calibrations()),
    "calibration, one model": lambda: calibration(calibrations(MODELS[:1])),
    "calibration, crowded": lambda: calibration(calibrations(MANY)),
    "calibration, not estimable": lambda: calibration(no_curve()),
    "decision curves": lambda: decision(decisions()),
    "decision curves, crowded": lambda: decision(decisions(MANY)),
    "decision curves, not estimable": lambda: decision(no_curve()),
    "nomogram": lambda: nomogram(model()),
    "nomogram, crowded": lambda: nomogram(twelve_predictors()),
    "nomogram, not estimable": lambda: nomogram(None),
}


@cache
def drawn(name):
    figure, source = FIGURES[name]()
    figure.draw_without_rendering()
    return figure, source


@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_legible_and_marked(name):
    figure, _ = drawn(name)
    found = texts(figure)
    for text, box in found:
        assert box.x0 >= 0 and box.y0 >= 0, text
        assert box.x1 <= figure.bbox.width and box.y1 <= figure.bbox.height, text
    for (text, box), (other, other_box) in itertools.combinations(found, 2):
        assert not overlap(box, other_box), f"{text!r} and {other!r}"
    marks = [line.get_window_extent() for label in ("estimate", "key") for line in lines(figure, label)]
    for text, box in found:
        assert not any(overlap(box, mark) for mark in marks), text
    assert MARK in written(figure)
    assert figure.get_size_inches()[0] == style.ONE_COLUMN


@pytest.mark.parametrize("name", [name for name in FIGURES if name.endswith("not estimable")])
def test_where_nothing_can_be_had_the_figure_says_why(name):
    figure, _ = drawn(name)
    assert f"Not estimable: {WHY}" in all_words(figure)
    assert not lines(figure, "estimate")


@pytest.mark.parametrize(
    "name", ["performance", "performance, crowded", "added value", "strata", "blood panel"]
)
def test_every_estimate_is_drawn_once(name):
    figure, source = drawn(name)
    dots = sorted(float(line.get_xdata()[0]) for line in lines(figure, "estimate"))
    assert dots == pytest.approx(sorted(source["estimate"]))


def test_apparent_and_corrected_stand_beside_each_other_in_print():
    figure, source = drawn("performance")
    for row in source[source["quantity"] == "c statistic"].itertuples():
        value, low, high = (words.decimals(number, 2) for number in (row.estimate, row.lower, row.upper))
        said = value if row.level == "apparent" else f"{value} ({low} to {high})"
        assert said in written(figure)


def test_alarms_stand_beside_the_numbers():
    said = "Alarm, positivity: every abnormal woman was treated and no other."
    drawings = (
        plot_performance(performance_source(measures()), **WORDS, alarms=[said]),
        plot_added_value(added_value_source(measures(names=tuple(DIFFERENCES))), **WORDS, alarms=[said]),
        plot_strata(strata_source(strata()), **WORDS, alarms=[said]),
        plot_blood_panel(blood_panel_source(effects()), **WORDS, alarms=[said]),
        plot_calibration(calibration_source(calibrations()), **WORDS, alarms=[said]),
        plot_decision_curves(decision_source(decisions()), **WORDS, alarms=[said]),
        plot_nomogram(nomogram_source(model()), **WORDS, alarms=[said]),
    )
    for figure in drawings:
        figure.draw_without_rendering()
        assert said in all_words(figure)


def test_all_centres_that_were_left_out_have_one_look():
    ways = ("apparent", "corrected", "leave-one-centre-out: A", "leave-one-centre-out: B")
    figure, source = performance(measures(ways=ways))
    figure.draw_without_rendering()
    assert written(figure)["Leave-one-centre-out"] == 1
    assert len(lines(figure, "estimate")) == len(source)


def test_one_measure_that_cannot_be_had_says_so_in_its_place_and_below():
    table = measures()
    gone = (table["variable"] == "history") & (table["quantity"] == "calibration slope")
    figure, _ = performance(pd.concat([table[~gone], nowhere(table[gone])], ignore_index=True))
    assert written(figure)["not estimable"] == 2
    assert f"Not estimable (History, calibration slope): {WHY}." in all_words(figure)


def test_the_curves_drawn_are_those_of_the_source():
    figure, source = drawn("calibration")
    assert len(lines(figure, "corrected")) == len(lines(figure, "apparent")) == len(MODELS)
    curve = lines(figure, "corrected")[0]
    own = source[(source["model"] == "history") & (source["way"] == "corrected")]
    assert curve.get_ydata() == pytest.approx(own["observed"])
    figure, source = drawn("decision curves")
    own = source[source["model"] == "history + immune"]
    assert lines(figure, "history + immune")[0].get_ydata() == pytest.approx(own["net_benefit"])
    assert "Band: interval of history + immune" in all_words(figure)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0.001, 0.999), min_size=1, max_size=120), st.integers(0, 2**32 - 1))
def test_no_bar_of_the_risks_is_of_few_women_and_none_ends_at_a_woman(risks, seed):
    risks = np.array(risks)
    event = np.random.default_rng(seed).uniform(size=len(risks)) < 0.5
    bars = risk_bars(risks, event, smallest=10)
    for way, who in (("with the event", event), ("without the event", ~event)):
        own = bars[bars["way"] == way]
        women = own["observed"] * (own["upper"] - own["lower"]) * len(risks)
        if who.sum() < 10:
            assert own.empty
            continue
        assert women.sum() == pytest.approx(who.sum())
        assert ((women.round() == 0) | (women.round() >= 5)).all()
        ends = own[["lower", "upper"]].to_numpy()
        assert (2 * ends / 0.005) == pytest.approx(np.round(2 * ends / 0.005))


def test_the_points_of_the_nomogram_add_up_to_the_risk_of_the_model():
    of = twelve_predictors()
    source = nomogram_source(of)
    women, points = {"id": ["W"]}, 0.0
    for predictor in of.predictors:
        ticks = source[(source["variable"] == predictor.label) & source["points"].notna()]
        tick = ticks.iloc[len(ticks) // 2] if len(ticks) else None
        women[predictor.name] = [predictor.mean if tick is None else tick["value"]]
        points += 0.0 if tick is None else tick["points"]
    women["call"] = ["abnormal" if women["call"][0] else "normal"]
    lower = source[source["part"] == "risk"]
    found = np.interp(points, lower["points"], np.log(lower["value"] / (1 - lower["value"])))
    risk = of.risk(pd.DataFrame(women))[0]
    assert lower["points"].iloc[0] <= points <= lower["points"].iloc[-1]
    assert 1 / (1 + np.exp(-found)) == pytest.approx(risk, rel=1e-9)
    reach = source.loc[source["part"] == "predictor", "points"]
    assert reach.min() >= -1e-9 and reach.max() <= 100 + 1e-9


def test_a_predictor_without_a_part_is_said_to_be_unused():
    figure, _ = drawn("nomogram, crowded")
    assert written(figure)["not used"] == 1


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-1000, 1000), min_size=1, max_size=5))
def test_an_axis_holds_its_values_between_few_round_ticks(values):
    span = Span.holding(values)
    low, high = span.limits
    room = 1e-6 * (high - low)
    assert low - room <= min(values) and max(values) <= high + room
    assert 2 <= len(span.ticks) <= 8
    assert np.diff(span.ticks) == pytest.approx(np.full(len(span.ticks) - 1, span.ticks[1] - span.ticks[0]))


def test_the_same_tables_give_the_same_bytes(tmp_path):
    for name in ("performance", "nomogram"):
        files = [tmp_path / f"{turn}.svg" for turn in "ab"]
        for file in files:
            style.save(FIGURES[name]()[0], [file])
        assert files[0].read_bytes() == files[1].read_bytes()


def test_an_alarm_stands_beside_its_table_and_one_of_a_model_beside_the_performance():
    alarms = pd.DataFrame(
        {
            "alarm": ["a", "a", "leak", "b"],
            "where": ["performance", "model", "history", "markers"],
            "reason": list("xxyz"),
        },
        dtype="string",
    )
    assert alarms_beside(alarms, "performance") == ["Alarm, a: x.", "Alarm, leak: y."]
    assert alarms_beside(alarms, "model") == ["Alarm, a: x."]
    assert alarms_beside(alarms, "strata") == []
