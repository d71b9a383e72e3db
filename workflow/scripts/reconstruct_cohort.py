"""Rebuild a published cohort row by row from its printed numbers."""

from decidua import tables
from decidua.config import load_yaml
from decidua.job import job
from decidua.markers import Panel
from decidua.reconstruction import reconstruct

if __name__ == "__main__":
    with job(snakemake) as this:
        facts = load_yaml(snakemake.input.facts)
        panel = Panel.load(snakemake.input.panel, load_yaml(snakemake.input.dictionary)["variables"])
        rebuilt = reconstruct(facts, snakemake.params.scenario, this.rng, panel)
        tables.write(rebuilt.cohort, snakemake.output.women)
        tables.write(rebuilt.constraints, snakemake.output.constraints)
