"""Test every gene for a difference between cases and controls: a description, not a classifier."""

from decidua import tables
from decidua.differential import differential_expression
from decidua.job import job

if __name__ == "__main__":
    with job(snakemake):
        settings = snakemake.params.settings
        found = differential_expression(
            tables.read_matrix(snakemake.input.counts),
            tables.read(snakemake.input.samples),
            method=settings["differential"],
            adjust=settings["adjust"],
        )
        tables.write(found.genes, snakemake.output.genes)
        tables.write(found.summary, snakemake.output.summary)
