"""Check a count matrix against its sample sheet, or say everything that is wrong with them."""

from decidua import marks, tables
from decidua.downloads import require_checksum
from decidua.expression import read_study
from decidua.job import job
from decidua.simulation import COLUMNS

if __name__ == "__main__":
    with job(snakemake):
        params = snakemake.params
        for name, checksum in params.checksums.items():
            require_checksum(snakemake.input[name], checksum)
        study = read_study(
            snakemake.input.counts,
            snakemake.input.samples,
            columns=params.columns or COLUMNS,  # a simulated study has no settings of its own
            label=params.label,
            keep=params.keep,
            folds=params.folds,
            accept_tied_batch=params.accept_tied_batch,
            reading=params.reading | {"transcripts": snakemake.input.get("transcripts") or None},
        )
        tables.write_matrix(study.counts, snakemake.output.counts)
        samples = study.samples.assign(synthetic=marks.is_synthetic(params.synthetic))
        tables.write(samples, snakemake.output.samples)
