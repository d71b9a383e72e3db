"""Measure held-out predictions: AUC, accuracy beside the majority rate, ROC curve, each with its interval."""

from decidua import marks, results, tables
from decidua.job import job
from decidua.learning.methods import NAMES
from decidua.learning.performance import roc_table, summary

if __name__ == "__main__":
    with job(snakemake):
        predictions = tables.read(snakemake.input.predictions)
        settings = snakemake.params.settings
        confidence, model = settings["confidence"], NAMES[settings["method"]]
        table = summary(predictions, snakemake.wildcards.study, model, confidence)
        caution = marks.cautions(snakemake.params.synthetic)
        tables.write(results.cautioned(table, caution), snakemake.output.performance)
        tables.write(roc_table(predictions, confidence), snakemake.output.roc)
