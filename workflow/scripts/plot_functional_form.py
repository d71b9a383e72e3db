"""Draw the curves of the covariates."""

from decidua import tables
from decidua.figures.regressions import functional_form_source, plot_functional_form
from decidua.job import job
from decidua.style import save

if __name__ == "__main__":
    with job(snakemake):
        source = functional_form_source(tables.read(snakemake.input.table))
        figure = plot_functional_form(
            source,
            labels=snakemake.params.labels,
            synthetic=snakemake.params.synthetic,
            outcome=snakemake.params.settings["outcome"],
        )
        tables.write(source, snakemake.output.source)
        save(figure, [snakemake.output.png, snakemake.output.svg, snakemake.output.pdf])
