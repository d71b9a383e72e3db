"""Are the libraries sound, do samples separate by label, and how well does a classifier tell them apart?"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from decidua import results, style, words
from decidua.figures.forest import Mark, Row, Scale, Section, forest
from decidua.figures.page import MARGIN, Page, marker, nothing_to_show, series_style, small_print
from decidua.style import MUTED, PAPER, SMALL

ROC_COLUMNS = ["repeat", "fpr", "tpr", "lower", "upper"]
MEAN, AUC, MAJORITY, UNKNOWN = "mean", "AUC within folds", "majority rate", "unknown"
#: Measures of a classifier in the order in which they are drawn.
QUANTITIES = (AUC, "accuracy", MAJORITY, "balanced accuracy", "sensitivity", "specificity")
#: What is drawn of the libraries.
AMOUNTS = {
    "library_size": "Reads assigned to genes",
    "detected_genes": "Detected genes",
    "median_correlation": "Median correlation to the other samples",
}
_GUTTER = 36.0
_RING = {"marker": "o", "markerfacecolor": "none", "markeredgecolor": style.INK, "linestyle": "none",
         "markersize": 6.0, "markeredgewidth": 0.7, "clip_on": False, "zorder": 4}  # fmt: skip
_PANEL_GAP = 6.0


def qc_source(quality: pd.DataFrame, samples: pd.DataFrame) -> pd.DataFrame:
    """Library size and detected genes by label, without names, sorted so that order tells nothing.

    Args:
        quality: a row a sample with the columns sample, library_size (reads) and detected_genes; of samples
            that were checked (`decidua.sample_checks`) also median_correlation and flags.
        samples: the sample sheet, with the columns sample and label.

    Returns:
        label ("unknown" where it is missing), library_size, detected_genes, and of checked samples
        median_correlation and flagged.
    """
    values = ["library_size", "detected_genes"]
    if "flags" in quality:
        quality = quality.assign(flagged=quality["flags"].notna())
        values += ["median_correlation", "flagged"]
    return _by_label(quality, samples, values)


def _by_label(table: pd.DataFrame, samples: pd.DataFrame, values: list[str]) -> pd.DataFrame:
    """Labels in the order of the sheet, unknown last; samples within a label by value."""
    label_of = dict(zip(samples["sample"], samples["label"], strict=True))
    labels = [UNKNOWN if pd.isna(label) else str(label) for label in map(label_of.get, table["sample"])]
    order = list(dict.fromkeys(str(label) for label in samples["label"].dropna()))
    places = [order.index(label) if label in order else len(order) for label in labels]
    rows = table[values].assign(label=pd.array(labels, dtype="string"), place=places)
    return rows.sort_values(["place", *values], kind="stable", ignore_index=True)[["label", *values]]


@style.publication()
def plot_qc(source: pd.DataFrame, *, labels: Mapping[str, str], synthetic: str | None = None) -> Figure:
    """Draw library size, detected genes and likeness to the others, a point a sample, a line a label.

    A ring marks a sample that was flagged.

    Args:
        source: as from `qc_source`.
        labels: what the labels of the samples are called.
        synthetic: the mark of data that are no patients'.
    """
    if source.empty:
        return nothing_to_show("Sequencing libraries", ["no sample"], synthetic)
    page = Page()
    y = MARGIN
    for values, called in AMOUNTS.items():
        if values in source and source[values].notna().any():
            y = _draw_amount(page, y, source, values, called, labels)
    if "flagged" in source:
        y += page.notes(y, [_flagged(source["flagged"])])
    return page.finish(y - _PANEL_GAP + MARGIN, synthetic)


def _flagged(flagged: pd.Series) -> str:
    number = int(flagged.sum())
    marked = f"Ring: {number} flagged of {len(flagged)} samples" if number else "No sample was flagged"
    return f"{marked}; quality_summary.csv says by which rule."


def _draw_amount(
    page: Page, y: float, source: pd.DataFrame, values: str, called: str, labels: Mapping[str, str]
) -> float:
    """One panel, a line a label with its name and number at the left; returns where the next begins."""
    groups = words.distinct(source["label"])
    column = min(
        max(style.text_width(words.heading(group, labels)) for group in groups) + 1, 0.34 * page.inner
    )
    lines = [style.wrap(words.heading(group, labels), column) for group in groups]
    heights = [max(style.text_height(len(wrapped) + 1) + 6, 28.0) for wrapped in lines]
    left = MARGIN + column + 8
    wide = page.width - MARGIN - 6 - left
    axes = page.axes(left, y, wide, sum(heights), ylim=(y + sum(heights), y))
    for group, wrapped, height in zip(groups, lines, heights, strict=True):
        rows = source[source["label"] == group]
        start = y + (height - style.text_height(len(wrapped) + 1)) / 2
        start += page.text(MARGIN, start, wrapped)
        page.text(MARGIN, start, f"n = {len(rows)}", size=SMALL, colour=MUTED)
        at = y + height / 2 + _spread(len(rows)) * (height - 8)
        axes.plot(rows[values], at, **_dots(group, groups, 3.0), label="sample")
        if "flagged" in rows:
            marked = rows["flagged"].to_numpy(dtype=bool)
            axes.plot(rows[values][marked], at[marked], **_RING, label="flagged")
        y += height
    if values == "median_correlation":
        _dress_share(axes, source[values].min(), called)
    else:
        _dress_amount(axes, source[values].max(), called)
    return y + 2 * style.text_height(1) + 8 + _PANEL_GAP


def _spread(points: int) -> np.ndarray:
    """Offsets between -0.5 and 0.5 that keep neighbours apart; the same for the same number of points."""
    golden = (5**0.5 - 1) / 2
    return (np.arange(1, points + 1) * golden) % 1 - 0.5


def _dots(group: str, groups: Sequence[str], size: float) -> dict:
    colour, shape = series_style(group, groups)
    return {**marker(colour, shape), "markersize": size, "markeredgewidth": 0.4}


def _dress_share(axes: Axes, least: float, called: str) -> None:
    """An axis of correlations, to 1 from where the smallest fits."""
    start = np.floor(10 * (least - 0.02)) / 10
    axes.set_xlim(start, 1.0)
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.tick_params(axis="y", length=0, labelleft=False)
    axes.grid(axis="x")
    axes.set_xlabel(called, labelpad=3)


def _dress_amount(axes: Axes, largest: float, called: str) -> None:
    """An axis from 0 in units, thousands or millions."""
    factor, unit = 1.0, ""
    if largest >= 1e6:
        factor, unit = 1e6, " (millions)"
    elif largest >= 1e3:
        factor, unit = 1e3, " (thousands)"
    axes.set_xlim(0, max(largest, 1.0) * 1.04)
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / factor:.4g}"))
    axes.tick_params(axis="y", length=0, labelleft=False)
    axes.grid(axis="x")
    axes.set_xlabel(called + unit, labelpad=3)


def pca_source(scores: pd.DataFrame, samples: pd.DataFrame, explained: pd.DataFrame) -> pd.DataFrame:
    """The first two principal components by label, without names, sorted so that order tells nothing.

    Args:
        scores: a row a sample with the columns sample, pc1, pc2 (missing when there are too few samples).
        samples: the sample sheet, with the columns sample and label.
        explained: columns component (pc1, pc2, ...) and share of the variance, a fraction of 1.

    Returns:
        label ("unknown" where it is missing), pc1, pc2, and explained_1, explained_2, the same in every row.
    """
    values = ["pc1", "pc2"]
    rows = _by_label(scores.reindex(columns=["sample", *values]), samples, values)
    share = dict(zip(explained["component"], explained["share"], strict=True))
    return rows.assign(explained_1=share.get("pc1", np.nan), explained_2=share.get("pc2", np.nan))


@style.publication()
def plot_pca(source: pd.DataFrame, *, labels: Mapping[str, str], synthetic: str | None = None) -> Figure:
    """Draw the first two principal components, a point a sample.

    Args:
        source: as from `pca_source`.
        labels: what the labels of the samples are called.
        synthetic: the mark of data that are no patients'.
    """
    if source["pc2"].isna().all():
        return nothing_to_show("Principal components", ["too few samples for two components"], synthetic)
    page = Page()
    groups = words.distinct(source["label"])
    y = MARGIN + page.legend(
        MARGIN, [(words.heading(group, labels), *series_style(group, groups)) for group in groups]
    )
    axes, bottom = _square(page, y + 4)
    for group in groups:
        rows = source[source["label"] == group]
        axes.plot(rows["pc1"], rows["pc2"], **_dots(group, groups, 3.6), label="sample")
    axes.margins(0.06)
    for axis, number in ((axes.xaxis, 1), (axes.yaxis, 2)):
        axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        share = source[f"explained_{number}"].iloc[0]
        explains = "" if pd.isna(share) else f" ({words.percent(share)} of variance)"
        axis.set_label_text(f"PC{number}{explains}")
    return page.finish(bottom, synthetic)


def _square(page: Page, y: float) -> tuple[Axes, float]:
    """Square axes with room for their numbers and names; and where the sheet ends."""
    left = MARGIN + _GUTTER
    side = page.width - MARGIN - left - 6
    return page.axes(left, y, side, side), y + side + 30


def roc_source(roc: pd.DataFrame, performance: pd.DataFrame) -> pd.DataFrame:
    """The curves as they are, and the area under them beside the mean curve.

    Args:
        roc: columns repeat (a number, or "mean"), fpr, tpr, lower, upper (the band of the mean, else blank).
        performance: results table of the same model; its row of "AUC within folds" is printed.

    Returns:
        The columns of `roc`; in the mean's rows also auc, auc_lower, auc_upper, interval, reason (a caution).
    """
    source = roc[ROC_COLUMNS].assign(repeat=roc["repeat"].astype(str))
    area = performance[performance["quantity"] == AUC]
    mean = source["repeat"] == MEAN
    for column, value in (("auc", "estimate"), ("auc_lower", "lower"), ("auc_upper", "upper")):
        source[column] = np.where(mean, area[value].iloc[0] if len(area) else np.nan, np.nan)
    for column in ("interval", "reason"):
        text = area[column].iloc[0] if len(area) else pd.NA
        source[column] = pd.array([text if is_mean else pd.NA for is_mean in mean], dtype="string")
    return source.reset_index(drop=True)


@style.publication()
def plot_roc(
    source: pd.DataFrame, *, labels: Mapping[str, str] | None = None, synthetic: str | None = None
) -> Figure:
    """Draw the mean ROC curve with its band over the curves of the repeats.

    Args:
        source: as from `roc_source`.
        labels: what the quantity "AUC within folds" is called.
        synthetic: the mark of data that are no patients'.
    """
    curves = source.dropna(subset=["fpr", "tpr"])
    if curves.empty:
        return nothing_to_show("ROC curve", ["no held-out predictions of both classes"], synthetic)
    page = Page()
    mean = curves[curves["repeat"] == MEAN]
    repeats = curves[curves["repeat"] != MEAN]
    area = source.dropna(subset=["auc"]).head(1)
    y = MARGIN
    for row in area.itertuples():
        shown = f"{words.name(AUC, labels or {})} {words.decimals(row.auc, 3)}"
        shown = f"{shown} {words.interval(row.auc_lower, row.auc_upper)}".rstrip()
        y += page.text(MARGIN + _GUTTER, y, shown, weight="bold") + 5
    axes, bottom = _square(page, y)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle=(0, (3, 2)), label="reference")
    for _, curve in repeats.groupby("repeat", sort=False):
        axes.plot(curve["fpr"], curve["tpr"], color="#A8A8A8", linewidth=0.6, label="repeat", clip_on=False)
    if mean[["lower", "upper"]].notna().all(axis=None) and len(mean):
        band = {"color": style.SKY, "alpha": 0.35, "linewidth": 0, "zorder": 1, "label": "band"}
        axes.fill_between(mean["fpr"], mean["lower"], mean["upper"], **band)
    axes.plot(
        mean["fpr"], mean["tpr"], color=style.BLUE, linewidth=1.5, label="mean", clip_on=False, zorder=3
    )
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(FixedLocator(np.arange(6) / 5))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value * 100:.3g}"))
    axes.set_xlabel("1 − specificity (%)")
    axes.set_ylabel("Sensitivity (%)")
    return page.finish(bottom + page.notes(bottom, _roc_notes(source, mean, repeats)) + MARGIN, synthetic)


def _roc_notes(source: pd.DataFrame, mean: pd.DataFrame, repeats: pd.DataFrame) -> list[str]:
    parts = []
    if len(mean):
        parts.append("blue: mean")
    if len(mean) and mean[["lower", "upper"]].notna().any(axis=None):
        parts.append("band: its interval")
    if len(repeats):
        parts.append(f"grey: {repeats['repeat'].nunique()} repeats")
    sentence = "; ".join([*parts, "dashed: no discrimination"])
    notes = [sentence[0].upper() + sentence[1:] + "."]
    notes += [f"Interval of the AUC: {method}." for method in words.distinct(source["interval"])]
    return notes + [f"Caution: {caution}." for caution in words.distinct(source["reason"])]


def performance_source(table: pd.DataFrame, quantities: Sequence[str] = QUANTITIES) -> pd.DataFrame:
    """The rows of a results table (analysis "classifier") that the performance figure shows, in order."""
    rows = table[(table["analysis"] == "classifier") & table["quantity"].isin(list(quantities))]
    order = rows["quantity"].map({quantity: place for place, quantity in enumerate(quantities)})
    return rows.loc[order.sort_values(kind="stable").index].reset_index(drop=True)


@style.publication()
def plot_performance(
    source: pd.DataFrame, *, labels: Mapping[str, str], synthetic: str | None = None
) -> Figure:
    """Draw each measure of the held-out predictions with its interval; accuracy beside the majority's rate.

    Args:
        source: as from `performance_source`.
        labels: what models and measures are called.
        synthetic: the mark of data that are no patients'.
    """
    if not (source["status"] == results.ESTIMATED).any():
        return nothing_to_show("Performance of the classifier", words.distinct(source["reason"]), synthetic)
    majority = source.loc[source["quantity"] == MAJORITY, "estimate"].dropna()
    dashed = ["Dashed: the rate of always answering with the larger class."] if len(majority) else []
    models = source.groupby("variable", sort=False, dropna=False)
    sections = [
        Section(
            words.heading(model, labels) if not pd.isna(model) else "",
            tuple(_measure(row, labels) for row in rows.itertuples()),
        )
        for model, rows in models
    ]
    return forest(
        sections,
        Scale("Estimate", 1.0, 0.2),
        columns=("Samples", "Estimate (interval)"),
        reference=majority.iloc[0] if len(majority) else None,
        notes=[*dashed, *small_print(source, lambda row: words.heading(row.quantity, labels))],
        synthetic=synthetic,
    )


def _measure(row, labels: Mapping[str, str]) -> Row:
    shown = ""
    if row.status == results.ESTIMATED:
        shown = f"{words.decimals(row.estimate, 3)} {words.interval(row.lower, row.upper)}".rstrip()
    colour, shape = (PAPER, "D") if row.quantity == MAJORITY else (style.BLUE, "o")
    mark = Mark(
        row.estimate,
        row.lower,
        row.upper,
        (words.counts(row.numerator, row.denominator), shown),
        colour,
        shape,
    )
    return Row(words.heading(row.quantity, labels), (mark,))
