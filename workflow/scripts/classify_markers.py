"""Call each woman's blood markers normal, abnormal or unknown."""

from decidua import tables
from decidua.job import job
from decidua.markers import Panel, classify, describe_panel, prevalence_by_rule

if __name__ == "__main__":
    with job(snakemake):
        cohort = tables.read(snakemake.input.cohort)
        panel = Panel.load(snakemake.input.panel)
        calls = classify(cohort, panel, snakemake.params.combine)
        tables.write(calls, snakemake.output.markers)
        tables.write(describe_panel(panel), snakemake.output.panel)
        tables.write(prevalence_by_rule(cohort, panel, **snakemake.params.settings), snakemake.output.rules)
