"""Draw the scores of the immune signatures by label."""

from decidua import tables
from decidua.figures.signatures import plot_signatures, signature_source
from decidua.job import job
from decidua.style import save

if __name__ == "__main__":
    with job(snakemake):
        source = signature_source(
            tables.read(snakemake.input.scores),
            tables.read(snakemake.input.samples),
            tables.read(snakemake.input.table),
        )
        figure = plot_signatures(source, labels=snakemake.params.labels, synthetic=snakemake.params.synthetic)
        tables.write(source, snakemake.output.source)
        save(figure, [snakemake.output.png, snakemake.output.svg, snakemake.output.pdf])
