"""Repeated nested cross-validation of the classifier: predictions of samples that no step had seen."""

from decidua import tables
from decidua.classifier import Settings, cross_validate
from decidua.job import job

if __name__ == "__main__":
    with job(snakemake) as this:
        counts = tables.read_matrix(snakemake.input.counts)
        samples = tables.read(snakemake.input.samples).set_index("sample")
        groups = samples["group"] if samples["group"].notna().any() else None
        settings = Settings(**snakemake.params.settings)
        outcome = cross_validate(counts, samples["label"], groups, settings, this.rng)
        tables.write(outcome.predictions, snakemake.output.predictions)
        tables.write(outcome.folds, snakemake.output.folds)
        tables.write(outcome.genes, snakemake.output.genes)
