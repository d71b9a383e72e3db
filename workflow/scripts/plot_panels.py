"""Draw performance and stability against the size of the panel."""

from decidua import tables
from decidua.figures.panels import panels_source, plot_panels
from decidua.job import job
from decidua.style import save

if __name__ == "__main__":
    with job(snakemake):
        source = panels_source(tables.read(snakemake.input.table))
        figure = plot_panels(source, labels=snakemake.params.labels, synthetic=snakemake.params.synthetic)
        tables.write(source, snakemake.output.source)
        save(figure, [snakemake.output.png, snakemake.output.svg, snakemake.output.pdf])
