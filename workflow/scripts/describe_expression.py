"""Describe and check the libraries, and find their main axes of variation; labels play no part."""

from decidua import tables
from decidua.config import load_yaml
from decidua.expression import log2_normalised, principal_components, quality, size_factors
from decidua.job import job
from decidua.sample_checks import check_samples

if __name__ == "__main__":
    with job(snakemake):
        counts = tables.read_matrix(snakemake.input.counts)
        groups = tables.read(snakemake.input.samples).set_index("sample")["group"]
        components = principal_components(
            log2_normalised(counts, size_factors(counts)), snakemake.params.settings["components"]
        )
        libraries = quality(counts)
        checks = check_samples(
            counts,
            libraries,
            components,
            groups.loc[list(counts.columns)].tolist(),
            load_yaml(snakemake.input.sex_genes),
            snakemake.params.settings["sex_checks"],
        )
        tables.write(libraries.merge(checks.samples, on="sample"), snakemake.output.quality)
        tables.write(checks.summary, snakemake.output.summary)
        tables.write(components.scores, snakemake.output.components)
        tables.write(components.explained, snakemake.output.variance)
