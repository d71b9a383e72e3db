"""What does a claims file say? Its claims, unknowns and relations, or every problem with it at once."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from decidua.audit import expressions
from decidua.audit.boxes import Box
from decidua.audit.printed import COMPOUNDS, read_number, read_parts
from decidua.config import LOADER, load_yaml, schema_problems
from decidua.errors import InputError

SCHEMA = Path(__file__).parents[3] / "schemas/claims.schema.yaml"
ALPHA = 0.05
#: Kinds whose parts include a mean and an SD: what an analysis of variance takes.
WITH_MEAN_SD = ("mean_sd", "mean_sd_range", "constant")
#: What each key of a relation names. result: a claim with one number, recomputed by the relation; number: a
#: number, a claim with one, an unknown or an expression of them; printed: any claim; group: a claim with mean
#: and SD, or their names one by one.
ROLES: Mapping[str, Mapping[str, str]] = {
    "sum": {"sum": "numbers", "equals": "number"},
    "percent": {"percent": "result", "events": "number", "of": "number"},
    "subset": {"subset": "number", "of": "number"},
    "anova": {"anova": "groups", "F": "result", "p": "result"},
    "t_test": {"t_test": "groups", "t": "result", "p": "result"},
    "scheffe": {"scheffe": "groups", "significant": "result"},
    "pooled": {"pooled": "groups", "equals": "group without n"},
    "table": {"table": "cells", "p": "result", "statistic": "result"},
    "two_by_two": {"two_by_two": "cells", "ratio": "ratio", "p": "result"},
    "wald": {"wald": "members"},
    "formula": {"formula": "number", "equals": "number"},
    "repeats": {"repeats": "printed", "of": "printed"},
    "extremes": {"extremes": "numbers", "lowest": "result", "highest": "result"},
    "order": {"order": "numbers", "statement": "statement"},
    "share": {"share": "groups with a range", "equals": "number"},
}
#: Keys of which a relation needs at least one, since without it there is nothing to recompute.
RESULTS = {
    "anova": ("F", "p"),
    "t_test": ("t", "p"),
    "table": ("p", "statistic"),
    "two_by_two": ("ratio", "p"),
    "extremes": ("lowest", "highest"),
}


@dataclass(frozen=True)
class Claim:
    """One printed number or statement. A part of a compound is a claim of its own, named parent.part."""

    id: str
    printed: str
    kind: str
    where: str
    box: Box | None
    parent: str = ""
    part: str = ""
    rows: Mapping[str, Any] | None = None
    note: str = ""


@dataclass(frozen=True)
class Group:
    """Women of whom a mean and an SD are printed: the claims that say so, and what values can be."""

    name: str
    n: str | float
    mean: str
    sd: str
    min: str = ""
    max: str = ""
    values: str = "continuous"


@dataclass(frozen=True)
class Missing:
    """A number that is not printed but that relations speak of."""

    name: str
    low: float
    high: float
    whole: bool
    meaning: str


@dataclass(frozen=True)
class Relation:
    """How claims hang together: its kind, the keys of its entry in the file, and what is noted of it."""

    kind: str
    name: str
    given: Mapping[str, Any]
    note: str = ""


@dataclass(frozen=True)
class Paper:
    """A claims file, read."""

    title: str
    doi: str
    alpha: float
    claims: Mapping[str, Claim]
    unknowns: Mapping[str, Missing] = field(default_factory=dict)
    relations: Sequence[Relation] = ()
    groups: Mapping[str, Group] = field(default_factory=dict)
    parts: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def box(self, name: str) -> Box:
        """The values of a claim or an unknown."""
        if name in self.claims:
            return self.claims[name].box
        unknown = self.unknowns[name]
        return Box(unknown.low, unknown.high, 0.0, unknown.whole)

    @property
    def takes_part_in(self) -> Mapping[str, tuple[str, ...]]:
        """The relations that speak of each claim, by name; a part's group and statement count."""
        found: dict[str, list[str]] = {name: [] for name in self.claims}
        for relation in self.relations:
            for name in dict.fromkeys(self._spoken(relation.given)):
                if name in found and relation.name not in found[name]:
                    found[name].append(relation.name)
        return {name: tuple(relations) for name, relations in found.items()}

    def _spoken(self, given: Any) -> Iterator[str]:
        if isinstance(given, Mapping):
            given = list(given.values())
        if isinstance(given, list | tuple):
            for each in given:
                yield from self._spoken(each)
        elif isinstance(given, str):
            for name in expressions.NAME.findall(given):
                if name in self.parts:
                    yield from (f"{name}.{part}" for part in self.parts[name])
                    if name in self.groups:
                        yield from expressions.names(self.groups[name].n)
                else:
                    yield name

    def group(self, given: str | Mapping[str, Any]) -> Group:
        """A group by the name of its claim, or by the names of its n, mean and SD."""
        if isinstance(given, str):
            return self.groups[given]
        return Group(given["mean"], given["n"], given["mean"], given["sd"])


def load_paper(path: str | Path) -> Paper:
    """Read a claims file.

    Raises:
        InputError: every problem of the file, a line each: file, place, what was found, what was expected.
    """
    problems = [f"{path}{line}" for line in _repeated_keys(path)]
    given = load_yaml(path)
    if not isinstance(given, Mapping):
        raise InputError(f"{path}: found no keys; expected paper, claims and, where there are any, relations")
    schema = load_yaml(SCHEMA)
    wrong = list(schema_problems(given, schema))
    problems += [f"{path}, {problem}" for problem in wrong]
    if wrong:
        problems += _problems_of_the_rest(given, str(path), schema)
    if problems:
        raise InputError(problems)
    return read_paper(given, str(path), schema)


def _problems_of_the_rest(given: Mapping[str, Any], file: str, schema: Mapping[str, Any]) -> list[str]:
    """What else is wrong with a file some of whose entries do not have the shape of the schema."""
    claims, unknowns = given.get("claims"), given.get("unknowns") or {}
    relations = given.get("relations") or []
    if (
        not isinstance(claims, Mapping)
        or not isinstance(unknowns, Mapping)
        or not isinstance(relations, list)
    ):
        return []
    entries = {}
    for key, content in (("claims", claims), ("unknowns", unknowns)):
        shape = {"$defs": schema["$defs"], **{k: schema["properties"][key][k] for k in _ENTRIES}}
        entries[key] = {
            name: entry for name, entry in content.items() if not any(schema_problems({name: entry}, shape))
        }
    broken = {str(name) for name in {**claims, **unknowns}} - {*entries["claims"], *entries["unknowns"]}
    rest = {"paper": {"title": "", **_alpha_of(given)}, **entries, "relations": relations}
    try:
        read_paper(rest, file, schema, broken)
    except InputError as error:
        return list(map(str, error.problems))
    return []


_ENTRIES = ("type", "propertyNames", "additionalProperties")


def _alpha_of(given: Mapping[str, Any]) -> dict[str, float]:
    paper = given.get("paper")
    alpha = paper.get("alpha") if isinstance(paper, Mapping) else None
    return {"alpha": alpha} if isinstance(alpha, float) and 0 < alpha < 1 else {}


def read_paper(
    given: Mapping[str, Any],
    file: str,
    schema: Mapping[str, Any] | None = None,
    broken: Collection[str] = (),
) -> Paper:
    """The content of a claims file that has the shape of the schema, as a `Paper`.

    Args:
        broken: names of entries that were left out since they have not: speaking of them is no problem.

    Raises:
        InputError: every problem that a schema cannot see.
    """
    schema = schema or load_yaml(SCHEMA)
    problems: list[str] = []
    alpha = given["paper"].get("alpha", ALPHA)
    claims, groups, parts, relations = {}, {}, {}, []
    for name, entry in given["claims"].items():
        problems += [f"claim {name}, {line}" for line in _key_problems(entry)]
        try:
            read = _claims_of(name, entry, alpha)
        except InputError as error:
            problems += [f"claim {name}, printed: {line}" for line in error.problems]
            continue
        problems += [
            f"claim {each.id}: found this name twice; expected it once" for each in read if each.id in claims
        ]
        claims |= {each.id: each for each in read}
        if entry["kind"] in COMPOUNDS:
            parts[name] = tuple(each.part for each in read)
        group = _group_of(name, entry)
        if group:
            groups[name] = group
        relations += _own_relations(name, entry)
    unknowns = {name: _missing(name, entry) for name, entry in given.get("unknowns", {}).items()}
    problems += [
        f"unknowns, {name}: found the name of a claim; expected a name of its own"
        for name in unknowns
        if name in claims
    ]
    problems += [
        f"unknowns, {name}: found at_least {each.low:g} above at_most {each.high:g}; expected it below"
        for name, each in unknowns.items()
        if each.low > each.high
    ]
    # A claim that could not be read is a problem of its own, not one of the relations that speak of it.
    unread = {*broken, *given["claims"]} - set(parts) - set(claims)
    named = _Names(claims, unknowns, groups, parts, unread)
    for name, entry in given["claims"].items():
        problems += [f"claim {name}, {line}" for line in _claim_reference_problems(entry, named)]
    for i, entry in enumerate(given.get("relations", []), start=1):
        lines = list(_relation_problems(entry, schema, named))
        problems += [f"relation {i}{_called(entry)}, {line}" for line in lines]
        if not lines:
            relations.append(_relation(entry))
    problems += _repeated_names(relations)
    if problems:
        raise InputError([f"{file}, {problem}" for problem in problems])
    paper = given["paper"]
    return Paper(
        paper["title"],
        paper.get("doi") or "",
        alpha,
        claims,
        unknowns,
        tuple(_named(relations)),
        groups,
        parts,
    )


def _repeated_keys(path: str | Path) -> Iterator[str]:
    """Names that a mapping of the file gives twice, of which YAML would keep the last."""
    try:
        tree = yaml.compose(Path(path).read_text(encoding="utf-8"), Loader=LOADER)
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return  # load_yaml says what is wrong
    waiting = [tree] if tree else []
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, yaml.MappingNode):
            seen: dict[str, int] = {}
            for key, content in node.value:
                row = key.start_mark.line + 1
                if key.value in seen and isinstance(key, yaml.ScalarNode):
                    twice = f"the name {key.value} twice (first in row {seen[key.value]})"
                    yield f", row {row}: found {twice}; expected it once"
                elif isinstance(key, yaml.ScalarNode):
                    seen[key.value] = row
                waiting.append(content)
        elif isinstance(node, yaml.SequenceNode):
            waiting += node.value


def _key_problems(entry: Mapping[str, Any]) -> Iterator[str]:
    """Keys that mean something for other kinds only."""
    kind = entry["kind"]
    means = (*WITH_MEAN_SD, "mean", "sd", "value", "range")
    allowed = {
        "n": means,
        "values": means,
        "events": ("percent",),
        "of": ("percent", "count_percent", "percent_count"),
    }
    for key, kinds in allowed.items():
        if key in entry and kind not in kinds:
            yield f"{key}: found it on kind {kind}; expected it only on {', '.join(kinds)}"
    yield from _rows_problems(entry)
    if "events" in entry and "of" not in entry:
        yield "of: found nothing beside events; expected whom the percentage is of"


def _rows_problems(entry: Mapping[str, Any]) -> Iterator[str]:
    """A claim's rows name a table and columns that pick one of its rows; of a compound, also by part."""
    rows = entry.get("rows")
    if rows is None:
        return
    parts = COMPOUNDS[entry["kind"]].parts if entry["kind"] in COMPOUNDS else {}
    by_part = all(isinstance(content, Mapping) for content in rows.values())
    for part, picks in rows.items() if by_part else [("", rows)]:
        key = f"rows.{part}" if part else "rows"
        if part and part not in parts:
            yield f"{key}: found no such part; expected one of {', '.join(parts) or 'table and columns'}"
        elif not isinstance(picks.get("table"), str):
            yield f"{key}: found no table; expected table: the name of a table of results"
        else:
            for column, content in picks.items():
                if not isinstance(content, str | int | float):
                    yield f"{key}.{column}: found {content!r}; expected text or a number"


def _claims_of(name: str, entry: Mapping[str, Any], alpha: float) -> list[Claim]:
    """A claim, or the parts of a compound, each with its box."""
    kind, printed, where = entry["kind"], entry["printed"], entry["where"]
    note = entry.get("note", "")
    if kind == "text":
        return [Claim(name, printed, kind, where, None, rows=entry.get("rows"), note=note)]
    if kind not in COMPOUNDS:
        box = _on_grid(read_number(printed, kind, alpha), kind, entry)
        return [Claim(name, printed, kind, where, box, rows=entry.get("rows"), note=note)]
    kinds = COMPOUNDS[kind].parts
    found = read_parts(printed, kind, alpha)
    for low, high in (("min", "max"), ("lower", "upper")):
        if low in found and found[low][1].low > found[high][1].high:
            raise InputError(f"found {printed!r}; expected the lower number first")
    return [
        Claim(
            f"{name}.{part}",
            text,
            kinds[part],
            where,
            _on_grid(box, kinds[part], entry),
            parent=name,
            part=part,
            rows=_rows_of_part(entry.get("rows"), part, kinds),
            note=note,
        )
        for part, (text, box) in found.items()
    ]


def _on_grid(box: Box, kind: str, entry: Mapping[str, Any]) -> Box:
    """A smallest or largest value of whole numbers is one of them, printed in full."""
    if kind != "value" or entry.get("values") != "whole" or not box.unit:
        return box
    middle = float(round((box.low + box.high) / 2))
    return Box(middle, middle, 0.0, True)


#: The column of a results table that holds a part of a compound, where the file does not say it.
COLUMN_OF_PART = {
    "estimate": "estimate",
    "lower": "lower",
    "upper": "upper",
    "percent": "estimate",
    "mean": "estimate",
    "count": "numerator",
    "events": "numerator",
    "total": "denominator",
}
#: The row of a table of descriptions that holds a part, where the file does not say it.
QUANTITY_OF_PART = {"mean": "mean", "sd": "standard deviation", "min": "minimum", "max": "maximum"}


def _rows_of_part(
    rows: Mapping[str, Any] | None, part: str, kinds: Mapping[str, str]
) -> Mapping[str, Any] | None:
    """What a part is compared with: its own entry below `rows`, or where such a part stands."""
    if rows is None:
        return None
    if set(rows) & set(kinds):
        return rows.get(part)
    if part in QUANTITY_OF_PART and "quantity" not in rows:
        return {**rows, "quantity": QUANTITY_OF_PART[part]}
    column = rows.get("value") if part == next(iter(kinds)) else None
    column = column or COLUMN_OF_PART.get(part)
    return {**rows, "value": column} if column else None


def _group_of(name: str, entry: Mapping[str, Any]) -> Group | None:
    if entry["kind"] not in WITH_MEAN_SD or "n" not in entry:
        return None
    ends = ("", "") if entry["kind"] == "mean_sd" else (f"{name}.min", f"{name}.max")
    values = entry.get("values", "continuous")
    return Group(name, entry["n"], f"{name}.mean", f"{name}.sd", *ends, values=values)


def _own_relations(name: str, entry: Mapping[str, Any]) -> Iterator[Relation]:
    """The relations that a claim declares by its kind."""
    kind = entry["kind"]
    if kind in ("percent_events_total", "events_total_percent"):
        yield _relation({"percent": f"{name}.percent", "events": f"{name}.events", "of": f"{name}.total"})
    elif kind == "events_total":
        yield _relation({"subset": f"{name}.events", "of": f"{name}.total"})
    elif kind in ("count_percent", "percent_count") and "of" in entry:
        yield _relation({"percent": f"{name}.percent", "events": f"{name}.count", "of": entry["of"]})
    elif kind == "percent" and "events" in entry and "of" in entry:
        yield _relation({"percent": name, "events": entry["events"], "of": entry["of"]})
    elif kind == "percent" and "of" in entry:
        yield Relation("rate", f"rate {name}", {"rate": name, "of": entry["of"]})
    if kind in WITH_MEAN_SD and "n" in entry:
        yield Relation("values", f"values {name}", {"values": name})


def _missing(name: str, entry: Mapping[str, Any]) -> Missing:
    whole = entry["kind"] == "count"
    low = entry.get("at_least", 0 if whole else float("-inf"))
    return Missing(name, float(low), float(entry.get("at_most", float("inf"))), whole, entry["meaning"])


# ---- the names that relations speak of


@dataclass(frozen=True)
class _Names:
    claims: Mapping[str, Claim]
    unknowns: Mapping[str, Missing]
    groups: Mapping[str, Group]
    parts: Mapping[str, Sequence[str]]
    broken: set[str]

    def known_problem(self, name: str) -> bool:
        return name in self.broken or name.rpartition(".")[0] in self.broken

    def number(self, given: Any) -> Iterator[str]:
        """What is wrong with what must stand for a number: a number, a name or an expression of names."""
        try:
            spoken = expressions.names(given)
        except InputError as error:
            yield from map(str, error.problems)
            return
        for name in spoken:
            if name not in self.unknowns:
                yield from self.one(name, "claim and no unknown")

    def one(self, name: str, what: str = "claim") -> Iterator[str]:
        """What is wrong with the name of a claim that prints one number."""
        if self.known_problem(name):
            return
        if name in self.parts:
            several = " or ".join(f"{name}.{part}" for part in self.parts[name])
            yield f"found {name}, which prints several numbers; expected one of them: {several}"
        elif name in self.unknowns:
            yield f"found {name}, which is not printed; expected a claim"
        elif name not in self.claims:
            yield f"found {name!r}, which is no {what}; expected {self.near(name)}"
        elif self.claims[name].box is None:
            yield f"found {name}, which is a text; expected a number"

    def printed(self, name: str) -> Iterator[str]:
        if name not in self.parts:
            yield from self.one(name)

    def estimate(self, name: str) -> Iterator[str]:
        """What is wrong with the name of a ratio or a coefficient, with its interval or without."""
        if name in self.parts and "estimate" not in self.parts[name]:
            several = ", ".join(f"{name}.{part}" for part in self.parts[name])
            yield f"found {name}, which prints {several}; expected an estimate, with its interval or without"
        else:
            yield from self.printed(name)

    def count(self, given: Any) -> Iterator[str]:
        """What is wrong with what must stand for a number of women."""
        wrong = list(self.number(given))
        yield from wrong
        for name in () if wrong else expressions.names(given):
            if name in self.claims and self.claims[name].kind not in ("count", "number"):
                yield f"found {name}, a claim of kind {self.claims[name].kind}; expected a count"

    def group(self, given: Any, n: bool = True) -> Iterator[str]:
        if not isinstance(given, str):
            for name in given.values():
                yield from self.number(name)
        elif self.known_problem(given) or given in self.groups:
            return
        elif {"mean", "sd"} <= set(self.parts.get(given, ())):
            if n:
                yield f"found {given}, which does not say its n; expected the key n on that claim"
        else:
            found = (
                "which has no mean and SD"
                if given in self.parts or given in self.claims
                else "which is no claim"
            )
            yield f"found {given!r}, {found}; expected a claim of kind {' or '.join(WITH_MEAN_SD)}"

    def group_with_range(self, name: str) -> Iterator[str]:
        if self.known_problem(name):
            return
        if name not in self.groups or self.groups[name].values != "whole" or not self.groups[name].min:
            yield (
                f"found {name!r}; expected a claim of kind mean_sd_range with the keys n and values: whole"
            )

    def statement(self, name: str) -> Iterator[str]:
        if self.known_problem(name):
            return
        if name not in self.claims or self.claims[name].box is not None:
            yield f"found {name!r}, which is no claim of kind text; expected one"

    def near(self, name: str) -> str:
        import difflib

        close = difflib.get_close_matches(name, [*self.claims, *self.unknowns, *self.parts], n=1)
        return f"the name of one; the nearest is {close[0]}" if close else "the name of one"


def _claim_reference_problems(entry: Mapping[str, Any], named: _Names) -> Iterator[str]:
    for key, check in (("n", named.count), ("events", named.number), ("of", named.number)):
        if key in entry:
            yield from (f"{key}: {line}" for line in check(entry[key]))


def _relation_problems(entry: Mapping[str, Any], schema: Mapping[str, Any], named: _Names) -> Iterator[str]:
    kinds = schema["$defs"]["relations"]
    if not isinstance(entry, Mapping):
        yield f"found {entry!r}; expected keys with values, one of them the kind of relation"
        return
    found = _kinds_of(entry)
    if len(found) != 1:
        keys = ", ".join(map(str, entry)) or "(none)"
        yield f"keys: found {keys}; expected one kind of relation among {', '.join(kinds)}"
        return
    kind = found[0]
    shape = {
        "$defs": schema["$defs"],
        "type": "object",
        "additionalProperties": False,
        "required": kinds[kind]["required"],
        "properties": {
            **kinds[kind]["properties"],
            "name": {"$ref": "#/$defs/text"},
            "note": {"$ref": "#/$defs/text"},
        },
    }
    lines = list(schema_problems(entry, shape))
    yield from lines
    if lines:
        return
    needed = RESULTS.get(kind, ())
    if needed and not any(key in entry for key in needed):
        yield f"found nothing to recompute; expected {' or '.join(needed)}"
    for key, role in ROLES[kind].items():
        if key in entry:
            yield from (f"{key}: {line}" for line in _role_problems(entry[key], role, named))
    if kind == "repeats":
        yield from _nothing_in_common(entry["repeats"], entry["of"], named)


def _nothing_in_common(repeat: str, first: str, named: _Names) -> Iterator[str]:
    """A compound is repeated by one with a part of the same name; a number by a number."""
    parts = [set(named.parts.get(name, [""] if name in named.claims else [])) for name in (repeat, first)]
    if all(parts) and not parts[0] & parts[1]:
        yield f"found {repeat} and {first}, which have no part in common; expected prints of the same number"


def _role_problems(given: Any, role: str, named: _Names) -> Iterator[str]:
    if role == "number":
        yield from named.number(given)
    elif role == "result":
        yield from named.one(given)
    elif role == "numbers":
        for name in given:
            yield from named.number(name)
    elif role == "printed":
        yield from named.printed(given)
    elif role == "ratio":
        yield from named.estimate(given)
    elif role == "groups with a range":
        for group in given:
            yield from named.group_with_range(group)
    elif role == "groups":
        for group in given:
            yield from named.group(group)
    elif role == "group without n":
        yield from named.group(given, n=False)
    elif role == "cells":
        yield from _cell_problems(given, named)
    elif role == "members":
        for member, name in given.items():
            check = named.estimate if member in ("ratio", "B") else named.one
            yield from (f"{member}: {line}" for line in check(name))
    elif role == "statement":
        yield from named.statement(given)
    else:
        raise ValueError(f"no such role: {role}")


def _cell_problems(rows: Sequence[Sequence[Any]], named: _Names) -> Iterator[str]:
    if len({len(row) for row in rows}) > 1:
        yield f"found rows of {', '.join(str(len(row)) for row in rows)} cells; expected rows of one length"
    for row in rows:
        for cell in row:
            wrong = list(named.number(cell))
            yield from wrong
            if not wrong and expressions.linear(cell) is None:
                yield f"found the cell {cell!r}; expected a sum or difference of names"


def _kinds_of(entry: Mapping[str, Any]) -> list[str]:
    """The kinds that a relation's keys name; a kind's key is also a key of no other kind but percent's."""
    return [key for key in entry if key in ROLES]


def _called(entry: Mapping[str, Any]) -> str:
    return f" ({entry['name']})" if isinstance(entry, Mapping) and isinstance(entry.get("name"), str) else ""


def _relation(entry: Mapping[str, Any]) -> Relation:
    kind = _kinds_of(entry)[0]
    given = {key: content for key, content in entry.items() if key not in ("name", "note")}
    return Relation(kind, entry.get("name", ""), given, entry.get("note", ""))


def _named(relations: Sequence[Relation]) -> Iterator[Relation]:
    """Relations with a name each: the given one, or the kind and what it recomputes."""
    taken = {relation.name for relation in relations if relation.name}
    for relation in relations:
        name = relation.name
        if not name:
            stem = name = f"{relation.kind.replace('_', ' ')} {_target(relation)}"
            number = 2
            while name in taken:
                name, number = f"{stem} ({number})", number + 1
            taken.add(name)
        yield replace(relation, name=name)


def _target(relation: Relation) -> str:
    given = relation.given
    if relation.kind == "wald":
        return ", ".join(map(str, given["wald"].values()))
    keys = ("equals", "F", "t", "ratio", "p", "statistic", "significant", "lowest", "highest", "statement")
    named = [given[key] for key in (relation.kind, *keys) if isinstance(given.get(key), str)]
    chosen = [name for name in named if relation.kind != "formula" or name != given["formula"]]
    return ", ".join(dict.fromkeys(chosen)) or relation.kind


def _repeated_names(relations: Sequence[Relation]) -> Iterator[str]:
    given = [
        relation.name for relation in relations if relation.name and relation.kind not in ("rate", "values")
    ]
    for name in dict.fromkeys(each for each in given if given.count(each) > 1):
        yield f"relations: found the name {name!r} {given.count(name)} times; expected it once"
