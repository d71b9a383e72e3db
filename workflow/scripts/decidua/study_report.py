"""What does the page say of one RNA-seq study?"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from decidua import differential, words
from decidua.report import Figure, Section, Table, value
from decidua.results import ESTIMATED, NOT_ESTIMABLE

Tables = Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class Part:
    """What one step of the analysis adds: warnings, sentences, and tables shown at once or on a click."""

    cautions: list[str] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    more: list[Table] = field(default_factory=list)


def study_section(
    name: str, title: str, synthetic: str, tables: Tables, figures: Sequence[Figure]
) -> Section:
    """What came out for one RNA-seq study.

    Args:
        tables: by file name; a part whose table is not there says nothing.
    """
    parts = [part(tables[table]) for table, part in PARTS.items() if table in tables]
    return Section(
        name,
        title,
        synthetic,
        [caution for part in parts for caution in part.cautions],
        [sentence for part in parts for sentence in part.sentences],
        figures,
        [table for part in parts for table in part.tables if table.rows],
        [table for part in parts for table in part.more if table.rows],
    )


def _performance(performance: pd.DataFrame) -> Part:
    shown = performance[performance["level"].isna()].to_dict("records")
    found = {row["quantity"]: row for row in shown}
    sentences = []
    if "AUC within folds" in found:
        sentences.append(f"Area under the ROC curve within folds {value(found['AUC within folds'], 3)}.")
    if "accuracy" in found and "majority rate" in found:
        sentences.append(
            f"Accuracy {value(found['accuracy'], 3)}; always answering with the larger class reaches "
            f"{value(found['majority rate'], 3)}."
        )
    if found:
        sentences.append(f"Counted: {next(iter(found.values()))['counted']}.")
    rows = [
        [row["quantity"], value(row, 3), "" if pd.isna(row["interval"]) else str(row["interval"])]
        for row in shown
    ]
    title = "Performance on samples that no step of the learning had seen"
    return Part(
        [f"Caution: {text}." for text in words.distinct(row["reason"] for row in shown)],
        sentences,
        [Table(title, ["", "Estimate (interval)", "Interval"], rows)],
    )


def _checks(summary: pd.DataFrame) -> Part:
    rows = summary.to_dict("records")
    found = [row for row in rows if row["variable"] != "any" and row["status"] == ESTIMATED]
    raised = [f"{row['variable']} {row['numerator']}" for row in found if row["numerator"]]
    cautions = []
    if raised:
        any_rule = next(row for row in rows if row["variable"] == "any")
        cautions.append(
            f"Samples to look at: {any_rule['numerator']} of {any_rule['denominator']} were flagged"
            f" ({', '.join(raised)}); none was left out. Which they are stands in quality.parquet of the"
            " restricted folder."
        )
    shown = [
        [
            row["variable"],
            "" if pd.isna(row["level"]) else str(row["level"]),
            words.counts(row["numerator"], row["denominator"])
            if row["status"] == ESTIMATED
            else f"not estimable ({row['reason']})",
        ]
        for row in rows
    ]
    return Part(cautions, more=[Table("Samples flagged", ["Check", "Rule", "Samples"], shown)])


def _differential(summary: pd.DataFrame) -> Part:
    failed = words.distinct(summary.loc[summary["status"] == NOT_ESTIMABLE, "reason"])
    if failed:
        return Part([f"Differential expression is not estimable: {'; '.join(failed)}."])
    found = {row["quantity"]: row for row in summary.to_dict("records")}
    higher, lower = found.get(differential.HIGHER), found.get(differential.LOWER)
    sentences = []
    if higher and lower:
        sentences.append(
            f"Differential expression ({higher['test']}; {higher['counted']}): {higher['numerator']:,} genes"
            f" higher and {lower['numerator']:,} lower in cases at {higher['level']}, of"
            f" {higher['denominator']:,} tested."
        )
    cautions = [
        f"Caution (differential expression): {text}."
        for reason in words.distinct(summary["reason"])
        for text in reason.split("; ")
    ]
    rows = [
        [
            row["quantity"] + ("" if pd.isna(row["level"]) else f", {row['level']}"),
            words.counts(row["numerator"], row["denominator"]),
            value(row, 3),
        ]
        for row in summary.to_dict("records")
        if row["quantity"] != differential.P_VALUES
    ]
    title = "Differential expression"
    return Part(cautions, sentences, more=[Table(title, ["", "Genes", "Share, or ratio"], rows)])


#: The parts of a study's section, in order, each by the table that it reads.
PARTS: Mapping[str, Callable[[pd.DataFrame], Part]] = {
    "quality_summary": _checks,
    "de_summary": _differential,
    "performance": _performance,
}
