"""Draw library size and number of detected genes by label."""

from decidua import tables
from decidua.figures.expression import plot_qc, qc_source
from decidua.job import job
from decidua.style import save

if __name__ == "__main__":
    with job(snakemake):
        source = qc_source(tables.read(snakemake.input.quality), tables.read(snakemake.input.samples))
        figure = plot_qc(source, labels=snakemake.params.labels, synthetic=snakemake.params.synthetic)
        tables.write(source, snakemake.output.source)
        save(figure, [snakemake.output.png, snakemake.output.svg, snakemake.output.pdf])
