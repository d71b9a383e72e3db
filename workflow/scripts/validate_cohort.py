"""Turn a patient table into one typed cohort, or say everything that is wrong with it."""

from decidua import tables
from decidua.cases import only_cases
from decidua.cohort import (
    analysed_sizes,
    enrolment_flow,
    mark_after_baseline,
    published_exclusions,
    read_cohort,
)
from decidua.config import load_yaml
from decidua.definitions import Definition, apply_definition
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
        # The multiverse asks what other definitions would give: it needs the women whom this one leaves out.
        tables.write(imported.cohort, snakemake.output.before_definition)
        definition = Definition.of(settings.pop("definition"))
        shown = {key: settings.pop(key) for key in ("cases", "group_labels")}
        imported = apply_definition(imported, definition, snakemake.input.rows, shown["cases"])
        groups = analysed_sizes(imported.cohort, group=settings["group"], **shown)
        flow = enrolment_flow(imported.assessed, imported.excluded, len(imported.cohort), groups)
        flow = mark_after_baseline(flow, late)
        women = only_cases(imported.cohort, shown["cases"])
        tables.write(imported.cohort, snakemake.output.cohort)
        tables.write(describe_variables(wanted), snakemake.output.dictionary)
        tables.write(flow, snakemake.output.flow)
        tables.write(missing_values(women, wanted, **settings), snakemake.output.missing)
