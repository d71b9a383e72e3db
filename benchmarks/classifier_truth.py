"""Does the classifier's chapter tell the truth where the truth is known? Prints the table of
classifier_truth.md.

usage: PYTHONPATH=workflow/scripts .venv/bin/python benchmarks/classifier_truth.py FOLDER [--draw noise ...]

Each part is a number of simulated data sets (`decidua.simulation`), each put through the chapter's own nested
cross-validation:

noise       108 cases, 27 controls, 20,000 genes, nothing planted. The true AUC is 0.5.
weak, middle, strong
            the same numbers of women and 5,000 genes (fewer only to save time; the share of changed genes is
            the same). One truth a part: a population of 30 times as many women is simulated, each data set is
            108 cases and 27 controls of it, drawn at random. The true value of a measure is what the
            *procedure* reaches, on 1,350 other women of the population, when it learns from as many women as
            the folds train on (86 cases and 22 controls): the mean over the data sets of one such model of
            each. Beside it stands what it reaches when it learns from all 135.
plain, grouped
            54 cases and 27 controls, two samples of each woman: her reads are dealt to two libraries. Nothing
            is planted. `plain` cross-validates as if the samples were independent, `grouped` keeps a woman's
            samples together.
permutation a permutation p-value for the data sets of the part noise, which must be uniform.

What a data set gave is written into FOLDER, a file a data set, and not made again: stop and go on at will.
Whatever is there is summed up; what is computed from the predictions (intervals) is computed anew each time.
"""

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import logit
from threadpoolctl import threadpool_limits

from decidua.learning.calibration import INTERCEPT, SLOPE, intercept_in_the_large, recalibrate
from decidua.learning.cross_validation import CrossValidation, Settings, cross_validate, learn
from decidua.learning.performance import (
    ACCURACY,
    BALANCED,
    BRIER,
    CASE,
    CONTROL,
    MCC,
    POOLED,
    WITHIN,
    auc,
    matthews,
    summary,
)
from decidua.learning.precision_recall import average_precision
from decidua.simulation import Design, Simulation, simulate
from decidua.statistics.answers import NotEstimable

CASES, CONTROLS, POPULATION, FRESH = 108, 27, 30, 10
STRENGTHS = {"weak": 0.15, "middle": 0.25, "strong": 0.45}
WOMEN = ("plain", "grouped")
PERMUTATION = "permutation"
PARTS = ("noise", *STRENGTHS, *WOMEN)
SETTINGS = Settings(repeats=2)


def stream(part: str, number: int) -> np.random.Generator:
    """The random numbers of a data set; those of both kinds of folds are the same."""
    part = "women" if part in WOMEN else part
    return np.random.default_rng([7, number, *part.encode()])


def noise(number: int) -> Simulation:
    return simulate(Design(cases=CASES, controls=CONTROLS, effect=0.0), stream("noise", number))


def population(strength: str) -> Simulation:
    design = Design(
        cases=POPULATION * CASES, controls=POPULATION * CONTROLS, genes=5_000, effect=STRENGTHS[strength]
    )
    return simulate(design, stream(strength, 0))


def draw_noise(number: int, part: str = "noise") -> tuple[CrossValidation, dict]:
    study = noise(number)
    labels = study.samples.set_index("sample")["label"]
    return cross_validate(study.counts, labels, None, SETTINGS, stream("folds", number)), {}


def draw_women(number: int, part: str) -> tuple[CrossValidation, dict]:
    rng = stream(part, number)
    women = simulate(Design(cases=54, controls=27, genes=5_000, effect=0.0), rng)
    first = rng.binomial(women.counts.to_numpy(), 0.5).astype(np.int32)
    both = {"A": first, "B": women.counts.to_numpy() - first}
    names = list(women.counts.columns)
    counts = pd.concat(
        [
            pd.DataFrame(reads, women.counts.index, [f"{name}{which}" for name in names])
            for which, reads in both.items()
        ],
        axis="columns",
    )
    label_of = women.samples.set_index("sample")["label"]
    woman = pd.Series({sample: sample[:-1] for sample in counts.columns})
    labels = woman.map(label_of)
    groups = woman if part == "grouped" else None
    return cross_validate(counts, labels, groups, SETTINGS, stream("folds", number)), {}


def draw_signal(number: int, part: str, people: Simulation) -> tuple[CrossValidation, dict]:
    is_case = (people.samples["label"] == CASE).to_numpy(dtype=bool)
    shuffled = stream(part, number).permutation(len(is_case))
    cases, controls = shuffled[is_case[shuffled]], shuffled[~is_case[shuffled]]
    studied = np.append(cases[:CASES], controls[:CONTROLS])
    fresh = np.append(cases[-FRESH * CASES :], controls[-FRESH * CONTROLS :])
    counts = people.counts.iloc[:, studied]
    labels = people.samples.set_index("sample")["label"]
    validated = cross_validate(counts, labels.loc[counts.columns], None, SETTINGS, stream("folds", number))
    smaller = np.append(studied[:86], studied[CASES : CASES + 22])
    found = {"fresh_cases": FRESH * CASES} | recovered(validated.genes, people.genes)
    for name, taught in (("all", studied), ("smaller", smaller)):
        matrix = np.ascontiguousarray(people.counts.to_numpy()[:, taught].T, dtype=np.float32)
        with threadpool_limits(limits=1, user_api="blas"):
            model = learn(matrix, is_case[taught], np.arange(len(taught)), SETTINGS, stream(name, number))
            scores = model.score(people.counts.to_numpy()[:, fresh].T.astype(np.float32))
        probabilities = model.probability(scores)
        found[name] = {
            "threshold": model.threshold,
            "scores": scores.round(7).tolist(),
            "probabilities": probabilities.round(9).tolist(),
        }
    return validated, found


def recovered(ranked: pd.DataFrame, truth: pd.DataFrame) -> dict:
    """How well the ranking of the genes finds the planted ones: any change in any subgroup counts."""
    changed = truth.set_index("gene").filter(like="log2fc").ne(0).any(axis=1)
    planted = changed.loc[ranked["gene"]].to_numpy(dtype=bool)
    kept = (ranked["kept"] > 0).to_numpy()
    found = {f"top_{top}": float(planted[:top].mean()) for top in (20, 50)}
    rank = auc(-ranked["mean_rank"].to_numpy()[kept], planted[kept])
    return found | {"planted": float(planted[kept].mean()), "rank_auc": rank}


def draw(part: str, data_sets: int, folder: Path) -> None:
    """Make the data sets of a part that are not there yet."""
    (folder / part).mkdir(parents=True, exist_ok=True)
    missing = [i for i in range(1, data_sets + 1) if not (folder / part / f"{i}.json").exists()]
    if not missing:
        return
    if part in STRENGTHS:
        people = population(part)
        made = (draw_signal(i, part, people) for i in missing)
    else:
        made = ((draw_women if part in WOMEN else draw_noise)(i, part) for i in missing)
    start = time.process_time()
    for i, (validated, found) in zip(missing, made, strict=True):
        validated.predictions.to_parquet(folder / part / f"{i}.parquet")
        (folder / part / f"{i}.json").write_text(json.dumps(found))
        print(f"{part} {i} of {data_sets}: {time.process_time() - start:.0f} CPU s so far", flush=True)


def kept(part: str, folder: Path) -> Iterator[tuple[pd.DataFrame, dict]]:
    """Predictions and the truth of each data set of a part that is there."""
    for path in sorted((folder / part).glob("*.json"), key=lambda path: int(path.stem)):
        yield pd.read_parquet(path.with_suffix(".parquet")), json.loads(path.read_text())


def permute(data_sets: int, number: int, folder: Path) -> None:
    """A p-value for each data set of the part noise; those that are there are not made again."""
    from decidua.learning.permutation import p_value, permutation_test

    (folder / PERMUTATION).mkdir(parents=True, exist_ok=True)
    for i in range(1, data_sets + 1):
        path = folder / PERMUTATION / f"{i}.json"
        if path.exists():
            continue
        study = noise(i)
        labels = study.samples.set_index("sample")["label"]
        draws = permutation_test(
            study.counts,
            labels,
            None,
            None,
            replace(SETTINGS, repeats=1),
            stream("permutation", i),
            number,
            engine="ridge screen",
        )
        path.write_text(json.dumps({"p": p_value(draws)}))
        print(f"{PERMUTATION} {i} of {data_sets}: {time.process_time():.0f} CPU s so far", flush=True)


def uniform(folder: Path) -> dict:
    """Are the p-values uniform? By Kolmogorov and Smirnov, and the share at 0.05 and below."""
    from scipy.stats import kstest

    p = np.array([json.loads(path.read_text())["p"] for path in (folder / PERMUTATION).glob("*.json")])
    return {
        "part": PERMUTATION,
        "data sets": len(p),
        "Kolmogorov-Smirnov p": float(kstest(p, "uniform").pvalue),
        "share of p at most 0.05": float((p <= 0.05).mean()),
    }


def true_values(truth: dict, rng: np.random.Generator) -> dict[str, float]:
    """What a model reaches on fresh women.

    Args:
        truth: threshold, scores and probabilities (the cases first), fresh_cases.
    """
    scores, probabilities = np.array(truth["scores"]), np.array(truth["probabilities"])
    is_case = np.arange(len(scores)) < truth["fresh_cases"]
    called = probabilities >= truth["threshold"]
    rates = called[is_case].mean(), (~called[~is_case]).mean()
    everyone = np.arange(len(scores))
    found = {
        WITHIN: auc(scores, is_case),
        ACCURACY: (called == is_case).mean(),
        BALANCED: np.mean(rates),
        MCC: matthews(*rates, is_case.mean()),
        BRIER: ((probabilities - is_case) ** 2).mean(),
        SLOPE: _slope(logit(probabilities), is_case),
        INTERCEPT: intercept_in_the_large(logit(probabilities), is_case, everyone)[0],
    }
    cases, controls = everyone[is_case], everyone[~is_case]
    folds = [np.append(rng.choice(cases, 22), rng.choice(controls, 5)) for _ in range(100)]
    for kind, sign in ((CASE, 1), (CONTROL, -1)):
        # what average precision to expect depends on the size of a fold
        of_folds = [average_precision(sign * scores[fold], is_case[fold] == (sign > 0)) for fold in folds]
        found[f"average precision of {kind}s within folds"] = np.mean(of_folds)
    return {quantity: float(value) for quantity, value in found.items()}


def _slope(scores: np.ndarray, is_case: np.ndarray) -> float:
    """NaN where the model gives every woman the same probability: then there is no slope."""
    try:
        return recalibrate(scores, is_case, np.arange(len(scores))).slope
    except NotEstimable:
        return float("nan")


def coverage(part: str, folder: Path) -> pd.DataFrame:
    """A row a measure and number of repeats: mean, true value, and how often the interval held that."""
    estimates, truths = [], {"smaller": [], "all": []}
    for number, (predictions, truth) in enumerate(kept(part, folder)):
        for name, values in truths.items():
            if name in truth:
                which = truth[name] | {"fresh_cases": truth["fresh_cases"]}
                values.append(true_values(which, stream("fresh folds", number)))
        for repeats in range(1, SETTINGS.repeats + 1):
            table = summary(predictions[predictions["repeat"] <= repeats], part)
            estimates.append(table.assign(repeats=repeats, data_set=number))
    found = pd.concat(estimates)
    true, of_all = (
        (pd.DataFrame(values).mean() if values else pd.Series({WITHIN: 0.5})) for values in truths.values()
    )
    found = found[found["quantity"].isin([*true.index, POOLED])]
    rows = []
    for (quantity, repeats), table in found.groupby(["quantity", "repeats"], sort=False):
        usable = table.dropna(subset=["lower"])
        key = WITHIN if quantity == POOLED else quantity
        above, below = usable["lower"] > true[key], usable["upper"] < true[key]
        rows.append(
            {
                "part": part,
                "measure": quantity,
                "repeats": repeats,
                "data sets": len(usable),
                "true": true[key],
                "true, all 135": of_all[key],
                "mean": usable["estimate"].mean(),
                "its error": usable["estimate"].std() / np.sqrt(len(usable)),
                "sd": usable["estimate"].std(),
                "covered": 1 - (above | below).mean(),
                "below": below.mean(),
                "above": above.mean(),
                "width": (usable["upper"] - usable["lower"]).mean(),
            }
        )
    return pd.DataFrame(rows)


def recovery(part: str, folder: Path) -> dict:
    """Mean recovery of the planted genes over the data sets."""
    found = pd.DataFrame([truth for _, truth in kept(part, folder)])
    columns = ["planted", "top_20", "top_50", "rank_auc"]
    return {"part": part, "data sets": len(found)} | found[columns].mean().to_dict()


def markdown(rows: list[dict] | pd.DataFrame) -> str:
    table = pd.DataFrame(rows)
    cells = [
        [f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row] for row in table.values
    ]
    lines = [list(table.columns), ["---"] * table.shape[1], *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--draw", nargs="*", choices=[*PARTS, PERMUTATION], default=[])
    parser.add_argument("--data-sets", type=int, default=200)
    parser.add_argument("--permutations", type=int, default=199)
    parser.add_argument("--quiet", action="store_true", help="draw only")
    options = parser.parse_args()
    for part in options.draw:
        if part == PERMUTATION:
            permute(options.data_sets, options.permutations, options.folder)
        else:
            draw(part, options.data_sets, options.folder)
    there = [] if options.quiet else [part for part in PARTS if any((options.folder / part).glob("*.json"))]
    for part in there:
        print(f"\n{markdown(coverage(part, options.folder))}")
    planted = [recovery(part, options.folder) for part in there if part in STRENGTHS]
    if planted:
        print(f"\n{markdown(planted)}")
    if (options.folder / PERMUTATION).exists() and not options.quiet:
        print(f"\n{markdown([uniform(options.folder)])}")
