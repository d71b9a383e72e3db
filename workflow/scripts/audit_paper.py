"""Recompute a paper's printed numbers from one another and from the run's rows."""

from pathlib import Path

from decidua import tables
from decidua.audit.claims import load_paper
from decidua.audit.conflicts import conflicts
from decidua.audit.relations import linear_system, table_tests
from decidua.audit.search import search_tests
from decidua.audit.summaries import conflict_table, verdict_table, with_conflicts
from decidua.audit.verdicts import audit, consistent
from decidua.job import job

if __name__ == "__main__":
    with job(snakemake):
        name, paper = snakemake.wildcards.paper, load_paper(snakemake.input.claims)
        computed = {Path(path).stem: tables.read(path) for path in snakemake.input.tables}
        unknowns, constraints = linear_system(paper)
        found = conflicts(unknowns, constraints)
        searches = search_tests(unknowns, consistent(constraints, found), table_tests(paper))
        verdicts = audit(name, paper, computed, found.found)
        colliding = conflict_table(name, paper, found.found, found.unfinished, searches)
        tables.write(with_conflicts(verdicts, colliding), snakemake.output.audit)
        tables.write(colliding, snakemake.output.conflicts)
        tables.write(verdict_table(verdicts, colliding), snakemake.output.verdicts)
