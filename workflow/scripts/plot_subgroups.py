"""Draw how stable each number of subgroups is, and what the subgroups are made of."""

from decidua import tables
from decidua.figures.subgroups import plot_stability, plot_subgroups, stability_source, subgroup_source
from decidua.job import job
from decidua.style import save

if __name__ == "__main__":
    with job(snakemake):
        given, made, params = snakemake.input, snakemake.output, snakemake.params
        table = tables.read(given.table)
        stability = stability_source(table)
        tables.write(stability, made.stability_source)
        figure = plot_stability(stability, synthetic=params.synthetic)
        save(figure, [made.stability_png, made.stability_svg, made.stability_pdf])
        parts = [tables.read(given[name]) for name in ("members", "scores", "components", "samples")]
        source = subgroup_source(*parts, table, params.settings["subgroups_shown"])
        tables.write(source, made.source)
        figure = plot_subgroups(source, labels=params.labels, synthetic=params.synthetic)
        save(figure, [made.png, made.svg, made.pdf])
