"""The figures: they show their source, all of it and nothing else, legibly and in the same bytes."""

import itertools
import re
from collections import Counter
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.text import Text

from decidua import results, style, words
from decidua.definitions import CHOSEN, Definition, every_definition, universe_name
from decidua.figures.band import band_source, plot_band
from decidua.figures.combinations import combinations_source, plot_combinations
from decidua.figures.expression import (
    pca_source,
    performance_source,
    plot_pca,
    plot_performance,
    plot_qc,
    plot_roc,
    qc_source,
    roc_source,
)
from decidua.figures.flow import flow_source, plot_flow
from decidua.figures.forest import RatioScale
from decidua.figures.multiverse import multiverse_source, plot_multiverse
from decidua.figures.nulls import nulls_source, plot_nulls
from decidua.figures.page import scale_top
from decidua.figures.panels import LOOKS, panels_source, plot_panels
from decidua.figures.published import LEVELS, plot_published, published_source
from decidua.figures.rates import live_birth_source, plot_live_birth, plot_prevalence, prevalence_source
from decidua.figures.regressions import (
    functional_form_source,
    plot_functional_form,
    plot_regression,
    regression_source,
)
from decidua.figures.reliability import (
    calibration_source,
    plot_calibration,
    plot_precision_recall,
    plot_repeats,
    precision_recall_source,
    repeats_source,
)
from decidua.figures.resources import plot_resources, resources_source
from decidua.figures.trends import plot_trend, trend_source
from decidua.learning.calibration import calibration_table
from decidua.learning.performance import summary
from decidua.learning.precision_recall import precision_recall_table
from decidua.markers import subgroups

MARK = "Reconstructed from printed numbers, not patient data"
LABELS = {
    "all": "All women",
    "known": "Known etiology",
    "idiopathic": "Idiopathic",
    "immunity": "Abnormal cellular immunity",
    "nk_level": "NK level",
    "nk_cytotoxicity": "NK cytotoxicity",
    "th1_th2": "Th1/Th2",
    "live_birth": "Live birth",
    "miscarriages": "Miscarriages",
    "abnormal": "Abnormal immunity, treated",
    "normal": "Normal immunity, untreated",
}
LONG = "a name that says in many words what was measured, by which assay and in whom, "

# Han et al. 2025: section 3, Figure 1
HAN_FLOW = [
    ("Assessed for eligibility", 987, "assessed"),
    ("Incomplete work-up", 76, "excluded"),
    ("Work-up elsewhere", 92, "excluded"),
    ("Lost to follow-up", 290, "excluded"),
    ("Stillbirth", 3, "excluded"),
    ("Chemical pregnancy", 7, "excluded"),
    ("Did not follow the protocol", 53, "excluded"),
    ("Included", 466, "included"),
    ("Known etiology", 215, "group"),
    ("Idiopathic", 251, "group"),
]
# Han et al. 2025, Figure 2: women with abnormal immunity of 215 and 251; p = .250
HAN_ABNORMAL = {"known": (97, 215), "idiopathic": (100, 251)}
# Han et al. 2025, Figure 3, and the idiopathic subgroups of the reconstruction (p = .958 over them)
HAN_BIRTHS = {"abnormal": (163, 197), "normal": (217, 269)}
HAN_SUBGROUPS = {
    "normal": (121, 151),
    "nk_level": (34, 43),
    "nk_cytotoxicity": (14, 17),
    "th1_th2": (8, 10),
    "nk_level + nk_cytotoxicity": (19, 21),
    "nk_level + th1_th2": (3, 4),
    "nk_cytotoxicity + th1_th2": (0, 0),
    "nk_level + nk_cytotoxicity + th1_th2": (4, 5),
}
# Han et al. 2025, Figure 6: known etiology, elevated Th1/Th2: 19 of 168, 11 of 47, p = .034; the rest made up
HAN_TH1_TH2 = {"known": {"2": (9, 90), "3": (10, 78), "4+": (11, 47), "2-3": (19, 168)}}
MADE_UP = {"2": (8, 80), "3": (9, 122), "4+": (0, 0), "2-3": (17, 202)}


def rate(numerator, denominator, **place):
    """A rate's row; the interval is made up: figures draw it and do not know where it comes from."""
    place |= {"quantity": "rate", "numerator": numerator, "denominator": denominator}
    if not denominator:
        return results.not_estimable("nobody in this stratum", **place)
    share = numerator / denominator
    ends = {"lower": max(0.0, share - 0.07), "upper": min(1.0, share + 0.06), "interval": "Wilson, 95%"}
    return results.row(**place, **ends, estimate=share, counted="women with a known call; 0 unknown left out")


def test_row(p, test="Pearson chi-square", **place):
    if p is None:
        return results.not_estimable("an expected count of 0", quantity="test", test=test, **place)
    return results.row(quantity="test", test=test, p=p, **place)


test_row.__test__ = False


def flow_table(rows):
    steps = [(i, *row, row[0].startswith("Lost")) for i, row in enumerate(rows, 1)]
    return pd.DataFrame(steps, columns=["step", "reason", "n", "kind", "after_baseline"])


def prevalence_table(
    groups=("known", "idiopathic"), markers=("nk_level", "nk_cytotoxicity", "th1_th2"), subgroups=None
):
    rows = []
    for number, variable in enumerate(("immunity", *markers)):
        place = {"analysis": "prevalence", "variable": variable}
        for group in groups:
            numerator, denominator = HAN_ABNORMAL.get(group, (1023, 1234))
            rows.append(
                rate(numerator // (number + 1), denominator, population=group, level="abnormal", **place)
            )
        rows.append(test_row(0.25, population="all", level=" v ".join(groups), **place))
        rows.append(test_row(0.26, "Fisher exact", population="all", level=" v ".join(groups), **place))
    for subgroup in subgroups or HAN_SUBGROUPS:
        place = {"analysis": "prevalence", "variable": "subgroup", "level": subgroup}
        size = HAN_SUBGROUPS.get(subgroup, (0, 12))[1]
        rows += [
            rate(size, HAN_ABNORMAL.get(group, (0, 1234))[1], population=group, **place) for group in groups
        ]
    return results.frame(rows)


def live_birth_table():
    place = {"analysis": "live_birth", "variable": "immunity"}
    rows = [rate(*counts, population="all", level=level, **place) for level, counts in HAN_BIRTHS.items()]
    rows.append(test_row(0.569, population="all", level="abnormal v normal", **place))
    for group in ("known", "idiopathic"):
        rows += [
            rate(80 + i, 100, population=group, level=level, **place) for i, level in enumerate(HAN_BIRTHS)
        ]
        rows += [
            rate(*counts, population=group, level=level, analysis="live_birth", variable="subgroup")
            for level, counts in HAN_SUBGROUPS.items()
        ]
        among = {"analysis": "live_birth", "variable": "subgroup", "population": group}
        rows.append(test_row(0.958 if group == "idiopathic" else None, **among))
    return results.frame(rows)


def trend_table(categories=("2", "3", "4+"), populations=("all", "known", "idiopathic"), variable="th1_th2"):
    rows = []
    for population in populations:
        place = {"analysis": "trend", "variable": variable, "population": population}
        counts = HAN_TH1_TH2.get(population, MADE_UP)
        rows += [
            rate(*counts.get(level, (1023, 1234)), level=level, **place) for level in (*categories, "2-3")
        ]
        over = ", ".join(categories)
        rows.append(test_row(0.026, level=over, **place))
        rows.append(test_row(0.034, level="2-3 v 4+", **place))
        rows.append(test_row(None, "Cochran-Armitage", level=over, **place))
        rows.append(test_row(0.0004, "linear-by-linear", level=over, **place))
        rows.append(results.row(quantity="mean", estimate=32.4, level="2-3", **place | {"variable": "age"}))
    return results.frame(rows)


def band_table(numbers=(2, 3, 4, 6), populations=("all", "known", "idiopathic"), women=40, fitted=True):
    rows = []
    for population in populations:
        place = {"analysis": "trend", "variable": "live_birth", "population": population}
        for number in numbers:
            total = max(women - 9 * number, 0)
            observed = rate(total * 3 // 4, total, level=str(number), **place)
            rows.append({**observed, "quantity": "observed rate"})
        if not fitted:
            reason = "separation: the outcome of some women is certain"
            rows.append(results.not_estimable(reason, quantity="fitted rate", **place))
            rows.append(results.not_estimable(reason, quantity="odds ratio", level="per loss", **place))
            continue
        ends = {"interval": "logistic trend, Wald, 95%", "counted": "women with known live birth"}
        for number in numbers:
            share = {"estimate": 0.8 - 0.04 * number, "lower": 0.5 - 0.04 * number, "upper": 0.9}
            rows.append(results.row(**place, **share, **ends, quantity="fitted rate", level=str(number)))
        ends |= {"interval": "Wald, 95%", "test": "Wald", "p": 0.03, "level": "per loss"}
        rows.append(results.row(**place, **ends, quantity="odds ratio", estimate=0.85, lower=0.7, upper=1.02))
    return results.frame(rows)


RULES = ("any", "all", "majority", "single:50:1", "single:25:1", "single:12.5:1")


def multiverse_table(columns=("clinical_losses",), rules=RULES, step=0.003, chosen=None):
    """As many universes as the definitions that these columns allow, each with every rule."""
    definitions = every_definition(columns, chosen)
    rows = []
    for number, (definition, rule) in enumerate(itertools.product(definitions, rules)):
        choices = {"losses": "all women of the table"} if definition is None else definition.choices
        level = universe_name(choices | ({"E:T ratios": rule} if len(rules) > 1 else {}))
        place = {"analysis": "multiverse", "population": "all", "level": level}
        place |= {"reason": CHOSEN} if definition == chosen and rule == "any" else {}
        rows.append(results.row(**place, variable="women", quantity="count", numerator=466 - number))
        share = 0.4 + step * (7 * number % 101)
        ends = {"estimate": share, "lower": share - 0.05, "upper": share + 0.05, "interval": "Wilson, 95%"}
        rows.append(results.row(**place, variable="immunity", quantity="rate", **ends))
        ends = {key: value - 0.4 for key, value in ends.items() if key != "interval"}
        rows.append(
            results.row(
                **place,
                variable="live_birth",
                quantity="difference of rates",
                interval="Newcombe, 95%",
                **ends,
            )
        )
    return results.frame(rows)


METHODS = ("odds ratio", "odds ratio, profile likelihood", "odds ratio, Firth", "odds ratio, imputed")


def regression_table(populations=("all", "known", "idiopathic"), covariates=("age", "bmi"), widest=0.3):
    """Odds ratios by every method, made up: figures draw them and do not know where they come from."""
    made = []
    for population, variable, method in itertools.product(populations, covariates, METHODS):
        place = {"population": population, "variable": variable, "quantity": method}
        place |= {"analysis": "models" if method == METHODS[3] else "regression"}
        log_odds, half = 0.1 * len(made) / (1 + len(made)) - 0.08, widest * (1 + len(made) % 3) / 3
        ends = np.exp([log_odds, log_odds - half, log_odds + half])
        found = dict(zip(("estimate", "lower", "upper"), ends, strict=True))
        counted = {"numerator": 380, "denominator": 466, "counted": "women with known outcome and covariates"}
        made.append(results.row(**place, **found, **counted, interval="Wald, 95%", test="Wald", p=0.034))
    return results.frame(made)


def curves_table(populations=("all", "known", "idiopathic"), covariates=("age", "bmi"), steep=0.1):
    """Curves as parabolas, made up."""
    made = []
    for population, variable in itertools.product(populations, covariates):
        place = {"analysis": "models", "population": population, "variable": variable}
        place["counted"] = "women with known outcome and covariates; 3 unknown left out"
        for test, p in (("non-linearity", 0.039), ("whole covariate", 0.0004)):
            made.append(results.row(**place, quantity="test", test=f"likelihood ratio, {test}", p=p))
        made += [
            results.row(**place, quantity="spline knot", level=f"{i} of 4", estimate=22 + 4 * i)
            for i in (1, 2, 3, 4)
        ]
        made.append(results.row(**place, quantity="spline reference", estimate=33))
        for value in (20, 25, 33, 40, 45.5):
            log_odds, half = -steep * (value - 33) ** 2 / 20, abs(value - 33) / 10
            ends = np.exp([log_odds, log_odds - half, log_odds + half])
            found = dict(zip(("estimate", "lower", "upper"), ends, strict=True))
            own = {"quantity": "odds ratio, spline", "level": f"{value:g}", "interval": "pointwise Wald, 95%"}
            made.append(results.row(**place, **own, **found))
    return results.frame(made)


def without(table, **place):
    """Rows of a table made not estimable."""
    chosen = np.logical_and.reduce([table[column].isin(values) for column, values in place.items()])
    return pd.concat([table[~chosen], _nowhere(table[chosen])]).sort_index()


def samples(labels=("RPL", "control"), number=60):
    rng = np.random.default_rng(7)
    return pd.DataFrame(
        {
            "sample": [f"S{i}" for i in range(number)],
            "label": [labels[i % len(labels)] for i in range(number)],
            "library_size": rng.lognormal(17, 0.3, number),
            "detected_genes": rng.normal(15500, 900, number),
            "pc1": rng.normal(0, 20, number),
            "pc2": rng.normal(0, 12, number),
        }
    )


def roc_table(repeats=5):
    x = np.linspace(0, 1, 21)
    curves = [pd.DataFrame({"repeat": i, "fpr": x, "tpr": x ** (0.2 + 0.02 * i)}) for i in range(repeats)]
    mean = pd.DataFrame({"repeat": "mean", "fpr": x, "tpr": x**0.25, "lower": x**0.35, "upper": x**0.15})
    return pd.concat([*curves, mean], ignore_index=True)


def performance_table():
    place = {"analysis": "classifier", "variable": "ridge logistic regression"}

    def measure(quantity, estimate, **values):
        return results.row(quantity=quantity, estimate=estimate, **place, **values)

    interval = {"interval": "bootstrap, 95%"}
    return results.frame(
        [
            measure("AUC within folds", 0.912, lower=0.853, upper=0.964, **interval),
            measure("majority rate", 0.8, numerator=108, denominator=135),
            measure(
                "accuracy", 120 / 135, lower=0.82, upper=0.93, numerator=120, denominator=135, **interval
            ),
            measure(
                "sensitivity", 100 / 108, lower=0.86, upper=0.97, numerator=100, denominator=108, **interval
            ),
            results.not_estimable("no control was predicted", quantity="specificity", **place),
            measure("calibration slope", 1.3),
        ]
    )


def panels_table(sizes=(1, 2, 5, 10, 20, 50, 100, 200)):
    def measure(variable, size, quantity, estimate, **values):
        place = {"analysis": "panels", "variable": variable, "level": str(size), "quantity": quantity}
        return results.row(**place, estimate=estimate, counted="135 samples; 2 repeats of 5 folds", **values)

    rows = []
    for place, variable in enumerate(LOOKS):
        for size in sizes if place < 2 else sizes[:1]:
            end = 0.9 + 0.02 * place + size / 1e5
            values = {"lower": end - 0.1, "upper": end + 0.04, "interval": "score interval, 95%"}
            rows.append(measure(variable, size, "AUC within folds", end, **values))
            rows.append(measure(variable, size, "accuracy", end - 0.03, **values))
            rows.append(measure(variable, size, "majority rate", 0.8))
            if place % 2 == 0:
                rows.append(
                    measure(variable, size, "stability of the choice (Nogueira)", end - 0.6, **values)
                )
    return results.frame(rows)


def frame_rows(models=("classifier", "top 20 genes", "two genes")):
    rows = [results.row(quantity="majority rate", variable=models[0], level="arithmetic", estimate=0.8)]
    for model in models:
        for place, level in enumerate(LEVELS):
            for quantity in ("AUC", "accuracy at probability 0.5" if place > 1 else "accuracy"):
                values = {"variable": model, "level": level, "quantity": quantity, "counted": "135 samples"}
                if place == 0 and model == "top 20 genes":
                    rows.append(results.not_estimable("no number is given", **values))
                else:
                    ends = {"lower": 0.8, "upper": 0.95, "interval": "score, 95%"} if place else {}
                    rows.append(results.row(**values, estimate=0.99 - place / 10, **ends))
    return results.frame({"analysis": "frame", **row} for row in rows)


TWELVE = [f"{LONG} {i}" for i in range(12)]


def _rates(plot, select, table):
    source = select(table)
    return plot(source, labels=LABELS, synthetic=MARK), source


def _trend(table, variable="th1_th2", **settings):
    source = trend_source(table, variable)
    return plot_trend(source, labels=LABELS, synthetic=MARK, **settings), source


def _flow(rows):
    source = flow_source(flow_table(rows))
    return plot_flow(source, synthetic=MARK), source


def _crowded_flow(groups):
    excluded = [(f"{LONG * 2} {'x' * 70} {i}", i, "excluded") for i in range(15)]
    return _flow([HAN_FLOW[0], *excluded, HAN_FLOW[7], *((f"{LONG} {i}", i, "group") for i in range(groups))])


def _qc(table):
    source = qc_source(table.drop(columns="label"), table[["sample", "label"]])
    return plot_qc(source, labels=LABELS, synthetic=MARK), source


def _pca(table):
    explained = pd.DataFrame({"component": ["pc1", "pc2"], "share": [0.314, 0.087]})
    source = pca_source(table.drop(columns="label"), table[["sample", "label"]], explained)
    return plot_pca(source, labels=LABELS, synthetic=MARK), source


def _band(table):
    source = band_source(table, "live_birth")
    return plot_band(source, labels=LABELS, synthetic=MARK, title="Live birth"), source


def _combinations(table):
    source = combinations_source(table)
    return plot_combinations(source, labels=LABELS, synthetic=MARK), source


def _multiverse(table):
    source = multiverse_source(table)
    return plot_multiverse(source, labels=LABELS, synthetic=MARK), source


def _roc(roc, performance):
    source = roc_source(roc, performance)
    return plot_roc(source, labels=LABELS, synthetic=MARK), source


def held_out_samples(cases=24, controls=18, repeats=2):
    """Predictions that tell something, of three folds."""
    rng = np.random.default_rng(4)
    number = cases + controls
    is_case = np.arange(number) < cases
    tables = []
    for repeat in range(1, repeats + 1):
        score = rng.normal(size=number) + is_case
        label, predicted = (np.where(yes, "case", "control") for yes in (is_case, score > 0.5))
        tables.append(
            pd.DataFrame(
                {
                    "sample": [f"S{i}" for i in range(number)],
                    "group": pd.array([pd.NA] * number, dtype="string"),
                    "label": label,
                    "repeat": repeat,
                    "fold": np.arange(number) % 3 + 1,
                    "score": score,
                    "probability": 1 / (1 + np.exp(-score)),
                    "predicted": predicted,
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def _precision_recall(predictions):
    curves = precision_recall_table(predictions)
    source = precision_recall_source(curves, summary(predictions, "endometrium"))
    return plot_precision_recall(source, labels=LABELS, synthetic=MARK), source


def _calibration(predictions):
    source = calibration_source(calibration_table(predictions), summary(predictions, "endometrium"))
    return plot_calibration(source, labels=LABELS, synthetic=MARK), source


def _repeats(predictions):
    table = results.frame([]) if predictions is None else summary(predictions, "endometrium")
    source = repeats_source(table)
    return plot_repeats(source, labels=LABELS, synthetic=MARK), source


def _performance(table):
    source = performance_source(table)
    return plot_performance(source, labels=LABELS, synthetic=MARK), source


def _panels(table):
    source = panels_source(table)
    return plot_panels(source, labels=LABELS, synthetic=MARK), source


def _published(table):
    source = published_source(table)
    return plot_published(source, synthetic=MARK), source


def _odds_ratios(table):
    models = table[table["analysis"] == "models"]
    source = regression_source(table[table["analysis"] == "regression"], models)
    return plot_regression(source, labels=LABELS, synthetic=MARK), source


def _curves(table):
    source = functional_form_source(table)
    return plot_functional_form(source, labels=LABELS, synthetic=MARK), source


def _nowhere(table):
    """The same rows, none of them estimable."""
    unknown = table.assign(estimate=np.nan, lower=np.nan, upper=np.nan, p=np.nan, interval=pd.NA)
    return unknown.assign(status=results.NOT_ESTIMABLE, reason="the cohort has no such column").astype(
        table.dtypes
    )


def nulls_table(kinds=("IVF, male factor", "IVF, tubal"), refused=()):
    """Comparators of a classifier: their names and numbers matter, not their worth."""
    common = {"analysis": "comparators", "population": "x", "quantity": "AUC within folds"}
    value = {"estimate": 0.62, "lower": 0.4, "upper": 1.0, "interval": "95%, by hand", "denominator": 135}
    names = ["all genes", "chosen panel", "genes and covariates", "covariates only", "negative-control genes"]
    rows = [results.row(variable=name, **common, **value) for name in names]
    rows += [results.row(variable="kind of control", level=kind, **common, **value) for kind in kinds]
    reason = "108 case and 3 control samples; needed are at least 5 of each"
    rows += [
        results.not_estimable(reason, variable="kind of control", level=kind, **common) for kind in refused
    ]
    return results.frame(rows)


def _nulls(table, draws=60):
    random = np.random.default_rng(1).uniform(0, 1, draws)
    found = pd.DataFrame({"draw": range(draws), "auc": random})
    source = nulls_source(table, found, found)
    return plot_nulls(source, labels={"case": LONG}, synthetic=MARK), source


SIX = [f"marker number {i} by a long assay" for i in range(6)]


FIGURES = {
    "flow": lambda: _flow(HAN_FLOW),
    "flow, crowded": lambda: _crowded_flow(4),
    "flow, twelve groups": lambda: _crowded_flow(12),
    "flow, nobody left out": lambda: _flow([HAN_FLOW[0], HAN_FLOW[7]]),
    "flow, excluded in two steps": lambda: _flow(
        [*HAN_FLOW[:3], HAN_FLOW[7], *HAN_FLOW[3:7], ("Analysed", 113, "included")]
    ),
    "flow, unknown number": lambda: _flow([("Assessed", None, "assessed"), ("Included", 0, "included")]),
    "flow, empty": lambda: _flow([]),
    "prevalence": lambda: _rates(plot_prevalence, prevalence_source, prevalence_table()),
    "prevalence, one group": lambda: _rates(
        plot_prevalence, prevalence_source, prevalence_table(groups=("known",))
    ),
    "prevalence, crowded": lambda: _rates(
        plot_prevalence,
        lambda table: prevalence_source(table, tests=("Pearson chi-square", "Fisher exact")),
        prevalence_table(("known", "idiopathic", LONG), TWELVE[:3], TWELVE),
    ),
    "prevalence, twelve groups": lambda: _rates(
        plot_prevalence,
        prevalence_source,
        prevalence_table([f"{LONG} {i}" for i in range(12)], ("nk_level",), ["th1_th2"]),
    ),
    "prevalence, not estimable": lambda: _rates(
        plot_prevalence, prevalence_source, _nowhere(prevalence_table())
    ),
    "prevalence, empty": lambda: _rates(plot_prevalence, prevalence_source, results.frame([])),
    "live birth": lambda: _rates(plot_live_birth, live_birth_source, live_birth_table()),
    "live birth, not estimable": lambda: _rates(
        plot_live_birth, live_birth_source, _nowhere(live_birth_table())
    ),
    "live birth, empty": lambda: _rates(plot_live_birth, live_birth_source, results.frame([])),
    "trend": lambda: _trend(trend_table(), title="Abnormal Th1/Th2"),
    "trend, two categories": lambda: _trend(trend_table(("2", "3+"))),
    "trend, one population": lambda: _trend(trend_table(populations=("all",))),
    "trend, twelve categories": lambda: _trend(trend_table([*map(str, range(2, 13)), "13+"])),
    "trend, crowded": lambda: _trend(
        trend_table(
            [f"{i} consecutive losses before week twenty" for i in range(12)], ("all", "known", LONG)
        ),
        title=LONG,
    ),
    "trend, twelve populations": lambda: _trend(trend_table(populations=[f"{LONG} {i}" for i in range(12)])),
    "trend, not estimable": lambda: _trend(_nowhere(trend_table())),
    "trend, empty": lambda: _trend(results.frame([])),
    "band": lambda: _band(band_table()),
    "band, one population": lambda: _band(band_table(populations=("all",))),
    "band, twelve numbers and many women": lambda: _band(band_table(range(2, 14), women=123456)),
    "band, twelve populations": lambda: _band(band_table(populations=[f"clinic {i}" for i in range(12)])),
    "band, long names": lambda: _band(band_table(populations=(LONG, f"{LONG} 2"))),
    "band, no trend": lambda: _band(band_table(fitted=False)),
    "band, not estimable": lambda: _band(_nowhere(band_table())),
    "band, empty": lambda: _band(results.frame([])),
    "combinations": lambda: _combinations(prevalence_table()),
    "combinations, one marker": lambda: _combinations(
        prevalence_table(("all",), ("nk_level",), ["normal", "nk_level"])
    ),
    "combinations, crowded": lambda: _combinations(prevalence_table(("known", LONG), SIX, subgroups(SIX))),
    "combinations, twelve groups": lambda: _combinations(
        prevalence_table([f"clinic {i}" for i in range(12)], SIX[:3], subgroups(SIX[:3]))
    ),
    "combinations, not estimable": lambda: _combinations(_nowhere(prevalence_table())),
    "combinations, empty": lambda: _combinations(results.frame([])),
    "multiverse": lambda: _multiverse(multiverse_table((), chosen=None)),
    "multiverse, crowded": lambda: _multiverse(multiverse_table(chosen=Definition(4, True, True, False))),
    "multiverse, without ratios": lambda: _multiverse(multiverse_table(rules=["any"])),
    "multiverse, all coincide": lambda: _multiverse(multiverse_table((), ["any"], step=0.0)),
    "multiverse, one universe": lambda: _multiverse(multiverse_table((), ["any"]).head(3)),
    "multiverse, not estimable": lambda: _multiverse(_nowhere(multiverse_table())),
    "multiverse, empty": lambda: _multiverse(results.frame([])),
    "regression": lambda: _odds_ratios(regression_table()),
    "regression, one covariate": lambda: _odds_ratios(regression_table(("all",), ("age",))),
    "regression, wide": lambda: _odds_ratios(regression_table(widest=9.0)),
    "regression, separation": lambda: _odds_ratios(without(regression_table(), quantity=METHODS[:1])),
    "regression, crowded": lambda: _odds_ratios(
        regression_table([f"{LONG} {i}" for i in range(7)], [f"{LONG} {i}" for i in range(12)])
    ),
    "regression, not estimable": lambda: _odds_ratios(_nowhere(regression_table())),
    "regression, empty": lambda: _odds_ratios(results.frame([])),
    "functional form": lambda: _curves(curves_table()),
    "functional form, one curve": lambda: _curves(curves_table(("all",), ("age",))),
    "functional form, steep": lambda: _curves(curves_table(steep=3.0)),
    "functional form, one not estimable": lambda: _curves(
        without(curves_table(), population=["known"], variable=["age"])
    ),
    "functional form, crowded": lambda: _curves(
        curves_table([f"{LONG} {i}" for i in range(7)], [f"{LONG} {i}" for i in range(12)])
    ),
    "functional form, not estimable": lambda: _curves(_nowhere(curves_table())),
    "functional form, empty": lambda: _curves(results.frame([])),
    "qc": lambda: _qc(samples()),
    "qc, crowded": lambda: _qc(samples([*TWELVE[:11], None])),
    "qc, one sample": lambda: _qc(samples(number=1)),
    "qc, empty": lambda: _qc(samples(number=0)),
    "pca": lambda: _pca(samples()),
    "pca, crowded": lambda: _pca(samples([*TWELVE[:11], None])),
    "pca, one sample": lambda: _pca(samples(number=1)),
    "pca, empty": lambda: _pca(samples(number=0)),
    "roc": lambda: _roc(roc_table(), performance_table()),
    "roc, mean alone": lambda: _roc(roc_table(0), performance_table()),
    "roc, no mean": lambda: _roc(roc_table().query("repeat != 'mean'"), results.frame([])),
    "roc, empty": lambda: _roc(roc_table()[:0], results.frame([])),
    "nulls": lambda: _nulls(nulls_table()),
    "nulls, one kind of control": lambda: _nulls(nulls_table(kinds=())),
    "nulls, without draws": lambda: _nulls(nulls_table(), draws=0),
    "nulls, many draws": lambda: _nulls(nulls_table(), draws=12_345),
    "nulls, crowded": lambda: _nulls(
        nulls_table([f"{LONG} {i}" for i in range(6)], [f"{LONG} {i}" for i in range(6, 12)])
    ),
    "nulls, not estimable": lambda: _nulls(_nowhere(nulls_table()), draws=0),
    "nulls, empty": lambda: _nulls(results.frame([]), draws=0),
    "performance": lambda: _performance(performance_table()),
    "performance, not estimable": lambda: _performance(_nowhere(performance_table())),
    "performance, empty": lambda: _performance(results.frame([])),
    "panels": lambda: _panels(panels_table()),
    "panels, crowded": lambda: _panels(panels_table((1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 5000, 10000))),
    "panels, one size": lambda: _panels(panels_table((20,))),
    "panels, not estimable": lambda: _panels(_nowhere(panels_table())),
    "panels, empty": lambda: _panels(results.frame([])),
    "published": lambda: _published(frame_rows()),
    "published, crowded": lambda: _published(frame_rows(("classifier", *TWELVE))),
    "published, not estimable": lambda: _published(_nowhere(frame_rows())),
    "published, empty": lambda: _published(results.frame([])),
    "precision recall": lambda: _precision_recall(held_out_samples()),
    "precision recall, one class": lambda: _precision_recall(held_out_samples(controls=0)),
    "calibration": lambda: _calibration(held_out_samples()),
    "calibration, one class": lambda: _calibration(held_out_samples(controls=0)),
    "repeats": lambda: _repeats(held_out_samples(repeats=12)),
    "repeats, empty": lambda: _repeats(None),
}
RATES = [name for name in FIGURES if name.startswith(("prevalence", "live", "trend", "performance"))]
SHOWN = [name for name in RATES if not name.endswith((", empty", ", not estimable"))]
NOTHING = [name for name in FIGURES if name.endswith((", empty", ", not estimable"))]


@cache
def drawn(name):
    figure, source = FIGURES[name]()
    figure.draw_without_rendering()
    return figure, source


def texts(figure):
    """Every text that is seen, with where it stands (pixels)."""
    found = []
    beyond = {text for axes in figure.axes for text in _beyond(axes)}
    for text in figure.findobj(lambda artist: isinstance(artist, Text) and artist not in beyond):
        box = text.get_window_extent()
        if text.get_text().strip() and text.get_visible() and box.width > 0:
            found.append((text.get_text(), box))
    return found


def _beyond(axes):
    """Labels of ticks that Matplotlib keeps but does not draw, because they are beyond the axis' ends."""
    for axis in (axes.xaxis, axes.yaxis):
        low, high = sorted(axis.get_view_interval())
        for tick in axis.get_major_ticks():
            if not axis.get_visible() or not axes.axison or not low <= tick.get_loc() <= high:
                yield from (tick.label1, tick.label2)


def written(figure):
    return Counter(text for text, _ in texts(figure))


def lines(figure, label):
    return [line for axes in figure.axes for line in axes.lines if line.get_label() == label]


def all_words(figure):
    """All the text in reading order of its writing, words broken over lines joined by a space."""
    return " ".join(text for text, _ in texts(figure))


def value_axis(name):
    """Along which axis values run: upwards only where the categories of a trend stand abreast."""
    lying = ("trend, twelve categories", "trend, crowded", "trend, twelve populations")
    return 1 if name.startswith("trend") and name not in lying else 0


def overlap(one, other, clear=0.0):
    """Whether boxes share more than a pixel (1/300 inch) each way, or stand closer than `clear` on a line."""
    across = min(one.x1, other.x1) - max(one.x0, other.x0)
    along = min(one.y1, other.y1) - max(one.y0, other.y0)
    return across > 1 - clear and along > 1


@pytest.mark.parametrize("name", FIGURES)
def test_no_text_leaves_the_canvas(name):
    figure, _ = drawn(name)
    for text, box in texts(figure):
        assert box.x0 >= 0 and box.y0 >= 0, text
        assert box.x1 <= figure.bbox.width and box.y1 <= figure.bbox.height, text


@pytest.mark.parametrize("name", FIGURES)
def test_no_text_overlaps_another(name):
    for (text, box), (other, other_box) in itertools.combinations(texts(drawn(name)[0]), 2):
        # neighbours on a line need a gap that the eye sees: 2 points
        assert not overlap(box, other_box, clear=2 * style.DPI / 72), f"{text!r} and {other!r}"


@pytest.mark.parametrize("name", FIGURES)
def test_no_text_stands_on_a_mark(name):
    figure, _ = drawn(name)
    marks = [
        line.get_window_extent()
        for label in ("estimate", "interval", "key", "sample")
        for line in lines(figure, label)
    ]
    for text, box in texts(figure):
        assert not any(overlap(box, mark) for mark in marks), text


@pytest.mark.parametrize("name", FIGURES)
def test_no_type_is_smaller_than_six_and_a_half_points(name):
    figure, _ = drawn(name)
    assert min(text.get_fontsize() for text in figure.findobj(Text) if text.get_text()) >= 6.5


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_one_printed_column_wide(name):
    assert drawn(name)[0].get_size_inches()[0] == style.ONE_COLUMN == 3.5


@pytest.mark.parametrize("name", FIGURES)
def test_synthetic_data_are_marked(name):
    assert MARK in written(drawn(name)[0])


def test_other_data_are_not_marked():
    figure = plot_trend(trend_source(trend_table(), "th1_th2"), labels=LABELS, synthetic=None)
    assert not [axes for axes in figure.axes if axes.get_label() == "synthetic"]


@pytest.mark.parametrize(
    "name",
    [
        "flow",
        "prevalence",
        "live birth",
        "trend",
        "regression",
        "functional form",
        "qc",
        "pca",
        "roc",
        "performance",
        "panels",
        "published",
    ],
)
def test_the_same_table_gives_the_same_bytes(name, tmp_path):
    files = []
    for turn in ("one", "two"):
        paths = [tmp_path / f"{turn}.{ending}" for ending in ("png", "svg", "pdf")]
        style.save(FIGURES[name]()[0], paths)
        files.append([path.read_bytes() for path in paths])
    assert files[0] == files[1]


@pytest.mark.parametrize("name", NOTHING)
def test_where_nothing_can_be_had_the_figure_says_so_and_why(name):
    figure, source = drawn(name)
    said = all_words(figure)
    assert "Not estimable:" in said
    if len(source):
        assert "the cohort has no such column" in said
    assert not lines(figure, "estimate")


@pytest.mark.parametrize("name", SHOWN)
def test_every_estimate_of_the_source_is_drawn_once_and_nothing_else(name):
    figure, source = drawn(name)
    values = source[source["quantity"] != "test"]
    estimated = values[values["status"] == results.ESTIMATED]
    axis = value_axis(name)
    points = Counter(float(line.get_data()[axis][0]) for line in lines(figure, "estimate"))
    assert points == Counter(estimated["estimate"])
    ends = Counter(tuple(map(float, line.get_data()[axis])) for line in lines(figure, "interval"))
    assert ends == Counter(estimated[["lower", "upper"]].dropna().itertuples(index=False, name=None))


@pytest.mark.parametrize("name", SHOWN)
def test_what_is_not_estimable_is_said_in_its_place(name):
    figure, source = drawn(name)
    values = source[(source["quantity"] != "test") & (source["status"] == results.NOT_ESTIMABLE)]
    tests = source[(source["quantity"] == "test") & source["p"].isna()]
    said = sum(count for text, count in written(figure).items() if text == "not estimable")
    assert said == len(values)
    assert all_words(figure).count("not estimable") - said == len(tests)
    for reason in words.distinct(source.loc[source["status"] == results.NOT_ESTIMABLE, "reason"]):
        assert re.search(rf"Not estimable( \(.*\))?: {re.escape(reason)}\.", all_words(figure))


@pytest.mark.parametrize("name", SHOWN)
def test_every_rate_is_labelled_with_its_counts(name):
    figure, source = drawn(name)
    values = source[(source["quantity"] != "test") & source["numerator"].notna()]
    expected = Counter(f"{row.numerator}/{row.denominator}" for row in values.itertuples())
    seen = written(figure)
    assert {text: seen[text] for text in expected} == expected


@pytest.mark.parametrize("name", [name for name in SHOWN if not name.startswith("performance")])
def test_an_axis_of_rates_begins_at_nought_and_holds_every_interval(name):
    figure, source = drawn(name)
    largest = source.loc[source["quantity"] == "rate", ["estimate", "upper"]].max().max()
    for axes in figure.axes:
        if axes.get_label().startswith("axes"):
            low, high = axes.get_ylim() if value_axis(name) else axes.get_xlim()
            assert low == 0 and largest <= high <= 1


def test_odds_ratios_stand_where_their_method_and_covariate_say():
    figure, source = drawn("regression")
    points = Counter(float(line.get_xdata()[0]) for line in lines(figure, "estimate"))
    assert points == Counter(source["estimate"])
    ends = Counter(tuple(map(float, line.get_xdata())) for line in lines(figure, "interval"))
    assert ends == Counter(source[["lower", "upper"]].itertuples(index=False, name=None))
    first = source.iloc[0]
    assert f"{first['estimate']:.3f} ({first['lower']:.3f}–{first['upper']:.3f})" in written(figure)
    assert {"Wald", "Profile likelihood", "Firth", "Imputed, Wald"} <= set(written(figure))


def test_what_an_axis_of_ratios_does_not_hold_is_an_arrow():
    figure, source = drawn("regression, wide")
    low, high = next(axes.get_xlim() for axes in figure.axes if axes.get_xscale() == "log")
    assert low < 1 < high and low >= 0.01 and high <= 100
    beyond = int((source["lower"] < low).sum() + (source["upper"] > high).sum())
    assert beyond and len(lines(figure, "beyond")) == beyond
    for line in lines(figure, "interval"):
        assert low <= min(line.get_xdata()) <= max(line.get_xdata()) <= high


def test_imputed_odds_ratios_of_complete_cases_are_not_drawn_again():
    table = regression_table()
    imputed = table["analysis"] == "models"
    table.loc[imputed, "reason"] = "no covariate is missing: the same as complete cases; few"
    figure, source = _odds_ratios(table)
    assert len(source) == (~imputed).sum() and "Imputed, Wald" not in written(figure)


def test_methods_for_which_there_is_no_room_are_named():
    assert "Not drawn for want of room: Profile likelihood, Imputed, Wald, Wald; see" in all_words(
        drawn("regression, crowded")[0]
    )


def test_curves_bands_knots_and_median_are_the_source_s():
    figure, source = drawn("functional form")
    curves = source[source["quantity"] == "odds ratio, spline"]
    seen = [tuple(line.get_ydata()) for line in lines(figure, "curve")]
    assert seen == [
        tuple(own["estimate"]) for _, own in curves.groupby(["population", "variable"], sort=False)
    ]
    values = curves["level"].astype(float).tolist()
    assert [x for line in lines(figure, "curve") for x in line.get_xdata()] == values
    assert all(tuple(line.get_xdata()) == (26, 30, 34, 38) for line in lines(figure, "knots"))
    assert all(line.get_xydata().tolist() == [[33, 1]] for line in lines(figure, "median"))
    assert len(lines(figure, "median")) == 6
    said = all_words(figure)
    assert said.count("non-linearity p = .039") == 6 and said.count("p < .001") == 6


def test_a_curve_that_is_not_estimable_has_its_panel_and_its_reason():
    figure, _ = drawn("functional form, one not estimable")
    assert written(figure)["not estimable"] == 1 and len(lines(figure, "curve")) == 5
    assert "the cohort has no such column" in all_words(figure)


def test_curves_for_which_there_is_no_room_are_counted():
    figure, _ = drawn("functional form, crowded")
    assert len(lines(figure, "curve")) == 12 and "want of room: 72 curves" in all_words(figure)


@given(st.floats(1e-4, 1e4), st.floats(1e-4, 1e4))
def test_an_axis_of_ratios_holds_one_and_what_it_can_and_its_ticks_are_few(one, other):
    scale = RatioScale.holding("", [one, other, np.inf, np.nan, 0.0])
    low, high = scale.limits
    assert low <= 1 <= high and low < high and len(scale.ticks) <= 7
    assert low <= max(min(one, other), 0.01) and high >= min(max(one, other), 100)
    assert list(scale.ticks) == sorted(set(scale.ticks))


@pytest.mark.parametrize("name", ["prevalence", "live birth", "trend"])
def test_panels_of_a_figure_share_their_scale_and_stand_in_line(name):
    figure, _ = drawn(name)
    panels = [axes for axes in figure.axes if axes.get_label().startswith("axes")]
    assert len(panels) == 3
    bounds = np.array([axes.get_position().bounds for axes in panels])
    assert np.ptp(bounds[:, (0, 2)], axis=0) == pytest.approx(0, abs=1e-9)
    limits = {axes.get_ylim() if name == "trend" else axes.get_xlim() for axes in panels}
    assert len(limits) == 1


def test_the_prevalence_figure_prints_han_s_numbers():
    seen = written(drawn("prevalence")[0])
    assert seen["97/215"] and seen["100/251"] and seen["Pearson p = .250, exact p = .260"]
    assert any(text.startswith("45.1 (") for text in seen) and any(text.startswith("39.8 (") for text in seen)
    assert seen["% (interval)"]


def test_the_live_birth_figure_prints_han_s_numbers():
    figure, _ = drawn("live birth")
    said = all_words(figure)
    for shown in (
        "163/197",
        "82.7 (",
        "217/269",
        "80.7 (",
        "19/21",
        "90.5 (",
        "3/4",
        "75.0 (",
        "p = .569",
        "p = .958",
    ):
        assert shown in said
    assert "Abnormal immunity, treated v Normal immunity, untreated: Pearson p = .569" in said


def test_the_trend_figure_names_the_categories_of_a_test_that_are_not_drawn():
    said = written(drawn("trend")[0])
    assert said["2–3 v 4+: Pearson p = .034"] == 3
    assert said["Pearson p = .026, trend not estimable"] == 3
    assert said["11/47"] == 1 and said["23.4%"] == 1


def test_short_names_of_tests_are_told_in_full_in_the_small_print():
    said = all_words(drawn("prevalence")[0])
    assert "Tests: Pearson chi-square; Fisher exact." in said
    names = [
        "Pearson chi-square",
        "Freeman-Halton exact",
        "Cochran-Armitage",
        "Fisher exact",
        "Mantel-Haenszel",
    ]
    assert words.tests_in_full(names) == [
        "Tests: Pearson chi-square; Freeman-Halton or Fisher exact; Cochran-Armitage trend."
    ]
    assert words.tests_in_full(["Mantel-Haenszel", None]) == []


def test_two_tests_of_one_short_name_keep_their_long_names():
    shown = words.tests([("Fisher exact", 0.2), ("Freeman-Halton exact", 0.3)])
    assert shown.replace("\xa0", " ") == "Fisher exact p = .200, Freeman-Halton exact p = .300"


def test_the_commonest_cautions_are_printed_and_the_others_counted():
    table = live_birth_table()
    rates = (table["quantity"] == "rate") & (table["status"] == results.ESTIMATED)
    table.loc[table.index[rates], "reason"] = [f"reason {i}, {LONG}" for i in range(rates.sum())]
    table.loc[table.index[rates][-5:], "reason"] = "everybody was treated"
    figure, _ = _rates(plot_live_birth, live_birth_source, table)
    said = all_words(figure)
    assert "Caution: everybody was treated." in said
    assert re.search(r"Caution: \d+ more; see the figure's source data\.", said)


def test_a_trend_may_be_drawn_over_other_categories():
    source = trend_source(trend_table(), "th1_th2", levels=["2-3", "4+"], tests=["Pearson chi-square"])
    rates = source[source["quantity"] == "rate"]
    assert rates["level"].unique().tolist() == ["2-3", "4+"]
    said = written(plot_trend(source, labels=LABELS))
    assert said["2–3"] == 3 and said["19/168"] == 1 and said["11.3%"] == 1


def test_a_source_holds_rows_of_the_table_unchanged():
    for table, select in (
        (prevalence_table(), prevalence_source),
        (live_birth_table(), live_birth_source),
        (trend_table(), lambda table: trend_source(table, "th1_th2")),
        (performance_table(), performance_source),
        (panels_table(), panels_source),
        (frame_rows(), published_source),
    ):
        source = select(table)
        assert source.dtypes.equals(table.dtypes)
        rows = {tuple(row) for row in table.astype("string").fillna("").to_numpy().tolist()}
        assert all(tuple(row) in rows for row in source.astype("string").fillna("").to_numpy().tolist())


def test_a_source_read_back_from_its_file_draws_the_same_figure(tmp_path):
    from decidua import tables

    source = trend_source(trend_table(), "th1_th2")
    tables.write(source, tmp_path / "trend.csv")
    back = tables.read(tmp_path / "trend.csv")
    for name, rows in (("a", source), ("b", back)):
        style.save(plot_trend(rows, labels=LABELS), [tmp_path / f"{name}.svg"])
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_women_without_abnormality_are_not_shown_twice():
    for table, select in ((prevalence_table(), prevalence_source), (live_birth_table(), live_birth_source)):
        source = select(table)
        assert not ((source["variable"] == "subgroup") & (source["level"] == "normal")).any()


@pytest.mark.parametrize(
    "name", [name for name in FIGURES if name.startswith("flow") and "empty" not in name]
)
def test_the_flow_shows_every_step_with_its_number(name):
    figure, source = drawn(name)
    said = all_words(figure).replace("- ", "").replace(" ", "")
    for row in source.itertuples():
        assert row.reason.replace("-", "").replace(" ", "") in said.replace("-", "")
    numbers = Counter("n unknown" if pd.isna(n) else f"n = {int(n)}" for n in source["n"])
    seen = written(figure)
    assert {number: seen[number] for number in numbers} == numbers


def test_the_flow_has_a_box_for_each_step_and_one_for_all_exclusions():
    figure, _ = drawn("flow")
    boxes = [patch.get_window_extent() for patch in figure.axes[0].patches if patch.get_label() == "box"]
    assert len(boxes) == 5  # assessed, excluded, included, two groups
    assert not any(overlap(one, other) for one, other in itertools.combinations(boxes, 2))
    for _, box in texts(figure)[:-1]:
        assert any(b.x0 <= box.x0 and box.x1 <= b.x1 and b.y0 <= box.y0 and box.y1 <= b.y1 for b in boxes)


def test_the_flow_takes_other_words_for_its_boxes():
    table = flow_table([("Included", 466, "included"), ("known", 215, "group")])
    assert written(plot_flow(flow_source(table), labels=LABELS))["Known etiology"] == 1


@pytest.mark.parametrize(
    ("name", "x", "y"), [("qc", "library_size", None), ("pca", "pc1", "pc2"), ("pca, crowded", "pc1", "pc2")]
)
def test_every_sample_is_a_point(name, x, y):
    figure, source = drawn(name)
    dots = lines(figure, "sample")
    if y is None:
        dots = [line for axes in figure.axes[1:2] for line in axes.lines]
    points = sorted(np.concatenate([line.get_xdata() for line in dots]))
    assert points == sorted(source[x])
    if y is not None:
        assert sorted(np.concatenate([line.get_ydata() for line in dots])) == sorted(source[y])


@pytest.mark.parametrize("name", ["qc", "pca"])
def test_sources_of_samples_carry_no_name_and_no_order(name):
    draw = {"qc": _qc, "pca": _pca}[name]
    table = samples()
    shuffled = table.sample(frac=1, random_state=1).sort_values("label", kind="stable")
    source = draw(table)[1]
    assert "sample" not in source and not source.astype("string").isin(set(table["sample"])).any(axis=None)
    pd.testing.assert_frame_equal(source, draw(shuffled)[1])


def test_samples_of_unknown_label_come_last_and_are_called_unknown():
    figure, source = _qc(samples(["RPL", None, "control"]))
    assert source["label"].unique().tolist() == ["RPL", "control", "unknown"]
    assert written(figure)["Unknown"] == 2  # once beside each panel


def test_two_samples_have_no_second_component_and_the_figure_says_so():
    table = samples(number=2)
    explained = pd.DataFrame({"component": ["pc1"], "share": [1.0]})
    figure = plot_pca(pca_source(table.drop(columns="pc2"), table, explained), labels=LABELS)
    assert "too few samples for two components" in all_words(figure)


def test_the_expression_chapter_s_own_tables_are_drawn():
    expression = pytest.importorskip("decidua.expression")
    rng = np.random.default_rng(5)
    genes, names = [f"G{i}" for i in range(80)], [f"S{i}" for i in range(10)]
    counts = pd.DataFrame(rng.poisson(200, (80, 10)), index=genes, columns=names, dtype="int32")
    sheet = pd.DataFrame({"sample": names, "label": ["case", "control"] * 5})
    source = qc_source(expression.quality(counts), sheet)
    dots = lines(plot_qc(source, labels={}), "sample")
    assert sum(len(line.get_xdata()) for line in dots) == 20
    values = expression.log2_normalised(counts, expression.size_factors(counts))
    components = expression.principal_components(values)
    source = pca_source(components.scores, sheet, components.explained)
    dots = lines(plot_pca(source, labels={}), "sample")
    assert sorted(np.concatenate([line.get_xdata() for line in dots])) == sorted(components.scores["pc1"])


def test_the_axes_of_a_pca_say_how_much_they_explain():
    said = written(drawn("pca")[0])
    assert said["PC1 (31.4% of variance)"] == said["PC2 (8.7% of variance)"] == 1


def test_the_roc_curves_are_the_source_s():
    figure, source = drawn("roc")
    assert len(lines(figure, "repeat")) == 5 and len(lines(figure, "mean")) == 1
    for line, (_, curve) in zip(
        lines(figure, "repeat") + lines(figure, "mean"), source.groupby("repeat", sort=False), strict=True
    ):
        assert np.array_equal(line.get_xdata(), curve["fpr"]) and np.array_equal(
            line.get_ydata(), curve["tpr"]
        )
    assert "AUC within folds 0.912 (0.853–0.964)" in all_words(figure)
    band = [collection for axes in figure.axes for collection in axes.collections]
    assert len(band) == 1
    mean = source[source["repeat"] == "mean"]
    corners = {(round(x, 9), round(y, 9)) for x, y in band[0].get_paths()[0].vertices}
    for end in ("lower", "upper"):
        assert corners >= {(round(x, 9), round(y, 9)) for x, y in mean[["fpr", end]].to_numpy()}


def test_panels_chosen_inside_and_outside_stand_on_one_axis_with_the_line_to_beat():
    figure, source = drawn("panels")
    for variable in LOOKS:
        drawn_points = [tuple(line.get_ydata()) for line in lines(figure, variable)]
        rows = source[(source["variable"] == variable) & (source["quantity"] != "majority rate")]
        assert drawn_points == [tuple(own["estimate"]) for _, own in rows.groupby("quantity", sort=False)]
    assert [line.get_ydata()[0] for line in lines(figure, "reference")] == [0.5, 0.8]


def test_published_numbers_and_simulated_ones_are_called_so_beside_each():
    figure, source = drawn("published")
    seen = written(figure)
    assert seen["published"] == 6 and seen["simulated"] == 18 and seen["not estimable"] == 2
    estimated = source[source["status"] == results.ESTIMATED]
    points = Counter(float(line.get_xdata()[0]) for line in lines(figure, "estimate"))
    assert points == Counter(estimated["estimate"])
    assert "no finding about the published study" in all_words(figure)


def test_accuracy_stands_beside_the_majority_s_rate():
    figure, source = drawn("performance")
    assert source["quantity"].tolist() == [
        "AUC within folds",
        "accuracy",
        "majority rate",
        "sensitivity",
        "specificity",
    ]
    (line,) = lines(figure, "reference")
    assert line.get_xdata()[0] == 0.8


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.034, "p = .034"),
        (0.25, "p = .250"),
        (0.0409999, "p = .041"),
        (0.0005, "p < .001"),
        (0.001, "p = .001"),
        (0.9996, "p > .999"),
        (1.0, "p > .999"),
        (float("nan"), "not estimable"),
    ],
)
def test_p_values_are_written_in_one_way(p, text):
    assert words.p_value(p) == text


@given(st.floats(0.001, 0.999))
def test_a_written_p_value_is_within_half_a_thousandth(p):
    assert abs(float(words.p_value(p).removeprefix("p = ")) - p) <= 0.0005 + 1e-12


@pytest.mark.parametrize(
    ("fraction", "text"),
    [(97 / 215, "45.1%"), (0.0625, "6.3%"), (9 / 80, "11.3%"), (1.0, "100.0%"), (0.0, "0.0%")],
)
def test_percentages_round_halves_up_as_spss_does(fraction, text):
    assert words.percent(fraction) == text


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("nk_level + th1_th2", "NK level + Th1/Th2"),
        ("known v idiopathic", "Known etiology v Idiopathic"),
        ("2-3 v 4+", "2–3 v 4+"),
        ("crp_high", "crp high"),
        ("unknown", "Unknown"),
    ],
)
def test_keys_are_called_by_their_labels_part_by_part(key, text):
    assert words.name(key, LABELS) == text


@given(st.floats(0, 1))
def test_a_scale_of_rates_ends_on_a_tick_at_or_above_the_largest(largest):
    top, step = scale_top(largest)
    assert largest <= top <= 1
    assert 2 <= round(top / step, 9) <= 6 and round(top / step, 9).is_integer()


def predictions(seed=3, number=40, repeats=2, folds=4):
    """Held-out predictions of a weak model, in the columns of `decidua.learning.cross_validation`."""
    rng = np.random.default_rng(seed)
    is_case = np.arange(number) % 3 > 0
    rows = []
    for repeat, sample in itertools.product(range(1, repeats + 1), range(number)):
        score = rng.normal(is_case[sample], 1.0)
        rows.append(
            {
                "sample": f"S{sample}",
                "group": pd.NA,
                "label": "case" if is_case[sample] else "control",
                "repeat": repeat,
                "fold": (sample + repeat) % folds + 1,
                "score": score,
                "probability": 1 / (1 + np.exp(-score)),
                "predicted": "case" if score > 0 else "control",
            }
        )
    return pd.DataFrame(rows)


def test_the_classifier_s_own_tables_are_drawn():
    performance = pytest.importorskip("decidua.learning.performance")
    table, curves = performance.summary(predictions(), "endometrium"), performance.roc_table(predictions())
    source = performance_source(table)
    figure = plot_performance(source, labels={}, synthetic=MARK)
    assert len(source) == 6
    assert Counter(line.get_xdata()[0] for line in lines(figure, "estimate")) == Counter(source["estimate"])
    area = table.loc[table["quantity"] == performance.WITHIN].iloc[0]
    said = all_words(plot_roc(roc_source(curves, table), synthetic=MARK))
    assert f"AUC within folds {area['estimate']:.3f} ({area['lower']:.3f}–{area['upper']:.3f})" in said


def test_the_method_in_use_is_the_filled_one_among_the_methods():
    from decidua.figures.methods import methods_source, plot_methods

    place = {"analysis": "methods", "quantity": "AUC within folds", "interval": "score, 95%"}
    rows = [
        results.row(variable="ridge", level="method in use", estimate=0.8, lower=0.7, upper=0.9, **place),
        results.row(variable="forest", level="challenger", estimate=0.9, lower=0.8, upper=0.95, **place),
        results.not_estimable("did not converge", variable="elastic net", level="challenger", **place),
        results.row(**place | {"quantity": "accuracy"}, variable="ridge", estimate=0.7),
    ]
    source = methods_source(results.frame(rows))
    assert len(source) == 3
    figure = plot_methods(source, labels={}, synthetic=MARK)
    marks = {line.get_xdata()[0]: line.get_markerfacecolor() for line in lines(figure, "estimate")}
    assert set(marks) == {0.8, 0.9} and marks[0.8] != marks[0.9]
    assert "not chosen by this figure" in " ".join(all_words(figure).split())
    assert "did not converge" in all_words(plot_methods(source.iloc[[2]], labels={}))


def women(number=90):
    """A small classified cohort, made up, in the columns of the validated one."""
    rng = np.random.default_rng(11)
    abnormal = rng.random((number, 3)) < (0.3, 0.2, 0.1)
    names = ("nk_level", "nk_cytotoxicity", "th1_th2")
    subgroup = [" + ".join(itertools.compress(names, row)) or "normal" for row in abnormal]
    birth = rng.random(number) < 0.8
    karyotype = [
        None if born else ("euploid", "aneuploid", "not tested")[i % 3] for i, born in enumerate(birth)
    ]
    return pd.DataFrame(
        {
            "id": [f"W{i}" for i in range(number)],
            "etiology": pd.Categorical(rng.choice(["known", "idiopathic"], number), ["known", "idiopathic"]),
            "age": rng.normal(33, 4, number),
            "miscarriages": pd.array(rng.integers(2, 6, number), dtype="Int64"),
            "ivig_dose_g": np.where(abnormal.any(axis=1), 100.0, 0.0),
            "live_birth": pd.array(birth, dtype="boolean"),
            "karyotype": pd.array(karyotype, dtype="string"),
            **{name: pd.array(abnormal[:, i], dtype="boolean") for i, name in enumerate(names)},
            "subgroup": pd.array(subgroup, dtype="string"),
            "immunity": pd.array(np.where(abnormal.any(axis=1), "abnormal", "normal"), dtype="string"),
        }
    )


def drawings(women, **settings):
    """Every figure of a cohort from the statistics' own tables: name, figure, source."""
    statistics = pytest.importorskip("decidua.statistics.tables")
    from decidua.statistics.settings import Settings

    chosen = Settings(**settings)
    source = prevalence_source(statistics.prevalence(women, chosen))
    yield "prevalence", plot_prevalence(source, labels=LABELS, synthetic=MARK), source
    source = live_birth_source(statistics.live_birth(women, chosen))
    yield "live birth", plot_live_birth(source, labels=LABELS, synthetic=MARK), source
    trends = statistics.trend(women, chosen)
    for variable in ("live_birth", "immunity", "th1_th2", "aneuploidy"):
        source = trend_source(trends, variable)
        yield f"trend of {variable}", plot_trend(source, labels=LABELS, synthetic=MARK), source


def test_the_statistics_own_tables_are_drawn():
    for name, figure, source in drawings(women()):
        rates = source[source["quantity"] == "rate"]
        axis = 1 if name.startswith("trend") else 0
        points = Counter(float(line.get_data()[axis][0]) for line in lines(figure, "estimate"))
        assert points == Counter(rates["estimate"].dropna()), name
        assert len(rates) and (source["quantity"] == "test").any(), name
        said = all_words(figure)
        for p in source["p"].dropna():
            assert words.p_value(p) in said, name


def test_a_caution_of_the_statistics_stands_on_the_figure():
    figures = {name: figure for name, figure, _ in drawings(women())}
    assert "immunity and treatment cannot be told apart" in all_words(figures["live birth"])


@pytest.mark.parametrize(
    ("lost", "settings", "reason"),
    [
        ([], {"group": None}, None),
        ([], {"group": "clinic"}, "the cohort has no column clinic"),
        ([], {"history": None}, "no column of earlier losses is set"),
        ([], {"history_categories": (2,)}, None),
        ([], {"history_categories": (2, 3)}, None),
        (["live_birth"], {}, "the cohort has no column live_birth"),
        (["th1_th2"], {}, "the cohort has no column th1_th2"),
        (["karyotype"], {}, "the cohort has no column karyotype"),
        (["immunity", "subgroup"], {}, "the cohort has no column immunity"),
    ],
)
def test_a_cohort_that_lacks_something_still_has_every_figure(lost, settings, reason):
    said = [all_words(figure) for _, figure, _ in drawings(women().drop(columns=lost), **settings)]
    assert len(said) == 6
    assert reason is None or any("Not estimable" in text and reason in text for text in said)


def test_an_empty_cohort_has_figures_that_say_so():
    for name, figure, _ in drawings(women()[:0]):
        assert "Not estimable" in all_words(figure), name


def test_the_enrolment_flow_of_a_cohort_is_drawn():
    cohort = pytest.importorskip("decidua.cohort")
    excluded = [(reason, n) for reason, n, kind in HAN_FLOW if kind == "excluded"]
    flow = cohort.enrolment_flow(987, excluded, 466, {"Known etiology": 215, "Idiopathic": 251})
    flow = cohort.mark_after_baseline(flow, ["Lost to follow-up"])
    assert written(plot_flow(flow_source(flow))) == written(plot_flow(flow_source(flow_table(HAN_FLOW))))


# ---- time and memory of the run


def benchmark(seconds, memory="100.5", cpu="1.5"):
    """One of Snakemake's benchmark tables, as read back."""
    return pd.DataFrame({"s": [seconds], "h:m:s": ["0:00:01"], "max_rss": [memory], "cpu_time": [cpu]})


def test_time_and_memory_are_added_up_by_rule():
    source = resources_source(
        {
            "benchmarks/plot/a.tsv": benchmark(2.0, "100.0"),
            "benchmarks/plot/b.tsv": benchmark(3.0, "120.0"),
            "benchmarks/record.tsv": benchmark(0.1, "-", "0.0"),
            "benchmarks/count/a_1_of_2.tsv": benchmark(7.0),
        }
    )
    assert source["rule"].tolist() == ["count", "plot", "record"]
    plot = source.set_index("rule").loc["plot"]
    assert plot.tolist() == [2, 5.0, 3.0, 3.0, 120.0]
    assert pd.isna(source.set_index("rule").loc["record", "peak_memory_mib"])


def test_every_rule_has_a_bar_as_long_as_its_seconds():
    source = resources_source({f"benchmarks/rule_{i}/a.tsv": benchmark(float(i)) for i in range(1, 31)})
    figure = plot_resources(source)
    bars = [patch.get_width() for axes in figure.axes for patch in axes.patches]
    assert bars == source["seconds"].tolist()
    figure.draw_without_rendering()


def test_a_run_without_benchmarks_says_so():
    figure = plot_resources(resources_source({}))
    assert "no job left a benchmark" in " ".join(text.get_text() for text in figure.findobj(Text))


def test_a_band_shows_each_observed_rate_and_each_fitted_one():
    figure, source = drawn("band")
    observed = source[(source["quantity"] == "observed rate") & (source["status"] == results.ESTIMATED)]
    points = [tuple(np.ravel(line.get_xydata())) for line in lines(figure, "estimate")]
    assert points == list(zip(observed["level"].astype(float), observed["estimate"], strict=True))
    fitted = source[source["quantity"] == "fitted rate"]
    drawn_lines = np.concatenate([line.get_xydata() for line in lines(figure, "trend")])
    expected = np.column_stack([fitted["level"].astype(float), fitted["estimate"]])
    np.testing.assert_allclose(drawn_lines, expected)
    assert written(figure)["Odds ratio per loss 0.85 (0.70–1.02), p = .030"] == 3


def test_a_band_counts_the_women_at_every_number_also_at_one_that_nobody_has():
    figure, source = drawn("band, one population")
    counted = source.loc[source["quantity"] == "observed rate", "denominator"].tolist()
    # 2, 3, 4 and 6 losses are in the table; 5 is on the axis and nobody has it.
    assert counted == [22, 13, 4, 0]
    found = written(figure)
    assert all(found[str(number)] for number in (2, 3, 4, 5, 6, 22, 13)) and found["0"] >= 3


def test_a_trend_that_cannot_be_fitted_leaves_the_points_and_says_why():
    figure, _ = drawn("band, no trend")
    assert (
        len(lines(figure, "estimate")) == 9
        and not np.concatenate([line.get_xydata() for line in lines(figure, "trend")]).size
    )
    assert "separation: the outcome of some women is certain" in all_words(figure)


def test_the_commonest_combinations_are_shown_and_the_others_counted():
    figure, source = drawn("combinations, crowded")
    # Two groups on a page of 48 lines: 16 of the 64 combinations of six markers.
    assert "48 with 1152 women together are in the figure's source data" in all_words(figure)
    assert len(lines(figure, "interval")) == 2 * (6 + 16)
    assert len(source) == 2 * (6 + 64)


def test_the_dots_of_a_combination_are_its_abnormal_markers():
    figure, source = drawn("combinations")
    filled = Counter(line.get_ydata()[0] for line in _dots(figure, style.INK))
    first, *_ = [level for level in source["level"] if level != "abnormal"]
    assert first == "normal"
    # Each marker has a dot of its own; the combinations of three have 3 x 1 + 3 x 2 + 1 x 3 filled dots.
    assert sum(filled.values()) == 3 + 12 + 1
    assert len(_dots(figure, style.PAPER)) == 12 + 1


def _dots(figure, colour):
    found = lines(figure, "key")
    return [line for line in found if line.get_markerfacecolor() == colour and line.get_marker() == "o"]


def test_the_multiverse_shows_every_universe_with_each_of_its_choices():
    figure, source = drawn("multiverse, crowded")
    universes = int((source["variable"] == "women").sum())
    assert universes == 18 * 6
    # Two panels; five choices, but of the six universes of the whole table only losses and ratios.
    assert len(lines(figure, "estimate")) == 2 * universes
    assert len(lines(figure, "choice")) == 5 * universes - 3 * 6
    prevalence = [line.get_ydata()[0] for line in lines(figure, "estimate")[:universes]]
    assert prevalence == sorted(source.loc[source["variable"] == "immunity", "estimate"])


def test_the_chosen_universe_stands_out_in_every_panel():
    figure, _ = drawn("multiverse, crowded")
    diamonds = [line for line in lines(figure, "estimate") if line.get_marker() == "D"]
    assert {line.get_markerfacecolor() for line in diamonds} == {style.VERMILLION} and len(diamonds) == 2
    chosen = [line for line in lines(figure, "choice") if line.get_color() == style.VERMILLION]
    assert {line.get_xdata()[0] for line in chosen} == {diamonds[0].get_xdata()[0]} and len(chosen) == 5


def test_universes_that_coincide_are_said_to():
    assert "All universes coincide in prevalence and difference in live birth" in all_words(
        drawn("multiverse, all coincide")[0]
    )
    assert "coincide" not in all_words(drawn("multiverse")[0])
    assert "There is no other universe" in all_words(drawn("multiverse, one universe")[0])


def test_the_dots_of_the_calibration_figure_are_the_groups_of_the_source():
    figure, source = drawn("calibration")
    groups = source[source["shown"] == "group of samples"]
    (dots,) = [line for axes in figure.axes for line in axes.lines if line.get_label() == "group"]
    assert dots.get_xdata() == pytest.approx(groups["predicted"])
    assert dots.get_ydata() == pytest.approx(groups["observed"])


def test_each_repeat_is_a_dot():
    figure, source = drawn("repeats")
    dots = [line for axes in figure.axes for line in axes.lines if line.get_label() == "repeat"]
    assert {len(line.get_xdata()) for line in dots} == {12}
    found = np.sort(np.concatenate([line.get_xdata() for line in dots]))
    single = source["quantity"].str.endswith(" of one repeat")
    assert found == pytest.approx(np.sort(source.loc[single, "estimate"].astype(float)))
