"""Turn a patient table into one typed cohort, or say everything that is wrong with it."""

from decidua import tables
from decidua.cases import only_cases
from decidua.cohort import (
    analysed_sizes,
    describe_variables,
    enrolment_flow,
    import_cohort,
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
        if not params.columns:  # a reconstruction holds those variables that its paper prints
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
        groups = analysed_sizes(imported.cohort, **params.settings)
        flow = enrolment_flow(imported.assessed, imported.excluded, len(imported.cohort), groups)
        women = only_cases(imported.cohort, params.settings["cases"])
        tables.write(imported.cohort, snakemake.output.cohort)
        tables.write(describe_variables(wanted), snakemake.output.dictionary)
        tables.write(flow, snakemake.output.flow)
        tables.write(missing_values(women, wanted), snakemake.output.missing)
