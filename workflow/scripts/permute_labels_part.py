"""Run the classifier on a share of the permuted label vectors, as permute_labels would if it did them all."""

from decidua import tables
from decidua.job import job
from decidua.learning.cross_validation import Settings
from decidua.learning.permutation import permutation_test

if __name__ == "__main__":
    with job(snakemake) as this:
        counts = tables.read_matrix(snakemake.input.counts)
        samples = tables.read(snakemake.input.samples).set_index("sample")
        who = samples["label"], samples["group"], samples.get("batch")
        settings, wildcards = Settings(**snakemake.params.settings), snakemake.wildcards
        stream = this.stream("permute_labels", {"study": wildcards.study})
        asked = snakemake.params.permutation
        how = settings, stream, asked["permutations"], asked["permutation_engine"]
        draws = permutation_test(counts, *who, *how, int(wildcards.part), int(wildcards.parts))
        tables.write(draws, snakemake.output.permutations)
