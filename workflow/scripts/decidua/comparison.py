"""What changed between two versions, and why? Nothing is made anew: what both left is read."""

import csv
import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from decidua.aligning import (
    PERSONS,
    SMALLEST_GROUP,
    TABLES,
    Aligned,
    align,
    has_persons_as_columns,
    is_restricted,
    read,
)
from decidua.crate import METADATA
from decidua.errors import InputError

#: Artifacts that state the version's own name, which alone is no change.
NAMING = (".yaml", ".html", ".json")
#: What a record must hold to be compared.
RECORD_PARTS = ("rule", "fingerprint", "seed", "settings", "inputs", "outputs", "packages")
#: A value of the settings is told in at most so many characters.
SHOWN = 40
#: Causes of one kind and rows of one table that the summary tells one by one; the rest is counted.
MOST_CAUSES = 5
MOST_ROWS = 6
MOST_TEXTS = 3
ONLY_THE_NAME = "only the version's name differs"


class Reason(NamedTuple):
    """Why an artifact may differ.

    `kind` is code (name: the rule), config (the key of the job's settings, dotted), packages (the package),
    input (the file) or unexplained (the rule: same code, inputs, settings and packages, yet other bytes).
    """

    kind: str
    name: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}" + (f": {self.detail}" if self.detail else "")


@dataclass(frozen=True)
class Comparison:
    """Two versions side by side.

    Attributes:
        before, after: the names of the versions.
        artifacts: a row an artifact of either version, sorted by path, without records: path, verdict (same,
            changed, added, removed), rule, reasons (of the job that made it).
        causes: a row an artifact that changed and root cause: path, kind, name, detail. Where an input is
            itself a changed artifact of the run, its causes stand here instead of it.
        numbers: a row a number of an open table that moved: path, row, column, before, after, difference,
            relative (to the size of before). Booleans count as 0 and 1.
        texts: a row a text cell of an open table that differs: path, row, column, before, after.
        only: a row a row or column that one version's table alone has: path, version, what (row or column),
            name, n. Those of restricted tables are counted, not named.
        restricted: a row a column of a changed table behind the restricted door: path, column, compared
            (cells), moved, largest (the largest absolute change; missing for text and for less than
            `SMALLEST_GROUP` moves). Nothing of one person.
        uncompared: changed tables that could not be read, a line each.
    """

    before: str
    after: str
    artifacts: pd.DataFrame
    causes: pd.DataFrame
    numbers: pd.DataFrame
    texts: pd.DataFrame
    only: pd.DataFrame
    restricted: pd.DataFrame
    uncompared: list[str]


@dataclass(frozen=True)
class Version:
    """A finished version: its manifest's rows and its jobs' records, both by the artifact's path."""

    folder: Path
    name: str
    artifacts: dict[str, dict[str, str]]
    records: dict[str, dict[str, Any]]


def compare(before: str | Path, after: str | Path) -> Comparison:
    """What differs between two versions.

    Hashes are those of the manifests; whether the files still are what these say is the question of `verify`.

    Args:
        before: a version's folder, as results/v1.
        after: another one.

    Raises:
        InputError: a folder has no manifest, or a record cannot be read.
    """
    old, new = load(before), load(after)
    history = _History(old, new)
    rows = []
    for path in sorted(old.artifacts.keys() | new.artifacts.keys()):
        verdict = history.verdict(path)
        reasons = [str(reason) for reason in history.reasons(path)] if verdict == "changed" else []
        if path in history.renamed:
            reasons = [ONLY_THE_NAME]
        rule = (new.artifacts.get(path) or old.artifacts[path])["rule"]
        rows.append({"path": path, "verdict": verdict, "rule": rule, "reasons": "; ".join(reasons)})
    artifacts = pd.DataFrame(rows, columns=["path", "verdict", "rule", "reasons"])
    changed = artifacts.path[artifacts.verdict == "changed"]
    causes = [(path, *cause) for path in changed for cause in sorted(history.causes(path))]
    return Comparison(
        before=old.name,
        after=new.name,
        artifacts=artifacts,
        causes=pd.DataFrame(causes, columns=["path", *Reason._fields]),
        **_compare_tables(old, new, [path for path in changed if Path(path).suffix in TABLES]),
    )


def load(folder: str | Path) -> Version:
    """Read a version's manifest and records.

    Raises:
        InputError: there is no manifest, a record cannot be read, or an artifact has none.
    """
    folder = Path(folder)
    if (folder / "environment.json").exists():
        raise InputError(
            f"{folder}: found a reference; expected a version's folder (`verify` takes references)"
        )
    manifest = read_manifest(folder / "manifest.tsv")
    artifacts = {path: row for path, row in manifest.items() if not is_record(path)}
    records, problems, name = {}, [], folder.name
    for file in sorted((folder / "provenance").rglob("*.json")):
        try:
            record = json.loads(file.read_text(encoding="utf-8"))
            name = record["version"]
            record = _without_folder(record)
            records |= dict.fromkeys(record["outputs"], record)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            problems.append(f"{file}: found {error!r} on reading it; expected the record of a job")
    problems += [
        f"{folder}: found no record of {path}; expected one under provenance/"
        for path in sorted(artifacts.keys() - records.keys())
        if not problems
    ]
    if problems:
        raise InputError(problems)
    return Version(folder, name, artifacts, records)


def read_manifest(file: str | Path) -> dict[str, dict[str, str]]:
    """The rows of a manifest by path.

    Raises:
        InputError: it is not there, or lacks the columns path and sha256.
    """
    try:
        with Path(file).open(encoding="utf-8", newline="") as handle:
            rows = list(csv.DictReader(handle, delimiter="\t"))
    except (OSError, UnicodeDecodeError):
        raise InputError(f"{file}: found no such table; expected the manifest of a finished run") from None
    if not rows or not {"path", "sha256"} <= rows[0].keys() or any(not row["sha256"] for row in rows):
        raise InputError(f"{file}: found no rows of path and sha256; expected the manifest of a finished run")
    return {row["path"]: row for row in rows}


def is_record(path: str) -> bool:
    """Whether a path (relative to the version's folder) records other files: it differs if any does."""
    return Path(path).parts[0] == "provenance" or Path(path).name == METADATA


def _without_folder(record: dict[str, Any]) -> dict[str, Any]:
    """A record whose paths are relative to the version's folder, so that two versions can be compared."""
    output = next(iter(record["outputs"]), "")
    above, found, _ = f"/{output}".partition(f"/{record['version']}/")
    folder = f"{above}/{record['version']}".lstrip("/") if found else output

    def cut(value: Any) -> Any:
        if isinstance(value, str):
            return "." if value == folder else value.removeprefix(f"{folder}/")
        if isinstance(value, dict):
            return {cut(key): cut(inner) for key, inner in value.items()}
        return [cut(inner) for inner in value] if isinstance(value, list) else value

    return {part: cut(record[part]) for part in RECORD_PARTS}


class _History:
    """Verdicts, reasons and root causes of the artifacts of two versions."""

    def __init__(self, old: Version, new: Version):
        self.old, self.new = old, new
        self._causes: dict[str, set[Reason]] = {}
        both = old.artifacts.keys() & new.artifacts.keys()
        self.renamed = {
            path for path in both if self._other_bytes(path) and not self._own(path) and self._alike(path)
        }

    def verdict(self, path: str) -> str:
        if path not in self.old.artifacts:
            return "added"
        if path not in self.new.artifacts:
            return "removed"
        return "changed" if self._other_bytes(path) and path not in self.renamed else "same"

    def reasons(self, path: str) -> list[Reason]:
        """Of an artifact that changed: what differs about the job that made it."""
        found = [*self._own(path), *(reason for reason, _ in self._inputs(path))]
        return found or [Reason("unexplained", self._rule(path), "same code, inputs, settings and packages")]

    def causes(self, path: str) -> set[Reason]:
        """Of an artifact that changed: the reasons, with those of changed inputs in these inputs' place."""
        if path not in self._causes:
            self._causes[path] = set()
            inputs = list(self._inputs(path))
            own = self._own(path) if inputs else self.reasons(path)
            self._causes[path] = set(own).union(
                *(self.causes(upstream) if upstream else {reason} for reason, upstream in inputs)
            )
        return self._causes[path]

    def _own(self, path: str) -> list[Reason]:
        """Reasons but for the inputs."""
        old, new = self.old.records[path], self.new.records[path]
        found = []
        if old["fingerprint"] != new["fingerprint"] or old["rule"] != new["rule"]:
            found.append(Reason("code", self._rule(path), f"{old['fingerprint']} -> {new['fingerprint']}"))
        settings = ({"seed": side["seed"], **side["settings"]} for side in (old, new))
        for key, was, now in _differences(*settings):
            if not (key.split(".")[-1] == "version" and (was, now) == (self.old.name, self.new.name)):
                found.append(Reason("config", key, _arrow(was, now)))
        # A package that only one of them imported came with other code or settings.
        for name in sorted(old["packages"].keys() & new["packages"].keys()):
            if old["packages"][name] != new["packages"][name]:
                found.append(Reason("packages", name, f"{old['packages'][name]} -> {new['packages'][name]}"))
        return found

    def _inputs(self, path: str) -> Iterator[tuple[Reason, str]]:
        """Each input that differs, with its path if it is a changed artifact of the run, else nothing."""
        old, new = self.old.records[path]["inputs"], self.new.records[path]["inputs"]
        for name in sorted(old.keys() | new.keys()):
            if name not in old or name not in new:
                version = (self.old if name in old else self.new).name
                yield Reason("input", name, f"of {version} only"), ""
            elif old[name] != new[name] and name not in self.renamed:
                if name in self.old.artifacts and name in self.new.artifacts:
                    yield Reason("input", name, f"made by {self._rule(name)}"), name
                else:
                    yield Reason("input", name, f"{old[name][:8]} -> {new[name][:8]}"), ""

    def _rule(self, path: str) -> str:
        return self.new.records[path]["rule"]

    def _other_bytes(self, path: str) -> bool:
        return self.old.artifacts[path]["sha256"] != self.new.artifacts[path]["sha256"]

    def _alike(self, path: str) -> bool:
        """Whether the files are the same but for the version's name."""
        if Path(path).suffix not in NAMING:
            return False
        # Both names give way in both texts: a name may also stand there by chance, as in an embedded picture.
        names = rf"\b({re.escape(self.old.name)}|{re.escape(self.new.name)})\b"
        try:
            texts = {
                re.sub(names, "", (side.folder / path).read_text(encoding="utf-8"))
                for side in (self.old, self.new)
            }
        except (OSError, UnicodeDecodeError):
            return False
        return len(texts) == 1


ABSENT = object()


def _differences(old: Any, new: Any, key: str = "") -> Iterator[tuple[str, Any, Any]]:
    """The dotted keys at which settings differ, with both values; a branch of one alone goes by its top."""
    if isinstance(old, dict) and isinstance(new, dict):
        pairs = {name: (old.get(name, ABSENT), new.get(name, ABSENT)) for name in sorted({**old, **new})}
    elif _is_branch(old) and _is_branch(new) and len(old) == len(new):
        pairs = dict(enumerate(zip(old, new, strict=True)))
    else:
        if _text(old) != _text(new):
            yield key, old, new
        return
    for name, (was, now) in pairs.items():
        yield from _differences(was, now, f"{key}.{name}" if key else str(name))


def _is_branch(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(inner, dict | list) for inner in value)


def _text(value: Any) -> str:
    return "absent" if value is ABSENT else json.dumps(value, ensure_ascii=False)


def _arrow(was: Any, now: Any) -> str:
    """Old -> new, shortened to the surroundings of where they begin to differ."""
    texts = [_text(was), _text(now)]
    start = len(os.path.commonprefix(texts)) - SHOWN // 4 if max(map(len, texts)) > SHOWN else 0
    return " -> ".join(_shortened(text, max(start, 0)) for text in texts)


def _shortened(text: str, start: int) -> str:
    return "..." * (start > 0) + text[start : start + SHOWN] + "..." * (len(text) > start + SHOWN)


def _compare_tables(old: Version, new: Version, paths: Iterable[str]) -> dict[str, Any]:
    """The parts of a `Comparison` that come from the tables."""
    numbers, texts, only, restricted, uncompared = [], [], [], [], []
    for path in paths:
        try:
            tables = [read(version.folder / path) for version in (old, new)]
        except ValueError as error:
            uncompared.append(f"{path}: not compared, as it could not be read: {error}")
            continue
        aligned = align(*tables)
        lone = {
            (old.name, "row"): aligned.only_before,
            (new.name, "row"): aligned.only_after,
            (old.name, "column"): aligned.columns_only_before,
            (new.name, "column"): aligned.columns_only_after,
        }
        if is_restricted(path):
            persons = any(map(has_persons_as_columns, tables))
            restricted += [{"path": path, **row} for row in _in_aggregate(aligned, persons)]
            only += [(path, *which, "", len(names)) for which, names in lone.items() if names]
        else:
            numbers.append(aligned.numbers().assign(path=path))
            texts.append(aligned.texts().assign(path=path))
            only += [(path, *which, name, 1) for which, names in lone.items() for name in names]
    return {
        "numbers": _stacked(numbers, ["row", "column", "before", "after", "difference", "relative"]),
        "texts": _stacked(texts, ["row", "column", "before", "after"]),
        "only": pd.DataFrame(only, columns=["path", "version", "what", "name", "n"]),
        "restricted": pd.DataFrame(restricted, columns=["path", "column", "compared", "moved", "largest"]),
        "uncompared": uncompared,
    }


def _stacked(frames: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    filled = [frame for frame in frames if len(frame)]
    stacked = pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=["path", *columns])
    return stacked[["path", *columns]]


def _in_aggregate(aligned: Aligned, persons: bool) -> Iterator[dict[str, Any]]:
    """Counts and the largest change of each column that differs; of all together if columns are persons."""
    with np.errstate(invalid="ignore"):  # infinity less infinity: the number did not move
        change = np.where(aligned.moved, np.abs(aligned.after - aligned.before), np.nan)
    moved, numeric = aligned.moved, aligned.numeric
    if persons:
        moved, change, numeric = moved.reshape(-1, 1), change.reshape(-1, 1), [PERSONS]
    for place, column in enumerate(numeric):
        if moved[:, place].any():
            known = change[:, place][~np.isnan(change[:, place])]
            largest = known.max() if known.size >= SMALLEST_GROUP else np.nan
            yield {
                "column": column,
                "compared": len(moved),
                "moved": int(moved[:, place].sum()),
                "largest": largest,
            }
    for column, differs in zip(aligned.text, aligned.reworded.T, strict=True):
        if differs.any():
            yield {
                "column": column,
                "compared": len(differs),
                "moved": int(differs.sum()),
                "largest": np.nan,
            }


def summary(comparison: Comparison) -> list[str]:
    """The comparison in lines for a terminal: totals, root causes, the largest moves of each table."""
    artifacts = comparison.artifacts
    tally = Counter(artifacts.verdict)
    verdicts = ", ".join(f"{tally[verdict]} {verdict}" for verdict in ("same", "changed", "added", "removed"))
    lines = [f"{comparison.before} -> {comparison.after}: {verdicts}"]
    renamed = (artifacts.reasons == ONLY_THE_NAME).sum()
    if renamed:
        lines.append(f"  among the same, {ONLY_THE_NAME} in {renamed}")
    for verdict in ("added", "removed"):
        paths = artifacts[artifacts.verdict == verdict]
        lines += [f"  {verdict}: {_few(paths.path, MOST_CAUSES)}"] if len(paths) else []
    causes = _cause_lines(comparison)
    tables = _table_lines(comparison)
    lines += ["Why (an artifact may have more than one cause):", *causes] if causes else []
    lines += ["Tables, the largest moves first:", *tables] if tables else []
    return lines


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def _few(names: Collection[str], most: int) -> str:
    names = list(names)
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _cause_lines(comparison: Comparison) -> list[str]:
    """A line a root cause, most artifacts first; many causes of one kind share a line."""
    groups: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    keys: dict[str, set[str]] = defaultdict(set)
    for path, kind, name, detail in comparison.causes.itertuples(index=False):
        # One edit of the config reaches many jobs under keys that differ in all but their end.
        label = re.search(r"[^.]+(\.\d+)*$", name)[0] if kind == "config" else name
        label += f" ({detail})" if kind in ("config", "packages", "input") and detail else ""
        groups[kind][label].add(path)
        keys[label].add(name)
    rule = dict(zip(comparison.artifacts.path, comparison.artifacts.rule, strict=True))
    lines = []
    for kind, found in groups.items():
        what = "code of rule" if kind == "code" else kind
        ranked = sorted(found, key=lambda label: (-len(found[label]), label))
        if len(found) > MOST_CAUSES:
            paths = set().union(*found.values())
            lines.append((len(paths), f"  {what}s {_few(ranked, MOST_CAUSES)} -> {_made(paths, rule)}"))
            continue
        for label in ranked:
            long = sorted(keys[label]) if kind == "config" else []
            under = f", as {_few(long, 3)}" if long and long != [label.split(" ")[0]] else ""
            lines.append((len(found[label]), f"  {what} {label}{under} -> {_made(found[label], rule)}"))
    return [line for _, line in sorted(lines, key=lambda line: -line[0])]


def _made(paths: Collection[str], rule: Mapping[str, str]) -> str:
    tally = Counter(rule[path] for path in sorted(paths)).most_common()
    return f"{_count(len(paths), 'artifact')}: {_few([f'{name} {n}' for name, n in tally], MOST_CAUSES)}"


def _table_lines(comparison: Comparison) -> list[str]:
    parts = {
        name: dict(list(getattr(comparison, name).groupby("path")))
        for name in ("numbers", "texts", "only", "restricted")
    }
    lines = []
    for path in sorted(set().union(*parts.values())):
        numbers, texts, only, restricted = (parts[name].get(path) for name in parts)
        told = []
        if only is not None:
            tally = only.groupby(["what", "version"], sort=False).n.sum()
            told += [f"{_count(n, what)} of {version} only" for (what, version), n in tally.items()]
        told += [_count(len(numbers), "number") + " moved"] if numbers is not None else []
        told += [_count(len(texts), "text") + " reworded"] if texts is not None else []
        if restricted is not None:
            told.append(_count(restricted.moved.sum(), "cell") + " moved")
        lines.append(f"  {path}: {', '.join(told)}")
        lines += _number_lines(numbers) if numbers is not None else []
        lines += _limited(_text_lines(texts), MOST_TEXTS, "text") if texts is not None else []
        lines += (
            _limited(_restricted_lines(restricted), MOST_ROWS, "column") if restricted is not None else []
        )
    return lines + [f"  {line}" for line in comparison.uncompared]


def _limited(lines: list[str], most: int, noun: str) -> list[str]:
    rest = [f"    and {_count(len(lines) - most, f'more {noun}')}"] if len(lines) > most else []
    return [f"    {line}" for line in lines[:most]] + rest


def _number_lines(numbers: pd.DataFrame) -> list[str]:
    """A line a row with its moves, ranked by the largest move relative to the larger of both numbers.

    This rank is finite where a number was zero; one that was or became missing or infinite comes first.
    """
    size = np.fmax(numbers.before.abs(), numbers.after.abs())
    share = (numbers.difference.abs() / size).where(np.isfinite(numbers.difference), np.inf)
    ranked = numbers.assign(share=share).sort_values("share", ascending=False, kind="stable")
    rows = ranked.row.unique()
    lines = []
    for row in rows[:MOST_ROWS]:
        cells = ranked.loc[ranked.row == row, ["column", "before", "after", "relative"]]
        moves = [_move(*cell) for cell in cells.itertuples(index=False)]
        lines.append(f"    {row}: {_few(moves, 3)}")
    rest = len(rows) - MOST_ROWS
    return lines + ([f"    and {_count(rest, 'more row')}"] if rest > 0 else [])


def _move(column: str, before: float, after: float, relative: float) -> str:
    was, now = (f"{value:.5g}" for value in (before, after))
    if was == now:
        was, now = (f"{value:.12g}" for value in (before, after))
    percent = f" ({100 * relative:+.2g} %)" if np.isfinite(relative) else ""
    return f"{column} {was} -> {now}{percent}"


def _text_lines(texts: pd.DataFrame) -> list[str]:
    return [
        f"{row}: {column} {_arrow(before, after)}"
        for row, column, before, after in texts[["row", "column", "before", "after"]].itertuples(index=False)
    ]


def _restricted_lines(restricted: pd.DataFrame) -> list[str]:
    ranked = restricted.sort_values("moved", ascending=False, kind="stable")
    return [
        f"{column}: {moved} of {compared}" + (f", by up to {largest:.5g}" if np.isfinite(largest) else "")
        for column, compared, moved, largest in ranked[["column", "compared", "moved", "largest"]].itertuples(
            index=False
        )
    ]
