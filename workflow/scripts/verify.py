"""Say whether artifacts are what the manifest says and, if asked, the reference; if not, it is an error."""

from collections import Counter

from decidua.arithmetic import environment
from decidua.errors import InputError
from decidua.job import job
from decidua.provenance import installed, verify

if __name__ == "__main__":
    with job(snakemake):
        results, reference = snakemake.params.results, snakemake.params.reference
        verdicts = verify(results)
        tally = ", ".join(
            f"{count} {verdict}" for verdict, count in sorted(Counter(verdicts.values()).items())
        )
        print(f"{results}: {tally}", flush=True)
        wrong = [f"{verdict}: {path}" for path, verdict in verdicts.items() if verdict != "intact"]
        if reference:
            from decidua.reference import check_against  # heavy, and only now needed

            outcome = check_against(results, reference, environment(installed()))
            print(f"level: {outcome.level}", *outcome.lines(), sep="\n", flush=True)
            wrong += (
                [] if outcome.ok else [f"{reference}: found level {outcome.level}; expected {outcome.wanted}"]
            )
        if wrong:
            raise InputError(wrong)
