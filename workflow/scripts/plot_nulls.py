"""Draw what chance, other genes and covariates reach beside the classifier."""

from decidua import tables
from decidua.figures.nulls import nulls_source, plot_nulls
from decidua.job import job
from decidua.style import save

if __name__ == "__main__":
    with job(snakemake):
        paths = snakemake.input
        source = nulls_source(
            tables.read(paths.comparators),
            tables.read(paths.panels),
            tables.read(paths.permutations) if paths.permutations else None,
        )
        figure = plot_nulls(source, labels=snakemake.params.labels, synthetic=snakemake.params.synthetic)
        tables.write(source, snakemake.output.source)
        save(figure, [snakemake.output.png, snakemake.output.svg, snakemake.output.pdf])
