"""Choose, fit and test panels of few genes in the outer folds of the classifier; how stable is the choice?"""

from decidua import tables
from decidua.job import job
from decidua.learning.cross_validation import Settings
from decidua.learning.panels import PanelSettings, measure_panels

if __name__ == "__main__":
    with job(snakemake) as this:
        study = snakemake.wildcards.study
        counts = tables.read_matrix(snakemake.input.counts)
        samples = tables.read(snakemake.input.samples).set_index("sample")
        chosen = snakemake.params.panels
        panels = PanelSettings(
            chosen["panel"], chosen["panel_sizes"], chosen["panel_repeats"], chosen["pair_repeats"]
        )
        found = measure_panels(
            counts,
            samples["label"],
            samples["group"],
            Settings(**snakemake.params.settings),
            panels,
            this.stream("cross_validate", {"study": study}),  # for the same folds
            study,
            chosen["confidence"],
            samples.get("batch"),
        )
        tables.write(found.table, snakemake.output.panels)
        tables.write(found.genes, snakemake.output.genes)
        tables.write(found.pairs, snakemake.output.pairs)
