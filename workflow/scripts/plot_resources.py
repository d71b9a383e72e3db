"""Draw time and memory of each rule, as Snakemake measured them in this run."""

import pandas as pd

from decidua import tables
from decidua.figures.resources import plot_resources, resources_source
from decidua.job import job
from decidua.style import save

if __name__ == "__main__":
    with job(snakemake):
        measured = {path: pd.read_csv(path, sep="\t") for path in snakemake.input.benchmarks}
        source = resources_source(measured)
        tables.write(source, snakemake.output.source)
        save(plot_resources(source), [snakemake.output.png, snakemake.output.svg, snakemake.output.pdf])
