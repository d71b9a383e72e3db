"""Draw the estimates under every definition of recurrent pregnancy loss and every combining rule."""

from decidua import tables
from decidua.figures.multiverse import multiverse_source, plot_multiverse
from decidua.job import job
from decidua.style import save

if __name__ == "__main__":
    with job(snakemake):
        source = multiverse_source(tables.read(snakemake.input.table))
        figure = plot_multiverse(
            source,
            labels=snakemake.params.labels,
            synthetic=snakemake.params.synthetic,
            outcome=snakemake.params.settings["outcome"],
        )
        tables.write(source, snakemake.output.source)
        save(figure, [snakemake.output.png, snakemake.output.svg, snakemake.output.pdf])
