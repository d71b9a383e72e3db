"""Draw the ROC curves of the markers."""

from decidua import tables
from decidua.figures.accuracy import markers_roc_source, plot_markers_roc
from decidua.job import job
from decidua.style import save

if __name__ == "__main__":
    with job(snakemake):
        params = snakemake.params
        curves, table = (tables.read(path) for path in (snakemake.input.curves, snakemake.input.accuracy))
        source = markers_roc_source(curves, table)
        figure = plot_markers_roc(source, labels=params.labels, synthetic=params.synthetic)
        tables.write(source, snakemake.output.source)
        save(figure, [snakemake.output.png, snakemake.output.svg, snakemake.output.pdf])
