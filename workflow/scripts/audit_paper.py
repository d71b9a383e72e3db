"""Recompute a paper's printed numbers from one another and from the run's rows."""

from pathlib import Path

from decidua import tables
from decidua.audit.claims import load_paper
from decidua.audit.conflicts import conflicts
from decidua.audit.relations import linear_system
from decidua.audit.summaries import conflict_table, verdict_table
from decidua.audit.verdicts import audit
from decidua.job import job

if __name__ == "__main__":
    with job(snakemake):
        name, paper = snakemake.wildcards.paper, load_paper(snakemake.input.claims)
        computed = {Path(path).stem: tables.read(path) for path in snakemake.input.tables}
        found = conflicts(*linear_system(paper))
        verdicts = audit(name, paper, computed, found.found)
        colliding = conflict_table(name, paper, found.found, found.unfinished)
        tables.write(verdicts, snakemake.output.audit)
        tables.write(colliding, snakemake.output.conflicts)
        tables.write(verdict_table(verdicts, colliding), snakemake.output.verdicts)
