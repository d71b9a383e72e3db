"""How often do the intervals of net benefit and of who crosses a threshold hold the truth? Prints a table.

usage: PYTHONPATH=workflow/scripts .venv/bin/python benchmarks/prediction_use.py [--data-sets 200]
           [--women 400] [--effect 0.4] [--resamples 200]

Women of three history variables, two of which tell, and three markers of which the first has the given log
odds ratio a standard deviation, the third half of it, and the second none; the event happens to a fifth to a
quarter. Each data set is fitted and resampled as the workflow does it. The truth is what the two fitted
models have in 40,000 other women of known risk. Two ways are compared: corrected for optimism, and held-out
predictions of resampled women whose models stay as they are (what is told where there are too many women to
keep all predictions).
"""

import argparse
import time

import numpy as np
import pandas as pd
from scipy.special import expit

from decidua.prediction.added_value import crossings
from decidua.prediction.decision_curves import curves_of
from decidua.prediction.design import Specification
from decidua.prediction.paired import Predicted, corrected
from decidua.prediction.validation import resamples, validate

HISTORY, IMMUNE = ("age", "miscarriages", "bmi"), ("nk", "cytotoxicity", "th1_th2")
OLD, NEW = Specification("history", HISTORY), Specification("history + immune", HISTORY + IMMUNE)
THRESHOLDS, CROSSING, OTHERS = np.array([0.15, 0.25, 0.35]), 0.25, 40_000
NAMES = [
    *(
        f"{what}, threshold {100 * at:g}%"
        for what in ("net benefit", "above all", "change")
        for at in THRESHOLDS
    ),
    "cross",
    *(f"{move}, {whom}" for move in ("up", "down") for whom in ("all", "with", "without")),
]


def women(rng: np.random.Generator, number: int, effect: float) -> tuple[pd.DataFrame, np.ndarray]:
    """Predictors and the true risk of each woman."""
    rows = pd.DataFrame(rng.normal(size=(number, 6)), columns=HISTORY + IMMUNE)
    linear = -1.4 + 0.4 * rows["age"] + 0.3 * rows["miscarriages"]
    return rows, expit(linear + effect * (rows["nk"] + 0.5 * rows["th1_th2"])).to_numpy()


def of_risks(linears: list[np.ndarray], risk: np.ndarray) -> np.ndarray:
    """The numbers among women of known risk: each counts as so much of a woman with and without the event."""
    twice = [np.concatenate([linear, linear]) for linear in linears]
    event, weights = np.repeat([True, False], len(risk)), np.concatenate([risk, 1 - risk])
    return numbers(event)(twice, [weights])[0]


def numbers(event: np.ndarray):
    """All that is told of the two models, for `corrected`."""
    benefit, moves = curves_of(event, THRESHOLDS), crossings(event, CROSSING)

    def found(linears, weightings):
        both = zip(benefit(linears, weightings), moves(linears, weightings), strict=True)
        return [np.concatenate(each) for each in both]

    return found


def data_set(
    seed: int, options: argparse.Namespace, rows: pd.DataFrame, risk: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth; estimates, lower and upper ends in both ways."""
    rng = np.random.default_rng(seed)
    own, own_risk = women(rng, options.women, options.effect)
    event = rng.random(options.women) < own_risk
    drawn = resamples(event, np.arange(options.women), options.resamples, 5, 3, rng)
    models = list(validate([NEW, OLD], own, event, drawn).models.values())
    truth = of_risks([model.fitted.linear_predictor(rows) for model in models], risk)
    told = [Predicted.of(model) for model in models]
    nothing = np.empty((0, options.women))
    held_out = [Predicted(each.apparent, each.held_out, nothing) for each in told]
    found = [corrected(numbers(event), each, drawn.weights) for each in (told, held_out)]
    ends = np.array([(each.corrected, each.low, each.high) for each in found])
    return truth, ends, found[0].apparent


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-sets", type=int, default=200)
    parser.add_argument("--women", type=int, default=400)
    parser.add_argument("--effect", type=float, default=0.4)
    parser.add_argument("--resamples", type=int, default=200)
    options = parser.parse_args()
    rows, risk = women(np.random.default_rng(99), OTHERS, options.effect)
    found = [data_set(seed, options, rows, risk) for seed in range(options.data_sets)]
    truth, ends, apparent = (np.array(each) for each in zip(*found, strict=True))
    bias = np.r_["0,2", (apparent - truth).mean(axis=0), (ends[:, :, 0] - truth[:, None]).mean(axis=0)]
    covered = ((ends[:, :, 1] <= truth[:, None]) & (truth[:, None] <= ends[:, :, 2])).mean(axis=0)
    width = (ends[:, :, 2] - ends[:, :, 1]).mean(axis=0)
    print(f"{'':<32}{'truth':>8}{'bias of':>10}{'':>20}{'covered by':>20}{'width of':>20}")
    ways = f"{'corrected':>10}{'held out':>10}"
    print(f"{'':<32}{'':>8}{'apparent':>10}{ways}{ways}{ways}")
    for i, name in enumerate(NAMES):
        cells = "".join(f"{value:>10.3f}" for value in (*bias[:, i], *covered[:, i], *width[:, i]))
        print(f"{name:<32}{truth[:, i].mean():>8.3f}{cells}")
    print(f"{options}; {time.process_time():.0f} s of CPU")
