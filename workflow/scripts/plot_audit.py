"""Draw the verdicts of a paper's printed numbers by place of the paper."""

from decidua import tables
from decidua.figures.audit import audit_source, plot_audit
from decidua.job import job
from decidua.style import save

if __name__ == "__main__":
    with job(snakemake):
        source = audit_source(tables.read(snakemake.input.verdicts))
        figure = plot_audit(source, synthetic=None)
        tables.write(source, snakemake.output.source)
        save(figure, [snakemake.output.png, snakemake.output.svg, snakemake.output.pdf])
