"""Repeated nested cross-validation of the classifier: predictions of samples that no step had seen."""

from pathlib import Path

from decidua import tables
from decidua.job import job
from decidua.learning.cross_validation import Folds, Settings, combine, evaluate_folds


def read_part(folder):
    """What cross_validate_part left in a folder."""
    predictions, folds = (tables.read(folder / f"{name}.parquet") for name in ("predictions", "folds"))
    return Folds(predictions, folds, tables.read_matrix(folder / "coefficients.parquet"))


if __name__ == "__main__":
    with job(snakemake) as this:
        settings = Settings(**snakemake.params.settings)
        if folders := sorted({Path(path).parent for path in snakemake.input.parts}):
            parts = [read_part(folder) for folder in folders]
        else:
            counts = tables.read_matrix(snakemake.input.counts)
            samples = tables.read(snakemake.input.samples).set_index("sample")
            known = samples["label"], samples["group"]
            parts = [evaluate_folds(counts, *known, settings, this.rng, batches=samples.get("batch"))]
        outcome = combine(parts, settings)
        tables.write(outcome.predictions, snakemake.output.predictions)
        tables.write(outcome.folds, snakemake.output.folds)
        tables.write(outcome.genes, snakemake.output.genes)
