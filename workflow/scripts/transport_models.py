"""Train on one study, test on another: every frozen model in every other study."""

from decidua import tables
from decidua.gene_ids import read_identifiers
from decidua.job import job
from decidua.learning.frozen import read_model
from decidua.learning.performance import WITHIN
from decidua.learning.validation import transport

if __name__ == "__main__":
    with job(snakemake):
        files, params = snakemake.input, snakemake.params
        names = params.studies
        models = dict(zip(names, map(read_model, files.models), strict=True))
        matrices = map(tables.read_matrix, files.counts)
        sheets = map(tables.read, files.samples)
        studies = dict(zip(names, zip(matrices, sheets, strict=True), strict=True))
        within = {}
        for name, path in zip(names, files.performance, strict=True):
            performance = tables.read(path)
            within[name] = performance[performance["quantity"] == WITHIN].iloc[0].to_dict()
        identifiers = {
            name: read_identifiers(path) if (path := params.identifiers[name]) else None for name in names
        }
        table = transport(models, studies, within, params.coverage, identifiers, params.confidence)
        tables.write(table, snakemake.output.table)
