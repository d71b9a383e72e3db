"""Adjust the p-values of the declared family of hypotheses together."""

import pandas as pd

from decidua import tables
from decidua.job import job
from decidua.statistics.family import family

if __name__ == "__main__":
    with job(snakemake):
        found = pd.concat([tables.read(path) for path in snakemake.input.tables], ignore_index=True)
        tables.write(family(found, snakemake.params.settings["family"]), snakemake.output.table)
