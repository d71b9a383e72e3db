"""What does a REDCap data dictionary say about the columns of an export?

The dictionary is the CSV that a project's page "Data Dictionary" downloads, or the metadata that its API
exports. Facts of the format: choices are "code, label" joined by a vertical bar; yesno and truefalse are 1
or 0; each choice of a checkbox is a column of its own, field___code, the code in lower case, its minus and
points as underscores; dates are exported as year-month-day whatever the field's own order.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

from decidua.errors import InputError, Problem

if TYPE_CHECKING:
    from decidua.variables import Variable

#: Names of the needed columns: as downloaded, and as the API exports them.
COLUMNS = {
    "name": ("Variable / Field Name", "field_name"),
    "kind": ("Field Type", "field_type"),
    "label": ("Field Label", "field_label"),
    "choices": ("Choices, Calculations, OR Slider Labels", "select_choices_or_calculations"),
    "validation": (
        "Text Validation Type OR Show Slider Number",
        "text_validation_type_or_show_slider_number",
    ),
    "minimum": ("Text Validation Min", "text_validation_min"),
    "maximum": ("Text Validation Max", "text_validation_max"),
    "identifier": ("Identifier?", "identifier"),
}
#: Columns that REDCap adds where a record has several rows.
ROW_KEYS = ("redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance")
#: The same columns where the export has labels in its header.
ROW_KEY_LABELS = ("Event Name", "Repeat Instrument", "Repeat Instance")
DATES = {"ymd": "YYYY-MM-DD", "dmy": "DD-MM-YYYY", "mdy": "MM-DD-YYYY"}
CHECKED, UNCHECKED = "checked", "unchecked"


@dataclass(frozen=True)
class Field:
    """What the dictionary says about one column of an export.

    `type` is the variable's type, or date; `choices` maps raw codes to labels; `minimum` and `maximum` bound
    numbers, `first` and `last` dates (ISO 8601); `date_format` and `decimal` are those of its validation.
    """

    label: str
    type: str
    choices: Mapping[str, str] = field(default_factory=dict)
    minimum: float = -inf
    maximum: float = inf
    first: str = ""
    last: str = ""
    decimal: str = ""
    date_format: str = ""
    identifier: bool = False


def read_dictionary(path: str | Path, name: str = "") -> dict[str, Field]:
    """The columns that an export of this project may have, by raw name and, where no other has it, by label.

    Args:
        path: the dictionary, CSV.
        name: the file's name, for messages.

    Raises:
        InputError: no UTF-8 text, needed columns that are not there, choices that cannot be read.
    """
    name = name or str(path)
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as handle:
            separator = max(",;\t", key=handle.readline().count)
            handle.seek(0)
            lines = [[cell.strip() for cell in line] for line in csv.reader(handle, delimiter=separator)]
    except UnicodeDecodeError:
        raise InputError(Problem("text that is not UTF-8", "a file saved as UTF-8", name)) from None
    except (OSError, csv.Error) as error:
        raise InputError(Problem(str(error), "a REDCap data dictionary", name)) from None
    header = lines[0] if lines else []
    places, problems = _places(header, name), []
    fields: dict[str, Field] = {}
    labels: list[tuple[str, Field]] = []
    for row, line in enumerate(lines[1:], start=2):
        entry = {key: line[place] if place < len(line) else "" for key, place in places.items()}
        if not entry["name"]:
            continue
        try:
            for column, label, found in _columns(entry):
                fields[column] = found
                labels.append((label, found))
        except ValueError as error:
            place = header[places["choices"]]
            problems.append(Problem(str(error), "code, label | code, label", name, row, place))
    if problems:
        raise InputError(problems)
    if not fields:
        raise InputError(Problem("no fields", "a row a field of the project", name))
    names = [label for label, _ in labels]
    return {label: found for label, found in labels if label and names.count(label) == 1} | fields


def _places(header: list[str], name: str) -> dict[str, int]:
    found = {
        key: [header.index(spelling) for spelling in spellings if spelling in header]
        for key, spellings in COLUMNS.items()
    }
    absent = ", ".join(repr(COLUMNS[key][0]) for key, places in found.items() if not places)
    if absent:
        raise InputError(Problem(f"no column {absent}", "a REDCap data dictionary", name, 1))
    return {key: places[0] for key, places in found.items()}


def _columns(entry: Mapping[str, str]) -> Iterator[tuple[str, str, Field]]:
    """The columns of a field in an export: raw name, label, and what the dictionary says of it."""
    label = _plain(entry["label"])
    found = replace(_field(entry), label=label or entry["name"])
    if entry["kind"] == "checkbox":
        for code, choice in found.choices.items():
            one = replace(found, label=f"{found.label}: {choice}", choices={"1": CHECKED, "0": UNCHECKED})
            yield checkbox_column(entry["name"], code), f"{label} (choice={choice})", one
    else:
        yield entry["name"], label, found


def _field(entry: Mapping[str, str]) -> Field:
    kind, validation = entry["kind"], entry["validation"]
    shared = {"label": "", "identifier": entry["identifier"].casefold() in ("y", "yes", "1")}
    if kind in ("radio", "dropdown", "select", "checkbox"):
        chosen = "boolean" if kind == "checkbox" else "category"
        return Field(type=chosen, choices=read_choices(entry["choices"]), **shared)
    if kind in ("yesno", "truefalse"):
        yes, no = ("Yes", "No") if kind == "yesno" else ("True", "False")
        return Field(type="boolean", choices={"1": yes, "0": no}, **shared)
    limits = {"minimum": _bound(entry["minimum"], -inf), "maximum": _bound(entry["maximum"], inf)}
    if kind in ("calc", "slider"):
        return Field(type="number", **limits, **shared)
    if kind == "text" and validation == "integer":
        return Field(type="integer", **limits, **shared)
    if kind == "text" and validation.startswith("number"):
        decimal = "," if validation.endswith("comma_decimal") else "."
        return Field(type="number", decimal=decimal, **limits, **shared)
    if kind == "text" and validation.startswith("date"):
        form = DATES.get(validation.rsplit("_", 1)[-1], DATES["ymd"])
        first, last = (_day(entry[key]) for key in ("minimum", "maximum"))
        return Field(type="date", date_format=form, first=first, last=last, **shared)
    return Field(type="text", **shared)


def read_choices(text: str) -> dict[str, str]:
    """Raw code to label, of "1, Live birth | 2, Miscarriage".

    Raises:
        ValueError: no choices, one without a comma or a code, or a code twice; the message is what was found.
    """
    choices: dict[str, str] = {}
    for choice in filter(None, (part.strip() for part in re.split(r"\||\n|\\n", text))):
        code, comma, label = choice.partition(",")
        code = code.strip()
        if not comma or not code:
            raise ValueError(f"the choice {choice!r}")
        if code in choices:
            raise ValueError(f"the code {code!r} twice")
        choices[code] = _plain(label) or code
    if not choices:
        raise ValueError("no choices")
    return choices


def checkbox_column(field: str, code: str) -> str:
    """The column of an export that holds one choice of a checkbox."""
    return f"{field}___{re.sub('[^a-z0-9_]', '', re.sub('[-.]', '_', code.lower()))}"


def _plain(text: str) -> str:
    """A label without mark-up, as REDCap exports it."""
    return " ".join(re.sub(r"<[a-zA-Z/][^>]*>", " ", text).split())


def _bound(text: str, default: float) -> float:
    """A limit that is a number; today, other fields and the like bound nothing here."""
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return default


def _day(text: str) -> str:
    return text[:10] if re.match(r"\d{4}-\d{2}-\d{2}", text) else ""


def complete(
    columns: Mapping[str, Any], dictionary: Mapping[str, Any], fields: Mapping[str, Field]
) -> dict[str, Any]:
    """The mapping of a cohort with what REDCap's dictionary knows: type, label and levels of own variables.

    What the mapping says itself stays, and so do the variables of the cohort dictionary.
    """
    full = {}
    for name, given in columns.items():
        spec = {"column": given} if isinstance(given, str) else given
        known = fields.get(spec.get("column", ""))
        if name in dictionary or known is None or known.type == "date" or "type" in spec:
            full[name] = given
            continue
        own = {"type": known.type, "label": known.label}
        if known.type == "category" and "codes" not in spec:
            own["levels"] = list(dict.fromkeys(known.choices.values()))
        full[name] = own | dict(spec)
    return full


def mapping_problems(
    columns: Mapping[str, Any], others: Iterable[tuple[str, str]], fields: Mapping[str, Field]
) -> Iterator[str]:
    """What REDCap's dictionary forbids, a line each.

    Args:
        columns: as in the settings. A date of birth that is marked as an identifier may begin an interval:
            only the interval enters the cohort.
        others: key and column of what picks or leaves out rows.
    """
    singles = [
        (f"columns.{name}", given if isinstance(given, str) else given.get("column", ""))
        for name, given in columns.items()
        if name != "id"
    ]
    for key, column in (*singles, *others):
        if column in fields and fields[column].identifier:
            yield (
                f"{key}: found {column!r}, which the REDCap dictionary marks as an identifier; "
                "expected a column that identifies nobody (only `id` may)"
            )
    for key, column in singles:
        if column in fields and fields[column].type == "date":
            yield (
                f"{key}: found {column!r}, a date by the REDCap dictionary; "
                "expected the time between two dates, {from: ..., until: ..., unit: ...}"
            )


def with_fields(variables: Iterable["Variable"], fields: Mapping[str, Field]) -> list["Variable"]:
    """The variables with what the dictionary says of their columns' cells: range, decimal separator, codes.

    Codes may be given by REDCap's raw codes or by its labels; cells are compared as labels.
    """
    found = []
    for variable in variables:
        known = fields.get(variable.column)
        if known is None:
            found.append(variable)
            continue
        codes = {known.choices.get(str(code), code): value for code, value in variable.codes.items()}
        if variable.type == "boolean" and CHECKED in known.choices.values():
            codes = codes or {CHECKED: True, UNCHECKED: False}
        found.append(
            replace(
                variable,
                codes=codes,
                file_minimum=known.minimum,
                file_maximum=known.maximum,
                decimal=known.decimal,
            )
        )
    return found


def raw_or_labels(known: Mapping[str, set[str]], fields: Mapping[str, Field]) -> str:
    """Whether an export holds raw codes or labels: told by the columns that can be only one of them.

    Args:
        known: column to the spellings in it.
        fields: what the dictionary says.

    Returns:
        "labels" when a column fits labels only and none fits codes only, else "raw".
    """
    verdicts = set()
    for column, cells in known.items():
        choices = fields[column].choices
        labels = {label.casefold() for label in choices.values()}
        as_raw, as_labels = cells <= set(choices), {cell.casefold() for cell in cells} <= labels
        if cells and as_raw != as_labels:
            verdicts.add("raw" if as_raw else "labels")
    return "labels" if verdicts == {"labels"} else "raw"


def to_labels(cells: Iterable[str], choices: Mapping[str, str], held: str) -> dict[str, str]:
    """Each spelling's label; one that is neither a code nor a label stays as it is.

    Args:
        held: raw or labels: what a spelling is taken for that may be either.
    """
    by_label = {label.casefold(): label for label in choices.values()}
    first, second = (choices, by_label) if held == "raw" else (by_label, choices)

    def one(cell: str) -> str:
        for table in (first, second):
            key = cell if table is choices else cell.casefold()
            if key in table:
                return table[key]
        return cell

    return {cell: one(cell) for cell in cells}
