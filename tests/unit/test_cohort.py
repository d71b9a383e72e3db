"""The door of the cohort: what comes in is typed, and every wrong cell is named."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decidua.cohort import enrolment_flow, group_sizes, import_cohort
from decidua.config import INTERVALS, load_yaml
from decidua.dates import FORMATS
from decidua.errors import InputError
from decidua.patient_table import read_rows
from decidua.variables import DAYS, missing_values, variables

DICTIONARY = load_yaml(Path(__file__).parents[2] / "workflow/resources/cohort_dictionary.yaml")["variables"]
COLUMNS = {"id": "Woman", "age": "Age", "th1_th2": "Th1/Th2", "live_birth": "Outcome"}


def table(text, tmp_path, name="women.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return read_rows(path, name=name)


def imported(text, tmp_path, columns=COLUMNS, **options):
    return import_cohort(table(text, tmp_path), variables(DICTIONARY, columns), name="women.csv", **options)


def lines(text, tmp_path, columns=COLUMNS, **options):
    with pytest.raises(InputError) as caught:
        imported(text, tmp_path, columns, **options)
    return str(caught.value).splitlines()


def test_a_table_becomes_typed_columns(tmp_path):
    women = imported("Woman,Age,Th1/Th2,Outcome\nA,31,12.5,yes\nB,,NA,no\n", tmp_path, missing=["NA"]).cohort
    assert women.dtypes.astype(str).to_dict() == {
        "id": "string",
        "synthetic": "boolean",
        "age": "float64",
        "th1_th2": "float64",
        "live_birth": "boolean",
    }
    assert women.th1_th2.isna().tolist() == [False, True]
    assert women.live_birth.tolist() == [True, False]


def test_a_ratio_written_as_a_percentage_is_out_of_range(tmp_path):
    assert lines("Woman,Age,Th1/Th2,Outcome\nA,31,3620,yes\n", tmp_path) == [
        "women.csv, row 2, column Th1/Th2: found '3620'; expected 0 to 500 ratio"
    ]


def test_text_in_a_numeric_column_is_named(tmp_path):
    assert lines('Woman,Age,Th1/Th2,Outcome\nA,thirty,1,yes\nB,"31,5",1,no\n', tmp_path) == [
        "women.csv, row 2, column Age: found 'thirty'; expected a number",
        "women.csv, row 3, column Age: found '31,5'; expected a number with a decimal point; "
        'for a decimal comma set `decimal: ","`',
    ]


def test_a_repeated_id_is_named_with_all_its_rows(tmp_path):
    assert lines("Woman,Age,Th1/Th2,Outcome\nA,31,1,yes\nB,31,1,no\nA,32,1,no\n", tmp_path) == [
        "women.csv, column Woman: found the id 'A' in rows 2, 4; expected each id once"
    ]


def test_an_unknown_coding_of_the_outcome_is_named_with_the_known_ones(tmp_path):
    columns = COLUMNS | {"live_birth": {"column": "Outcome", "codes": {"LB": True, "MC": False}}}
    assert lines("Woman,Age,Th1/Th2,Outcome\nA,31,1,lb\nB,31,1,SB\n", tmp_path, columns) == [
        "women.csv, row 3, column Outcome: found 'SB'; expected one of LB, MC"
    ]


def test_an_absent_column_is_named_with_the_nearest_ones(tmp_path):
    assert lines("Woman,Age,Th1/Th2,Outcom\nA,31,1,yes\n", tmp_path) == [
        "women.csv, row 1: found no column 'Outcome'; expected a column of the file, such as Outcom"
    ]


def test_all_problems_of_a_file_come_at_once(tmp_path):
    text = "Woman,Age,Th1/Th2,Outcome\nA,x,3620,perhaps\n,31,1,yes\n"
    assert len(lines(text, tmp_path)) == 4


def test_many_problems_of_one_kind_are_counted(tmp_path):
    text = "Woman,Age,Th1/Th2,Outcome\n" + "".join(f"{i},x,1,yes\n" for i in range(50))
    found = lines(text, tmp_path)
    assert len(found) == 21 and found[-1].startswith("women.csv, column Age: found 30 more such cells")


def test_a_fraction_of_lymphocytes_becomes_a_percentage(tmp_path):
    columns = {"id": "W", "nk_level": {"column": "NK", "unit": "fraction"}}
    assert imported("W,NK\nA,0.161\n", tmp_path, columns).cohort.nk_level.tolist() == [pytest.approx(16.1)]


def test_a_yes_that_yaml_reads_as_true_still_matches_the_cell(tmp_path):
    columns = {"id": "W", "live_birth": {"column": "LB", "codes": {True: True, False: False}}}
    assert imported("W,LB\nA,Yes\nB,no\n", tmp_path, columns).cohort.live_birth.tolist() == [True, False]


def test_a_code_of_null_means_not_known(tmp_path):
    columns = {"id": "W", "live_birth": {"column": "LB", "codes": {"LB": True, "MC": False, "LOST": None}}}
    cohort = imported("W,LB\nA,LB\nB,LOST\n", tmp_path, columns).cohort
    assert cohort.live_birth.isna().tolist() == [False, True]


def test_excluded_rows_leave_in_order_and_are_counted(tmp_path):
    rule = {"reason": "Lost to follow-up", "column": "Outcome", "values": ["lost"]}
    text = "Woman,Age,Th1/Th2,Outcome\nA,31,1,yes\nB,31,1,Lost\nC,x,1,LOST\n"
    found = imported(text, tmp_path, exclude=[rule])
    assert (found.assessed, found.excluded, len(found.cohort)) == (3, (("Lost to follow-up", 2),), 1)


def test_a_repeated_column_name_is_named(tmp_path):
    with pytest.raises(
        InputError, match="row 1: found the column name 'Age' 2 times; expected each name once"
    ):
        table("Woman,Age,Age\nA,1,2\n", tmp_path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"women\.csv: found no such file; expected a patient table"):
        read_rows(tmp_path / "women.csv", name="women.csv")


@pytest.mark.parametrize("text", ["", "\n", "Woman,Age\n"])
def test_a_table_without_rows_is_an_error(text, tmp_path):
    with pytest.raises(InputError, match=r"women\.csv: found"):
        table(text, tmp_path)


def test_a_row_with_too_many_cells_is_an_error(tmp_path):
    with pytest.raises(InputError, match=r"women\.csv, row 3: found 3 cells; expected 2 cells"):
        table("a,b\n1,2\n1,2,3\n", tmp_path)


def test_a_row_with_too_few_cells_is_an_error(tmp_path):
    with pytest.raises(
        InputError, match=r"women\.csv, row 3: found 2 cells; expected 3 cells, as in the header"
    ):
        table("a,b,c\n1,2,3\n1,2\n", tmp_path)


def test_many_truncated_lines_are_counted(tmp_path):
    with pytest.raises(InputError) as caught:
        table("a,b,c\n" + "1,2\n" * 50, tmp_path)
    found = str(caught.value).splitlines()
    assert len(found) == 11 and "40 more" in found[-1]


def test_a_blank_line_is_skipped_and_counted(tmp_path):
    assert table("a,b\n1,2\n\n3,4\n", tmp_path).index.tolist() == [2, 4]


def test_fractions_without_their_unit_are_refused(tmp_path):
    columns = {"id": "W", "nk_level": "NK"}
    text = "W,NK\n" + "".join(f"w{i},0.1{i}\n" for i in range(6))
    assert lines(text, tmp_path, columns) == [
        "women.csv, column NK: found no value above 1; "
        "expected percentages; for fractions write {column: ..., unit: fraction}"
    ]


def test_exclusions_that_leave_nobody_are_refused(tmp_path):
    rule = {"reason": "All", "column": "Outcome", "values": ["yes"]}
    assert lines("Woman,Age,Th1/Th2,Outcome\nA,31,1,yes\n", tmp_path, exclude=[rule]) == [
        "women.csv: found no woman left after the exclusions; expected at least one"
    ]


def test_tabs_and_semicolons_separate_too(tmp_path):
    for separator in ("\t", ";"):
        rows = table(separator.join("ab") + "\n" + separator.join("12") + "\n", tmp_path)
        assert rows.to_dict("list") == {"a": ["1"], "b": ["2"]}


def test_an_excel_sheet_gives_the_same_rows_as_a_csv(tmp_path):
    frame = pd.DataFrame({"W": ["A", "B"], "Age": [31, 32], "NK": [10.5, None]})
    frame.to_excel(tmp_path / "women.xlsx", sheet_name="women", index=False)
    columns = {"id": "W", "age": "Age", "nk_level": "NK"}
    wanted = variables(DICTIONARY, columns)
    from_excel = import_cohort(read_rows(tmp_path / "women.xlsx", "women"), wanted)
    from_csv = imported("W,Age,NK\nA,31,10.5\nB,32,\n", tmp_path, columns)
    pd.testing.assert_frame_equal(from_excel.cohort, from_csv.cohort)


def test_an_unknown_sheet_is_named_with_the_sheets_there_are(tmp_path):
    pd.DataFrame({"a": [1]}).to_excel(tmp_path / "women.xlsx", sheet_name="women", index=False)
    with pytest.raises(InputError, match="found no sheet 'Sheet2'; expected one of women"):
        read_rows(tmp_path / "women.xlsx", "Sheet2")


def test_a_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / "women.docx").write_text("x")
    with pytest.raises(InputError, match=r"found the ending '\.docx'"):
        read_rows(tmp_path / "women.docx")


def test_the_published_flow_of_han_adds_up():
    # Han et al. 2025, Figure 1.
    excluded = [("a", 76), ("b", 92), ("c", 290), ("d", 3), ("e", 7), ("f", 53)]
    flow = enrolment_flow(987, excluded, 466, {"Known": 215, "Idiopathic": 251})
    assert flow.n.tolist() == [987, 76, 92, 290, 3, 7, 53, 466, 215, 251]
    assert flow.kind.tolist() == ["assessed", *["excluded"] * 6, "included", "group", "group"]


def test_a_flow_that_does_not_add_up_is_an_error():
    with pytest.raises(InputError, match="found 10 assessed - 1 excluded; expected 8 included"):
        enrolment_flow(10, [("a", 1)], 8, {})


def test_women_of_unknown_group_are_counted_as_unknown():
    cohort = pd.DataFrame({"etiology": pd.Categorical(["known", None, "known"], ["known", "idiopathic"])})
    assert group_sizes(cohort, "etiology", {"known": "Known"}) == {"Known": 2, "Unknown": 1}


def test_missing_values_are_counted_by_variable(tmp_path):
    cohort = imported("Woman,Age,Th1/Th2,Outcome\nA,31,,yes\nB,,,no\n", tmp_path).cohort
    counted = missing_values(cohort, variables(DICTIONARY, COLUMNS)).set_index("variable")
    assert counted.missing.to_dict() == {"id": 0, "age": 1, "th1_th2": 2, "live_birth": 0}
    assert counted.loc["age", "share"] == 0.5


def test_missing_values_are_counted_by_group_and_a_karyotype_of_a_live_birth_is_not_missing():
    # By hand: 5 women; the karyotype of two live births does not apply, of the three others one is missing.
    cohort = pd.DataFrame(
        {
            "etiology": pd.Categorical(
                ["known", "known", "idiopathic", "known", None], ["known", "idiopathic"]
            ),
            "live_birth": pd.array([True, False, False, None, True], dtype="boolean"),
            "karyotype": pd.Categorical([None, "euploid", "aneuploid", None, None], ["euploid", "aneuploid"]),
        }
    )
    wanted = variables(DICTIONARY, {"karyotype": "K"})
    counted = missing_values(
        cohort, wanted, group="etiology", outcome="live_birth", karyotype="karyotype"
    ).set_index("population")
    assert counted[["women", "not_applicable", "missing"]].to_dict("index") == {
        "all": {"women": 5, "not_applicable": 2, "missing": 1},
        "known": {"women": 3, "not_applicable": 1, "missing": 1},
        "idiopathic": {"women": 1, "not_applicable": 0, "missing": 0},
        "unknown": {"women": 1, "not_applicable": 1, "missing": 0},
    }
    assert counted.loc["all", "share"] == pytest.approx(1 / 3)
    assert pd.isna(counted.loc["unknown", "share"])


def test_a_converted_value_at_the_cutoff_stays_at_it(tmp_path):
    # 0.343 * 100 is 34.300000000000004 in floating point, which would lie above a cut-off of 34.3.
    columns = {"id": "W", "nk_cytotoxicity_50_1": {"column": "C", "unit": "fraction"}}
    assert imported("W,C\nA,0.343\n", tmp_path, columns).cohort["nk_cytotoxicity_50_1"].tolist() == [34.3]


def test_a_decimal_comma_is_read_as_said(tmp_path):
    text = "Woman;Age;Th1/Th2;Outcome\nA;31,5;1e1;yes\nB;32;,5;no\n"
    women = imported(text, tmp_path, decimal=",").cohort
    assert women.age.tolist() == [31.5, 32] and women.th1_th2.tolist() == [10, 0.5]


def test_numbers_of_excel_are_numbers_under_either_decimal_separator(tmp_path):
    pd.DataFrame({"W": ["A", "B"], "Age": [31.5, "32,5"]}).to_excel(tmp_path / "women.xlsx", index=False)
    rows = read_rows(tmp_path / "women.xlsx", decimal=",")
    found = import_cohort(rows, variables(DICTIONARY, {"id": "W", "age": "Age"}), decimal=",")
    assert found.cohort.age.tolist() == [31.5, 32.5]


AGE = {"id": "W", "age": {"from": "Born", "until": "Pregnant", "unit": "years"}}


def test_two_dates_become_an_age_and_stay_outside_themselves(tmp_path):
    text = "W,Born,Pregnant\nA,1990-06-01,2020-06-01\nB,,2020-06-01\n"
    women = imported(text, tmp_path, AGE).cohort
    # 30 years with 8 leap days: 10958 days.
    assert women.age.tolist() == [pytest.approx(10958 / 365.25), pytest.approx(float("nan"), nan_ok=True)]
    assert list(women.columns) == ["id", "synthetic", "age"]


@pytest.mark.parametrize(
    ("form", "day"),
    [
        ("DD.MM.YYYY", "31.1.1990"),
        ("DD/MM/YYYY", "31/01/1990"),
        ("MM/DD/YYYY", "01/31/1990"),
        ("YYYYMMDD", "19900131"),
        ("DD.MM.YYYY", "1990-01-31"),
        ("YYYY-MM-DD", "1990-01-31 23:59:59"),
    ],
)
def test_dates_are_read_in_the_order_that_is_said(tmp_path, form, day):
    columns = {"id": "W", "waited": {"from": "Born", "until": "Pregnant", "unit": "days"}}
    text = f"W,Born,Pregnant\nA,{day},1990-02-03\n"
    assert imported(text, tmp_path, columns, date_format=form).cohort.waited.tolist() == [3]


def test_an_age_in_months_becomes_years_too(tmp_path):
    columns = {"id": "W", "age": {"from": "Born", "until": "Pregnant", "unit": "months"}}
    text = "W,Born,Pregnant\nA,1990-06-01,2020-06-01\n"
    assert imported(text, tmp_path, columns).cohort.age.tolist() == [pytest.approx(10958 / 365.25)]


@pytest.mark.parametrize("file", ["women.xlsx", "women.parquet"])
def test_typed_dates_need_no_format(tmp_path, file):
    born = pd.Series(pd.to_datetime(["1990-06-01", None]))
    frame = pd.DataFrame({"W": ["A", "B"], "Born": born, "Pregnant": pd.to_datetime(["2020-06-01"] * 2)})
    writer = frame.to_excel if file.endswith("xlsx") else frame.to_parquet
    writer(tmp_path / file, index=False)
    found = import_cohort(
        read_rows(tmp_path / file), variables(DICTIONARY, AGE), date_format="DD.MM.YYYY"
    ).cohort
    assert found.age.tolist() == [pytest.approx(10958 / 365.25), pytest.approx(float("nan"), nan_ok=True)]


def test_settings_allow_the_units_and_date_formats_that_there_are():
    schema = load_yaml(Path(__file__).parents[2] / "workflow/schemas/config.schema.yaml")
    assert tuple(schema["$defs"]["date_format"]["enum"]) == FORMATS
    assert (
        tuple(schema["$defs"]["variable"]["oneOf"][2]["properties"]["unit"]["enum"])
        == INTERVALS
        == tuple(DAYS)
    )


def test_rows_that_are_not_kept_are_not_assessed(tmp_path):
    text = "Woman,Age,Th1/Th2,Outcome,Visit\nA,31,1,yes,1\nA,x,x,x,2\nB,32,1,no,1\nC,32,1,lost,1\n"
    rule = {"reason": "Lost to follow-up", "column": "Outcome", "values": ["lost"]}
    found = imported(text, tmp_path, keep={"Visit": 1}, exclude=[rule])
    assert (found.assessed, found.excluded, len(found.cohort)) == (3, (("Lost to follow-up", 1),), 2)


def test_an_empty_value_leaves_out_the_rows_that_are_not_known(tmp_path):
    text = "Woman,Age,Th1/Th2,Outcome\nA,31,1,yes\nB,31,1,\nC,31,1,NA\n"
    rule = {"reason": "No outcome", "column": "Outcome", "values": [""]}
    assert imported(text, tmp_path, exclude=[rule], missing=["NA"]).excluded == (("No outcome", 2),)


def test_rows_are_numbered_as_a_spreadsheet_shows_them(tmp_path):
    text = 'Woman,Age,Th1/Th2,Outcome\n"A\nof two lines",31,1,yes\n\nB,x,1,yes\n'
    assert lines(text, tmp_path) == ["women.csv, row 4, column Age: found 'x'; expected a number"]


def test_without_a_limit_every_wrong_cell_is_listed(tmp_path):
    text = "Woman,Age,Th1/Th2,Outcome\n" + "".join(f"{i},x,1,yes\n" for i in range(50))
    assert len(lines(text, tmp_path, limit=None)) == 50


def test_every_type_of_parquet_is_taken_for_what_it_is(tmp_path):
    frame = pd.DataFrame(
        {
            "W": [1, 2, None],
            "Losses": pd.array([2, None, 3], dtype="Int64"),
            "NK": [10.5, -9.0, float("nan")],
            "LB": pd.array([1, 0, None], dtype="Float64"),
            "Cause": pd.Categorical(["known", None, "idiopathic"]),
            "Arm": ["a", None, "b"],
        }
    )
    frame["W"] = frame["W"].fillna(3)
    frame.to_parquet(tmp_path / "women.parquet")
    columns = {"id": "W", "miscarriages": "Losses", "nk_level": "NK", "live_birth": "LB", "etiology": "Cause"}
    columns["arm"] = {"column": "Arm", "type": "category", "levels": ["b", "a"]}
    rows = read_rows(tmp_path / "women.parquet")
    women = import_cohort(rows, variables(DICTIONARY, columns), missing=[-9]).cohort
    assert women.id.tolist() == ["1", "2", "3"]
    assert women.miscarriages.tolist() == [2, pd.NA, 3]
    assert women.nk_level.isna().tolist() == [False, True, True]
    assert women.live_birth.tolist() == [True, False, pd.NA]
    assert women.etiology.cat.categories.tolist() == ["known", "idiopathic"]
    assert women.arm.cat.categories.tolist() == ["b", "a"]


def test_an_index_that_pandas_wrote_is_a_column_like_others(tmp_path):
    frame = pd.DataFrame({"W": ["A"], "Age": [31]}).set_index("W")
    frame.to_parquet(tmp_path / "women.parquet")
    assert set(read_rows(tmp_path / "women.parquet").columns) == {"W", "Age"}


@given(st.lists(st.text(max_size=8), min_size=1, max_size=8))
def test_any_cells_give_a_cohort_or_named_problems(cells):
    rows = pd.DataFrame({"W": [f"w{i}" for i in range(len(cells))], "Age": cells, "LB": cells}, dtype="str")
    rows.index = range(2, len(rows) + 2)
    wanted = variables(DICTIONARY, {"id": "W", "age": "Age", "live_birth": "LB", "miscarriages": "Age"})
    try:
        cohort = import_cohort(rows, wanted).cohort
    except InputError as error:
        assert all("expected" in str(problem) for problem in error.problems)
    else:
        assert len(cohort) == len(cells)


def test_a_typed_parquet_gives_the_same_cohort_as_its_text(tmp_path):
    frame = pd.DataFrame({"W": ["A", "B"], "Age": [31.5, None], "Losses": [2, 3], "LB": [True, False]})
    frame.to_parquet(tmp_path / "women.parquet")
    columns = {"id": "W", "age": "Age", "miscarriages": "Losses", "live_birth": "LB"}
    wanted = variables(DICTIONARY, columns)
    typed = import_cohort(read_rows(tmp_path / "women.parquet"), wanted).cohort
    text = imported("W,Age,Losses,LB\nA,31.5,2,yes\nB,,3,no\n", tmp_path, columns).cohort
    pd.testing.assert_frame_equal(typed, text)


def test_an_integer_column_may_have_missing_cells(tmp_path):
    columns = {"id": "W", "miscarriages": "Losses"}
    cohort = imported("W,Losses\nA,2\nB,\n", tmp_path, columns).cohort
    assert cohort["miscarriages"].tolist() == [2, pd.NA]
