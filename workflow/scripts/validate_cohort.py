"""Turn a patient table into one typed cohort, or say everything that is wrong with it."""

from decidua import tables
from decidua.cohort import (
    describe_variables,
    enrolment_flow,
    group_sizes,
    import_cohort,
    mark_after_baseline,
    missing_values,
    published_exclusions,
    read_rows,
    variables,
)
from decidua.config import load_yaml
from decidua.job import job

if __name__ == "__main__":
    with job(snakemake):
        params = snakemake.params
        rows = read_rows(snakemake.input.rows, params.sheet)
        dictionary = load_yaml(snakemake.input.dictionary)["variables"]
        wanted = variables(dictionary, params.columns)
        imported = import_cohort(
            rows,
            wanted,
            missing=params.missing,
            exclude=params.exclude,
            synthetic=bool(params.synthetic),
            name=snakemake.input.rows,
        )
        late = [rule["reason"] for rule in params.exclude if rule.get("after_baseline")]
        if published := snakemake.input.get("published"):
            facts = load_yaml(published)
            imported = published_exclusions(imported, facts)
            late = facts["enrolment"].get("after_baseline", [])
        groups = group_sizes(imported.cohort, params.settings["group"], params.settings["group_labels"])
        flow = enrolment_flow(imported.assessed, imported.excluded, len(imported.cohort), groups)
        flow = mark_after_baseline(flow, late)
        tables.write(imported.cohort, snakemake.output.cohort)
        tables.write(describe_variables(wanted), snakemake.output.dictionary)
        tables.write(flow, snakemake.output.flow)
        tables.write(missing_values(imported.cohort, wanted), snakemake.output.missing)
