"""Tables and settings that cannot be used: each has its one clear line, and none a traceback."""

from copy import deepcopy
from datetime import date
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
import yaml

from decidua.cohort import read_cohort
from decidua.config import check, load_yaml
from decidua.errors import InputError

ROOT = Path(__file__).parents[2]
DICTIONARY = load_yaml(ROOT / "workflow/resources/cohort_dictionary.yaml")["variables"]
SCHEMA = load_yaml(ROOT / "workflow/schemas/config.schema.yaml")
DEFAULT = load_yaml(ROOT / "config.yaml")
COLUMNS = {"id": "Woman", "age": "Age", "live_birth": "Outcome"}
GOOD = "Woman,Age,Outcome\nA,31,yes\nB,32,no\n"


def workbook(path, rows, title="women"):
    book = openpyxl.Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(row)
    book.save(path)


def write(path, content):
    """A file of this content: bytes, text, rows of an Excel sheet or a data frame."""
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif isinstance(content, pd.DataFrame):
        content.to_parquet(path)
    elif isinstance(content, list):
        workbook(path, content)
    else:
        path.write_text(content, encoding="utf-8")


def lines_of_table(folder, content, *, file="women.csv", columns=COLUMNS, redcap=None, **options):
    """What is said of a table, and nothing but an InputError may say it."""
    if content is not None:
        write(folder / file, content)
    if redcap is not None:
        write(folder / "dictionary.csv", redcap)
        options["redcap_dictionary"] = "dictionary.csv"
    with pytest.raises(InputError) as caught:
        read_cohort(file, DICTIONARY, columns=columns, **options)
    return str(caught.value).splitlines()


def cell(value, column="Age"):
    """The good table with this in row 2."""
    row = {"Woman": "A", "Age": "31", "Outcome": "yes"} | {column: value}
    return "Woman;Age;Outcome\n" + ";".join(row.values()) + "\nB;32;no\n"


AGE = "women.csv, row 2, column Age: found "
FIRST = "women.csv, row 1: "
INTERVAL = {"id": "W", "age": {"from": "Born", "until": "Pregnant", "unit": "years"}}
BORN = "women.csv, row 2, column Born: found "


def born(value, pregnant="2020-06-01"):
    return f"W,Born,Pregnant\nA,{value},{pregnant}\n"


#: What is wrong: the file's content, how it is read, and the line that says it.
TABLES = {
    # ---- the file
    "no file": (None, {}, "women.csv: found no such file; expected a patient table"),
    "empty file": ("", {}, "women.csv: found an empty file; expected a header and one row a woman"),
    "header only": (
        "Woman,Age,Outcome\n",
        {},
        "women.csv: found no rows below the header; expected one row a woman",
    ),
    "header without a line end": (
        "Woman,Age,Outcome",
        {},
        "women.csv: found no rows below the header; expected one row a woman",
    ),
    "blank rows only": (
        "Woman,Age,Outcome\n,,\n , ,\n",
        {},
        "women.csv: found no rows below the header; expected one row a woman",
    ),
    "empty first row": (
        "\n" + GOOD,
        {},
        FIRST + "found an empty first row; expected the names of the columns",
    ),
    "repeated header": (
        "Woman,Age,Age,Outcome\nA,31,32,yes\n",
        {},
        FIRST + "found the column name 'Age' 2 times; expected each name once",
    ),
    "short row": (
        "Woman,Age,Outcome\nA,31,yes\nB,32\n",
        {},
        "women.csv, row 3: found 2 cells; expected 3 cells, as in the header",
    ),
    "long row": (
        "Woman,Age,Outcome\nA,31,yes\nB,32,no,x\n",
        {},
        "women.csv, row 3: found 4 cells; expected 3 cells, as in the header",
    ),
    "open quotation mark": (
        'Woman,Age,Outcome\nA,31,yes\nB,32,"no\nC,33,yes\n',
        {},
        "women.csv, row 3: found a quotation mark that is never closed; expected two of a kind",
    ),
    "Latin-1": (
        "Woman,Age,Outcome\nA,31,yes\nBj\u00f6rk,32,no\n".encode("latin-1"),
        {},
        "women.csv, row 3: found text that is not UTF-8; expected a file saved as UTF-8",
    ),
    "UTF-16": (
        GOOD.encode("utf-16"),
        {},
        "women.csv, row 1: found text that is not UTF-8; expected a file saved as UTF-8",
    ),
    "Excel under another ending": (
        b"PK\x03\x04 and so on",
        {},
        "women.csv: found a spreadsheet; expected text, as the ending .csv says, or .xlsx",
    ),
    "wrong ending": (
        GOOD,
        {"file": "women.ods"},
        "women.ods: found the ending '.ods'; expected .csv, .tsv, .txt, .xlsx or .parquet",
    ),
    "Excel that is no zip": (
        GOOD,
        {"file": "women.xlsx"},
        "women.xlsx: found a file that is no Excel workbook; expected one saved as .xlsx",
    ),
    "Excel with a password": (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        {"file": "women.xlsx"},
        "women.xlsx: found an old .xls or a workbook with a password; "
        "expected a workbook saved as .xlsx, without",
    ),
    "Excel cut off": (
        b"PK\x03\x04 and no more",
        {"file": "women.xlsx"},
        "women.xlsx: found a damaged workbook (File is not a zip file); expected a workbook that Excel opens",
    ),
    "wrong sheet": (
        [["Woman", "Age", "Outcome"], ["A", 31, "yes"]],
        {"file": "women.xlsx", "sheet": "Sheet1"},
        "women.xlsx: found no sheet 'Sheet1'; expected one of women",
    ),
    "empty sheet": (
        [],
        {"file": "women.xlsx"},
        "women.xlsx: found an empty sheet; expected a header and one row a woman",
    ),
    "Excel's error value": (
        [["Woman", "Age", "Outcome"], ["A", "#DIV/0!", "yes"]],
        {"file": "women.xlsx"},
        "women.xlsx, row 2, column Age: found '#DIV/0!'; expected a number",
    ),
    "Parquet that is none": (
        GOOD,
        {"file": "women.parquet"},
        "women.parquet: found a file that is no Parquet table; expected one saved as .parquet",
    ),
    "Parquet with lists": (
        pd.DataFrame({"Woman": ["A"], "Age": [[31, 32]], "Outcome": [True]}),
        {"file": "women.parquet"},
        "women.parquet, row 2, column Age: found '[31, 32]'; expected a number",
    ),
    "Parquet with infinity": (
        pd.DataFrame({"Woman": ["A"], "Age": [float("inf")], "Outcome": [True]}),
        {"file": "women.parquet"},
        "women.parquet, row 2, column Age: found 'inf'; expected a finite number",
    ),
    # ---- columns and rows
    "missing column": (
        GOOD.replace("Outcome", "Outcomes"),
        {},
        FIRST + "found no column 'Outcome'; expected a column of the file, such as Outcomes",
    ),
    "missing column, nothing near": (
        "a,b,c\n1,2,3\n",
        {"columns": {"id": "a", "age": "Years at conception"}},
        FIRST + "found no column 'Years at conception'; expected a column of the file, such as a, b, c",
    ),
    "column in other case": (
        GOOD,
        {"columns": COLUMNS | {"age": "age"}},
        FIRST + "found no column 'age'; expected a column of the file, such as Age",
    ),
    "repeated ids": (
        GOOD + "A,33,no\n",
        {},
        "women.csv, column Woman: found the id 'A' in rows 2, 4; expected each id once",
    ),
    "blank id": (cell("", "Woman"), {}, "women.csv, row 2, column Woman: found no id; expected an id"),
    "id that means not known": (
        cell("NA", "Woman"),
        {"missing": ["NA"]},
        "women.csv, row 2, column Woman: found no id; expected an id",
    ),
    "exclusions that leave nobody": (
        GOOD,
        {"exclude": [{"reason": "All", "column": "Outcome", "values": ["YES", "no"]}]},
        "women.csv: found no woman left after the exclusions; expected at least one",
    ),
    "exclusion by an absent column": (
        GOOD,
        {"exclude": [{"reason": "Lost", "column": "Status", "values": ["LOST"]}]},
        FIRST + "found no column 'Status'; expected a column of the file, such as Woman, Age, Outcome",
    ),
    "keep by an absent column": (
        GOOD,
        {"keep": {"Visit": 1}},
        FIRST + "found no column 'Visit'; expected a column of the file, such as Woman, Age, Outcome",
    ),
    "keep that finds nothing": (
        GOOD,
        {"keep": {"Outcome": ["maybe", "perhaps"]}},
        "women.csv, column Outcome: found no row with 'maybe' or 'perhaps' (`keep`); "
        "expected one of 'yes', 'no'",
    ),
    # ---- numbers
    "text for a number": (cell("thirty"), {}, AGE + "'thirty'; expected a number"),
    "header in the middle": (
        GOOD.replace("B,32,no\n", "Woman,Age,yes\n"),
        {},
        "women.csv, row 3, column Age: found 'Age'; expected a number",
    ),
    "decimal comma without the setting": (
        cell("31,5"),
        {},
        AGE + "'31,5'; expected a number with a decimal point; for a decimal comma set `decimal: \",\"`",
    ),
    "decimal point against the setting": (
        cell("31.5"),
        {"decimal": ","},
        AGE + "'31.5'; expected a number with a decimal comma, as `decimal` says",
    ),
    "thousands separators": (
        cell("1,234.5"),
        {},
        AGE + "'1,234.5'; expected a number without thousands separators",
    ),
    "German thousands separators": (
        cell("1.234,5"),
        {"decimal": ","},
        AGE + "'1.234,5'; expected a number without thousands separators",
    ),
    "blank as thousands separator": (
        cell("12 345"),
        {},
        AGE + "'12 345'; expected a number without thousands separators",
    ),
    "per cent sign": (cell("31%"), {}, AGE + "'31%'; expected a number without the per cent sign"),
    "below the limit of detection": (
        cell("<0.5"),
        {},
        AGE + "'<0.5'; expected a number; decide which one stands for a value beyond the limit of the assay",
    ),
    "not known, undeclared": (
        cell("n/a"),
        {},
        AGE + "'n/a'; expected a number; if it means not known, add it to `missing:`",
    ),
    "infinity": (cell("1e999"), {}, AGE + "'1e999'; expected a finite number"),
    "date for a number": (
        cell("1990-02-03"),
        {},
        AGE + "'1990-02-03'; expected a number; the time between two dates is "
        "{from: ..., until: ..., unit: ...}",
    ),
    "out of range": (cell("315"), {}, AGE + "'315'; expected 12 to 60 years"),
    "negative": (
        "Woman,Losses\nA,-2\n",
        {"columns": {"id": "Woman", "miscarriages": "Losses"}},
        "women.csv, row 2, column Losses: found '-2'; expected 0 to 30",
    ),
    "fraction for a whole number": (
        "Woman,Losses\nA,2.5\n",
        {"columns": {"id": "Woman", "miscarriages": "Losses"}},
        "women.csv, row 2, column Losses: found '2.5'; expected a whole number",
    ),
    "a whole number beyond all bounds": (
        "Woman,Losses\nA,1e300\n",
        {"columns": {"id": "Woman", "n": {"column": "Losses", "type": "integer"}}},
        "women.csv, row 2, column Losses: found '1e300'; expected a whole number",
    ),
    "fractions for percentages": (
        "W,NK\n" + "".join(f"w{i},0.1{i}\n" for i in range(6)),
        {"columns": {"id": "W", "nk_level": "NK"}},
        "women.csv, column NK: found no value above 1; "
        "expected percentages; for fractions write {column: ..., unit: fraction}",
    ),
    "percentages for fractions": (
        "W,NK\nA,12.5\n",
        {"columns": {"id": "W", "nk_level": {"column": "NK", "unit": "fraction"}}},
        "women.csv, row 2, column NK: found '12.5' (1250); "
        "expected 0 to 100 % of lymphocytes (after conversion to % of lymphocytes)",
    ),
    # ---- codes
    "unknown yes or no": (
        cell("perhaps", "Outcome"),
        {},
        "women.csv, row 2, column Outcome: found 'perhaps'; expected one of 0, 1, false, n, no, true, y, yes",
    ),
    "unknown code": (
        cell("SB", "Outcome").replace("no", "MC"),
        {"columns": COLUMNS | {"live_birth": {"column": "Outcome", "codes": {"LB": True, "MC": False}}}},
        "women.csv, row 2, column Outcome: found 'SB'; expected one of LB, MC",
    ),
    "unknown level": (
        "W,E\nA,APS\n",
        {"columns": {"id": "W", "etiology": "E"}},
        "women.csv, row 2, column E: found 'APS'; expected one of known, idiopathic",
    ),
    # ---- dates
    "no date": (born("spring"), {"columns": INTERVAL}, BORN + "'spring'; expected a date as YYYY-MM-DD"),
    "date in another order": (
        born("31.12.1990"),
        {"columns": INTERVAL},
        BORN + "'31.12.1990'; expected a date as YYYY-MM-DD",
    ),
    "two-digit year": (
        born("31.12.90"),
        {"columns": INTERVAL, "date_format": "DD.MM.YYYY"},
        BORN + "'31.12.90'; expected a date as DD.MM.YYYY, its year with four digits",
    ),
    "month and day swapped": (
        born("12/31/1990"),
        {"columns": INTERVAL, "date_format": "DD/MM/YYYY"},
        BORN + "'12/31/1990'; expected a day of the calendar",
    ),
    "day that is not in the calendar": (
        born("1990-02-30"),
        {"columns": INTERVAL},
        BORN + "'1990-02-30'; expected a day of the calendar",
    ),
    "year of another age": (
        born("0990-02-03"),
        {"columns": INTERVAL},
        BORN + "'0990-02-03'; expected a year from 1900 to 2100",
    ),
    "number for a date": (
        born("32874"),
        {"columns": INTERVAL},
        BORN + "'32874'; expected a date as YYYY-MM-DD",
    ),
    "until before from": (
        born("2021-06-01"),
        {"columns": INTERVAL},
        "women.csv, row 2, column Pregnant: found '2020-06-01'; expected a day not before Born, '2021-06-01'",
    ),
    "interval out of range": (
        born("2015-06-01"),
        {"columns": INTERVAL},
        "women.csv, row 2, column Pregnant: found '2020-06-01', 5.00205 years after Born, '2015-06-01'; "
        "expected 12 to 60 years",
    ),
    "karyotype of a live birth": (
        "Woman;Age;Outcome;Karyotype\nA;31;yes;euploid\nB;32;no;euploid\n",
        {"columns": {**COLUMNS, "karyotype": "Karyotype"}},
        "women.csv, row 2, column Karyotype: found 'euploid'; "
        "expected nothing, as Outcome says that this pregnancy ended in a live birth",
    ),
    "Excel's dates in impossible order": (
        [["W", "Born", "Pregnant"], ["A", date(2021, 6, 1), date(2020, 6, 1)]],
        {"file": "women.xlsx", "columns": INTERVAL},
        "women.xlsx, row 2, column Pregnant: found '2020-06-01'; "
        "expected a day not before Born, '2021-06-01'",
    ),
}


@pytest.mark.parametrize(("content", "how", "line"), TABLES.values(), ids=TABLES)
def test_a_table_that_cannot_be_used_is_told_in_one_line(tmp_path, monkeypatch, content, how, line):
    monkeypatch.chdir(tmp_path)
    assert lines_of_table(tmp_path, content, **how) == [line]


# ---- REDCap

HEADER = (
    "Variable / Field Name,Form Name,Field Type,Field Label,"
    '"Choices, Calculations, OR Slider Labels",Text Validation Type OR Show Slider Number,'
    "Text Validation Min,Text Validation Max,Identifier?\n"
)
FIELDS = (
    "record_id,base,text,Record ID,,,,,\n"
    "mrn,base,text,Hospital number,,,,,y\n"
    "dob,base,text,Date of birth,,date_dmy,1950-01-01,2010-12-31,\n"
    "age,base,text,Age,,integer,18,45,\n"
    'outcome,base,radio,Outcome,"1, Live birth | 2, Miscarriage",,,,\n'
)
RECORD = {"id": "record_id"}
NO_CHOICE = "expected code, label | code, label"
CHOICES = "dictionary.csv, row 2, column Choices, Calculations, OR Slider Labels: found "

REDCAP = {
    "no columns of a dictionary": (
        "record_id,age\n1,30\n",
        {"redcap": HEADER.replace("Field Type", "Kind") + FIELDS, "columns": RECORD},
        "dictionary.csv, row 1: found no column 'Field Type'; expected a REDCap data dictionary",
    ),
    "an empty dictionary": (
        "record_id,age\n1,30\n",
        {"redcap": HEADER, "columns": RECORD},
        "dictionary.csv: found no fields; expected a row a field of the project",
    ),
    "choices without a comma": (
        "record_id\n1\n",
        {"redcap": HEADER + "o,f,radio,O,Live birth | Miscarriage,,,,\n", "columns": RECORD},
        CHOICES + f"the choice 'Live birth'; {NO_CHOICE}",
    ),
    "no choices": (
        "record_id\n1\n",
        {"redcap": HEADER + "o,f,dropdown,O,,,,,\n", "columns": RECORD},
        CHOICES + f"no choices; {NO_CHOICE}",
    ),
    "a code twice": (
        "record_id\n1\n",
        {"redcap": HEADER + 'o,f,radio,O,"1, a | 1, b",,,,\n', "columns": RECORD},
        CHOICES + f"the code '1' twice; {NO_CHOICE}",
    ),
    "a code that is no choice": (
        "record_id,outcome\n1,3\n2,1\n",
        {"redcap": HEADER + FIELDS, "columns": RECORD | {"outcome": "outcome"}},
        "women.csv, row 2, column outcome: found '3'; expected one of Live birth, Miscarriage",
    ),
    "a number beyond the field's maximum": (
        "record_id,age\n1,50\n",
        {"redcap": HEADER + FIELDS, "columns": RECORD | {"age": "age"}},
        "women.csv, row 2, column age: found '50'; expected 18 to 45, as the REDCap dictionary says",
    ),
    "a date beyond the field's minimum": (
        "record_id,dob,lmp\n1,1949-12-31,1980-01-01\n",
        {
            "redcap": HEADER + FIELDS,
            "columns": RECORD | {"age": {"from": "dob", "until": "lmp", "unit": "years"}},
        },
        "women.csv, row 2, column dob: found '1949-12-31'; "
        "expected a day from 1950-01-01 to 2010-12-31, as the REDCap dictionary says",
    ),
    "several events a record": (
        "record_id,redcap_event_name,age\n1,base_arm_1,30\n1,visit_arm_1,\n2,base_arm_1,31\n",
        {"redcap": HEADER + FIELDS, "columns": RECORD | {"age": "age"}},
        "women.csv, column record_id: found 1 ids in several rows, told apart by redcap_event_name "
        "('base_arm_1', 'visit_arm_1'); expected one row a woman; pick rows by `keep`, such as "
        "keep: {redcap_event_name: base_arm_1}",
    ),
    "several repeats a record": (
        "record_id,redcap_repeat_instrument,redcap_repeat_instance,age\n1,,,30\n1,labs,1,\n1,labs,2,\n",
        {"redcap": HEADER + FIELDS, "columns": RECORD | {"age": "age"}},
        "women.csv, column record_id: found 1 ids in several rows, told apart by redcap_repeat_instrument "
        "('labs', \"\"); expected one row a woman; pick rows by `keep`, such as "
        "keep: {redcap_repeat_instrument: labs}",
    ),
}


@pytest.mark.parametrize(("content", "how", "line"), REDCAP.values(), ids=REDCAP)
def test_an_export_of_redcap_that_cannot_be_used_is_told_in_one_line(
    tmp_path, monkeypatch, content, how, line
):
    monkeypatch.chdir(tmp_path)
    assert lines_of_table(tmp_path, content, **how) == [line]


# ---- settings

MARKERS = {"nk_level": "n", "nk_cytotoxicity_50_1": "c", "th1_th2": "t"}
CLINIC = {
    "title": "A clinic",
    "source": "table",
    "panel": "tests/configs/clinic_panel.yaml",
    "file": "women.csv",
    "columns": {"id": "w", "age": "a", "live_birth": "b", **MARKERS},
}
KEYS = (
    "analysis, columns, date_format, decimal, exclude, file, keep, missing, panel, prediction, "
    "redcap_dictionary, sheet, source, title"
)
NAMES = "age, id, live_birth, nk_cytotoxicity_50_1, nk_level, th1_th2"


def columns(**more):
    return {"columns": CLINIC["columns"] | more}


#: What is wrong: changes to the clinic's entry, and the line about it (after "config: cohorts.clinic").
CONFIGS = {
    "unknown key": (
        {"colums": {}},
        f".colums: found an unknown key; expected one of {KEYS}",
    ),
    "null as a key": (
        {None: 1},
        f".None: found an unknown key; expected one of {KEYS}",
    ),
    "missing key": ({"columns": ...}, ".columns: found nothing; expected this key to be given"),
    "no source": ({"source": "tabel"}, ".source: found 'tabel'; expected one of reconstruction, table"),
    "no id": (
        {"columns": {"age": "a", **MARKERS}},
        ".columns.id: found nothing; expected this key to be given",
    ),
    "columns as a list": (
        {"columns": ["id", "age"]},
        ".columns: found ['id', 'age']; expected keys with values",
    ),
    "column set to null": (
        columns(bmi=None),
        ".columns.bmi: found nothing (null); expected text or keys with values",
    ),
    "missing set to null": ({"missing": None}, ".missing: found nothing (null); expected a list"),
    "missing that YAML reads as a boolean": (
        {"missing": [False]},
        ".missing.0: found False; expected text or a number",
    ),
    "column without a column": (
        columns(bmi={"unit": "kg/m2"}),
        ".columns.bmi.column: found nothing; expected this key to be given",
    ),
    "from without until": (
        columns(age={"from": "Born", "unit": "years"}),
        ".columns.age.until: found nothing; expected this key to be given",
    ),
    "interval in an unknown unit": (
        columns(age={"from": "Born", "until": "Pregnant", "unit": "decades"}),
        ".columns.age.unit: found 'decades'; expected one of days, weeks, months, years",
    ),
    "interval in a unit that the variable has not": (
        columns(age={"from": "Born", "until": "Pregnant", "unit": "days"}),
        ".columns.age.unit: found 'days'; expected one of years, months",
    ),
    "interval for a measured value": (
        columns(bmi={"from": "Born", "until": "Pregnant", "unit": "years"}),
        ".columns.bmi.unit: found 'years'; expected one of the measured value in a column",
    ),
    "interval for a whole number": (
        columns(parity={"from": "Born", "until": "Pregnant", "unit": "years"}),
        ".columns.parity: found the time between two dates for a integer; expected it for a number",
    ),
    "unknown unit": (
        columns(nk_level={"column": "NK", "unit": "cells/ul"}),
        ".columns.nk_level.unit: found 'cells/ul'; expected one of % of lymphocytes, %, fraction",
    ),
    "own variable without a type": (
        columns(crp="CRP"),
        ".columns.crp: found a variable that the dictionary does not know; "
        "expected a type (number, integer, boolean, category or text)",
    ),
    "unknown type": (
        columns(crp={"column": "CRP", "type": "float"}),
        ".columns.crp.type: found 'float'; expected one of number, integer, boolean, category, text",
    ),
    "minimum above maximum": (
        columns(crp={"column": "CRP", "type": "number", "minimum": 9, "maximum": 3}),
        ".columns.crp: found a minimum of 9 and a maximum of 3; expected the minimum below the maximum",
    ),
    "reserved name": (
        columns(subgroup={"column": "s", "type": "text"}),
        ".columns.subgroup: found a name that the workflow uses itself; expected another name",
    ),
    "name with a blank": (
        columns(**{"c reactive": {"column": "CRP", "type": "number"}}),
        ".columns.c reactive: found the name 'c reactive'; "
        "expected a name of letters, digits and underscore that starts with a letter",
    ),
    "codes for a number": (
        columns(miscarriages={"column": "m", "codes": {">5": 6}}),
        ".columns.miscarriages.codes: found codes for a integer; expected them for a boolean or category",
    ),
    "ambiguous codes": (
        columns(live_birth={"column": "b", "codes": {"LB": True, "lb": False}}),
        ".columns.live_birth.codes.lb: found False, and True for LB, which is the same cell 'lb'; "
        "expected one value for it",
    ),
    "ambiguous yes": (
        columns(live_birth={"column": "b", "codes": {True: True, "Y": False, "no": None}}),
        ".columns.live_birth.codes.Y: found False, and True for True, which is the same cell 'y'; "
        "expected one value for it",
    ),
    "code that is no yes or no": (
        columns(live_birth={"column": "b", "codes": {"LB": "yes"}}),
        ".columns.live_birth.codes.LB: found 'yes'; expected true, false or null",
    ),
    "code of an unknown level": (
        columns(etiology={"column": "e", "codes": {"APS": "Known"}}),
        ".columns.etiology.codes.APS: found 'Known'; expected known, idiopathic or null",
    ),
    "code of an own level that is not declared": (
        columns(stage={"column": "s", "type": "category", "levels": ["I", "II"], "codes": {"a": "III"}}),
        ".columns.stage.codes.a: found 'III'; expected I, II or null",
    ),
    "levels of a number": (
        columns(crp={"column": "c", "type": "number", "levels": [1, 2]}),
        ".columns.crp.levels: found levels; expected them for a category of your own only",
    ),
    "codes as a list": (
        columns(live_birth={"column": "b", "codes": ["LB"]}),
        ".columns.live_birth.codes: found ['LB']; expected keys with values",
    ),
    "unknown decimal separator": (
        {"decimal": ";"},
        '.decimal: found \';\'; expected the decimal separator in quotes, "." or ","',
    ),
    "date format with a two-digit year": (
        {"date_format": "DD.MM.YY"},
        ".date_format: found 'DD.MM.YY'; expected one of YYYY-MM-DD, DD.MM.YYYY, DD/MM/YYYY, DD-MM-YYYY, "
        "MM/DD/YYYY, MM-DD-YYYY, YYYY/MM/DD, YYYYMMDD",
    ),
    "keep without a column": ({"keep": {}}, ".keep: found nothing below it; expected at least 1 of them"),
    "keep as text": ({"keep": "baseline"}, ".keep: found 'baseline'; expected keys with values"),
    "exclusion without values": (
        {"exclude": [{"reason": "Lost", "column": "b", "values": []}]},
        ".exclude.0.values: found []; expected a list of at least 1",
    ),
    "one exclusion twice": (
        {
            "exclude": [
                {"reason": "Lost", "column": "b", "values": ["LOST"]},
                {"reason": "Gone", "column": "b", "values": ["lost"]},
            ]
        },
        ".exclude: found 'lost' of 'b' under 'Lost' and under 'Gone'; expected it under one reason",
    ),
    "one reason twice": (
        {
            "exclude": [
                {"reason": "Lost", "column": "b", "values": ["LOST"]},
                {"reason": "Lost", "column": "a", "values": ["LOST"]},
            ]
        },
        ".exclude: found the reason 'Lost' 2 times; expected each reason once",
    ),
    "file that is not there": (
        {"file": "womn.csv"},
        ".file: found 'womn.csv', which is not there; expected the path of a file",
    ),
    "file in an unset folder": (
        {"file": "${NOWHERE_AT_ALL}/women.csv"},
        ".file: found '${NOWHERE_AT_ALL}/women.csv'; "
        "expected the environment variable NOWHERE_AT_ALL to be set",
    ),
    "panel in an unset folder": (
        {"panel": "${NOWHERE_AT_ALL}/panel.yaml"},
        ".panel: found '${NOWHERE_AT_ALL}/panel.yaml'; "
        "expected the environment variable NOWHERE_AT_ALL to be set",
    ),
    "sheet of a CSV": (
        {"sheet": "women"},
        ".sheet: found 'women'; expected a sheet for an Excel file only",
    ),
    "unknown panel": (
        {"panel": "lee2012"},
        ".panel: found 'lee2012'; expected the path of a YAML file or one of lee2013",
    ),
    "panel with a column that the cohort lacks": (
        {"columns": {"id": "w", "nk_level": "n", "nk_cytotoxicity_50_1": "c"}},
        ".panel: found clinic_panel.yaml, whose th1_th2 needs 'th1_th2'; expected that "
        "column among the cohort's columns, or a panel of your own without this cut-off",
    ),
    "panel with a column that is no number": (
        columns(th1_th2={"column": "t", "type": "text"}),
        ".panel: found clinic_panel.yaml, whose th1_th2 is a cut-off of 'th1_th2', a column of type text; "
        "expected one of type number or integer",
    ),
    "role of an absent column": (
        {"analysis": {"group": "arm"}},
        f".analysis.group: found 'arm'; expected one of {NAMES}",
    ),
    "role of the wrong type": (
        {"analysis": {"outcome": "age"}},
        ".analysis.outcome: found 'age', a column of type number; expected one of type boolean",
    ),
    "categories that descend": (
        {"analysis": {"history_categories": [4, 3, 2]}},
        ".analysis.history_categories: found [4, 3, 2]; expected ascending numbers",
    ),
    "REDCap dictionary that is not there": (
        {"redcap_dictionary": "dict.csv"},
        ".redcap_dictionary: found 'dict.csv', which is not there; expected the path of a file",
    ),
    "REDCap dictionary that is none": (
        {"redcap_dictionary": "women.csv"},
        ".redcap_dictionary: women.csv, row 1: found no column 'Variable / Field Name', "
        "'Field Type', 'Field Label', 'Choices, Calculations, OR Slider Labels', "
        "'Text Validation Type OR Show Slider Number', 'Text Validation Min', "
        "'Text Validation Max', 'Identifier?'; "
        "expected a REDCap data dictionary",
    ),
    "category as a covariate": (
        columns(thyroid={"column": "t", "type": "category", "levels": ["low", "high"]})
        | {"analysis": {"covariates": ["thyroid"], "splines": []}},
        ".analysis.covariates: found 'thyroid', a column of type category; expected numbers or yes/no: "
        "give each level but one a yes/no column of its own by its codes",
    ),
    "identifier as a variable": (
        {"redcap_dictionary": "redcap.csv", **columns(number={"column": "mrn", "type": "text"})},
        ".columns.number: found 'mrn', which the REDCap dictionary marks as an identifier; "
        "expected a column that identifies nobody (only `id` may)",
    ),
    "identifier to leave out rows": (
        {
            "redcap_dictionary": "redcap.csv",
            "exclude": [{"reason": "Withdrew", "column": "mrn", "values": [12345]}],
        },
        ".exclude: found 'mrn', which the REDCap dictionary marks as an identifier; "
        "expected a column that identifies nobody (only `id` may)",
    ),
    "date as a variable": (
        {"redcap_dictionary": "redcap.csv", **columns(born={"column": "dob", "type": "text"})},
        ".columns.born: found 'dob', a date by the REDCap dictionary; "
        "expected the time between two dates, {from: ..., until: ..., unit: ...}",
    ),
    "variable that REDCap's dictionary does not know": (
        {"redcap_dictionary": "redcap.csv", **columns(crp="crp")},
        ".columns.crp: found a variable that neither the dictionary nor REDCap's knows; "
        "expected a type (number, integer, boolean, category or text)",
    ),
}


@pytest.mark.parametrize(("changes", "line"), CONFIGS.values(), ids=CONFIGS)
def test_settings_that_cannot_be_used_are_told_in_one_line(tmp_path, changes, line):
    (tmp_path / "women.csv").write_text("w,a\n1,30\n")
    (tmp_path / "redcap.csv").write_text(HEADER + FIELDS)
    config = deepcopy(DEFAULT)
    clinic = {key: value for key, value in {**CLINIC, **changes}.items() if value is not ...}
    config["cohorts"]["clinic"] = clinic
    with pytest.raises(InputError) as caught:
        check(config, SCHEMA, [tmp_path, ROOT])
    assert str(caught.value).splitlines() == ["config: cohorts.clinic" + line]


def panel(**changes):
    content = load_yaml(ROOT / "tests/configs/clinic_panel.yaml")
    return yaml.safe_dump({key: value for key, value in (content | changes).items() if value is not ...})


#: What is wrong: the panel's text, and the line about it.
PANELS = {
    "unknown key": (
        panel(cutoff=3).encode(),
        "config: cohorts.han2025.panel: {panel}: cutoff: found an unknown key; expected one of "
        "derived, laboratory, markers, n, name, sampling, source, title, version",
    ),
    "no source": (
        panel(source=...).encode(),
        "config: cohorts.han2025.panel: {panel}: source: found nothing; expected this key to be given",
    ),
    "no markers": (
        panel(markers={}).encode(),
        "config: cohorts.han2025.panel: {panel}: markers: found nothing below it; "
        "expected at least 1 of them",
    ),
    "a list": (
        b"- nk_level\n",
        "config: cohorts.han2025.panel: {panel}: the top level: found ['nk_level']; "
        "expected a marker panel, as in workflow/resources/panels/",
    ),
    "an empty file": (
        b"",
        "config: cohorts.han2025.panel: {panel}: the top level: found nothing (null); "
        "expected a marker panel, as in workflow/resources/panels/",
    ),
    "text that is not UTF-8": (
        "name: Björk\n".encode("latin-1"),
        "{panel}: found text that is not UTF-8; expected a file saved as UTF-8",
    ),
    "no YAML": (
        b"name: [\n",
        "{panel}, row 2: found no YAML (did not find expected node content); expected YAML",
    ),
}


@pytest.mark.parametrize(("content", "line"), PANELS.values(), ids=PANELS)
def test_a_panel_that_cannot_be_used_is_told_in_one_line(tmp_path, content, line):
    path = tmp_path / "panel.yaml"
    path.write_bytes(content)
    config = deepcopy(DEFAULT)
    config["cohorts"]["han2025"]["panel"] = str(path)
    with pytest.raises(InputError) as caught:
        check(config, SCHEMA, [ROOT])
    assert str(caught.value).replace(str(path), "{panel}").splitlines() == [line]


def test_a_column_that_nobody_knows_is_told_also_in_the_shared_settings():
    config = deepcopy(DEFAULT)
    config["analysis"] |= {"treatment": "ivig", "covariates": ["age", "smokes"], "splines": []}
    with pytest.raises(InputError) as caught:
        check(config, SCHEMA, [ROOT])
    treatment, covariate = str(caught.value).splitlines()
    assert treatment.startswith("config: analysis.treatment: found 'ivig'; expected a column of one of the")
    assert "such as ivig_dose_g" in treatment
    assert covariate.startswith("config: analysis.covariates: found 'smokes'; expected a column")
