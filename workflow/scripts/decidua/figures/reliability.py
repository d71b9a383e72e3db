"""How pure are the samples called first, do probabilities mean what they say, how much hangs on the folds?"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from decidua import results, style, words
from decidua.figures.page import MARGIN, Page, nothing_to_show
from decidua.style import INK, MUTED

CLASSES = ("case", "control")
MEAN = "mean"
OF_ONE = " of one repeat"
SLOPE, INTERCEPT = "calibration slope", "calibration intercept"
POINT, CURVE, COUNT = "group of samples", "logistic curve", "number of predictions"
GREY = "#A8A8A8"
_GUTTER, _GAP, _FOOT = 36.0, 14.0, 30.0
_LINE = 18.0
_DASHED = {"color": MUTED, "linewidth": 0.8, "linestyle": (0, (3, 2))}
_BAND = {"color": style.SKY, "alpha": 0.35, "linewidth": 0, "zorder": 1, "label": "band"}


def precision_recall_source(curves: pd.DataFrame, performance: pd.DataFrame) -> pd.DataFrame:
    """The curves as they are; with each class's mean curve its average precision and a random order's.

    Args:
        curves: columns positive, repeat (a number, or "mean"), recall, precision, lower, upper, chance.
        performance: results table of the same model.

    Returns:
        The columns of `curves`; in the mean's rows also average_precision, ap_lower, ap_upper, random_order.
    """
    source = curves.assign(positive=curves["positive"].astype("string"), repeat=curves["repeat"].astype(str))
    columns = {"average_precision": "estimate", "ap_lower": "lower", "ap_upper": "upper"}
    for column in (*columns, "random_order"):
        source[column] = np.nan
    for kind in CLASSES:
        mean = (source["repeat"] == MEAN) & (source["positive"] == kind)
        row = performance[performance["quantity"] == f"average precision of {kind}s within folds"]
        random = performance[performance["quantity"] == f"average precision of {kind}s in a random order"]
        for column, value in columns.items():
            source.loc[mean, column] = row[value].iloc[0] if len(row) else np.nan
        source.loc[mean, "random_order"] = random["estimate"].iloc[0] if len(random) else np.nan
    source["reason"] = pd.array([_caution(performance)] * len(source), dtype="string")
    return source


def _caution(performance: pd.DataFrame) -> str | None:
    """What every estimated row of the table is to be read with."""
    estimated = performance[performance["status"] == results.ESTIMATED]
    reasons = words.distinct(estimated["reason"])
    return reasons[0] if reasons else None


@style.publication()
def plot_precision_recall(
    source: pd.DataFrame, *, labels: Mapping[str, str], synthetic: str | None = None
) -> Figure:
    """Draw precision against recall, a panel a class.

    Args:
        source: as from `precision_recall_source`.
        labels: what the two classes are called.
        synthetic: the mark of data that are no patients'.
    """
    if source.empty:
        return nothing_to_show("Precision and recall", ["no outer fold tests both classes"], synthetic)
    page = Page()
    y = MARGIN
    for kind in [kind for kind in CLASSES if (source["positive"] == kind).any()]:
        curves = source[source["positive"] == kind]
        mean = curves[curves["repeat"] == MEAN]
        name = words.heading(kind, labels)
        y += page.text(MARGIN, y, f"Looking for: {name}", weight="bold", width=page.inner) + 1
        for row in mean.head(1).itertuples():
            if not np.isnan(row.average_precision):
                shown = f"Average precision {words.decimals(row.average_precision, 3)}"
                shown = f"{shown} {words.interval(row.ap_lower, row.ap_upper)}".rstrip()
                shown += f"; {words.decimals(row.random_order, 3)} in a random order"
                y += page.text(MARGIN, y, shown, width=page.inner) + 1
        left = MARGIN + _GUTTER
        axes = page.axes(left, y + 4, page.width - MARGIN - left - 6, 104)
        _unit_square(axes, "Recall (%)", "Precision (%)")
        for _, curve in curves[curves["repeat"] != MEAN].groupby("repeat", sort=False):
            axes.plot(
                curve["recall"], curve["precision"], color=GREY, linewidth=0.6, label="repeat", clip_on=False
            )
        axes.axhline(
            curves["chance"].iloc[0], color=MUTED, linewidth=0.8, linestyle=(0, (3, 2)), label="chance"
        )
        if len(mean):
            if mean["lower"].notna().all():
                axes.fill_between(mean["recall"], mean["lower"], mean["upper"], **_BAND)
            axes.plot(
                mean["recall"],
                mean["precision"],
                color=style.BLUE,
                linewidth=1.5,
                label=MEAN,
                clip_on=False,
                zorder=3,
            )
        y += 4 + 104 + _FOOT + 6
    notes = [
        "Blue: mean of the folds' curves; band: its interval; grey: repeats; dashed: share of the class."
    ]
    notes += [f"Caution: {text}." for text in words.distinct(source["reason"])]
    return page.finish(y + page.notes(y, notes) + MARGIN, synthetic)


def _unit_square(axes: Axes, x: str, y: str) -> None:
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    for axis, called in ((axes.xaxis, x), (axes.yaxis, y)):
        axis.set_major_locator(FixedLocator(np.arange(6) / 5))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value * 100:.3g}"))
        axis.set_label_text(called)


def calibration_source(table: pd.DataFrame, performance: pd.DataFrame) -> pd.DataFrame:
    """What the calibration figure shows, and the rows of its numbers.

    Args:
        table: columns shown, predicted, observed, lower, upper, samples, cases, controls.
        performance: results table of the same model.

    Returns:
        The columns of `table` and interval, status, reason; below it a row for the calibration intercept and
        one for the slope, whose `observed` is the estimate.
    """
    rows = performance[performance["quantity"].isin([INTERCEPT, SLOPE])]
    rows = rows.rename(columns={"quantity": "shown", "estimate": "observed"})
    extra = ["interval", "status", "reason"]
    below = rows.reindex(columns=[*table.columns, *extra])
    types = {name: "float64" for name in table.columns if name != "shown"}
    types |= dict.fromkeys(["shown", *extra], "string")
    above = table.reindex(columns=[*table.columns, *extra])
    return pd.concat([above.astype(types), below.astype(types)], ignore_index=True)


@style.publication()
def plot_calibration(
    source: pd.DataFrame, *, labels: Mapping[str, str], synthetic: str | None = None
) -> Figure:
    """Draw the share of cases against the predicted probability, above how many samples have which.

    Args:
        source: as from `calibration_source`.
        labels: what the two classes are called.
        synthetic: the mark of data that are no patients'.
    """
    points = source[source["shown"] == POINT]
    if points.empty:
        return nothing_to_show("Calibration", ["no held-out predictions"], synthetic)
    page = Page()
    y = MARGIN
    for row in source[source["shown"].isin([INTERCEPT, SLOPE])].itertuples():
        said = "not estimable"
        if row.status == results.ESTIMATED:
            value, lower, upper = (_signed(number) for number in (row.observed, row.lower, row.upper))
            said = f"{value} ({lower} to {upper})"
        y += page.text(
            MARGIN, y, f"{words.heading(row.shown, labels)} {said}", weight="bold", width=page.inner
        )
    of = words.name("case", labels)
    y += page.text(MARGIN, y, f"Share of {of} against its predicted probability", width=page.inner)
    left = MARGIN + _GUTTER
    side = page.width - MARGIN - left - 6
    axes = page.axes(left, y + 5, side, side)
    _unit_square(axes, "", "Observed (%)")
    axes.tick_params(labelbottom=False)
    axes.plot([0, 1], [0, 1], **_DASHED, label="reference")
    curve = source[source["shown"] == CURVE]
    axes.fill_between(curve["predicted"], curve["lower"], curve["upper"], **_BAND)
    axes.plot(curve["predicted"], curve["observed"], color=style.BLUE, linewidth=1.5, label="curve", zorder=2)
    ends = points["predicted"], points["lower"], points["upper"]
    axes.vlines(*ends, color=INK, linewidth=0.8, zorder=3, clip_on=False)
    dots = {"color": INK, "marker": "o", "linestyle": "none", "markersize": 3.5, "zorder": 4}
    axes.plot(points["predicted"], points["observed"], **dots, clip_on=False, label="group")
    y += 5 + side + _GAP
    y = draw_counts(page, y, source[source["shown"] == COUNT], labels)
    return page.finish(y + page.notes(y, _calibration_notes(source, curve)) + MARGIN, synthetic)


def _signed(number: float) -> str:
    return words.decimals(number, 2).replace("-", "\N{MINUS SIGN}")


def draw_counts(page: Page, y: float, counts: pd.DataFrame, labels: Mapping[str, str]) -> float:
    """How many samples have which prediction: cases upwards, controls downwards; returns where it ends."""
    key = [(words.heading(kind, labels), style.SERIES[i], "s") for i, kind in enumerate(CLASSES)]
    y += page.legend(y, key) + 4
    left = MARGIN + _GUTTER
    axes = page.axes(left, y, page.width - MARGIN - left - 6, 60)
    axes.set_xlim(0, 1)
    largest = max(1.0, counts["cases"].max(), counts["controls"].max())
    axes.set_ylim(-1.1 * largest, 1.1 * largest)
    wide = counts["upper"] - counts["lower"]
    for column, sign, colour in (("cases", 1, style.SERIES[0]), ("controls", -1, style.SERIES[1])):
        axes.bar(counts["lower"], sign * counts[column], wide, align="edge", color=colour, label=column)
    axes.axhline(0, color=INK, linewidth=0.6)
    axes.xaxis.set_major_locator(FixedLocator(np.arange(6) / 5))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value * 100:.3g}"))
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{abs(value):.4g}"))
    axes.set_xlabel("Predicted (%)")
    axes.set_ylabel(words.heading("samples", labels))
    return y + 60 + _FOOT


def _calibration_notes(source: pd.DataFrame, curve: pd.DataFrame) -> list[str]:
    drawn = (
        "blue: logistic regression of the class on the predicted logit, with its band; " if len(curve) else ""
    )
    notes = [
        "Dots: samples of similar prediction, averaged over repeats, with Wilson intervals; "
        f"{drawn}dashed: perfect calibration (intercept 0, slope 1)."
    ]
    notes += [f"Intervals of intercept and slope: {method}." for method in words.distinct(source["interval"])]
    failed = source["status"] == results.NOT_ESTIMABLE
    for row in source[failed.fillna(False).astype(bool)].itertuples():
        notes.append(f"Not estimable ({row.shown}): {row.reason}.")
    return notes + [
        f"Caution: {text}." for text in words.distinct(source.loc[~failed.fillna(False), "reason"])
    ]


def repeats_source(performance: pd.DataFrame) -> pd.DataFrame:
    """The rows of single repeats, and those of their means (without a level)."""
    single = performance["quantity"].str.endswith(OF_ONE).fillna(False).astype(bool)
    quantities = words.distinct(performance.loc[single, "quantity"].str.removesuffix(OF_ONE))
    rows = performance[single | performance["quantity"].isin(quantities)]
    order = rows["quantity"].str.removesuffix(OF_ONE).map({name: i for i, name in enumerate(quantities)})
    return rows.loc[order.sort_values(kind="stable").index].reset_index(drop=True)


@style.publication()
def plot_repeats(source: pd.DataFrame, *, labels: Mapping[str, str], synthetic: str | None = None) -> Figure:
    """Draw each measure of each repeat as a dot, and the mean as a line.

    Args:
        source: as from `repeats_source`.
        labels: what measures are called.
        synthetic: the mark of data that are no patients'.
    """
    single = source[source["quantity"].str.endswith(OF_ONE).fillna(False).astype(bool)]
    if single.empty:
        return nothing_to_show("Repeats", words.distinct(source["reason"]), synthetic)
    page = Page()
    names = words.distinct(single["quantity"].str.removesuffix(OF_ONE))
    column = 0.36 * page.inner
    lines = [style.wrap(words.heading(name, labels), column) for name in names]
    heights = [max(_LINE, style.text_height(len(wrapped)) + 6) for wrapped in lines]
    left = MARGIN + column + 8
    wide = page.width - MARGIN - 8 - left
    axes = page.axes(left, MARGIN, wide, sum(heights), ylim=(MARGIN + sum(heights), MARGIN))
    low = min(0.0, float(np.floor(single["estimate"].min() * 5) / 5))
    axes.set_xlim(low, 1)
    y = MARGIN
    for name, wrapped, height in zip(names, lines, heights, strict=True):
        middle = y + height / 2
        page.text(MARGIN, middle - style.text_height(len(wrapped)) / 2, wrapped)
        values = single.loc[single["quantity"] == name + OF_ONE, "estimate"]
        axes.vlines(values.mean(), middle - 6, middle + 6, color=style.BLUE, linewidth=1.5, label="mean")
        axes.plot(
            values, np.full(len(values), middle), "o", color=INK, markersize=3, alpha=0.55, label="repeat"
        )
        y += height
    axes.xaxis.set_major_locator(FixedLocator(np.arange(round(low * 5), 6) / 5))
    axes.tick_params(axis="y", length=0, labelleft=False)
    axes.grid(axis="x")
    axes.set_xlabel("Estimate", labelpad=3)
    y += _FOOT
    repeats = single["level"].nunique()
    notes = [
        f"Dots: {repeats} repeat{'s' if repeats > 1 else ''} of the cross-validation, of the same samples in"
        " other folds; blue: their mean. They show how much hangs on the folds, not how sure the mean is."
    ]
    notes += [f"Caution: {text}." for text in words.distinct(single["reason"])]
    return page.finish(y + page.notes(y, notes) + MARGIN, synthetic)
