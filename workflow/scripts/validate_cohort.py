"""Turn a patient table into one typed cohort, or say everything that is wrong with it."""

from decidua import tables
from decidua.cohort import (
    describe_variables,
    enrolment_flow,
    group_sizes,
    import_cohort,
    missing_values,
    published_exclusions,
    read_rows,
    variables,
)
from decidua.config import load_yaml
from decidua.definitions import Definition, apply_definition
from decidua.job import job

if __name__ == "__main__":
    with job(snakemake):
        params = snakemake.params
        rows = read_rows(snakemake.input.rows, params.sheet)
        dictionary = load_yaml(snakemake.input.dictionary)["variables"]
        if params.columns is None:
            dictionary = {name: entry for name, entry in dictionary.items() if name in rows}
        wanted = variables(dictionary, params.columns)
        imported = import_cohort(
            rows,
            wanted,
            missing=params.missing,
            exclude=params.exclude,
            synthetic=bool(params.synthetic),
            name=snakemake.input.rows,
        )
        if published := snakemake.input.get("published"):
            imported = published_exclusions(imported, load_yaml(published))
        settings = params.settings
        # The multiverse asks what other definitions would give: it needs the women whom this one leaves out.
        tables.write(imported.cohort, snakemake.output.before_definition)
        definition = Definition.of(settings["definition"])
        imported = apply_definition(imported, definition, snakemake.input.rows)
        groups = group_sizes(imported.cohort, settings["group"], settings["group_labels"])
        flow = enrolment_flow(imported.assessed, imported.excluded, len(imported.cohort), groups)
        tables.write(imported.cohort, snakemake.output.cohort)
        tables.write(describe_variables(wanted), snakemake.output.dictionary)
        tables.write(flow, snakemake.output.flow)
        tables.write(missing_values(imported.cohort, wanted), snakemake.output.missing)
