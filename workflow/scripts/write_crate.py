"""Describe what is under open/ as a Workflow Run RO-Crate, with the Snakefile beside it."""

import json
from pathlib import Path

from decidua import crate
from decidua.files import write_text
from decidua.job import job
from decidua.provenance import manifest, sha256

if __name__ == "__main__":
    with job(snakemake):
        params, output = snakemake.params, snakemake.output
        opened = Path(output.crate).parent
        workflow = Path(output.snakefile)
        write_text(Path(snakemake.input.snakefile).read_text(encoding="utf-8"), workflow)
        here = str(workflow.relative_to(opened))
        files = crate.open_files(manifest(snakemake.input.records, opened.parent), opened.parent)
        files.append(crate.OpenFile(here, sha256(workflow), workflow.stat().st_size))
        files += [crate.OpenFile(path) for path in params.not_hashed]
        document = crate.crate(
            str(opened.parent),
            records=[json.loads(Path(path).read_text("utf-8")) for path in snakemake.input.records],
            files=files,
            workflow=here,
            settings="config.yaml",
            name=f"Recurrent pregnancy loss, analysed: {snakemake.config['version']}",
            description=params.description,
            version=snakemake.config["version"],
            date=params.date,
            licence=params.licence,
        )
        crate.write(document, output.crate)
