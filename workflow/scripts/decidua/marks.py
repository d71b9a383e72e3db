"""Which marks do artifacts carry, so that no number travels without what must be known of it?"""

from collections.abc import Iterable

RECONSTRUCTION = "Reconstructed from printed numbers; not patient data"
SIMULATION = "Simulated data"
TIED_BATCH = (
    "Batch tied to class, accepted in the settings: a difference between classes may be one between batches"
)
#: Between the marks of an artifact that carries several.
BETWEEN = "; "


def joined(marks: Iterable[str]) -> str:
    """One text of several marks, each once; empty without any."""
    return BETWEEN.join(dict.fromkeys(mark for mark in marks if mark))


def is_synthetic(text: str | None) -> bool:
    """Whether a text of marks says that the data are no patients'."""
    return any(mark in (text or "") for mark in (RECONSTRUCTION, SIMULATION))


def of_the_row(reason: str) -> str:
    """The reason of a row without the caution about its whole study, where that is said in a mark."""
    return reason.removeprefix(TIED_BATCH).removeprefix(BETWEEN)


def cautions(text: str | None) -> str:
    """Of a text of marks, what is a caution about the design of the study; empty without any."""
    return TIED_BATCH if TIED_BATCH in (text or "") else ""
