"""What does every job do besides its work? Log, seed and provenance record, in one context manager."""

import logging
import sys
import traceback
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from decidua.errors import InputError
from decidua.marks import carrying, is_synthetic
from decidua.provenance import record, write_record

if TYPE_CHECKING:
    import numpy as np
    from snakemake.iocontainers import Snakemake


@dataclass(frozen=True)
class Job:
    """The job at hand. `rng` is its own random stream; ask for it once."""

    rule: str
    wildcards: tuple[tuple[str, str], ...]
    seed: int | None

    @property
    def rng(self) -> "np.random.Generator":
        """A generator that depends on the seed, the rule and the wildcards, not on the order of jobs."""
        return self.stream(self.rule, dict(self.wildcards))

    def stream(self, rule: str, wildcards: Mapping[str, str]) -> "np.random.Generator":
        """The generator of that rule's job: who does a part of another's work draws from its stream."""
        import numpy as np

        if self.seed is None:
            raise RuntimeError(f"rule {self.rule} draws random numbers: give it `seed` among its params")
        name = "/".join([rule, *(f"{key}={value}" for key, value in sorted(wildcards.items()))])
        return np.random.default_rng(np.random.SeedSequence([self.seed, zlib.crc32(name.encode())]))


@contextmanager
def job(snakemake: "Snakemake") -> Iterator[Job]:
    """Run a script's work: everything it says, and a traceback if it fails, goes to the rule's log.

    Bad input is told in plain lines, without a traceback. When the work is done, the record of provenance is
    written to the output named `record`, if there is one. Of the params, `code` is the fingerprint, `seed`
    the seed and `synthetic` the marks (`decidua.marks`), among them that of data that are not of patients;
    the cautions among them go into every table that the job writes as CSV (`decidua.tables.write`).
    Inputs named `parts` are not recorded: they are pieces of the job's own work, made from its other inputs,
    as many as the execution asks for.
    """
    log = Path(snakemake.log[0])
    logging.basicConfig(
        filename=log, filemode="w", level=logging.INFO, format="%(levelname)s %(message)s", force=True
    )
    logging.captureWarnings(True)
    params = {name: value for name, value in snakemake.params.items()}
    wildcards = {name: str(value) for name, value in snakemake.wildcards.items()}
    this = Job(snakemake.rule, tuple(sorted(wildcards.items())), params.get("seed"))
    try:
        with carrying(params.get("synthetic")):
            yield this
        if snakemake.output.get("record"):
            _leave_record(snakemake, params, wildcards)
    except InputError as error:
        logging.error("%s", error)
        print(f"\n{error}\n", file=sys.stderr)
        raise SystemExit(1) from None
    except BaseException:
        logging.error("%s", traceback.format_exc())
        raise


def _leave_record(snakemake: "Snakemake", params: dict[str, Any], wildcards: dict[str, str]) -> None:
    entry = record(
        rule=snakemake.rule,
        wildcards=wildcards,
        version=snakemake.config["version"],
        params=params,
        inputs=[str(path) for path in snakemake.input if path not in snakemake.input.get("parts", ())],
        outputs=[str(path) for path in snakemake.output if path != snakemake.output.record],
        synthetic=is_synthetic(params.get("synthetic")),
    )
    write_record(entry, snakemake.output.record)
