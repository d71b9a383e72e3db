"""Fingerprints of code, and records that say what made an artifact."""

import ast
import hashlib
import json

import pytest

from decidua.errors import InputError
from decidua.provenance import _imports, closure, fingerprint, manifest, record, write_record
from running import ROOT


def library(folder, **modules):
    """A scripts folder with a library of the given modules; "script" is the script."""
    (folder / "decidua").mkdir()
    (folder / "decidua/__init__.py").write_text("")
    for name, text in modules.items():
        place = folder if name == "script" else folder / "decidua"
        (place / f"{name}.py").write_text(text)
    return folder / "script.py"


def test_the_closure_follows_imports_of_imports(tmp_path):
    script = library(
        tmp_path,
        script="from decidua import a\nimport numpy\n",
        a="from decidua.b import x\n",
        b="x = 1\n",
        c="y = 1\n",
    )
    assert [path.stem for path in closure(script)] == ["script", "__init__", "a", "b"]


def test_an_import_inside_a_function_counts_too(tmp_path):
    script = library(tmp_path, script="def f():\n    import decidua.a\n", a="")
    assert "a" in [path.stem for path in closure(script)]


def test_modules_that_import_each_other_end(tmp_path):
    script = library(tmp_path, script="import decidua.a\n", a="import decidua.b\n", b="import decidua.a\n")
    assert [path.stem for path in closure(script)] == ["script", "__init__", "a", "b"]


def test_the_fingerprint_changes_with_a_module_that_is_reached_and_with_no_other(tmp_path):
    script = library(tmp_path, script="import decidua.a\n", a="x = 1\n", c="y = 1\n")
    before = fingerprint(script)
    (tmp_path / "decidua/c.py").write_text("y = 2\n")
    assert fingerprint(script) == before
    (tmp_path / "decidua/a.py").write_text("x = 2\n")
    assert fingerprint(script) != before


def made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").mkdir()
    (tmp_path / "results/out.csv").write_text("x\n")
    (tmp_path / "women.csv").write_text("secret\n")
    entry = record(
        rule="count",
        wildcards={"cohort": "a"},
        version="v1",
        params={"code": "abc", "seed": 1, "combine": "any"},
        inputs=[str(tmp_path / "women.csv")],
        outputs=["results/out.csv"],
        synthetic=True,
    )
    write_record(entry, "results/record.json")
    return entry


def test_a_record_says_what_went_in_and_what_came_out(tmp_path, monkeypatch):
    entry = made(tmp_path, monkeypatch)
    assert entry["outputs"] == {"results/out.csv": hashlib.sha256(b"x\n").hexdigest()}
    assert entry["settings"] == {"combine": "any"}
    assert (entry["fingerprint"], entry["seed"], entry["synthetic"]) == ("abc", 1, True)


def test_a_record_names_a_file_from_outside_without_its_folder(tmp_path, monkeypatch):
    entry = made(tmp_path, monkeypatch)
    assert list(entry["inputs"]) == ["women.csv"]
    assert str(tmp_path) not in json.dumps(entry)


def test_the_manifest_has_a_row_an_artifact_and_the_record_itself(tmp_path, monkeypatch):
    made(tmp_path, monkeypatch)
    rows = manifest(["results/record.json"], "results")
    assert [(row["path"], row["rule"], row["fingerprint"], row["synthetic"]) for row in rows] == [
        ("out.csv", "count", "abc", "yes"),
        ("record.json", "count", "abc", "yes"),
    ]


def test_a_damaged_record_is_named(tmp_path):
    path = tmp_path / "plot.json"
    for text in ('{"rule": "plot"} more', '{"rule": "plot"}', "[]"):
        path.write_text(text)
        with pytest.raises(InputError, match=r"plot\.json: found .*; expected the record of a job"):
            manifest([path], tmp_path)


def test_the_imports_of_every_module_are_those_that_python_parses():
    library = ROOT / "workflow/scripts"
    for path in sorted(library.rglob("*.py")):
        named = set()
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Import):
                named |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                named |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        stems = [
            library.joinpath(*name.split(".")[:depth])
            for name in named
            for depth in range(1, name.count(".") + 2)
        ]
        files = {file for stem in stems for file in (stem / "__init__.py", stem.with_suffix(".py"))}
        expected = {file for file in files if file.is_file() and "decidua" in file.parts}
        assert set(_imports(path, library)) == expected, path
