"""What does the page say of one RNA-seq study?"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from decidua import marks, results, words
from decidua.report import Figure, Section, Table, value

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


def _comparators(table: pd.DataFrame) -> Part:
    """What else would have done as well: names and sentences are those of the comparators table."""
    within = table[table["quantity"] == "AUC within folds"].to_dict("records")
    alone = table["variable"] == "batch only"
    told = alone & table["reason"].str.contains("the batch alone").fillna(False)
    told |= table["quantity"].str.startswith("Cramér") & (table["status"] == results.ESTIMATED)
    cautions = table.loc[told, "reason"].dropna().map(marks.of_the_row)
    rows = [
        [
            row["variable"] if pd.isna(row["level"]) else f"{row['variable']}: {row['level']}",
            value(row, 3),
            "" if pd.isna(row["counted"]) else str(row["counted"]),
        ]
        for row in within
        if row["variable"] != "batch only"
    ]
    title = "What else would have done as well, in the same folds (AUC within folds)"
    return Part(
        [f"Caution: {text}." for text in words.distinct(cautions)],
        [*_random_panels(table), *_covariates(within), *_kinds_of_control(within)],
        [],
        [Table(title, ["", "Estimate (interval)", "Counted"], rows)],
    )


def _random_panels(table: pd.DataFrame) -> list[str]:
    """How the chosen panel stands among random ones, and what that means."""
    shares = table[(table["variable"] == "random panels") & table["numerator"].notna()].to_dict("records")
    medians = table[(table["variable"] == "random panels") & table["lower"].notna()].to_dict("records")
    if not shares or not medians:
        return []
    reached, number = int(shares[0]["numerator"]), int(shares[0]["denominator"])
    sentence = (
        f"Of {number} panels of as many genes drawn at random, {reached} did as well as the chosen one; "
        f"their median AUC is {value(medians[0], 3)}."
    )
    if medians[0]["estimate"] > 0.6:
        sentence += (
            " When random genes tell the classes apart, the difference is broad: that a panel does well then "
            "says little about the genes in it."
        )
    elif reached > 0.05 * number:
        sentence += " The chosen panel is not beyond what random genes reach by chance."
    return [sentence]


def _covariates(within: list[dict]) -> list[str]:
    found = {row["variable"]: row for row in within if row["status"] == results.ESTIMATED}
    sentences = []
    if "covariates only" in found:
        row = found["covariates only"]
        sentences.append(f"Without any gene, {row['level']} reach an AUC of {value(row, 3)}.")
    if "negative-control genes" in found:
        row = found["negative-control genes"]
        sentences.append(f"Genes that should not differ ({row['level']}) reach {value(row, 3)}.")
    for name, what in (("covariates only", "the covariates"), ("negative-control genes", "these genes")):
        if name in found and found[name]["lower"] > 0.5:
            sentences.append(
                f"The interval of {what} lies above 0.5: what the classifier sees may in part have to do "
                "with how samples were chosen or handled, and not with the condition."
            )
    return sentences


def _kinds_of_control(within: list[dict]) -> list[str]:
    rows = [row for row in within if row["variable"] == "kind of control"]
    if not rows:
        return []
    said = "; ".join(f"{row['level']} {value(row, 3)}" for row in rows)
    return [f"Cases against one kind of control alone, learned anew: {said}."]


#: The parts of a study's section, in order, each by the table that it reads.
PARTS: Mapping[str, Callable[[pd.DataFrame], Part]] = {
    "performance": _performance,
    "comparators": _comparators,
}
