"""Learn from all samples of a study, and write the model down so that it can score others."""

from decidua import tables
from decidua.files import write_text
from decidua.job import job
from decidua.learning.cross_validation import Settings, learn_all
from decidua.learning.frozen import freeze, to_json
from decidua.learning.model_card import about_model, model_card
from decidua.provenance import installed, sha256

if __name__ == "__main__":
    with job(snakemake) as this:
        params = snakemake.params
        counts = tables.read_matrix(snakemake.input.counts)
        samples = tables.read(snakemake.input.samples).set_index("sample", drop=False)
        model, genes = learn_all(
            counts,
            samples["label"],
            samples["group"],
            Settings(**params.settings),
            this.rng,
            samples.get("batch"),
        )
        about = about_model(
            title=params.title,
            labels=params.labels,
            synthetic=params.synthetic,
            samples=samples,
            genes=len(counts),
            settings=params.settings,
            penalty=model.penalty,
            performance=tables.read(snakemake.input.performance),
            version=snakemake.config["version"],
            seed=params.seed,
            packages=installed(),
            counts_sha256=sha256(snakemake.input.counts),
        )
        frozen = freeze(model, genes, about)
        write_text(to_json(frozen), snakemake.output.model)
        write_text(model_card(frozen, params.coverage), snakemake.output.card)
