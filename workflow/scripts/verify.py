"""Say whether each artifact is what the manifest says; a departure is an error."""

from collections import Counter

from decidua.errors import InputError
from decidua.job import job
from decidua.provenance import verify

if __name__ == "__main__":
    with job(snakemake):
        verdicts = verify(snakemake.params.results)
        tally = ", ".join(
            f"{count} {verdict}" for verdict, count in sorted(Counter(verdicts.values()).items())
        )
        print(f"{snakemake.params.results}: {tally}", flush=True)
        if wrong := [f"{verdict}: {path}" for path, verdict in verdicts.items() if verdict != "intact"]:
            raise InputError(wrong)
