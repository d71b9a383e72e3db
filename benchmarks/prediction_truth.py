"""Do the validation of prediction models and the verdict on added value tell the truth where it is known?

usage: PYTHONPATH=workflow/scripts .venv/bin/python benchmarks/prediction_truth.py FOLDER
           [--draw clinic ...] [--data-sets 200] [--first 0]

Prints tables; asserts nothing. Each setting is a number of simulated cohorts with
a history of four predictors (age, losses, BMI, parity, skewed and discrete as they are) and four correlated
log-normal markers, 20% with the event:

clinic          466 women; history and markers carry something
clinic, no gain 466 women; markers carry nothing beyond the history
nothing         466 women; nothing carries anything
large           2,000 women; markers add 0.05 to the c statistic
large, no gain  2,000 women; markers carry nothing

The models "history" and "history + immune" (ridge, the default) are learned and validated by the chapter's
own functions, and held to as many effective degrees of freedom as the women can bear parameters, as in the
chapter. Truth is the measure of the very model that was learned, in 40,000 women of the population
whose risks are known (each counts with her risk, so that no outcome is drawn). What a data set gave is
written into FOLDER, a file a data set, and not made again; whatever is there is summed up.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit
from threadpoolctl import threadpool_limits

from decidua.prediction import measures, validation
from decidua.prediction.added_value import Women, added_value
from decidua.prediction.complexity import bearable, r2_of_c
from decidua.prediction.design import BOTH, HISTORY, Specification

#: Women, strength of the history, strength of the markers.
SETTINGS = {
    "clinic": (466, 0.45, 0.45),
    "clinic, no gain": (466, 0.45, 0.0),
    "nothing": (466, 0.0, 0.0),
    "large": (2000, 0.50, 0.447),
    "large, no gain": (2000, 0.50, 0.0),
}
#: Log odds a standard deviation, times the strength.
OF_HISTORY, OF_MARKERS = np.array([0.8, 0.7, 0.3, -0.5]), np.array([0.8, 0.4, 0.3, 0.0])
NAMES = ("age", "miscarriages", "bmi", "parity", "m1", "m2", "m3", "m4")
SPECS = (
    Specification("history", NAMES[:4], family=HISTORY),
    Specification("history + immune", NAMES, family=BOTH),
)
ANTICIPATED_C = 0.65
SHARE, POPULATION, RESAMPLES, FOLDS, REPEATS = 0.2, 40_000, 200, 10, 5
TOLD = (measures.C, measures.SLOPE, measures.LARGE, measures.BRIER, measures.SCALED, measures.R2)


def women(number: int, rng: np.random.Generator) -> np.ndarray:
    age = np.clip(31 + 4.5 * rng.normal(size=number), 18, 45)
    losses = 2 + np.minimum(rng.geometric(0.55, size=number) - 1, 6)
    bmi = np.exp(np.log(22) + 0.14 * rng.normal(size=number))
    parity = rng.random(number) < 0.25
    correlated = np.linalg.cholesky(0.3 * np.ones((4, 4)) + 0.7 * np.eye(4))
    markers = np.exp(0.35 * (rng.normal(size=(number, 4)) @ correlated.T))
    return np.column_stack([age, losses, bmi, parity, markers])


class Population:
    """Women whose risks are known, with the intercept at which the share of events is `SHARE`."""

    def __init__(self, history: float, markers: float):
        x = women(200_000, np.random.default_rng(99))
        self.centre, self.scale = x.mean(axis=0), x.std(axis=0)
        self.coefficients = np.r_[history * OF_HISTORY, markers * OF_MARKERS]
        self.intercept = 0.0
        linear = self.log_odds(x)
        low, high = -10.0, 10.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (low, middle) if expit(middle + linear).mean() > SHARE else (middle, high)
        self.intercept = low
        self.rows = pd.DataFrame(x[:POPULATION], columns=list(NAMES))
        self.risk = expit(self.log_odds(x[:POPULATION]))

    def log_odds(self, x: np.ndarray) -> np.ndarray:
        return self.intercept + (x - self.centre) / self.scale @ self.coefficients

    def truth(self, linear: np.ndarray) -> dict[str, float]:
        found = measures.measures_of_many(linear[None], np.ones((1, len(linear))), self.risk, TOLD)
        return {name: float(value[0]) for name, value in found.items()}


def specifications(women: int) -> tuple[Specification, ...]:
    most = bearable(women, SHARE, r2_of_c(ANTICIPATED_C, SHARE))
    return tuple(replace(each, most_df=most) for each in SPECS) if most < len(NAMES) else SPECS


def data_set(setting: str, number: int, population: Population) -> list[dict]:
    """A row a model and measure: truth, apparent, corrected and interval; and the verdict."""
    rng = np.random.default_rng([7, number, *setting.encode()])
    x = women(SETTINGS[setting][0], rng)
    event = rng.random(len(x)) < expit(population.log_odds(x))
    rows, groups = pd.DataFrame(x, columns=list(NAMES)), np.arange(len(x))
    drawn = validation.resamples(event, groups, RESAMPLES, FOLDS, REPEATS, rng)
    found = validation.validate(specifications(len(x)), rows, event, drawn)
    told, truth = [], {}
    for name, model in found.models.items():
        truth[name] = population.truth(model.fitted.linear_predictor(population.rows))
        table = model.measures.set_index("measure")
        columns = ["apparent", "corrected", "low", "high", "cross_validated"]
        told += [
            {"what": f"{measure}, {name}", "truth": truth[name][measure], **table.loc[measure, columns]}
            for measure in TOLD
        ]
    for measure in (measures.C, measures.R2):
        change = validation.difference(found.models[SPECS[1].name], found.models[SPECS[0].name], measure)
        true = truth[SPECS[1].name][measure] - truth[SPECS[0].name][measure]
        told.append({"what": f"change in {measure}", "truth": true, **change})
    compared = Women(rows, event, groups, drawn.weights)
    table = added_value(found, [(SPECS[1].name, SPECS[0].name)], compared, 0.25)
    verdict = table[table["quantity"] == "added value"].iloc[0]
    test = table[table["test"].eq("likelihood ratio").fillna(False)].iloc[0]
    declared = {"what": "added value declared", "truth": np.nan, "apparent": float(test["p"] < 0.05)}
    told.append(declared | {"corrected": float(verdict["estimate"]), "low": np.nan, "high": np.nan})
    return told


def summary(told: pd.DataFrame) -> pd.DataFrame:
    lines = []
    for (setting, what), part in told.groupby(["setting", "what"], sort=False):
        line = {"setting": setting, "what": what, "data sets": len(part)}
        if what == "added value declared":
            line |= {
                "likelihood ratio p < 0.05": part["apparent"].mean(),
                "declared": part["corrected"].mean(),
            }
        else:
            inside = (part["low"] <= part["truth"]) & (part["truth"] <= part["high"])
            line |= {
                "truth": part["truth"].mean(),
                "sd of truth": part["truth"].std(),
                "apparent": part["apparent"].mean(),
                "corrected": part["corrected"].mean(),
                "rmse": np.sqrt(((part["corrected"] - part["truth"]) ** 2).mean()),
                "width": (part["high"] - part["low"]).mean(),
                "covers": inside.mean(),
                "truth below": (part["truth"] < part["low"]).mean(),
                "truth above": (part["truth"] > part["high"]).mean(),
            }
        lines.append(line)
    return pd.DataFrame(lines)


def draw(folder: Path, setting: str, numbers: range) -> None:
    population = Population(*SETTINGS[setting][1:])
    for number in numbers:
        path = folder / f"{setting.replace(', ', '_').replace(' ', '_')}-{number:04d}.json"
        if not path.exists():
            told = [{"setting": setting, **row} for row in data_set(setting, number, population)]
            path.write_text(json.dumps(told), encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--draw", nargs="*", default=[], choices=SETTINGS)
    parser.add_argument("--data-sets", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with threadpool_limits(limits=1, user_api="blas"):
        for setting in options.draw:
            draw(options.folder, setting, range(options.first, options.data_sets))
    rows = [row for path in sorted(options.folder.glob("*.json")) for row in json.loads(path.read_text())]
    if rows:
        pd.set_option("display.width", 250, "display.max_columns", 20, "display.max_rows", 500)
        for _, part in summary(pd.DataFrame(rows)).groupby("setting", sort=False):
            print(
                part.drop(columns="setting").dropna(axis="columns", how="all").round(3).to_string(index=False)
            )
            print()
