"""A frozen model scores other matrices, and every study's model is carried to the others."""

import pandas as pd
import pytest
import yaml

from decidua import tables
from running import snakemake

SMALL = """
cohorts: {han2025: null}
papers: {han2025: null, andersen2025: null}
coverage: 0.5
studies:
  endometrium: {design: {cases: 16, controls: 12, genes: 400}}
  second:
    title: "Another simulated study"
    source: simulation
    design: {cases: 12, controls: 12, genes: 400, effect: 2}
classifier: {repeats: 1, penalties: 4, folds: 2, inner_folds: 2}
"""


@pytest.fixture(scope="module")
def two_studies(tmp_path_factory):
    folder = tmp_path_factory.mktemp("predict")
    (folder / "small.yaml").write_text(SMALL)
    run = snakemake(folder, "predict", overlays=[folder / "small.yaml"])
    assert run.status == 0, run.text
    return run


def test_each_model_is_tested_in_the_other_study(two_studies):
    table = tables.read(two_studies.results / "open/transport/transport.csv")
    pairs = [("endometrium", "endometrium"), ("endometrium", "second")]
    pairs += [("second", "endometrium"), ("second", "second")]
    assert list(zip(table["variable"], table["level"], strict=True)) == pairs
    assert table["estimate"].notna().all()
    assert (two_studies.results / "open/transport/figures/transport.png").is_file()
    card = (two_studies.results / "open/studies/second/model_card.md").read_text()
    assert card.startswith("# Model card: Another simulated study\n\n**Simulated data:")


def test_a_model_file_scores_and_is_validated_in_new_samples(two_studies, tmp_path):
    study = two_studies.results / "restricted/studies/second"
    counts = tables.read_matrix(study / "counts.arrow")
    truncated = counts.iloc[:100]
    counts.to_csv(tmp_path / "new.tsv.gz", sep="\t")
    truncated.to_csv(tmp_path / "few.tsv", sep="\t")
    samples = tables.read(study / "samples.parquet")
    samples[["sample", "label"]].to_csv(tmp_path / "sheet.csv", index=False)
    model = two_studies.results / "open/studies/endometrium/model.json"
    entry = {"title": "New", "model": str(model), "counts": "new.tsv.gz"}
    sheet = {"samples": "sheet.csv", "columns": {"sample": "sample", "label": "label"}}
    sheet["label"] = {"case": ["case"], "control": ["control"]}
    predictions = {"plain": entry, "checked": entry | sheet}
    config = yaml.safe_load(SMALL) | {"predictions": predictions}
    config["studies"] = {"endometrium": None}
    few = config | {"predictions": predictions | {"few": entry | {"counts": "few.tsv"}}}
    (tmp_path / "few.yaml").write_text(yaml.safe_dump(few))
    refused = snakemake(tmp_path, "predict", overlays=[tmp_path / "few.yaml"])
    assert refused.status != 0 and "few.tsv: found " in refused.text and "Traceback" not in refused.text
    assert not (tmp_path / "results").exists()
    counts.T.rename_axis("sample").to_csv(tmp_path / "turned.csv")
    config["predictions"]["turned"] = entry | {"counts": "turned.csv"}
    (tmp_path / "new.yaml").write_text(yaml.safe_dump(config))
    run = snakemake(tmp_path, "predict", overlays=[tmp_path / "new.yaml"])
    assert run.status == 0, run.text
    scores = tables.read(run.results / "restricted/predictions/plain/scores.csv")
    assert scores["sample"].tolist() == list(counts.columns)
    pd.testing.assert_frame_equal(
        scores, tables.read(run.results / "restricted/predictions/checked/scores.csv")
    )
    turned = tables.read(run.results / "restricted/predictions/turned/scores.csv")
    pd.testing.assert_frame_equal(scores, turned)
    carried = tables.read(two_studies.results / "open/transport/transport.csv").set_index(
        ["variable", "level"]
    )
    found = tables.read(run.results / "open/predictions/checked/validation.csv").set_index("quantity")
    assert found.loc["AUC", "estimate"] == carried.loc[("endometrium", "second"), "estimate"]
    unlabelled = tables.read(run.results / "open/predictions/plain/validation.csv")
    assert unlabelled["reason"].tolist() == ["the samples have no labels"]
    for name, reason in (("plain", ["the samples have no labels"]), ("checked", [])):
        figures = run.results / "open/predictions" / name / "figures"
        source = tables.read(figures / "validation.csv")
        assert source.loc[source["status"] == "not estimable", "reason"].unique().tolist() == reason
        assert (figures / "validation.png").is_file()
