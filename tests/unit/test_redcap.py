"""An export of REDCap comes in by its data dictionary: labels for codes, types, names, the right rows."""

from copy import deepcopy
from pathlib import Path

import pandas as pd
import pytest

from decidua.cohort import read_cohort
from decidua.config import check, load_yaml
from decidua.redcap import checkbox_column, complete, raw_or_labels, read_choices, read_dictionary

ROOT = Path(__file__).parents[2]
DICTIONARY = load_yaml(ROOT / "workflow/resources/cohort_dictionary.yaml")["variables"]
#: Columns as REDCap writes them into the file that "Download the current Data Dictionary" gives.
HEADER = (
    '"Variable / Field Name","Form Name","Section Header","Field Type","Field Label",'
    '"Choices, Calculations, OR Slider Labels","Field Note","Text Validation Type OR Show Slider Number",'
    '"Text Validation Min","Text Validation Max",Identifier?,"Branching Logic (Show field only if...)",'
    '"Required Field?","Custom Alignment","Question Number (surveys only)","Matrix Group Name",'
    '"Matrix Ranking?","Field Annotation"\n'
)


def field(name, kind, label, choices="", validation="", low="", high="", identifier=""):
    cells = [name, "base", "", kind, label, choices, "", validation, low, high, identifier, *[""] * 7]
    return ",".join(f'"{cell}"' for cell in cells) + "\n"


PROJECT = HEADER + "".join(
    [
        field("record_id", "text", "Record ID"),
        field("dob", "text", "Date of birth", validation="date_dmy", identifier="y"),
        field("lmp", "text", "Last menstrual period", validation="date_mdy"),
        field("bmi", "calc", "BMI", "round([weight]/[height]^2, 1)"),
        field("losses", "dropdown", "Losses", "0, 0 | 1, 1 | 2, 2 | 3, 3"),
        field("outcome", "radio", "Outcome", "1, <b>Live birth</b> | 2, Miscarriage | 9, Lost, to follow-up"),
        field("smoker", "yesno", "Smoker"),
        field("aps", "truefalse", "Antiphospholipid syndrome"),
        field("drugs", "checkbox", "Drugs", "1, Aspirin | -1, None | LMWH, Heparin"),
        field("nk", "text", "NK cells", validation="number_1dp_comma_decimal", low="0", high="100"),
        field("stage", "radio", "Stage", "a, Early | b, Late"),
    ]
)
RAW = (
    "record_id,dob,lmp,bmi,losses,outcome,smoker,aps,drugs___1,drugs____1,drugs___lmwh,nk,stage\n"
    '1,1990-06-01,2020-06-01,22.5,2,1,1,0,1,0,1,"12,5",b\n'
    "2,1991-06-01,2020-06-01,23.5,3,2,0,1,0,1,0,8,a\n"
    "3,1991-06-01,2020-06-01,23.5,3,9,0,1,0,1,0,8,a\n"
)
LABELS = (
    "Record ID,Date of birth,Last menstrual period,BMI,Losses,Outcome,Smoker,Antiphospholipid syndrome,"
    "Drugs (choice=Aspirin),Drugs (choice=None),Drugs (choice=Heparin),NK cells,Stage\n"
    '1,1990-06-01,2020-06-01,22.5,2,Live birth,Yes,False,Checked,Unchecked,Checked,"12,5",Late\n'
    "2,1991-06-01,2020-06-01,23.5,3,Miscarriage,No,True,Unchecked,Checked,Unchecked,8,Early\n"
    '3,1991-06-01,2020-06-01,23.5,3,"Lost, to follow-up",No,True,Unchecked,Checked,Unchecked,8,Early\n'
)
NAMES = dict(zip(RAW.splitlines()[0].split(","), LABELS.splitlines()[0].split(","), strict=True))
CODES = {"Live birth": True, "Miscarriage": False}


def columns(by_label=False):
    """The same variables of either export."""

    def named(column):
        return NAMES[column] if by_label else column

    return {
        "id": named("record_id"),
        "age": {"from": named("dob"), "until": named("lmp"), "unit": "years"},
        "bmi": named("bmi"),
        "miscarriages": named("losses"),
        "live_birth": {"column": named("outcome"), "codes": CODES},
        "smoker": named("smoker"),
        "aps": named("aps"),
        "aspirin": named("drugs___1"),
        "no_drugs": named("drugs____1"),
        "nk_level": named("nk"),
        "stage": named("stage"),
    }


def exported(folder, text, names, **options):
    (folder / "project.csv").write_text(PROJECT)
    (folder / "women.csv").write_text(text)
    column = names["live_birth"]["column"] if "live_birth" in names else "outcome"
    lost = [{"reason": "Lost", "column": column, "values": ["Lost, to follow-up"]}]
    return read_cohort(
        folder / "women.csv",
        DICTIONARY,
        columns=names,
        redcap_dictionary=folder / "project.csv",
        **{"exclude": lost, **options},
    )


def test_raw_codes_become_labels_and_own_variables_get_type_and_label(tmp_path):
    wanted, found = exported(tmp_path, RAW, columns())
    women = found.cohort.set_index("id")
    assert found.excluded == (("Lost", 1),)
    assert women.live_birth.tolist() == [True, False]
    assert women.miscarriages.tolist() == [2, 3]
    assert women.smoker.tolist() == [True, False] and women.aps.tolist() == [False, True]
    assert women.aspirin.tolist() == [True, False] and women.no_drugs.tolist() == [False, True]
    assert women.nk_level.tolist() == [12.5, 8]
    assert women.stage.tolist() == ["Late", "Early"]
    assert women.stage.cat.categories.tolist() == ["Early", "Late"]
    labels = {variable.name: variable.label for variable in wanted}
    assert (labels["aspirin"], labels["stage"]) == ("Drugs: Aspirin", "Stage")
    assert "dob" not in women and women.age.tolist() == [
        pytest.approx(10958 / 365.25),
        pytest.approx(10593 / 365.25),
    ]


def test_an_export_with_labels_gives_the_same_cohort(tmp_path):
    raw = exported(tmp_path, RAW, columns())[1].cohort
    labelled = exported(tmp_path, LABELS, columns(by_label=True))[1].cohort
    pd.testing.assert_frame_equal(labelled, raw)


@pytest.mark.parametrize("codes", [{"1": True, "2": False}, {1: True, 2: False}, CODES])
def test_codes_may_be_given_raw_or_as_labels(tmp_path, codes):
    names = {"id": "record_id", "live_birth": {"column": "outcome", "codes": codes}}
    for value in ("9", 9, "Lost, to follow-up"):
        rule = [{"reason": "Lost", "column": "outcome", "values": [value]}]
        found = exported(tmp_path, RAW, names, exclude=rule)[1]
        assert found.cohort.live_birth.tolist() == [True, False]


def test_one_event_is_kept_of_a_longitudinal_export(tmp_path):
    text = "record_id,redcap_event_name,bmi\n1,base_arm_1,22\n1,visit_arm_1,\n2,base_arm_1,23\n"
    names = {"id": "record_id", "bmi": "bmi"}
    _, found = exported(tmp_path, text, names, exclude=[], keep={"redcap_event_name": "base_arm_1"})
    assert (found.assessed, found.cohort.bmi.tolist()) == (2, [22, 23])


def test_the_rows_of_no_repeat_are_kept_by_an_empty_value(tmp_path):
    text = "record_id,redcap_repeat_instrument,redcap_repeat_instance,bmi\n1,,,22\n1,labs,1,\n1,labs,2,\n"
    names = {"id": "record_id", "bmi": "bmi"}
    _, found = exported(tmp_path, text, names, exclude=[], keep={"redcap_repeat_instrument": ""})
    assert found.cohort.bmi.tolist() == [22]


def test_labels_that_look_like_codes_are_told_apart_by_the_other_columns(tmp_path):
    # "1, 0 | 2, 1 | 3, 2": in an export with labels, a 1 means one loss, in a raw one none.
    project = HEADER + field("record_id", "text", "Record ID")
    project += field("losses", "dropdown", "Losses", "1, 0 | 2, 1 | 3, 2") + field(
        "smoker", "yesno", "Smoker"
    )
    (tmp_path / "project.csv").write_text(project)
    names = {"id": "record_id", "miscarriages": "losses", "smoker": "smoker"}
    for smoker, losses in (("Yes", [1, 2]), ("1", [0, 1])):
        (tmp_path / "women.csv").write_text(f"record_id,losses,smoker\n1,1,{smoker}\n2,2,{smoker}\n")
        _, found = read_cohort(
            tmp_path / "women.csv", DICTIONARY, columns=names, redcap_dictionary=tmp_path / "project.csv"
        )
        assert found.cohort.miscarriages.tolist() == losses


def test_columns_that_disagree_leave_an_export_raw(tmp_path):
    (tmp_path / "project.csv").write_text(PROJECT)
    fields = read_dictionary(tmp_path / "project.csv")
    assert raw_or_labels({"outcome": {"1"}, "smoker": {"Yes"}}, fields) == "raw"
    assert raw_or_labels({"outcome": {"Live birth"}, "smoker": {"yes"}}, fields) == "labels"
    assert raw_or_labels({"losses": {"1", "2"}}, fields) == "raw"


def test_the_metadata_of_the_interface_for_programs_is_a_dictionary_too(tmp_path):
    (tmp_path / "metadata.csv").write_text(
        "field_name,form_name,section_header,field_type,field_label,select_choices_or_calculations,field_note,"
        "text_validation_type_or_show_slider_number,text_validation_min,text_validation_max,identifier\n"
        'outcome,base,,radio,Outcome,"1, Live birth | 2, Miscarriage",,,,,\n'
    )
    assert read_dictionary(tmp_path / "metadata.csv")["outcome"].choices == {
        "1": "Live birth",
        "2": "Miscarriage",
    }


def test_choices_are_split_at_bars_and_their_first_comma():
    assert read_choices("1, Yes, often | 2, No|-9,<i>Not</i> known") == {
        "1": "Yes, often",
        "2": "No",
        "-9": "Not known",
    }


@pytest.mark.parametrize(
    ("code", "column"),
    [("1", "f___1"), ("-9", "f____9"), ("LMWH", "f___lmwh"), ("1.5", "f___1_5"), ("a b!", "f___ab")],
)
def test_a_checkbox_has_a_column_a_choice_as_redcap_names_it(code, column):
    assert checkbox_column("f", code) == column


def test_what_the_mapping_says_itself_stands_against_the_dictionary(tmp_path):
    (tmp_path / "project.csv").write_text(PROJECT)
    fields = read_dictionary(tmp_path / "project.csv")
    own = {"id": "record_id", "stage": {"column": "stage", "type": "text"}, "smoker": {"column": "smoker"}}
    full = complete(own, DICTIONARY, fields)
    assert full["stage"] == own["stage"] and full["id"] == "record_id"
    assert full["smoker"] == {"type": "boolean", "label": "Smoker", "column": "smoker"}
    assert complete(full, DICTIONARY, fields) == full


def test_settings_get_types_and_labels_from_the_dictionary_and_are_checked_with_them(tmp_path):
    (tmp_path / "project.csv").write_text(PROJECT)
    (tmp_path / "women.csv").write_text(RAW)
    config = deepcopy(load_yaml(ROOT / "config.yaml"))
    config["cohorts"]["clinic"] = {
        "title": "A clinic",
        "source": "table",
        "file": "women.csv",
        "redcap_dictionary": "project.csv",
        "columns": {**columns(), "nk_cytotoxicity_50_1": "nk", "th1_th2": "nk"},
        "panel": "tests/configs/clinic_panel.yaml",
        "analysis": {"outcome": "smoker", "group": "stage"},
    }
    schema = load_yaml(ROOT / "workflow/schemas/config.schema.yaml")
    checked = check(config, schema, [tmp_path, ROOT])
    assert checked["cohorts"]["clinic"]["columns"]["stage"] == {
        "type": "category",
        "label": "Stage",
        "levels": ["Early", "Late"],
        "column": "stage",
    }
