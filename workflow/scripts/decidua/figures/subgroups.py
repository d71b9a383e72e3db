"""Which subgroups do samples fall into, what are they made of, and is there more than one at all?"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from decidua import style, words
from decidua.figures.page import MARGIN, Page, marker, nothing_to_show, series_style
from decidua.learning.performance import CASE, CONTROL
from decidua.style import INK, MUTED, SMALL
from decidua.subgroup_names import CASES, CONTROLS_ONLY, IMMUNE_HIGH, MIXED, NUMBER

OBSERVED, NULL = "ambiguous pairs", "ambiguous pairs without subgroups"
ALL = "all samples"
_CLASSES = {CASE: "#404040", CONTROL: "#D0D0D0"}
_HEAT = LinearSegmentedColormap.from_list("score", [style.BLUE, "#FFFFFF", style.VERMILLION])
_LIMIT = 2.0
_GAP = 0.02


def stability_source(table: pd.DataFrame) -> pd.DataFrame:
    """What the figure of stability shows of the results table of the analysis "subgroups".

    Returns:
        A row a number tried: number, observed, null, lower, upper (of the null), and in each row chosen, p,
        interval, reason.
    """
    stability = table[table["variable"] == "stability"]
    of = {quantity: stability[stability["quantity"] == quantity] for quantity in (OBSERVED, NULL)}
    source = pd.DataFrame(
        {
            "number": [int(level.split()[0]) for level in of[OBSERVED]["level"]],
            "observed": of[OBSERVED]["estimate"].to_numpy(),
            "null": of[NULL]["estimate"].to_numpy(),
            "lower": of[NULL]["lower"].to_numpy(),
            "upper": of[NULL]["upper"].to_numpy(),
        }
    )
    number, p, reason = _verdict(table)
    source = source if len(source) else source.reindex([0])
    interval = of[NULL]["interval"].iloc[0] if len(of[NULL]) else pd.NA
    return source.assign(chosen=number, p=p, interval=interval, reason=reason)


def _verdict(table: pd.DataFrame) -> tuple[float, float, str]:
    rows = table[table["variable"] == NUMBER]
    number, test = rows[rows["quantity"] == NUMBER], rows[rows["quantity"] == "test"]
    return (
        number["estimate"].iloc[0] if len(number) else np.nan,
        test["p"].iloc[0] if len(test) else np.nan,
        number["reason"].iloc[0] if len(number) else pd.NA,
    )


@style.publication()
def plot_stability(source: pd.DataFrame, *, synthetic: str | None = None) -> Figure:
    """Draw the share of ambiguous pairs for each number of subgroups, beside data without any.

    Args:
        source: as from `stability_source`.
        synthetic: the mark of data that are no patients'.
    """
    title = "Stability of subgroups"
    if source["observed"].isna().all():
        return nothing_to_show(title, words.distinct(source["reason"]), synthetic)
    page = Page()
    first = source.iloc[0]
    y = (
        MARGIN
        + page.text(
            MARGIN, MARGIN, _verdict_words(first["chosen"], first["p"]), weight="bold", width=page.inner
        )
        + 4
    )
    y += page.legend(y, [("these samples", style.BLUE, "o"), ("one Gaussian cloud", style.FAINT, "s")]) + 4
    left = MARGIN + 36
    axes = page.axes(left, y, page.width - MARGIN - 6 - left, 150)
    numbers = source["number"].astype(float)
    axes.fill_between(numbers, source["lower"], source["upper"], color=style.FAINT, linewidth=0, label="null")
    axes.plot(numbers, source["null"], color=MUTED, linewidth=0.8, linestyle=(0, (3, 2)), label="null mean")
    if len(source) == 1:
        axes.errorbar(
            numbers,
            source["null"],
            [source["null"] - source["lower"], source["upper"] - source["null"]],
            color=MUTED,
            linewidth=4,
            alpha=0.4,
        )
    dot = {**marker(style.BLUE, "o"), "linestyle": "-", "color": style.BLUE}
    axes.plot(numbers, source["observed"], **dot, label="observed")
    axes.set_xlim(1.6, float(numbers.max()) + 0.4)
    axes.set_ylim(0, 1)
    axes.xaxis.set_major_locator(FixedLocator(list(numbers)))
    axes.yaxis.set_major_locator(FixedLocator(np.arange(6) / 5))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value * 100:.3g}"))
    axes.set_xlabel("Number of subgroups tried")
    axes.set_ylabel("Ambiguous pairs (%)")
    y += 150 + 30
    notes = ["Ambiguous: together in 10 to 90% of the resamplings that drew both. Fewer are better."]
    notes += [f"Grey: {text} (mean dashed)." for text in words.distinct(source["interval"])]
    notes += [f"Caution: {text}." for text in words.distinct(source["reason"])]
    return page.finish(y + page.notes(y, notes) + MARGIN, synthetic)


def _verdict_words(number: float, p: float) -> str:
    if pd.isna(number):
        return "The number of subgroups is not estimable"
    if number == 1:
        return f"No subgroups beyond one cloud ({words.p_value(p)})"
    return f"{int(number)} subgroups are the most stable number ({words.p_value(p)} against one cloud)"


def subgroup_source(
    members: pd.DataFrame,
    scores: pd.DataFrame,
    components: pd.DataFrame,
    samples: pd.DataFrame,
    table: pd.DataFrame,
    shown: int | None = None,
) -> pd.DataFrame:
    """Samples by subgroup with label, principal components and scores, without names.

    Args:
        members: sample and a column for each number of subgroups described.
        shown: the number to show; without it, or where it was not described, the number found.

    Returns:
        subgroup ("all samples" where there is one cloud), label, pc1, pc2, a column a score ("score NK"), and
        in each row number (of subgroups shown), chosen, p and reason.
    """
    chosen, p, reason = _verdict(table)
    names = [
        f"{number:.0f} subgroups" for number in (shown, chosen) if number is not None and not pd.isna(number)
    ]
    column = next((name for name in names if name in members), None)
    sheet = samples[["sample", "label"]].merge(
        members[["sample", *([column] if column else [])]], on="sample"
    )
    sheet = sheet.rename(columns={column: "subgroup"}) if column else sheet.assign(subgroup=ALL)
    sheet = sheet.merge(components.reindex(columns=["sample", "pc1", "pc2"]), on="sample")
    sheet = sheet.merge(
        scores.rename(columns={c: f"score {c}" for c in scores if c != "sample"}), on="sample"
    )
    order = {name: place for place, name in enumerate(sorted(sheet["subgroup"].unique(), key=_order))}
    heat = [name for name in sheet if name.startswith("score ")]
    mean = sheet[heat].mean(axis=1) if heat else 0.0
    sheet = sheet.assign(place=sheet["subgroup"].map(order), mean=mean)
    sheet = sheet.sort_values(["place", "label", "mean", "pc1"], kind="stable", ignore_index=True)
    sheet = sheet[["subgroup", "label", "pc1", "pc2", *heat]]
    return sheet.assign(number=len(order) if column else 1, chosen=chosen, p=p, reason=reason)


def _order(name: str) -> tuple[int, int]:
    kinds = (IMMUNE_HIGH, CONTROLS_ONLY, MIXED, CASES)  # the immune-high are cases too, and come last
    kind = next((place for place, kind in enumerate(kinds) if str(name).startswith(kind)), len(kinds))
    number = str(name).rpartition(" ")[2]
    return (len(kinds) if kind == 0 else kind), int(number) if number.isdigit() else 0


def called(name: str, labels: Mapping[str, str]) -> str:
    """A subgroup's name with the study's own word for cases, such as "RPL immune-high"."""
    if name.startswith(CASES) and CASE in labels:
        name = labels[CASE] + name.removeprefix(CASES)
    return name[:1].upper() + name[1:]


@style.publication()
def plot_subgroups(
    source: pd.DataFrame, *, labels: Mapping[str, str], synthetic: str | None = None
) -> Figure:
    """Draw what each subgroup is made of, where its samples lie, and their immune scores.

    Args:
        source: as from `subgroup_source`.
        labels: what the two classes are called.
        synthetic: the mark of data that are no patients'.
    """
    title = "Subgroups of samples"
    if source.empty or pd.isna(source["chosen"].iloc[0]):
        return nothing_to_show(title, words.distinct(source["reason"]), synthetic)
    page = Page()
    groups = words.distinct(source["subgroup"])
    y = (
        MARGIN
        + page.legend(
            MARGIN, [(words.heading(kind, labels), colour, "s") for kind, colour in _CLASSES.items()]
        )
        + 3
    )
    y = _composition(page, y, source, groups, labels)
    y = _ordination(page, y + 4, source, groups)
    y = _heatmap(page, y + 2, source, groups)
    first = source.iloc[0]
    notes = [_verdict_words(first["chosen"], first["p"]) + "."]
    if first["number"] != max(first["chosen"], 1):
        notes.append(f"Shown are {first['number']}, the number asked for in the settings.")
    if first["number"] > 1:
        notes.append(
            "Names: nine tenths or more of one class, else mixed; immune-high: the highest mean score."
        )
    notes += [f"Caution: {text}." for text in words.distinct(source["reason"])]
    return page.finish(y + page.notes(y, notes) + MARGIN, synthetic)


def _composition(
    page: Page, y: float, source: pd.DataFrame, groups: Sequence[str], labels: Mapping[str, str]
) -> float:
    """A line a subgroup: its key, name and size, and a bar of its two classes."""
    bar = 0.36 * page.inner
    column = page.inner - bar - 12 - 62
    for group in groups:
        rows = source[source["subgroup"] == group]
        cases = int((rows["label"] == CASE).sum())
        lines = style.wrap(called(group, labels), column)
        height = max(style.text_height(len(lines)) + 3, 13)
        middle = y + height / 2
        page.mark(MARGIN + 4, middle, *series_style(group, groups))
        page.text(MARGIN + 12, middle, lines, va="center")
        shown = f"{words.counts(cases, len(rows))} ({words.percent(cases / len(rows))})"
        page.text(page.width - MARGIN - bar - 4, middle, shown, va="center", ha="right", size=SMALL)
        axes = page.axes(page.width - MARGIN - bar, middle - 4.5, bar, 9, xlim=(0, 1), ylim=(0, 1))
        axes.set_axis_off()
        share = cases / len(rows)
        axes.barh([0.5], [share], height=1, color=_CLASSES[CASE], edgecolor=INK, linewidth=0.4, label=CASE)
        axes.barh(
            [0.5],
            [1 - share],
            left=[share],
            height=1,
            color=_CLASSES[CONTROL],
            edgecolor=INK,
            linewidth=0.4,
            label=CONTROL,
        )
        y += height
    return y


def _ordination(page: Page, y: float, source: pd.DataFrame, groups: Sequence[str]) -> float:
    if source["pc2"].isna().all():
        return y
    left, height = MARGIN + 36, 130.0
    axes = page.axes(left, y, page.width - MARGIN - 6 - left, height)
    for group in groups:
        rows = source[source["subgroup"] == group]
        colour, shape = series_style(group, groups)
        axes.plot(
            rows["pc1"],
            rows["pc2"],
            **{**marker(colour, shape), "markersize": 3.4, "markeredgewidth": 0.4},
            label="sample",
        )
    axes.margins(0.06)
    for axis, number in ((axes.xaxis, 1), (axes.yaxis, 2)):
        axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        axis.set_label_text(f"PC{number}")
    return y + height + 30


def _heatmap(page: Page, y: float, source: pd.DataFrame, groups: Sequence[str]) -> float:
    """Samples as columns by subgroup; strips of subgroup and class above, scores below."""
    heat = [name for name in source if name.startswith("score ")]
    if not heat:
        return y + page.text(MARGIN, y, "No immune signature could be scored.", width=page.inner) + 2
    names = ["Subgroup", "Class", *(words.heading(name.removeprefix("score "), {}) for name in heat)]
    column = min(max(map(style.text_width, names)) + 4, 0.3 * page.inner)
    left, line = MARGIN + column, 11.0
    wide = page.width - MARGIN - left
    for place, name in enumerate(names):
        page.text(MARGIN, y + (place + 0.5) * line, style.wrap(name, column)[:1], va="center")
    gap = _GAP * wide
    each = (wide - gap * (len(groups) - 1)) / len(source)
    x = left
    for group in groups:
        rows = source[source["subgroup"] == group]
        own = each * len(rows)
        strip = page.axes(x, y, own, line - 2, xlim=(0, 1), ylim=(0, 1))
        strip.set_facecolor(series_style(group, groups)[0])
        classes = page.axes(x, y + line, own, line - 2, xlim=(0, len(rows)), ylim=(0, 1))
        share = int((rows["label"] == CASE).sum())
        for start, stop, kind in ((0, share, CASE), (share, len(rows), CONTROL)):
            if stop > start:
                classes.axvspan(start, stop, color=_CLASSES[kind], linewidth=0, label=kind)
        cells = page.axes(x, y + 2 * line, own, line * len(heat))
        cells.pcolormesh(
            rows[heat].to_numpy(dtype=float).T[::-1],
            cmap=_HEAT,
            vmin=-_LIMIT,
            vmax=_LIMIT,
            antialiased=False,
            linewidth=0,
        )
        for axes in (strip, classes, cells):
            axes.tick_params(left=False, bottom=False, labelleft=False, labelbottom=False)
            for spine in axes.spines.values():
                spine.set_visible(True)
                spine.set_linewidth(0.4)
        x += own + gap
    y += line * len(names) + 6
    return _key(page, left, y, wide)


def _key(page: Page, left: float, y: float, wide: float) -> float:
    """What the colours of the scores mean."""
    key = page.axes(left, y, 0.4 * wide, 6, xlim=(0, 64), ylim=(0, 1))
    key.pcolormesh(
        np.linspace(-_LIMIT, _LIMIT, 64)[None],
        cmap=_HEAT,
        vmin=-_LIMIT,
        vmax=_LIMIT,
        antialiased=False,
        linewidth=0,
    )
    key.tick_params(left=False, bottom=False, labelleft=False, labelbottom=False)
    said = f"score, {-_LIMIT:g} or less to {_LIMIT:g} or more".replace("-", "−")
    page.text(left + 0.4 * wide + 4, y + 3, said, size=SMALL, va="center")
    return y + 6 + 8
