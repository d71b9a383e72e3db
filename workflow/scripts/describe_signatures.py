"""Score the immune signatures, and test them and the user's gene sets for a shift between the classes."""

from decidua import tables
from decidua.config import load_yaml
from decidua.enrichment import enrich
from decidua.gene_sets import joined, read_gmt, shipped_sets
from decidua.job import job
from decidua.signatures import expression, score_signatures

if __name__ == "__main__":
    with job(snakemake) as this:
        params = snakemake.params
        sets = shipped_sets(load_yaml(snakemake.input.signatures))
        every = joined(sets, *map(read_gmt, snakemake.input.gene_sets))
        samples = tables.read(snakemake.input.samples)
        values = expression(tables.read_matrix(snakemake.input.counts))
        found = score_signatures(
            values,
            samples,
            sets,
            this.rng,
            coverage=params.settings["coverage"],
            confidence=params.intervals["confidence"],
        )
        tables.write(found.scores, snakemake.output.scores)
        tables.write(found.table, snakemake.output.signatures)
        tables.write(enrich(values, samples, every), snakemake.output.enrichment)
