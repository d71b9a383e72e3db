"""Can the run's own input files be used? Asked before the first job, where a file is small enough."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from decidua.config import load_yaml, locate
from decidua.count_files import count_files
from decidua.downloads import is_url
from decidua.errors import InputError

#: Bytes up to which a patient table is read before the run; a larger one is checked by its first job.
SMALL = 5_000_000


def check_inputs(config: Mapping[str, Any], roots: Sequence[Path]) -> None:
    """Read the small patient tables, every sample sheet and every claims file as the first jobs will.

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
    for study in studies.values():
        if study["source"] != "counts" or is_url(study["samples"]):
            continue
        from decidua.expression import check_study

        reading = reading_settings(study)
        if "transcripts" in study:
            reading["transcripts"] = locate(study["transcripts"], roots)
        try:
            check_study(
                counts_of(study, roots),
                locate(study["samples"], roots),
                columns=study["columns"],
                label=study["label"],
                keep=study.get("keep"),
                folds=study["classifier"]["folds"],
                accept_tied_batch=study["classifier"]["accept_tied_batch"],
                reading=reading,
            )
        except InputError as error:
            yield from error.problems


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


def _claims_problems(papers: Mapping[str, Any], roots: Sequence[Path]) -> Iterator[Any]:
    """A broken claims file, told before the cohort that it is compared with is computed."""
    for paper in papers.values():
        from decidua.audit.claims import load_paper

        try:
            load_paper(locate(paper["claims"], roots))
        except InputError as error:
            yield from error.problems
