"""Write when and on what kind of machine the run was made, with which packages."""

import json
import os
from datetime import UTC, datetime

from decidua import tables
from decidua.arithmetic import environment
from decidua.files import write_text
from decidua.job import job
from decidua.provenance import NOT_BYTE_STABLE, installed

if __name__ == "__main__":
    with job(snakemake):
        resources = tables.read(snakemake.input.resources)
        record = {
            "started": os.environ.get("DECIDUA_STARTED"),
            "ended": datetime.now(UTC).isoformat(timespec="seconds"),
            "execution": snakemake.config["execution"],
            "jobs": int(resources["jobs"].sum()),
            "job_seconds": round(float(resources["seconds"].sum()), 1),
            "environment": environment(installed()),
            "not_byte_stable": NOT_BYTE_STABLE,
        }
        write_text(json.dumps(record, indent=1) + "\n", snakemake.output.run)
