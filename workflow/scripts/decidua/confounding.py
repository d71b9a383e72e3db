"""Is what was handled together, or recruited together, also what is compared?"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from decidua.errors import Problem
from decidua.learning.performance import CASE, CONTROL

#: From this association between batches and classes on, a warning.
STRONG = 0.8
#: Numbers with no more distinct values than this may be codes, so their association is measured too.
MOST_CODES = 10
#: More batches are not listed in a message.
_MOST_LISTED = 6
OVERRIDE = "accept_tied_batch"


def class_counts(batches: pd.Series, labels: pd.Series) -> pd.DataFrame:
    """Samples by batch (rows, by name) and class (columns case, control); unknown batches are left out."""
    table = pd.crosstab(batches.astype("string"), labels.astype("string"))
    return table.reindex(columns=[CASE, CONTROL], fill_value=0).sort_index()


def is_tied(counts: pd.DataFrame) -> bool:
    """Whether the batch determines the class: more than one batch, and none with samples of both classes.

    Batches of a single sample each are no batches: then nothing was handled together.

    Args:
        counts: as from `class_counts`.
    """
    pure = (counts > 0).sum(axis=1) == 1
    return bool(len(counts) > 1 and pure.all() and counts.to_numpy().sum(axis=1).max() > 1)


def cramers_v(counts: pd.DataFrame) -> float:
    """Cramer's V of a table of counts, corrected for its bias; 0 where the table has one row or one column.

    Uncorrected, a table of as many batches as samples would have a V of 1 by itself; corrected, it has 0.

    Source: Bergsma 2013 (doi 10.1016/j.jkss.2012.10.002), equations 4 to 8.
    """
    table = counts.to_numpy(dtype=float)
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    total, (rows, columns) = table.sum(), table.shape
    if min(rows, columns) < 2:
        return 0.0
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / total
    phi2 = ((table - expected) ** 2 / expected).sum() / total
    phi2 = max(0.0, phi2 - (rows - 1) * (columns - 1) / (total - 1))
    rows, columns = (size - (size - 1) ** 2 / (total - 1) for size in (rows, columns))
    room = min(rows, columns) - 1
    return float(min(1.0, np.sqrt(phi2 / room))) if room > 1e-9 else 0.0


def tied_batch_problems(samples: pd.DataFrame, column: str | None, file: str, accept: bool) -> list[Problem]:
    """What is wrong when the batch determines the class, or when that was accepted and is not so.

    Args:
        samples: the samples kept, with label and, where there is one, batch.
        column: what the file calls the batch; None without one.
        accept: whether the settings accept a tied batch.
    """
    counts = class_counts(samples["batch"], samples["label"]) if column else pd.DataFrame()
    tied = column is not None and is_tied(counts)
    if tied and not accept:
        return [
            Problem(
                f"every batch with samples of one class only ({_listed(counts)})",
                "batches that hold cases and controls: what was handled together cannot be told from what is"
                f" compared (to go on all the same, `{OVERRIDE}: true` under the study's `classifier:`; every"
                " output will say so)",
                file,
                column=column,
            )
        ]
    if accept and not tied:
        found = f"batches that hold both classes ({_listed(counts)})" if column else "no `batch` column"
        expected = f"`{OVERRIDE}: true` only where every batch holds one class: it marks every output"
        return [Problem(found, expected, file, column=column)]
    return []


def nearly_tied(samples: pd.DataFrame) -> float | None:
    """Cramér's V of batches and classes where it is strong but the batch does not determine the class.

    Args:
        samples: the samples kept, with label and, where there is one, batch.
    """
    if "batch" not in samples:
        return None
    counts = class_counts(samples["batch"], samples["label"])
    value = cramers_v(counts)
    return value if value >= STRONG and not is_tied(counts) else None


def _listed(counts: pd.DataFrame) -> str:
    """Batches with their numbers of cases and controls, in words."""
    shown = [
        f"{batch}: " + ", ".join(f"{number} {kind}" for kind, number in row.items() if number)
        for batch, row in counts.head(_MOST_LISTED).iterrows()
    ]
    more = len(counts) - len(shown)
    return "; ".join([*shown, *([f"{more} more"] if more else [])])


def categorical(samples: pd.DataFrame, covariates: list[str]) -> Iterator[str]:
    """The columns whose association with the class can be counted: the batch, text and what may be codes."""
    for column in dict.fromkeys(["batch", *covariates]):
        if column in samples and (
            not pd.api.types.is_numeric_dtype(samples[column]) or samples[column].nunique() <= MOST_CODES
        ):
            yield column
