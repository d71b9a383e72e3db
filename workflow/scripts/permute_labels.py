"""Test by permuted labels whether the classifier tells more than chance, or gather the shares of it."""

from decidua import tables
from decidua.job import job
from decidua.learning.cross_validation import Settings
from decidua.learning.permutation import combine, permutation_test, summary

if __name__ == "__main__":
    with job(snakemake) as this:
        samples = tables.read(snakemake.input.samples).set_index("sample")
        who = samples["label"], samples["group"], samples.get("batch")
        settings, asked = Settings(**snakemake.params.settings), snakemake.params.permutation
        engine = asked["permutation_engine"]
        if snakemake.input.parts:
            parts = [tables.read(path) for path in snakemake.input.parts]
        else:
            counts = tables.read_matrix(snakemake.input.counts)
            parts = [permutation_test(counts, *who, settings, this.rng, asked["permutations"], engine)]
        draws = combine(parts)
        tables.write(draws, snakemake.output.permutations)
        test = summary(draws, *who, snakemake.wildcards.study, settings, engine)
        tables.write(test, snakemake.output.test)
