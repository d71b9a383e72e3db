"""Whatever stands in a table becomes a cohort, or an InputError says what is wrong; nothing else happens."""

import csv
import io
from pathlib import Path

import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from decidua.cohort import Import, read_cohort
from decidua.config import load_yaml
from decidua.errors import InputError
from decidua.understood import understood
from decidua.variables import describe_variables, missing_values

DICTIONARY = load_yaml(Path(__file__).parents[2] / "workflow/resources/cohort_dictionary.yaml")["variables"]
#: One variable of each kind, by the column that it is read from.
KINDS = {
    "age": "number",
    "miscarriages": "integer",
    "nk_level": {"column": "nk", "unit": "fraction"},
    "live_birth": {"column": "outcome", "codes": {"LB": True, "MC": False, "LOST": None}},
    "etiology": "cause",
    "centre": {"column": "centre", "type": "category"},
    "free": {"column": "free", "type": "text"},
    "weeks": {"column": "weeks", "type": "integer", "minimum": 0},
    "waited": {"from": "first", "until": "last", "unit": "days"},
}
ODD = st.sampled_from(
    ["", " ", "nan", "NaN", "inf", "-inf", "Infinity", "1e999", "-1e-999", "9" * 40, "0x10", "1_0", "٣", "½"]
    + ["1.5", "1,5", "1.234,5", "12%", "<1", "NA", "-0", "+3", ".5", "5.", "1e5", "true", "LB", "mc", "known"]
    + [
        "2020-01-01",
        "2020-13-01",
        "01.02.20",
        "31.12.1999",
        "0001-01-01",
        "2020-01-01 10:00",
        "\u200b",
        "\ufeff1",
    ]
    + ["\x00", "\x85", "\xa031", '"', "a\nb", ";", "\t", "İ", "ß", "🤰", "\ud7ff", "e\u0301"]
)
CELLS = ODD | st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.floats().map(str)


def columns_of(header):
    """The variables whose columns are all there."""
    specs = {name: {"column": spec} if isinstance(spec, str) else spec for name, spec in KINDS.items()}
    return {
        name: spec
        for name, spec in specs.items()
        if {spec.get("column"), spec.get("from"), spec.get("until")} - {None} <= set(header)
    }


HEADER = [
    *(
        "number",
        "integer",
        "nk",
        "outcome",
        "cause",
        "centre",
        "free",
        "weeks",
        "first",
        "last",
        "nobody asked",
    )
]
HOW = st.fixed_dictionaries(
    {
        "missing": st.lists(st.sampled_from(["NA", "nan", -9, 1.5]), max_size=2),
        "decimal": st.sampled_from(".,"),
        "date_format": st.sampled_from(["YYYY-MM-DD", "DD.MM.YYYY"]),
    },
    optional={
        "keep": st.dictionaries(st.just("id"), CELLS | st.lists(CELLS, min_size=1, max_size=2), max_size=1),
        "exclude": st.just([{"reason": "x", "column": "id", "values": ["", "nan", True, 1]}]),
    },
)


def is_told(path, header, how):
    """The table becomes a cohort that can be described, or an InputError says why not."""
    try:
        wanted, imported = read_cohort(path, DICTIONARY, columns={"id": "id", **columns_of(header)}, **how)
    except InputError as error:
        assert all("; expected " in str(problem) for problem in error.problems)
        return
    assert isinstance(imported, Import) and len(imported.cohort) <= imported.assessed
    assert imported.cohort["id"].is_unique and imported.cohort["id"].notna().all()
    assert understood(imported, wanted, "women.csv", "clinic")
    assert len(describe_variables(wanted)) == len(wanted)
    missing_values(imported.cohort, wanted, group="etiology", outcome="live_birth", karyotype="karyotype")


@st.composite
def tables(draw, cells):
    header = ["id", *draw(st.lists(st.sampled_from(HEADER), unique=True, max_size=6))]
    rows = draw(st.lists(st.lists(cells, min_size=len(header), max_size=len(header)), min_size=1, max_size=6))
    if draw(st.booleans()):
        rows = [[f"w{number}", *row[1:]] for number, row in enumerate(rows)]
    return header, rows


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(table=tables(CELLS), how=HOW, separator=st.sampled_from(",;\t"), end=st.sampled_from(["\n", "\r\n"]))
def test_any_text_becomes_a_cohort_or_is_told(tmp_path, table, how, separator, end):
    header, rows = table
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator=end).writerows([header, *rows])
    (tmp_path / "women.csv").write_text(text.getvalue(), encoding="utf-8", newline="")
    is_told(tmp_path / "women.csv", header, how)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.binary(max_size=80) | CELLS.map(str.encode), file=st.sampled_from(["csv", "xlsx", "parquet"])
)
def test_any_bytes_become_a_cohort_or_are_told(tmp_path, content, file):
    path = tmp_path / f"women.{file}"
    path.write_bytes(content)
    is_told(path, [], {})


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data(), how=HOW)
def test_any_typed_columns_become_a_cohort_or_are_told(tmp_path, data, how):
    header = ["id", *data.draw(st.lists(st.sampled_from(HEADER), unique=True, max_size=6))]
    number = data.draw(st.integers(1, 5))
    kinds = st.sampled_from([st.none(), st.floats(), st.booleans(), st.dates(), st.datetimes(), CELLS])
    kinds |= st.just(st.integers(-(2**63), 2**63 - 1))
    columns = {
        name: data.draw(st.lists(st.none() | data.draw(kinds), min_size=number, max_size=number))
        for name in header
    }
    if data.draw(st.booleans()):
        columns["id"] = [f"w{place}" for place in range(number)]
    pd.DataFrame({name: pd.Series(cells, dtype=object) for name, cells in columns.items()}).to_parquet(
        tmp_path / "women.parquet"
    )
    is_told(tmp_path / "women.parquet", header, how)
