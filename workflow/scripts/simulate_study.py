"""Simulate an RNA-seq study with a known truth beside it."""

from decidua import tables
from decidua.config import load_yaml
from decidua.gene_sets import disjoint, shipped_sets
from decidua.job import job
from decidua.simulation import Design, simulate

if __name__ == "__main__":
    with job(snakemake) as this:
        signatures = disjoint(shipped_sets(load_yaml(snakemake.input.signatures)))
        study = simulate(Design(**snakemake.params.design, signatures=signatures), this.rng)
        tables.write_matrix(study.counts, snakemake.output.counts)
        tables.write(study.samples, snakemake.output.samples)
        tables.write(study.subgroups, snakemake.output.truth_samples)
        tables.write(study.genes, snakemake.output.truth_genes)
