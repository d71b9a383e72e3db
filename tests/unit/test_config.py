"""The settings: every problem is one line with the key, what stands there and what may stand there."""

from copy import deepcopy
from pathlib import Path

import pytest
import yaml

from decidua.config import check, effective, load_yaml, public, recorded
from decidua.errors import InputError
from decidua.preflight import check_inputs

ROOT = Path(__file__).parents[2]
SCHEMA = load_yaml(ROOT / "workflow/schemas/config.schema.yaml")
MARKERS = {"nk_level": "n", "nk_cytotoxicity_50_1": "c", "th1_th2": "t"}
DEFAULT = load_yaml(ROOT / "config.yaml")


@pytest.fixture
def config():
    return deepcopy(DEFAULT)


def problems(config):
    with pytest.raises(InputError) as caught:
        check(config, SCHEMA, [ROOT])
    return str(caught.value).splitlines()


def table_cohort(tmp_path, **changes):
    (tmp_path / "women.csv").write_text("w,a\n1,30\n")
    cohort = {
        "title": "A clinic",
        "source": "table",
        "panel": "tests/configs/clinic_panel.yaml",
        "file": str(tmp_path / "women.csv"),
        "columns": {"id": "w", "age": "a", **MARKERS},
    }
    return cohort | changes


def test_the_default_config_holds_together(config):
    assert check(config, SCHEMA, [ROOT])["cohorts"]["han2025"]["analysis"]["group"] == "etiology"


def test_making_the_settings_effective_twice_changes_nothing(config):
    once = effective(config)
    assert effective(once) == once


def test_every_key_of_the_default_config_has_a_comment_or_a_commented_heading():
    text = (ROOT / "config.yaml").read_text().splitlines()
    keys = [line for line in text if line.strip() and not line.strip().startswith("#")]
    silent = [
        line for line in keys if "#" not in line and not line.strip().endswith(("2025:", "endometrium:"))
    ]
    # A title says itself what it is; "markers:" is explained by its one key.
    assert [line for line in silent if not line.strip().startswith(("title:", "markers:"))] == []


def test_an_unknown_key_is_named_with_the_keys_that_exist(config):
    config["sede"] = 1
    assert problems(config) == [
        "config: sede: found an unknown key; expected one of against, analysis, classifier, cohorts, "
        "coverage, date, execution, expression, licence, markers, papers, pathvars, prediction, predictions, "
        "seed, studies, version"
    ]


@pytest.mark.parametrize(
    ("place", "value", "line"),
    [
        (["seed"], "x", "config: seed: found 'x'; expected a whole number"),
        (["seed"], -1, "config: seed: found -1; expected at least 0"),
        (
            ["version"],
            "../v",
            "config: version: found '../v'; expected letters, digits, dot, dash and underscore, "
            "but not logs or diffs",
        ),
        (["analysis", "confidence"], 95, "config: analysis.confidence: found 95; expected less than 1"),
        (["classifier", "folds"], 1, "config: classifier.folds: found 1; expected at least 2"),
        (
            ["markers", "cytotoxicity_rule"],
            "some",
            "config: markers.cytotoxicity_rule: found 'some'; "
            "expected any, all, majority or single:RATIO (for example single:25:1)",
        ),
        (
            ["cohorts", "han2025", "scenario"],
            "C",
            "config: cohorts.han2025.scenario: found 'C'; expected one of A, B",
        ),
        (
            ["cohorts", "han2025", "paper"],
            "lee",
            "config: cohorts.han2025.paper: found 'lee'; expected one of han2025, andersen2025",
        ),
        (
            ["cohorts", "han2025", "panel"],
            "nope",
            "config: cohorts.han2025.panel: found 'nope'; expected the path of a YAML file or one of lee2013",
        ),
        (
            ["papers", "han2025", "facts"],
            "nope.yaml",
            "config: papers.han2025.facts: found 'nope.yaml', which is not there; "
            "expected the path of a file",
        ),
        (
            ["papers", "han2025", "cohort"],
            "nope",
            "config: papers.han2025.cohort: found 'nope'; expected null or one of the cohorts: han2025",
        ),
        (
            ["studies", "endometrium", "source"],
            "magic",
            "config: studies.endometrium.source: found 'magic'; expected one of simulation, counts",
        ),
        (
            ["analysis", "history_categories"],
            [3, 2],
            "config: analysis.history_categories: found [3, 2]; expected ascending numbers",
        ),
        (
            ["expression", "gene_sets"],
            ["nope.gmt"],
            "config: expression.gene_sets: found 'nope.gmt', which is not there; expected the path of a file",
        ),
        (
            ["studies", "endometrium", "expression"],
            {"subgroups_shown": 7},
            "config: studies.endometrium.expression.subgroups_shown: found 7; "
            "expected null or at most subgroups, which is 6",
        ),
        (
            ["analysis", "splines"],
            ["age", "parity"],
            "config: analysis.splines: found 'parity'; expected one of the covariates: "
            "age, bmi, miscarriages",
        ),
        (
            ["analysis", "steps"],
            {"age": 0},
            "config: analysis.steps.age: found 0; expected a number above 0, in the covariate's unit",
        ),
        (
            ["analysis", "steps"],
            {"parity": 2},
            "config: analysis.steps: found 'parity'; expected one of the covariates: age, bmi, miscarriages",
        ),
        (
            ["analysis", "imputations"],
            1,
            "config: analysis.imputations: found 1; expected 0 or null for none, "
            "or a whole number from 2 to 100",
        ),
    ],
)
def test_a_wrong_value_is_named_with_what_may_stand_there(config, place, value, line):
    inside = config
    for key in place[:-1]:
        inside = inside[key]
    inside[place[-1]] = value
    assert line in problems(config)


def test_all_problems_are_told_at_once(config):
    config["seed"] = "x"
    config["classifier"]["repeats"] = 0
    config["cohorts"]["han2025"]["scnario"] = "A"
    assert len(problems(config)) == 3


def test_an_entry_set_to_null_is_left_out(config):
    config["studies"]["endometrium"] = None
    assert check(config, SCHEMA, [ROOT])["studies"] == {}


def test_a_cohort_with_fewer_covariates_may_inherit_the_curves(config, tmp_path):
    config["cohorts"]["clinic"] = table_cohort(tmp_path, analysis={"covariates": ["age"]})
    assert check(config, SCHEMA, [ROOT])["cohorts"]["clinic"]["analysis"]["splines"] == ["age", "bmi"]


def test_no_imputations_may_be_null(config):
    config["analysis"]["imputations"] = None
    assert check(config, SCHEMA, [ROOT])["analysis"]["imputations"] is None


def test_a_cohort_may_override_single_analysis_settings(config, tmp_path):
    config["cohorts"]["clinic"] = table_cohort(tmp_path, analysis={"group": None})
    analysis = check(config, SCHEMA, [ROOT])["cohorts"]["clinic"]["analysis"]
    assert analysis["group"] is None and analysis["outcome"] == "live_birth"


def test_a_role_must_name_a_mapped_column(config, tmp_path):
    config["cohorts"]["clinic"] = table_cohort(
        tmp_path, analysis={"group": "arm", "covariates": ["age", "bmi"]}
    )
    names = "age, id, nk_cytotoxicity_50_1, nk_level, th1_th2"
    assert problems(config) == [
        f"config: cohorts.clinic.analysis.group: found 'arm'; expected one of {names}",
        f"config: cohorts.clinic.analysis.covariates: found 'bmi'; expected one of {names}",
    ]


def test_a_variable_of_ones_own_needs_a_type_and_a_known_one_a_known_unit(config, tmp_path):
    columns = {**MARKERS, "id": "w", "crp": "CRP", "nk_level": {"column": "NK", "unit": "cells/ul"}}
    config["cohorts"]["clinic"] = table_cohort(tmp_path, columns=columns)
    assert sorted(problems(config)) == [
        "config: cohorts.clinic.columns.crp: found a variable that the dictionary does not know; "
        "expected a type (number, integer, boolean, category or text)",
        "config: cohorts.clinic.columns.nk_level.unit: found 'cells/ul'; "
        "expected one of % of lymphocytes, %, fraction",
    ]


def test_a_missing_environment_variable_is_named(config, tmp_path, monkeypatch):
    monkeypatch.delenv("CLINIC_DATA", raising=False)
    config["cohorts"]["clinic"] = table_cohort(tmp_path, file="${CLINIC_DATA}/women.csv")
    assert problems(config) == [
        "config: cohorts.clinic.file: found '${CLINIC_DATA}/women.csv'; "
        "expected the environment variable CLINIC_DATA to be set"
    ]


def test_a_panel_with_an_unknown_key_is_named_with_its_file(config, tmp_path):
    panel = load_yaml(ROOT / "workflow/resources/panels/lee2013.yaml")
    panel["markers"]["nk_level"]["cutoffs"][0]["below"] = 3
    path = tmp_path / "panel.yaml"
    path.write_text(yaml.safe_dump(panel))
    config["cohorts"]["han2025"]["panel"] = str(path)
    assert problems(config) == [
        f"config: cohorts.han2025.panel: {path}: markers.nk_level.cutoffs.0.below: found an unknown key; "
        "expected one of above, column, obtained, ratio"
    ]


def test_a_panel_without_a_version_is_refused(config, tmp_path):
    panel = load_yaml(ROOT / "workflow/resources/panels/lee2013.yaml")
    del panel["version"]
    path = tmp_path / "panel.yaml"
    path.write_text(yaml.safe_dump(panel))
    config["cohorts"]["han2025"]["panel"] = str(path)
    assert problems(config) == [
        f"config: cohorts.han2025.panel: {path}: version: found nothing; expected this key to be given"
    ]


def panel_in(unit, tmp_path):
    panel = load_yaml(ROOT / "tests/configs/clinic_panel.yaml")
    panel["markers"]["nk_level"]["unit"] = unit
    path = tmp_path / "panel.yaml"
    path.write_text(yaml.safe_dump(panel))
    return str(path)


def test_a_panel_must_be_in_a_unit_of_the_column(config, tmp_path):
    assert clinic_problem(config, tmp_path, panel=panel_in("cells/µL", tmp_path)) == (
        "config: cohorts.clinic.panel: found panel.yaml, whose nk_level is in 'cells/µL'; expected a unit "
        "that the column nk_level can have: % of lymphocytes, %, fraction"
    )
    config["cohorts"]["clinic"]["panel"] = panel_in("fraction", tmp_path)
    check(config, SCHEMA, [ROOT])


def test_a_panel_must_be_in_the_unit_of_a_variable_of_ones_own(config, tmp_path):
    panel = load_yaml(ROOT / "tests/configs/clinic_panel.yaml")
    panel["markers"] = {
        "crp": {
            "label": "CRP",
            "unit": "mg/dL",
            "cutoffs": [{"column": "crp", "above": 1, "obtained": "chosen"}],
        }
    }
    path = tmp_path / "panel.yaml"
    path.write_text(yaml.safe_dump(panel))
    columns = {"id": "w", "crp": {"column": "a", "type": "number", "unit": "mg/L"}}
    assert clinic_problem(config, tmp_path, panel=str(path), columns=columns) == (
        "config: cohorts.clinic.panel: found panel.yaml, whose crp is in 'mg/dL'; expected a unit that "
        "the column crp can have: mg/L"
    )
    del columns["crp"]["unit"]  # nothing is said of its unit, so nothing can clash
    check(config, SCHEMA, [ROOT])


@pytest.mark.parametrize(
    ("cases", "expected"),
    [
        ("recurrent_loss", "expected null or one of age, id, nk_cytotoxicity_50_1, nk_level, th1_th2"),
        ("th1_th2", "a column of type number; expected one of type boolean"),
    ],
)
def test_the_column_of_cases_must_be_a_yes_or_no_of_the_cohort(config, tmp_path, cases, expected):
    line = clinic_problem(config, tmp_path, analysis={"cases": cases})
    assert line.startswith(f"config: cohorts.clinic.analysis.cases: found '{cases}'") and expected in line


def test_an_inherited_column_of_cases_must_be_there_too(config, tmp_path):
    config["analysis"]["cases"] = "recurrent_loss"
    config["cohorts"]["clinic"] = table_cohort(tmp_path)
    assert problems(config) == [
        "config: cohorts.han2025.analysis.cases: found 'recurrent_loss'; "
        "expected null, for a reconstruction holds cases only",
        "config: cohorts.clinic.analysis.cases: found 'recurrent_loss'; "
        "expected null or one of age, id, nk_cytotoxicity_50_1, nk_level, th1_th2",
    ]


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("grey_zone", 10, "null or a share of the cut-off between 0 and 1, such as 0.1"),
        ("prevalence", [2], "a share between 0 and 1, such as 0.02"),
        ("bootstrap", 5, "at least 100"),
    ],
)
def test_settings_of_the_markers_are_shares_and_counts(config, key, value, expected):
    config["markers"][key] = value
    (line,) = problems(config)
    assert line.startswith(f"config: markers.{key}") and line.endswith(f"expected {expected}")


def test_a_broken_yaml_file_is_named_with_its_row(tmp_path):
    path = tmp_path / "panel.yaml"
    path.write_text("name: x\n  - y: [\n")
    with pytest.raises(
        InputError, match=r"panel\.yaml, row 2: found mapping values|panel\.yaml, row 2: found"
    ):
        load_yaml(path)


def clinic_problem(config, tmp_path, **changes):
    """The one problem of a clinic's cohort with these changes."""
    config["cohorts"]["clinic"] = table_cohort(tmp_path, **changes)
    (line,) = problems(config)
    return line


def test_a_cutoff_whose_column_nobody_has_is_refused(config, tmp_path):
    columns = {"id": "w", "nk_level": "n", "nk_cytotoxicity_50_1": "c"}
    assert clinic_problem(config, tmp_path, columns=columns) == (
        "config: cohorts.clinic.panel: found clinic_panel.yaml, whose th1_th2 needs 'th1_th2'; expected that "
        "column among the cohort's columns, or a panel of your own without this cut-off"
    )


@pytest.mark.parametrize(
    ("name", "spec", "line"),
    [
        (
            "etiology",
            {"column": "e", "codes": {"APS": "Known", "none": "idiopathic"}},
            "columns.etiology.codes.APS: found 'Known'; expected known, idiopathic or null",
        ),
        (
            "live_birth",
            {"column": "b", "codes": {"LB": "yes"}},
            "columns.live_birth.codes.LB: found 'yes'; expected true, false or null",
        ),
        (
            "miscarriages",
            {"column": "m", "codes": {">5": 6}},
            "columns.miscarriages.codes: found codes for a integer; expected them for a boolean or category",
        ),
        (
            "immunity",
            {"column": "i", "type": "text"},
            "columns.immunity: found a name that the workflow uses itself; expected another name",
        ),
    ],
)
def test_a_mapping_that_would_lose_data_is_refused(config, tmp_path, name, spec, line):
    columns = {"id": "w", **MARKERS, name: spec}
    assert clinic_problem(config, tmp_path, columns=columns) == f"config: cohorts.clinic.{line}"


def test_the_outcome_must_be_a_yes_or_no(config, tmp_path):
    assert clinic_problem(config, tmp_path, analysis={"outcome": "th1_th2"}) == (
        "config: cohorts.clinic.analysis.outcome: found 'th1_th2', a column of type number; "
        "expected one of type boolean"
    )


def test_a_sheet_belongs_to_an_excel_file(config, tmp_path):
    assert clinic_problem(config, tmp_path, sheet="women") == (
        "config: cohorts.clinic.sheet: found 'women'; expected a sheet for an Excel file only"
    )


def test_a_rule_that_names_no_ratio_of_the_panel_is_refused(config):
    config["markers"]["cytotoxicity_rule"] = "single:100:1"
    assert problems(config) == [
        "config: markers.cytotoxicity_rule: found 'single:100:1'; expected for nk_cytotoxicity of "
        "cohorts.han2025 one of single:50:1, single:25:1, single:12.5:1"
    ]


def test_settings_are_shown_without_the_folders_of_this_machine():
    settings = {
        "cohorts": {"c": {"file": "/home/someone/women.csv", "panel": "lee2013"}},
        "values": ["~/x.tsv", 3],
    }
    assert public(settings) == {
        "cohorts": {"c": {"file": "women.csv", "panel": "lee2013"}},
        "values": ["x.tsv", 3],
    }


def test_how_a_run_is_made_is_not_recorded_with_its_results(config):
    changed = config | {"execution": {"classifier_jobs": 8}, "against": "v0"}
    assert recorded(check(changed, SCHEMA, [ROOT])) == recorded(check(config, SCHEMA, [ROOT]))


@pytest.mark.parametrize("date", ["24.11.2026", "2026", 20261124])
def test_a_date_that_is_none_is_refused(config, date):
    config["date"] = date
    assert problems(config) == [
        f'config: date: found {date!r}; expected a date in quotes, such as "2026-11-24"'
    ]


def test_a_day_that_the_calendar_does_not_have_is_refused(config):
    config["date"] = "2026-02-31"
    assert problems(config) == ["config: date: found '2026-02-31'; expected a day of the calendar"]


def definition_problem(config, tmp_path, definition, **columns):
    given = {"id": "w", "age": "a", **MARKERS, **columns}
    return clinic_problem(config, tmp_path, columns=given, analysis={"definition": definition})


def test_a_definition_of_pregnancy_loss_needs_its_columns(config, tmp_path):
    assert definition_problem(config, tmp_path, {"losses": 3}) == (
        "config: cohorts.clinic.analysis.definition: found 'at least 3 losses', which needs miscarriages; "
        "expected miscarriages among the cohort's columns, or another definition"
    )
    kinds = {"losses": 2, "consecutive": True, "biochemical": True, "stillbirths": False}
    columns = {"clinical_losses": "c", "biochemical_losses": "b", "consecutive_losses": "r"}
    # A stillbirth may stand in a run of losses without being counted.
    assert definition_problem(config, tmp_path, kinds, **columns).endswith(
        "expected stillbirths among the cohort's columns, or another definition"
    )


def test_of_a_definition_both_kinds_of_losses_are_stated_or_neither(config, tmp_path):
    assert definition_problem(config, tmp_path, {"losses": 2, "biochemical": True}, miscarriages="m") == (
        "config: cohorts.clinic.analysis.definition: found only one of biochemical and stillbirths; expected "
        "both, or neither: then the losses are those that 'miscarriages' counts"
    )


def test_facts_are_needed_for_a_reconstruction_only(config):
    del config["papers"]["andersen2025"]["facts"]
    check(deepcopy(config), SCHEMA, [ROOT])
    del config["papers"]["han2025"]["facts"]
    assert problems(config) == [
        "config: papers.han2025.facts: found nothing; expected the file that the cohort is rebuilt from"
    ]


def test_a_definition_that_a_reconstruction_inherits_must_fit_it_too(config):
    config["analysis"]["definition"] = {"losses": 2, "biochemical": False, "stillbirths": False}
    assert problems(config) == [
        "config: analysis.definition, for cohorts.han2025: found 'at least 2 losses (biochemical losses not "
        "counted, stillbirths not counted)', which needs clinical_losses; expected clinical_losses among the "
        "cohort's columns, or another definition"
    ]


def test_losses_are_counted_in_a_column_of_numbers(config, tmp_path):
    columns = {"miscarriages": {"column": "m", "type": "category"}}
    config["analysis"] |= {"covariates": [], "splines": []}
    assert definition_problem(config, tmp_path, {"losses": 2}, **columns) == (
        "config: cohorts.clinic.analysis.definition: found 'miscarriages', a column of type category; "
        "expected one of type integer or number"
    )


def test_adjusting_for_batches_needs_a_column_of_batches(config):
    config["studies"]["endometrium"]["classifier"] = {"adjust_batch": True}
    asked = "found true; expected false, or the column of the batches as studies.endometrium.columns.batch"
    assert problems(config) == [f"config: studies.endometrium.classifier.adjust_batch: {asked}"]
    config["studies"]["endometrium"]["classifier"] = {}
    config["classifier"]["adjust_batch"] = True
    assert problems(config) == [f"config: classifier.adjust_batch, for studies.endometrium: {asked}"]


def test_negative_controls_are_a_shipped_list_a_file_genes_or_nothing(config):
    for genes in (["ACTB", 2597], None, "housekeeping"):
        config["classifier"]["negative_controls"] = genes
        check(config, SCHEMA, [ROOT])
    config["classifier"]["negative_controls"] = "stable"
    config["studies"]["endometrium"]["classifier"] = {"negative_controls": "genes.txt"}
    assert problems(config) == [
        "config: classifier.negative_controls: found 'stable'; expected one of housekeeping, the path of a"
        " .yaml or .txt file, a list of genes, or null",
        "config: studies.endometrium.classifier.negative_controls: found 'genes.txt', which is not there;"
        " expected the path of a file",
    ]


def study(tmp_path, **settings):
    (tmp_path / "samples.tsv").touch()
    (tmp_path / "counts.tsv").touch()
    ours = {"title": "Ours", "source": "counts", "counts": str(tmp_path / "counts.tsv")}
    ours |= {"samples": str(tmp_path / "samples.tsv"), "columns": {"sample": "id", "label": "label"}}
    return ours | {"label": {"case": ["a"], "control": ["b"]}} | settings


def test_settings_of_a_tool_are_for_its_counts_and_every_slip_is_told_at_once(config, tmp_path):
    (tmp_path / "salmon/S1").mkdir(parents=True)
    (tmp_path / "salmon/S1/quant.sf").touch()
    (tmp_path / "empty").mkdir()
    config["studies"] |= {
        "a": study(tmp_path, layer="raw", transcripts="t.tsv", format="star"),
        "b": study(tmp_path, counts=str(tmp_path / "salmon"), strandedness="forward"),
        "c": study(tmp_path, counts=str(tmp_path / "empty")),
    }
    assert [line.replace(str(tmp_path), "") for line in problems(config)] == [
        "config: studies.a.counts: found '/counts.tsv': a file; expected the folder of the files "
        "*ReadsPerGene.out.tab",
        "config: studies.a.transcripts: found 't.tsv', which is not there; expected the path of a file",
        "config: studies.a.transcripts: found it for counts of the format star; expected it for salmon only",
        "config: studies.a.layer: found it for counts of the format star; expected it for h5ad only",
        "config: studies.b.strandedness: found it for counts of the format salmon; expected it for star only",
        "config: studies.b.transcripts: found nothing; expected a table of transcripts and their genes for "
        "Salmon",
        "config: studies.c.counts: found '/empty': a folder with no such file; expected "
        "<sample>ReadsPerGene.out.tab or <sample>/ReadsPerGene.out.tab or <sample>/quant.sf or "
        "salmon.merged.gene_counts.tsv",
    ]


def test_a_download_needs_a_checksum_and_a_url_without_password(config, tmp_path):
    url = "https://me:secret@example.org/counts.tsv.gz"
    config["studies"]["ours"] = study(tmp_path, counts={"url": url, "sha256": "ab"})
    assert problems(config) == [
        "config: studies.ours.counts.sha256: found 'ab'; expected a SHA-256, 64 hexadecimal digits in quotes"
    ]
    config["studies"]["ours"]["counts"]["sha256"] = "0" * 64
    assert problems(config) == [
        "config: studies.ours.counts.url: found a user or password in it; expected them in the environment "
        "variable SNAKEMAKE_STORAGE_HTTP_AUTH or in ~/.netrc, for Snakemake prints the URL"
    ]
    config["studies"]["ours"]["counts"]["url"] = "https://example.org/download/?file=counts.tsv.gz"
    assert problems(config) == [
        "config: studies.ours.counts.url: found 'https://example.org/download/'; expected the URL of a file, "
        "such as .../counts.tsv.gz"
    ]
    config["studies"]["ours"]["counts"] = {"url": "ftp://example.org/c.tsv"}
    assert problems(config) == [
        "config: studies.ours.counts.sha256: found nothing; expected this key to be given",
        "config: studies.ours.counts.url: found 'ftp://example.org/c.tsv'; expected a URL that starts with "
        "https:// or http://",
    ]


def test_differential_expression_adjusts_for_covariates_of_the_sheet_only(config, tmp_path):
    for name in ("counts.tsv", "samples.tsv"):
        (tmp_path / name).touch()
    config["studies"]["ours"] = {
        "title": "Ours",
        "source": "counts",
        **{key: str(tmp_path / f"{key}.tsv") for key in ("counts", "samples")},
        "columns": {"sample": "id", "label": "label", "covariates": ["age"]},
        "label": {"case": ["a"], "control": ["b"]},
        "expression": {"adjust": ["age", "rin"]},
    }
    assert problems(config) == [
        "config: studies.ours.expression.adjust: found 'rin'; expected one of columns.covariates: age"
    ]


def test_a_covariate_of_a_study_takes_no_name_of_the_workflow(config, tmp_path):
    for name in ("counts.tsv", "samples.tsv"):
        (tmp_path / name).touch()
    columns = {"sample": "id", "label": "label", "batch": "run", "covariates": ["age", "batch", "label"]}
    ours = {"title": "Ours", "source": "counts"} | {
        key: str(tmp_path / f"{key}.tsv") for key in ("counts", "samples")
    }
    config["studies"]["ours"] = ours | {"columns": columns, "label": {"case": ["a"], "control": ["b"]}}
    assert problems(config) == [
        "config: studies.ours.columns.covariates: found 'label', the label itself; expected other columns",
        "config: studies.ours.columns.covariates: found 'batch', what the workflow calls a column of its "
        "own; expected the column under another name in the sample sheet",
    ]


def test_what_a_study_asks_of_its_classifier_must_be_possible(config):
    own = {"repeats": 1, "panel_repeats": 2, "pair_repeats": 3, "panel": 30000, "panel_sizes": [5, 20001]}
    config["studies"]["endometrium"]["classifier"] = own | {"noise_data_sets": 1, "noise_pairs": 2}
    key = "config: studies.endometrium.classifier"
    assert problems(config) == [
        f"{key}.panel_repeats: found 2; expected at most 1, `repeats`",
        f"{key}.pair_repeats: found 3; expected at most 1, the repeats in which panels are measured",
        f"{key}.panel: found 30000; expected at most 20000, the genes that are simulated",
        f"{key}.panel_sizes: found 20001; expected at most 20000, the genes that are simulated",
        f"{key}.noise_pairs: found 2; expected at most noise_data_sets, which is 1",
    ]
    config["studies"]["endometrium"]["classifier"] = {"repeats": 1}  # inherits 2 of panels
    check(config, SCHEMA, [ROOT])
    config["classifier"]["noise_pairs"] = 9
    assert problems(config) == [
        "config: classifier.noise_pairs: found 9; expected at most noise_data_sets, which is 3"
    ]


def test_a_sample_sheet_of_a_prediction_needs_its_columns_and_labels(config, tmp_path):
    for name in ("counts.tsv", "samples.tsv"):
        (tmp_path / name).touch()
    config["predictions"]["next"] = {"title": "Next", "model": "endometrium"} | {
        key: str(tmp_path / f"{key}.tsv") for key in ("counts", "samples")
    }
    assert problems(config) == [
        "config: predictions.next.columns: found nothing; expected this key to be given beside samples",
        "config: predictions.next.label: found nothing; expected this key to be given beside samples",
    ]


def test_a_published_model_that_is_not_there_is_named_with_those_that_are(config):
    config["cohorts"]["han2025"]["prediction"] = {"published": ["lubbe2020"]}
    assert problems(config) == [
        "config: cohorts.han2025.prediction.published: found 'lubbe2020'; expected the path of a YAML "
        "file or one of brigham1999"
    ]


def test_a_file_of_a_published_model_that_holds_something_else_is_told_before_the_first_job(config, tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text("name: own\nversion: '1'\ntitle: x\nsource: y\nobtained: printed\npredicts: luck\n")
    config["cohorts"]["han2025"]["prediction"] = {"published": [str(path)]}
    settings = check(config, SCHEMA, [ROOT])
    with pytest.raises(InputError) as caught:
        check_inputs(settings, [ROOT])
    told = str(caught.value).splitlines()
    assert len(told) == 4 and all(line.startswith(f"{path}: ") for line in told)
    assert any("predicts" in line and "luck" in line for line in told)


def test_slips_of_a_study_are_told_in_plain_words(config, tmp_path):
    ours = study(tmp_path, samples=str(tmp_path), label={"case": "RPL", "control": ["IVF"]})
    config["studies"] = {"a": {key: value for key, value in ours.items() if key != "source"}}
    assert problems(config) == [
        "config: studies.a.source: found nothing; expected this key to be given",
        "config: studies.a.label.case: found 'RPL'; expected a list, such as [RPL]",
    ]
    config["studies"]["a"] = ours | {"label": {"above": 28}, "keep": {"phase": ["early", "late"]}}
    assert problems(config) == [
        f"config: studies.a.samples: found '{tmp_path}', a folder; expected the path of a file"
    ]
