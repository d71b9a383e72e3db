"""What does a training set teach about counts before any model: size factors, genes, batches, scale?

Everything is learned from the training samples alone and frozen; other samples are only transformed by it.
Arrays are samples x genes, C order: taking rows is then a plain copy and sums over samples run along memory.
"""

from dataclasses import dataclass

import numpy as np

from decidua.errors import InputError
from decidua.learning.normalisation import (
    DispersionTrend,
    LibrarySizes,
    TMMReference,
    dispersion_trend,
    tmm_reference,
)

SIZE_FACTORS = ("median_of_ratios", "tmm", "log_cpm")
TRANSFORMS = ("log", "vst")


@dataclass(frozen=True)
class Preparing:
    """How counts become values; whatever of it is learned is learned from training samples.

    min_count, min_share: a gene is kept if at least this share of the training samples has at least this many
        reads.
    size_factors: one of `SIZE_FACTORS`; log_cpm: counts per million.
    transform: log (of the normalised count plus 1) or vst, variance-stabilising.
    adjust_batch: move each batch to the mean of all training samples, gene by gene.
    """

    min_count: int = 10
    min_share: float = 0.2
    size_factors: str = "median_of_ratios"
    transform: str = "log"
    adjust_batch: bool = False

    def __post_init__(self) -> None:
        choices = {"size_factors": SIZE_FACTORS, "transform": TRANSFORMS}
        wrong = [name for name, known in choices.items() if getattr(self, name) not in known]
        if wrong:
            raise InputError(
                f"classifier, `{name}`: found {getattr(self, name)}; expected one of"
                f" {', '.join(choices[name])}"
                for name in wrong
            )


@dataclass(frozen=True)
class SizeFactorReference:
    """The training samples' geometric means, against which any sample's size factor is a median of ratios.

    genes: positions of the reference genes; log_means: their mean log counts; rule: how they were chosen.
    """

    genes: np.ndarray
    log_means: np.ndarray
    rule: str

    def size_factors(self, counts: np.ndarray) -> np.ndarray:
        """Size factors of any samples (samples x genes), from the reference genes in which they have reads.

        Raises:
            InputError: a sample without a read in any reference gene.
        """
        with np.errstate(divide="ignore"):
            ratios = np.log(counts[:, self.genes]) - self.log_means
        return np.exp(_median_of_finite(ratios))


@dataclass(frozen=True)
class BatchOffsets:
    """How far each training batch lies from the mean of all training samples.

    codes: the batches, ascending; offsets: batches x kept genes.
    """

    codes: np.ndarray
    offsets: np.ndarray

    def known(self, batches: np.ndarray) -> np.ndarray:
        """Which samples are of a batch that training had."""
        return np.isin(batches, self.codes)

    def remove(self, values: np.ndarray, batches: np.ndarray) -> None:
        """Subtract each sample's batch offset, in place; an unknown batch is left where it is."""
        known = self.known(batches)
        values[known] -= self.offsets[np.searchsorted(self.codes, batches[known])]


@dataclass(frozen=True)
class Preparation:
    """The frozen way from counts to standardised expression values.

    genes: positions of the genes kept; centre, scale: mean and standard deviation of their normalised,
    transformed (and batch-adjusted) counts over the training samples. trend: of a variance-stabilising
    transform; batches: of a batch adjustment.
    """

    reference: SizeFactorReference | TMMReference | LibrarySizes
    genes: np.ndarray
    centre: np.ndarray
    scale: np.ndarray
    trend: DispersionTrend | None = None
    batches: BatchOffsets | None = None

    def transform(self, counts: np.ndarray, batches: np.ndarray | None = None) -> np.ndarray:
        """Standardised values, samples x kept genes, of any samples (samples x all genes).

        Args:
            batches: the samples' batch codes; without them no sample is adjusted.
        """
        normalised = _normalised(counts[:, self.genes], self.reference.size_factors(counts))
        values = _transformed(normalised, self.trend)
        if self.batches is not None and batches is not None:
            self.batches.remove(values, batches)
        return (values - self.centre) / self.scale


def size_factor_reference(counts: np.ndarray) -> SizeFactorReference:
    """Learn the reference of the median-of-ratios size factors from training samples (samples x genes).

    The reference genes have reads in every training sample. Where no gene has (sparse counts), every gene
    with reads counts, and its mean log count takes 0 for a sample without reads, as in DESeq2's
    "poscounts".

    Raises:
        InputError: no reads at all.

    Source: Anders and Huber 2010 (doi 10.1186/gb-2010-11-10-r106), equation 5.
    """
    return _median_of_ratios(counts)[0]


def _median_of_ratios(counts: np.ndarray) -> tuple[SizeFactorReference, np.ndarray]:
    """The reference, and the size factors of the training samples themselves, whose logarithms it shares."""
    genes = np.flatnonzero(counts.min(axis=0) > 0)
    if len(genes):
        ratios = np.log(counts[:, genes])
        reference = SizeFactorReference(genes, ratios.mean(axis=0), "reads in every sample")
        ratios -= reference.log_means
        return reference, np.exp(_median_of_finite(ratios))
    genes = np.flatnonzero(counts.max(axis=0) > 0)
    if not len(genes):
        raise InputError("size factors: found no reads in any training sample; expected counts")
    log_means = np.log(np.maximum(counts[:, genes], 1)).mean(axis=0)
    factors = SizeFactorReference(genes, log_means, "").size_factors(counts)
    # poscounts leaves an arbitrary common factor; DESeq2 sets the training samples' geometric mean to 1
    log_means = log_means + np.log(factors).mean()
    reference = SizeFactorReference(genes, log_means, "reads in any sample")
    return reference, reference.size_factors(counts)


def learn_factors(
    counts: np.ndarray, method: str
) -> tuple[SizeFactorReference | TMMReference | LibrarySizes, np.ndarray]:
    """What size factors of that method (see `SIZE_FACTORS`) are measured against, and the training samples'.

    Raises:
        InputError: samples without reads.
    """
    if method == "median_of_ratios":
        return _median_of_ratios(counts)
    reference = tmm_reference(counts) if method == "tmm" else LibrarySizes()
    return reference, reference.size_factors(counts)


def fit(
    counts: np.ndarray, how: Preparing, batches: np.ndarray | None = None
) -> tuple[Preparation, np.ndarray]:
    """Learn size factors, gene filter, transform, batches and standardisation from training samples.

    Args:
        counts: training samples x genes, float32.
        how: the settings; a gene that they keep is left out all the same if its values do not vary.
        batches: an integer code a sample; needed to adjust for batches.

    Returns:
        The frozen preparation and the training samples' own standardised values (samples x kept genes).

    Raises:
        InputError: no gene passes the filter; batches to adjust for and no codes of them.
    """
    reference, factors = learn_factors(counts, how.size_factors)
    enough = np.add.reduce((counts >= how.min_count).view(np.uint8), axis=0, dtype=np.uint32)
    genes = np.flatnonzero(enough >= max(1, int(np.ceil(how.min_share * len(counts)))))
    values = _normalised(counts[:, genes], factors)
    trend = dispersion_trend(values, factors) if how.transform == "vst" and len(genes) else None
    values = _transformed(values, trend)
    offsets = _adjust(values, batches) if how.adjust_batch else None
    centre = values.mean(axis=0)
    values -= centre
    scale = np.sqrt(np.einsum("ij,ij->j", values, values) / len(counts))
    varies = scale > 1e-6
    if not varies.all():
        genes, centre, scale, values = genes[varies], centre[varies], scale[varies], values[:, varies]
        offsets = offsets and BatchOffsets(offsets.codes, offsets.offsets[:, varies])
    if not len(genes):
        raise InputError(
            f"gene filter: found no gene that varies and has {how.min_count} reads or more in"
            f" {how.min_share:.0%} of {len(counts)} training samples;"
            " expected counts of a sequenced transcriptome"
        )
    values /= scale
    return Preparation(reference, genes, centre, scale, trend, offsets), values


def _normalised(counts: np.ndarray, size_factors: np.ndarray) -> np.ndarray:
    return counts / size_factors[:, None].astype(counts.dtype)


def _transformed(normalised: np.ndarray, trend: DispersionTrend | None) -> np.ndarray:
    """Logarithms or, with a trend, variance-stabilised values; may take the place of what it is given."""
    if trend is not None:
        return trend.stabilise(normalised)
    normalised += 1
    return np.log(normalised, out=normalised)


def _adjust(values: np.ndarray, batches: np.ndarray | None) -> BatchOffsets:
    """Learn how far each batch lies from the overall mean, and remove it, in place.

    A batch of n samples is moved by n / (n + 1) of its distance: its mean is as uncertain as its samples are
    few, and a batch of one sample moved all the way would have no values left. Labels play no part, so what
    a batch shares with a class goes with it.
    """
    if batches is None:
        raise InputError("batch adjustment: found no batches; expected a batch for every sample")
    codes = np.unique(batches)
    overall = values.mean(axis=0)
    offsets = np.empty((len(codes), values.shape[1]), values.dtype)
    for row, code in zip(offsets, codes, strict=True):
        members = batches == code
        number = int(members.sum())
        row[:] = (values[members].mean(axis=0) - overall) * (number / (number + 1))
    learned = BatchOffsets(codes, offsets)
    learned.remove(values, batches)
    return learned


def _median_of_finite(ratios: np.ndarray) -> np.ndarray:
    """Row medians; entries of minus infinity (no reads) do not count."""
    n = ratios.shape[1]
    absent = np.count_nonzero(np.isneginf(ratios), axis=1)
    if (absent == n).any():
        raise InputError("size factors: found a sample without reads in any reference gene; expected counts")
    # one order statistic by partition, its lower neighbour as a maximum: np.median takes eight times as long
    split = np.partition(ratios, n // 2, axis=1)
    medians = split[:, n // 2].astype(float)
    if n % 2 == 0:
        medians = (medians + split[:, : n // 2].max(axis=1)) / 2
    for i in np.flatnonzero(absent):
        medians[i] = np.median(ratios[i][np.isfinite(ratios[i])])
    return medians
