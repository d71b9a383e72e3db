"""Check a count matrix against its sample sheet, or say everything that is wrong with them."""

from decidua import tables
from decidua.downloads import require_checksum
from decidua.expression import read_study
from decidua.job import job

if __name__ == "__main__":
    with job(snakemake):
        params = snakemake.params
        for name, checksum in params.checksums.items():
            require_checksum(snakemake.input[name], checksum)
        study = read_study(
            snakemake.input.counts,
            snakemake.input.samples,
            columns=params.columns,
            label=params.label,
            keep=params.keep,
            folds=params.folds,
            reading=params.reading | {"transcripts": snakemake.input.get("transcripts") or None},
        )
        tables.write_matrix(study.counts, snakemake.output.counts)
        tables.write(study.samples.assign(synthetic=bool(params.synthetic)), snakemake.output.samples)
