"""Which of the printed and derived numbers do the rows meet, recomputed from the rows alone?"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from decidua.markers import ABNORMAL, NORMAL, Panel, classify
from decidua.reconstruction.dealing import p_by_history
from decidua.reconstruction.facts import (
    ANEUPLOID,
    COVARIATES,
    ETIOLOGIES,
    EUPLOID,
    FOUR_OR_MORE,
    KARYOTYPES,
    NOT_TESTED,
    STRATA,
    Facts,
    alpha,
    as_printed,
    p_as_printed,
    p_is_met,
)
from decidua.statistics.contingency import pearson
from decidua.statistics.groups import one_way_anova, scheffe, split, summarise
from decidua.statistics.logistic import fit


def constraints(paper: Facts, plan: Facts, cohort: pd.DataFrame, panel: Panel) -> pd.DataFrame:
    """Every number that the rows are held to, a row each; the columns are those of `Reconstruction`."""
    women = _read_back(paper, cohort, panel)
    ledger = _Ledger(paper, plan)
    for check in (
        _groups,
        _table_1,
        _derived_sums,
        _section_3_1,
        _prevalence,
        _live_birth,
        _table_2,
        _history,
        _figure_6,
        _figure_7,
        _table_3,
        _subgroups,
    ):
        check(ledger, women)
    return ledger.frame()


def _read_back(paper: Facts, cohort: pd.DataFrame, panel: Panel) -> pd.DataFrame:
    """The cohort with immune subgroup (rule "any"), stratum and category of history of each row."""
    calls = classify(cohort, panel, "any")
    names = {(paper["strata"][s]["etiology"], paper["strata"][s]["immunity"]): s for s in STRATA}
    return cohort.assign(
        subgroup=calls["subgroup"].astype(object),
        immunity=calls["immunity"],
        abnormal=(calls["immunity"] == ABNORMAL).to_numpy(dtype=bool),
        figure_6_marker=calls[paper["figure6"]["marker"]].to_numpy(dtype=bool),
        category=np.minimum(cohort["miscarriages"].to_numpy(dtype=int) - 2, FOUR_OR_MORE),
        live_birth=cohort["live_birth"].to_numpy(dtype=bool),
        stratum=[names[key] for key in zip(cohort["etiology"], calls["immunity"], strict=True)],
    )


# Targets beside what is achieved -------------------------------------------------------------------


class _Ledger:
    """The constraints so far, and the reasons that the facts give for those that cannot be met."""

    def __init__(self, paper: Facts, plan: Facts):
        self.paper, self.plan = paper, plan
        lists = [*paper["reconstruction"]["cannot_be_met"], *plan["cannot_be_met"]]
        self.reasons = {name: " ".join(e["because"].split()) for e in lists for name in e["constraints"]}
        self.rows: list[dict[str, Any]] = []

    def block(self, name: str, where: str = "") -> "_Block":
        facts = self.paper[name]
        return _Block(self, facts, where or facts["where"], facts.get("how", "printed"))

    def label(self, stratum: str) -> str:
        facts = self.paper["strata"][stratum]
        return f"{facts['etiology']} {facts['immunity']}"

    def frame(self) -> pd.DataFrame:
        table = pd.DataFrame(self.rows)
        return table.astype({name: "boolean" if name == "met" else "string" for name in table})


@dataclass(frozen=True)
class _Block:
    """One block of the facts; constraints that come from it are added with its place in the paper."""

    ledger: _Ledger
    facts: Facts
    where: str
    how: str

    def __getitem__(self, key: str) -> Any:
        return self.facts[key]

    def add(
        self, constraint: str, target: Any, achieved: Any, met: bool | None = None, note: str = ""
    ) -> None:
        """Met when target and achieved read the same, unless told; `note` is shown when it is met."""
        met = str(target) == str(achieved) if met is None else bool(met)
        reason = self.ledger.reasons.get(constraint, "the search did not reach it")
        self.ledger.rows.append(
            {
                "constraint": constraint,
                "where": self.where,
                "how": self.how,
                "target": str(target),
                "achieved": str(achieved),
                "met": met,
                "note": note if met else reason,
            }
        )

    def add_p(self, constraint: str, printed: str, p: float, note: str = "") -> None:
        met = p_is_met(self.ledger.paper, printed, p)
        self.add(constraint, printed, p_as_printed(printed, p), met, note)


Counts = dict[Hashable, tuple[int, int]]


def _counts(event: pd.Series, by: pd.Series | list[pd.Series]) -> Counts:
    """Women with and without an event, of each group that holds a woman."""
    sums = event.groupby(by, observed=True).agg(["sum", "count"])
    return {group: (int(yes), int(n - yes)) for group, yes, n in sums.itertuples()}


def _pearson_p(counts: Counts) -> float:
    return pearson(list(counts.values())).p


def _percent(printed: str, events: int, others: int) -> str:
    return as_printed(printed, 100 * events / (events + others)) + "%"


def _populations(women: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return {"all": women} | {name: women[women["etiology"] == name] for name in ETIOLOGIES}


def _by_stratum(women: pd.DataFrame, variable: str) -> list[np.ndarray]:
    return split(women[variable], pd.Categorical(women["stratum"], STRATA).codes, len(STRATA))


# The groups and Table 1 ----------------------------------------------------------------------------


def _groups(ledger: _Ledger, women: pd.DataFrame) -> None:
    strata, enrolment, abstract = (ledger.block(name) for name in ("strata", "enrolment", "abstract"))
    for stratum in STRATA:
        n = (women["stratum"] == stratum).sum()
        strata.add(f"Groups: {ledger.label(stratum)}, n", strata[stratum]["n"], n)
    enrolment.add("Enrolment: included", enrolment["included"], len(women))
    for etiology, (abnormal, normal) in _counts(women["abnormal"], women["etiology"]).items():
        abstract.add(f"Abstract: {etiology}, n", abstract[etiology], abnormal + normal)
        abstract.add(f"Abstract: {etiology}, abnormal", abstract[f"{etiology}_abnormal"], abnormal)
    treated = _counts(women["ivig_dose_g"] > 0, women["immunity"])
    ledger.block("paper", where="Methods").add(
        "Protocol: dose above 0 in every abnormal woman, 0 in every normal one",
        f"{sum(treated[ABNORMAL])} and {sum(treated[NORMAL])}",
        f"{treated[ABNORMAL][0]} and {treated[NORMAL][1]}",
    )


def _table_1(ledger: _Ledger, women: pd.DataFrame) -> None:
    table = ledger.block("table1")
    for variable, printed in table.facts.items():
        if variable == "where":
            continue
        samples = _by_stratum(women, variable)
        summary = summarise(samples, STRATA)
        for k, stratum in enumerate(STRATA):
            x = samples[k]
            got = {"mean": summary.mean[k], "sd": summary.sd[k], "min": x.min(), "max": x.max()}
            shown = {key: as_printed(printed[stratum][key], value) for key, value in got.items()}
            name = f"Table 1: {variable}, {ledger.label(stratum)}"
            table.add(name, _moments_text(printed[stratum]), _moments_text(shown))
        anova, f = one_way_anova(summary), printed["test"]["F"]
        table.add(f"Table 1: {variable}, F", f, as_printed(f, anova.statistic))
        table.add_p(f"Table 1: {variable}, p", printed["test"]["p"], anova.p)


def _moments_text(values: Mapping[str, str]) -> str:
    return f"{values['mean']} ± {values['sd']} ({values['min']}-{values['max']})"


def _derived_sums(ledger: _Ledger, women: pd.DataFrame) -> None:
    sums, parity = ledger.block("miscarriage_sums"), ledger.block("parity_counts")
    for stratum in STRATA:
        group = women[women["stratum"] == stratum]
        losses = group["miscarriages"]
        sums.add(
            f"Table 1: miscarriages, {ledger.label(stratum)}, sum and sum of squares",
            f"{sums[stratum]['sum']} and {sums[stratum]['sum_of_squares']}",
            f"{losses.sum()} and {(losses**2).sum()}",
        )
        parity.add(
            f"Table 1: parity, {ledger.label(stratum)}, women with 0, 1, 2",
            parity[stratum],
            [int((group["parity"] == births).sum()) for births in range(3)],
        )


def _section_3_1(ledger: _Ledger, women: pd.DataFrame) -> None:
    section = ledger.block("section_3_1")
    for variable in ("age", "bmi"):
        for etiology in ETIOLOGIES:
            printed = section[variable][etiology]
            mean, sd = printed.split(" ± ")
            x = women.loc[women["etiology"] == etiology, variable]
            achieved = f"{as_printed(mean, x.mean())} ± {as_printed(sd, x.std())}"
            section.add(f"Section 3.1: {variable}, {etiology}", printed, achieved)
        pairs = scheffe(summarise(_by_stratum(women, variable), STRATA))
        below = sum(pair.p < alpha(ledger.paper) for pair in pairs)
        wanted = section["significant_scheffe_pairs"][variable]
        section.add(f"Section 3.1: {variable}, significant Scheffe pairs", wanted, below)


# Immunity and live birth ---------------------------------------------------------------------------


def _prevalence(ledger: _Ledger, women: pd.DataFrame) -> None:
    figure = ledger.block("figure2")
    counts = _counts(women["abnormal"], women["etiology"])
    for etiology, (abnormal, normal) in counts.items():
        printed = figure["abnormal"][etiology]
        achieved = f"{_percent(printed, abnormal, normal)} ({abnormal})"
        figure.add(f"Figure 2: abnormal, {etiology}", printed, achieved)
        alone = women.loc[women["etiology"] == etiology, "subgroup"].value_counts()
        printed, n = figure["nk_level_only"][etiology], alone["nk_level"]
        achieved = _percent(printed, n, abnormal + normal - n)
        figure.add(f"Figure 2: NK level only, {etiology}", printed, achieved)
        order = alone[figure["order"]].sort_values(ascending=False, kind="stable").index
        figure.add(f"Figure 2: order, {etiology}", ", ".join(figure["order"]), ", ".join(order))
    figure.add_p("Figure 2: abnormal, known v idiopathic, p", figure["p"], _pearson_p(counts))


def _live_birth(ledger: _Ledger, women: pd.DataFrame) -> None:
    figure = ledger.block("figure3")
    counts = _counts(women["live_birth"], women["immunity"])
    for immunity, (born, lost) in counts.items():
        achieved = f"{_percent(figure[immunity], born, lost)} ({born}/{born + lost})"
        figure.add(f"Figure 3: live birth, {immunity} immunity", figure[immunity], achieved)
    figure.add_p("Figure 3: live birth, abnormal v normal, p", figure["p"], _pearson_p(counts))
    _idiopathic_subgroups(figure, women[women["etiology"] == "idiopathic"])
    cells = _counts(women["live_birth"], [women["etiology"], women["subgroup"]])
    which = f"Pearson over {len(cells)} cells of etiology by subgroup, normal included"
    figure.add_p(
        "Figure 3: live birth over the subgroups of known and idiopathic, p",
        figure["known_v_idiopathic_subgroups_p"],
        _pearson_p(cells),
        note=f"{which}; which table is not stated",
    )


def _idiopathic_subgroups(figure: _Block, women: pd.DataFrame) -> None:
    printed, counts = figure["idiopathic_subgroups"], _counts(women["live_birth"], women["subgroup"])
    rates = {name: born / (born + lost) for name, (born, lost) in counts.items() if name != NORMAL}
    for end, pick in (("highest", max), ("lowest", min)):
        rate, name = printed[end]["rate"], pick(rates, key=rates.__getitem__)
        figure.add(
            f"Figure 3: {end} rate of the idiopathic subgroups",
            f"{rate} ({printed[end]['subgroup']})",
            f"{_percent(rate, *counts[name])} ({name})",
        )
    empty = sum(counts.get(printed["empty"], (0, 0)))
    figure.add("Figure 3: women in the empty idiopathic subgroup", 0, empty)
    name = "Figure 3: live birth over the idiopathic subgroups, p"
    figure.add_p(name, printed["p"], _pearson_p(counts))


def _table_2(ledger: _Ledger, women: pd.DataFrame) -> None:
    table = ledger.block("table2")
    tolerance = ledger.paper["reconstruction"]["tolerance"]
    for name, population in _populations(women).items():
        model = fit(population[list(COVARIATES)], population["live_birth"])
        ratios, ends = np.exp(model.coefficients), np.exp(model.wald()).T
        for k, variable in enumerate(COVARIATES, start=1):
            printed, head = table[name][variable], f"Table 2, {name}, {variable}"
            table.add(f"{head}: B", printed["B"], as_printed(printed["B"], model.coefficients[k]))
            ratio = printed["odds_ratio"]
            table.add(f"{head}: odds ratio", ratio, as_printed(ratio, ratios[k]))
            close = np.abs(ends[k] - [float(printed["lower"]), float(printed["upper"])]).max()
            table.add(
                f"{head}: 95% interval",
                f"{printed['lower']}-{printed['upper']} (within {tolerance['interval']})",
                f"{ends[k][0]:.3f}-{ends[k][1]:.3f}",
                met=close <= tolerance["interval"],
            )
            table.add(
                f"{head}: p",
                f"{printed['p']} (within {tolerance['p']})",
                f"{model.p[k]:.3f}",
                met=abs(model.p[k] - float(printed["p"])) <= tolerance["p"],
            )


# By number of miscarriages -------------------------------------------------------------------------


def _history(ledger: _Ledger, women: pd.DataFrame) -> None:
    births, rows, immunity = (ledger.block(name) for name in ("figure4", "four_or_more_rows", "figure5"))
    for name, population in _populations(women).items():
        counts = _counts(population["live_birth"], population["category"])
        births.add_p(f"Figure 4, {name}: p", births["p"][name], _pearson_p(counts))
        born, lost = counts[FOUR_OR_MORE]
        printed = births["four_or_more"][name]
        births.add(f"Figure 4, {name}: live birth, four or more", printed, _percent(printed, born, lost))
        title = f"Figure 4, {name}: live births and women, four or more"
        rows.add(title, rows[name], [born, born + lost])
        counts = _counts(population["abnormal"], population["category"])
        immunity.add_p(f"Figure 5, {name}: p", immunity["p"][name], _pearson_p(counts))
        rates = [abnormal / (abnormal + normal) for abnormal, normal in counts.values()]
        shown = ", ".join(f"{100 * rate:.1f}%" for rate in rates)
        title = f"Figure 5, {name}: direction"
        immunity.add(title, immunity["direction"], shown, met=rates == sorted(rates))


def _figure_6(ledger: _Ledger, women: pd.DataFrame) -> None:
    figure, rows = ledger.block("figure6"), ledger.block("figure6_rows")
    known = women[women["etiology"] == figure["etiology"]]
    many = known["category"] == FOUR_OR_MORE
    counts = _counts(known["figure_6_marker"], many)
    ages = summarise(split(known["age"], many, 2), ("two_or_three", "four_or_more"))
    for name, (high, low), age in zip(ages.names, counts.values(), ages.mean, strict=True):
        text, mean = name.replace("_", " "), figure["mean_age"][name]
        figure.add(f"Figure 6: high Th1/Th2, {text}", figure[name], _percent(figure[name], high, low))
        figure.add(f"Figure 6: mean age, {text}", mean, as_printed(mean, age))
        rows.add(f"Figure 6: women with high Th1/Th2, {text}", rows[name], [high, high + low])
    figure.add_p("Figure 6: high Th1/Th2, 2-3 v 4+, p", figure["p"], _pearson_p(counts))
    figure.add_p("Figure 6: mean age, 2-3 v 4+, p", figure["mean_age"]["p"], one_way_anova(ages).p)
    for name, p in p_by_history(ledger.paper, women).items():
        figure.add_p(f"Figure 6: {name}", figure["other_markers"], p)


# Karyotypes and subgroups --------------------------------------------------------------------------


def _figure_7(ledger: _Ledger, women: pd.DataFrame) -> None:
    figure = ledger.block("figure7")
    lost = women[~women["live_birth"]]
    tested = lost[lost["karyotype"] != NOT_TESTED]
    figure.add("Figure 7, all: karyotyped", figure["tested"], len(tested))
    figure.add("Figure 7, all: miscarriages", figure["miscarriages"], len(lost))
    for name, population in _populations(tested).items():
        counts = _counts(population["karyotype"] == ANEUPLOID, population["category"])
        figure.add_p(f"Figure 7, {name}: p", figure["p"][name], _pearson_p(counts))


def _table_3(ledger: _Ledger, women: pd.DataFrame) -> None:
    table = ledger.block("table3")
    lost = women[~women["live_birth"]]
    for stratum in STRATA:
        printed, head = table[stratum], f"Table 3, {ledger.label(stratum)}"
        kinds = lost.loc[lost["stratum"] == stratum, "karyotype"]
        euploid, aneuploid, untested = (int((kinds == kind).sum()) for kind in KARYOTYPES)
        table.add(f"{head}: miscarriages", printed["miscarriages"], len(kinds))
        table.add(f"{head}: karyotyped", printed["tested"], euploid + aneuploid)
        share = _percent(printed["euploid"], euploid, aneuploid)
        table.add(f"{head}: euploid", printed["euploid"], f"{euploid} ({share})")
        followed = int((women["stratum"] == stratum).sum()) - untested
        share = _percent(printed["failure"], euploid, followed - euploid)
        failure = f"{euploid}/{followed} ({share})"
        table.add(f"{head}: treatment failure", printed["failure"], failure)
    tested = lost[lost["karyotype"] != NOT_TESTED]
    counts = _counts(tested["karyotype"] == EUPLOID, tested["immunity"])
    p = table["euploid_normal_v_abnormal_p"]
    table.add_p("Table 3: euploid, normal v abnormal, p", p, _pearson_p(counts))
    for printed in table["unplaced_p"]:
        table.add(f"Table 3: p {printed}", printed, "not compared", met=False)


def _subgroups(ledger: _Ledger, women: pd.DataFrame) -> None:
    block = ledger.block("reconstruction", where="Figures 2 and 3")
    for etiology, cells in ledger.plan["subgroups"].items():
        group = women[women["etiology"] == etiology]
        counts = _counts(group["live_birth"], group["subgroup"])
        for name, target in cells.items():
            born, lost = counts.get(name, (0, 0))
            block.add(f"Subgroup, {etiology}, {name}: women and live births", target, [born + lost, born])
