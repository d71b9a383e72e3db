"""A batch tied to class, accepted: nothing leaves the study, or a model of it, without saying so."""

import csv
import re

import numpy as np
import yaml

from decidua import marks
from running import snakemake

SHEET = {"sample": "sample", "label": "label", "batch": "run"}
STUDY = {
    "title": "Mine",
    "source": "counts",
    "counts": "counts.tsv",
    "samples": "samples.tsv",
    "columns": SHEET,
    "label": {"case": ["case"], "control": ["control"]},
    "classifier": {"accept_tied_batch": True},
}
QUICK = {"repeats": 1, "penalties": 3, "folds": 3, "inner_folds": 2, "challengers": [], "permutations": 2}
QUICK |= {"panel": 2, "panel_sizes": [2], "panel_repeats": 1, "pair_repeats": 1, "random_panels": 20}
ONLY_HERE = {"cohorts": {"han2025": None}, "papers": {"han2025": None}}


def labelled(cases):
    return {sample: "case" if sample < cases else "control" for sample in range(2 * cases)}


def written(folder, cases, batch):
    """A matrix of 60 genes, of which ten differ, and its sheet, in files of the folder."""
    rng = np.random.default_rng(1)
    labels = labelled(cases)
    shift = np.outer(np.arange(60) < 10, [label == "case" for label in labels.values()])
    counts = rng.poisson(60 * np.exp(0.4 * shift + rng.normal(0, 0.3, shift.shape)))
    lines = ["\t".join(["gene", *(f"s{sample}" for sample in labels)])]
    lines += ["\t".join([f"g{gene}", *map(str, row)]) for gene, row in enumerate(counts)]
    (folder / "counts.tsv").write_text("\n".join(lines) + "\n")
    rows = [f"s{sample}\t{label}\t{batch(sample, label)}" for sample, label in labels.items()]
    (folder / "samples.tsv").write_text("\n".join(["sample\tlabel\trun", *rows]) + "\n")


def test_every_output_of_a_study_with_a_tied_batch_says_so(tmp_path):
    written(tmp_path, 10, lambda sample, label: label)
    prediction = {key: STUDY[key] for key in ("title", "counts", "samples", "label")}
    prediction["columns"] = {"sample": "sample", "label": "label"}
    expression = {"differential": "screen", "resamplings": 10, "null_draws": 19, "subgroups": 2}
    config = ONLY_HERE | {
        "studies": {"endometrium": None, "mine": STUDY},
        "classifier": QUICK,
        "expression": expression,
        "predictions": {"again": prediction | {"model": "mine"}},
    }
    (tmp_path / "tied.yaml").write_text(yaml.safe_dump(config))
    run = snakemake(tmp_path, "expression", "classifier", "predict", overlays=[tmp_path / "tied.yaml"])
    assert run.status == 0, run.text
    open_files = [path for path in (run.results / "open").rglob("*") if path.is_file()]
    found = {path for path in open_files if path.suffix in {".csv", ".json", ".md", ".svg"}}
    found |= {*run.results.glob("restricted/*/*/*.csv"), *run.results.glob("restricted/**/*.svg")}
    said = {path: path.read_text(encoding="utf-8") for path in found}
    silent = {
        str(path.relative_to(run.results)) for path, text in said.items() if not in_every_row(path, text)
    }
    assert not silent
    kinds = {path.suffix for path in found}
    assert kinds == {".csv", ".json", ".md", ".svg"} and len(found) > 40
    # a picture of pixels has the vector file of the same figure beside it, there or behind the other door
    pictures = {path.stem for path in open_files if path.suffix == ".png"}
    assert pictures == {path.stem for path in found if path.suffix == ".svg"}


def in_every_row(path, text):
    """Whether a table says it in each of its rows, anything else somewhere."""
    if path.suffix == ".svg":  # letters are drawn; a comment beside them tells the line
        return marks.TIED_BATCH in " ".join(re.findall("<!-- (.*?) -->", text))
    if path.suffix != ".csv":
        return marks.TIED_BATCH in text
    rows = list(csv.DictReader(text.splitlines()))
    column = "caution" if rows and "caution" in rows[0] else "reason"
    return all(row[column].startswith(marks.TIED_BATCH) for row in rows)


def test_a_nearly_tied_batch_is_told_before_the_first_job(tmp_path):
    written(tmp_path, 10, lambda sample, label: "control" if sample == 3 else label)
    study = {key: value for key, value in STUDY.items() if key != "classifier"}
    config = ONLY_HERE | {"studies": {"endometrium": None, "mine": study}, "classifier": QUICK}
    (tmp_path / "nearly.yaml").write_text(yaml.safe_dump(config))
    target = "results/v1/restricted/studies/mine/samples.parquet"
    run = snakemake(tmp_path, target, "-n", overlays=[tmp_path / "nearly.yaml"])
    # 9 and 1 against 0 and 10: phi^2 = 90^2 / (10 * 10 * 9 * 11); less 1/19, over 1 - 1/19; the root: 0.8989
    assert f"Study mine: {marks.nearly_tied(0.8989)}." in run.text.replace("\n", " ")
    assert run.status == 0, run.text
