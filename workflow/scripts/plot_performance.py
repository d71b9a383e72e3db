"""Draw the performance of the classifier beside the majority rate."""

from decidua import tables
from decidua.figures.expression import performance_source, plot_performance
from decidua.job import job
from decidua.style import save

if __name__ == "__main__":
    with job(snakemake):
        source = performance_source(tables.read(snakemake.input.table))
        figure = plot_performance(
            source, labels=snakemake.params.labels, synthetic=snakemake.params.synthetic
        )
        tables.write(source, snakemake.output.source)
        save(figure, [snakemake.output.png, snakemake.output.svg, snakemake.output.pdf])
