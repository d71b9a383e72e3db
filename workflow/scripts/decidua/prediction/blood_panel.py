"""How useful is a single test, and do women with losses differ from women without in their blood at all?

Two questions with two references: how the next pregnancy ends (single tests, before it), and whether there
were losses (case-control comparison of the blood panel).
"""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from decidua.cases import IS_CASE
from decidua.labels import measured_name
from decidua.learning.performance import auc_interval
from decidua.markers import Marker, Panel
from decidua.results import ESTIMATED, cautioned, frame, not_estimable, row
from decidua.statistics.accuracy import AUC, BOTH, CASES, CONTROLS, NO_CONTROLS, Design, accuracy
from decidua.statistics.counting import EVERYONE, in_words
from decidua.statistics.rows import Row, interval

SINGLE_TESTS, BLOOD_PANEL = "single tests", "blood panel"
WITH, WITHOUT, WITH_V_WITHOUT = "with the event", "without the event", "with v without the event"
INDEX_TEST, REFERENCE = "index test", "reference standard"
EXCLUDED, ANALYSED = "excluded", "analysed"
HEDGES, CLIFF, SUPERIORITY = "Hedges' g", "Cliff's delta", "probability of superiority"
FALSE_DISCOVERY = "Benjamini-Hochberg-adjusted"
#: What `accuracy` says of cases and controls, where they are women with and without the event.
_WORDS = (
    (r"\bcases v controls\b", WITH_V_WITHOUT),
    (r"\bunknown case status\b", "unknown outcome"),
    (r"\bno case\b", "no woman with the event"),
    (r"\bno control\b", "no woman without the event"),
    (r"\bcases\b", "women with the event"),
    (r"\bcontrols\b", "women without the event"),
)
_LEVELS = {CASES: WITH, CONTROLS: WITHOUT, BOTH: WITH_V_WITHOUT}
#: The comparison needs no resamples, yet `accuracy` draws some.
_FEWEST_RESAMPLES = 2


# ---- single tests before the pregnancy


def single_tests(
    women: pd.DataFrame,
    panel: Panel,
    outcome: str,
    event_value: bool,
    rng: np.random.Generator,
    *,
    event: str = "the event",
    left_out: Mapping[str, int] | None = None,
    confidence: float = 0.95,
    resamples: int = 1000,
    caution: str = "",
) -> pd.DataFrame:
    """How well each marker by itself, and each call, tells how the next pregnancy ends (STARD 2015).

    Args:
        women: one row a woman with her calls, as decidua.markers.with_calls.
        outcome, event_value: the yes/no column of the outcome and its value that is the event.
        event: what the event is called.
        left_out: women who are not in the table at all, by reason.
        resamples: of the bootstrap of the Youden cut-off.
        caution: what all rows must say, such as that women were treated by the test.

    Returns:
        A results table. First who was eligible, excluded and analysed: quantity "index test" (column test
        says which) and "reference standard" with the women of whom it is known, "excluded" at a level that
        says why, "analysed". Then what decidua.statistics.accuracy.accuracy measures, with levels "with the
        event", "without the event" and "with v without the event" for its cases and controls; predictive
        values are at the share of these women who had the event.
    """
    status = women[outcome].astype("boolean").eq(event_value).astype("boolean")
    known = status.notna()
    rows = list(_flow(women, panel, outcome, event_value, status, event, left_out or {}))
    if not known.any():
        reason = f"{in_words(outcome)} is unknown for all women"
        rows.append(not_estimable(reason, variable=outcome, quantity=AUC))
        return _finished(rows, SINGLE_TESTS, caution)
    share = round(float(status[known].astype(float).mean()), 3)
    prevalence = (share,) if 0 < share < 1 else ()
    design = Design(outcome, confidence, prevalence, resamples)
    table = accuracy(women.assign(**{IS_CASE: status}), panel, design, rng)
    return pd.concat(
        [_finished(rows, SINGLE_TESTS, caution), cautioned(_in_other_words(table), caution)],
        ignore_index=True,
    )


def _finished(rows: list[Row], analysis: str, caution: str = "") -> pd.DataFrame:
    table = frame({"analysis": analysis, "population": EVERYONE, **each} for each in rows)
    return cautioned(table, caution)


def _in_other_words(table: pd.DataFrame) -> pd.DataFrame:
    """The table of cases and controls as one of women with and without the event."""
    said = {}
    for column in ("level", "counted", "reason", "interval"):
        text = table[column].replace(_LEVELS) if column == "level" else table[column]
        for pattern, words in _WORDS:
            text = text.str.replace(pattern, words, regex=True)
        said[column] = text
    return table.assign(**said, analysis=SINGLE_TESTS).astype(table.dtypes)


def _flow(
    women: pd.DataFrame,
    panel: Panel,
    outcome: str,
    event_value: bool,
    status: pd.Series,
    event: str,
    left_out: Mapping[str, int],
) -> Iterator[Row]:
    """Who was eligible, left out and why, and analysed, for the reference and each measured test."""
    n, known = len(women), status.notna().to_numpy()
    said = f"{event}: {in_words(outcome)} is {'yes' if event_value else 'no'}"
    place = {"variable": outcome, "quantity": REFERENCE, "test": said}
    yield _count(int(known.sum()), n, "women of the table", **place)
    eligible = n + sum(left_out.values())
    for reason, number in left_out.items():
        own = {"variable": outcome, "quantity": EXCLUDED, "level": reason}
        yield _count(int(number), eligible, "eligible women", **own)
    markers = [marker.name for marker in panel.markers]
    for marker in panel.markers:
        for place_of, cutoff in enumerate(marker.cutoffs):
            name = measured_name(cutoff.column, markers)
            own = {"variable": name, "test": _index_test(marker, place_of, panel)}
            if name not in women:
                yield not_estimable("the cohort has no such column", quantity=INDEX_TEST, **own)
                continue
            yield from _flow_of_test(women[name].notna().to_numpy(), status, own)


def _flow_of_test(measured: np.ndarray, status: pd.Series, place: Row) -> Iterator[Row]:
    known, n = status.notna().to_numpy(), len(status)
    yield _count(int(measured.sum()), n, "women of the table", quantity=INDEX_TEST, **place)
    for level, who in (
        ("test unknown", ~measured & known),
        ("outcome unknown", measured & ~known),
        ("test and outcome unknown", ~measured & ~known),
    ):
        yield _count(int(who.sum()), n, "women of the table", quantity=EXCLUDED, level=level, **place)
    both = measured & known
    with_event = both & status.fillna(False).to_numpy(dtype=bool)
    for level, who in ((EVERYONE, both), (WITH, with_event), (WITHOUT, both & ~with_event)):
        yield _count(int(who.sum()), n, "women of the table", quantity=ANALYSED, level=level, **place)


def _count(part: int, whole: int, counted: str, **place: str) -> Row:
    return row(**place, estimate=part, numerator=part, denominator=whole, counted=counted)


def _index_test(marker: Marker, place: int, panel: Panel) -> str:
    """What a test is, from the panel's file."""
    cutoff = marker.cutoffs[place]
    ratio = f" at {cutoff.ratio}" if cutoff.ratio else ""
    parts = [
        f"{marker.label}{ratio}, abnormal above {cutoff.above:g} {cutoff.unit}".rstrip(),
        f"assay {marker.assay}",
        f"panel {panel.name}, version {panel.version}, laboratory {panel.laboratory}",
        f"sampling {panel.sampling}",
    ]
    return "; ".join(parts)


# ---- women with and without losses


def blood_panel(
    women: pd.DataFrame, panel: Panel, cases: str | None, confidence: float = 0.95
) -> pd.DataFrame:
    """Do women with losses differ from women without in the measured markers? Effect sizes and tests.

    Args:
        women: one row a woman with her calls and `is_case`, as decidua.markers.with_calls(controls=True).
        cases: the yes/no column that tells women with losses from others; None: there are no others.

    Returns:
        A results table, variable a measured column. Level "cases" and "controls": n, mean, standard
        deviation, median. Level "cases v controls": Hedges' g (its p the Mann-Whitney test's false discovery
        rate over the columns), probability of superiority (that a case has the higher value, ties one half)
        and Cliff's delta with Newcombe's interval, and the Mann-Whitney test, also adjusted by Holm and by
        Benjamini and Hochberg. Nothing is adjusted for age or else: a difference is no cause, and no test.
    """
    columns = _columns(women, panel)
    if cases is None:
        rows = [not_estimable(NO_CONTROLS, variable=name, quantity=HEDGES) for name in columns]
        return _finished(rows or [not_estimable(NO_CONTROLS, quantity=HEDGES)], BLOOD_PANEL)
    table = accuracy(women, panel, Design(cases, confidence, (), _FEWEST_RESAMPLES), np.random.default_rng(0))
    rows = _records(table[table["variable"] == cases])
    adjusted = _false_discovery(table)
    for name in columns:
        rows += _column(_records(table[table["variable"] == name]), name, adjusted.get(name), confidence)
    if not columns:
        rows.append(not_estimable("the cohort has no column of the panel", quantity=HEDGES))
    return _finished(rows, BLOOD_PANEL)


def _columns(women: pd.DataFrame, panel: Panel) -> list[str]:
    markers = [marker.name for marker in panel.markers]
    names = dict.fromkeys(measured_name(column, markers) for column in panel.columns)
    return [name for name in names if name in women]


def _records(table: pd.DataFrame) -> list[Row]:
    """The rows as they were made, without what does not apply to them."""
    records = table.drop(columns=["analysis", "population"]).to_dict("records")
    return [{key: value for key, value in record.items() if not pd.isna(value)} for record in records]


def _false_discovery(table: pd.DataFrame) -> dict[str, Row]:
    """Of each column the test that is adjusted; with one column alone its only test is."""
    tests = table[table["test"].str.startswith("Mann-Whitney").fillna(False) & table["p"].notna()]
    adjusted = tests[tests["test"].str.endswith(FALSE_DISCOVERY)]
    kept = adjusted if len(adjusted) else tests
    return {found["variable"]: {"test": found["test"], "p": found["p"]} for found in _records(kept)}


def _column(rows: list[Row], name: str, adjusted: Row | None, confidence: float) -> Iterator[Row]:
    described = [each for each in rows if each.get("level") in (CASES, CONTROLS)]
    compared = [each for each in rows if each.get("level") == BOTH]
    yield from described
    if not compared:
        reason = next(each["reason"] for each in rows if each["status"] != ESTIMATED and "level" not in each)
        yield not_estimable(reason, variable=name, level=BOTH, quantity=HEDGES)
        return
    for each in compared:
        if each["quantity"] == HEDGES:
            yield {**each, **(adjusted or {})} if each["status"] == ESTIMATED else each
        elif each["quantity"] == AUC:
            sizes = (each["numerator"], each["denominator"] - each["numerator"])
            yield from _superiority(each["estimate"], sizes, each, confidence)
        else:
            yield each


def _superiority(value: float, sizes: tuple[int, int], place: Row, confidence: float) -> Iterator[Row]:
    """Source: Vargha and Delaney 2000, J Educ Behav Stat 25:101; Newcombe 2006, Stat Med 25:559, method 5."""
    low, high = auc_interval(value, [sizes], confidence=confidence)
    common = {key: place[key] for key in ("variable", "level", "counted", "numerator", "denominator")}
    common["interval"] = interval("Newcombe's score interval", confidence)
    yield row(**common, quantity=SUPERIORITY, estimate=value, lower=low, upper=high)
    delta = {"estimate": 2 * value - 1, "lower": 2 * low - 1, "upper": 2 * high - 1}
    yield row(**common, quantity=CLIFF, **delta)
