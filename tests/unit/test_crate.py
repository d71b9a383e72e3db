"""The description of open/ for machines: complete, self-contained, the same bytes, and valid."""

import io
import json
import re
import shutil
from itertools import permutations
from pathlib import Path

import pytest

from decidua.crate import METADATA, OpenFile, crate, open_files, write
from decidua.errors import InputError

WOMEN, COUNTS, PANEL, TABLE, FIGURE = ("a" * 64, "b" * 64, "c" * 64, "d" * 64, "e" * 64)
FILES = [
    OpenFile("config.yaml", "1" * 64, 10, "record_config"),
    OpenFile("workflow/Snakefile", "2" * 64, 20),
    OpenFile("cohorts/a/table 1.csv", TABLE, 30, "tabulate", synthetic=True),
    OpenFile("cohorts/a/figures/flow.png", FIGURE, 40, "plot_flow"),
    OpenFile("run/record.json"),
]
RECORDS = [
    {
        "rule": "validate_cohort",
        "inputs": {"/home/jane/women.xlsx": WOMEN, "workflow/resources/panels/lee2013.yaml": PANEL},
        "outputs": {"results/v1/restricted/cohorts/a/cohort.parquet": "f" * 64},
        "packages": {"pandas": "3.1.1", "snakemake": "9.27.1"},
    },
    {
        "rule": "tabulate",
        "inputs": {
            "results/v1/restricted/cohorts/a/cohort.parquet": "f" * 64,
            "../clinic/counts.tsv": COUNTS,
        },
        "outputs": {"results/v1/open/cohorts/a/table 1.csv": TABLE},
        "packages": {"pandas": "3.1.1", "scipy": "1.17.1", "snakemake": "9.27.1"},
    },
    {
        "rule": "plot_flow",
        "inputs": {"results/v1/open/cohorts/a/table 1.csv": TABLE},
        "outputs": {"results/v1/open/cohorts/a/figures/flow.png": FIGURE},
        "packages": {"matplotlib": "3.11.2", "snakemake": "9.27.1"},
    },
]


def described(files=FILES, records=RECORDS, **other):
    """The document of three made-up jobs."""
    given = {
        "workflow": "workflow/Snakefile",
        "settings": "config.yaml",
        "name": "A study",
        "description": "Its tables and figures.",
        "version": "v1",
        "date": "2026-11-24",
        "licence": "CC-BY-4.0",
    }
    return crate("results/v1", records=records, files=files, **given | other)


def entities(document):
    return {entity["@id"]: entity for entity in document["@graph"]}


def references(value):
    """Every `@id` that is pointed to."""
    if isinstance(value, dict):
        return [value["@id"]] if set(value) == {"@id"} else references(list(value.values()))
    return [each for part in value for each in references(part)] if isinstance(value, list) else []


def ids(value):
    return [reference["@id"] for reference in value]


def text(document):
    return json.dumps(document)


def test_every_file_is_a_part_with_its_hash_size_and_format():
    found = entities(described())
    assert set(ids(found["./"]["hasPart"])) == {
        "config.yaml",
        "workflow/Snakefile",
        "cohorts/a/table%201.csv",  # RO-Crate 1.3: an @id is a URI reference, a space is %20
        "cohorts/a/figures/flow.png",
        "run/record.json",
    }
    table = found["cohorts/a/table%201.csv"]
    assert (table["sha256"], table["contentSize"], table["encodingFormat"]) == (TABLE, "30", "text/csv")
    assert found["cohorts/a/figures/flow.png"]["encodingFormat"] == "image/png"


def test_every_id_is_there_once_and_every_reference_leads_somewhere():
    document = described()
    all_ids = ids(document["@graph"])
    assert len(all_ids) == len(set(all_ids))
    # What the document itself conforms to is the specification, which is not part of the crate.
    assert set(references(document["@graph"])) <= {*all_ids, "https://w3id.org/ro/crate/1.3"}


def test_the_profiles_are_those_that_go_together():
    # The compatibility table of Workflow Run Crate 0.6's changelog.
    found = entities(described())
    assert found[METADATA]["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.3"}
    assert set(ids(found["./"]["conformsTo"])) == {
        "https://w3id.org/ro/wfrun/process/0.6",
        "https://w3id.org/ro/wfrun/workflow/0.6",
        "https://w3id.org/workflowhub/workflow-ro-crate/1.1",
    }


def test_the_snakefile_is_the_main_entity_with_its_language_and_packages():
    found = entities(described())
    snakefile = found[found["./"]["mainEntity"]["@id"]]
    assert snakefile["@id"] == "workflow/Snakefile"
    assert snakefile["@type"] == ["File", "SoftwareSourceCode", "ComputationalWorkflow"]
    assert found[snakefile["programmingLanguage"]["@id"]]["version"] == "9.27.1"
    packages = [found[each] for each in ids(snakefile["softwareRequirements"])]
    assert {package["name"]: package["version"] for package in packages} == {
        "matplotlib": "3.11.2",
        "pandas": "3.1.1",
        "scipy": "1.17.1",
        "snakemake": "9.27.1",
    }


def test_the_run_leads_from_settings_and_outside_files_to_the_artifacts():
    found = entities(described())
    run = found[found["./"]["mentions"]["@id"]]
    assert run["instrument"] == {"@id": "workflow/Snakefile"}
    assert {found[each].get("sha256") for each in ids(run["object"])} == {"1" * 64, WOMEN, COUNTS, PANEL}
    assert set(ids(run["result"])) == {"cohorts/a/table%201.csv", "cohorts/a/figures/flow.png"}


def test_a_file_from_outside_is_described_and_is_no_part():
    document = described()
    women = entities(document)[f"#sha256-{WOMEN}"]
    assert (women["@type"], women["name"], women["sha256"]) == ("File", "women.xlsx", WOMEN)
    assert not [part for part in ids(entities(document)["./"]["hasPart"]) if part.startswith("#")]


def test_one_content_under_two_names_is_one_file_from_outside():
    copied = {**RECORDS[0], "inputs": {"copy.xlsx": WOMEN}}
    found = entities(described(records=[*RECORDS, copied]))
    assert found[f"#sha256-{WOMEN}"]["name"] == "copy.xlsx, women.xlsx"


def test_a_name_of_two_contents_is_two_files_from_outside():
    other_clinic = {**RECORDS[0], "inputs": {"women.xlsx": "9" * 64}}
    found = entities(described(records=[*RECORDS, other_clinic]))
    assert found[f"#sha256-{WOMEN}"]["name"] == found["#sha256-" + "9" * 64]["name"] == "women.xlsx"


def test_nothing_restricted_and_no_absolute_path_shows():
    shown = text(described())
    assert "restricted" not in shown and "parquet" not in shown
    assert "jane" not in shown and "clinic" not in shown
    assert not re.search(r'"(/|~|\.\./|[A-Za-z]:\\\\)', shown)


def test_what_is_not_byte_stable_has_neither_hash_nor_size():
    found = entities(described())
    record = found["run/record.json"]
    assert not {"sha256", "contentSize"} & set(record)
    assert record["about"] == {"@id": found["./"]["mentions"]["@id"]}


def test_synthetic_is_said_of_the_file_and_of_the_whole():
    found = entities(described())
    assert "Synthetic" in found["cohorts/a/table%201.csv"]["description"]
    assert "Synthetic" not in found["cohorts/a/figures/flow.png"]["description"]
    assert "synthetic" in found["./"]["description"]


def test_nothing_is_called_synthetic_when_nothing_is():
    assert "synthetic" not in text(described(files=[file for file in FILES if not file.synthetic])).lower()


def test_the_order_of_records_and_files_does_not_matter(tmp_path):
    written = set()
    for records, files in zip(permutations(RECORDS), permutations(FILES), strict=False):
        write(described(files, records), tmp_path / METADATA)
        written.add((tmp_path / METADATA).read_bytes())
    assert len(written) == 1
    assert written.pop().endswith(b"}\n")


def test_the_only_date_is_the_one_handed_in():
    document = described(date="1999-12-31")
    assert re.findall(r"\d{4}-\d{2}-\d{2}", text(document)) == ["1999-12-31"]
    assert not {"startTime", "endTime", "agent"} & set(entities(document)["#run"])


def test_the_workflow_keeps_its_licence_whatever_that_of_the_results():
    found = entities(described(licence="CC0-1.0"))
    assert found["./"]["license"] == {"@id": "https://spdx.org/licenses/CC0-1.0"}
    assert found["workflow/Snakefile"]["license"] == {"@id": "https://spdx.org/licenses/MIT"}


def test_a_missing_workflow_and_a_file_given_twice_are_both_told():
    with pytest.raises(InputError) as error:
        described(files=[*FILES[:1], *FILES[2:], FILES[2]])
    assert str(error.value).splitlines() == [
        "open/: found no workflow/Snakefile; expected it there",
        "open/: found cohorts/a/table 1.csv more than once; expected each file once",
    ]


def test_of_the_manifest_only_what_is_open_is_taken(tmp_path):
    rows = []
    for path in ("open/a.csv", f"open/{METADATA}", "restricted/women.parquet", "provenance/tabulate.json"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text("abc")
        rows.append({"path": path, "sha256": TABLE, "rule": "tabulate", "synthetic": "yes"})
    assert open_files(rows, tmp_path) == [OpenFile("a.csv", TABLE, 3, "tabulate", synthetic=True)]


# What follows asks other tools: pip install rocrate==0.16.0 roc-validator==0.13.0. They are not in our
# environment: they bring thirty packages with them, and no result needs one.


def on_disk(folder, document):
    """A crate as it is deposited."""
    for file in FILES:
        (folder / file.path).parent.mkdir(parents=True, exist_ok=True)
        (folder / file.path).write_text("x")
    write(document, folder / METADATA)
    return folder


def test_rocrate_reads_it(tmp_path):
    rocrate = pytest.importorskip("rocrate.rocrate")
    read = rocrate.ROCrate(on_disk(tmp_path, described()))
    assert read.version == "1.3"
    assert read.mainEntity.id == "workflow/Snakefile"
    assert len(read.data_entities) == len(FILES)


# The validator knows Workflow Run Crate 0.5 and not yet 0.6. By the changelog of 0.6 they differ in the
# versions that they stand on and in four addresses of the context.
EARLIER = {
    "wfrun/process/0.6": "wfrun/process/0.5",
    "wfrun/workflow/0.6": "wfrun/workflow/0.5",
    "workflow-ro-crate/1.1": "workflow-ro-crate/1.0",
    "ro/crate/1.3": "ro/crate/1.1",
}
EARLIER_TERMS = {
    "ComputationalWorkflow": "https://bioschemas.org/ComputationalWorkflow",
    "FormalParameter": "https://bioschemas.org/FormalParameter",
    "input": "https://bioschemas.org/ComputationalWorkflow#input",
    "output": "https://bioschemas.org/ComputationalWorkflow#output",
}


@pytest.fixture
def validate(tmp_path):
    """The issues that roc-validator finds at level REQUIRED, without a network."""
    pytest.importorskip("rocrate_validator")
    pytest.importorskip("rocrate")
    from importlib.resources import files

    from requests import Request, Response
    from requests_cache import CachedSession
    from rocrate_validator import services
    from urllib3 import HTTPResponse

    # rocrate ships the context of RO-Crate 1.3; put in the validator's cache, it need not be fetched.
    context = json.loads(files("rocrate").joinpath("data/ro-crate.jsonld").read_text(encoding="utf-8"))
    earlier = {"@context": context["@context"] | EARLIER_TERMS}
    session = CachedSession(str(tmp_path / "cache"), backend="sqlite", expire_after=-1)
    for url, content in {"1.3": context, "1.1": earlier}.items():
        response = Response()
        response.status_code, response.url = 200, f"https://w3id.org/ro/crate/{url}/context"
        response.headers["Content-Type"] = "application/ld+json"
        response.request = Request("GET", response.url).prepare()
        response._content = json.dumps(content).encode()
        response.raw = HTTPResponse(io.BytesIO(response.content), dict(response.headers), status=200)
        session.cache.save_response(response)
    session.close()

    def issues(folder, profile):
        settings = services.ValidationSettings(
            rocrate_uri=str(folder),
            profile_identifier=profile,
            requirement_severity="REQUIRED",
            offline=True,
            cache_path=tmp_path / "cache",
        )
        return [issue.message for issue in services.validate(settings).get_issues()]

    return issues


def test_roc_validator_finds_nothing_against_ro_crate(tmp_path, validate):
    assert validate(on_disk(tmp_path / "open", described()), "ro-crate-1.3") == []


def test_roc_validator_finds_nothing_against_the_workflow_run_profile(tmp_path, validate):
    assert validate(on_disk(tmp_path / "open", earlier_version(described())), "workflow-run-crate-0.5") == []


def test_roc_validator_finds_nothing_in_the_crate_of_the_study(tmp_path, validate):
    """That of `make`, of which `make test-crate` makes sure; all the files it names are there too."""
    made = Path(__file__).parents[2] / "results/v1/open"
    if not (made / METADATA).exists():
        pytest.skip("no study was run in this folder")
    assert validate(made, "ro-crate-1.3") == []
    copy = shutil.copytree(made, tmp_path / "open")
    write(earlier_version(json.loads((copy / METADATA).read_text(encoding="utf-8"))), copy / METADATA)
    assert validate(copy, "workflow-run-crate-0.5") == []


def test_roc_validator_would_find_a_run_without_its_workflow(tmp_path, validate):
    document = earlier_version(described())
    del entities(document)["#run"]["instrument"]
    assert validate(on_disk(tmp_path / "open", document), "workflow-run-crate-0.5") != []


def earlier_version(document):
    """The same crate under the profiles that the validator knows."""
    shown = text(document)
    for now, before in EARLIER.items():
        shown = shown.replace(now, before)
    return json.loads(shown)
