"""Draw the prevalence of abnormal immunity by group."""

from decidua import tables
from decidua.figures.rates import plot_prevalence, prevalence_source
from decidua.job import job
from decidua.style import save

if __name__ == "__main__":
    with job(snakemake):
        source = prevalence_source(tables.read(snakemake.input.table))
        figure = plot_prevalence(source, labels=snakemake.params.labels, synthetic=snakemake.params.synthetic)
        tables.write(source, snakemake.output.source)
        save(figure, [snakemake.output.png, snakemake.output.svg, snakemake.output.pdf])
