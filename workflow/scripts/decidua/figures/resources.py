"""How much time and memory did each rule of the run take?"""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from decidua import style
from decidua.figures.page import MARGIN, Page, marker, nothing_to_show
from decidua.style import BLUE, MUTED, ORANGE, SMALL

COLUMNS = ["rule", "jobs", "seconds", "cpu_seconds", "longest_job_seconds", "peak_memory_mib"]
#: Seconds below which the peak memory that Snakemake sampled is that of a job which had hardly begun.
SAMPLED = 1.0
_ROW = 15.0


def resources_source(benchmarks: Mapping[str | Path, pd.DataFrame]) -> pd.DataFrame:
    """Time and memory by rule, the most time first.

    Args:
        benchmarks: Snakemake's benchmark tables by path, benchmarks/<rule>/<wildcards>.tsv or
            benchmarks/<rule>.tsv, with the columns s (wall seconds), cpu_time (seconds) and max_rss (MiB;
            missing for a job too short to sample).

    Returns:
        A row a rule with `COLUMNS`: number of jobs, their wall and CPU seconds in all, the longest job's wall
        seconds, the largest peak of memory in MiB (missing when no job was sampled).
    """
    rows = []
    for path, table in benchmarks.items():
        path = Path(path)
        rule = path.stem if path.parent.name == "benchmarks" else path.parent.name
        measured = table[["s", "cpu_time", "max_rss"]].apply(pd.to_numeric, errors="coerce").iloc[0]
        if measured["s"] < SAMPLED:
            measured["max_rss"] = float("nan")
        rows.append({"rule": rule, **measured.to_dict()})
    jobs = pd.DataFrame(rows, columns=["rule", "s", "cpu_time", "max_rss"])
    by_rule = jobs.groupby("rule").agg(
        jobs=("s", "size"),
        seconds=("s", "sum"),
        cpu_seconds=("cpu_time", "sum"),
        longest_job_seconds=("s", "max"),
        peak_memory_mib=("max_rss", "max"),
    )
    return by_rule.reset_index().sort_values(["seconds", "rule"], ascending=[False, True], ignore_index=True)[
        COLUMNS
    ]


@style.publication()
def plot_resources(source: pd.DataFrame) -> Figure:
    """Draw wall time (all jobs, and the longest one) and peak memory, a line a rule.

    Args:
        source: as from `resources_source`.
    """
    title = "Time and memory of each rule"
    if source.empty:
        return nothing_to_show(title, ["no job left a benchmark"], None)
    page = Page()
    y = MARGIN
    y += page.text(MARGIN, y, title, size=style.TITLE, weight="bold", width=page.inner) + 6
    names = [
        f"{rule} ({jobs})" if jobs > 1 else rule
        for rule, jobs in zip(source["rule"], source["jobs"], strict=True)
    ]
    column = min(max(style.text_width(name, SMALL) for name in names) + 4, 0.45 * page.inner)
    left, gap = MARGIN + column, 12.0
    panel = (page.width - MARGIN - 6 - left - gap) / 2
    height = _ROW * len(source)
    places = [(row + 0.5) * _ROW for row in range(len(source))]
    for place, name in zip(places, names, strict=True):
        lines = style.wrap(name, column - 4, SMALL)
        page.text(MARGIN, y + place, lines[0] if len(lines) == 1 else lines[0] + "…", size=SMALL, va="center")
    seconds = page.axes(left, y, panel, height, ylim=(height, 0))
    seconds.barh(places, source["seconds"], height=0.55 * _ROW, color=BLUE, label="all jobs")
    seconds.plot(source["longest_job_seconds"], places, **marker(ORANGE, "D") | {"markersize": 3.5})
    memory = page.axes(left + panel + gap, y, panel, height, ylim=(height, 0))
    memory.plot(source["peak_memory_mib"], places, **marker(BLUE, "o"))
    for axes, called in ((seconds, "Wall seconds"), (memory, "Peak memory (MiB)")):
        axes.set_xlim(left=0)
        axes.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10]))
        axes.tick_params(axis="y", length=0, labelleft=False)
        axes.grid(axis="x")
        axes.set_xlabel(called, labelpad=3)
    y += height + 2 * style.text_height(1) + 12
    y += page.legend(y, [("all jobs of the rule", BLUE, "s"), ("its longest job", ORANGE, "D")]) + 2
    total = f"{source['seconds'].sum():,.0f} s of wall time in {source['jobs'].sum()} jobs; a number in"
    note = f"{total} brackets is a rule's number of jobs. Memory is sampled twice a second, not below 1 s."
    y += page.text(MARGIN, y, note, size=SMALL, colour=MUTED, width=page.inner)
    return page.finish(y + MARGIN, None)
