"""Which women have recurrent pregnancy loss (RPL), and under which definition?

The module is light: the settings are checked with it before any job, and then no pandas is needed.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from decidua.errors import InputError, Problem

if TYPE_CHECKING:
    import pandas as pd

    from decidua.cohort import Import

MISCARRIAGES, RUN = "miscarriages", "consecutive_losses"
CLINICAL, BIOCHEMICAL, STILLBIRTHS = KINDS = ("clinical_losses", "biochemical_losses", "stillbirths")
#: The thresholds of the guidelines: two losses (ESHRE 2022, ASRM) or three (RCOG 2023, WHO).
THRESHOLDS = (2, 3)
AS_THE_TABLE = {"losses": "all women of the table"}
NOT_TOLD_APART = {"biochemical losses": "counted or not", "stillbirths": "counted or not"}
#: Women that are named in a message; the rest is counted.
LISTED = 20
#: How the multiverse marks the universe of the settings, and what it calls the choice of a combining rule.
CHOSEN, RATIOS = "chosen in the settings", "E:T ratios"
CANNOT_BE_CHECKED = "Definition of recurrent pregnancy loss cannot be checked"


@dataclass(frozen=True)
class Definition:
    """At least `losses` losses, one after the other if `consecutive`.

    `biochemical` and `stillbirths` say whether these are counted beside the clinical losses. Both None: the
    losses are those that the column `miscarriages` counts, whatever these are.

    Source: ESHRE 2022 (two or more, biochemical ones too), ASRM (two or more, clinical), RCOG Green-top
    Guideline 17 of 2023 (three or more), WHO (three or more, consecutive).
    """

    losses: int
    consecutive: bool = False
    biochemical: bool | None = None
    stillbirths: bool | None = None

    def __post_init__(self) -> None:
        if (self.biochemical is None) != (self.stillbirths is None):
            raise ValueError("biochemical and stillbirths: expected both or neither")

    @classmethod
    def of(cls, setting: Mapping[str, Any] | None) -> "Definition | None":
        """A definition from the settings; None takes the table as it is."""
        return None if setting is None else cls(**setting)

    @property
    def tells_kinds_apart(self) -> bool:
        return self.biochemical is not None

    @property
    def counted(self) -> tuple[str, ...]:
        """The columns whose sum is the number of losses."""
        if not self.tells_kinds_apart:
            return (MISCARRIAGES,)
        wanted = (True, self.biochemical, self.stillbirths)
        return tuple(kind for kind, is_counted in zip(KINDS, wanted, strict=True) if is_counted)

    @property
    def not_counted(self) -> tuple[str, ...]:
        """The columns of losses that may stand in a run without being counted."""
        return tuple(kind for kind in KINDS if kind not in self.counted) if self.tells_kinds_apart else ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that the definition reads."""
        return (*self.counted, *self.not_counted, RUN) if self.consecutive else self.counted

    def absent(self, columns: Collection[str]) -> list[str]:
        """The columns that the definition needs and a table does not have."""
        return [column for column in self.columns if column not in columns]

    @property
    def choices(self) -> dict[str, str]:
        """What the definition chooses, in words, choice by choice."""
        found = {"losses": f"{self.losses} or more", "consecutive": "yes" if self.consecutive else "no"}
        if self.tells_kinds_apart:
            found["biochemical losses"] = "counted" if self.biochemical else "not counted"
            found["stillbirths"] = "counted" if self.stillbirths else "not counted"
        return found

    @property
    def short(self) -> str:
        """Such as 3 consecutive losses (biochemical losses counted, stillbirths not counted)."""
        text = f"{self.losses} {'consecutive ' if self.consecutive else ''}losses"
        kinds = [f"{kind} {self.choices[kind]}" for kind in NOT_TOLD_APART if kind in self.choices]
        return f"{text} ({', '.join(kinds)})" if kinds else text

    def __str__(self) -> str:
        return f"at least {self.short}"

    def meets(self, women: "pd.DataFrame") -> "pd.Series":
        """Whether each woman meets the definition.

        Args:
            women: one row a woman, with every column of `columns`; an unknown number is missing.

        Returns:
            A nullable boolean a woman, the same index: NA where what is unknown decides. A loss that is not
            counted neither lengthens nor ends a run of consecutive losses: of a run of three with one
            biochemical loss in it two are counted, if biochemical ones are not. Whether her losses that are
            not counted stand in her run is not known: then a woman is NA unless it makes no difference.
        """
        known = [_numbers(women, column) for column in self.counted]
        at_least = sum(column.fillna(0) for column in known)
        enough = (at_least >= self.losses).astype("boolean")
        unknown = sum(column.isna().astype(int) for column in known) > 0
        enough = enough.mask(unknown & ~enough)
        return enough & self._in_a_row(women) if self.consecutive else enough

    def _in_a_row(self, women: "pd.DataFrame") -> "pd.Series":
        run = _numbers(women, RUN)
        surely = run - sum(_numbers(women, column) for column in self.not_counted)
        return (run >= self.losses).mask((run >= self.losses) & ~(surely >= self.losses).fillna(False))


def _numbers(women: "pd.DataFrame", column: str) -> "pd.Series":
    return women[column].astype("Float64")


def every_definition(columns: Collection[str], chosen: Definition | None) -> list[Definition | None]:
    """The definitions that a cohort could be analysed under; None is the table as it is.

    Without a column of clinical losses only the threshold and consecutiveness are varied, of the losses
    that the table counts. Whether a table has the columns that a definition needs is its `absent`.
    """
    kinds = [(None, None)]
    if CLINICAL in columns:
        kinds = [(biochemical, stillbirths) for biochemical in (True, False) for stillbirths in (True, False)]
    found: list[Definition | None] = [None]
    found += [
        Definition(losses, consecutive, *counted)
        for losses in THRESHOLDS
        for consecutive in (False, True)
        for counted in kinds
    ]
    return found if chosen in found else [*found, chosen]


def choices_of(definition: Definition | None) -> dict[str, str]:
    """What a definition chooses, in words."""
    return dict(AS_THE_TABLE) if definition is None else definition.choices


def universe_name(choices: Mapping[str, str]) -> str:
    """The choices of a universe as one text: "losses: 3 or more; consecutive: no"."""
    return "; ".join(f"{choice}: {value}" for choice, value in choices.items())


def choices_in(name: str) -> dict[str, str]:
    """The choices that such a text names."""
    return dict(choice.split(": ", 1) for choice in name.split("; "))


def apply_definition(
    imported: "Import", definition: Definition | None, name: str = "the table", cases: str | None = None
) -> "Import":
    """Leave out the women who do not meet the definition: the last step of the enrolment.

    Args:
        imported: the checked cohort, with the exclusions so far.
        definition: None keeps every woman.
        name: the file's name, for messages.
        cases: the column that is true for women with losses; of other women nothing is asked.

    Returns:
        The women who meet it; those who do not, and those of whom it cannot be known, are a step each.

    Raises:
        InputError: a run of losses that is longer than the losses, or nobody who meets the definition.
    """
    cohort = imported.cohort
    from decidua.cases import case_status

    if problems := list(_impossible_runs(cohort, name)):
        raise InputError(problems)
    if definition is None:
        return imported
    asked = case_status(cohort, cases).fillna(False).astype(bool)
    meets = definition.meets(cohort).mask(~asked, True)
    steps = [(f"Fewer than {definition.short}", int((~meets).sum()))]
    if unknown := int(meets.isna().sum()):
        steps.append((CANNOT_BE_CHECKED, unknown))
    kept = cohort[meets.fillna(False).astype(bool)].reset_index(drop=True)
    if kept.empty:
        raise InputError(Problem("no woman who meets the definition of RPL", f"one with {definition}", name))
    return replace(imported, cohort=kept, excluded=(*imported.excluded, *steps))


def _impossible_runs(cohort: "pd.DataFrame", name: str) -> Iterator[Problem]:
    """Runs longer than all the losses; only where the table surely counts every kind of the run."""
    kinds = [kind for kind in KINDS if kind in cohort]
    counted = KINDS if len(kinds) == len(KINDS) else () if kinds else (MISCARRIAGES,)
    if not counted or not {RUN, *counted} <= set(cohort):
        return
    total, run = sum(_numbers(cohort, column) for column in counted), _numbers(cohort, RUN)
    wrong = (run > total).fillna(False).astype(bool)
    listed = (column[wrong].head(LISTED) for column in (cohort["id"], run, total))
    for woman, longest, losses in zip(*listed, strict=True):
        expected = f"at most {losses:g}, her {' + '.join(counted)}"
        yield Problem(f"{RUN} of {longest:g} for the id {woman!r}", expected, name)
    if (more := int(wrong.sum()) - LISTED) > 0:
        yield Problem(f"{more} more such women", "no run longer than the losses", name)
