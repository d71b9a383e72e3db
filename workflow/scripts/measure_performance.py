"""Measure held-out predictions: discrimination, accuracy beside the majority rate, calibration."""

from decidua import tables
from decidua.job import job
from decidua.learning.calibration import calibration_table
from decidua.learning.methods import NAMES
from decidua.learning.performance import roc_table, summary
from decidua.learning.precision_recall import precision_recall_table

if __name__ == "__main__":
    with job(snakemake):
        predictions = tables.read(snakemake.input.predictions)
        settings = snakemake.params.settings
        confidence, model = settings["confidence"], NAMES[settings["method"]]
        table = summary(predictions, snakemake.wildcards.study, model, confidence)
        tables.write(table, snakemake.output.performance)
        tables.write(roc_table(predictions, confidence), snakemake.output.roc)
        tables.write(precision_recall_table(predictions, confidence), snakemake.output.precision_recall)
        tables.write(calibration_table(predictions, confidence), snakemake.output.calibration)
