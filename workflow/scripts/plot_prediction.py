"""Draw how good the models of the next pregnancy are, what immune tests add, and how risks come about."""

from decidua import tables
from decidua.config import load_yaml
from decidua.errors import InputError
from decidua.figures import prediction, prediction_curves
from decidua.figures.nomogram import nomogram_source, plot_nomogram
from decidua.job import job
from decidua.prediction.model_file import read_model
from decidua.style import save

#: Of each figure that is drawn from a table, what it shows of it, and how.
DRAWN = {
    "performance": (prediction.performance_source, prediction.plot_performance),
    "calibration": (prediction_curves.calibration_source, prediction_curves.plot_calibration),
    "added_value": (prediction.added_value_source, prediction.plot_added_value),
    "decision_curves": (prediction_curves.decision_source, prediction_curves.plot_decision_curves),
    "strata": (prediction.strata_source, prediction.plot_strata),
    "blood_panel": (prediction.blood_panel_source, prediction.plot_blood_panel),
}


def nomogram(files, words):
    """The scales of the model and their figure; of no model an empty one with the reason."""
    try:
        model = read_model(files.model, load_yaml(files.schema))
    except InputError as error:
        source = nomogram_source(None)
        return source, plot_nomogram(source, **words, reason=str(error).partition(": ")[2])
    source = nomogram_source(model)
    return source, plot_nomogram(source, **words, event=model.about["event"])


if __name__ == "__main__":
    with job(snakemake):
        files, output = snakemake.input, snakemake.output
        words = {"labels": snakemake.params.labels, "synthetic": snakemake.params.synthetic}
        raised, pictures = tables.read(files.alarms), {}
        for name, (select, draw) in DRAWN.items():
            source = select(tables.read(files[name]))
            pictures[name] = source, draw(source, **words, alarms=prediction.alarms_beside(raised, name))
        pictures["nomogram"] = nomogram(files, words | {"alarms": prediction.alarms_beside(raised, "model")})
        for name, (source, figure) in pictures.items():
            tables.write(source, output[f"{name}_source"])
            save(figure, [output[name + ending] for ending in ("", "_svg", "_pdf")])
