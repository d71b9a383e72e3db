"""What must a person know before a frozen model scores a sample?"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from decidua import results
from decidua.learning.frozen import FrozenModel
from decidua.learning.methods import NAMES
from decidua.marks import is_synthetic

INTENDED_USE = (
    "Research on endometrial or blood expression: to score samples of another study that were sequenced and"
    " counted as the training samples were, and to measure how well the score carries over. Not a test for"
    " patients: nothing here says what a single woman should be told or given."
)
LIMITS = (
    "The performance given here is that of the whole procedure on held-out samples of the same study. In"
    " another laboratory it is to be measured anew; the probability is to be recalibrated there.",
    "Another library preparation, tissue, cycle phase or kind of control is another question.",
    "A gene that a matrix lacks counts as at its training mean.",
)
SHOWN = ("AUC within folds", "accuracy", "majority rate", "sensitivity", "specificity", "Brier score")
KEPT = ("estimate", "lower", "upper", "interval", "reason")


def about_model(
    title: str,
    labels: Mapping[str, str],
    synthetic: str,
    samples: pd.DataFrame,
    genes: int,
    settings: Mapping[str, Any],
    penalty: float,
    performance: pd.DataFrame,
    version: str,
    seed: int,
    packages: Mapping[str, str],
    counts_sha256: str,
) -> dict[str, Any]:
    """The part of a frozen model that people read.

    Args:
        samples: the training samples: sample, label, group.
        genes: genes of the training matrix.
        performance: the study's results table of held-out samples.
        counts_sha256: of the training matrix as the workflow keeps it.
    """
    is_case = samples["label"] == "case"
    rows = performance[performance["level"].isna() & performance["quantity"].isin(SHOWN)]
    shown = {
        row["quantity"]: {key: None if pd.isna(row[key]) else row[key] for key in KEPT}
        for row in rows.to_dict("records")
        if row["status"] == results.ESTIMATED
    }
    return {
        "title": title,
        "synthetic": synthetic or None,
        "labels": dict(labels),
        "method": NAMES[settings["method"]],
        "penalty": penalty,
        "settings": dict(settings),
        "training": {
            "samples": len(samples),
            "cases": int(is_case.sum()),
            "controls": int((~is_case).sum()),
            "women": int(samples["group"].nunique()) if samples["group"].notna().any() else None,
            "genes_of_the_matrix": genes,
            "counts_sha256": counts_sha256,
        },
        "performance_of_the_procedure": shown,
        "intended_use": INTENDED_USE,
        "limits": list(LIMITS),
        "version": version,
        "seed": seed,
        "packages": dict(packages),
    }


def model_card(model: FrozenModel, coverage: float) -> str:
    """A page in Markdown.

    Args:
        coverage: least share of the genes that a matrix to be scored must have.
    """
    about, labels = model.about, model.about["labels"]
    training = about["training"]
    women = f" of {training['women']} women" if training["women"] else ""
    classes = f"{training['cases']} cases, {training['controls']} controls"
    lines = [
        f"# Model card: {about['title']}",
        "",
        *_warning(about["synthetic"]),
        f"Intended use. {about['intended_use']}",
        "",
        "| | |",
        "|---|---|",
        f"| Method | {about['method']} |",
        f"| A case is | {labels.get('case', 'case')} |",
        f"| A control is | {labels.get('control', 'control')} |",
        f"| Trained on | {training['samples']} samples{women}: {classes} |",
        f"| Genes | {len(model.genes)} of {training['genes_of_the_matrix']}; {model.identifiers} |",
        f"| Size factors | {model.size_factors}, {len(model.reference_genes)} genes |",
        f"| Transform | {_transform(model)} |",
        f"| Called a case from probability | {model.threshold:.4g} |",
        f"| Largest coefficients | {_largest(model)} |",
        f"| Scores a matrix with | {coverage:.0%} or more of genes, of weight and of size factor genes |",
        f"| Version, seed | {about['version']}, {about['seed']} |",
        f"| Training matrix (SHA-256) | `{training['counts_sha256']}` |",
        "",
        "Performance of the procedure on samples that no step of the learning had seen:",
        "",
        "| | Estimate (interval) | Interval |",
        "|---|---|---|",
        *(_performance_line(name, row) for name, row in about["performance_of_the_procedure"].items()),
        "",
        *(f"- {line}" for line in about["limits"]),
    ]
    reasons = {row["reason"] for row in about["performance_of_the_procedure"].values() if row["reason"]}
    lines += [f"- Caution: {reason}." for reason in sorted(reasons)]
    return "\n".join(lines) + "\n"


def _warning(synthetic: str | None) -> list[str]:
    if not synthetic:
        return []
    says = ": an example; it says nothing about patients" if is_synthetic(synthetic) else ""
    return [f"**{synthetic}{says}.**", ""]


def _transform(model: FrozenModel) -> str:
    return "variance-stabilising" if model.trend else "logarithm"


def _largest(model: FrozenModel, number: int = 10) -> str:
    order = np.argsort(-np.abs(model.coefficients), kind="stable")[:number]
    return ", ".join(f"{model.genes[i]} ({model.coefficients[i]:+.3g})" for i in order)


def _performance_line(name: str, row: Mapping[str, Any]) -> str:
    interval = "" if row["lower"] is None else f" ({row['lower']:.3f} to {row['upper']:.3f})"
    return f"| {name} | {row['estimate']:.3f}{interval} | {row['interval'] or ''} |"
