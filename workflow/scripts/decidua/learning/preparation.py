"""What does a training set teach about counts before any model: size factors, which genes, their scale?

Everything is learned from the training samples alone and frozen; other samples are only transformed by it.
Arrays are samples x genes, C order: taking rows is then a plain copy and sums over samples run along memory.
"""

from dataclasses import dataclass

import numpy as np

from decidua.errors import InputError


@dataclass(frozen=True)
class Preparing:
    """How counts become values; whatever of it is learned is learned from training samples.

    min_count, min_share: a gene is kept if at least this share of the training samples has at least this many
        reads.
    """

    min_count: int = 10
    min_share: float = 0.2


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
class Preparation:
    """The frozen way from counts to standardised expression values.

    genes: positions of the genes kept; centre, scale: their mean and standard deviation of the normalised log
    counts over the training samples.
    """

    reference: SizeFactorReference
    genes: np.ndarray
    centre: np.ndarray
    scale: np.ndarray

    def transform(self, counts: np.ndarray) -> np.ndarray:
        """Standardised values, samples x kept genes, of any samples (samples x all genes)."""
        values = _log_normalised(counts[:, self.genes], self.reference.size_factors(counts))
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
    genes = np.flatnonzero(counts.min(axis=0) > 0)
    if len(genes):
        return SizeFactorReference(genes, np.log(counts[:, genes]).mean(axis=0), "reads in every sample")
    genes = np.flatnonzero(counts.max(axis=0) > 0)
    if not len(genes):
        raise InputError("size factors: found no reads in any training sample; expected counts")
    log_means = np.log(np.maximum(counts[:, genes], 1)).mean(axis=0)
    factors = SizeFactorReference(genes, log_means, "").size_factors(counts)
    # poscounts leaves an arbitrary common factor; DESeq2 sets the training samples' geometric mean to 1
    log_means = log_means + np.log(factors).mean()
    return SizeFactorReference(genes, log_means, "reads in any sample")


def fit(counts: np.ndarray, how: Preparing) -> tuple[Preparation, np.ndarray]:
    """Learn size factors, the low-expression filter and standardisation from training samples.

    Args:
        counts: training samples x genes, float32.
        how: the settings; a gene that they keep is left out all the same if its values do not vary.

    Returns:
        The frozen preparation and the training samples' own standardised values (samples x kept genes).

    Raises:
        InputError: no gene passes the filter.
    """
    reference = size_factor_reference(counts)
    enough = np.add.reduce((counts >= how.min_count).view(np.uint8), axis=0, dtype=np.uint32)
    genes = np.flatnonzero(enough >= max(1, int(np.ceil(how.min_share * len(counts)))))
    values = _log_normalised(counts[:, genes], reference.size_factors(counts))
    centre = values.mean(axis=0)
    values -= centre
    scale = np.sqrt(np.einsum("ij,ij->j", values, values) / len(counts))
    varies = scale > 1e-6
    if not varies.all():
        genes, centre, scale, values = genes[varies], centre[varies], scale[varies], values[:, varies]
    if not len(genes):
        raise InputError(
            f"gene filter: found no gene that varies and has {how.min_count} reads or more in"
            f" {how.min_share:.0%} of {len(counts)} training samples;"
            " expected counts of a sequenced transcriptome"
        )
    values /= scale
    return Preparation(reference, genes, centre, scale), values


def _log_normalised(counts: np.ndarray, size_factors: np.ndarray) -> np.ndarray:
    values = counts / size_factors[:, None].astype(counts.dtype)
    values += 1
    return np.log(values, out=values)


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
