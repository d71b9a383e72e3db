"""Look for subgroups of samples, more stable than in data without any; labels only name them."""

from decidua import tables
from decidua.job import job
from decidua.signatures import expression
from decidua.subgroups import find_subgroups

if __name__ == "__main__":
    with job(snakemake) as this:
        settings = snakemake.params.settings
        truth = snakemake.input.get("truth")
        found = find_subgroups(
            expression(tables.read_matrix(snakemake.input.counts)),
            tables.read(snakemake.input.samples),
            tables.read(snakemake.input.scores),
            this.rng,
            genes=settings["components"],
            largest=settings["subgroups"],
            shown=settings["subgroups_shown"],
            resamplings=settings["resamplings"],
            draws=settings["null_draws"],
            confidence=snakemake.params.intervals["confidence"],
            truth=tables.read(truth) if truth else None,
        )
        tables.write(found.members, snakemake.output.members)
        tables.write(found.table, snakemake.output.subgroups)
