"""How is bad input told to a person? All problems at once, a line each."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing wrong with an input: where it stands, what was found, what would be right.

    `file` is a path as the user wrote it, `row` a line number of the file as a spreadsheet shows it
    (the header is row 1) or a row's own name, `column` a column as the file names it.
    """

    found: str
    expected: str
    file: str = ""
    row: int | str | None = None
    column: str | None = None

    def __str__(self) -> str:
        place = [self.file] if self.file else []
        if self.row is not None:
            place.append(f"row {self.row}")
        if self.column is not None:
            place.append(f"column {self.column}")
        return f"{', '.join(place)}: found {self.found}; expected {self.expected}"


class InputError(ValueError):
    """Input that cannot be used. Its text is every problem, a line each, and nothing else."""

    def __init__(self, problems: Problem | str | Iterable[Problem | str]):
        if isinstance(problems, Problem | str):
            problems = [problems]
        self.problems = list(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))
