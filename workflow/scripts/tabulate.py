"""Compute one of the chapter's tables: a row a number, with interval, test, p and whom it counts."""

from decidua import tables
from decidua.job import job
from decidua.markers import marker_names, with_calls
from decidua.statistics.baseline import baseline
from decidua.statistics.regressions import regression
from decidua.statistics.settings import Settings
from decidua.statistics.tables import karyotype, live_birth, prevalence, trend

TABLES = {
    "baseline": baseline,
    "prevalence": prevalence,
    "live_birth": live_birth,
    "regression": regression,
    "trend": trend,
    "karyotype": karyotype,
}

if __name__ == "__main__":
    with job(snakemake):
        calls = tables.read(snakemake.input.markers)
        women = with_calls(tables.read(snakemake.input.cohort), calls)
        settings = Settings.of(snakemake.params.settings, markers=marker_names(calls))
        tables.write(TABLES[snakemake.wildcards.table](women, settings), snakemake.output.table)
