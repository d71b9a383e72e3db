"""Which percentages, means and SDs can women's whole numbers have? Pure arithmetic, necessary conditions."""

from decidua.audit.boxes import Box, Range


def integers_of(percent: Box, total: int) -> range:
    """The numbers of events, 0 to total, whose percentage lies in the box; it may be empty."""
    raise NotImplementedError


def percent_range(events: Box, total: Box) -> Range:
    """100 * events / total; unbounded when the total can be 0."""
    raise NotImplementedError


def attainable_percent(percent: Box, total: int) -> Range:
    """Percentages in the box that some whole number of `total` gives; if none, the nearest one outside."""
    raise NotImplementedError


def attainable_mean(mean: Box, n: int, step: float = 1.0) -> Range:
    """GRIM: means in the box that n multiples of `step` can have; if none, the nearest one outside."""
    raise NotImplementedError


def attainable_sd(
    mean: Box,
    sd: Box,
    n: int,
    step: float | None = 1.0,
    minimum: Box | None = None,
    maximum: Box | None = None,
) -> dict[str, Range]:
    """GRIMMER and range: SDs in the box that n values with such a mean can have; if none, the nearest one.

    Result: "divisor n - 1", "divisor n". step None: continuous values. minimum, maximum: printed range, both
    ends attained. The range is empty when no mean in the box is possible at all (see `attainable_mean`).
    """
    raise NotImplementedError


def mean_between(n: int, minimum: Box, maximum: Box) -> Range:
    """Means that n values can have of which the smallest and the largest are printed."""
    raise NotImplementedError
