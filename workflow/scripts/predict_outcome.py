"""Ask whether immune tests would change what a woman is told of her next pregnancy."""

from decidua import tables
from decidua.config import load_yaml
from decidua.files import write_text
from decidua.job import job
from decidua.markers import Panel
from decidua.prediction.chapter import Words, chapter
from decidua.prediction.published import Published
from decidua.provenance import installed, sha256

if __name__ == "__main__":
    with job(snakemake) as this:
        files, params, output = snakemake.input, snakemake.params, snakemake.output
        settings = params.settings
        found = chapter(
            settings,
            tables.read(files.cohort),
            tables.read(files.markers),
            Panel.load(files.panel, load_yaml(files.dictionary)["variables"]),
            Words(
                title=settings["title"],
                labels=params.labels,
                units=settings["units"],
                synthetic=params.synthetic,
                provenance={
                    "version": snakemake.config["version"],
                    "seed": params.seed,
                    "packages": installed(),
                    "cohort_sha256": sha256(files.cohort),
                },
            ),
            this.rng,
            [
                Published.of(load_yaml(path), load_yaml(files.published_schema), path)
                for path in files.published
            ],
        )
        for name, table in found.tables.items():
            tables.write(table, output[name])
        tables.write(found.predictions, output.predictions)
        write_text(found.model, output.model)
