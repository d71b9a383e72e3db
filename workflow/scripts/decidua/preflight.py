"""Can the run's own input files be used? Asked before the first job, where a file is small enough."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from decidua import marks
from decidua.config import load_yaml, locate, published_path, schema_problems
from decidua.count_files import count_files
from decidua.downloads import is_url
from decidua.errors import InputError

#: Bytes up to which a patient table is read before the run; a larger one is checked by its first job.
SMALL = 5_000_000
#: What a prediction model of women must look like.
MODEL_SCHEMA = "workflow/schemas/prediction_model.schema.yaml"
PUBLISHED_SCHEMA = "workflow/schemas/prediction_published.schema.yaml"


def check_inputs(config: Mapping[str, Any], roots: Sequence[Path]) -> None:
    """Read small patient tables, sample sheets, claims files and what predictions name, as the first jobs do.

    Args:
        config: the effective settings.
        roots: the folders that relative paths start from.

    Raises:
        InputError: every problem of every file.
    """
    problems = [
        *_cohort_problems(config["cohorts"], roots),
        *_study_problems(config["studies"], roots),
        *_gene_set_problems(config["studies"], roots),
        *_claims_problems(config["papers"], roots),
        *_published_problems(config["cohorts"], roots),
        *_prediction_problems(config, roots),
    ]
    if problems:
        raise InputError(problems)


def table_settings(cohort: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a cohort that say how its table is read; none for a reconstruction."""
    keys = ("columns", "sheet", "missing", "decimal", "date_format", "keep", "exclude")
    return {key: cohort[key] for key in keys if cohort.get(key) is not None}


def _cohort_problems(cohorts: Mapping[str, Any], roots: Sequence[Path]) -> Iterator[Any]:
    for cohort in cohorts.values():
        if cohort["source"] != "table":
            continue
        path = locate(cohort["file"], roots)
        if Path(path).stat().st_size > SMALL:
            continue
        # Imported here: without a table of the user's own, a start needs no pandas.
        from decidua.cohort import read_cohort
        from decidua.definitions import Definition, apply_definition

        dictionary = load_yaml(locate("workflow/resources/cohort_dictionary.yaml", roots))["variables"]
        redcap = cohort.get("redcap_dictionary")
        try:
            _, imported = read_cohort(
                path,
                dictionary,
                redcap_dictionary=redcap and locate(redcap, roots),
                **table_settings(cohort),
            )
            definition = Definition.of(cohort["analysis"]["definition"])
            apply_definition(imported, definition, path, cohort["analysis"]["cases"])
        except InputError as error:
            yield from error.problems


def reading_settings(study: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a study that say how its counts are read, but for files."""
    keys = ("format", "strandedness", "layer", "round")
    return {key: study[key] for key in keys if study.get(key) is not None}


def counts_of(study: Mapping[str, Any], roots: Sequence[Path]) -> list[str]:
    """The files that hold a study's counts; none that are yet to be downloaded.

    Raises:
        InputError: there is none.
    """
    if is_url(study["counts"]):
        return []
    return count_files(locate(study["counts"], roots), study.get("format", "auto"))[1]


def _study_problems(studies: Mapping[str, Any], roots: Sequence[Path]) -> Iterator[Any]:
    for name, study in studies.items():
        if study["source"] != "counts" or is_url(study["samples"]):
            continue
        from decidua.expression import check_study

        reading = reading_settings(study)
        if "transcripts" in study:
            reading["transcripts"] = locate(study["transcripts"], roots)
        try:
            size = check_study(
                counts_of(study, roots),
                locate(study["samples"], roots),
                columns=study["columns"],
                label=study["label"],
                keep=study.get("keep"),
                folds=study["classifier"]["folds"],
                accept_tied_batch=study["classifier"]["accept_tied_batch"],
                reading=reading,
            )
            yield from _size_problems(f"studies.{name}.classifier", study["classifier"], size)
        except InputError as error:
            yield from error.problems


def _size_problems(key: str, settings: Mapping[str, Any], size: Any) -> Iterator[str]:
    """Settings of a classifier that its data cannot fulfil."""
    if size.genes is not None and settings["panel"] > size.genes:
        yield (
            f"{key}.panel: found {settings['panel']}; expected at most {size.genes}, the genes of the matrix"
        )
    # Smaller training sets get fewer inner folds, which is told fold by fold; but two there must be.
    left = size.members - math.ceil(size.members / settings["folds"])
    if left < 2:
        yield (
            f"{key}.folds: found {settings['folds']}, which leave only {left} of the {size.members} members "
            "of the smaller class to learn from; expected 2 or more, for inner folds: more samples, or more "
            "folds"
        )


def sheet_settings(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a prediction that say how its sample sheet is read; none without one."""
    return {key: entry[key] for key in ("columns", "label", "keep") if "samples" in entry and key in entry}


def _prediction_problems(config: Mapping[str, Any], roots: Sequence[Path]) -> Iterator[Any]:
    """What is wrong with new samples, their table of identifiers, and a model from a file."""
    for entry in config["predictions"].values():
        if "file" in entry:
            yield from _women_problems(entry, config["cohorts"], roots)
            continue
        from decidua.new_samples import check_new_samples

        at = {
            key: locate(entry[key], roots)
            for key in ("model", "samples", "identifiers", "transcripts")
            if key in entry
        }
        try:
            check_new_samples(
                counts_of(entry, roots),
                at.get("samples"),
                sheet_settings(entry),
                reading_settings(entry) | {"transcripts": at.get("transcripts")},
                at["model"] if entry["model"] not in config["studies"] else None,
                at.get("identifiers"),
                config["coverage"],
            )
        except InputError as error:
            yield from error.problems


def _women_problems(
    entry: Mapping[str, Any], cohorts: Mapping[str, Any], roots: Sequence[Path]
) -> Iterator[Any]:
    """What is wrong with a table of women to score, with the model's file, or with one against the other."""
    from decidua.cohort import read_cohort
    from decidua.prediction.model_file import read_model
    from decidua.prediction.score import mapping_problems
    from decidua.variables import variables

    path, model = locate(entry["file"], roots), None
    dictionary = load_yaml(locate("workflow/resources/cohort_dictionary.yaml", roots))["variables"]
    redcap = entry.get("redcap_dictionary") and locate(entry["redcap_dictionary"], roots)
    if entry["model"] not in cohorts:
        try:
            model = read_model(locate(entry["model"], roots), load_yaml(locate(MODEL_SCHEMA, roots)))
        except InputError as error:
            yield from error.problems
    if model is not None:
        yield from mapping_problems(model, variables(dictionary, entry["columns"]), path)
    if Path(path).stat().st_size <= SMALL:
        try:
            read_cohort(path, dictionary, redcap_dictionary=redcap, **table_settings(entry))
        except InputError as error:
            yield from error.problems


def nearly_tied_batches(studies: Mapping[str, Any], roots: Sequence[Path]) -> dict[str, float]:
    """Studies whose batches nearly determine the class, each with its Cramér's V.

    Looked at are the user's own sheets that are there and name a batch; one that cannot be read is left to
    `check_inputs`. A sheet that is yet to be downloaded is first seen by its jobs.
    """
    found = {}
    for name, study in studies.items():
        if study["source"] != "counts" or is_url(study["samples"]) or not study["columns"].get("batch"):
            continue
        # Imported here: without such a study, a start needs no pandas.
        from decidua.confounding import nearly_tied
        from decidua.sample_sheet import read_sheet

        try:
            path = locate(study["samples"], roots)
            sheet = read_sheet(path, study["columns"], study["label"], study.get("keep"))
        except InputError:
            continue
        if (value := nearly_tied(sheet.kept)) is not None:
            found[name] = value
    return found


def marks_of_model(path: str | Path) -> str:
    """All marks that a prediction model in a file carries: it may have been learned from made-up women."""
    try:
        return str(json.loads(Path(path).read_text(encoding="utf-8"))["about"]["synthetic"])
    except (OSError, ValueError, KeyError, TypeError):  # its job tells what is wrong with the file
        return ""


def cautions_of_model(path: str | Path) -> str:
    """The cautions about the study that a frozen model in a file was trained on; empty where it says none."""
    try:
        about = json.loads(Path(path).read_text(encoding="utf-8"))["about"]
        return marks.cautions(about["synthetic"])
    except (OSError, ValueError, KeyError, TypeError):  # its job tells what is wrong with the file
        return ""


def _gene_set_problems(studies: Mapping[str, Any], roots: Sequence[Path]) -> Iterator[Any]:
    """The user's gene sets, and names that they share with each other or with the signatures."""
    for paths in dict.fromkeys(tuple(study["expression"]["gene_sets"]) for study in studies.values()):
        if not paths:
            continue
        from decidua.gene_sets import joined, read_gmt, shipped_sets

        try:
            signatures = load_yaml(locate("workflow/resources/genes/signatures.yaml", roots))
            joined(shipped_sets(signatures), *(read_gmt(locate(path, roots)) for path in paths))
        except InputError as error:
            yield from error.problems


def _published_problems(cohorts: Mapping[str, Any], roots: Sequence[Path]) -> Iterator[Any]:
    """A published model in a file that holds something else."""
    named = {name for each in cohorts.values() for name in (each["prediction"] or {}).get("published") or ()}
    schema = load_yaml(locate(PUBLISHED_SCHEMA, roots)) if named else {}
    for name in sorted(named):
        path = locate(published_path(name), roots)
        try:
            problems = list(schema_problems(load_yaml(path), schema))
        except InputError as error:
            yield from error.problems
            continue
        yield from (f"{path}: {problem}" for problem in problems)


def _claims_problems(papers: Mapping[str, Any], roots: Sequence[Path]) -> Iterator[Any]:
    """A broken claims file, told before the cohort that it is compared with is computed."""
    for paper in papers.values():
        from decidua.audit.claims import load_paper

        try:
            load_paper(locate(paper["claims"], roots))
        except InputError as error:
            yield from error.problems
