"""Other ways from counts to comparable values: TMM and library size, and a variance-stabilising transform.

Whatever they learn is learned from training samples and frozen; another sample is only compared with it.
Arrays are samples x genes.
"""

from dataclasses import dataclass

import numpy as np

from decidua.errors import InputError

#: Shares trimmed at either end: of the log ratios, and of the log abundances (Robinson and Oshlack 2010).
RATIO_TRIM, ABUNDANCE_TRIM = 0.3, 0.05
#: A gene's dispersion this many times below or above the trend says nothing about it (as in DESeq2).
FAR_BELOW, FAR_ABOVE = 1e-4, 15.0
STEPS = 50


@dataclass(frozen=True)
class LibrarySizes:
    """Size factors that make counts per million. Nothing is learned."""

    rule: str = "counts per million"
    genes: np.ndarray | tuple = ()

    def size_factors(self, counts: np.ndarray) -> np.ndarray:
        """Library sizes in millions.

        Raises:
            InputError: a sample without reads.
        """
        return _library_sizes(counts) / 1e6


@dataclass(frozen=True)
class TMMReference:
    """One training sample, with which every sample is compared by a trimmed mean of M-values.

    counts: its reads by gene. scale: the geometric mean of the training samples' effective library sizes, so
    that their size factors have the geometric mean 1. genes: positions of its genes with reads.
    """

    counts: np.ndarray
    scale: float
    genes: np.ndarray
    rule: str = "trimmed mean of M-values against one training sample"

    def size_factors(self, counts: np.ndarray) -> np.ndarray:
        """Effective library sizes over their geometric mean in training, of any samples (samples x genes).

        Raises:
            InputError: a sample without reads, or that shares no gene with the reference.
        """
        return self._effective(counts) / self.scale

    def _effective(self, counts: np.ndarray) -> np.ndarray:
        sizes = _library_sizes(counts)
        return sizes * [self._factor(row, size) for row, size in zip(counts, sizes, strict=True)]

    def _factor(self, counts: np.ndarray, size: float) -> float:
        reference = self.counts[self.genes]
        reference_size = self.counts.sum()
        own = counts[self.genes].astype(float)
        seen = own > 0
        own, reference = own[seen], reference[seen]
        if not len(own):
            raise InputError(
                "size factors: found a sample that shares no gene with the reference sample; expected counts"
            )
        ratio = np.log2(own / size) - np.log2(reference / reference_size)
        if np.abs(ratio).max() < 1e-6:
            return 1.0
        abundance = np.log2(own / size) + np.log2(reference / reference_size)
        kept = _untrimmed(ratio, RATIO_TRIM) & _untrimmed(abundance, ABUNDANCE_TRIM)
        if not kept.any():
            return 1.0
        variance = 1 / own - 1 / size + 1 / reference - 1 / reference_size
        weights = 1 / np.maximum(variance[kept], 1e-12)  # 0 when a single gene has all reads
        return float(2 ** (weights @ ratio[kept] / weights.sum()))


def tmm_reference(counts: np.ndarray) -> TMMReference:
    """Learn the reference of TMM size factors from training samples.

    The reference sample is the one whose upper quartile, as a share of its library, is nearest to the mean.

    Raises:
        InputError: a sample without reads.

    Source: Robinson and Oshlack 2010 (doi 10.1186/gb-2010-11-3-r25); ranks, ties and the choice of the
        reference sample as in edgeR's calcNormFactors.
    """
    sizes = _library_sizes(counts)
    expressed = counts[:, counts.max(axis=0) > 0]
    quartiles = np.quantile(expressed, 0.75, axis=1) / sizes
    chosen = counts[np.argmin(np.abs(quartiles - quartiles.mean()))].astype(float)
    unscaled = TMMReference(chosen, 1.0, np.flatnonzero(chosen))
    scale = float(np.exp(np.log(unscaled.size_factors(counts)).mean()))
    return TMMReference(chosen, scale, unscaled.genes)


@dataclass(frozen=True)
class DispersionTrend:
    """How the variance of normalised counts follows their mean m: noise * m + m^2 (asymptote + extra / m).

    noise: the Poisson part, the mean of 1 / size factor.
    """

    asymptote: float
    extra: float
    noise: float

    def stabilise(self, normalised: np.ndarray) -> np.ndarray:
        """Values whose variance no longer depends on the mean, natural logarithm for large counts.

        They are the integral of 1 / sd, in closed form.
        """
        linear = self.noise + self.extra
        scaled = (4 * self.asymptote) * normalised
        root = np.sqrt(scaled * (scaled / 4 + linear))  # 2 sqrt(a q (c + a q))
        return np.log((linear + scaled / 2 + root) / (4 * self.asymptote))


def dispersion_trend(normalised: np.ndarray, size_factors: np.ndarray) -> DispersionTrend:
    """Learn the trend from training samples: dispersions by moments, then a gamma regression on 1 / mean.

    Genes without dispersion beyond Poisson noise, or far off the trend, do not count. Labels play no part.
    If the trend does not fall towards a positive asymptote, it is the median dispersion, at all means.

    Args:
        normalised: training samples x genes, counts over size factors.

    Source: Anders and Huber 2010 (doi 10.1186/gb-2010-11-10-r106); the form of the trend and its fit,
        DESeq2 (Love et al. 2014, doi 10.1186/s13059-014-0550-8).
    """
    noise = float((1 / size_factors).mean())
    mean = normalised.mean(axis=0, dtype=float)
    variance = normalised.var(axis=0, ddof=1, dtype=float)
    usable = mean > 0
    mean = mean[usable]
    dispersion = (variance[usable] - noise * mean) / mean**2
    over = dispersion > 1e-8
    if not over.any():
        return DispersionTrend(1e-8, 0.0, noise)
    mean, dispersion = mean[over], dispersion[over]
    fitted = _gamma_trend(mean, dispersion)
    asymptote, extra = fitted or (float(np.median(dispersion)), 0.0)
    return DispersionTrend(asymptote, extra, noise)


def _gamma_trend(mean: np.ndarray, dispersion: np.ndarray) -> tuple[float, float] | None:
    """Asymptote and slope on 1 / mean of a gamma regression with identity link; None if not positive."""
    design = np.column_stack([np.ones(len(mean)), 1 / mean])
    trend = np.full(len(mean), np.median(dispersion))
    coefficients = None
    for _ in range(STEPS):
        near = (dispersion > FAR_BELOW * trend) & (dispersion < FAR_ABOVE * trend)
        weighted = design[near] / trend[near, None]  # the variance of a gamma variable is its mean squared
        new = np.linalg.lstsq(weighted, dispersion[near] / trend[near], rcond=None)[0]
        if new[0] <= 0 or new[1] < 0:
            return None
        if coefficients is not None and np.abs(np.log((new + 1e-12) / (coefficients + 1e-12))).max() < 1e-6:
            break
        coefficients, trend = new, design @ new
    return float(new[0]), float(new[1])


def _library_sizes(counts: np.ndarray) -> np.ndarray:
    sizes = counts.sum(axis=1, dtype=float)
    if (sizes == 0).any():
        raise InputError("size factors: found a sample without reads; expected counts")
    return sizes


def _untrimmed(values: np.ndarray, share: float) -> np.ndarray:
    """Whose rank is between those trimmed; ties share their mean rank, so that they stay or go together."""
    low = int(np.floor(len(values) * share)) + 1
    high = len(values) + 1 - low
    bottom, top = np.partition(values, [low - 1, high - 1])[[low - 1, high - 1]]
    kept = (values > bottom) & (values < top)
    for value in {bottom, top}:
        mean_rank = ((values < value).sum() + 1 + (values <= value).sum()) / 2
        if low <= mean_rank <= high:
            kept |= values == value
    return kept
