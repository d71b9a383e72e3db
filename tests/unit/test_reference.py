"""Whether a run reproduces a reference: bytes, tolerance or none."""

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from PIL import Image

from decidua import reference, tables
from decidua.errors import InputError
from decidua.provenance import sha256
from decidua.reference import ABSOLUTE, GREY_LEVELS, RELATIVE, check_against, measure, write_reference

HERE = {"system": "Linux", "machine": "x86_64", "python": "3.11", "packages": {"numpy": "2.4"}}
ELSEWHERE = HERE | {"python": "3.12"}
RATES, GENES, WOMEN = "open/rates.csv", "open/genes.parquet", "restricted/women.csv"
FIGURE, DRAWING, PAGE = "open/rates.png", "open/rates.svg", "open/report.html"
RECORD = "provenance/a.json"


def picture(*points, size=(120, 70)):
    """A white picture with black points."""
    image = Image.new("L", size, 255)
    for point in points:
        image.putpixel(point, 0)
    return image


def write_version(results, changes=None):
    """A finished version of one artifact a kind; `changes` replace some (None leaves it out)."""
    contents = {
        RATES: rates(),
        GENES: pd.DataFrame({"gene": ["g1", "g2", "g3"], "x": [1.0, 2.0, 6.0]}),
        WOMEN: pd.DataFrame({"id": list("abcdef"), "age": [21, 22, 23, 24, 25, 35]}),
        FIGURE: picture(),
        DRAWING: "<svg/>",
        PAGE: "<html/>",
        RECORD: "{}",
    } | (changes or {})
    present = {path: content for path, content in contents.items() if content is not None}
    for path, content in present.items():
        (results / path).parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, pd.DataFrame):
            tables.write(content, results / path)
        elif isinstance(content, Image.Image):
            content.save(results / path)
        else:
            (results / path).write_text(content)
    write_manifest(results, present)
    return results


def write_manifest(results, paths):
    lines = [f"{path}\t{sha256(results / path)}\n" for path in sorted(paths)]
    (results / "manifest.tsv").write_text("path\tsha256\n" + "".join(lines))


@pytest.fixture
def kept(tmp_path):
    """A reference of the unchanged version."""
    write_reference(write_version(tmp_path / "v1"), tmp_path / "kept", HERE)
    return tmp_path / "kept"


def check(tmp_path, kept, changes=None, environment=ELSEWHERE):
    return check_against(write_version(tmp_path / "v2", changes), kept, environment)


def rates(rate=0.25, n=13000000, why="few 12"):
    return pd.DataFrame({"group": ["a", "b"], "rate": [rate, 0.5], "n": [n, 4], "why": [why, "few 12"]})


def rows(file):
    with Path(file).open(newline="") as handle:
        return list(csv.DictReader(handle))


# --- what is written


def test_a_reference_holds_hashes_without_records_the_environment_and_small_open_tables(kept, tmp_path):
    files = sorted(path.relative_to(kept).as_posix() for path in kept.rglob("*") if path.is_file())
    assert files == [
        "environment.json",
        "figures.csv",
        "manifest.tsv",
        "summaries.csv",
        f"tables/{RATES}",
    ]
    listed = [line.split("\t")[0] for line in (kept / "manifest.tsv").read_text().splitlines()]
    assert listed == ["path", GENES, RATES, FIGURE, DRAWING, PAGE, WOMEN]
    assert json.loads((kept / "environment.json").read_text()) == HERE
    assert (kept / "tables" / RATES).read_bytes() == (tmp_path / "v1" / RATES).read_bytes()


def test_summaries_are_those_of_a_hand_calculation(kept):
    # Genes 1, 2, 6: mean 3, deviations -2, -1, 3, sd sqrt(14 / 2). Women: mean 25, deviations
    # -4, -3, -2, -1, 0, 10, sd sqrt(130 / 5); no minimum or maximum of a person.
    assert [list(row.values()) for row in rows(kept / "summaries.csv")] == [
        [GENES, "3", "gene", "0", "", "", "", ""],
        [GENES, "3", "x", "0", "3", "2.64575131106", "1", "6"],
        [WOMEN, "6", "age", "0", "25", "5.09901951359", "", ""],
        [WOMEN, "6", "id", "0", "", "", "", ""],
    ]


def test_restricted_columns_of_few_values_have_no_mean():
    few = pd.DataFrame({"age": [20.0, 30, 40, 50, np.nan]})
    assert np.isnan(reference.summarise(few, restricted=True)["age"]["mean"])
    assert reference.summarise(few, restricted=False)["age"]["mean"] == 35


def test_a_restricted_matrix_is_summarised_over_all_samples():
    matrix = pd.DataFrame({"gene": ["g1", "g2"], "anna": [1, 2], "berta": [3, 4], "clara": [5, 9]})
    found = reference.summarise(matrix, restricted=True)
    assert list(found) == ["gene", "(samples)"]
    assert found["(samples)"]["mean"] == 4  # (1 + 2 + 3 + 4 + 5 + 9) / 6


def test_a_figure_is_the_mean_luminance_of_its_blocks(kept, tmp_path):
    # 120 x 70 pixels are blocks of 50, 50, 20 by 50, 20.
    assert [list(row.values()) for row in rows(kept / "figures.csv")] == [
        [FIGURE, "120", "70", "0", "255 255 255"],
        [FIGURE, "120", "70", "50", "255 255 255"],
    ]
    # 100 of 20 x 20 pixels are black: 255 x 3 / 4 = 191.25.
    picture(*((x, y) for x in range(100, 110) for y in range(50, 60))).save(tmp_path / "p.png")
    assert measure(tmp_path / "p.png").luminance == [[255, 255, 255], [255, 255, 191]]


def test_what_is_transparent_is_white(tmp_path):
    Image.new("RGBA", (50, 50), (0, 0, 0, 0)).save(tmp_path / "p.png")
    assert measure(tmp_path / "p.png").luminance == [[255]]


def test_a_large_table_is_summarised_and_not_copied(tmp_path, monkeypatch):
    monkeypatch.setattr(reference, "LARGEST_COPY", 10)
    write_reference(write_version(tmp_path / "v1"), tmp_path / "kept", HERE)
    assert not (tmp_path / "kept/tables").exists()
    assert RATES in {row["path"] for row in rows(tmp_path / "kept/summaries.csv")}


def test_a_reference_written_again_is_the_same_bytes_and_old_copies_are_gone(kept, tmp_path):
    before = {path: path.read_bytes() for path in kept.rglob("*") if path.is_file()}
    (kept / "tables/old.csv").write_text("x\n")
    write_reference(tmp_path / "v1", kept, HERE)
    assert {path: path.read_bytes() for path in kept.rglob("*") if path.is_file()} == before
    assert not any(b"\r" in content for content in before.values())


def test_a_folder_with_other_files_is_not_written_to(tmp_path):
    version = write_version(tmp_path / "v1")
    before = (version / "manifest.tsv").read_bytes()
    with pytest.raises(InputError, match="found other files"):
        write_reference(version, version, HERE)
    assert (version / "manifest.tsv").read_bytes() == before


def test_an_artifact_that_is_not_there_is_bad_input(tmp_path):
    version = write_version(tmp_path / "v1")
    (version / RATES).unlink()
    with pytest.raises(InputError, match=rf"{RATES}: found no such file"):
        write_reference(version, tmp_path / "kept", HERE)
    assert not (tmp_path / "kept").exists()


# --- levels


@pytest.mark.parametrize("environment", [HERE, ELSEWHERE])
def test_the_same_bytes_reproduce_everywhere(tmp_path, kept, environment):
    outcome = check(tmp_path, kept, environment=environment)
    assert (outcome.level, outcome.ok) == ("bytes", True)
    assert outcome.lines() == ["reproduces the reference: 6 artifacts, the same bytes"]


def test_elsewhere_numbers_within_tolerance_reproduce(tmp_path, kept):
    outcome = check(tmp_path, kept, {RATES: rates(rate=0.25 + 0.25e-7)})
    assert (outcome.level, outcome.ok, outcome.other_bytes) == ("tolerance", True, [RATES])
    assert outcome.environment == ["python 3.12, not 3.11"]


def test_with_the_same_lock_and_platform_bytes_are_demanded(tmp_path, kept):
    outcome = check(tmp_path, kept, {RATES: rates(rate=0.25 + 0.25e-7)}, HERE)
    assert (outcome.level, outcome.ok) == ("tolerance", False)
    assert outcome.message == (
        "same lock and platform, but 1 of 6 artifacts differ in bytes; numbers are within tolerance"
    )


def test_a_package_of_another_version_is_another_lock(tmp_path, kept):
    outcome = check(tmp_path, kept, {PAGE: "<html>new</html>"}, HERE | {"packages": {"numpy": "2.5"}})
    assert outcome.ok
    assert outcome.environment == ["numpy 2.5, not 2.4"]


def test_a_number_out_of_tolerance_is_told_with_its_place(tmp_path, kept):
    outcome = check(tmp_path, kept, {RATES: rates(rate=0.26)})
    assert (outcome.level, outcome.ok) == ("none", False)
    assert outcome.problems == [f"{RATES}, row group=a, column rate: found 0.26; expected 0.25"]


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize(("share", "level"), [(0.9, "tolerance"), (1.1, "none")])
def test_the_tolerance_is_the_declared_one(tmp_path, kept, share, level, sign):
    rate = 0.25 + sign * share * (ABSOLUTE + RELATIVE * 0.25)
    assert check(tmp_path, kept, {RATES: rates(rate=rate)}).level == level


def test_whole_numbers_are_exact(tmp_path, kept):
    # 1 of 13 million would be within the relative tolerance.
    outcome = check(tmp_path, kept, {RATES: rates(n=13000001)})
    assert outcome.problems == [f"{RATES}, row group=a, column n: found 13000001; expected 13000000"]


def test_text_is_exact_and_so_are_the_numbers_in_it(tmp_path, kept):
    outcome = check(tmp_path, kept, {RATES: rates(why="few 12.0000000001")})
    assert outcome.level == "none"
    assert any("few 12.0000000001" in line for line in outcome.problems)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_number_that_became_missing_or_infinite_is_out_of_tolerance(tmp_path, kept, value):
    assert check(tmp_path, kept, {RATES: rates(rate=value)}).level == "none"


def test_an_infinite_number_of_the_reference_is_near_to_its_like_only(tmp_path):
    write_reference(write_version(tmp_path / "v1", {RATES: rates(rate=np.inf)}), tmp_path / "kept", HERE)
    assert check(tmp_path, tmp_path / "kept", {RATES: rates(rate=1.0)}).level == "none"
    assert check(tmp_path, tmp_path / "kept", {RATES: rates(rate=-np.inf)}).level == "none"


def test_rows_and_columns_must_be_those_of_the_reference(tmp_path, kept):
    other = rates().drop(columns="rate").assign(group=["a", "c"], extra=1)
    assert sorted(check(tmp_path, kept, {RATES: other}).problems) == [
        f"{RATES}, column extra: found a new column; expected none",
        f"{RATES}, column rate: found nothing; expected this column",
        f"{RATES}, row group=b: found nothing; expected this row",
        f"{RATES}, row group=c: found a new row; expected none",
    ]


def test_a_missing_and_a_new_artifact_are_departures(tmp_path, kept):
    version = write_version(tmp_path / "v2", {DRAWING: None})
    (version / "open/new.svg").write_text("<svg/>")
    write_manifest(version, [RATES, GENES, WOMEN, FIGURE, PAGE, "open/new.svg", RECORD])
    outcome = check_against(version, kept, ELSEWHERE)
    assert outcome.level == "none"
    assert outcome.problems == [
        f"{DRAWING}: found nothing; expected an artifact",
        "open/new.svg: found a new artifact; expected none",
    ]


def test_a_file_that_is_not_what_its_manifest_says_is_seen(tmp_path, kept):
    version = write_version(tmp_path / "v2")
    (version / PAGE).write_text("<html>touched</html>")
    assert check_against(version, kept, HERE).other_bytes == [PAGE]


def test_a_summary_shows_a_number_out_of_tolerance(tmp_path, kept):
    # Mean (1 + 2 + 7.5) / 3 = 3.5; deviations -2.5, -1.5, 4, sd sqrt(24.5 / 2) = 3.5; maximum 7.5.
    other = pd.DataFrame({"gene": ["g1", "g2", "g3"], "x": [1.0, 2.0, 7.5]})
    assert check(tmp_path, kept, {GENES: other}).problems == [
        f"{GENES}, column x: found mean 3.5; expected 3",
        f"{GENES}, column x: found sd 3.5; expected 2.64575131106",
        f"{GENES}, column x: found max 7.5; expected 6",
    ]


def test_a_summary_counts_rows_and_missing_values_exactly(tmp_path, kept):
    other = pd.DataFrame({"gene": ["g1", "g2", "g3", "g4"], "x": [1.0, 2.0, 6.0, np.nan]})
    assert check(tmp_path, kept, {GENES: other}).problems == [
        f"{GENES}, column gene: found rows 4; expected 3",
        f"{GENES}, column x: found rows 4; expected 3",
        f"{GENES}, column x: found missing 1; expected 0",
    ]


def test_drawings_and_pages_are_compared_by_bytes_only_and_it_says_so(tmp_path, kept):
    outcome = check(tmp_path, kept, {DRAWING: "<svg>new</svg>", PAGE: "<html>new</html>"})
    assert (outcome.level, outcome.uncompared) == ("tolerance", [DRAWING, PAGE])
    assert f"Compared by their bytes only, which differ: {DRAWING}, {PAGE}" in outcome.lines()


def test_a_figure_within_the_grey_levels_is_within_tolerance(tmp_path, kept):
    # 20 of 2500 black pixels: 255 x 20 / 2500 = 2.04, so that the block's mean is 253.
    dark = picture(*((x, 0) for x in range(20)))
    assert GREY_LEVELS == 2
    assert check(tmp_path, kept, {FIGURE: dark}).level == "tolerance"


def test_a_figure_beyond_the_grey_levels_is_told_by_its_block(tmp_path, kept):
    # 30 of 2500 black pixels: 255 x 30 / 2500 = 3.06, so that the block's mean is 252.
    dark = picture(*((60 + x, 10) for x in range(30)))
    assert check(tmp_path, kept, {FIGURE: dark}).problems == [
        f"{FIGURE}, row of pixels 0-49, column 50-99: "
        "found a mean luminance of 252; expected 255, or 2 more or less"
    ]


def test_a_figure_of_another_size_is_a_departure(tmp_path, kept):
    assert check(tmp_path, kept, {FIGURE: picture(size=(120, 71))}).problems == [
        f"{FIGURE}: found 120 x 71 pixels; expected 120 x 70 pixels"
    ]


@pytest.mark.parametrize("name", [RATES, GENES, FIGURE])
def test_a_file_that_cannot_be_read_is_a_departure(tmp_path, kept, name):
    (problem,) = check(tmp_path, kept, {name: ""}).problems
    assert "found a file that cannot be read" in problem


def test_many_departures_of_a_file_are_counted(tmp_path):
    table = pd.DataFrame({"group": [f"g{n}" for n in range(15)], "x": 0.5})
    write_reference(write_version(tmp_path / "v1", {RATES: table}), tmp_path / "kept", HERE)
    problems = check(tmp_path, tmp_path / "kept", {RATES: table.assign(x=0.6)}).problems
    assert len(problems) == 11
    assert problems[-1] == f"{RATES}: and 5 more departures"


@given(st.floats())
def test_a_number_is_near_to_itself(value):
    assert reference._near(value, value)


@given(st.floats(1e3, 1e9), st.sampled_from([-1, 1]), st.floats(0, 2))
def test_a_large_number_is_near_up_to_the_relative_tolerance(value, sign, share):
    # Away from the very edge, where the absolute tolerance (1e-6 of the relative one here) would tell.
    assume(abs(share - 1) > 1e-3)
    assert reference._near(value, value + sign * share * RELATIVE * value) == (share < 1)


# --- references that cannot be used


def test_an_absent_reference_is_bad_input(tmp_path):
    with pytest.raises(InputError, match=r"nowhere.environment\.json"):
        check_against(write_version(tmp_path / "v1"), tmp_path / "nowhere", HERE)


@pytest.mark.parametrize("file", ["manifest.tsv", "environment.json", "summaries.csv", "figures.csv"])
@pytest.mark.parametrize("content", [None, "", "[1]\n", "a,b\n1,2\n"])
def test_a_broken_file_of_a_reference_is_named(tmp_path, kept, file, content):
    (kept / file).unlink()
    if content is not None:
        (kept / file).write_text(content)
    with pytest.raises(InputError, match=file.replace(".", r"\.")):
        check(tmp_path, kept)


@pytest.mark.parametrize(
    ("file", "old", "new", "place"),
    [
        ("summaries.csv", ",3,x,", ",three,x,", r"summaries\.csv, row 3"),
        ("summaries.csv", GENES, "open/other.parquet", rf"summaries\.csv: found nothing of {GENES}"),
        ("figures.csv", "255 255 255", "255 pale 255", r"figures\.csv, row 2"),
        ("figures.csv", "255 255 255", "255 255", r"figures\.csv: found not all of"),
        (f"tables/{RATES}", "0.25", "0.26", r"rates\.csv: found other bytes than manifest\.tsv says"),
    ],
)
def test_a_wrong_value_of_a_reference_is_named(tmp_path, kept, file, old, new, place):
    text = (kept / file).read_text()
    assert old in text
    (kept / file).write_text(text.replace(old, new))
    with pytest.raises(InputError, match=place):
        check(tmp_path, kept)


def test_results_without_a_manifest_are_bad_input(tmp_path, kept):
    with pytest.raises(InputError, match=r"none.manifest\.tsv"):
        check_against(tmp_path / "none", kept, HERE)
