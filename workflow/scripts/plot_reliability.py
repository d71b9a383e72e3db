"""Draw precision and recall, calibration, and the main measures repeat by repeat."""

from decidua import tables
from decidua.figures.reliability import (
    calibration_source,
    plot_calibration,
    plot_precision_recall,
    plot_repeats,
    precision_recall_source,
    repeats_source,
)
from decidua.job import job
from decidua.style import save

if __name__ == "__main__":
    with job(snakemake):
        read = {name: tables.read(path) for name, path in snakemake.input.items()}
        performance = read["performance"]
        drawn = {
            "precision_recall": (
                plot_precision_recall,
                precision_recall_source(read["precision_recall"], performance),
            ),
            "calibration": (plot_calibration, calibration_source(read["calibration"], performance)),
            "repeats": (plot_repeats, repeats_source(performance)),
        }
        for name, (plot, source) in drawn.items():
            figure = plot(source, labels=snakemake.params.labels, synthetic=snakemake.params.synthetic)
            tables.write(source, snakemake.output[f"{name}_source"])
            save(figure, [snakemake.output[name + ending] for ending in ("", "_svg", "_pdf")])
