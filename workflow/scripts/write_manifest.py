"""List every artifact with its hash, its rule and the fingerprint of the code that made it."""

import csv
from pathlib import Path

from decidua.job import job
from decidua.provenance import MANIFEST_COLUMNS, manifest

if __name__ == "__main__":
    with job(snakemake):
        path = Path(snakemake.output.manifest)
        rows = manifest(snakemake.input.records, path.parent)
        with path.open("w", encoding="utf-8", newline="") as handle:
            writer = csv.DictWriter(handle, MANIFEST_COLUMNS, delimiter="\t", lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
