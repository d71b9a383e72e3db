"""Recompute a paper's printed numbers from one another and from the run's rows."""

from pathlib import Path

from decidua import tables
from decidua.audit.claims import load_paper
from decidua.audit.conflicts import conflicts
from decidua.audit.relations import linear_system
from decidua.audit.verdicts import audit
from decidua.job import job

if __name__ == "__main__":
    with job(snakemake):
        paper = load_paper(snakemake.input.claims)
        computed = {Path(path).stem: tables.read(path) for path in snakemake.input.tables}
        found = conflicts(*linear_system(paper))
        verdicts = audit(snakemake.wildcards.paper, paper, computed, found.found)
        tables.write(verdicts, snakemake.output.audit)
