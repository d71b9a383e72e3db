"""Draw how far each study's model carries in the others."""

from decidua import tables
from decidua.figures.transport import plot_transport, transport_source
from decidua.job import job
from decidua.style import save

if __name__ == "__main__":
    with job(snakemake):
        source = transport_source(tables.read(snakemake.input.table))
        figure = plot_transport(source, labels=snakemake.params.labels, synthetic=snakemake.params.synthetic)
        tables.write(source, snakemake.output.source)
        save(figure, [snakemake.output.png, snakemake.output.svg, snakemake.output.pdf])
