"""Analysis of variance and t-tests from printed sizes, means and SDs: what they can give.

Every function takes boxes and returns, by name of the method, an outer bound of the truth; the first method is
the one that is usually meant, the others are what could have been done instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from decidua.audit.boxes import Box, Range


@dataclass(frozen=True)
class Group:
    """A group of women: how many, and the boxes of their mean and SD (of divisor n - 1)."""

    n: int
    mean: Box
    sd: Box


def anova_f(groups: Sequence[Group]) -> dict[str, Range]:
    """F of the one-way analysis of variance: "ANOVA", "Welch's ANOVA", "ANOVA, SDs with divisor n"."""
    raise NotImplementedError


def anova_p(groups: Sequence[Group]) -> dict[str, Range]:
    """p of the same methods."""
    raise NotImplementedError


def anova_df(groups: Sequence[Group]) -> tuple[int, int]:
    """Degrees of freedom of the one-way analysis of variance: k - 1 and N - k."""
    raise NotImplementedError


def p_of_f(f: Box, df1: float, df2: float) -> Range:
    """p of a printed F."""
    raise NotImplementedError


def p_of_t(t: Box, df: float) -> dict[str, Range]:
    """p of a printed t (either sign): "two-sided", "one-sided"."""
    raise NotImplementedError


def t_statistic(a: Group, b: Group) -> dict[str, Range]:
    """|t|, to be compared with the printed t without its sign: "Student's t", "Welch's t", "Student's t, SDs with divisor n"."""  # noqa: E501
    raise NotImplementedError


def t_p(a: Group, b: Group) -> dict[str, Range]:
    """p of the same, two-sided; and "Student's t, one-sided", "Welch's t, one-sided"."""
    raise NotImplementedError


def significant_pairs(groups: Sequence[Group], alpha: float = 0.05) -> dict[str, Range]:
    """How many pairs of groups differ significantly: "Scheffé", "Tukey", "Bonferroni", "LSD"."""
    raise NotImplementedError


def pooled_mean(groups: Sequence[Group]) -> Range:
    """Mean of the union of the groups."""
    raise NotImplementedError


def pooled_sd(groups: Sequence[Group]) -> dict[str, Range]:
    """SD of the union: "SD of the union", "within groups" (root of the mean square), "divisor n"."""
    raise NotImplementedError
