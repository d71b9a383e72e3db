"""The door of the cohort: what comes in is typed, and every wrong cell is named."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decidua.cohort import enrolment_flow, group_sizes, import_cohort
from decidua.config import load_yaml
from decidua.errors import InputError
from decidua.patient_table import read_rows
from decidua.variables import missing_values, variables

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
