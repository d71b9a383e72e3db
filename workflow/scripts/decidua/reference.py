"""Does this run reproduce the reference, and at which level: bytes, tolerance, or none?"""

import csv
import json
import math
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
import pandas as pd

from decidua.aligning import (
    PERSONS,
    SMALLEST_GROUP,
    TABLES,
    align,
    floats,
    has_persons_as_columns,
    is_numeric,
    is_restricted,
    read,
)
from decidua.comparison import is_record, read_manifest
from decidua.errors import InputError, Problem
from decidua.provenance import sha256
from decidua.tables import FLOAT_FORMAT

#: How far a computed number may be from the reference's. Another processor or linear algebra library rounds
#: sums in another order, which is near 1e-12 of a mean, but an iterative fit stops at about 1e-8.
RELATIVE = 1e-6
#: The same for numbers that are zero but for rounding.
ABSOLUTE = 1e-9
#: How far the mean luminance (0 to 255) of a block may be: 1 for its rounding, 1 for the smoothing of edges.
GREY_LEVELS = 2
#: Side of a block in pixels: a label or a point changes a block of this size by more than the tolerance.
BLOCK = 50
#: Open CSV tables up to this size in bytes are kept as they are; of larger ones, a summary of each column.
LARGEST_COPY = 40 * 1024
#: Departures of one file that are told one by one; the rest is counted.
MOST_PROBLEMS = 10

SUMMARY_COLUMNS = ("path", "rows", "column", "missing", "mean", "sd", "min", "max")
STATISTICS = ("rows", "missing", "mean", "sd", "min", "max")
FIGURE_COLUMNS = ("path", "width", "height", "top", "luminance")
#: How a reference's files are told from any other folder.
MARK = "environment.json"

Level = Literal["bytes", "tolerance", "none"]
Parsed = TypeVar("Parsed")
Summary = dict[tuple[str, str], dict[str, float]]


@dataclass(frozen=True)
class Figure:
    """A picture's size in pixels and the mean luminance of its blocks, from the top left."""

    width: int
    height: int
    luminance: list[list[int]]


@dataclass(frozen=True)
class Reference:
    """A reference as `write_reference` wrote it: hashes, environment, summaries and figures by path."""

    folder: Path
    hashes: dict[str, str]
    environment: dict[str, Any]
    summaries: Summary
    figures: dict[str, Figure]


@dataclass(frozen=True)
class Outcome:
    """Whether a run reproduces the reference.

    Attributes:
        level: bytes (every artifact of the reference is there with its bytes, and no other), tolerance
            (tables and figures are within the tolerances, the text of tables is the same), or none.
        ok: bytes, or tolerance where lock or platform are not those of the reference.
        message: the outcome in one line.
        problems: what is not within tolerance, or missing, or new; empty but at level none.
        other_bytes: the artifacts whose bytes differ from the reference's.
        uncompared: those of them of which nothing but the bytes is compared (SVG, PDF, HTML, YAML, JSON and
            what lies behind the restricted door and is no table).
        environment: what differs about lock and platform, a line each.
    """

    level: Level
    ok: bool
    message: str
    problems: list[str] = field(default_factory=list)
    other_bytes: list[str] = field(default_factory=list)
    uncompared: list[str] = field(default_factory=list)
    environment: list[str] = field(default_factory=list)

    @property
    def wanted(self) -> str:
        """Which level would do."""
        return "tolerance or bytes" if self.environment else "bytes, as lock and platform are the same"

    def lines(self) -> list[str]:
        """For a terminal."""
        told = [self.message, *self.problems]
        if self.level != "bytes" and self.uncompared:
            told.append("Compared by their bytes only, which differ: " + ", ".join(self.uncompared))
        if self.level != "bytes" and self.environment:
            told.append("Other than the reference's: " + "; ".join(self.environment))
        return told


def write_reference(results: str | Path, folder: str | Path, environment: Mapping[str, Any]) -> None:
    """Write a small reference of a finished version that a person can review; an earlier one gives way.

    The files, all text, sorted, and the same bytes for the same results:
        manifest.tsv: path and sha256 of every artifact but the records of provenance.
        environment.json: where it was made.
        tables/: the open CSV tables up to `LARGEST_COPY`, as they are.
        summaries.csv: a row a column of every other table: rows, missing, mean, sd (n - 1), min, max. Of
            restricted tables neither min nor max, and columns that are persons are one.
        figures.csv: a row a row of blocks of every open PNG: the mean luminance of each block.

    Args:
        results: the version's folder.
        folder: where to write; new, empty, or an earlier reference.
        environment: JSON values, as `decidua.arithmetic.environment` gives them.

    Raises:
        InputError: no manifest, an artifact is missing, or the folder holds something else.
    """
    results, folder = Path(results), Path(folder)
    listed = _artifacts(results)
    if missing := [path for path in listed if not (results / path).is_file()]:
        raise InputError([f"{results / path}: found no such file; expected an artifact" for path in missing])
    if folder.exists() and any(folder.iterdir()) and not (folder / MARK).is_file():
        raise InputError(f"{folder}: found other files; expected a new folder or an earlier reference")
    # All is computed before the first file is written, so that no half of a reference stays behind.
    copies = [path for path in listed if _is_copied(results, path)]
    summaries, figures = [], []
    for path in listed:
        if Path(path).suffix in TABLES and path not in copies:
            summaries += _summary_rows(path, summarise(_table(results / path), is_restricted(path)))
        elif _is_figure(path):
            figures += _figure_rows(path, measure(results / path))
    hashes = _hashes(results, listed)

    folder.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(folder / "tables", ignore_errors=True)
    for path in copies:
        copy = folder / "tables" / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(results / path, copy)
    _write_rows(folder / "manifest.tsv", ("path", "sha256"), hashes.items(), "\t")
    _write_rows(folder / "summaries.csv", SUMMARY_COLUMNS, summaries)
    _write_rows(folder / "figures.csv", FIGURE_COLUMNS, figures)
    text = json.dumps(environment, indent=1, sort_keys=True, ensure_ascii=False)
    (folder / MARK).write_text(text + "\n", encoding="utf-8")


def check_against(results: str | Path, reference: str | Path, environment: Mapping[str, Any]) -> Outcome:
    """Compare a finished version with a reference.

    Args:
        results: the version's folder.
        reference: a folder that `write_reference` wrote.
        environment: this run's, to compare with the reference's: if it is the same, bytes are demanded.

    Raises:
        InputError: the results have no manifest, or the reference is absent or malformed.
    """
    results, kept = Path(results), load_reference(reference)
    elsewhere = _departures(kept.environment, json.loads(json.dumps(environment)))
    listed = _artifacts(results)
    found = _hashes(results, [path for path in listed if (results / path).is_file()])
    problems = [
        f"{path}: found nothing; expected an artifact" for path in sorted(kept.hashes.keys() - found.keys())
    ]
    problems += [
        f"{path}: found a new artifact; expected none" for path in sorted(found.keys() - kept.hashes.keys())
    ]
    shared = sorted(kept.hashes.keys() & found.keys())
    other_bytes = [path for path in shared if found[path] != kept.hashes[path]]
    if not problems and not other_bytes:
        return Outcome("bytes", True, f"reproduces the reference: {len(shared)} artifacts, the same bytes")
    uncompared = []
    for path in other_bytes:
        if Path(path).suffix in TABLES:
            problems += _limited(path, _table_problems(results, path, kept))
        elif _is_figure(path):
            problems += _limited(path, _figure_problems(results, path, kept))
        else:
            uncompared.append(path)
    counted = f"{len(other_bytes)} of {len(shared)} artifacts differ in bytes"
    level: Level = "none" if problems else "tolerance"
    if problems:
        message = f"does not reproduce the reference: {counted}, with these departures:"
    elif elsewhere:
        message = f"reproduces the reference within tolerance: {counted}"
    else:
        message = f"same lock and platform, but {counted}; numbers are within tolerance"
    ok = level == "tolerance" and bool(elsewhere)
    return Outcome(level, ok, message, problems, other_bytes, uncompared, elsewhere)


def load_reference(folder: str | Path) -> Reference:
    """Read a reference.

    Raises:
        InputError: a file of it is absent or malformed; the text names the file.
    """
    folder = Path(folder)
    if (folder / "provenance").is_dir():
        raise InputError(f"{folder}: found a version; expected a reference (`diff` compares versions)")
    if not (folder / MARK).exists():
        raise InputError(f"{folder / MARK}: found no such file; expected a reference, by write_reference")
    hashes = {path: row["sha256"] for path, row in read_manifest(folder / "manifest.tsv").items()}
    try:
        environment = json.loads((folder / MARK).read_text(encoding="utf-8"))
        environment.items()
    except (OSError, ValueError, AttributeError):
        raise InputError(f"{folder / MARK}: found no such object; expected the JSON of a reference") from None
    summaries = dict(_parsed(folder / "summaries.csv", SUMMARY_COLUMNS, _as_summary))
    figures: dict[str, Figure] = {}
    for path, width, height, blocks in _parsed(folder / "figures.csv", FIGURE_COLUMNS, _as_blocks):
        figures.setdefault(path, Figure(width, height, [])).luminance.append(blocks)
    kept = Reference(folder, hashes, environment, summaries, figures)
    if problems := list(_incomplete(kept)):
        raise InputError(problems)
    return kept


def _incomplete(kept: Reference) -> Iterator[str]:
    """What a reference lacks about the artifacts of its own manifest."""
    summarised = {path for path, _ in kept.summaries}
    for path, digest in kept.hashes.items():
        copy = kept.folder / "tables" / path
        if copy.is_file():
            if sha256(copy) != digest:
                yield f"{copy}: found other bytes than manifest.tsv says; expected an untouched copy"
        elif Path(path).suffix in TABLES and path not in summarised:
            yield f"{kept.folder / 'summaries.csv'}: found nothing of {path}; expected its columns"
        elif _is_figure(path) and not _is_whole(kept.figures.get(path)):
            yield f"{kept.folder / 'figures.csv'}: found not all of {path}; expected a number a block"


def _is_whole(figure: Figure | None) -> bool:
    if figure is None:
        return False
    across, down = (-(-length // BLOCK) for length in (figure.width, figure.height))
    return [len(blocks) for blocks in figure.luminance] == [across] * down


def _parsed(file: Path, columns: tuple[str, ...], parse: Callable[[dict[str, str]], Parsed]) -> list[Parsed]:
    """The rows of a CSV file of the reference; one that cannot be used is told with its line."""
    expected = ", ".join(columns)
    try:
        with file.open(encoding="utf-8", newline="") as handle:
            reader = csv.DictReader(handle)
            rows, header = list(reader), reader.fieldnames
    except (OSError, UnicodeDecodeError):
        raise InputError(f"{file}: found no such file; expected a table of {expected}") from None
    if header is None or tuple(header) != columns:
        raise InputError(f"{file}, row 1: found {header or 'nothing'}; expected {expected}")
    parsed = []
    for line, row in enumerate(rows, start=2):
        try:
            if None in row or None in row.values():  # how the csv module shows too many or too few values
                raise ValueError
            parsed.append(parse(row))
        except ValueError:
            raise InputError(f"{file}, row {line}: found {list(row.values())}; expected {expected}") from None
    return parsed


def _as_summary(row: dict[str, str]) -> tuple[tuple[str, str], dict[str, float]]:
    return (row["path"], row["column"]), {name: float(row[name] or "nan") for name in STATISTICS}


def _as_blocks(row: dict[str, str]) -> tuple[str, int, int, list[int]]:
    return row["path"], int(row["width"]), int(row["height"]), [int(v) for v in row["luminance"].split()]


def _table(file: Path) -> pd.DataFrame:
    try:
        return read(file)
    except ValueError as error:
        raise InputError(f"{file}: found a file that cannot be read ({error}); expected a table") from None


def summarise(table: pd.DataFrame, restricted: bool) -> dict[str, dict[str, float]]:
    """Of each column: rows, missing, mean, sd (n - 1), min, max of the values that are there; NaN for text.

    Args:
        table: any table; booleans count as 0 and 1.
        restricted: whether it has a row a person: then min and max are NaN, as are mean and sd of fewer than
            `SMALLEST_GROUP` values, and the columns of a matrix of genes x samples are one.
    """
    if restricted and has_persons_as_columns(table):
        columns = {"gene": [table["gene"]], PERSONS: [table[name] for name in table.columns[1:]]}
    else:
        columns = {name: [table[name]] for name in table.columns}
    summaries = {}
    for name, parts in columns.items():
        missing = sum(int(part.isna().sum()) for part in parts)
        numeric = parts and all(map(is_numeric, parts))
        values = np.concatenate([floats(part) for part in parts]) if numeric else np.empty(0)
        values = values[~np.isnan(values)]
        told = len(values) >= (SMALLEST_GROUP if restricted else 1)
        with np.errstate(all="ignore"):  # of infinite values, mean and sd are infinite or NaN
            summaries[name] = {
                "rows": len(table),
                "missing": missing,
                "mean": values.mean() if told else math.nan,
                "sd": values.std(ddof=1) if told and len(values) > 1 else math.nan,
                "min": values.min() if told and not restricted else math.nan,
                "max": values.max() if told and not restricted else math.nan,
            }
    return summaries


def measure(path: str | Path) -> Figure:
    """A picture's size and the mean luminance of its blocks, on white where it is transparent.

    Blocks are `BLOCK` pixels wide and high, those at the right and lower edge what is left.
    """
    from PIL import Image

    with Image.open(path) as image:
        picture = image.convert("RGBA")
    white = Image.new("RGBA", picture.size, "white")
    grey = np.asarray(Image.alpha_composite(white, picture).convert("L"), dtype=float)
    down, right = (np.arange(0, length, BLOCK) for length in grey.shape)
    sums = np.add.reduceat(np.add.reduceat(grey, down, axis=0), right, axis=1)
    heights, widths = (
        np.diff(np.append(starts, length)) for starts, length in zip((down, right), grey.shape, strict=True)
    )
    means = np.rint(sums / np.outer(heights, widths)).astype(int)
    return Figure(picture.width, picture.height, means.tolist())


def _artifacts(results: Path) -> list[str]:
    """The paths of the manifest, sorted, without the records of provenance."""
    return sorted(path for path in read_manifest(results / "manifest.tsv") if not is_record(path))


def _hashes(results: Path, paths: Iterable[str]) -> dict[str, str]:
    return {path: sha256(results / path) for path in paths}


def _is_copied(results: Path, path: str) -> bool:
    small = (results / path).stat().st_size <= LARGEST_COPY
    return Path(path).suffix == ".csv" and small and not is_restricted(path)


def _is_figure(path: str) -> bool:
    return Path(path).suffix == ".png" and not is_restricted(path)


def _summary_rows(path: str, summaries: Mapping[str, Mapping[str, float]]) -> Iterator[list[Any]]:
    for column in sorted(summaries):
        row = {"path": path, "column": column}
        row |= {
            name: "" if math.isnan(value) else FLOAT_FORMAT % value
            for name, value in summaries[column].items()
        }
        yield [row[name] for name in SUMMARY_COLUMNS]


def _figure_rows(path: str, figure: Figure) -> Iterator[list[Any]]:
    for place, blocks in enumerate(figure.luminance):
        yield [path, figure.width, figure.height, place * BLOCK, " ".join(map(str, blocks))]


def _write_rows(
    file: Path, header: Iterable[str], rows: Iterable[Iterable[Any]], delimiter: str = ","
) -> None:
    with file.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, delimiter=delimiter, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def _departures(kept: Any, now: Any, key: str = "") -> list[str]:
    """What differs between two environments, a line each."""
    if isinstance(kept, Mapping) and isinstance(now, Mapping):
        return [
            line
            for name in sorted(kept.keys() | now.keys())
            for line in _departures(kept.get(name), now.get(name), name)
        ]
    return [] if kept == now else [f"{key} {now or 'none'}, not {kept or 'none'}"]


def _limited(path: str, problems: Iterable[Problem]) -> list[str]:
    lines = [str(problem) for problem in problems]
    rest = len(lines) - MOST_PROBLEMS
    return lines[:MOST_PROBLEMS] + ([f"{path}: and {rest} more departures"] if rest > 0 else [])


def _table_problems(results: Path, path: str, kept: Reference) -> Iterator[Problem]:
    """Where a table is not that of the reference within tolerance, by its copy or by its summary."""
    try:
        table = read(results / path)
    except ValueError as error:
        yield Problem(f"a file that cannot be read ({error})", "a table", path)
        return
    copy = kept.folder / "tables" / path
    if copy.is_file():
        yield from _cell_problems(path, read(copy), table)
    else:
        expected = {column: row for (file, column), row in kept.summaries.items() if file == path}
        yield from _summary_problems(path, expected, summarise(table, is_restricted(path)))


def _cell_problems(path: str, expected: pd.DataFrame, found: pd.DataFrame) -> Iterator[Problem]:
    aligned = align(expected, found)
    for names, place in (
        ((aligned.columns_only_before, aligned.columns_only_after), "column"),
        ((aligned.only_before, aligned.only_after), "row"),
    ):
        yield from (Problem("nothing", f"this {place}", path, **{place: name}) for name in names[0])
        yield from (Problem(f"a new {place}", "none", path, **{place: name}) for name in names[1])
    exact = dict(zip(aligned.numeric, aligned.whole, strict=True))
    numbers = aligned.numbers()
    for row, column, was, now in numbers[["row", "column", "before", "after"]].itertuples(index=False):
        if exact[column] or not _near(was, now):
            yield Problem(_number(now), _number(was), path, row, column)
    for row, column, was, now in aligned.texts().itertuples(index=False):
        yield Problem(repr(now), repr(was), path, row, column)


def _summary_problems(
    path: str, expected: Mapping[str, Mapping[str, float]], found: Mapping[str, Mapping[str, float]]
) -> Iterator[Problem]:
    for column in sorted(expected.keys() | found.keys()):
        if column not in found:
            yield Problem("nothing", "this column", path, column=column)
        elif column not in expected:
            yield Problem("a new column", "none", path, column=column)
        else:
            for name, was in expected[column].items():
                now = found[column][name]
                if (was != now) if name in ("rows", "missing") else not _near(was, now):
                    yield Problem(f"{name} {_number(now)}", _number(was), path, column=column)


def _figure_problems(results: Path, path: str, kept: Reference) -> Iterator[Problem]:
    expected = kept.figures[path]
    try:
        found = measure(results / path)
    except OSError:
        yield Problem("a file that cannot be read", "a picture", path)
        return
    if (found.width, found.height) != (expected.width, expected.height):
        sizes = [f"{size.width} x {size.height} pixels" for size in (found, expected)]
        yield Problem(*sizes, path)
        return
    was, now = np.array(expected.luminance), np.array(found.luminance)
    for down, right in np.argwhere(np.abs(now - was) > GREY_LEVELS) * BLOCK:
        place = down // BLOCK, right // BLOCK
        yield Problem(
            f"a mean luminance of {now[place]}",
            f"{was[place]}, or {GREY_LEVELS} more or less",
            path,
            f"of pixels {down}-{min(down + BLOCK, found.height) - 1}",
            f"{right}-{min(right + BLOCK, found.width) - 1}",
        )


def _near(expected: float, found: float) -> bool:
    """Within tolerance; missing and infinite values are near to their like alone."""
    if expected == found or (math.isnan(expected) and math.isnan(found)):
        return True
    return math.isfinite(found - expected) and abs(found - expected) <= ABSOLUTE + RELATIVE * abs(expected)


def _number(value: float) -> str:
    return "nothing" if math.isnan(value) else FLOAT_FORMAT % value
