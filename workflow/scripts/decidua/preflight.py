"""Can the run's own input files be used? Asked before the first job, where a file is small enough."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from decidua.config import expand_environment, load_yaml, locate
from decidua.errors import InputError

#: Bytes up to which a patient table is read before the run; a larger one is checked by its first job.
SMALL = 5_000_000


def check_inputs(config: Mapping[str, Any], roots: Sequence[Path]) -> None:
    """Read the small patient tables and every sample sheet as the first jobs will.

    Args:
        config: the effective settings.
        roots: the folders that relative paths start from.

    Raises:
        InputError: every problem of every file.
    """
    problems = [*_cohort_problems(config["cohorts"], roots), *_study_problems(config["studies"])]
    if problems:
        raise InputError(problems)


def _cohort_problems(cohorts: Mapping[str, Any], roots: Sequence[Path]) -> Iterator[Any]:
    for cohort in cohorts.values():
        if cohort["source"] != "table":
            continue
        path = expand_environment(cohort["file"])
        if Path(path).stat().st_size > SMALL:
            continue
        # Imported here: without a table of the user's own, a start needs no pandas.
        from decidua.cohort import import_cohort, read_rows, variables
        from decidua.definitions import Definition, apply_definition

        dictionary = load_yaml(locate("workflow/resources/cohort_dictionary.yaml", roots))["variables"]
        try:
            imported = import_cohort(
                read_rows(path, cohort.get("sheet")),
                variables(dictionary, cohort["columns"]),
                missing=cohort.get("missing", []),
                exclude=cohort.get("exclude", []),
                name=path,
            )
            apply_definition(imported, Definition.of(cohort["analysis"]["definition"]), path)
        except InputError as error:
            yield from error.problems


def _study_problems(studies: Mapping[str, Any]) -> Iterator[Any]:
    for study in studies.values():
        if study["source"] != "counts":
            continue
        from decidua.expression import check_study

        try:
            check_study(
                expand_environment(study["counts"]),
                expand_environment(study["samples"]),
                columns=study["columns"],
                label=study["label"],
                keep=study.get("keep"),
                folds=study["classifier"]["folds"],
            )
        except InputError as error:
            yield from error.problems
