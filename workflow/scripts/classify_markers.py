"""Call each woman's blood markers normal, abnormal or unknown."""

from decidua import tables
from decidua.cases import IS_CASE, case_status, only_cases
from decidua.config import load_yaml
from decidua.grey_zone import distances, grey_zone_table
from decidua.job import job
from decidua.markers import Panel, classify, describe_panel, prevalence_by_rule

if __name__ == "__main__":
    with job(snakemake):
        params = snakemake.params
        settings = {key: params.settings[key] for key in ("group", "confidence")}
        cohort = tables.read(snakemake.input.cohort)
        dictionary = load_yaml(snakemake.input.dictionary)["variables"]
        panel = Panel.load(snakemake.input.panel, dictionary, params.grey_zone)
        calls = classify(cohort, panel, params.combine).join(distances(cohort, panel, params.combine))
        calls[IS_CASE] = case_status(cohort, params.settings["cases"])
        women = only_cases(cohort, params.settings["cases"])
        tables.write(calls, snakemake.output.markers)
        tables.write(describe_panel(panel), snakemake.output.panel)
        tables.write(prevalence_by_rule(women, panel, **settings), snakemake.output.rules)
        grey = grey_zone_table(women, panel, params.combine, **settings, caution=params.synthetic)
        tables.write(grey, snakemake.output.grey_zone)
