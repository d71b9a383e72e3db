"""What do the settings say, and do they hold together? Every problem is one line that names the key."""

import difflib
import os
import re
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from copy import deepcopy
from datetime import date
from math import inf
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from decidua.count_files import ENDINGS, count_files
from decidua.definitions import MISCARRIAGES, Definition
from decidua.downloads import is_url, without_secrets
from decidua.errors import InputError

#: The safe loader in C, ten times as fast, where PyYAML has it.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
#: Keys that say how a run is made, not what comes out: not recorded with the results.
HOW = ("execution", "against", "pathvars")
SECTIONS = ("cohorts", "studies", "predictions", "papers")
PANELS = "workflow/resources/panels"
MODELS = "workflow/resources/models"
DICTIONARY = "workflow/resources/cohort_dictionary.yaml"
#: Where shipped gene lists are, by name.
GENES = "workflow/resources/negative_controls"
PANEL_SCHEMA = "workflow/schemas/panel.schema.yaml"
PUBLISHED_SCHEMA = "workflow/schemas/published.schema.yaml"
#: Names that the workflow gives to columns of its own.
RESERVED = ("synthetic", "immunity", "subgroup", "aneuploidy", "is_case")
#: Columns of a sample sheet that the workflow names itself.
STUDY_ROLES = ("sample", "label", "group", "batch", "comparator")
#: Settings of a study's counts that only one format has.
NEEDED_FORMAT = {"transcripts": "salmon", "strandedness": "star", "layer": "h5ad"}
#: When something is known of a woman, in this order.
MOMENTS = ("before_pregnancy", "pregnancy", "after")
_MOMENT_WORDS = {
    "before_pregnancy": "before the pregnancy",
    "pregnancy": "in the pregnancy",
    "after": "after the pregnancy",
}
#: Units of the time between two dates (decidua.variables.DAYS).
INTERVALS = ("days", "weeks", "months", "years")
#: Settings of an analysis that name columns.
ROLES = ("group", "outcome", "history", "treatment", "karyotype", "covariates", "describe", "trends")
#: What a column must be to play a role; the other roles take any type.
ROLE_TYPES = {"outcome": ("boolean",), "history": ("integer", "number"), "karyotype": ("category",)}


def panel_path(panel: str) -> str:
    """The file of a marker panel, given by the name of a shipped one or by a path."""
    return panel if panel.endswith((".yaml", ".yml")) else f"{PANELS}/{panel}.yaml"


def published_path(model: str) -> str:
    """The file of a published prediction model, given by the name of a shipped one or by a path."""
    return model if model.endswith((".yaml", ".yml")) else f"{MODELS}/{model}.yaml"


def gene_list_path(genes: str) -> str:
    """The file of a gene list, given by the name of a shipped one or by a path."""
    return genes if genes.endswith((".yaml", ".yml", ".txt")) else f"{GENES}/{genes}.yaml"


def locate(path: str, roots: Sequence[Path]) -> str:
    """Where a file is: below the first of the folders that has it, relative when that is the first one.

    A path that is nowhere comes back as if in the first folder.
    """
    path = expand_environment(path)
    for root in roots[1:]:
        if not (roots[0] / path).exists() and (root / path).exists():
            return str(root / path)
    return path


def expand_environment(path: str) -> str:
    """A path with ${NAME} replaced by the environment variable NAME; KeyError(NAME) when it is not set."""
    return re.sub(r"\$\{(\w+)\}", lambda match: os.environ[match[1]], path)


def load_yaml(path: str | Path) -> Any:
    """A YAML file's content; an unreadable one is an InputError that names the place."""
    try:
        with Path(path).open(encoding="utf-8") as handle:
            return yaml.load(handle, Loader=LOADER)
    except FileNotFoundError:
        raise InputError(f"{path}: found no such file; expected a YAML file") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: found text that is not UTF-8; expected a file saved as UTF-8") from None
    except OSError as error:
        raise InputError(f"{path}: found {error.strerror or error}; expected a YAML file") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        row = f", row {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        hint = ", a tab for example" if "cannot start any token" in problem else ""
        raise InputError(f"{path}{row}: found no YAML ({problem}{hint}); expected YAML") from None


def effective(config: Mapping[str, Any]) -> dict[str, Any]:
    """The settings in full: entries set to null are gone, cohorts and studies hold all of their own settings.

    Applying it twice changes nothing.
    """
    full = _without_nulls(config)
    for cohort in full["cohorts"].values():
        cohort["analysis"] = {**deepcopy(full["analysis"]), **cohort.get("analysis", {})}
        own = cohort.get("prediction", {})
        cohort["prediction"] = None if own is None else {**deepcopy(full["prediction"]), **own}
    for study in full["studies"].values():
        for part in ("expression", "classifier"):
            study[part] = {**deepcopy(full[part]), **study.get(part, {})}
    return full


def recorded(config: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that decide what comes out."""
    return {key: value for key, value in config.items() if key not in HOW}


def public(settings: Any) -> Any:
    """Settings as they may be published.

    Of a path outside of the working folder only the file's name, of a URL no user and no query.
    """
    if isinstance(settings, Mapping):
        return {key: public(value) for key, value in settings.items()}
    if isinstance(settings, list):
        return [public(value) for value in settings]
    if isinstance(settings, str) and re.match(r"https?://", settings):
        return without_secrets(settings)
    if isinstance(settings, str) and (
        settings.startswith(("/", "~", "..")) or re.match(r"[A-Za-z]:\\", settings)
    ):
        return Path(settings.replace("\\", "/")).name
    return settings


def _without_nulls(config: Mapping[str, Any]) -> dict[str, Any]:
    kept = deepcopy(dict(config))
    for section in SECTIONS:
        if isinstance(entries := kept.get(section), dict):
            kept[section] = {name: entry for name, entry in entries.items() if entry is not None}
    return kept


def check(config: Mapping[str, Any], schema: Mapping[str, Any], roots: Sequence[Path]) -> dict[str, Any]:
    """The effective settings, or an InputError with every problem of shape and of sense.

    Args:
        config: as read from config.yaml and its overlays.
        schema: workflow/schemas/config.schema.yaml.
        roots: the folders that relative paths start from, in the order in which they are tried.
    """
    without_nulls = _without_nulls(config)
    problems = list(schema_problems(without_nulls, schema))
    if not problems:
        problems = list(_cross_problems(without_nulls, roots))
    if problems:
        raise InputError([f"config: {problem}" for problem in problems])
    full = effective(config)
    dictionary = load_yaml(locate(DICTIONARY, roots))["variables"]
    for entry in (*full["cohorts"].values(), *full["predictions"].values()):
        if entry.get("redcap_dictionary"):
            entry["columns"], _ = _completed(entry, dictionary, roots)
    return full


def schema_problems(value: Any, schema: Mapping[str, Any]) -> Iterator[str]:
    """One line for each departure from a JSON schema: the key, what stands there, what may stand there."""
    errors = sorted(
        Draft202012Validator(schema).iter_errors(value), key=lambda error: list(map(str, error.path))
    )
    seen = set()
    for error in errors:
        for line in _explain(error):
            if line not in seen:
                seen.add(line)
                yield line


def _explain(error: ValidationError) -> Iterator[str]:
    key = ".".join(map(str, error.absolute_path)) or "the top level"
    if error.validator in ("oneOf", "anyOf") and error.context:
        yield from _explain_choice(key, error)
        return
    if error.validator == "additionalProperties":
        allowed = sorted(error.schema.get("properties", {}))
        for name in sorted(set(error.instance) - set(allowed), key=str):
            yield f"{_join(key, name)}: found an unknown key; expected one of {', '.join(allowed)}"
        return
    if error.validator == "dependentRequired":
        for given, needed in error.validator_value.items():
            for name in needed:
                if given in error.instance and name not in error.instance:
                    yield f"{_join(key, name)}: found nothing; expected this key to be given beside {given}"
        return
    if error.validator == "required":
        for name in error.validator_value:
            if name not in error.instance:
                yield f"{_join(key, name)}: found nothing; expected this key to be given"
        return
    if "propertyNames" in error.absolute_schema_path:
        yield f"{_join(key, error.instance)}: found the name {error.instance!r}; expected {_expected(error)}"
        return
    yield f"{key}: found {_found(error.instance)}; expected {_expected(error)}"


def _explain_choice(key: str, error: ValidationError) -> Iterator[str]:
    """Of several allowed shapes, speak of the one that was meant: whose type fits what was written."""
    by_shape: dict[int, list[ValidationError]] = {}
    for inner in error.context:
        by_shape.setdefault(inner.schema_path[0], []).append(inner)
    fitting = {
        shape: inner
        for shape, inner in by_shape.items()
        if not any(e.validator == "type" and e.absolute_path == error.absolute_path for e in inner)
    }
    if not fitting:
        yield f"{key}: found {_found(error.instance)}; expected {_shape_names(error.validator_value)}"
        return
    for inner in min(fitting.values(), key=len):
        yield from _explain(inner)


def _shape_names(shapes: list[Mapping[str, Any]]) -> str:
    names = {"string": "text", "object": "keys with values", "array": "a list", "null": "null"}
    return " or ".join(
        dict.fromkeys(names.get(shape.get("type"), str(shape.get("type"))) for shape in shapes)
    )


def _join(key: str, name: str) -> str:
    return str(name) if key == "the top level" else f"{key}.{name}"


def _found(value: Any) -> str:
    if isinstance(value, dict):
        return "keys with values" if value else "nothing below it"
    if value is None:
        return "nothing (null)"
    return repr(value) if len(repr(value)) <= 60 else repr(value)[:57] + "..."


def _expected(error: ValidationError) -> str:
    rule, value, schema = error.validator, error.validator_value, error.schema
    if description := schema.get("description"):
        return description
    types = {
        "integer": "a whole number",
        "number": "a number",
        "string": "text",
        "object": "keys with values",
        "array": "a list",
        "null": "null",
        "boolean": "true or false",
    }
    if rule == "type" and value == "array" and isinstance(error.instance, str | int | float):
        return f"a list, such as [{error.instance}]"
    wanted = {
        "type": lambda: " or ".join(types[t] for t in ([value] if isinstance(value, str) else value)),
        "enum": lambda: "one of " + ", ".join(map(str, value)),
        "const": lambda: repr(value),
        "minimum": lambda: f"at least {value}",
        "maximum": lambda: f"at most {value}",
        "maxItems": lambda: f"a list of at most {value}",
        "maxLength": lambda: f"text of at most {value} letters",
        "exclusiveMinimum": lambda: f"more than {value}",
        "exclusiveMaximum": lambda: f"less than {value}",
        "pattern": lambda: f"text that matches {value}",
        "minLength": lambda: "text that is not empty",
        "minProperties": lambda: f"at least {value} of them",
        "minItems": lambda: f"a list of at least {value}",
        "uniqueItems": lambda: "a list without repetition",
    }
    return wanted[rule]() if rule in wanted else error.message


def _cross_problems(config: Mapping[str, Any], roots: Sequence[Path]) -> Iterator[str]:
    """What a schema cannot say: keys that must agree with each other and with the files they name."""
    try:
        date.fromisoformat(config["date"])
    except ValueError:
        yield f"date: found {config['date']!r}; expected a day of the calendar"
    dictionary = load_yaml(locate(DICTIONARY, roots))["variables"]
    for name, cohort in config["cohorts"].items():
        yield from _cohort_problems(f"cohorts.{name}", cohort, config, dictionary, roots)
    yield from _shared_role_problems(config, dictionary)
    for name, study in config["studies"].items():
        yield from _batch_problems(f"studies.{name}", study, config["classifier"])
        yield from _adjust_problems(f"studies.{name}.expression.adjust", study)
        yield from _own_classifier_problems(f"studies.{name}.classifier", study, config["classifier"])
        if study["source"] == "counts":
            yield from _covariate_name_problems(f"studies.{name}.columns", study["columns"])
            yield from _study_file_problems(f"studies.{name}", study, roots)
        elif study.get("published"):
            yield from _published_problems(f"studies.{name}.published", study["published"], roots)
        if study.get("identifiers"):
            yield from _file_problem(f"studies.{name}.identifiers", study["identifiers"], roots)
    for name, entry in config["predictions"].items():
        if "file" in entry:
            yield from _women_problems(f"predictions.{name}", entry, config, dictionary, roots)
        else:
            yield from _prediction_problems(f"predictions.{name}", entry, config, roots)
    yield from _noise_problems("classifier", config["classifier"])
    settings = {f"studies.{name}.classifier": study for name, study in config["studies"].items()}
    for where, holder in {"classifier": config, **settings}.items():
        genes = holder.get("classifier", {}).get("negative_controls")
        yield from _gene_list_problem(f"{where}.negative_controls", genes, roots)
    for name, study in config["studies"].items():
        yield from _subgroup_problems(f"studies.{name}.expression", config["expression"], study)
        yield from _gene_set_problems(f"studies.{name}.expression", study.get("expression", {}), roots)
    yield from _gene_set_problems("expression", config["expression"], roots)
    for name, paper in config["papers"].items():
        for key in ("facts", "claims"):
            if key in paper:
                yield from _file_problem(f"papers.{name}.{key}", paper[key], roots)
        if paper["cohort"] is not None and paper["cohort"] not in config["cohorts"]:
            yield (
                f"papers.{name}.cohort: found {paper['cohort']!r}; "
                f"expected null or one of the cohorts: {', '.join(config['cohorts']) or 'there is none'}"
            )


def _gene_set_problems(key: str, own: Mapping[str, Any], roots: Sequence[Path]) -> Iterator[str]:
    paths = own.get("gene_sets", ())
    for path in dict.fromkeys(paths):
        if paths.count(path) > 1:
            yield f"{key}.gene_sets: found {path!r} {paths.count(path)} times; expected each file once"
        yield from _file_problem(f"{key}.gene_sets", path, roots)


def _subgroup_problems(key: str, shared: Mapping[str, Any], study: Mapping[str, Any]) -> Iterator[str]:
    """A number of subgroups to show that is not among those tried."""
    settings = {**shared, **study.get("expression", {})}
    shown, largest = settings["subgroups_shown"], settings["subgroups"]
    if shown is not None and largest is not None and shown > largest:
        yield f"{key}.subgroups_shown: found {shown}; expected null or at most subgroups, which is {largest}"


def _adjust_problems(key: str, study: Mapping[str, Any]) -> Iterator[str]:
    """What a study asks for itself must be there; the results tell of inherited ones that it lacks."""
    covariates = study.get("columns", {}).get("covariates") or []
    for name in study.get("expression", {}).get("adjust", []):
        if name not in covariates:
            there = f"one of columns.covariates: {', '.join(covariates) or 'there is none'}"
            yield f"{key}: found {name!r}; expected {there}"


def _own_classifier_problems(
    key: str, study: Mapping[str, Any], inherited: Mapping[str, Any]
) -> Iterator[str]:
    """What a study asks for itself must be possible; of what it inherits as much is done as is possible."""
    own = study.get("classifier", {})
    settings = {**inherited, **own}
    repeats, genes = settings["repeats"], study.get("design", {}).get("genes", inf)
    limits = {
        "panel_repeats": (repeats, "`repeats`"),
        "pair_repeats": (min(repeats, settings["panel_repeats"]), "the repeats in which panels are measured"),
        "panel": (genes, "the genes that are simulated"),
    }
    for name, (limit, what) in limits.items():
        if name in own and own[name] > limit:
            yield f"{key}.{name}: found {own[name]}; expected at most {limit}, {what}"
    if large := [size for size in own.get("panel_sizes", ()) if size > genes]:
        found = ", ".join(map(str, large))
        yield f"{key}.panel_sizes: found {found}; expected at most {genes}, the genes that are simulated"
    if {"noise_pairs", "noise_data_sets"} & set(own):
        yield from _noise_problems(key, settings)


def _noise_problems(key: str, settings: Mapping[str, Any]) -> Iterator[str]:
    pairs, sets = settings["noise_pairs"], settings["noise_data_sets"]
    if pairs > sets:
        yield f"{key}.noise_pairs: found {pairs}; expected at most noise_data_sets, which is {sets}"


def _study_file_problems(key: str, study: Mapping[str, Any], roots: Sequence[Path]) -> Iterator[str]:
    """Files that are not there, and settings of a tool whose files are others."""
    declared, counts = study.get("format", "auto"), study["counts"]
    kind = declared
    if is_url(counts):
        if declared in ENDINGS:
            yield f"{key}.counts: found a URL for a format with a file a sample; expected a folder"
    else:
        try:
            kind, _ = count_files(str(roots[0] / locate(counts, roots)), declared)
        except KeyError as error:
            yield _unset(f"{key}.counts", counts, error)
        except InputError as error:
            yield from (f"{key}.counts: {_of_setting(problem, counts)}" for problem in error.problems)
    for name in ("samples", "transcripts"):
        if isinstance(study.get(name), str):
            yield from _file_problem(f"{key}.{name}", study[name], roots)
    for name in ("counts", "samples"):
        if is_url(study.get(name)):
            yield from _url_problems(f"{key}.{name}.url", study[name]["url"])
    for name, needed in NEEDED_FORMAT.items():
        if study.get(name) is not None and kind not in ("auto", needed):
            yield f"{key}.{name}: found it for counts of the format {kind}; expected it for {needed} only"
    if kind == "salmon" and study.get("transcripts") is None:
        yield f"{key}.transcripts: found nothing; expected a table of transcripts and their genes for Salmon"


def _of_setting(problem: Any, shown: str) -> str:
    return f"found {shown!r}: {problem.found}; expected {problem.expected}"


def _url_problems(key: str, url: str) -> Iterator[str]:
    try:
        parts = urlsplit(expand_environment(url))
    except KeyError as error:
        yield _unset(key, url, error)
        return
    if parts.username or parts.password:
        yield (
            f"{key}: found a user or password in it; expected them in the environment variable "
            "SNAKEMAKE_STORAGE_HTTP_AUTH or in ~/.netrc, for Snakemake prints the URL"
        )
    if not parts.hostname or not Path(parts.path).suffix:
        yield f"{key}: found {without_secrets(url)!r}; expected the URL of a file, such as .../counts.tsv.gz"


def _prediction_problems(
    key: str, entry: Mapping[str, Any], config: Mapping[str, Any], roots: Sequence[Path]
) -> Iterator[str]:
    model, studies = entry["model"], config["studies"]
    if not model.endswith(".json") and model not in studies:
        yield (
            f"{key}.model: found {model!r}; expected the path of a model (.json) or one of the "
            f"studies: {', '.join(studies) or 'there is none'}"
        )
    own = studies.get(model, {}).get("classifier", {})
    if {**config["classifier"], **own}["method"] == "random_forest" and model in studies:
        yield (
            f"{key}.model: found {model!r}, a random forest; expected a study with another "
            "classifier.method: a forest has no coefficients to write down"
        )
    yield from _study_file_problems(key, entry, roots)
    for file in ["identifiers", *(["model"] if model.endswith(".json") else [])]:
        if entry.get(file):
            yield from _file_problem(f"{key}.{file}", entry[file], roots)


def _women_problems(
    key: str,
    entry: Mapping[str, Any],
    config: Mapping[str, Any],
    dictionary: Mapping[str, Any],
    roots: Sequence[Path],
) -> Iterator[str]:
    """Of a table of women that a prediction model is to score."""
    model, cohorts = entry["model"], config["cohorts"]
    if model.endswith(".json"):
        yield from _file_problem(f"{key}.model", model, roots)
    elif model not in cohorts:
        yield (
            f"{key}.model: found {model!r}; expected the path of a model (.json) or one of the "
            f"cohorts: {', '.join(cohorts) or 'there is none'}"
        )
    elif cohorts[model].get("prediction", {}) is None:
        yield (
            f"{key}.model: found {model!r}, whose `prediction` is null; "
            "expected a cohort with that chapter: without it there is no model"
        )
    columns, fields = entry["columns"], {}
    if entry.get("redcap_dictionary"):
        problems = list(_redcap_problems(key, entry, roots))
        yield from problems
        if problems:
            return  # types are not known without it
        columns, fields = _completed(entry, dictionary, roots)
    yield from _table_problems(key, entry, columns, dictionary, fields, roots)


def _table_problems(
    key: str,
    entry: Mapping[str, Any],
    columns: Mapping[str, Any],
    dictionary: Mapping[str, Any],
    fields: Mapping[str, Any],
    roots: Sequence[Path],
) -> Iterator[str]:
    """Of the file of a table of women, and how it is read."""
    yield from _file_problem(f"{key}.file", entry["file"], roots)
    yield from _mapping_problems(f"{key}.columns", columns, dictionary, fields)
    yield from _row_problems(key, entry, fields)
    if entry.get("sheet") and not entry["file"].lower().endswith((".xlsx", ".xlsm")):
        yield f"{key}.sheet: found {entry['sheet']!r}; expected a sheet for an Excel file only"


def _batch_problems(key: str, study: Mapping[str, Any], inherited: Mapping[str, Any]) -> Iterator[str]:
    """Adjusting for batches needs them."""
    own = study.get("classifier", {})
    if {**inherited, **own}["adjust_batch"] and not study.get("columns", {}).get("batch"):
        where = f"{key}.classifier.adjust_batch"
        where = where if "adjust_batch" in own else f"classifier.adjust_batch, for {key}"
        yield f"{where}: found true; expected false, or the column of the batches as {key}.columns.batch"


def _published_problems(key: str, path: str, roots: Sequence[Path]) -> Iterator[str]:
    """What is wrong with a file of published figures."""
    problems = list(_file_problem(key, path, roots))
    yield from problems
    if not problems:
        located = locate(path, roots)
        schema = load_yaml(locate(PUBLISHED_SCHEMA, roots))
        for problem in schema_problems(load_yaml(roots[0] / located), schema):
            yield f"{key}: {located}: {problem}"


def _covariate_name_problems(key: str, columns: Mapping[str, Any]) -> Iterator[str]:
    """A covariate would take the place of a column that the workflow gives that name."""
    taken = {role: columns.get(role) for role in STUDY_ROLES}
    if columns["label"] in (columns.get("covariates") or []):
        yield f"{key}.covariates: found {columns['label']!r}, the label itself; expected other columns"
    for name in columns.get("covariates") or []:
        if name in taken and taken[name] != name:
            yield (
                f"{key}.covariates: found {name!r}, what the workflow calls a column of its own; "
                "expected the column under another name in the sample sheet"
            )


def _cohort_problems(
    key: str,
    cohort: Mapping[str, Any],
    config: Mapping[str, Any],
    dictionary: Mapping[str, Any],
    roots: Sequence[Path],
) -> Iterator[str]:
    columns, fields = cohort.get("columns", dictionary), {}
    if cohort.get("redcap_dictionary"):
        problems = list(_redcap_problems(key, cohort, roots))
        yield from problems
        if problems:
            return  # types are not known without it
        columns, fields = _completed(cohort, dictionary, roots)
    completed = {**cohort, "columns": columns}
    markers = yield from _panel_problems(key, completed, config, dictionary, roots)
    if cohort["source"] == "table":
        yield from _table_problems(key, cohort, columns, dictionary, fields, roots)
        yield from _type_problems(f"{key}.analysis", completed, dictionary)
        covariates = {**config["analysis"], **cohort.get("analysis", {})}["covariates"]
        yield from _number_problems(f"{key}.analysis", covariates, completed["columns"], dictionary)
    else:
        yield from _reconstruction_problems(key, cohort, config, roots)
    for analysis, where in (
        (config["analysis"], "analysis"),
        (cohort.get("analysis", {}), f"{key}.analysis"),
    ):
        categories = analysis.get("history_categories", [])
        if categories != sorted(categories):
            yield f"{where}.history_categories: found {categories}; expected ascending numbers"
        yield from _covariate_problems(where, analysis, {**config["analysis"], **analysis}["covariates"])
    yield from _cases_problems(f"{key}.analysis.cases", cohort, config["analysis"], dictionary)
    # Only what a cohort asks for itself: an inherited column that it lacks is reported as not estimable.
    yield from _role_problems(f"{key}.analysis", cohort.get("analysis", {}), set(columns), markers)
    yield from _outcome_prediction_problems(key, completed, config, dictionary, roots)
    # A definition decides who is in the cohort: one that a cohort inherits must fit it as well.
    own = "definition" in cohort.get("analysis", {})
    setting = (cohort["analysis"] if own else config["analysis"])["definition"]
    where = f"{key}.analysis.definition" if own else f"analysis.definition, for {key}"
    yield from _definition_problems(where, setting, cohort, dictionary)


def _outcome_prediction_problems(
    key: str,
    cohort: Mapping[str, Any],
    config: Mapping[str, Any],
    dictionary: Mapping[str, Any],
    roots: Sequence[Path],
) -> Iterator[str]:
    """What cannot be asked of a cohort; as elsewhere, an inherited column that it lacks is reported later."""
    own = cohort.get("prediction", {})
    if own is None:
        return
    settings, columns = {**config["prediction"], **own}, cohort["columns"]
    own_key = f"{key}.prediction"

    def where(name: str) -> str:
        return f"{own_key}.{name}" if name in own else f"prediction.{name}, for {key}"

    low, high = settings["thresholds"]
    if low >= high:
        yield f"{where('thresholds')}: found {settings['thresholds']}; expected the smaller risk first"
    there = ", ".join(sorted(columns))
    for role in ("outcome", "woman", "sets", "centre", "date"):
        name = own.get(role)
        if name is not None and name not in columns:
            yield f"{own_key}.{role}: found {name!r}; expected one of {there}"
    if (name := settings["outcome"]) in columns:
        kind = _type(name, columns[name], dictionary)
        if kind not in ("boolean", None):
            yield f"{where('outcome')}: found {name!r}, a column of type {kind}; expected one of type boolean"
    if settings["woman"] is not None and settings["sets"] is not None:
        yield f"{where('sets')}: found it beside woman; expected one of them, whatever is kept together"
    for role in ("history", "immune"):
        for name in own.get(role) or ():
            if name not in columns:
                yield f"{own_key}.{role}: found {name!r}; expected one of {there}"
    for name in settings["published"] or ():
        try:
            path = Path(locate(published_path(name), roots))
        except KeyError as error:
            yield _unset(where("published"), name, error)
            continue
        if not path.is_file():
            shipped = ", ".join(sorted({p.stem for root in roots for p in (root / MODELS).glob("*.yaml")}))
            expected = f"expected the path of a YAML file or one of {shipped}"
            yield f"{where('published')}: found {name!r}; {expected}"
    both = set(settings["history"] or ()) & set(settings["immune"] or ())
    for name in sorted(both):
        yield f"{where('immune')}: found {name!r}, which history has too; expected it in one of them"
    yield from _predictor_problems(key, settings, columns, dictionary, where)


def _predictor_problems(
    key: str,
    settings: Mapping[str, Any],
    columns: Mapping[str, Any],
    dictionary: Mapping[str, Any],
    where: Callable[[str], str],
) -> Iterator[str]:
    """Predictors that somebody asked for by name, and that are known too late, or nobody knows when."""
    for role in ("history", "immune"):
        for name in settings[role] or ():
            if name not in columns:
                continue
            kind, known = _type(name, columns[name], dictionary), known_when(name, columns[name], dictionary)
            if name == settings["outcome"]:
                yield f"{where(role)}: found {name!r}, the outcome itself; expected what is known before it"
            elif kind == "text":
                yield f"{where(role)}: found {name!r}, a column of type text; expected another type"
            elif known is None:
                yield (
                    f"{where(role)}: found {name!r}, of which nothing says when it is known; expected "
                    f"{key}.columns.{name}: {{column: ..., when: before_pregnancy}} (or pregnancy, or after)"
                )
            elif MOMENTS.index(known) > MOMENTS.index(settings["moment"]):
                yield (
                    f"{where(role)}: found {name!r}, known {_MOMENT_WORDS[known]}; expected what is known at "
                    f"the moment of prediction, {_MOMENT_WORDS[settings['moment']]}"
                )


def known_when(name: str, spec: Any, dictionary: Mapping[str, Any]) -> str | None:
    """When a variable is known of a woman, one of `MOMENTS`; None when nothing says it."""
    spec = spec if isinstance(spec, Mapping) else {}
    return spec.get("when", dictionary.get(name, {}).get("when"))


def when_known(cohort: Mapping[str, Any], dictionary: Mapping[str, Any]) -> dict[str, str]:
    """Of each column of a cohort, when it is known, as far as something says it."""
    columns = cohort.get("columns", {name: name for name in dictionary})
    found = {name: known_when(name, spec, dictionary) for name, spec in columns.items()}
    return {name: known for name, known in found.items() if known is not None}


def units_of(cohort: Mapping[str, Any], dictionary: Mapping[str, Any]) -> dict[str, str]:
    """Of each column of a cohort that has one, the unit in which the cohort holds it."""
    found = {}
    for name, spec in cohort.get("columns", {name: name for name in dictionary}).items():
        own = spec.get("unit", "") if isinstance(spec, Mapping) else ""
        if unit := next(iter(dictionary.get(name, {}).get("units", {})), own):
            found[name] = unit
    return found


def _cases_problems(
    key: str, cohort: Mapping[str, Any], inherited: Mapping[str, Any], dictionary: Mapping[str, Any]
) -> Iterator[str]:
    """Also an inherited column must be there: without it, controls would pass for cases."""
    name = cohort.get("analysis", {}).get("cases", inherited["cases"])
    if name is None:
        return
    if cohort["source"] == "reconstruction":
        yield f"{key}: found {name!r}; expected null, for a reconstruction holds cases only"
    elif name not in cohort["columns"]:
        yield f"{key}: found {name!r}; expected null or one of {', '.join(sorted(cohort['columns']))}"
    elif (kind := _type(name, cohort["columns"][name], dictionary)) != "boolean":
        yield f"{key}: found {name!r}, a column of type {kind}; expected one of type boolean"


def _panel_problems(
    key: str,
    cohort: Mapping[str, Any],
    config: Mapping[str, Any],
    dictionary: Mapping[str, Any],
    roots: Sequence[Path],
) -> Generator[str, None, set[str]]:
    """What is wrong with the marker panel, alone and with its cohort; the names of its markers."""
    try:
        panel = Path(locate(panel_path(cohort["panel"]), roots))
    except KeyError as error:
        yield _unset(f"{key}.panel", cohort["panel"], error)
        return set()
    if not panel.is_file():
        shipped = ", ".join(sorted({path.stem for root in roots for path in (root / PANELS).glob("*.yaml")}))
        yield f"{key}.panel: found {cohort['panel']!r}; expected the path of a YAML file or one of {shipped}"
        return set()
    content = load_yaml(panel)
    problems = list(schema_problems(content, load_yaml(locate(PANEL_SCHEMA, roots))))
    yield from (f"{key}.panel: {panel}: {problem}" for problem in problems)
    if problems:
        return set()
    yield from _cutoff_problems(key, panel, content, cohort["columns"], dictionary)
    yield from _rule_problems(key, content, config["markers"]["cytotoxicity_rule"])
    return set(content["markers"])


def _cutoff_problems(
    key: str,
    panel: Path,
    content: Mapping[str, Any],
    columns: Mapping[str, Any],
    dictionary: Mapping[str, Any],
) -> Iterator[str]:
    """A cut-off whose column nobody has would leave every woman unknown, or abnormal and never normal."""
    for name, marker in content["markers"].items():
        for column in (cutoff["column"] for cutoff in marker["cutoffs"]):
            if column not in columns:
                yield (
                    f"{key}.panel: found {panel.name}, whose {name} needs {column!r}; expected "
                    "that column among the cohort's columns, or a panel of your own without this cut-off"
                )
            elif (kind := _type(column, columns[column], dictionary)) not in ("number", "integer", None):
                yield (
                    f"{key}.panel: found {panel.name}, whose {name} is a cut-off of {column!r}, "
                    f"a column of type {kind}; expected one of type number or integer"
                )
            elif units := _unit_clash(marker["unit"], column, columns[column], dictionary):
                yield (
                    f"{key}.panel: found {panel.name}, whose {name} is in {marker['unit']!r}; expected a "
                    f"unit that the column {column} can have: {', '.join(units)}"
                )


def _unit_clash(unit: str, column: str, spec: Any, dictionary: Mapping[str, Any]) -> list[str]:
    """The units of a column when a panel's unit is none of them; nothing where it is, or none is stated."""
    own = spec.get("unit") if isinstance(spec, Mapping) else None
    units = list(dictionary.get(column, {}).get("units", [own] if own else []))
    return [] if unit in units else units


def _rule_problems(key: str, content: Mapping[str, Any], rule: str) -> Iterator[str]:
    for name, marker in content["markers"].items():
        ratios = [cutoff.get("ratio", "") for cutoff in marker["cutoffs"]]
        if len(ratios) > 1 and rule.startswith("single:") and rule.removeprefix("single:") not in ratios:
            allowed = ", ".join(f"single:{ratio}" for ratio in ratios)
            yield f"markers.cytotoxicity_rule: found {rule!r}; expected for {name} of {key} one of {allowed}"


def _type(name: str, spec: Any, dictionary: Mapping[str, Any]) -> str | None:
    """The type of a variable; None when nothing says it."""
    spec = spec if isinstance(spec, Mapping) else {}
    known = dictionary.get(name, {}).get("type")
    return spec.get("type", known or ("number" if "from" in spec else None))


def _type_problems(key: str, cohort: Mapping[str, Any], dictionary: Mapping[str, Any]) -> Iterator[str]:
    for role, types in ROLE_TYPES.items():
        name = cohort.get("analysis", {}).get(role)
        if name not in cohort["columns"]:
            continue
        kind = _type(name, cohort["columns"][name], dictionary)
        if kind is not None and kind not in types:
            wanted = " or ".join(types)
            yield f"{key}.{role}: found {name!r}, a column of type {kind}; expected one of type {wanted}"


def _role_problems(key: str, own: Mapping[str, Any], columns: set[str], markers: set[str]) -> Iterator[str]:
    for role in ROLES:
        value = own.get(role)
        names = value if isinstance(value, list) else [value] if value is not None else []
        allowed = columns | markers | {"immunity", "aneuploidy"} if role == "trends" else columns
        for name in names:
            if name not in allowed:
                yield f"{key}.{role}: found {name!r}; expected one of {', '.join(sorted(allowed))}"


def _shared_role_problems(config: Mapping[str, Any], dictionary: Mapping[str, Any]) -> Iterator[str]:
    """A name that neither a cohort nor the dictionary knows is a slip; others may be lacking."""
    known = set(dictionary).union(*(cohort.get("columns", ()) for cohort in config["cohorts"].values()))
    for role in ROLES:
        value = config["analysis"][role]
        names = value if isinstance(value, list) else [value] if value is not None else []
        for name in names:
            if role != "trends" and name not in known:
                near = difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.4) or sorted(known)
                yield (
                    f"analysis.{role}: found {name!r}; expected a column of one of the cohorts, "
                    f"such as {', '.join(near)}"
                )


def _number_problems(
    key: str, covariates: Sequence[str], columns: Mapping[str, Any], dictionary: Mapping[str, Any]
) -> Iterator[str]:
    """A covariate that is a category would leave the regression without any number."""
    for name in covariates:
        kind = _type(name, columns[name], dictionary) if name in columns else None
        if kind in ("category", "text"):
            yield (
                f"{key}.covariates: found {name!r}, a column of type {kind}; expected numbers or yes/no: "
                "give each level but one a yes/no column of its own by its codes"
            )


def _covariate_problems(key: str, own: Mapping[str, Any], covariates: Sequence[str]) -> Iterator[str]:
    """What is asked of a covariate that the regressions do not have."""
    for role in ("splines", "steps"):
        for name in own.get(role, ()):
            if name not in covariates:
                yield (
                    f"{key}.{role}: found {name!r}; expected one of the covariates: "
                    f"{', '.join(covariates) or 'there is none'}"
                )


def _definition_problems(
    key: str, setting: Mapping[str, Any] | None, cohort: Mapping[str, Any], dictionary: Mapping[str, Any]
) -> Iterator[str]:
    """A definition of RPL that the cohort's columns cannot say would leave out the wrong women."""
    try:
        definition = Definition.of(setting)
    except ValueError:
        yield (
            f"{key}: found only one of biochemical and stillbirths; expected both, or neither: then the "
            f"losses are those that {MISCARRIAGES!r} counts"
        )
        return
    if definition is None:
        return
    # Of a reconstruction nothing but the number of losses is printed.
    columns = cohort.get("columns", {MISCARRIAGES: MISCARRIAGES})
    if absent := definition.absent(columns):
        needed = ", ".join(definition.columns)
        yield (
            f"{key}: found {str(definition)!r}, which needs {needed}; expected "
            f"{', '.join(absent)} among the cohort's columns, or another definition"
        )
    for name in definition.columns:
        spec = columns.get(name)
        kind = (spec if isinstance(spec, Mapping) else {}).get("type", dictionary[name]["type"])
        if kind not in ("integer", "number"):
            yield f"{key}: found {name!r}, a column of type {kind}; expected one of type integer or number"


def _reconstruction_problems(
    key: str, cohort: Mapping[str, Any], config: Mapping[str, Any], roots: Sequence[Path]
) -> Iterator[str]:
    papers = config["papers"]
    if cohort["paper"] not in papers:
        yield f"{key}.paper: found {cohort['paper']!r}; expected one of {', '.join(papers) or '(no papers)'}"
        return
    if "facts" not in papers[cohort["paper"]]:
        told = "expected the file that the cohort is rebuilt from"
        yield f"papers.{cohort['paper']}.facts: found nothing; {told}"
        return
    try:
        facts = Path(locate(papers[cohort["paper"]]["facts"], roots))
    except KeyError:
        return  # told where the paper is
    if facts.is_file():
        scenarios = load_yaml(facts).get("reconstruction", {}).get("scenarios", {})
        if cohort["scenario"] not in scenarios:
            yield f"{key}.scenario: found {cohort['scenario']!r}; expected one of {', '.join(scenarios)}"


def _mapping_problems(
    key: str, columns: Mapping[str, Any], dictionary: Mapping[str, Any], fields: Mapping[str, Any]
) -> Iterator[str]:
    for name, spec in columns.items():
        spec = {} if isinstance(spec, str) else spec
        kind = _type(name, spec, dictionary)
        if kind is None:
            where = "neither the dictionary nor REDCap's knows" if fields else "the dictionary does not know"
            yield (
                f"{key}.{name}: found a variable that {where}; "
                "expected a type (number, integer, boolean, category or text)"
            )
        if name in RESERVED:
            yield f"{key}.{name}: found a name that the workflow uses itself; expected another name"
        if "from" in spec and kind != "number":
            yield f"{key}.{name}: found the time between two dates for a {kind}; expected it for a number"
        if spec.get("minimum", -inf) > spec.get("maximum", inf):
            yield (
                f"{key}.{name}: found a minimum of {spec['minimum']} and a maximum of {spec['maximum']}; "
                "expected the minimum below the maximum"
            )
        yield from _code_problems(f"{key}.{name}", spec, kind, dictionary.get(name, {}).get("levels"))
        units = dictionary.get(name, {}).get("units", {})
        if units and "unit" in spec:
            possible = [unit for unit in units if unit in INTERVALS] if "from" in spec else list(units)
            if spec["unit"] not in possible:
                allowed = ", ".join(possible) or "the measured value in a column"
                yield f"{key}.{name}.unit: found {spec['unit']!r}; expected one of {allowed}"


def _code_problems(key: str, spec: Mapping[str, Any], kind: str | None, levels: Any) -> Iterator[str]:
    if spec.get("codes") and kind not in ("boolean", "category"):
        yield f"{key}.codes: found codes for a {kind}; expected them for a boolean or category"
    if "levels" in spec and (levels or kind != "category"):
        yield f"{key}.levels: found levels; expected them for a category of your own only"
    levels = levels or spec.get("levels")
    if not spec.get("codes"):
        return
    # Imported here: it needs pandas, which a start without a table can do without.
    from decidua.cells import spellings

    seen: dict[str, Any] = {}
    for code, value in spec.get("codes", {}).items():
        if kind == "boolean" and value is not None and not isinstance(value, bool):
            yield f"{key}.codes.{code}: found {value!r}; expected true, false or null"
        if kind == "category" and levels and value is not None and str(value) not in map(str, levels):
            yield f"{key}.codes.{code}: found {value!r}; expected {', '.join(map(str, levels))} or null"
        for spelling in sorted(spellings(code)):
            if spelling in seen and seen[spelling][1] != value:
                yield (
                    f"{key}.codes.{code}: found {value!r}, and {seen[spelling][1]!r} for "
                    f"{seen[spelling][0]}, which is the same cell {spelling!r}; expected one value for it"
                )
                break
            seen[spelling] = (code, value)


def _row_problems(key: str, cohort: Mapping[str, Any], fields: Mapping[str, Any]) -> Iterator[str]:
    """What picks and leaves out rows."""
    rules = cohort.get("exclude", [])
    reasons = [rule["reason"] for rule in rules]
    for reason in dict.fromkeys(reasons):
        if reasons.count(reason) > 1:
            times = f"{reasons.count(reason)} times"
            yield f"{key}.exclude: found the reason {reason!r} {times}; expected each reason once"
    first: dict[tuple[str, str], str] = {}
    for rule in rules:
        for value in rule["values"]:
            earlier = first.setdefault((rule["column"], str(value).casefold()), rule["reason"])
            if earlier != rule["reason"]:
                yield (
                    f"{key}.exclude: found {value!r} of {rule['column']!r} under {earlier!r} and under "
                    f"{rule['reason']!r}; expected it under one reason"
                )
    if fields:
        from decidua.redcap import mapping_problems

        others = [("keep", column) for column in cohort.get("keep", {})]
        others += [("exclude", rule["column"]) for rule in rules]
        yield from (f"{key}.{line}" for line in mapping_problems(cohort["columns"], others, fields))


def _redcap_problems(key: str, cohort: Mapping[str, Any], roots: Sequence[Path]) -> Iterator[str]:
    from decidua.redcap import read_dictionary

    problems = list(_file_problem(f"{key}.redcap_dictionary", cohort["redcap_dictionary"], roots))
    yield from problems
    if not problems:
        path = locate(cohort["redcap_dictionary"], roots)
        try:
            read_dictionary(roots[0] / path, path)
        except InputError as error:
            yield from (f"{key}.redcap_dictionary: {problem}" for problem in error.problems)


def _completed(
    cohort: Mapping[str, Any], dictionary: Mapping[str, Any], roots: Sequence[Path]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A cohort's columns with what its REDCap dictionary knows, and the fields of that dictionary."""
    from decidua.redcap import complete, read_dictionary

    path = locate(cohort["redcap_dictionary"], roots)
    fields = read_dictionary(roots[0] / path, path)
    return complete(cohort["columns"], dictionary, fields), fields


def _file_problem(key: str, path: str, roots: Sequence[Path]) -> Iterator[str]:
    try:
        located = locate(path, roots)
    except KeyError as error:
        yield _unset(key, path, error)
        return
    if not (roots[0] / located).is_file():
        what = "a folder" if (roots[0] / located).is_dir() else "which is not there"
        yield f"{key}: found {path!r}, {what}; expected the path of a file"


def _gene_list_problem(key: str, genes: Any, roots: Sequence[Path]) -> Iterator[str]:
    """A name that is no path means a shipped list, so the message lists those."""
    if not isinstance(genes, str):
        return
    path = gene_list_path(genes)
    if path == genes:
        yield from _file_problem(key, genes, roots)
    elif not any((root / path).is_file() for root in roots):
        shipped = sorted({file.stem for root in roots for file in (root / GENES).glob("*.yaml")})
        yield (
            f"{key}: found {genes!r}; expected one of {', '.join(shipped)}, the path of a .yaml or .txt "
            "file, a list of genes, or null"
        )


def _unset(key: str, path: str, error: KeyError) -> str:
    return f"{key}: found {path!r}; expected the environment variable {error.args[0]} to be set"
