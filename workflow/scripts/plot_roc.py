"""Draw the receiver operating characteristic."""

from decidua import tables
from decidua.figures.expression import plot_roc, roc_source
from decidua.job import job
from decidua.style import save

if __name__ == "__main__":
    with job(snakemake):
        source = roc_source(tables.read(snakemake.input.roc), tables.read(snakemake.input.performance))
        figure = plot_roc(source, labels=snakemake.params.labels, synthetic=snakemake.params.synthetic)
        tables.write(source, snakemake.output.source)
        save(figure, [snakemake.output.png, snakemake.output.svg, snakemake.output.pdf])
