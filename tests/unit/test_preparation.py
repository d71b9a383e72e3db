"""Other size factors, the variance-stabilising transform, batches: learned in training, frozen for others."""

import warnings

import numpy as np
import pytest

from decidua.errors import InputError
from decidua.learning import preparation
from decidua.learning.normalisation import (
    DispersionTrend,
    TMMReference,
    dispersion_trend,
    tmm_reference,
)
from decidua.learning.preparation import SIZE_FACTORS, TRANSFORMS, Preparing


def counts_of(samples=16, genes=300, seed=0, dispersion=0.2):
    """Negative-binomial counts, samples x genes, of different depths."""
    rng = np.random.default_rng(seed)
    mean = rng.lognormal(5, 1, genes) * rng.lognormal(0, 0.3, (samples, 1))
    return rng.poisson(rng.gamma(1 / dispersion, mean * dispersion)).astype(np.float32)


# ---- TMM


def test_tmm_leaves_out_what_changed_by_hand():
    # 17 of 20 genes are read twice as deep, 3 two hundred times: of the log ratios 6 are trimmed at either
    # end, the 17 equal ones (mean rank 9) stay, the 3 (ranks 18 to 20) go; so the sample is twice as deep
    reference = np.full(20, 100.0)
    sample = np.append(np.full(17, 200.0), np.full(3, 20_000.0))
    learned = TMMReference(reference, 2_000.0, np.arange(20))
    np.testing.assert_allclose(learned.size_factors(np.array([reference, sample])), [1, 2])


def test_tmm_weighs_by_precision_by_hand():
    # log ratios log2 of .04, .4, .8, 2.76; of four, floor(1.2) is trimmed at either end, so .4 and .8 stay,
    # with variances 1/100 - 1/1000 + 1/100 - 1/400 and 1/200 - 1/1000 + 1/100 - 1/400
    learned = TMMReference(np.full(4, 100.0), 400.0, np.arange(4))
    first, second = 1 / 0.0165, 1 / 0.0115
    factor = 2 ** ((first * np.log2(0.4) + second * np.log2(0.8)) / (first + second))
    found = learned.size_factors(np.array([[10.0, 100.0, 200.0, 690.0]]))
    assert found[0] == pytest.approx(1000 * factor / 400)


def test_the_tmm_reference_is_the_sample_of_middling_upper_quartile():
    # of 5 genes the upper quartile is the fourth: 10, 30 and 40 of 100 reads, whose mean is 26.7
    counts = np.array([[5, 5, 5, 10, 75], [5, 10, 15, 30, 40], [0, 0, 20, 40, 40]], np.float32)
    learned = tmm_reference(counts)
    assert learned.counts.tolist() == counts[1].tolist()
    assert np.log(learned.size_factors(counts)).mean() == pytest.approx(0, abs=1e-12)


def test_tmm_of_a_sample_without_a_gene_of_the_reference_is_an_input_error():
    learned = TMMReference(np.array([5.0, 0.0]), 5.0, np.array([0]))
    with pytest.raises(InputError, match="shares no gene with the reference sample"):
        learned.size_factors(np.array([[0.0, 7.0]]))


def test_a_sample_read_twice_as_deep_has_twice_the_size_factor_by_every_method():
    counts = counts_of()
    for method in SIZE_FACTORS:
        learned = preparation.learn_factors(counts, method)[0]
        once, twice = learned.size_factors(counts[:3]), learned.size_factors(2 * counts[:3])
        # the precision weights of TMM change a little with depth
        np.testing.assert_allclose(twice, 2 * once, rtol=0.02 if method == "tmm" else 1e-6)


def test_counts_per_million_are_reads_over_millions_of_reads():
    learned = preparation.learn_factors(counts_of(), "log_cpm")[0]
    assert learned.size_factors(np.array([[500_000.0, 1_500_000.0]])).tolist() == [2.0]


# ---- variance-stabilising transform


def test_the_transform_is_the_integral_of_one_over_the_standard_deviation():
    from scipy.integrate import quad

    trend = DispersionTrend(asymptote=0.08, extra=3.0, noise=1.1)
    values = trend.stabilise(np.array([0.0, 4.0, 50.0, 900.0, 1e7, 2e7]))

    def slope(m):
        return np.sqrt(trend.asymptote / (trend.noise * m + m**2 * (trend.asymptote + trend.extra / m)))

    for low, high, start, end in ((4.0, 50.0, 1, 2), (50.0, 900.0, 2, 3)):
        assert values[end] - values[start] == pytest.approx(quad(slope, low, high)[0], rel=1e-6)
    assert values[5] - values[4] == pytest.approx(np.log(2), rel=1e-4)  # a logarithm for large counts


def test_the_trend_is_the_gamma_regression_of_statsmodels():
    import statsmodels.api as sm

    counts = counts_of(40, 400, dispersion=0.3)
    factors = preparation.size_factor_reference(counts).size_factors(counts)
    normalised = counts / factors[:, None]
    learned = dispersion_trend(normalised, factors)
    mean, variance = normalised.mean(axis=0), normalised.var(axis=0, ddof=1)
    moments = (variance - learned.noise * mean) / mean**2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the identity link may leave the domain, and does not here
        family = sm.families.Gamma(sm.families.links.Identity())
        fitted = sm.GLM(moments, sm.add_constant(1 / mean), family=family).fit()
    assert (moments > 0).all()
    if fitted.params[1] >= 0:
        np.testing.assert_allclose([learned.asymptote, learned.extra], fitted.params, rtol=1e-4)
    else:
        assert (learned.asymptote, learned.extra) == (pytest.approx(np.median(moments)), 0)


def test_after_the_transform_spread_no_longer_follows_the_mean():
    rng = np.random.default_rng(3)
    mean = np.geomspace(15, 20_000, 400)
    alpha = 0.02 + 4 / mean
    counts = rng.poisson(rng.gamma(1 / alpha, mean * alpha, (200, 400))).astype(float)
    learned = dispersion_trend(counts, np.ones(200))
    assert (learned.asymptote, learned.extra) == pytest.approx((0.02, 4), rel=0.1)
    spread = learned.stabilise(counts).std(axis=0)
    assert abs(np.corrcoef(np.log(mean), spread)[0, 1]) < 0.5
    assert spread[:50].mean() == pytest.approx(spread[-50:].mean(), rel=0.15)
    logs = np.log(counts + 1).std(axis=0)
    assert logs[:50].mean() > 2 * logs[-50:].mean()


def test_counts_without_dispersion_beyond_noise_have_a_trend_all_the_same():
    assert np.isfinite(dispersion_trend(np.full((4, 3), 20.0), np.ones(4)).stabilise(np.array([5.0]))).all()


# ---- batches


def test_batches_are_moved_towards_the_overall_mean_by_hand():
    # one gene: logs 1, 3 | 5, 7, 9; overall 5, batch means 2 and 7, of whose distance 2/3 and 3/4 are removed
    values = np.array([[1.0], [3.0], [5.0], [7.0], [9.0]])
    learned = preparation._adjust(values, np.array([4, 4, 8, 8, 8]))
    np.testing.assert_allclose(learned.offsets[:, 0], [-2, 1.5])
    np.testing.assert_allclose(values[:, 0], [3, 5, 3.5, 5.5, 7.5])
    others = np.array([[1.0], [1.0], [1.0]])
    learned.remove(others, np.array([8, 5, 4]))  # 5 is no batch of training, and is left where it is
    np.testing.assert_allclose(others[:, 0], [-0.5, 1, 3])


def test_adjusting_for_batches_without_batches_is_an_input_error():
    with pytest.raises(InputError, match="batch adjustment: found no batches"):
        preparation.fit(counts_of(), Preparing(adjust_batch=True))


@pytest.mark.parametrize("size_factors", SIZE_FACTORS)
@pytest.mark.parametrize("transform", TRANSFORMS)
def test_training_samples_are_transformed_to_the_values_they_were_fitted_with(size_factors, transform):
    counts, batches = counts_of(), np.arange(16) % 3
    how = Preparing(size_factors=size_factors, transform=transform, adjust_batch=True)
    learned, values = preparation.fit(counts, how, batches)
    np.testing.assert_allclose(learned.transform(counts, batches), values, atol=1e-4)
    np.testing.assert_allclose(values.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(values.std(axis=0), 1, atol=1e-5)


def test_a_way_of_preparing_that_does_not_exist_is_an_input_error():
    with pytest.raises(InputError) as caught:
        Preparing(size_factors="rpkm", transform="sqrt")
    assert str(caught.value).splitlines() == [
        "classifier, `size_factors`: found rpkm; expected one of median_of_ratios, tmm, log_cpm",
        "classifier, `transform`: found sqrt; expected one of log, vst",
    ]
