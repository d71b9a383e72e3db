"""What changed between two versions, and why: reasons from the records, moves from the tables."""

import csv
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decidua import tables
from decidua.aligning import align, read
from decidua.comparison import compare, summary
from decidua.errors import InputError
from decidua.provenance import MANIFEST_COLUMNS, manifest, record, write_record

WOMEN, RATES, FIGURE = "restricted/women.parquet", "open/rates.csv", "open/rates.svg"


@pytest.fixture(autouse=True)
def working_folder(tmp_path, monkeypatch):
    """Records hold paths relative to the working folder."""
    monkeypatch.chdir(tmp_path)


def job(rule, inputs, outputs, *, code="aaaa", seed=None, packages=None, **settings):
    """A job of a version: what it read, what it wrote (path to text or table), and by what."""
    return {
        "rule": rule,
        "inputs": inputs,
        "outputs": outputs,
        "params": {"code": code, "seed": seed, **settings},
        "packages": packages or {"pandas": "3.0"},
    }


def write_version(name, *jobs):
    """A finished version: artifacts, records and manifest. Inputs are artifacts of it, or files beside it."""
    results = Path("results") / name
    records = []
    for place, made in enumerate(jobs):
        for path, content in made["outputs"].items():
            (results / path).parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, pd.DataFrame):
                tables.write(content, results / path)
            else:
                (results / path).write_text(content)
        entry = record(
            rule=made["rule"],
            wildcards={},
            version=name,
            params=made["params"],
            inputs=[path if Path(path).exists() else f"{results}/{path}" for path in made["inputs"]],
            outputs=[f"{results}/{path}" for path in made["outputs"]],
            synthetic=False,
        )
        records.append(results / f"provenance/{place}.json")
        records[-1].parent.mkdir(exist_ok=True)
        write_record(entry | {"packages": made["packages"]}, records[-1])
    with (results / "manifest.tsv").open("w", newline="") as handle:
        writer = csv.DictWriter(handle, MANIFEST_COLUMNS, delimiter="\t")
        writer.writeheader()
        writer.writerows(manifest(records, results))
    return results


def women(*ages):
    return pd.DataFrame({"id": [f"w{n}" for n in range(len(ages))], "age": [float(age) for age in ages]})


def rates(*values):
    return pd.DataFrame({"group": list("abcdefgh")[: len(values)], "rate": [float(v) for v in values]})


def validate(*ages, **how):
    return job("validate", [], {WOMEN: women(*ages)}, **how)


def tabulate(*values, **how):
    return job("tabulate", [WOMEN], {RATES: rates(*values)}, **how)


def plot(text, **how):
    return job("plot", [RATES], {FIGURE: text}, **how)


def why(comparison, path=RATES):
    return comparison.artifacts.set_index("path").reasons[path]


def verdicts(comparison):
    return dict(zip(comparison.artifacts.path, comparison.artifacts.verdict, strict=True))


def compared(before, after):
    """Two versions of two jobs each, compared."""
    return compare(write_version("v1", *before), write_version("v2", *after))


# --- artifacts and reasons


def test_versions_that_differ_in_name_only_are_the_same():
    files = {"config.yaml": "seed: 1\nversion: {}\n", "open/report.html": "<p>Version {} in v10 <img v1/>"}
    versions = [
        write_version(
            name,
            job(
                "record_config",
                [],
                {path: text.format(name) for path, text in files.items()},
                config={"version": name, "seed": 1},
                folder=f"results/{name}/open",
            ),
            job("tabulate", ["config.yaml"], {RATES: rates(1)}),
        )
        for name in ("v1", "v2")
    ]
    found = compare(*versions)
    assert set(found.artifacts.verdict) == {"same"}
    assert why(found, "config.yaml") == "only the version's name differs"
    assert why(found) == ""
    assert summary(found) == [
        "v1 -> v2: 3 same, 0 changed, 0 added, 0 removed",
        "  among the same, only the version's name differs in 2",
    ]


def test_records_are_not_among_the_artifacts():
    found = compared([validate(30)], [validate(30, code="bbbb")])
    assert verdicts(found) == {WOMEN: "same"}


def test_an_artifact_of_one_version_only_is_added_or_removed():
    found = compared([validate(30), tabulate(1)], [validate(30), plot("p") | {"inputs": [WOMEN]}])
    assert verdicts(found) == {WOMEN: "same", RATES: "removed", FIGURE: "added"}


def test_other_code_is_named_with_its_rule_and_both_fingerprints():
    found = compared([validate(30), tabulate(1)], [validate(30), tabulate(2, code="bbbb")])
    assert why(found) == "code tabulate: aaaa -> bbbb"


def test_a_changed_setting_is_named_by_its_dotted_key_with_both_values():
    before, after = ({"rate": {"confidence": level, "method": "Wald"}} for level in (0.95, 0.9))
    found = compared([validate(30), tabulate(1, **before)], [validate(30), tabulate(2, **after)])
    assert why(found) == "config rate.confidence: 0.95 -> 0.9"


def test_a_setting_of_one_version_only_is_absent_in_the_other():
    found = compared([validate(30), tabulate(1)], [validate(30), tabulate(2, exact=True)])
    assert why(found) == "config exact: absent -> true"


def test_a_long_value_is_shortened_to_where_it_begins_to_differ():
    before = tabulate(1, title="a" * 100 + "x" + "b" * 100)
    after = tabulate(2, title="a" * 100 + "y" + "b" * 100)
    found = compared([validate(30), before], [validate(30), after])
    # 40 characters are shown, from 10 before the difference.
    expected = [f"...{'a' * 10}{letter}{'b' * 29}..." for letter in "xy"]
    assert why(found) == f"config title: {expected[0]} -> {expected[1]}"


def test_another_seed_is_a_reason_of_the_config():
    found = compared([validate(30), tabulate(1, seed=1)], [validate(30), tabulate(2, seed=2)])
    assert why(found) == "config seed: 1 -> 2"


def test_a_setting_named_version_counts_unless_it_is_the_versions_own_name():
    found = compared([validate(30), tabulate(1, version="v1")], [validate(30), tabulate(2, version="v7")])
    assert why(found) == 'config version: "v1" -> "v7"'


def test_another_version_of_a_package_is_a_reason():
    old, new = {"numpy": "2.4", "pandas": "3.0"}, {"numpy": "2.4", "pandas": "3.1", "scipy": "1.17"}
    found = compared([validate(30), tabulate(1, packages=old)], [validate(30), tabulate(2, packages=new)])
    assert why(found) == "packages pandas: 3.0 -> 3.1"


def test_an_input_from_outside_is_named():
    Path("panel.yaml").write_text("old")
    before = write_version("v1", job("tabulate", ["panel.yaml"], {RATES: rates(1)}))
    Path("panel.yaml").write_text("new")
    after = write_version("v2", job("tabulate", ["panel.yaml"], {RATES: rates(2)}))
    # SHA-256 of "old" and "new", the first 8 digits, by sha256sum.
    assert why(compare(before, after)) == "input panel.yaml: cba06b57 -> 11507a0e"


def test_an_input_that_is_an_artifact_of_the_run_points_upstream_and_its_cause_is_the_root():
    found = compared(
        [validate(30), tabulate(1), plot("p")], [validate(31, code="bbbb"), tabulate(2), plot("q")]
    )
    assert why(found) == f"input {WOMEN}: made by validate"
    assert why(found, FIGURE) == f"input {RATES}: made by tabulate"
    causes = found.causes[["path", "kind", "name"]].itertuples(index=False, name=None)
    assert set(causes) == {(path, "code", "validate") for path in (WOMEN, RATES, FIGURE)}
    assert "  code of rule validate -> 3 artifacts: tabulate 1, plot 1, validate 1" in summary(found)


def test_an_input_of_one_version_only_is_named_with_the_version():
    found = compared([validate(30), job("tabulate", [], {RATES: rates(1)})], [validate(30), tabulate(2)])
    assert why(found) == f"input {WOMEN}: of v2 only"


def test_other_bytes_without_any_reason_are_unexplained():
    found = compared([validate(30), plot("p") | {"inputs": []}], [validate(30), plot("q") | {"inputs": []}])
    assert why(found, FIGURE).startswith("unexplained plot")
    assert "  unexplained plot -> 1 artifact: plot 1" in summary(found)


def test_a_config_that_changed_is_told_by_its_keys_and_not_by_its_name():
    before, after = (
        write_version(
            name,
            job(
                "record_config",
                [],
                {"config.yaml": f"seed: {seed}\nversion: {name}\n"},
                config={"seed": seed, "version": name},
            ),
        )
        for name, seed in (("v1", 1), ("v2", 2))
    )
    assert why(compare(before, after), "config.yaml") == "config config.seed: 1 -> 2"


def test_an_input_that_differs_in_the_versions_name_only_is_no_reason():
    before, after = (
        write_version(
            name,
            job("record_config", [], {"config.yaml": f"version: {name}\n"}, config={"version": name}),
            job("tabulate", ["config.yaml"], {RATES: rates(value)}, code=code),
        )
        for name, value, code in (("v1", 1, "aaaa"), ("v2", 2, "bbbb"))
    )
    assert why(compare(before, after)) == "code tabulate: aaaa -> bbbb"


def test_an_artifact_that_another_rule_makes_has_other_code():
    before, after = (job(rule, [], {RATES: rates(value)}) for rule, value in (("old", 1), ("new", 2)))
    assert why(compared([before], [after])) == "code new: aaaa -> aaaa"


def test_many_causes_of_a_kind_are_one_line():
    jobs = [
        [job(f"rule{n}", [], {f"open/{n}.svg": code}, code=code) for n in range(7)] for code in ("old", "new")
    ]
    lines = summary(compared(*jobs))
    assert [line for line in lines if "code of rule" in line] == [
        "  code of rules rule0, rule1, rule2, rule3, rule4 and 2 more -> 7 artifacts: "
        "rule0 1, rule1 1, rule2 1, rule3 1, rule4 1 and 2 more"
    ]


def test_a_folder_without_a_manifest_is_bad_input(tmp_path):
    with pytest.raises(InputError, match=r"manifest\.tsv: found no such table"):
        compare(tmp_path, tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"version": "v1"}'])
def test_a_broken_record_is_named(text):
    version = write_version("v1", validate(30))
    (version / "provenance/0.json").write_text(text)
    with pytest.raises(InputError, match=r"provenance/0\.json: .*expected the record of a job"):
        compare(version, version)


def test_an_artifact_without_a_record_is_named():
    version = write_version("v1", validate(30))
    (version / "provenance/0.json").unlink()
    with pytest.raises(InputError, match=f"found no record of {WOMEN}"):
        compare(version, version)


# --- numbers


def test_a_number_that_moved_is_told_with_its_row_and_by_how_much():
    found = compared([validate(30), tabulate(0.5, 0.2)], [validate(30), tabulate(0.5, 0.25)])
    (move,) = found.numbers.to_dict("records")
    assert {**move, "difference": round(move["difference"], 12), "relative": round(move["relative"], 12)} == {
        "path": RATES,
        "row": "group=b",
        "column": "rate",
        "before": 0.2,
        "after": 0.25,
        "difference": 0.05,
        "relative": 0.25,
    }
    assert "    group=b: rate 0.2 -> 0.25 (+25 %)" in summary(found)


def test_of_restricted_tables_no_row_and_no_value_is_told():
    found = compared([validate(31.25, 40), tabulate(1)], [validate(33.75, 40, 29), tabulate(1)])
    counted = found.restricted.drop(columns="largest").to_dict("records")
    assert counted == [{"path": WOMEN, "column": "age", "compared": 2, "moved": 1}]
    assert found.restricted["largest"].isna().all(), "the change of one woman is hers"
    assert found.only.to_dict("records") == [
        {"path": WOMEN, "version": "v2", "what": "row", "name": "", "n": 1}
    ]
    parts = (found.artifacts, found.causes, found.numbers, found.texts, found.only, found.restricted)
    told = "\n".join([*summary(found), *(part.to_csv() for part in parts)])
    for secret in ("w0", "w1", "w2", "31.25", "33.75", "29.0", "2.5"):
        assert secret not in told


def test_texts_of_restricted_tables_are_counted_and_not_told():
    table = pd.DataFrame({"id": ["w0", "w1"], "note": ["secret", ""]})
    other = table.assign(note=["secret", "hidden"])
    found = compared([job("validate", [], {WOMEN: table})], [job("validate", [], {WOMEN: other})])
    assert found.restricted[["column", "compared", "moved"]].values.tolist() == [["note", 2, 1]]
    assert len(found.texts) == 0


def test_of_five_moves_in_a_restricted_table_the_largest_is_told():
    table = pd.DataFrame({"id": [f"w{i}" for i in range(6)], "age": [30.0] * 6})
    other = table.assign(age=[31.0, 32.0, 33.0, 34.0, 35.0, 30.0])
    found = compared([job("validate", [], {WOMEN: table})], [job("validate", [], {WOMEN: other})])
    assert found.restricted.to_dict("records") == [
        {"path": WOMEN, "column": "age", "compared": 6, "moved": 5, "largest": 5.0}
    ]


def test_of_a_restricted_matrix_the_samples_are_not_named():
    matrix = pd.DataFrame({"gene": ["g1", "g2"], "anna": [1, 2], "berta": [3, 4]})
    other = matrix.assign(anna=[1, 7], clara=[5, 6])
    found = compared([job("validate", [], {WOMEN: matrix})], [job("validate", [], {WOMEN: other})])
    counted = found.restricted.drop(columns="largest").to_dict("records")
    assert counted == [{"path": WOMEN, "column": "(samples)", "compared": 4, "moved": 1}]
    assert found.restricted["largest"].isna().all()
    assert found.only.to_dict("records") == [
        {"path": WOMEN, "version": "v2", "what": "column", "name": "", "n": 1}
    ]
    assert not any(name in "\n".join(summary(found)) for name in ("anna", "berta", "clara"))


def test_the_rows_that_moved_most_come_first_and_the_rest_is_counted():
    before = [1.0] * 8
    after = [1.01, 1.02, 1.03, 1.04, 1.05, 1.06, 1.07, 1.0]
    lines = summary(compared([validate(30), tabulate(*before)], [validate(30), tabulate(*after)]))
    told = [line.strip() for line in lines if line.startswith("    ")]
    assert told[0] == "group=g: rate 1 -> 1.07 (+7 %)"
    assert told[5:] == ["group=b: rate 1 -> 1.02 (+2 %)", "and 1 more row"]


def test_a_table_that_is_not_there_is_said_to_be_not_compared():
    before, after = write_version("v1", validate(30)), write_version("v2", validate(31))
    (after / WOMEN).unlink()
    (line,) = compare(before, after).uncompared
    assert line.startswith(f"{WOMEN}: not compared")


def test_a_table_of_tabs_is_read_as_one(tmp_path):
    (tmp_path / "t.tsv").write_text("a\tb\nx\t1\nNA\t\n")
    found = read(tmp_path / "t.tsv")
    assert found.a.tolist() == ["x", "NA"]
    assert found.b.isna().tolist() == [False, True]


# --- alignment


def test_a_row_is_named_by_the_text_columns_that_tell_it_apart():
    table = pd.DataFrame(
        {
            "analysis": ["x"] * 3,
            "group": ["a", "a", "b"],
            "level": ["low", "high", None],
            "remark": ["p", "q", "r"],
            "n": [1, 2, 3],
        }
    )
    assert align(table, table).rows.tolist() == ["group=a; level=low", "group=a; level=high", "group=b"]


def test_a_changed_remark_is_a_text_that_differs_and_not_a_row_lost():
    table = pd.DataFrame({"group": ["a", "b"], "remark": ["", "few"], "n": [1, 2]})
    found = align(table, table.assign(remark=["", "many"]))
    assert found.only_before == found.only_after == []
    assert found.texts().to_dict("records") == [
        {"row": "group=b", "column": "remark", "before": "few", "after": "many"}
    ]


def test_rows_with_the_same_key_are_numbered_in_order():
    before = pd.DataFrame({"group": ["a", "a", "b"], "n": [1, 2, 3]})
    after = pd.DataFrame({"group": ["b", "a", "a"], "n": [3, 1, 5]})
    found = align(before, after)
    assert found.numbers()[["row", "before", "after"]].values.tolist() == [["group=a; no. 2", 2, 5]]


def test_a_table_without_text_is_aligned_by_row_number_as_a_spreadsheet_shows_it():
    before, after = pd.DataFrame({"n": [1, 2]}), pd.DataFrame({"n": [1, 3, 4]})
    found = align(before, after)
    assert found.numbers().row.tolist() == ["row 3"]
    assert found.only_after == ["row 4"]


def test_rows_and_columns_of_one_table_only_are_named():
    before = pd.DataFrame({"group": ["a", "b"], "n": [1, 2], "old": [0, 0]})
    after = pd.DataFrame({"group": ["b", "c"], "n": [2, 3], "new": [0, 0]})
    found = align(before, after)
    assert (found.only_before, found.only_after) == (["group=a"], ["group=c"])
    assert (found.columns_only_before, found.columns_only_after) == (["old"], ["new"])
    assert len(found.numbers()) == 0


@pytest.mark.parametrize(
    ("before", "after", "difference", "relative"),
    [
        (2.0, 1.0, -1.0, -0.5),
        (-2.0, -1.0, 1.0, 0.5),
        (0.0, 3.0, 3.0, np.inf),
        (np.nan, 3.0, np.nan, np.nan),
        (3.0, np.nan, np.nan, np.nan),
        (1.0, np.inf, np.inf, np.inf),
        (np.inf, 1.0, -np.inf, np.nan),
        (np.inf, -np.inf, -np.inf, np.nan),
    ],
)
def test_moves_of_all_kinds_of_numbers(before, after, difference, relative):
    (move,) = align(pd.DataFrame({"x": [before]}), pd.DataFrame({"x": [after]})).numbers().itertuples()
    np.testing.assert_equal((move.difference, move.relative), (difference, relative))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 0.0])
def test_a_number_has_not_moved_when_it_is_its_like(value):
    table = pd.DataFrame({"x": [value]})
    assert len(align(table, table).numbers()) == 0


@pytest.mark.parametrize("kind", ["bool", "boolean", object])
def test_booleans_count_as_0_and_1(kind):
    before = pd.DataFrame({"x": pd.Series([True, True], dtype=kind)})
    after = pd.DataFrame({"x": pd.Series([True, False], dtype=kind)})
    assert align(before, after).numbers()[["before", "after", "difference"]].values.tolist() == [[1, 0, -1]]


@pytest.mark.parametrize("kind", ["Int64", "Float64", "float64"])
def test_a_number_that_was_missing_has_moved(kind):
    before = pd.DataFrame({"x": pd.Series([None, None], dtype=kind)})
    after = pd.DataFrame({"x": pd.Series([None, 4], dtype=kind)})
    ((row, was, now),) = align(before, after).numbers()[["row", "before", "after"]].values.tolist()
    assert (row, now, np.isnan(was)) == ("row 3", 4.0, True)


def test_a_column_of_numbers_that_became_text_is_compared_as_text():
    found = align(pd.DataFrame({"x": [1.5, 2.0]}), pd.DataFrame({"x": ["1.5", "many"]}))
    assert found.numeric == []
    # Each value tells the rows of its table apart, so that the row of the other value is another row.
    assert (found.only_before, found.only_after) == (["x=2"], ["x=many"])


def test_a_table_without_rows_is_aligned():
    empty = pd.DataFrame({"group": [], "n": []})
    assert align(empty, rates(1).rename(columns={"rate": "n"})).only_after == ["row 2"]


numbers = st.one_of(st.floats(-1e6, 1e6), st.sampled_from([np.nan, np.inf, -np.inf]))
words = st.sampled_from(["", "a", "b", "c"])
frames = st.lists(st.tuples(words, words, numbers, st.integers(-9, 9)), max_size=8).map(
    lambda rows: pd.DataFrame(rows, columns=["key", "more", "x", "n"])
)


@given(frames)
def test_a_table_compared_with_itself_moves_nothing(table):
    found = align(table, table)
    assert len(found.rows) == len(table)
    assert not found.moved.any() and not found.reworded.any()
    assert found.only_before == found.only_after == []


@given(frames, frames)
def test_swapping_two_tables_negates_the_differences(one, other):
    columns = ["row", "column"]
    there, back = (
        align(*pair).numbers().sort_values(columns, ignore_index=True)
        for pair in ((one, other), (other, one))
    )
    pd.testing.assert_frame_equal(there[columns], back[columns])
    np.testing.assert_array_equal(there.difference, -back.difference)
    np.testing.assert_array_equal(there.before, back.after)


@given(st.lists(st.tuples(st.text(max_size=3), numbers), unique_by=lambda row: row[0]), st.randoms())
def test_shuffling_rows_with_unique_keys_moves_nothing(rows, random):
    shuffled = random.sample(rows, len(rows))
    frames = [
        pd.DataFrame([(f"k{k}", x) for k, x in part], columns=["key", "x"]) for part in (rows, shuffled)
    ]
    found = align(*frames)
    assert not found.moved.any()
    assert len(found.rows) == len(rows)


def test_a_table_of_20000_rows_takes_less_than_a_second():
    rng = np.random.default_rng(1)
    table = pd.DataFrame({"gene": [f"g{n}" for n in range(20000)], "kind": "x"})
    table[[f"c{n}" for n in range(6)]] = rng.normal(size=(20000, 6))
    other = table.sample(frac=1, random_state=1).assign(c0=lambda t: t.c0 + 1)
    start = time.process_time()
    found = align(table, other).numbers()
    assert time.process_time() - start < 1
    assert len(found) == 20000
