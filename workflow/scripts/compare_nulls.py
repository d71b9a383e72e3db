"""Hold the classifier against random panels, covariates, negative-control genes and each kind of control."""

from decidua import tables
from decidua.gene_lists import read_gene_list
from decidua.job import job
from decidua.learning.comparators import Options, compare
from decidua.learning.cross_validation import Settings

if __name__ == "__main__":
    with job(snakemake) as this:
        params = snakemake.params
        genes = params.negative_controls
        if snakemake.input.negative_controls:
            genes = read_gene_list(snakemake.input.negative_controls)
        outcome = compare(
            tables.read_matrix(snakemake.input.counts),
            tables.read(snakemake.input.samples),
            tables.read(snakemake.input.predictions),
            snakemake.wildcards.study,
            Settings(**params.settings),
            Options(negative_controls=genes, **params.options),
            this.rng,
        )
        tables.write(outcome.table, snakemake.output.comparators)
        tables.write(outcome.panels, snakemake.output.panels)
