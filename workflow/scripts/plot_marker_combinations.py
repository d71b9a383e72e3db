"""Draw which markers are abnormal together."""

from decidua import tables
from decidua.figures.combinations import combinations_source, plot_combinations
from decidua.job import job
from decidua.style import save

if __name__ == "__main__":
    with job(snakemake):
        source = combinations_source(tables.read(snakemake.input.table))
        figure = plot_combinations(
            source, labels=snakemake.params.labels, synthetic=snakemake.params.synthetic
        )
        tables.write(source, snakemake.output.source)
        save(figure, [snakemake.output.png, snakemake.output.svg, snakemake.output.pdf])
