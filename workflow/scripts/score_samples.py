"""Score samples of another matrix by a frozen model; where they are labelled, say how well it held."""

from decidua import results, tables
from decidua.gene_ids import read_identifiers
from decidua.job import job
from decidua.learning.frozen import read_model, score
from decidua.learning.validation import curves, found_rows, no_curves, validate
from decidua.new_samples import read_new_samples


def as_list(files):
    """Of one file or several."""
    return [files] if isinstance(files, str) else list(files)


if __name__ == "__main__":
    with job(snakemake) as this:
        params, name = snakemake.params, snakemake.wildcards.prediction
        model = read_model(snakemake.input.model)
        files, sheet = snakemake.input, dict(params.reading)
        reading = sheet.pop("reading") | {"transcripts": files.transcripts or None}
        identifiers = read_identifiers(files.identifiers) if files.identifiers else None
        counts, samples = read_new_samples(
            as_list(files.counts), files.samples or None, sheet, reading, model, identifiers
        )
        scores = score(
            model,
            counts,
            params.coverage,
            identifiers,
            ", ".join(as_list(files.counts)),
        )
        if samples is not None:
            validation = validate(scores.table, samples, model.threshold, name, params.confidence)
            roc, calibration = curves(scores.table, samples, params.confidence)
        else:
            place = {"analysis": "validation", "population": name, "quantity": "AUC"}
            validation = results.frame([results.not_estimable("the samples have no labels", **place)])
            roc, calibration = no_curves()
        tables.write(scores.table, snakemake.output.scores)
        tables.write(scores.genes[~scores.genes["found"]], snakemake.output.missing)
        tables.write(found_rows(scores, name), snakemake.output.coverage)
        tables.write(validation, snakemake.output.validation)
        tables.write(roc, snakemake.output.roc)
        tables.write(calibration, snakemake.output.calibration)
