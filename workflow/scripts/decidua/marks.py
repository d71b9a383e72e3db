"""Which marks do artifacts carry, so that no number travels without what must be known of it?"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

RECONSTRUCTION = "Reconstructed from printed numbers; not patient data"
SIMULATION = "Simulated data"
_BETWEEN_BATCHES = "a difference between classes may be one between batches"
TIED_BATCH = f"Batch tied to class, accepted in the settings: {_BETWEEN_BATCHES}"
_NEARLY_TIED = "Batch nearly tied to class (Cramér's V "
#: Between the marks of an artifact that carries several.
BETWEEN = "; "
#: How every caution about the design of a study begins.
_CAUTIONS = (TIED_BATCH, _NEARLY_TIED)
_carried: ContextVar[str] = ContextVar("carried", default="")


def joined(marks: Iterable[str]) -> str:
    """One text of several marks, each once; empty without any."""
    return BETWEEN.join(dict.fromkeys(mark for mark in marks if mark))


def nearly_tied(association: float) -> str:
    """The caution about a batch that nearly determines the class.

    Args:
        association: Cramér's V of batches and classes.
    """
    return f"{_NEARLY_TIED}{association:.2f}): {_BETWEEN_BATCHES}"


def named(text: str, study: str) -> str:
    """A text of marks whose cautions say which study they are about, for what is about several."""
    return joined(f"{part} (study {study})" if part.startswith(_CAUTIONS) else part for part in _parts(text))


def is_synthetic(text: str | None) -> bool:
    """Whether a text of marks says that the data are no patients'."""
    return any(mark in (text or "") for mark in (RECONSTRUCTION, SIMULATION))


def of_the_row(reason: str) -> str:
    """The reason of a row without the cautions about its whole study, where those are said in a mark."""
    parts = _parts(reason)
    while parts and parts[0].startswith(_CAUTIONS):
        parts = parts[1:]
    return BETWEEN.join(parts)


def cautions(text: str | None) -> str:
    """Of a text of marks, what are cautions about the design of the study; empty without any."""
    return joined(part for part in _parts(text or "") if part.startswith(_CAUTIONS))


def _parts(text: str) -> list[str]:
    return text.split(BETWEEN) if text else []


@contextmanager
def carrying(text: str | None) -> Iterator[None]:
    """While this lasts, every open table that is written carries the cautions of a text of marks."""
    token = _carried.set(cautions(text))
    try:
        yield
    finally:
        _carried.reset(token)


def carried() -> str:
    """The cautions that tables are to carry just now; mostly empty."""
    return _carried.get()
