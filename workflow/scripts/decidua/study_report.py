"""What does the page say of one RNA-seq study?"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from decidua import results, words
from decidua.report import Figure, Section, Table, value
from decidua.subgroup_names import NUMBER

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


def _signatures(table: pd.DataFrame) -> Part:
    rows, absent = [], []
    for name in words.distinct(table["variable"]):
        own = table[table["variable"] == name].set_index("quantity", drop=False)
        coverage, difference = own.loc["coverage"], own.loc["difference of mean scores"]
        if difference["status"] == results.NOT_ESTIMABLE:
            absent.append(f"{name}: {difference['reason']}")
            continue
        tests = own[own["test"].fillna("").str.endswith(" t, Benjamini-Hochberg-adjusted")]
        p = tests["p"].iloc[0] if len(tests) else own[own["test"].fillna("").str.endswith(" t")]["p"].iloc[0]
        within, random = (own.loc[f"mean correlation within {what}"] for what in ("the set", "random sets"))
        rows.append(
            [
                words.heading(name, {}),
                words.counts(coverage["numerator"], coverage["denominator"]),
                value(within, 2),
                value(random, 2),
                value(difference, 2),
                words.p_value(p),
            ]
        )
    head = ["", "Genes", "Correlation", "Of random sets", "Difference (interval)", "Adjusted p"]
    return Part(
        [f"Not estimable: {reason}." for reason in absent],
        ["Scores of immune signatures are of what was sequenced, not the blood markers of the same name."],
        more=[Table("Immune signatures: cases minus controls, in standard deviations of genes", head, rows)],
    )


def _enrichment(table: pd.DataFrame) -> Part:
    tests = table[table["quantity"] == "test"]
    adjusted = tests[tests["test"].str.endswith("-adjusted")].set_index("variable")["p"]
    plain = tests[~tests["test"].str.endswith("-adjusted")].set_index("variable")["p"]
    rows = [
        [
            words.heading(row["variable"], {}),
            words.counts(row["numerator"], row["denominator"]),
            value(row, 3),
            words.p_value(plain.get(row["variable"], float("nan"))),
            words.p_value(adjusted.get(row["variable"], plain.get(row["variable"], float("nan")))),
        ]
        for row in table[table["quantity"] == "probability of a larger statistic"].to_dict("records")
    ]
    head = ["", "Genes", "Probability of a larger statistic", "p", "Adjusted p"]
    return Part(more=[Table("Gene sets against all other genes, correlation allowed for", head, rows)])


def _subgroups(table: pd.DataFrame) -> Part:
    number = table[table["quantity"] == NUMBER].iloc[0]
    if number["status"] == results.NOT_ESTIMABLE:
        return Part([f"Subgroups: not estimable: {number['reason']}."])
    p = table[(table["variable"] == NUMBER) & (table["quantity"] == "test")]["p"].iloc[0]
    found = (
        f"{number['estimate']:.0f} subgroups of samples are the most stable number"
        if number["estimate"] > 1
        else "No subgroups of samples were found beyond one cloud"
    )
    sentences = [f"{found} (against data without subgroups {words.p_value(p)})."]
    for row in table[table["quantity"] == "adjusted Rand index"].to_dict("records"):
        sentences.append(f"{row['variable']}: adjusted Rand index {value(row, 2)} {row['reason']}.")
    shares = table[table["quantity"] == "share of cases"].to_dict("records")
    rows = [
        [row["variable"], row["level"], words.counts(row["numerator"], row["denominator"]), value(row, 3)]
        for row in shares
    ]
    return Part(sentences=sentences, more=[Table("Subgroups", ["", "", "Cases", "Share of cases"], rows)])


#: The parts of a study's section, in order, each by the table that it reads.
PARTS: Mapping[str, Callable[[pd.DataFrame], Part]] = {
    "performance": _performance,
    "signatures": _signatures,
    "enrichment": _enrichment,
    "subgroups": _subgroups,
}
