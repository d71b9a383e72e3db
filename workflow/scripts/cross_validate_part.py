"""Evaluate a share of the outer folds, as cross_validate would if it did them all."""

from decidua import tables
from decidua.job import job
from decidua.learning.cross_validation import Settings, evaluate_folds

if __name__ == "__main__":
    with job(snakemake) as this:
        counts = tables.read_matrix(snakemake.input.counts)
        samples = tables.read(snakemake.input.samples).set_index("sample")
        wildcards = snakemake.wildcards
        stream = this.stream("cross_validate", {"study": wildcards.study})
        settings = Settings(**snakemake.params.settings)
        share = {"part": int(wildcards.part), "parts": int(wildcards.parts)}
        known = samples["label"], samples["group"]
        found = evaluate_folds(counts, *known, settings, stream, **share, batches=samples.get("batch"))
        tables.write(found.predictions, snakemake.output.predictions)
        tables.write(found.folds, snakemake.output.folds)
        tables.write_matrix(found.coefficients, snakemake.output.coefficients)
