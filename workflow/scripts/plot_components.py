"""Draw the first two principal components."""

from decidua import tables
from decidua.figures.expression import pca_source, plot_pca
from decidua.job import job
from decidua.style import save

if __name__ == "__main__":
    with job(snakemake):
        source = pca_source(
            tables.read(snakemake.input.components),
            tables.read(snakemake.input.samples),
            tables.read(snakemake.input.variance),
        )
        figure = plot_pca(source, labels=snakemake.params.labels, synthetic=snakemake.params.synthetic)
        tables.write(source, snakemake.output.source)
        save(figure, [snakemake.output.png, snakemake.output.svg, snakemake.output.pdf])
