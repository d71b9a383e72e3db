"""Describe the libraries and their main axes of variation; labels play no part."""

from decidua import tables
from decidua.expression import log2_normalised, principal_components, quality, size_factors
from decidua.job import job

if __name__ == "__main__":
    with job(snakemake):
        counts = tables.read_matrix(snakemake.input.counts)
        components = principal_components(
            log2_normalised(counts, size_factors(counts)), snakemake.params.settings["components"]
        )
        tables.write(quality(counts), snakemake.output.quality)
        tables.write(components.scores, snakemake.output.components)
        tables.write(components.explained, snakemake.output.variance)
