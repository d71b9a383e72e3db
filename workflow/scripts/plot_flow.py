"""Draw the enrolment flow."""

from decidua import tables
from decidua.figures.flow import flow_source, plot_flow
from decidua.job import job
from decidua.style import save

if __name__ == "__main__":
    with job(snakemake):
        source = flow_source(tables.read(snakemake.input.table))
        figure = plot_flow(source, synthetic=snakemake.params.synthetic)
        tables.write(source, snakemake.output.source)
        save(figure, [snakemake.output.png, snakemake.output.svg, snakemake.output.pdf])
