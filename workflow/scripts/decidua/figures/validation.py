"""Does a frozen model tell cases from controls in new samples, and are its probabilities right there?"""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter

from decidua import results, style, words
from decidua.figures.page import MARGIN, Page, is_value, nothing_to_show
from decidua.figures.reliability import COUNT, CURVE, INTERCEPT, POINT, SLOPE, draw_counts
from decidua.style import INK, MUTED, SMALL

AUC, ROC = "AUC", "ROC curve"
FOUND = ("genes of the model found", "weight of the model found", "size factor genes found")
_NUMBERS = (AUC, INTERCEPT, SLOPE, *FOUND)
_TITLE = "Validation in new samples"
_GUTTER, _GAP = 24.0, 12.0
_DASHED = {"color": MUTED, "linewidth": 0.8, "linestyle": (0, (3, 2)), "label": "reference"}
_TEXTS = ("shown", "interval", "counted", "status", "reason")
_COLUMNS = ("shown", "fpr", "tpr", "predicted", "observed", "estimate", "lower", "upper", "numerator")
_COLUMNS += ("denominator", "samples", "cases", "controls", *_TEXTS[1:])


def validation_source(
    roc: pd.DataFrame, calibration: pd.DataFrame, validation: pd.DataFrame, coverage: pd.DataFrame
) -> pd.DataFrame:
    """What the figure shows: the curves, and the rows of the numbers beside them.

    Args:
        roc, calibration: as from `decidua.learning.validation.curves`.
        validation, coverage: results tables of the same prediction.
    """
    rows = pd.concat([validation, coverage])
    rows = rows[rows["quantity"].isin(list(_NUMBERS))].rename(columns={"quantity": "shown"})
    types = {name: "string" if name in _TEXTS else "float64" for name in _COLUMNS}
    parts = [roc.assign(shown=ROC), calibration, rows]
    columns = list(_COLUMNS)
    return pd.concat([part.reindex(columns=columns).astype(types) for part in parts], ignore_index=True)


@style.publication()
def plot_validation(
    source: pd.DataFrame, *, labels: Mapping[str, str], synthetic: str | None = None
) -> Figure:
    """Draw the ROC curve beside the calibration, above how many samples have which prediction.

    Args:
        source: as from `validation_source`.
        labels: what the two classes, and the samples, are called.
        synthetic: the marks of the study that the model is of.
    """
    points = source[is_value(source["shown"], POINT)]
    if points.empty:
        failed = source[is_value(source["status"], results.NOT_ESTIMABLE)]
        return nothing_to_show(_TITLE, words.distinct(failed["reason"]), synthetic)
    page = Page()
    y = MARGIN
    for line in _headlines(source):
        y += page.text(MARGIN, y, line, weight="bold", width=page.inner)
    for counted in words.distinct(source.loc[is_value(source["shown"], AUC), "counted"]):
        y += page.text(MARGIN, y, f"{counted}.", width=page.inner)
    y += 5
    side = (page.inner - 2 * _GUTTER - _GAP - 6) / 2
    left, right = MARGIN + _GUTTER, MARGIN + 2 * _GUTTER + side + _GAP
    under = y + page.text(left, y, "Discrimination", weight="bold")
    page.text(right, y, "Calibration", weight="bold")
    axes = _square(page, left, under + 3, side, ("1 − specificity (%)", "Sensitivity (%)"))
    curve = source[is_value(source["shown"], ROC)]
    axes.plot(curve["fpr"], curve["tpr"], color=style.BLUE, linewidth=1.5, label="curve", clip_on=False)
    axes = _square(page, right, under + 3, side, ("Predicted (%)", "Observed (%)"))
    _draw_calibration(axes, points, source[is_value(source["shown"], CURVE)])
    y = under + 3 + side + style.text_height(2) + 12
    y = draw_counts(page, y, source[is_value(source["shown"], COUNT)], labels)
    notes = _notes(source, len(curve) > 0, words.name("samples", labels))
    return page.finish(y + page.notes(y, notes) + MARGIN, synthetic)


def _headlines(source: pd.DataFrame) -> list[str]:
    """AUC, intercept and slope with their intervals; what cannot be had is among the notes."""
    lines = []
    for name, places in ((AUC, 3), (INTERCEPT, 2), (SLOPE, 2)):
        for row in source[is_value(source["shown"], name)].itertuples():
            said = "not estimable"
            if row.status == results.ESTIMATED:
                value, lower, upper = (
                    words.decimals(number, places).replace("-", "\N{MINUS SIGN}")
                    for number in (row.estimate, row.lower, row.upper)
                )
                said = f"{value} ({lower} to {upper})"
            lines.append(f"{name[:1].upper()}{name[1:]} {said}")
    return lines


def _square(page: Page, x: float, y: float, side: float, called: tuple[str, str]) -> Axes:
    axes = page.axes(x, y, side, side, xlim=(0, 1), ylim=(0, 1))
    axes.plot([0, 1], [0, 1], **_DASHED)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(FixedLocator([0, 0.5, 1]))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value * 100:.3g}"))
    axes.tick_params(labelsize=SMALL)
    axes.set_xlabel(called[0], fontsize=SMALL, labelpad=2)
    axes.set_ylabel(called[1], fontsize=SMALL, labelpad=1)
    return axes


def _draw_calibration(axes: Axes, points: pd.DataFrame, curve: pd.DataFrame) -> None:
    band = {"color": style.SKY, "alpha": 0.35, "linewidth": 0, "zorder": 1, "label": "band"}
    axes.fill_between(curve["predicted"], curve["lower"], curve["upper"], **band)
    axes.plot(curve["predicted"], curve["observed"], color=style.BLUE, linewidth=1.5, label="curve", zorder=2)
    ends = points["predicted"], points["lower"], points["upper"]
    axes.vlines(*ends, color=INK, linewidth=0.8, zorder=3, clip_on=False)
    dots = {"color": INK, "marker": "o", "linestyle": "none", "markersize": 3.5, "zorder": 4}
    axes.plot(points["predicted"], points["observed"], **dots, clip_on=False, label="group")


def _notes(source: pd.DataFrame, with_roc: bool, samples: str) -> list[str]:
    recalibrated = is_value(source["shown"], CURVE).any()
    line = "blue: the recalibrated model, with its band; " if recalibrated else ""
    notes = [
        f"Dashed: {'no discrimination (left), ' if with_roc else ''}perfect calibration (right)."
        f" Dots: {samples} of similar prediction, with Wilson intervals; {line}the model was not changed."
    ]
    found = {row.shown: row for row in source[source["shown"].isin(list(FOUND))].itertuples()}
    if FOUND[0] in found:
        genes = found[FOUND[0]]
        said = [f"{genes.numerator:.0f} of {genes.denominator:.0f} genes of the model found"]
        said += [
            f"{words.percent(found[name].estimate)} of {what}"
            for name, what in zip(FOUND[1:], ("its weight", "its size factor genes"), strict=True)
            if name in found
        ]
        notes.append(f"Coverage: {', '.join(said)}.")
    measured = source[source["shown"].isin([AUC, INTERCEPT, SLOPE])]
    for row in measured[measured["interval"].notna()].itertuples():
        notes.append(f"Interval of the {row.shown}: {row.interval}.")
    for row in measured[is_value(measured["status"], results.NOT_ESTIMABLE)].itertuples():
        notes.append(f"Not estimable ({row.shown}): {row.reason}.")
    return notes
