"""Look at the regression of the outcome more closely: risks, interactions, curves, imputed covariates."""

from decidua import tables
from decidua.job import job
from decidua.markers import marker_names, with_calls
from decidua.statistics.models import models
from decidua.statistics.settings import Settings

if __name__ == "__main__":
    with job(snakemake) as this:
        calls = tables.read(snakemake.input.markers)
        women = with_calls(tables.read(snakemake.input.cohort), calls)
        settings = Settings.of(snakemake.params.settings, markers=marker_names(calls))
        tables.write(models(women, settings, this.rng), snakemake.output.table)
