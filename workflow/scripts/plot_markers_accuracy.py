"""Draw AUC, sensitivity and specificity of the markers."""

from decidua import tables
from decidua.figures.accuracy import markers_accuracy_source, plot_markers_accuracy
from decidua.job import job
from decidua.style import save

if __name__ == "__main__":
    with job(snakemake):
        params = snakemake.params
        source = markers_accuracy_source(tables.read(snakemake.input.accuracy))
        figure = plot_markers_accuracy(source, labels=params.labels, synthetic=params.synthetic)
        tables.write(source, snakemake.output.source)
        save(figure, [snakemake.output.png, snakemake.output.svg, snakemake.output.pdf])
