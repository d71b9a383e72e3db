"""What does the run say to a person who reads one page?"""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup

from decidua import results, words
from decidua.definitions import CHOSEN
from decidua.grey_zone import IF_GREY_ABNORMAL, IF_GREY_NORMAL, SHARE
from decidua.markers import IF_ABNORMAL, IF_NORMAL
from decidua.provenance import installed
from decidua.results import OF

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Figure:
    """A picture of the report with what it shows."""

    title: str
    caption: str
    png: bytes

    @property
    def uri(self) -> Markup:
        """The picture as a data URI, so that the page needs no other file."""
        return Markup("data:image/png;base64," + base64.b64encode(self.png).decode())


@dataclass(frozen=True)
class Table:
    """A table of the report: header, rows of text, and a note below."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


@dataclass(frozen=True)
class Section:
    """One cohort, study or paper: what it is, what came out in sentences, its figures and tables."""

    name: str
    title: str
    synthetic: str = ""
    cautions: Sequence[str] = ()
    sentences: Sequence[str] = ()
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()
    more: Sequence[Table] = ()  # shown when asked for
    lead: str = ""  # what stands before all else: a conclusion


def render(template: str | Path, **content: Any) -> str:
    """The page from its Jinja template; every text is escaped, a name that is not given is an error."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(Path(template).read_text(encoding="utf-8")).render(**content)


# ---- words for the rows of a results table


def pick(table: pd.DataFrame, **values: Any) -> list[Row]:
    """The rows of a table whose columns have these values; a list means any of them."""
    chosen = table
    for column, value in values.items():
        chosen = chosen[chosen[column].isin([value] if isinstance(value, str) else list(value))]
    return chosen.to_dict("records")


def estimated(row: Row) -> bool:
    """Whether the row has its number."""
    return row["status"] == results.ESTIMATED


def rate(row: Row) -> str:
    """82.7% (163/197; 76.9 to 87.4), or why not."""
    if not estimated(row):
        return f"not estimable ({row['reason']})"
    counts = words.counts(row["numerator"], row["denominator"])
    return f"{words.percent(row['estimate'])} ({counts}{_interval(row, words.percent, '; ')})"


def value(row: Row, places: int = 2) -> str:
    """0.92 (0.87 to 0.98), or why not."""
    if not estimated(row):
        return f"not estimable ({row['reason']})"
    interval = _interval(row, lambda end: number(end, places), "")
    return number(row["estimate"], places) + (f" ({interval})" if interval else "")


def _interval(row: Row, write: Callable[[float], str], before: str) -> str:
    if pd.isna(row["lower"]) or pd.isna(row["upper"]):
        return ""
    low, high = (write(row[end]).removesuffix("%").replace("-", "−") for end in ("lower", "upper"))
    return f"{before}{low} to {high}"


def number(amount: float, places: int = 2) -> str:
    """A number with that many decimals; a dash for none."""
    return "–" if pd.isna(amount) else words.decimals(amount, places)


def test(row: Row) -> str:
    """Pearson chi-square, p = .250; or why not."""
    if not estimated(row):
        return f"{row['test']} not estimable ({row['reason']})"
    return f"{row['test']}, {p_value(row)}"


def p_value(row: Row) -> str:
    """p = .034, kept on one line; a dash where there is none."""
    return words.p_value(row["p"]).replace(" ", "\N{NO-BREAK SPACE}") if estimated(row) else "–"


# ---- a cohort


def cohort_section(
    name: str,
    title: str,
    synthetic: str,
    tables: Mapping[str, pd.DataFrame],
    figures: Sequence[Figure],
    labels: Mapping[str, str],
    outcome: str,
    rule: str,
) -> Section:
    """What came out for one cohort.

    Args:
        tables: by file name: the statistics tables, multiverse, enrolment_flow, combining_rules,
            missing_values, accuracy, grey_zone and, of a reconstruction, reconstruction_constraints.
        labels: what variables, groups and subgroups are called.
        outcome: the outcome's column.
        rule: the rule by which effector-to-target ratios make one call.
    """
    shown = [
        baseline_table(tables["baseline"], labels),
        regression_table(tables["regression"], labels, words.name(outcome, labels)),
        risk_table(tables["models"], labels, words.name(outcome, labels)),
        karyotype_table(tables["karyotype"], labels),
        family_table(tables["family"], labels),
    ]
    more = [
        combining_table(tables["combining_rules"], labels),
        missing_table(tables["missing_values"], labels),
    ]
    if "accuracy" in tables:
        shown.append(accuracy_table(tables["accuracy"], labels))
    sentences = _enrolment(tables["enrolment_flow"]) + _controls(tables.get("accuracy"))
    sentences += _prevalence(tables["prevalence"], labels)
    sentences += _unknown(tables["combining_rules"], rule)
    if not synthetic:  # how near made-up values are to a cut-off says nothing
        sentences += _grey_zone(tables.get("grey_zone"))
    sentences += _outcome(tables["live_birth"], labels, words.name(outcome, labels))
    sentences += _margin(tables["live_birth"], labels, words.name(outcome, labels))
    sentences += _multiverse(tables["multiverse"], labels, words.name(outcome, labels))
    if "reconstruction_constraints" in tables:
        constraints = tables["reconstruction_constraints"]
        sentences.append(_constraints(constraints))
        more.append(constraints_table(constraints))
    return Section(
        name,
        title,
        synthetic,
        _cautions(tables["live_birth"], tables["identifiability"], labels),
        sentences,
        figures,
        [t for t in shown if t.rows],
        more,
    )


def _enrolment(flow: pd.DataFrame) -> list[str]:
    n = {
        kind: int(flow.loc[flow["kind"] == kind, "n"].sum()) for kind in ("assessed", "excluded", "included")
    }
    return [f"{n['included']} of {n['assessed']} women were included, {n['excluded']} left out (Figure 1)."]


def _controls(accuracy: pd.DataFrame | None) -> list[str]:
    """That all but the accuracy of the markers is about cases; nothing where there are no controls."""
    if accuracy is None:
        return []
    n = {row["level"]: int(row["numerator"]) for row in pick(accuracy, quantity="count")}
    if not n:
        return []
    unknown = f", of {n['unknown']} that is not known" if n["unknown"] else ""
    return [
        f"{n['cases']} women are cases and {n['controls']} controls{unknown}. The controls serve to measure "
        "the accuracy of the markers; all other numbers are about the cases."
    ]


def _prevalence(table: pd.DataFrame, labels: Mapping[str, str]) -> list[str]:
    rates = pick(table, variable="immunity", quantity="rate")
    told = "; ".join(f"{words.name(row['population'], labels)}: {rate(row)}" for row in rates)
    tests = pick(table, variable="immunity", quantity="test", test="Pearson chi-square")
    compared = "".join(f" {test(row)}." for row in tests)
    return [f"{words.name('immunity', labels)}. {told}.{compared}"] if rates else []


def _unknown(rules: pd.DataFrame, rule: str) -> list[str]:
    """What the women of unknown immunity could change; nothing when there are none."""
    everyone = {"variable": "immunity", "population": "all", "level": rule}
    known = pick(rules, **everyone, quantity="rate")
    bounds = pick(rules, **everyone, quantity=[IF_NORMAL, IF_ABNORMAL])
    if not bounds or bounds[0]["denominator"] == known[0]["denominator"]:
        return []
    low, high = (words.percent(row["estimate"]) for row in bounds)
    return [
        f"{bounds[0]['denominator'] - known[0]['denominator']} women of unknown immunity are left out. One "
        "abnormal marker makes a woman abnormal, only all markers make her normal, so missing values push "
        f"the share up: among all women it lies between {low} and {high}."
    ]


def _grey_zone(table: pd.DataFrame | None) -> list[str]:
    """How many women are near a cut-off and what that could change; nothing without a grey zone."""
    rows = [] if table is None else pick(table, population="all", variable="immunity")
    found = {row["quantity"]: row for row in rows if estimated(row)}
    if not {SHARE, IF_GREY_NORMAL, IF_GREY_ABNORMAL} <= set(found):
        return []
    low, high = (words.percent(found[name]["estimate"]) for name in (IF_GREY_NORMAL, IF_GREY_ABNORMAL))
    return [
        f"{rate(found[SHARE])} of the women have a marker in its grey zone, near the cut-off. Were all these "
        f"calls normal, the share of abnormal immunity would be {low}; were all abnormal, {high}."
    ]


def _outcome(table: pd.DataFrame, labels: Mapping[str, str], outcome: str) -> list[str]:
    everyone = {"population": "all", "variable": "immunity"}
    rates = pick(table, **everyone, level=["abnormal", "normal"], quantity="rate")
    told = "; ".join(f"{words.name(row['level'], labels).lower()} immunity {rate(row)}" for row in rates)
    sentence = f"{outcome}: {told}."
    for row in pick(table, **everyone, level="abnormal v normal", quantity="difference of rates"):
        if estimated(row):
            ends = _interval(row, words.percent, "")
            sentence += (
                f" Difference {words.percent(row['estimate']).removesuffix('%')} percentage points ({ends})."
            )
    for row in pick(table, **everyone, level="abnormal v normal", test="Pearson chi-square"):
        sentence += f" {test(row)}."
    return [sentence] if rates else []


def _multiverse(table: pd.DataFrame, labels: Mapping[str, str], outcome: str) -> list[str]:
    """From where to where an estimate goes under other definitions and combining rules."""
    told = []
    for what, variable, quantity, unit in (
        (words.name("immunity", labels), "immunity", "rate", "%"),
        (f"difference in {outcome.lower()}", "", "difference of rates", " percentage points"),
    ):
        rows = [row for row in pick(table, population="all") if variable in ("", row["variable"])]
        found = {row["quantity"]: row for row in rows if estimated(row)}
        ends = [found.get(f"{end} {quantity}") for end in ("smallest", "largest")]
        if None in ends:
            continue
        low, high = (_percentage(row) for row in ends)
        chosen = [row for row in rows if row["quantity"] == quantity and row["reason"] == CHOSEN]
        as_chosen = "".join(f" ({_percentage(row)}{unit} as {CHOSEN})" for row in chosen)
        told.append(f"{what} lies between {low} and {high}{unit}{as_chosen}")
    number = len(pick(table, population="all", variable="women", status=results.ESTIMATED))
    over = f"Over {number} pairs of a definition of recurrent pregnancy loss and a combining rule"
    return [f"{over} (multiverse): {'; '.join(told)}. None is an effect of treatment."] if told else []


def _percentage(row: Row) -> str:
    return words.percent(row["estimate"]).removesuffix("%").replace("-", "\N{MINUS SIGN}")


def _cautions(
    live_birth: pd.DataFrame, identifiability: pd.DataFrame, labels: Mapping[str, str]
) -> list[str]:
    """What the comparison of the outcome must not be read as, and whom the cohort no longer holds."""
    rows = pick(live_birth, population="all", variable="immunity", level="abnormal v normal", quantity="test")
    reasons = words.distinct(row["reason"] for row in rows if estimated(row))
    found = [f"Read the comparison by immunity with care: {reason}." for reason in reasons]
    for row in pick(identifiability, quantity="agreement"):
        if row["population"] != "all" and not pd.isna(row["reason"]) and row["reason"] not in reasons:
            found.append(f"Among {words.name(row['population'], labels)}: {row['reason']}.")
    for row in pick(identifiability, quantity=["left out after baseline", "outcome known"]):
        if estimated(row) and not pd.isna(row["reason"]):
            known = "known of" if row["quantity"] == "outcome known" else "that is"
            found.append(
                f"{row['reason']} ({known} {words.counts(row['numerator'], row['denominator'])} women)."
            )
    return found


def _margin(table: pd.DataFrame, labels: Mapping[str, str], outcome: str) -> list[str]:
    """What a declared margin makes of the difference by immunity."""
    rows = pick(table, population="all", variable="immunity", quantity=["non-inferiority", "equivalence"])
    readings, cautions = [], []
    for row in filter(estimated, rows):
        reading, _, caution = row["reason"].partition("; ")
        readings.append(reading)
        cautions.append(caution)
    if not readings:
        return []
    told = "".join(f" Note: {caution}." for caution in words.distinct(cautions))
    return [f"{outcome}, {words.name(rows[0]['level'], labels)}: {'; '.join(readings)}.{told}"]


def family_table(table: pd.DataFrame, labels: Mapping[str, str]) -> Table:
    """The declared hypotheses with p as it is and adjusted."""
    rows = []
    for row in pick(table, quantity="test"):
        if not row["test"].endswith("-adjusted"):
            own = {"analysis": row["analysis"], "variable": row["variable"]}
            adjusted = pick(table, **own, test=[f"{row['test']}, {name}-adjusted" for name in ADJUSTMENTS])
            called = words.name(row["variable"], labels)
            cells = p_value(row) if estimated(row) else test(row)
            rows.append(
                [row["analysis"].replace("_", " "), called, row["test"], cells, *map(p_value, adjusted)]
            )
    header = ["Table", "Variable", "Test", "As it is", *(f"{name}-adjusted" for name in ADJUSTMENTS)]
    return Table("Declared hypotheses, tested together", header, rows)


ADJUSTMENTS = ("Holm", "Benjamini-Hochberg")


def _constraints(constraints: pd.DataFrame) -> str:
    met = int(constraints["met"].sum())
    return (
        f"The rows meet {met} of {len(constraints)} printed or derived constraints; the others are "
        "listed below with the reason. They were fitted to the printed numbers, so that they reproduce them "
        "is no confirmation."
    )


def baseline_table(table: pd.DataFrame, labels: Mapping[str, str]) -> Table:
    """Table 1: mean ± SD (range) or n/N (%) in each stratum, with the tests over the strata."""
    described = pick(table, quantity=["mean", "rate"])
    strata = words.distinct(row["level"] for row in described)
    rows, tested = [], set()
    for name in words.distinct(row["variable"] for row in described):
        variable, _, category = name.partition(OF)
        cells = []
        for stratum in strata:
            values = {row["quantity"]: row for row in pick(table, variable=name, level=stratum)}
            cells.append(_share(values["rate"]) if "rate" in values else _mean_sd_range(values))
        of_variable = ["", "", ""] if variable in tested else _compared(table, variable)
        tested.add(variable)
        called = words.name(variable, labels) + (f"{OF}{words.name(category, labels)}" if category else "")
        rows.append([called, *cells, *of_variable])
    header = ["", *(words.heading(stratum, labels) for stratum in strata)]
    return Table(
        "Table 1. Women by group and immunity",
        [*header, "ANOVA or Pearson", "Kruskal-Wallis or exact", "Largest SD difference"],
        rows,
        "Mean ± SD (smallest to largest), or women/women known (%). Largest SD difference: the largest "
        "standardised difference of two strata. Scheffé's pairwise comparisons, Welch's test, quartiles and "
        "missing values are in statistics/baseline.csv."
        + _reasons(pick(table, quantity="test", test="Pearson chi-square")),
    )


def _compared(table: pd.DataFrame, variable: str) -> list[str]:
    """The two tests of a variable over the strata, and its largest standardised difference."""
    cells = []
    for names in (
        ["one-way ANOVA", "Pearson chi-square"],
        ["Kruskal-Wallis", "Fisher exact", "Freeman-Halton exact"],
    ):
        found = pick(table, variable=variable, quantity="test", test=names)
        cells.append(p_value(found[0]) if found else "–")
    apart = pick(table, variable=variable, quantity="standardised difference")
    known = [abs(row["estimate"]) for row in apart if estimated(row)]
    return [*cells, number(max(known)) if known else "–"]


def _share(row: Row) -> str:
    if not estimated(row):
        return f"not estimable ({row['reason']})"
    return f"{words.counts(row['numerator'], row['denominator'])} ({words.percent(row['estimate'])})"


def _mean_sd_range(values: Mapping[str, Row]) -> str:
    mean = values.get("mean")
    if mean is None:
        return "–"
    if not estimated(mean):
        return f"not estimable ({mean['reason']})"
    low, high = (values[end]["estimate"] for end in ("minimum", "maximum"))
    spread = number(values["standard deviation"]["estimate"])
    return f"{number(mean['estimate'])} ± {spread} ({low:g} to {high:g})"


def regression_table(table: pd.DataFrame, labels: Mapping[str, str], outcome: str) -> Table:
    """Table 2: odds ratios with Wald intervals, all women and each group."""
    rows = [
        [
            words.name(row["population"], labels),
            words.name(row["variable"], labels) if isinstance(row["variable"], str) else "–",
            value(row, 3),
            p_value(row),
            words.counts(row["numerator"], row["denominator"]),
        ]
        for row in pick(table, quantity="odds ratio")
    ]
    title = f"Table 2. Logistic regression of {outcome.lower()}"
    return Table(
        title,
        ["Women", "Per unit of", "Odds ratio (95% Wald interval)", "Wald test", "Events/women"],
        rows,
        "An association within these women, not an effect. Profile-likelihood intervals and Firth's "
        "penalised likelihood are in statistics/regression.csv; statistics/models.csv has unknown covariates "
        "filled in." + _reasons(pick(table, quantity="odds ratio")),
    )


def risk_table(table: pd.DataFrame, labels: Mapping[str, str], outcome: str) -> Table:
    """What a step of each covariate goes with on the scale of risks, in all women; tests of its shape."""
    everyone = {"population": "all", "variable": words.distinct(table["variable"])}
    rows = []
    for row in pick(table, **everyone, quantity="risk difference"):
        about = {"population": "all", "variable": row["variable"]}
        ratio = pick(table, **about, quantity="risk ratio")[0]
        shape = pick(table, **about, test="likelihood ratio, non-linearity")
        step = str(row["level"]).partition(" v ")[0]
        shown = [words.name(row["variable"], labels), step, _points(row), value(ratio, 3)]
        rows.append([*shown, p_value(shape[0]) if shape else "–"])
    return Table(
        f"Absolute risk of {outcome.lower()} by the same regression, all women",
        ["Covariate", "Step", "Risk difference (percentage points)", "Risk ratio", "Non-linearity"],
        rows,
        "The average over the women if each had the covariate a step higher, against as she is. "
        "An association, in a model that is linear on the log odds also where its test says that it is not. "
        "Risks at typical values and interactions are in statistics/models.csv; the tests are not adjusted."
        + _reasons(pick(table, **everyone, quantity="risk difference")),
    )


def _points(row: Row) -> str:
    if not estimated(row):
        return value(row)
    scaled = {end: 100 * row[end] for end in ("estimate", "lower", "upper")}
    return value({**row, **scaled}, 1)


def _reasons(rows: Sequence[Row]) -> str:
    reasons = words.distinct(row["reason"] for row in rows if estimated(row))
    return "".join(f" Caution: {reason}." for reason in reasons)


def karyotype_table(table: pd.DataFrame, labels: Mapping[str, str]) -> Table:
    """Table 3: miscarriages, how many were karyotyped, euploid among those, and treatment failure."""
    strata = words.distinct(row["level"] for row in pick(table, variable="miscarriages"))
    rows = []
    for stratum in strata:
        cells = [words.heading(stratum, labels)]
        for variable in ("miscarriages", "karyotyped", "euploid", "treatment failure"):
            found = pick(table, variable=variable, level=stratum, quantity=["count", "rate"])
            bounds = pick(table, variable=variable, level=stratum, quantity=BOUNDS)
            cells.append(_count_or_rate(found[0]) + _between(bounds) if found else "–")
        rows.append(cells)
    return Table(
        "Table 3. Karyotypes of the miscarriages",
        ["", "Miscarriages", "Karyotyped", "Euploid among karyotyped", "Treatment failure"],
        rows,
        "Treatment failure is the paper's name and formula, also for women who were not treated: euploid "
        "miscarriages among all women but those whose miscarriage was not karyotyped. That is too low; "
        "statistics/karyotype.csv has the rate if the untested are like the tested. In brackets: what it "
        "could be if all that is unknown (untested, outcomes) were euploid miscarriages, or none.",
    )


#: The quantities between which a rate could lie if the unknown were known.
BOUNDS = ("rate if unknown had it not", "rate if unknown had it")


def _between(bounds: Sequence[Row]) -> str:
    """[33.3% to 80.0%]: the bounds of a rate, if something is unknown."""
    if len(bounds) < 2:
        return ""
    low, high = (words.percent(row["estimate"]) for row in bounds)
    return f" [{low} to {high}]"


def _count_or_rate(row: Row) -> str:
    if row["quantity"] == "count" and estimated(row):
        return words.counts(row["numerator"], row["denominator"])
    return rate(row)


def combining_table(table: pd.DataFrame, labels: Mapping[str, str]) -> Table:
    """Prevalence under every rule by which effector-to-target ratios make one call."""
    populations = words.distinct(row["population"] for row in pick(table, quantity="rate"))
    rows = []
    for variable in words.distinct(table["variable"]):
        cells = {}
        for rule in words.distinct(table["level"]):
            rates = pick(table, variable=variable, level=rule, quantity="rate")
            found = {row["population"]: row for row in rates}
            cells[rule] = [rate(found[name]) for name in populations]
        # A marker with one cut-off has nothing to combine.
        same = len(set(map(tuple, cells.values()))) == 1
        for rule, told in {"every rule": next(iter(cells.values()))}.items() if same else cells.items():
            rows.append([words.name(variable, labels), rule, *told])
    header = ["Abnormal", "Rule", *(words.name(name, labels) for name in populations)]
    return Table("Prevalence under every combining rule", header, rows)


def accuracy_table(table: pd.DataFrame, labels: Mapping[str, str]) -> Table:
    """Each measured marker: area under the curve, and accuracy at the panel's and at the Youden cut-off."""
    rows = []
    for variable in words.distinct(row["variable"] for row in pick(table, quantity="AUC")):
        area = {"AUC": pick(table, variable=variable, quantity="AUC")[0]}
        for level in ("published cut-off", "Youden cut-off", "call"):
            found = {row["quantity"]: row for row in pick(table, variable=variable, level=level)} | area
            if "sensitivity" in found:
                rows.append([words.name(variable, labels), *_accuracy_cells(level, found)])
    header = ["", "Cut-off", "AUC", "Sensitivity", "Specificity", "LR+", "LR−"]
    note = (
        "Women with losses against controls. Intervals: DeLong, Clopper-Pearson, log method. What the Youden "
        "cut-off promises was measured on the women on whom it was chosen; statistics/accuracy.csv has it "
        "corrected for that optimism, and predictive values, tests and comparisons."
    )
    return Table("Accuracy of the markers", header, rows, note)


def _accuracy_cells(level: str, found: Mapping[str, Row]) -> list[str]:
    cutoff = "call" if level == "call" else f"{found['cut-off']['estimate']:.4g} ({level.split()[0]})"
    ratios = ("positive likelihood ratio", "negative likelihood ratio")
    return [
        cutoff,
        value(found["AUC"]),
        *(rate(found[name]) for name in ("sensitivity", "specificity")),
        *(value(found[name]) for name in ratios),
    ]


def missing_table(table: pd.DataFrame, labels: Mapping[str, str]) -> Table:
    """Missing values by variable and group."""
    populations = words.distinct(table["population"])
    rows = []
    for variable in words.distinct(table["variable"]):
        found = pick(table, variable=variable)
        cells = {row["population"]: _missing(row) for row in found}
        rows.append([found[0]["label"], *(cells[population] for population in populations)])
    return Table(
        "Missing values",
        ["Variable", *(words.name(population, labels) for population in populations)],
        rows,
        "Missing of the women to whom the variable applies: the karyotype of a miscarriage does not apply to "
        "a live birth.",
    )


def _missing(row: Row) -> str:
    applies = row["women"] - row["not_applicable"]
    if not applies:
        return "applies to nobody"
    return (
        f"{words.counts(row['missing'], applies)} ({words.percent(row['share'])})" if row["missing"] else "0"
    )


def constraints_table(table: pd.DataFrame) -> Table:
    """The constraints that the reconstructed rows do not meet, with the reason."""
    rows = [
        [row["constraint"], str(row["target"]), str(row["achieved"]), str(row["note"])]
        for row in table[~table["met"].astype(bool)].to_dict("records")
    ]
    return Table(
        "Constraints that the reconstruction does not meet", ["Constraint", "Printed", "Reached", "Why"], rows
    )


# ---- a paper


def audit_section(
    name: str,
    title: str,
    synthetic: str,
    audit: pd.DataFrame,
    conflicts: pd.DataFrame,
    figures: Sequence[Figure] = (),
) -> Section:
    """What came out of the audit of one paper.

    Args:
        synthetic: the mark of the cohort that stands for the paper; blank without one.
        audit, conflicts: as from `audit.verdicts.audit` and `audit.summaries.conflict_table`.
    """
    checks = {verdict: audit[audit["verdict"] == verdict] for verdict in AUDIT_VERDICTS}
    compared = worst_checks(audit[audit["from_rows"].notna()])
    shown = [
        _audit_table("Printed numbers that the others do not give", checks["inconsistent"], note=NOT_WHICH),
        conflicts_table(conflicts),
        _audit_table("Given by another method than the declared one", checks["other method"]),
        _audit_table("Off by one in the last place", checks["rounding"]),
    ]
    more = [side_by_side_table(compared), _audit_table("Every printed number", audit, verdicts=True)]
    return Section(
        name,
        title,
        synthetic,
        (),
        [*_audit_tally(audit), *_conflict_tally(conflicts), *_rows_tally(compared, synthetic)],
        figures,
        [table for table in shown if table.rows],
        [table for table in more if table.rows],
    )


def worst_checks(audit: pd.DataFrame) -> pd.DataFrame:
    """Of each claim the check that its verdict rests on, in the order of the claims."""
    return audit[audit["verdict"] == audit["overall"]].drop_duplicates("claim")


#: What a claim's verdict means, in the order in which the tally tells it.
AUDIT_VERDICTS = {
    "reproduced": "reproduced from the others",
    "rounding": "off by one in the last place",
    "other method": "given by another method than the declared one",
    "inconsistent": "not what the others give",
    "not recomputable": "not recomputable from what is printed",
}


def _audit_tally(audit: pd.DataFrame) -> list[str]:
    overall = audit.drop_duplicates("claim")["overall"].value_counts()
    told = ", ".join(
        f"{overall[verdict]} {text}" for verdict, text in AUDIT_VERDICTS.items() if verdict in overall
    )
    number = audit["where"].nunique()
    places = "place" if number == 1 else "places"
    sentences = [f"{overall.sum()} printed numbers and statements in {number} {places} of the paper: {told}."]
    if overall.get("inconsistent", 0):
        sentences.append(
            "That a number does not follow from the others is a fact about the print, not about people: "
            "a typing error, missing values, other denominators or another method could explain it."
        )
    return sentences


def _conflict_tally(conflicts: pd.DataFrame) -> list[str]:
    number = conflicts["conflict"].nunique()
    sentences = []
    if number:
        groups = "group" if number == 1 else "groups"
        sentences.append(
            f"{number} {groups} of printed numbers cannot all hold, whatever the data were, if they hang "
            "together as the claims file says (conflicts)."
        )
    open_ends = conflicts.loc[conflicts["conflict"].isna(), "search"]
    return sentences + [f"Search for conflicts: {text}." for text in words.distinct(open_ends)]


def _rows_tally(compared: pd.DataFrame, synthetic: str) -> list[str]:
    if compared.empty:
        return ["No rows of a cohort of this run stand for the paper's."] if not synthetic else []
    agree = compared["agrees_rows"] == "yes"
    by_kind = [
        f"{text} {agree[compared['kind'].isin(kinds)].sum()} of {compared['kind'].isin(kinds).sum()}"
        for text, kinds in COMPARED_KINDS.items()
        if compared["kind"].isin(kinds).any()
    ]
    sentences = [
        f"This run's rows give {agree.sum()} of {len(compared)} numbers to the last printed digit: "
        f"{', '.join(by_kind)}."
    ]
    taken = compared["side_by_side"].eq("rows give what the others give") & ~agree
    if taken.any():
        sentences.append(
            f"Of the numbers that they do not give, {taken.sum()} are as the other printed numbers have them."
        )
    if synthetic:
        sentences.append("The rows were fitted to the printed numbers: that they agree is no confirmation.")
    return sentences


NOT_WHICH = (
    "From the others: all that the other printed numbers can give, each anywhere within its rounding. That a "
    "number lies outside does not say which of them is the one to look at."
)
#: Kinds of claims that the tally of this run's rows takes together.
COMPARED_KINDS = {
    "counts": ("count",),
    "percentages": ("percent",),
    "means, SDs and ranges": ("mean", "sd", "value"),
    "coefficients, ratios and their intervals": ("coefficient", "ratio", "se"),
    "test statistics": ("statistic",),
    "p-values": ("p",),
    "other numbers": ("number", "text"),
}


def _audit_table(title: str, audit: pd.DataFrame, verdicts: bool = False, note: str = "") -> Table:
    """A row a check: what is printed, what the others and this run's rows give, and a sentence."""
    with_rows = audit["from_rows"].notna().any()
    rows = [
        [
            row["claim"],
            row["where"],
            row["printed"],
            _from_summary(row),
            *([_from_rows(row)] if with_rows else []),
            *([row["verdict"]] if verdicts else []),
            row["sentence"],
        ]
        for row in audit.to_dict("records")
    ]
    header = [
        *("Claim", "Where", "Printed", "From the others"),
        *(["From this run's rows"] if with_rows else []),
        *(["Verdict"] if verdicts else []),
        "In words",
    ]
    return Table(title, header, rows, note)


def side_by_side_table(compared: pd.DataFrame) -> Table:
    """Printed, from the other printed numbers, and from the run's rows."""
    rows = [
        [
            row["claim"],
            row["where"],
            row["printed"],
            _from_summary(row),
            _from_rows(row),
            row["verdict"],
            row["side_by_side"],
            row["rows_from"],
        ]
        for row in compared.to_dict("records")
    ]
    header = [
        *("Claim", "Where", "Printed", "From the others", "From this run's rows", "Verdict", "Side by side"),
        "Where in this run",
    ]
    note = (
        "The verdict is by the printed numbers alone. Rows give the print if they round to it. Others: what "
        "the other printed numbers can give, a range; they only allow what they cannot compute. They give "
        "both where the range holds the rows' value and a print that the rows do not round to."
    )
    return Table("Printed, from the other numbers, and from this run's rows", header, rows, note)


def _from_rows(row: Row) -> str:
    return "\N{EN DASH}" if pd.isna(row["from_rows"]) else f"{row['from_rows']:.4g}{_unit(row)}"


def conflicts_table(conflicts: pd.DataFrame) -> Table:
    """A row a conflict: the numbers with their places, and why they cannot all hold."""
    rows = []
    for number, group in conflicts.dropna(subset=["conflict"]).groupby("conflict"):
        numbers = "; ".join(f"{row.claim} {row.printed} ({row.where})" for row in group.itertuples())
        rows.append([str(number), numbers, group["proof"].iloc[0], group["search"].iloc[0]])
    return Table(
        "Printed numbers that cannot all hold",
        ["Conflict", "Numbers", "Why", "Search"],
        rows,
        "Unless the search says otherwise, each group is as small as it can be: without any one of its "
        "members the others can hold.",
    )


def _from_summary(row: Row) -> str:
    """4.36 to 4.41%, or a dash where nothing gives it."""
    low, high = (row[f"from_summary_{end}"] for end in ("low", "high"))
    ends = ["" if pd.isna(end) else f"{end:.4g}" for end in (low, high)]
    if not any(ends):
        return "\N{EN DASH}"
    if not all(ends):
        return f"at least {ends[0]}{_unit(row)}" if ends[0] else f"at most {ends[1]}{_unit(row)}"
    return (ends[0] if ends[0] == ends[1] else " to ".join(ends)) + _unit(row)


def _unit(row: Row) -> str:
    return "%" if row["kind"] == "percent" else ""


# ---- the run


def package_table() -> Table:
    """Versions of the main packages of the environment."""
    rows = [[name, version] for name, version in installed().items()]
    return Table("Main packages of the environment", ["Package", "Version"], rows)
