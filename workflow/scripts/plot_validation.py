"""Draw how well a frozen model held in new samples."""

from decidua import tables
from decidua.figures.validation import plot_validation, validation_source
from decidua.job import job
from decidua.style import save

if __name__ == "__main__":
    with job(snakemake):
        source = validation_source(**{name: tables.read(path) for name, path in snakemake.input.items()})
        figure = plot_validation(source, labels=snakemake.params.labels, synthetic=snakemake.params.synthetic)
        tables.write(source, snakemake.output.source)
        save(figure, [snakemake.output.png, snakemake.output.svg, snakemake.output.pdf])
