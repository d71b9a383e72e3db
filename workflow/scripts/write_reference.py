"""Write the reference that later runs are verified against, from this version."""

from decidua.arithmetic import environment
from decidua.errors import InputError
from decidua.job import job
from decidua.provenance import installed, verify
from decidua.reference import write_reference

if __name__ == "__main__":
    with job(snakemake):
        results, reference = snakemake.params.results, snakemake.params.reference
        if not reference:
            raise InputError("config: against: found null; expected the folder to write the reference to")
        if wrong := [
            f"{verdict}: {path}" for path, verdict in verify(results).items() if verdict != "intact"
        ]:
            raise InputError(wrong)
        write_reference(results, reference, environment(installed()))
        print(f"{results} is now the reference {reference}", flush=True)
