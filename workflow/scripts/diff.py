"""Say what changed between two versions, and why; the whole of it goes to tables."""

from pathlib import Path

from decidua import tables
from decidua.comparison import compare, summary
from decidua.errors import InputError
from decidua.job import job

TABLES = ("artifacts", "causes", "numbers", "texts", "only", "restricted")

if __name__ == "__main__":
    with job(snakemake):
        params = snakemake.params
        if not params.before:
            raise InputError("config: against: found null; expected a version: diff --config against=v0")
        if Path(params.before).resolve() == Path(params.after).resolve():
            raise InputError(f"config: against: found the version itself, {params.after}; expected another")
        comparison = compare(params.before, params.after)
        folder = Path(params.tables)
        folder.mkdir(parents=True, exist_ok=True)
        for name in TABLES:
            tables.write(getattr(comparison, name), folder / f"{name}.csv")
        print(*summary(comparison), f"In full: {folder}", sep="\n", flush=True)
