"""What made this artifact? Fingerprints of code, a record a job, one manifest for all."""

import csv
import hashlib
import importlib.metadata
import json
import re
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from decidua.errors import InputError
from decidua.files import write_text

PACKAGES = (
    "numpy",
    "scipy",
    "pandas",
    "pyarrow",
    "statsmodels",
    "scikit-learn",
    "firthmodels",
    "pydeseq2",
    "anndata",
    "matplotlib",
    "seaborn",
    "pillow",
    "openpyxl",
    "jinja2",
    "threadpoolctl",
    "snakemake",
)
MODULE_OF = {"scikit-learn": "sklearn", "pillow": "PIL"}
#: The folder that holds the Snakefile.
WORKFLOW = Path(__file__).resolve().parents[3]
#: Where Snakemake keeps downloads while jobs use them.
DOWNLOADS = ".snakemake/storage"
#: What the manifest cannot list: itself, the record of the job that wrote it, the mark of a frozen version.
UNLISTED = ("manifest.tsv", "provenance/write_manifest.json", "frozen")
#: What open/run/ holds; anything else there is foreign.
RUN_FILES = ("resources.png", "resources.svg", "resources.pdf", "resources.csv", "record.json")
#: What is not the same bytes in every run, with the reason; the manifest and the crate know no hash of it.
NOT_BYTE_STABLE = {
    **{f"open/run/{name}": "times, memory and the clock of the run at hand" for name in RUN_FILES},
    "benchmarks": "seconds and memory of each job, as measured",
    "logs": "what jobs said, with paths of the machine at hand",
}
MANIFEST_COLUMNS = ("path", "sha256", "rule", "fingerprint", "synthetic")


def sha256(path: str | Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with Path(path).open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def fingerprint(script: str | Path) -> str:
    """A hash of a script and of every library module that it imports, directly or not.

    Snakemake watches the script alone; with this value among a rule's params, an edit of a module redoes
    exactly the jobs whose script reaches it.
    """
    digest = hashlib.sha256()
    for path in closure(script):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def closure(script: str | Path) -> list[Path]:
    """A script and the files of the `decidua` modules that it imports, directly or not, in a fixed order."""
    script = Path(script).resolve()
    library = script.parent
    reached: set[Path] = set()
    waiting = [script]
    while waiting:
        path = waiting.pop()
        if path not in reached:
            reached.add(path)
            waiting += _imports(path, library)
    return [script, *sorted(reached - {script})]


@cache
def _imports(path: Path, library: Path) -> tuple[Path, ...]:
    """The files of the modules that a file itself imports.

    Lines are read, not parsed: parsing all modules is most of what a plan would cost. A line of a text that
    looks like an import counts as one.
    """
    modules = _modules(library)
    found = set()
    for module, names, alone in _IMPORT.findall(path.read_text(encoding="utf-8")):
        for name in _NAME.findall(names) or [""]:
            parts = [*(module or alone).split("."), name]
            # Importing a.b.c runs a/__init__.py and a/b/__init__.py too.
            found |= {modules.get(".".join(parts[:depth])) for depth in range(1, len(parts) + 1)}
    return tuple(sorted(found - {None}))


#: `from decidua.x import (y as z, ...)` and `import decidua.x`.
_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+(decidua[\w.]*)[ \t]+import[ \t]*(\([^)]*\)|[^\n]*)|import[ \t]+(decidua[\w.]*))",
    re.MULTILINE,
)
_NAME = re.compile(r"\w+")


@cache
def _modules(library: Path) -> dict[str, Path]:
    """Dotted name to file of every module of the library beside the scripts."""
    files = (library / "decidua").rglob("*.py")
    names = {path: path.relative_to(library).with_suffix("").parts for path in files}
    return {".".join(p for p in parts if p != "__init__"): path for path, parts in names.items()}


def record(
    *,
    rule: str,
    wildcards: Mapping[str, str],
    version: str,
    params: Mapping[str, Any],
    inputs: Iterable[str],
    outputs: Iterable[str],
    synthetic: bool,
) -> dict[str, Any]:
    """One job's provenance: what went in, what came out, by which code, settings, seed and packages.

    Holds no clock time, user, host or absolute path; a file from outside the working folder and the
    workflow's own goes by its name.
    """
    return {
        "rule": rule,
        "wildcards": dict(sorted(wildcards.items())),
        "version": version,
        "fingerprint": params.get("code"),
        "synthetic": synthetic,
        "seed": params.get("seed"),
        "settings": {name: value for name, value in sorted(params.items()) if name not in ("code", "seed")},
        "inputs": {_shown(path): sha256(path) for path in inputs},
        "outputs": {_shown(path): sha256(path) for path in outputs},
        "packages": {
            name: version for name, version in installed().items() if MODULE_OF.get(name, name) in sys.modules
        },
    }


def installed() -> dict[str, str]:
    """Name to version of the packages that results can depend on; not of those that are not there."""
    found = {}
    for name in PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def _shown(path: str) -> str:
    """A path as a record may show it: below the working folder or the workflow's own, else its name alone.

    Of a download as well, whose place in Snakemake's own folder would name a server.
    """
    if Path(path).is_relative_to(DOWNLOADS):
        return Path(path).name
    if not Path(path).is_absolute():
        return str(path)
    inside = Path(path).is_relative_to(WORKFLOW)
    return Path(path).relative_to(WORKFLOW).as_posix() if inside else Path(path).name


def write_record(entry: Mapping[str, Any], path: str | Path) -> None:
    """Write a record as JSON with sorted keys."""
    text = json.dumps(entry, indent=1, sort_keys=True, ensure_ascii=False, default=str)
    write_text(text + "\n", path)


def read_record(path: str | Path) -> dict[str, Any]:
    """Read what `write_record` wrote.

    Raises:
        InputError: it is damaged; the text names the file.
    """
    try:
        entry = json.loads(Path(path).read_text(encoding="utf-8"))
        entry["inputs"].items(), entry["outputs"].items(), entry["rule"], entry["version"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path}: found {error!r} on reading it; expected the record of a job. Delete it and run again"
        ) from None
    return entry


def manifest(records: Iterable[str | Path], results: str | Path) -> list[dict[str, str]]:
    """Every artifact of the records, a row each, sorted by path.

    Args:
        records: files that `write_record` wrote.
        results: the version's folder; paths are given relative to it.
    """
    rows = []
    for path in records:
        entry = read_record(path)
        outputs = {**entry["outputs"], str(path): sha256(path)}
        for output, digest in outputs.items():
            rows.append(
                {
                    "path": str(Path(output).relative_to(results)),
                    "sha256": digest,
                    "rule": entry["rule"],
                    "fingerprint": entry["fingerprint"] or "",
                    "synthetic": "yes" if entry["synthetic"] else "no",
                }
            )
    return sorted(rows, key=lambda row: row["path"])


def verify(results: str | Path) -> dict[str, str]:
    """Whether each artifact is what the manifest says, by recomputing its hash; nothing is made anew.

    Args:
        results: the version's folder, with manifest.tsv.

    Returns:
        Path (relative to the folder) to intact, changed, missing, foreign (a file that no job of the manifest
        made) or stale (made from other bytes of an artifact than those that the artifact's own job made),
        sorted by path. The manifest itself and what is not byte-stable are not looked at.

    Raises:
        InputError: there is no manifest, or a record is damaged.
    """
    results = Path(results)
    try:
        with (results / "manifest.tsv").open(encoding="utf-8", newline="") as handle:
            listed = {row["path"]: row["sha256"] for row in csv.DictReader(handle, delimiter="\t")}
    except FileNotFoundError:
        raise InputError(
            f"{results}: found no manifest.tsv; expected the results of a finished run"
        ) from None
    verdicts = {path: _verdict(results / path, digest) for path, digest in listed.items()}
    for path in _stale(results) & verdicts.keys():
        if verdicts[path] == "intact":
            verdicts[path] = "stale"
    for file in results.rglob("*"):
        path = file.relative_to(results)
        if file.is_file() and byte_stable(path) and path.as_posix() not in UNLISTED:
            verdicts.setdefault(path.as_posix(), "foreign")
    return dict(sorted(verdicts.items()))


def _stale(results: Path) -> set[str]:
    """The artifacts whose record names another hash of an input than the record of the job that made it."""
    records = [read_record(path) for path in sorted((results / "provenance").rglob("*.json"))]
    made = {path: digest for entry in records for path, digest in entry["outputs"].items()}
    stale = set()
    for entry in records:
        if any(made.get(path, digest) != digest for path, digest in entry["inputs"].items()):
            # Paths of records begin with the version's folder, wherever that was.
            stale |= {path.partition(f"{entry['version']}/")[2] for path in entry["outputs"]}
    return stale


def byte_stable(path: Path) -> bool:
    """Whether a path, relative to the version's folder, is the same bytes in every run."""
    return not any(path.is_relative_to(place) for place in NOT_BYTE_STABLE)


def _verdict(file: Path, digest: str) -> str:
    if not file.is_file():
        return "missing"
    return "intact" if sha256(file) == digest else "changed"
