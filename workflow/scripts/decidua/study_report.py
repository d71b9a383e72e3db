"""What does the page say of one RNA-seq study?"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from decidua import differential, marks, results, words
from decidua.report import Figure, Section, Table, number, value
from decidua.results import ESTIMATED, NOT_ESTIMABLE
from decidua.subgroup_names import NUMBER, WITH_BATCH

#: The level of a frame's rows that are arithmetic, and the quantities that are shown beside each other.
ARITHMETIC = "arithmetic of the published figures"
FRAMED = ("AUC", "accuracy", "accuracy at probability 0.5", "sensitivity", "specificity")
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
    slope = found.get("calibration slope")
    if slope and slope["status"] == results.ESTIMATED:
        sentences.append(
            f"Calibration slope {value(slope, 2)}: below 1, the probabilities are too far from the share of"
            " cases, above 1 too near to it."
        )
    cautions = [row["reason"] for row in shown if row["status"] == results.ESTIMATED]
    if found:
        sentences.append(f"Counted: {next(iter(found.values()))['counted']}.")
    rows = _estimates(performance[performance["level"].isna()])
    title = "Performance on samples that no step of the learning had seen"
    return Part(
        [f"Caution: {text}." for text in words.distinct(cautions)],
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
    with_batch = table[(table["quantity"] == WITH_BATCH) & (table["status"] == ESTIMATED)]
    cautions = [f"Caution: {text}." for text in words.distinct(with_batch["reason"])]
    return Part(cautions, sentences, more=[Table("Subgroups", ["", "", "Cases", "Share of cases"], rows)])


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


def _panels(panels: pd.DataFrame) -> Part:
    """Performance by size, inside and outside the folds, and how stable the choice is."""
    rows, sentences = [], []
    for (variable, size), found in panels.groupby(["variable", "level"], sort=False):
        by_quantity = {row["quantity"]: row for row in found.to_dict("records")}
        auc = by_quantity.get("AUC within folds")
        shown = [
            value(by_quantity[quantity], 3) if quantity in by_quantity else "–"
            for quantity in ("accuracy", "stability of the choice (Nogueira)")
        ]
        if auc is not None:
            rows.append([variable, size, value(auc, 3), *shown])
        always = by_quantity.get("genes of the consensus panel chosen in every fold")
        if auc is not None and always is not None:
            sentences.append(
                f"Panel of the top {size} genes, chosen anew in every training set: area under the ROC curve "
                f"within folds {value(auc, 3)}; {always['numerator']} of the {size} genes were chosen every "
                f"time. This is {always['reason'].removeprefix('the performance of this size is ')}."
            )
    title = "Panels of few genes: performance of the way of choosing, by size"
    header = ["Choice", "Genes", "AUC within folds (interval)", "Accuracy (interval)", "Stability (interval)"]
    note = (
        "Chosen on all samples: optimistic by construction, shown as a lesson. Stability: 1 when every "
        "training set chooses the same genes, 0 when they agree as by lot."
    )
    return Part(sentences=sentences, more=[Table(title, header, rows, note)])


def _panel_genes(genes: pd.DataFrame) -> Part:
    rows = [
        [
            row.gene,
            words.percent(row.frequency),
            number(row.mean_rank, 1),
            f"{row.direction} ({words.percent(row.same_sign)})",
        ]
        for row in genes[genes["consensus"]].itertuples()
    ]
    header = ["Gene", "Chosen in", "Mean rank", "Direction (share of the training sets)"]
    note = "The performance above is that of choosing anew in every training set, not of this panel."
    return Part(more=[Table("Consensus panel: the genes chosen most often", header, rows, note)])


def _frame(frame: pd.DataFrame) -> Part:
    """Published figures beside simulated ones, and what the arithmetic says."""
    levels = ["published", *sorted(set(frame["level"]) - {"published", ARITHMETIC}, reverse=True)]
    shown = frame[(frame["level"] != ARITHMETIC) & frame["quantity"].isin(FRAMED)]
    rows = []
    for model, of_model in shown.groupby("variable", sort=False):
        for quantity, found in of_model.groupby("quantity", sort=False):
            cells = dict(zip(found["level"], map(_published_cell, found.to_dict("records")), strict=True))
            rows.append([model, quantity, *(cells.get(level, "–") for level in levels)])
    arithmetic = [
        [row["variable"], row["quantity"], _arithmetic_cell(row), str(row["reason"])]
        for row in frame[frame["level"] == ARITHMETIC].to_dict("records")
    ]
    names = words.distinct(frame.loc[frame["level"] == ARITHMETIC, "population"])
    sentences = [
        f"{name}: its published figures stand beside those of simulated data, which are no finding about "
        "that study."
        for name in names
    ]
    on_noise = frame[frame["level"].str.startswith("simulated noise") & (frame["quantity"] == "AUC")]
    sentences += [
        f"AUC on {row['level']}: {row['variable']} {value(row, 3)}." for row in on_noise.to_dict("records")
    ]
    unknown = frame[frame["quantity"] == "genes chosen inside or outside the resamples"]
    sentences += [
        f"Whether the published genes were chosen inside or outside the resamples: {reason}."
        for reason in words.distinct(unknown["reason"])
    ]
    title = "Published figures beside simulated ones"
    return Part(
        sentences=sentences,
        tables=[Table(title, ["Model", "", *(level[:1].upper() + level[1:] for level in levels)], rows)],
        more=[Table("Arithmetic of the published figures", ["Model", "", "", "What it says"], arithmetic)],
    )


def _published_cell(row: Mapping[str, Any]) -> str:
    return value(row, 3) if row["status"] == results.ESTIMATED else "–"


def _arithmetic_cell(row: Mapping[str, Any]) -> str:
    if pd.isna(row["denominator"]) or not pd.isna(row["numerator"]):
        return value(row, 4)
    return f"{number(row['estimate'], 1)} of {row['denominator']}"


def _permutation_test(test: pd.DataFrame) -> Part:
    observed = test.iloc[0]
    if observed["status"] == NOT_ESTIMABLE:
        return Part(sentences=[f"Permutation test: not estimable, {observed['reason']}."])
    number = int(test["denominator"].iloc[-1])
    sentence = (
        f"Permuting the labels, with the whole procedure relearned each time: p = {observed['p']:.2g}"
        f" ({number} permutations, so p is 1/{number + 1} at the least)."
    )
    return Part([f"Caution: {text}." for text in words.distinct(test["reason"])], [sentence])


def _methods(methods: pd.DataFrame) -> Part:
    rows = []
    for (name, role), found in methods.groupby(["variable", "level"], sort=False):
        by_quantity = {row["quantity"]: row for row in found.to_dict("records")}
        shown = [by_quantity[quantity] for quantity in ("AUC within folds", "accuracy", "Brier score")]
        rows.append([name, role, *(value(row, 3) for row in shown)])
    majority = methods[methods["quantity"] == "majority rate"].dropna(subset=["estimate"])
    beside = f" (majority rate {value(majority.iloc[0].to_dict(), 3)})" if len(majority) else ""
    title = "Methods in the same folds of one repeat"
    return Part(
        [],
        [
            "Challengers are compared with the method in use, which was set before; it is not chosen by this"
            " comparison, for the best of several, chosen after the fact, looks better than it is."
        ]
        if len(rows) > 1
        else [],
        [],
        [Table(title, ["Method", "", "AUC within folds", f"Accuracy{beside}", "Brier score"], rows)],
    )


#: The parts of a study's section, in order, each by the table that it reads.
PARTS: Mapping[str, Callable[[pd.DataFrame], Part]] = {
    "quality_summary": _checks,
    "de_summary": _differential,
    "performance": _performance,
    "methods": _methods,
    "permutation_test": _permutation_test,
    "panels": _panels,
    "panel_genes": _panel_genes,
    "frame": _frame,
    "comparators": _comparators,
    "signatures": _signatures,
    "enrichment": _enrichment,
    "subgroups": _subgroups,
}


def prediction_section(
    name: str, title: str, synthetic: str, tables: Tables, figures: Sequence[Figure] = ()
) -> Section:
    """What a frozen model says of new samples.

    Args:
        tables: coverage and validation, results tables.
    """
    shown = [
        Table(caption, ["", "Estimate (interval)", "Interval"], _estimates(tables[table]))
        for table, caption in (
            ("coverage", "How much of the model the matrix has"),
            ("validation", "How well the model held; labels had no part in it"),
        )
    ]
    validation = tables["validation"]
    missing = words.distinct(validation.loc[validation["status"] == results.NOT_ESTIMABLE, "reason"])
    sentences = [f"Not estimable: {reason}." for reason in missing]
    sentences.append(f"The scores are in restricted/predictions/{name}/scores.csv.")
    return Section(name, title, synthetic, [], sentences, figures, shown)


def transport_section(
    name: str, title: str, synthetic: str, transport: pd.DataFrame, figures: Sequence[Figure]
) -> Section:
    """How far the models carry between studies."""
    cautions = [f"Caution: {reason}." for reason in words.distinct(transport["reason"])]
    return Section("transport", title, synthetic, cautions, [], figures, [])


def _estimates(table: pd.DataFrame) -> list[list[str]]:
    return [
        [_measured(row), value(row, 3), "" if pd.isna(row["interval"]) else str(row["interval"])]
        for row in table.to_dict("records")
    ]


def _measured(row: Mapping[str, Any]) -> str:
    """What a row measures: of which predictor, if it is about one, and of how many women."""
    about = "" if pd.isna(row["variable"]) else f"{words.heading(row['variable'], {})}: "
    of = "" if pd.isna(row["numerator"]) else f" ({words.counts(row['numerator'], row['denominator'])})"
    return f"{about}{row['quantity']}{of}"
