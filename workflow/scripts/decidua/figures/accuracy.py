"""How well does each marker tell cases from controls, over all cut-offs and at the published one?"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter

from decidua import results, style, words
from decidua.figures.forest import Mark, Row, Scale, Section, forest
from decidua.figures.page import MARGIN, Page, is_value, marker, nothing_to_show, small_print
from decidua.style import MUTED, PAPER, SMALL

AUC, CUTOFF, SENSITIVITY, SPECIFICITY = "AUC", "cut-off", "sensitivity", "specificity"
BOTH, PUBLISHED, YOUDEN, CALL = "cases v controls", "published cut-off", "Youden cut-off", "call"
CURVE = "curve"
#: Colour and shape of each measure, and of each cut-off.
MEASURES = {AUC: (style.INK, "D"), SENSITIVITY: (style.VERMILLION, "o"), SPECIFICITY: (style.BLUE, "s")}
POINTS = {PUBLISHED: (style.VERMILLION, "o"), YOUDEN: (PAPER, "s")}
_ROC, _FOREST = "ROC curves of the markers", "Accuracy of the markers"
_GUTTER, _GAP = 22.0, 15.0


def markers_roc_source(curves: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """The curve of each measured column, its area, and where its cut-offs lie on it.

    Args:
        curves: columns variable, fpr, tpr.
        table: results table with the analysis "accuracy".

    Returns:
        variable, part (curve, published cut-off, Youden cut-off), fpr, tpr; of a cut-off also its value; in
        the first row of a curve the AUC's estimate, lower, upper, interval, numerator (cases), denominator.
        Where there is no curve, one row with the reason.
    """
    areas = table[is_value(table["quantity"], AUC)]
    parts = [
        _of_column(variable, curves[curves["variable"] == variable], table)
        for variable in words.distinct(curves["variable"])
    ]
    failed = areas[~areas["variable"].isin(curves["variable"])]
    failed = failed[is_value(failed["status"], results.NOT_ESTIMABLE)]
    parts.append(failed[["variable", "reason"]].assign(part=CURVE))
    columns = ["variable", "part", "fpr", "tpr", "value", "estimate", "lower", "upper", "interval"]
    columns += ["numerator", "denominator", "reason"]
    found = pd.concat([part.reindex(columns=columns) for part in parts if len(part)] or [pd.DataFrame()])
    text = {name: "string" for name in ("variable", "part", "interval", "reason")}
    numbers = {name: "float64" for name in columns if name not in text}
    return found.reindex(columns=columns).astype(text | numbers).reset_index(drop=True)


def _of_column(variable: str, curve: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    own = table[is_value(table["variable"], variable)]
    area = own[is_value(own["quantity"], AUC) & is_value(own["level"], BOTH)].head(1)
    rows = curve.assign(part=CURVE).reset_index(drop=True)
    for column in ("estimate", "lower", "upper", "interval", "numerator", "denominator", "reason"):
        rows.loc[rows.index[:1], column] = area[column].iloc[0]
    points = []
    for level in POINTS:
        at = own[is_value(own["level"], level) & is_value(own["status"], results.ESTIMATED)]
        found = at.drop_duplicates("quantity").set_index("quantity")["estimate"]
        if {SENSITIVITY, SPECIFICITY, CUTOFF} <= set(found.index):
            place = {"variable": variable, "part": level, "value": found[CUTOFF]}
            points.append({**place, "fpr": 1 - found[SPECIFICITY], "tpr": found[SENSITIVITY]})
    return pd.concat([rows, pd.DataFrame(points)], ignore_index=True)


@style.publication()
def plot_markers_roc(
    source: pd.DataFrame, *, labels: Mapping[str, str], synthetic: str | None = None
) -> Figure:
    """Draw a small ROC curve for each marker, with the published cut-off and the Youden one.

    Args:
        source: as from `markers_roc_source`.
        labels: what the columns are called.
        synthetic: the mark of data that are no patients'.
    """
    drawn = source.dropna(subset=["fpr"])
    if drawn.empty:
        return nothing_to_show(_ROC, words.distinct(source["reason"]), synthetic)
    page = Page()
    names = words.distinct(drawn["variable"])
    abreast = min(len(names), 2 if len(names) <= 4 else 3)
    shown = [level for level in POINTS if is_value(drawn["part"], level).any()]
    y = MARGIN + page.legend(MARGIN, [(words.heading(level, labels), *POINTS[level]) for level in shown]) + 3
    width = (page.inner - _GUTTER - _GAP * (abreast - 1) - 6) / abreast
    if len(names) == 1:
        width *= 0.75
    for start in range(0, len(names), abreast):
        y = _draw_line(page, y, names[start : start + abreast], width, drawn, labels)
    return page.finish(y + page.notes(y, _roc_notes(source, labels)) + MARGIN, synthetic)


def _draw_line(
    page: Page, y: float, names: Sequence[str], width: float, source: pd.DataFrame, labels: Mapping[str, str]
) -> float:
    """Panels side by side, each below its name and area; returns where the next line begins."""
    titles = [style.wrap(words.heading(name, labels), width, weight="bold") for name in names]
    head = style.text_height(max(map(len, titles))) + 2 * style.text_height(1, SMALL) + 4
    for place, (name, title) in enumerate(zip(names, titles, strict=True)):
        rows = source[source["variable"] == name]
        x = MARGIN + _GUTTER + place * (width + _GAP)
        under = y + page.text(x, y, title, weight="bold")
        page.text(x, under, _area(rows), size=SMALL, colour=MUTED)
        axes = page.axes(x, y + head, width, width, xlim=(0, 1), ylim=(0, 1))
        _draw_panel(axes, rows, first=place == 0)
    middle = MARGIN + _GUTTER + (len(names) * (width + _GAP) - _GAP) / 2
    page.upright(MARGIN + 4, y + head + width / 2, ["Sensitivity (%)"], va="center", ha="center", size=SMALL)
    bottom = y + head + width + style.text_height(1) + 4
    return bottom + page.text(middle, bottom, "1 − specificity (%)", size=SMALL, ha="center") + _GAP


def _area(rows: pd.DataFrame) -> list[str]:
    """AUC and its interval, and how many cases and controls."""
    first = next(rows.itertuples())
    shown = f"{words.decimals(first.estimate, 2)} {words.interval(first.lower, first.upper, 2)}".rstrip()
    return [f"AUC {shown}", f"{first.numerator:.0f} v {first.denominator - first.numerator:.0f} women"]


def _draw_panel(axes: Axes, rows: pd.DataFrame, first: bool) -> None:
    curve = rows[is_value(rows["part"], CURVE)]
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.6, linestyle=(0, (3, 2)), label="reference")
    axes.plot(curve["fpr"], curve["tpr"], color=style.INK, linewidth=1.0, label="curve", clip_on=False)
    for level, look in POINTS.items():
        for point in rows[is_value(rows["part"], level)].itertuples():
            # The open square is wider and lies below: both are seen where they are one point.
            size = {"markersize": 7.0, "zorder": 2.5} if level == YOUDEN else {}
            axes.plot([point.fpr], [point.tpr], **{**marker(*look), **size}, label="estimate")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(FixedLocator([0, 0.5, 1]))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value * 100:.3g}"))
    axes.tick_params(labelsize=SMALL, labelleft=first)


def _roc_notes(source: pd.DataFrame, labels: Mapping[str, str]) -> list[str]:
    notes = ["Dashed: no discrimination. Women: cases v controls with a known value."]
    notes += [f"Interval of the AUC: {method}." for method in words.distinct(source["interval"])]
    chosen = is_value(source["part"], YOUDEN).any()
    notes += ["The Youden cut-off was chosen on these women, so its point is too good."] if chosen else []
    for row in source[source["reason"].notna()].itertuples():
        where = "" if pd.isna(row.variable) else f" ({words.heading(row.variable, labels)})"
        notes.append(f"{'Not estimable' if np.isnan(row.fpr) else 'Caution'}{where}: {row.reason}.")
    return notes


def markers_accuracy_source(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of a results table that the forest shows: AUC, and accuracy at the panel's cut-off or call."""
    rows = table[is_value(table["analysis"], "accuracy") & table["quantity"].isin(list(MEASURES))]
    kept = rows["level"].isin([BOTH, PUBLISHED, CALL]) | rows["level"].isna()
    return rows[kept].reset_index(drop=True)


@style.publication()
def plot_markers_accuracy(
    source: pd.DataFrame, *, labels: Mapping[str, str], synthetic: str | None = None
) -> Figure:
    """Draw AUC, sensitivity and specificity of each marker and call with their intervals and counts.

    Args:
        source: as from `markers_accuracy_source`.
        labels: what columns and markers are called.
        synthetic: the mark of data that are no patients'.
    """
    if not (source["status"] == results.ESTIMATED).any():
        return nothing_to_show(_FOREST, words.distinct(source["reason"]), synthetic)
    key = [(name[:1].upper() + name[1:], *look) for name, look in MEASURES.items()]
    rows = tuple(
        Row(words.heading(variable, labels), tuple(_mark(row) for row in own.itertuples()))
        for variable, own in source.groupby("variable", sort=False)
    )
    return forest(
        [Section("", rows)],
        Scale("Estimate", 1.0, 0.25),
        columns=("n/N", "Estimate (interval)"),
        key=key,
        reference=0.5,
        notes=[
            "Dashed: an AUC of no discrimination. Sensitivity and specificity at the panel's cut-off, or of "
            "the call. n/N of the AUC: cases of all.",
            "Counted: cases and controls with a known value; how many lack it is in the source data.",
            *small_print(
                source.assign(counted=pd.NA),
                lambda row: f"{words.heading(row.variable, labels)}, {row.quantity}",
            ),
        ],
        synthetic=synthetic,
    )


def _mark(row) -> Mark:
    shown = ""
    if row.status == results.ESTIMATED:
        shown = f"{words.decimals(row.estimate, 2)} {words.interval(row.lower, row.upper, 2)}".rstrip()
    cells = (words.counts(row.numerator, row.denominator), shown)
    return Mark(row.estimate, row.lower, row.upper, cells, *MEASURES[row.quantity])
