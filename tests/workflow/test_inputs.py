"""Counts of several kinds through real runs: downloaded, and of a tool with a file a sample."""

import hashlib
import json

import pyarrow as pa
import pytest
import yaml

from running import snakemake
from serving import server

SAMPLES = [f"s{i}" for i in range(12)]
ROWS = [[10 + gene + i for i in range(12)] for gene in range(60)]
CONTENT = (
    "\t".join(["gene", *SAMPLES])
    + "\n"
    + "".join("\t".join([f"g{gene}", *map(str, row)]) + "\n" for gene, row in enumerate(ROWS))
).encode()
SHA256 = hashlib.sha256(CONTENT).hexdigest()
TABLE = "results/v1/restricted/studies/{}/counts.arrow"


def study(counts):
    return {
        "title": "Mine",
        "source": "counts",
        "counts": counts,
        "samples": "samples.tsv",
        "columns": {"sample": "sample", "label": "label"},
        "label": {"case": ["case"], "control": ["control"]},
    }


@pytest.fixture
def folder(tmp_path):
    """A working folder with a sample sheet, and STAR's counts of the same samples."""
    labels = [f"{sample}\t{'case' if i < 6 else 'control'}\n" for i, sample in enumerate(SAMPLES)]
    (tmp_path / "samples.tsv").write_text("sample\tlabel\n" + "".join(labels))
    (tmp_path / "star").mkdir()
    for i, sample in enumerate(SAMPLES):
        lines = [f"N_{what}\t5\t5\t5\n" for what in ("unmapped", "multimapping", "noFeature", "ambiguous")]
        lines += [f"g{gene}\t{row[i]}\t0\t{row[i]}\n" for gene, row in enumerate(ROWS)]
        (tmp_path / f"star/{sample}ReadsPerGene.out.tab").write_text("".join(lines))
    return tmp_path


def configured(folder, studies):
    config = {"cohorts": {"han2025": None}, "papers": {"han2025": None, "andersen2025": None}}
    config["studies"] = {"endometrium": None} | {name: study(counts) for name, counts in studies.items()}
    config["classifier"] = {"repeats": 1, "penalties": 3, "folds": 3, "inner_folds": 2}
    (folder / "study.yaml").write_text(yaml.safe_dump(config))
    return folder / "study.yaml"


def test_downloads_are_used_when_they_are_what_was_meant_and_folders_redo_what_a_file_changes(folder):
    with server(CONTENT) as (address, _):
        urls = {
            name: {"url": f"{address}/{kind}/{name}.tsv?key=secret", "sha256": SHA256}
            for name, kind in (("good", "whole"), ("short", "short"))
        }
        config = configured(folder, urls | {"star": "star"})
        run = snakemake(folder, *map(TABLE.format, (*urls, "star")), config=config)
        assert "short.tsv: found SHA-256 " in run.text and f"expected {SHA256}, as `sha256`" in run.text
        assert not (folder / TABLE.format("short")).exists()
        assert not (run.results / "provenance/validate_study/short.json").exists()
        assert "Traceback" not in run.text and "secret" not in run.text
        for name in ("good", "star"):
            table = pa.ipc.open_file(folder / TABLE.format(name)).read_all()
            assert table.column_names == ["gene", *SAMPLES]
            assert [list(row.values())[1:] for row in table.to_pylist()] == ROWS
        record = json.loads((run.results / "provenance/validate_study/good.json").read_text())
        assert record["inputs"]["good.tsv"] == SHA256 and address not in json.dumps(record)
        assert not [path for path in (folder / ".snakemake/storage").rglob("*") if path.is_file()]

    config = configured(folder, {"star": "star"})
    changed = folder / "star/s0ReadsPerGene.out.tab"
    changed.write_text(changed.read_text().replace("g1\t11\t0\t11", "g1\t12\t0\t12"))
    assert snakemake(folder, TABLE.format("star"), "-n", config=config).jobs() == {"validate_study": 1}
