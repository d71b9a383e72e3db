"""Analyse the women under every definition of recurrent pregnancy loss and every combining rule."""

from decidua import tables
from decidua.cases import only_cases
from decidua.job import job
from decidua.markers import Panel
from decidua.statistics.multiverse import multiverse
from decidua.statistics.settings import Settings

if __name__ == "__main__":
    with job(snakemake):
        panel = Panel.load(snakemake.input.panel)
        chosen = dict(snakemake.params.settings)
        women = only_cases(tables.read(snakemake.input.women), chosen.pop("cases"))
        settings = Settings.of(chosen, markers=[marker.name for marker in panel.markers])
        table = multiverse(women, settings, panel, snakemake.params.combine)
        tables.write(table, snakemake.output.table)
