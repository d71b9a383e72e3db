"""Simulate an RNA-seq study with a known truth beside it."""

from decidua import tables
from decidua.job import job
from decidua.simulation import Design, simulate

if __name__ == "__main__":
    with job(snakemake) as this:
        study = simulate(Design(**snakemake.params.design), this.rng)
        tables.write_matrix(study.counts, snakemake.output.counts)
        tables.write(study.samples, snakemake.output.samples)
        tables.write(study.subgroups, snakemake.output.truth_samples)
        tables.write(study.genes, snakemake.output.truth_genes)
