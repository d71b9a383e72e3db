"""Check a count matrix against its sample sheet, or say everything that is wrong with them."""

from decidua import tables
from decidua.expression import read_study
from decidua.job import job

if __name__ == "__main__":
    with job(snakemake):
        params = snakemake.params
        study = read_study(
            snakemake.input.counts,
            snakemake.input.samples,
            columns=params.columns,
            label=params.label,
            keep=params.keep,
            folds=params.folds,
        )
        tables.write_matrix(study.counts, snakemake.output.counts)
        tables.write(study.samples.assign(synthetic=bool(params.synthetic)), snakemake.output.samples)
