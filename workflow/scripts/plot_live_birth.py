"""Draw the live birth rate by immunity and immune subgroup."""

from decidua import tables
from decidua.figures.rates import live_birth_source, plot_live_birth
from decidua.job import job
from decidua.style import save

if __name__ == "__main__":
    with job(snakemake):
        source = live_birth_source(tables.read(snakemake.input.table))
        figure = plot_live_birth(
            source,
            labels=snakemake.params.labels,
            synthetic=snakemake.params.synthetic,
            outcome=snakemake.params.settings["outcome"],
        )
        tables.write(source, snakemake.output.source)
        save(figure, [snakemake.output.png, snakemake.output.svg, snakemake.output.pdf])
