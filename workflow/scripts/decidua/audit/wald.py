"""A coefficient, its standard error, its ratio with interval and its p: what each can be, given the others."""

from collections.abc import Mapping

from decidua.audit.boxes import Box, Range

#: What can be printed of one coefficient.
MEMBERS = ("B", "ratio", "lower", "upper", "se", "z", "p")


def wald(
    members: Mapping[str, Box], level: float = 0.95, log_ratio: bool = True, df: float | None = None
) -> dict[str, dict[str, Range]]:
    """The range of every member of MEMBERS that the OTHER given members allow, by method.

    Result: member -> method -> range; members that are not given are recomputed from all given ones. The range
    is empty when the others contradict one another (see `contradictions`), and unbounded where they do not
    say anything. Methods: "Wald" first; "90% interval" and "99% interval" (or "95% interval"),
    "one-sided p"; "t distribution" if df is given.

    Args:
        members: boxes by name. lower, upper: interval of the ratio; of B if not log_ratio. z: signed.
        level: of the interval. log_ratio: B is the logarithm of the ratio; otherwise there is no ratio.
        df: residual degrees of freedom.
    """
    raise NotImplementedError


def contradictions(
    members: Mapping[str, Box], level: float = 0.95, log_ratio: bool = True
) -> list[tuple[str, ...]]:
    """Smallest sets of members that no coefficient and standard error satisfy together; none if all agree."""
    raise NotImplementedError
