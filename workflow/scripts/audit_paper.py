"""Recompute a paper's printed numbers from its counts and from the run's rows."""

from pathlib import Path

from decidua import tables
from decidua.audit import audit
from decidua.config import load_yaml
from decidua.job import job

if __name__ == "__main__":
    with job(snakemake):
        claims = load_yaml(snakemake.input.claims)["claims"]
        computed = {Path(path).stem: tables.read(path) for path in snakemake.input.tables}
        verdicts = audit(snakemake.wildcards.paper, claims, computed)
        tables.write(verdicts, snakemake.output.audit)
