"""Score the women of another table by a prediction model; where the outcome is known, say how it held."""

from decidua import results, tables
from decidua.cohort import read_cohort
from decidua.config import load_yaml
from decidua.errors import InputError
from decidua.job import job
from decidua.learning.validation import curves, no_curves
from decidua.prediction.model_file import read_model
from decidua.prediction.score import (
    coverage_rows,
    labelled,
    mapping_problems,
    outcome_problem,
    score,
    validation_rows,
)

if __name__ == "__main__":
    with job(snakemake) as this:
        files, params, output = snakemake.input, snakemake.params, snakemake.output
        name = snakemake.wildcards.prediction
        model = read_model(files.model, load_yaml(files.schema))
        wanted, imported = read_cohort(
            files.rows,
            load_yaml(files.dictionary)["variables"],
            redcap_dictionary=files.redcap or None,
            **params.table,
        )
        if problems := mapping_problems(model, wanted, str(files.rows)):
            raise InputError(problems)
        women = imported.cohort
        scored = score(model, women)
        columns = [variable.name for variable in wanted]
        if why := outcome_problem(model, women):
            place = {"analysis": "validation", "population": name, "quantity": "AUC"}
            validation = results.frame([results.not_estimable(why, **place)])
            roc, calibration = no_curves()
        else:
            known = labelled(scored, model, women)
            validation = validation_rows(*known, len(women), name, params.confidence)
            roc, calibration = curves(*known, params.confidence)
        tables.write(scored.table, output.scores)
        tables.write(coverage_rows(model, scored, columns, name, params.confidence), output.coverage)
        tables.write(validation, output.validation)
        tables.write(roc, output.roc)
        tables.write(calibration, output.calibration)
