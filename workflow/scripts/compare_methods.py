"""Compare the classifier's method with its challengers, in the same folds of one repeat."""

from decidua import tables
from decidua.job import job
from decidua.learning.cross_validation import Settings, evaluate_methods
from decidua.learning.method_comparison import method_table

if __name__ == "__main__":
    with job(snakemake) as this:
        counts = tables.read_matrix(snakemake.input.counts)
        samples = tables.read(snakemake.input.samples).set_index("sample")
        predictions = tables.read(snakemake.input.predictions)
        settings, asked = Settings(**snakemake.params.settings), snakemake.params.table
        others = [name for name in asked["challengers"] if name != settings.method]
        stream = this.stream("cross_validate", {"study": snakemake.wildcards.study})
        known = samples["label"], samples["group"]
        found = evaluate_methods(counts, *known, settings, others, stream, samples.get("batch"))
        found = {settings.method: predictions[predictions["repeat"] == 1]} | found
        table = method_table(found, settings.method, snakemake.wildcards.study, asked["confidence"])
        tables.write(table, snakemake.output.methods)
