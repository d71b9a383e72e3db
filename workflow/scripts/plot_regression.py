"""Draw the odds ratios of the covariates, by every method."""

from decidua import tables
from decidua.figures.regressions import plot_regression, regression_source
from decidua.job import job
from decidua.style import save

if __name__ == "__main__":
    with job(snakemake):
        source = regression_source(
            *(tables.read(path) for path in (snakemake.input.table, snakemake.input.models))
        )
        figure = plot_regression(
            source,
            labels=snakemake.params.labels,
            synthetic=snakemake.params.synthetic,
            outcome=snakemake.params.settings["outcome"],
        )
        tables.write(source, snakemake.output.source)
        save(figure, [snakemake.output.png, snakemake.output.svg, snakemake.output.pdf])
