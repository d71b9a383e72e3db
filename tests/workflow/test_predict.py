"""A frozen model scores other matrices, and every study's model is carried to the others."""

import json
import math

import pandas as pd
import pytest
import yaml

from decidua import marks, tables
from decidua.prediction.model_file import PredictionModel, Predictor, to_json
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


def women_to_score(folder):
    """An entry with 31 women and a model of age and NK level in straight lines, of a reconstruction."""
    straight = {"knots": (), "scale": (5.0,), "coefficients": (0.4,)}
    about = {"intended_use": ["research"], "not_for": ["patients"], "training": {}, "performance": []}
    about |= {"title": "M", "outcome": "live_birth", "event_value": False, "event": "loss", "alarms": []}
    about |= {"moment": "before_pregnancy", "provenance": {}, "synthetic": marks.RECONSTRUCTION}
    of = {"age": ("years", 33.0, (20.0, 45.0)), "nk_level": ("% of lymphocytes", 14.0, (2.0, 40.0))}
    predictors = tuple(
        Predictor(
            name=name,
            label=name,
            type="number",
            unit=unit,
            range=ends,
            mean=mean,
            imputation=(mean, {}),
            centre=(mean,),
            **straight,
        )
        for name, (unit, mean, ends) in of.items()
    )
    model = to_json(PredictionModel(-1.25, predictors, about))
    (folder / "women.json").write_text(model, encoding="utf-8")
    rows = [f"W{i};{25 + i % 17},5;0,{10 + i % 7};{'MC' if i % 5 < 2 else 'LB'}" for i in range(30)]
    table = ["Woman;Age;NK;Outcome", "centre;33;0,14;?", *rows]
    (folder / "women.csv").write_text("\n".join(table) + "\n", encoding="utf-8")
    columns = {"id": "Woman", "age": "Age", "nk_level": {"column": "NK", "unit": "fraction"}}
    columns["live_birth"] = {"column": "Outcome", "codes": {"LB": True, "MC": False}}
    reading = {"decimal": ",", "missing": ["?"], "columns": columns}
    return {"title": "Women", "model": "women.json", "file": "women.csv", **reading}


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
    config["predictions"]["women"] = women_to_score(tmp_path)
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
    risks = tables.read(run.results / "restricted/predictions/women/scores.csv").set_index("id")["risk"]
    # 33 years are the model's centre, where its intercept is the log odds; a fraction of 0.14 is 14%
    assert risks["centre"] == pytest.approx(1 / (1 + math.exp(1.25)))
    held = tables.read(run.results / "open/predictions/women/validation.csv").set_index("quantity")
    assert (
        held.loc["AUC", "counted"] == "12 women with the event and 18 without; 1 left out, outcome not known"
    )
    record = json.loads((run.results / "provenance/score_women/women.json").read_text())
    assert record["synthetic"] is True
    for name, reason in (("plain", ["the samples have no labels"]), ("checked", []), ("women", [])):
        figures = run.results / "open/predictions" / name / "figures"
        source = tables.read(figures / "validation.csv")
        assert source.loc[source["status"] == "not estimable", "reason"].unique().tolist() == reason
        assert (figures / "validation.png").is_file()
