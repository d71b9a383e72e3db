"""Draw published figures of a classifier beside those of a simulated study and of noise."""

from decidua import tables
from decidua.figures.published import plot_published, published_source
from decidua.job import job
from decidua.style import save

if __name__ == "__main__":
    with job(snakemake):
        source = published_source(tables.read(snakemake.input.table))
        figure = plot_published(source, synthetic=snakemake.params.synthetic)
        tables.write(source, snakemake.output.source)
        save(figure, [snakemake.output.png, snakemake.output.svg, snakemake.output.pdf])
