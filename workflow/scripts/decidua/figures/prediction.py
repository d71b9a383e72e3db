"""How good are the models of the next pregnancy, what do immune tests add, and in whom?"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from decidua import results, style, words
from decidua.figures.page import is_value, nothing_to_show, small_print
from decidua.figures.scales import Dot, Line, Panel, Span, panels, with_interval

APPARENT, CORRECTED = "apparent", "corrected"
#: Not drawn: it is another way to the corrected number, in the table beside it.
CROSS_VALIDATED = "cross-validated"
#: How a number was had: its colour and shape. What is not named here takes the next of `style.SERIES`. What
#: follows a colon (the centre that was left out) does not change the look.
WAYS = {
    CORRECTED: (style.BLUE, "o"),
    APPARENT: (style.PAPER, "o"),
    "leave-one-centre-out": (style.GREEN, "D"),
    "temporal": (style.ORANGE, "s"),
}
#: Measures of a model, in the order of the figure: heading, what is right (or of no use), decimals.
MEASURES: Mapping[str, tuple[str, float | None, int]] = {
    "c statistic": ("c statistic (0.5: by lot, 1: all told apart)", 0.5, 2),
    "calibration in the large": ("Calibration in the large (0 is right)", 0.0, 2),
    "calibration slope": ("Calibration slope (1 is right, below: too extreme)", 1.0, 2),
    "scaled Brier score": ("Scaled Brier score (0: as good as the mean risk)", 0.0, 3),
}
#: Tables beside which an alarm may stand; beside anything else it concerns a model.
ALARMED = (
    "performance", "calibration", "added_value", "decision_curves", "strata", "blood_panel", "markers",
    "coefficients", "model",
)  # fmt: skip
_PERFORMANCE, _ADDED = "Performance of the models", "Added value of the immune tests"
_STRATA, _PANEL = "Performance by stratum", "Blood panel: women with and without losses"


def performance_source(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of a results table that the figure shows: the measures of `MEASURES` of every model."""
    return _rows(table[~is_value(table["level"], CROSS_VALIDATED)], list(MEASURES))


def alarms_beside(alarms: pd.DataFrame, shown: str) -> list[str]:
    """What must be said beside a figure, a sentence an alarm.

    Args:
        alarms: alarm, where (a table, or a model by its name) and reason.
        shown: the table that the figure shows; what concerns a model stands beside the performance.
    """
    own = is_value(alarms["where"], shown)
    if shown == "performance":
        own |= ~alarms["where"].isin(ALARMED)
    named = alarms[own].drop_duplicates(["alarm", "reason"])
    return [f"Alarm, {row.alarm}: {row.reason}." for row in named.itertuples()]


def _rows(table: pd.DataFrame, quantities: Sequence[str]) -> pd.DataFrame:
    """The rows of these quantities or, where there is none, those that say why."""
    wanted = table["quantity"].isin(list(quantities)).fillna(False).to_numpy(dtype=bool)
    rows = table[wanted] if wanted.any() else table[is_value(table["status"], results.NOT_ESTIMABLE)]
    return rows.reset_index(drop=True)


@style.publication()
def plot_performance(
    source: pd.DataFrame,
    *,
    labels: Mapping[str, str],
    synthetic: str | None = None,
    alarms: Sequence[str] = (),
) -> Figure:
    """Draw each measure of each model, apparent beside corrected.

    Args:
        source: as from `performance_source`: variable the model, level how the number was had.
        labels: what models are called. alarms: what must be said beside these numbers.
    """
    if not (source["status"] == results.ESTIMATED).any():
        return nothing_to_show(_PERFORMANCE, words.distinct(source["reason"]), synthetic)
    ways = _ways(source)
    looks = _looks(ways)
    shown = []
    for measure, (heading, reference, places) in MEASURES.items():
        rows = source[source["quantity"] == measure]
        if (rows["status"] == results.ESTIMATED).any():
            lines = tuple(_of_model(model, own, looks, places, labels) for model, own in _groups(rows))
            shown.append(Panel(heading, lines, _span(rows, reference), reference))
    key = [(way[:1].upper() + way[1:], *looks[way]) for way in ways]
    notes = [
        "Apparent: measured in the women from whom the model was learned, so too good. Corrected: as "
        "expected in other women like them. Dashed: the value named in the heading."
    ]
    notes += [*_notes(source, labels), *alarms]
    return panels(
        shown, columns=("Apparent", "Corrected (interval)"), key=key, notes=notes, synthetic=synthetic
    )


def _ways(rows: pd.DataFrame) -> list[str]:
    """How the numbers of these rows were had, in the order of the key."""
    found = words.distinct(rows["level"].str.partition(": ")[0])
    return [way for way in WAYS if way in found] + [way for way in found if way not in WAYS]


def _looks(ways: Sequence[str]) -> dict[str, tuple[str, str]]:
    others = [way for way in ways if way not in WAYS]
    spare = zip(others, style.SERIES[2:], style.SHAPES[3:], strict=False)
    return {**WAYS, **{way: (colour, shape) for way, colour, shape in spare}}


def _groups(rows: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    return [(str(name), own) for name, own in rows.groupby("variable", sort=False)]


def _of_model(
    model: str,
    own: pd.DataFrame,
    looks: Mapping[str, tuple[str, str]],
    places: int,
    labels: Mapping[str, str],
) -> Line:
    by_way = {row.level: row for row in own.itertuples() if not pd.isna(row.level)}
    dots = tuple(_dot(row, *looks[way.partition(": ")[0]]) for way, row in by_way.items())
    apparent = by_way.get(APPARENT)
    main = by_way.get(CORRECTED) or next((row for way, row in by_way.items() if way != APPARENT), None)
    first = "–" if apparent is None else with_interval(apparent.estimate, np.nan, np.nan, places)
    if main is None:
        second = words.NOT_ESTIMABLE if (own["status"] == results.NOT_ESTIMABLE).any() else "–"
    else:
        second = with_interval(main.estimate, main.lower, main.upper, places)
    return Line(words.heading(model, labels), dots, (first, second))


def _dot(row: Any, colour: str, shape: str) -> Dot:
    interval = (row.lower, row.upper) if row.level != APPARENT else (np.nan, np.nan)
    return Dot(row.estimate, *interval, colour, shape)


def _span(rows: pd.DataFrame, reference: float | None, factor: float = 1.0) -> Span:
    """Where estimates, their reference and most intervals fit; what lies far beyond is an arrow."""
    estimates = rows["estimate"].dropna().to_numpy()
    anchors = [*estimates, *([] if reference is None else [reference])]
    low, high = min(anchors, default=0.0), max(anchors, default=1.0)
    ends = rows[["lower", "upper"]].to_numpy(dtype=float).ravel()
    ends = ends[np.isfinite(ends)]
    apart = np.abs(ends[:, None] - estimates[None, :])
    room = max(1.5 * float(np.median(apart)) if apart.size else 0.0, 0.75 * (high - low)) or 1.0
    return Span.holding([*anchors, *np.clip(ends, low - room, high + room)], factor)


def _notes(
    source: pd.DataFrame, labels: Mapping[str, str], place: Callable[[Any], str] | None = None
) -> list[str]:
    def where(row: Any) -> str:
        return f"{words.heading(str(row.variable), labels)}, {row.quantity}"

    return small_print(source, place or where)


# ---- added value


VERDICT = "added value"
#: What is asked of the added value: heading, what no difference is, decimals, factor of the axis.
DIFFERENCES: Mapping[str, tuple[str, float, int, float]] = {
    "change in c statistic": ("Change in c statistic", 0.0, 3, 1.0),
    "change in explained variation": ("Change in explained variation", 0.0, 3, 1.0),
    "change in scaled Brier score": ("Change in scaled Brier score", 0.0, 3, 1.0),
    "change in net benefit": ("Change in net benefit", 0.0, 4, 1.0),
    "women who cross the threshold": ("Share of women whose risk crosses the threshold", 0.0, 3, 1.0),
}


def added_value_source(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of a results table that the figure shows: the differences of `DIFFERENCES`, and the test."""
    everyone = table[table["population"].isna() | is_value(table["population"], "all")]
    return _rows(everyone, [*DIFFERENCES, "test", VERDICT])


@style.publication()
def plot_added_value(
    source: pd.DataFrame,
    *,
    labels: Mapping[str, str],
    synthetic: str | None = None,
    alarms: Sequence[str] = (),
) -> Figure:
    """Draw what each model has above that of the history alone, apparent beside corrected.

    Args:
        source: as from `added_value_source`: variable the comparison, level how the number was had.
        labels: what models are called. alarms: what must be said beside these numbers.
    """
    differences = source[source["quantity"].isin(list(DIFFERENCES))]
    if not (differences["status"] == results.ESTIMATED).any():
        return nothing_to_show(_ADDED, words.distinct(source["reason"]), synthetic)
    ways = _ways(differences)
    looks = _looks(ways)
    shown = []
    differences, against = _short(differences)
    for quantity, (heading, none, places, factor) in DIFFERENCES.items():
        rows = differences[differences["quantity"] == quantity]
        if (rows["status"] == results.ESTIMATED).any():
            lines = tuple(_of_model(name, own, looks, places, labels) for name, own in _groups(rows))
            shown.append(Panel(heading, lines, _span(rows, none, factor), none))
    key = [(way[:1].upper() + way[1:], *looks[way]) for way in ways]
    notes = [
        "Right of the dashed line the model with immune tests is better, or changes what would be told. "
        f"{against}Differences are paired: of the same women in the same resamples."
    ]
    plain = source.assign(interval=source["interval"].str.removeprefix("paired; "))
    return panels(
        shown,
        columns=("Apparent", "Corrected (interval)"),
        key=key,
        lead=_verdicts(source, labels),
        notes=[*notes, *_notes(plain[~is_value(plain["quantity"], VERDICT)], labels), *alarms],
        synthetic=synthetic,
    )


def _short(rows: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Names without "v history", where all are against one model, and a sentence that says so."""
    against = words.distinct(rows["variable"].str.partition(" v ")[2])
    if len(against) != 1:
        return rows, ""
    short = rows["variable"].str.removesuffix(f" v {against[0]}")
    return rows.assign(variable=short), f"Against the model: {against[0]}. "


def _verdicts(source: pd.DataFrame, labels: Mapping[str, str]) -> list[str]:
    """What is declared of each comparison, and its tests."""
    lead = []
    for name, rows in _groups(source):
        verdict = rows[is_value(rows["quantity"], VERDICT) & (rows["status"] == results.ESTIMATED)]
        tests = rows[is_value(rows["quantity"], "test") & (rows["status"] == results.ESTIMATED)]
        said = [*verdict["level"], *(f"{row.test} {words.p_value(row.p)}" for row in tests.itertuples())]
        if said:
            lead.append(f"{words.heading(name, labels)}: {'; '.join(said)}")
    return lead


# ---- strata


def strata_source(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of a results table that the figure shows: the c statistic of each stratum."""
    return _rows(table, ["c statistic"])


@style.publication()
def plot_strata(
    source: pd.DataFrame,
    *,
    labels: Mapping[str, str],
    synthetic: str | None = None,
    alarms: Sequence[str] = (),
) -> Figure:
    """Draw the c statistic in each stratum, with the events and women of it.

    Args:
        source: as from `strata_source`: variable what the women were divided by, level the stratum.
        labels: what variables and strata are called. alarms: as for `plot_performance`.
    """
    if not (source["status"] == results.ESTIMATED).any():
        return nothing_to_show(_STRATA, words.distinct(source["reason"]), synthetic)
    scale = _span(source, 0.5)
    shown = []
    for name, rows in _groups(source):
        lines = tuple(
            Line(
                words.heading(str(row.level), labels),
                (Dot(row.estimate, row.lower, row.upper, style.BLUE, "o"),),
                (
                    words.counts(row.numerator, row.denominator),
                    with_interval(row.estimate, row.lower, row.upper),
                ),
            )
            for row in rows.itertuples()
        )
        shown.append(Panel(words.heading(name, labels), lines, scale, 0.5))
    notes = ["Dashed: 0.5, no discrimination. Strata of few women are hidden."]
    return panels(
        shown,
        columns=("Events/women", "c statistic (interval)"),
        notes=[*notes, *_notes(source.assign(counted=pd.NA), labels, _stratum), *alarms],
        synthetic=synthetic,
    )


def _stratum(row: Any) -> str:
    return f"{row.variable}, {row.level}"


# ---- blood panel


EFFECTS = ("standardised mean difference", "Hedges' g")


def blood_panel_source(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of a results table that the figure shows: each marker's effect size, beside its q-value."""
    return _rows(table, EFFECTS)


@style.publication()
def plot_blood_panel(
    source: pd.DataFrame,
    *,
    labels: Mapping[str, str],
    synthetic: str | None = None,
    alarms: Sequence[str] = (),
) -> Figure:
    """Draw how far women with and without losses are apart in each marker.

    Args:
        source: as from `blood_panel_source`.
        labels: what markers are called. alarms: as for `plot_performance`.
    """
    if not (source["status"] == results.ESTIMATED).any():
        return nothing_to_show(_PANEL, words.distinct(source["reason"]), synthetic)
    lines = tuple(
        Line(
            words.heading(str(row.variable), labels),
            (Dot(row.estimate, row.lower, row.upper, style.VERMILLION, "o"),),
            (
                with_interval(row.estimate, row.lower, row.upper),
                words.p_value(row.p).replace("p ", "q ") if not pd.isna(row.p) else "–",
            ),
        )
        for row in source.itertuples()
    )
    panel = Panel("", lines, _span(source, 0.0), 0.0, "Higher in women with losses to the right (SDs)")
    notes = ["q: false discovery rate over the markers (Benjamini-Hochberg). A difference is no diagnosis."]
    return panels(
        [panel],
        columns=("Difference (interval)", "FDR"),
        notes=[*notes, *_notes(source.assign(counted=pd.NA), labels), *alarms],
        synthetic=synthetic,
    )
