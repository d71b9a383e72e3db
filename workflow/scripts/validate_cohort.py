"""Turn a patient table into one typed cohort, or say everything that is wrong with it."""

from decidua import tables
from decidua.cohort import (
    enrolment_flow,
    group_sizes,
    mark_after_baseline,
    published_exclusions,
    read_cohort,
)
from decidua.config import load_yaml
from decidua.job import job
from decidua.variables import describe_variables, missing_values

if __name__ == "__main__":
    with job(snakemake):
        settings = dict(snakemake.params.settings)
        wanted, imported = read_cohort(
            snakemake.input.rows,
            load_yaml(snakemake.input.dictionary)["variables"],
            redcap_dictionary=snakemake.input.get("redcap"),
            synthetic=bool(snakemake.params.synthetic),
            **snakemake.params.table,
        )
        late = [
            rule["reason"] for rule in snakemake.params.table.get("exclude", []) if rule.get("after_baseline")
        ]
        if published := snakemake.input.get("published"):
            facts = load_yaml(published)
            imported = published_exclusions(imported, facts)
            late = facts["enrolment"].get("after_baseline", [])
        groups = group_sizes(imported.cohort, settings["group"], settings.pop("group_labels"))
        flow = enrolment_flow(imported.assessed, imported.excluded, len(imported.cohort), groups)
        flow = mark_after_baseline(flow, late)
        tables.write(imported.cohort, snakemake.output.cohort)
        tables.write(describe_variables(wanted), snakemake.output.dictionary)
        tables.write(flow, snakemake.output.flow)
        tables.write(missing_values(imported.cohort, wanted, **settings), snakemake.output.missing)
