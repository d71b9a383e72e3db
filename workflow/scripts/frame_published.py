"""Published figures of a classifier beside those of the simulated study, and of noise of the same shape."""

from decidua import tables
from decidua.config import load_yaml
from decidua.frame import frame_table
from decidua.job import job
from decidua.learning.noise import noise_study

if __name__ == "__main__":
    with job(snakemake) as this:
        shape, settings = snakemake.params.shape, snakemake.params.settings
        noise = noise_study(
            **shape,
            rng=this.rng,
            folds=settings["folds"],
            data_sets=settings["noise_data_sets"],
            with_pair=settings["noise_pairs"],
        )
        table = frame_table(
            load_yaml(snakemake.input.facts),
            tables.read(snakemake.input.performance),
            tables.read(snakemake.input.panels),
            noise,
            snakemake.wildcards.study,
            shape,
        )
        tables.write(table, snakemake.output.frame)
