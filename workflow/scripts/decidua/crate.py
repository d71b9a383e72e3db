"""What is in a version's open/ folder, and what made it, for machines? A Workflow Run RO-Crate, as JSON-LD.

Source: Workflow Run Crate 0.6 (https://w3id.org/ro/wfrun/workflow/0.6), which builds on Process Run Crate
0.6, Workflow RO-Crate 1.1 and RO-Crate 1.3.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from decidua.config import public
from decidua.errors import InputError
from decidua.files import write_text

METADATA = "ro-crate-metadata.json"
SPECIFICATION = "https://w3id.org/ro/crate/1.3"
ITSELF = {
    "@id": METADATA,
    "@type": "CreativeWork",
    "about": {"@id": "./"},
    "conformsTo": {"@id": SPECIFICATION},
}
PROFILES = [
    {"@id": uri, "@type": ["CreativeWork", "Profile"], "name": name, "version": uri.rpartition("/")[2]}
    for uri, name in (
        ("https://w3id.org/ro/wfrun/process/0.6", "Process Run Crate"),
        ("https://w3id.org/ro/wfrun/workflow/0.6", "Workflow Run Crate"),
        ("https://w3id.org/workflowhub/workflow-ro-crate/1.1", "Workflow RO-Crate"),
    )
]
#: As Workflow RO-Crate 1.1 lists it; its version is added.
LANGUAGE = {
    "@id": "https://w3id.org/workflowhub/workflow-ro-crate#snakemake",
    "@type": "ComputerLanguage",
    "name": "Snakemake",
    "identifier": "https://doi.org/10.1093/bioinformatics/bts480",
    "url": "https://snakemake.readthedocs.io",
}
#: The licence of the workflow itself, whatever that of the results is.
WORKFLOW_LICENCE = "MIT"
#: Written out, because Python's own table is not the same on every machine and in every version.
MEDIA_TYPES = {
    "": "text/plain",  # the Snakefile
    ".csv": "text/csv",
    ".html": "text/html",
    ".json": "application/json",
    ".md": "text/markdown",
    ".parquet": "application/vnd.apache.parquet",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".tsv": "text/tab-separated-values",
    ".txt": "text/plain",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".yaml": "application/yaml",
}
SYNTHETIC = "Synthetic: from reconstructed or simulated data, not from measurements of patients."
PARTLY_SYNTHETIC = "Files marked synthetic come from reconstructed or simulated data, not from patients."
OF_THIS_RUN = "Of this run only: not the same bytes in every run, hence without hash and size."
SNAKEFILE = "The study on one page; the rules and scripts it includes are in the workflow's own repository."
SETTINGS = "Every setting that decides what comes out."
OUTSIDE = "Went in from outside the results; known by its hash, not part of the crate."
RUN = "#run"

Entity = dict[str, Any]


@dataclass(frozen=True)
class OpenFile:
    """A file of the crate, by its path below open/.

    Without hash and size (in bytes) when it is not the same bytes in every run. `rule` made it.
    """

    path: str
    sha256: str | None = None
    size: int | None = None
    rule: str | None = None
    synthetic: bool = False


def open_files(rows: Iterable[Mapping[str, str]], results: str | Path) -> list[OpenFile]:
    """The artifacts under open/, with their sizes; the crate's own description is not one of them.

    Args:
        rows: the manifest's rows.
        results: the version's folder.
    """
    files = []
    for row in rows:
        path = PurePosixPath(row["path"])
        if path.is_relative_to("open") and path.name != METADATA:
            inside = str(path.relative_to("open"))
            size = Path(results, path).stat().st_size
            files.append(OpenFile(inside, row["sha256"], size, row["rule"], row["synthetic"] == "yes"))
    return files


def crate(
    results: str,
    *,
    records: Iterable[Mapping[str, Any]],
    files: Iterable[OpenFile],
    workflow: str,
    settings: str,
    name: str,
    description: str,
    version: str,
    date: str,
    licence: str,
) -> dict[str, Any]:
    """Describe a version's open/ folder as a Workflow Run RO-Crate.

    The same bytes in every run, so it holds no clock time; nor a user, a host or an absolute path. A file
    that went in from outside is named with its hash, not shipped: it may hold a row a woman.

    Args:
        results: the version's folder, as the records write it.
        records: what `decidua.provenance.record` made, one a job, in any order.
        files: everything under open/ but the description itself, in any order.
        workflow: which of the files is the Snakefile.
        settings: which of the files holds the run's settings.
        name, description: of the crate, for people.
        version: of the results.
        date: of publication, YYYY-MM-DD.
        licence: of the results, an SPDX identifier.

    Returns:
        The JSON-LD document: the entity of the document itself, the folder, then all else by `@id`.

    Raises:
        InputError: a path stands twice among the files, or the workflow or the settings are not among them.
    """
    records = list(records)
    by_path = _by_path(files, workflow, settings)
    packages, inputs = _packages(records), _inputs(records, results)
    entities = {path: _file(file) for path, file in by_path.items()}
    entities[settings]["description"] = SETTINGS
    entities[workflow] |= {
        "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
        "name": "Decidua",
        "description": SNAKEFILE,
        "license": _reference(_licence(WORKFLOW_LICENCE)),
        "programmingLanguage": _reference(LANGUAGE),
        "softwareRequirements": _references(packages),
    }
    made = [path for path, file in by_path.items() if file.sha256 and path not in (workflow, settings)]
    # No time and no agent (a SHOULD of the profile): the one would change the bytes of every run, the other
    # is not ours to publish. No FormalParameter (OPTIONAL): Snakemake has no slots for inputs and outputs,
    # and settings that are read from a fixed place must not have one.
    run = {
        "@id": RUN,
        "@type": "CreateAction",
        "name": f"Run of Decidua that made version {version} of the results",
        "description": f"{len(records)} jobs of {len({entry['rule'] for entry in records})} rules.",
        "instrument": _reference(entities[workflow]),
        "object": _references([entities[settings], *inputs]),
        "result": _references(entities[path] for path in made),
    }
    synthetic = any(file.synthetic for file in by_path.values())
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": name,
        "description": f"{description} {PARTLY_SYNTHETIC}" if synthetic else description,
        "version": version,
        "datePublished": date,
        "license": _reference(_licence(licence)),
        "conformsTo": _references(PROFILES),
        "hasPart": _references(entities.values()),
        "mainEntity": _reference(entities[workflow]),
        "mentions": _reference(run),
    }
    licences = [_licence(each) for each in {licence, WORKFLOW_LICENCE}]
    others = [*entities.values(), *inputs, *packages, *PROFILES, *licences, _language(packages), run]
    return {
        # Not the run profiles' own context: it has no term used here, and gives `sha256` another meaning.
        "@context": f"{SPECIFICATION}/context",
        "@graph": [ITSELF, root, *sorted(others, key=lambda entity: entity["@id"])],
    }


def write(document: Mapping[str, Any], path: str | Path) -> None:
    """Write the document as JSON with sorted keys."""
    write_text(json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n", path)


def _by_path(files: Iterable[OpenFile], workflow: str, settings: str) -> dict[str, OpenFile]:
    files = list(files)
    by_path = {file.path: file for file in sorted(files, key=lambda file: file.path)}
    problems = [
        f"open/: found no {path}; expected it there" for path in (workflow, settings) if path not in by_path
    ]
    if len(by_path) < len(files):
        twice = sorted(path for path, count in Counter(file.path for file in files).items() if count > 1)
        problems.append(f"open/: found {', '.join(twice)} more than once; expected each file once")
    if problems:
        raise InputError(problems)
    return by_path


def _file(file: OpenFile) -> Entity:
    entity: Entity = {
        "@id": quote(file.path),
        "@type": "File",
        "name": file.path,
        "encodingFormat": _media_type(file.path),
    }
    if file.sha256 is None:
        return entity | {"description": OF_THIS_RUN, "about": {"@id": RUN}}
    said = [f"Made by the rule {file.rule}."] if file.rule else []
    said += [SYNTHETIC] if file.synthetic else []
    entity |= {"sha256": file.sha256, "contentSize": str(file.size)}
    return entity | ({"description": " ".join(said)} if said else {})


def _media_type(path: str) -> str:
    return MEDIA_TYPES.get(PurePosixPath(path).suffix.lower(), "application/octet-stream")


def _inputs(records: Iterable[Mapping[str, Any]], results: str) -> list[Entity]:
    """The files that no job made, an entity for each content.

    A `File` whose `@id` starts with # is one that is deliberately not there (RO-Crate 1.3, File Data Entity).
    """
    names: dict[str, set[str]] = {}
    for entry in records:
        for path, digest in entry["inputs"].items():
            if not PurePosixPath(path).is_relative_to(results):
                names.setdefault(digest, set()).add(public(path))
    return [
        {
            "@id": f"#sha256-{digest}",
            "@type": "File",
            "name": ", ".join(sorted(names[digest])),
            "description": OUTSIDE,
            "encodingFormat": _media_type(min(names[digest])),
            "localPath": min(names[digest]),
            "sha256": digest,
        }
        for digest in sorted(names)
    ]


def _packages(records: Iterable[Mapping[str, Any]]) -> list[Entity]:
    """The packages that the jobs had loaded; one in two versions when it was renewed between jobs."""
    found = {(name, version) for entry in records for name, version in entry["packages"].items()}
    return [
        {
            "@id": f"pkg:pypi/{name}@{version}",  # a package URL: names no host
            "@type": "SoftwareApplication",
            "name": name,
            "version": version,  # and not softwareVersion: RO-Crate 1.3 demands this one
            "url": f"pkg:pypi/{name}@{version}",
        }
        for name, version in sorted(found)
    ]


def _language(packages: Iterable[Entity]) -> Entity:
    versions = [entity["version"] for entity in packages if entity["name"] == "snakemake"]
    return LANGUAGE | ({"version": ", ".join(versions)} if versions else {})


def _licence(identifier: str) -> Entity:
    return {
        "@id": f"https://spdx.org/licenses/{identifier}",
        "@type": "CreativeWork",
        "name": identifier,
        "description": f"The licence {identifier} of the SPDX list.",
    }


def _reference(entity: Entity) -> dict[str, str]:
    return {"@id": entity["@id"]}


def _references(entities: Iterable[Entity]) -> list[dict[str, str]]:
    return [_reference(entity) for entity in entities]
