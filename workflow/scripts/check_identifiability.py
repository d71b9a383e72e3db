"""Say whether the data can tell treatment from immunity, and who was left out after baseline."""

from decidua import tables
from decidua.job import job
from decidua.markers import marker_names, with_calls
from decidua.statistics.identifiability import identifiability
from decidua.statistics.settings import Settings

if __name__ == "__main__":
    with job(snakemake):
        calls = tables.read(snakemake.input.markers)
        women = with_calls(tables.read(snakemake.input.cohort), calls)
        settings = Settings.of(snakemake.params.settings, markers=marker_names(calls))
        found = identifiability(women, settings, tables.read(snakemake.input.flow))
        tables.write(found, snakemake.output.table)
