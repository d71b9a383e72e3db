"""How high are the immune signatures in cases and controls?"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from decidua import results, style, words
from decidua.figures.page import MARGIN, Page, marker, nothing_to_show, series_style
from decidua.learning.performance import CASE
from decidua.style import MUTED, SMALL

DIFFERENCE, UNKNOWN = "difference of mean scores", "unknown"
_LINE = 15.0


def signature_source(scores: pd.DataFrame, samples: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """The scores by set and label, without names, sorted so that order tells nothing.

    Args:
        scores: sample and a column a set; samples: the sheet: sample, label.
        table: results table of the analysis "signatures".

    Returns:
        A row a set and sample: signature, label, score, and in each row what is printed of the set: genes
        measured and asked, correlation, difference, lower, upper, adjusted p, and the reason where there is
        no score (one row, without a score).
    """
    label_of = dict(zip(samples["sample"], samples["label"], strict=True))
    order = {label: place for place, label in enumerate(dict.fromkeys(samples["label"].dropna()))}
    parts = []
    for name in words.distinct(table["variable"]):
        own = table[table["variable"] == name]
        part = pd.DataFrame({"label": [pd.NA], "score": [np.nan]})
        if name in scores:
            labels = [label_of.get(sample) for sample in scores["sample"]]
            part = pd.DataFrame(
                {"label": [UNKNOWN if pd.isna(each) else each for each in labels], "score": scores[name]}
            )
            part["place"] = part["label"].map(order).fillna(len(order))
            part = part.sort_values(["place", "score"], kind="stable").drop(columns="place")
        parts.append(part.assign(signature=name, **_printed(own)))
    columns = [
        "signature",
        "label",
        "score",
        "measured",
        "asked",
        "correlation",
        "difference",
        "lower",
        "upper",
        "interval",
        "p",
        "reason",
    ]
    if not parts:
        return pd.DataFrame(columns=columns)
    source = pd.concat(parts, ignore_index=True)[columns]
    return source.astype(dict.fromkeys(["signature", "label", "interval", "reason"], "string"))


def _printed(own: pd.DataFrame) -> dict:
    def of(quantity: str, column: str = "estimate"):
        rows = own[own["quantity"] == quantity]
        return rows[column].iloc[0] if len(rows) else np.nan

    tests = own[own["test"].fillna("").str.contains(" t, Benjamini-Hochberg")]
    if tests.empty:
        tests = own[own["test"].fillna("").str.endswith(" t")]
    difference = own[own["quantity"] == DIFFERENCE]
    failed = difference[difference["status"] == results.NOT_ESTIMABLE]
    return {
        "measured": of("coverage", "numerator"),
        "asked": of("coverage", "denominator"),
        "correlation": of("mean correlation within the set"),
        "difference": of(DIFFERENCE),
        "lower": of(DIFFERENCE, "lower"),
        "upper": of(DIFFERENCE, "upper"),
        "interval": of(DIFFERENCE, "interval"),
        "p": tests["p"].iloc[0] if len(tests) else np.nan,
        "reason": failed["reason"].iloc[0] if len(failed) else pd.NA,
    }


@style.publication()
def plot_signatures(
    source: pd.DataFrame, *, labels: Mapping[str, str], synthetic: str | None = None
) -> Figure:
    """Draw each signature's scores, a point a sample, a line a label, with its difference in words.

    Args:
        source: as from `signature_source`.
        labels: what the labels of the samples and the signatures are called.
        synthetic: the mark of data that are no patients'.
    """
    if source["score"].isna().all():
        return nothing_to_show("Immune signatures", words.distinct(source["reason"]), synthetic)
    page = Page()
    groups = words.distinct(source["label"])
    y = MARGIN
    column = min(
        max(style.text_width(words.heading(group, labels)) for group in groups) + 1, 0.34 * page.inner
    )
    left = MARGIN + column + 6
    wide = page.width - MARGIN - 6 - left
    reach = float(source["score"].abs().max()) * 1.05
    last = source.loc[source["score"].notna(), "signature"].iloc[-1]
    for name, rows in source.groupby("signature", sort=False):
        y += page.text(MARGIN, y, words.heading(name, labels), weight="bold", width=page.inner)
        y += page.text(MARGIN, y, _in_words(rows.iloc[0]), size=SMALL, colour=MUTED, width=page.inner) + 2
        if rows["score"].isna().all():
            y += 4
            continue
        lines = [style.wrap(words.heading(group, labels), column) for group in groups]
        heights = [max(_LINE, style.text_height(len(wrapped)) + 3) for wrapped in lines]
        axes = page.axes(left, y, wide, sum(heights), ylim=(y + sum(heights), y), xlim=(-reach, reach))
        axes.axvline(0, color=style.FAINT, linewidth=0.6, label="zero")
        for group, wrapped, height in zip(groups, lines, heights, strict=True):
            own = rows.loc[rows["label"] == group, "score"].dropna()
            page.text(MARGIN, y + height / 2, wrapped, va="center")
            at = y + height / 2 + _apart(len(own)) * (height - 5)
            dot = marker(*series_style(group, groups)) | {"markersize": 2.4, "markeredgewidth": 0.4}
            axes.plot(own, at, **dot, label="sample")
            if len(own):
                ends = [y + 1, y + height - 1]
                axes.plot([own.mean()] * 2, ends, color=style.INK, linewidth=1.2, zorder=4, label="mean")
            y += height
        axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        axes.tick_params(axis="both", length=0, labelleft=False, labelbottom=False)
        if name == last:
            axes.tick_params(axis="x", length=2.5, labelbottom=True)
            axes.set_xlabel("Score (mean of standardised log2 values)", labelpad=3)
            y += 2 * style.text_height(1) + 4
        y += 5
    return page.finish(y + page.notes(y, _notes(source, labels)) + MARGIN, synthetic)


def _apart(points: int) -> np.ndarray:
    """Offsets between -0.5 and 0.5 by the golden ratio: neighbours lie far apart, in every run alike."""
    return (np.arange(1, points + 1) * (5**0.5 - 1) / 2) % 1 - 0.5


def _in_words(row: pd.Series) -> str:
    said = f"{words.counts(row['measured'], row['asked'])} genes measured"
    if not pd.isna(row["reason"]):
        return f"Not estimable: {row['reason']}."
    if not pd.isna(row["correlation"]):
        said += f"; mean correlation {words.decimals(row['correlation'], 2)}"
    if not pd.isna(row["difference"]):
        shown = f"{words.decimals(row['difference'], 2)} {words.interval(row['lower'], row['upper'], 2)}"
        said += f"; difference {shown.rstrip()}, {words.p_value(row['p'])}"
    return said.replace("-", "−")


def _notes(source: pd.DataFrame, labels: Mapping[str, str]) -> list[str]:
    methods = words.distinct(source["interval"])
    case = words.name(CASE, labels)
    notes = [f"Strokes: means. Differences: {case} minus the other; {'; '.join(methods)}; p is adjusted."]
    return [*notes, "Scores of tissue; they are not the blood markers of the same name."]
