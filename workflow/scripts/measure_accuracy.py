"""Measure how well each marker tells women with losses from controls."""

from decidua import tables
from decidua.config import load_yaml
from decidua.job import job
from decidua.markers import Panel, with_calls
from decidua.statistics.accuracy import Design, accuracy, curves

if __name__ == "__main__":
    with job(snakemake) as this:
        params = snakemake.params
        calls = tables.read(snakemake.input.markers)
        women = with_calls(tables.read(snakemake.input.cohort), calls, controls=True)
        panel = Panel.load(snakemake.input.panel, load_yaml(snakemake.input.dictionary)["variables"])
        design = Design(**params.settings, prevalence=params.prevalence, resamples=params.bootstrap)
        tables.write(accuracy(women, panel, design, this.rng), snakemake.output.accuracy)
        tables.write(curves(women, panel, design), snakemake.output.curves)
