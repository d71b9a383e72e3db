"""How does PyDESeq2 fit many genes at once? The same estimates, all genes of a block in one array.

PyDESeq2 (MIT licence) fits gene after gene in Python. It lets the caller replace these inner fits, and
nothing else, by an inference class. The functions to be minimised are those of its default class;
they are minimised to convergence, where its optimiser stops earlier.
"""

from collections.abc import Iterator

import numpy as np
from pydeseq2.default_inference import DefaultInference
from pydeseq2.utils import irls_solver
from scipy.special import gammaln, log_ndtr, psi
from threadpoolctl import threadpool_limits

#: Genes in one array: their temporary arrays stay in the processor's cache.
BLOCK = 512
#: PyDESeq2's own: gradient from which a dispersion counts as found, added to the information of coefficients.
GRADIENT, RIDGE = 1e-5, 1e-6
#: Steps after which the dispersion is taken as it is; bracketing alone needs fewer.
STEPS = 100


class Batched(DefaultInference):
    """PyDESeq2's inference with the fits of all genes vectorised; arrays are samples x genes."""

    def __init__(self) -> None:
        super().__init__(n_cpus=1)

    def lin_reg_mu(
        self, counts: np.ndarray, size_factors: np.ndarray, design_matrix: np.ndarray, min_mu: float
    ) -> np.ndarray:
        """Least-squares means of the normalised counts, times the size factor."""
        values = np.linalg.lstsq(design_matrix, counts / size_factors[:, None], rcond=None)[0]
        return np.maximum(size_factors[:, None] * (design_matrix @ values), min_mu)

    def alpha_mle(
        self, counts, design_matrix, mu, alpha_hat, min_disp, max_disp,
        prior_disp_var=None, cr_reg=True, prior_reg=False, optimizer="L-BFGS-B",
    ):  # fmt: skip
        """Dispersions that maximise the (penalised) Cox-Reid adjusted likelihood, and all converged."""
        found = np.empty(counts.shape[1])
        bounds = np.log(min_disp), np.log(max_disp)
        precision = 1 / prior_disp_var if prior_reg else 0.0
        for genes in _blocks(counts.shape[1]):
            gradient = _DispersionGradient(
                counts[:, genes], mu[:, genes], design_matrix if cr_reg else None, alpha_hat[genes], precision
            )
            found[genes] = _descend(gradient, np.log(alpha_hat[genes]), *bounds)
        return np.exp(found), np.ones(len(found), dtype=bool)

    def irls(
        self, counts, size_factors, design_matrix, disp, min_mu, beta_tol,
        min_beta=-30, max_beta=30, optimizer="L-BFGS-B", maxiter=250,
    ):  # fmt: skip
        """Coefficients by iteratively reweighted least squares, their means, leverages, and who converged."""
        samples, genes = counts.shape
        beta = np.empty((genes, design_matrix.shape[1]))
        mean, leverage = np.empty((samples, genes)), np.empty((samples, genes))
        converged = np.ones(genes, dtype=bool)
        arguments = (size_factors, design_matrix)
        for block in _blocks(genes):
            y, alpha = counts[:, block].T.astype(float), disp[block, None]
            start = np.linalg.lstsq(design_matrix, np.log(y / size_factors + 0.1).T, rcond=None)[0].T
            fitted, lost = _reweight(y, alpha, start, *arguments, min_mu, beta_tol, max_beta, maxiter)
            at = np.maximum(size_factors * np.exp(fitted @ design_matrix.T), min_mu)
            beta[block], leverage[:, block] = fitted, _leverage(at / (1 + at * alpha), design_matrix).T
            mean[:, block] = (size_factors * np.exp(fitted @ design_matrix.T)).T
            for gene in block.start + np.flatnonzero(lost):
                beta[gene], mean[:, gene], leverage[:, gene], converged[gene] = irls_solver(
                    counts[:, gene], *arguments, disp[gene], min_mu, beta_tol,
                    min_beta, max_beta, optimizer, maxiter,
                )  # fmt: skip
        return beta, mean, leverage, converged

    def wald_test(self, design_matrix, disp, lfc, mu, ridge_factor, contrast, lfc_null, alt_hypothesis=None):
        """Two-sided Wald tests of a contrast against zero: p, statistic, error (natural logarithm)."""
        if alt_hypothesis is not None or np.any(lfc_null):
            return super().wald_test(
                design_matrix, disp, lfc, mu, ridge_factor, contrast, lfc_null, alt_hypothesis
            )
        information = np.full((len(disp), *ridge_factor.shape), np.nan)
        for genes in _blocks(len(disp)):
            information[genes] = _information(
                (mu[:, genes] / (1 + mu[:, genes] * disp[genes])).T, design_matrix
            )
        solved = np.linalg.solve(
            information + ridge_factor, np.broadcast_to(contrast[:, None], (len(disp), len(contrast), 1))
        )[:, :, 0]
        error = np.sqrt(np.einsum("gi,gij,gj->g", solved, information, solved))
        statistic = lfc @ contrast / error
        return 2 * np.exp(log_ndtr(-np.abs(statistic))), statistic, error


def _blocks(genes: int) -> Iterator[slice]:
    with threadpool_limits(limits=1, user_api="blas"):
        for start in range(0, genes, BLOCK):
            yield slice(start, min(start + BLOCK, genes))


class _DispersionGradient:
    """Of the negative log-likelihood of a block's genes by the logarithm of their dispersions."""

    def __init__(self, counts, mu, design, prior_mean, precision):
        self.counts = np.ascontiguousarray(counts.T, dtype=float)
        self.mu = np.ascontiguousarray(mu.T)
        self.design, self.precision, self.prior_mean = design, precision, np.log(prior_mean)

    def __call__(self, log_alpha: np.ndarray, genes: np.ndarray) -> np.ndarray:
        """The gradient at one value a gene, for these genes of the block."""
        counts, mu, alpha = self.counts[genes], self.mu[genes], np.exp(log_alpha)[:, None]
        size = 1 / alpha
        terms = psi(counts + size)
        terms -= np.log1p(mu * alpha)
        terms += (mu - counts) / (mu + size)
        total = size[:, 0] * (terms.sum(axis=1) - counts.shape[1] * psi(size[:, 0]))
        total += self.precision * (log_alpha - self.prior_mean[genes])
        if self.design is None:
            return total
        weights = mu / (1 + mu * alpha)
        inverse = np.linalg.inv(_information(weights, self.design))
        slope = _information(weights**2, self.design)
        return total - 0.5 * alpha[:, 0] * np.einsum("gij,gij->g", inverse, slope)

    def curvature(self, log_alpha: np.ndarray) -> np.ndarray:
        """What the second derivative is about, for a first step: exact where counts are large."""
        odds = self.mu * np.exp(log_alpha)[:, None]
        return 0.5 * ((odds / (1 + odds)) ** 2).sum(axis=1) + self.precision


def _descend(gradient: _DispersionGradient, start: np.ndarray, low: float, high: float) -> np.ndarray:
    """From `start` downhill to where the gradient is zero, or to an end of the range; a value a gene.

    Secant steps within a bracket: an end moves to each value whose gradient points away from it, so a
    minimum that was once enclosed is found.
    """
    at = np.clip(start, low, high)
    ends = np.full(len(at), low), np.full(len(at), high)
    active = np.arange(len(at))
    slope = gradient(at, active)
    curve = np.maximum(gradient.curvature(at), 1e-3)
    for _ in range(STEPS):
        left = np.abs(slope[active]) > GRADIENT * 1e-2
        left &= ~((at[active] <= low) & (slope[active] > 0)) & ~((at[active] >= high) & (slope[active] < 0))
        left &= (ends[1] - ends[0])[active] > 1e-9
        active = active[left]
        if not len(active):
            break
        here, down = at[active], slope[active] > 0
        ends[1][active[down]], ends[0][active[~down]] = here[down], here[~down]
        lower, upper = ends[0][active], ends[1][active]
        step = np.clip(-slope[active] / curve[active], -2.0, 2.0)
        there = np.where(down, np.maximum(here + step, low), np.minimum(here + step, high))
        outside = (there < lower) | (there > upper) | ((there == lower) & (lower > low))
        outside |= (there == upper) & (upper < high)
        there = np.where(outside, (lower + upper) / 2, there)
        new = gradient(there, active)
        secant = (new - slope[active]) / np.where(there == here, 1.0, there - here)
        curve[active] = np.where(secant > 1e-3, secant, np.maximum(curve[active] / 4, 1e-3))
        at[active], slope[active] = there, new
    return at


def _information(weights: np.ndarray, design: np.ndarray) -> np.ndarray:
    """X'WX of each gene (genes x coefficients x coefficients) from weights, genes x samples."""
    size = design.shape[1]
    products = (design[:, :, None] * design[:, None, :]).reshape(len(design), size * size)
    return (weights @ products).reshape(len(weights), size, size)


def _leverage(weights: np.ndarray, design: np.ndarray) -> np.ndarray:
    """Diagonal of the hat matrix of each gene, genes x samples."""
    inverse = np.linalg.inv(_information(weights, design) + RIDGE * np.eye(design.shape[1]))
    return weights * np.einsum("sj,gsj->gs", design, np.matmul(design, inverse))


def _reweight(y, alpha, beta, size_factors, design, min_mu, tolerance, largest, most):
    """Coefficients of the genes of a block, and of which genes they diverged or did not settle."""
    beta, active = beta.copy(), np.arange(len(y))
    lost = np.zeros(len(y), dtype=bool)
    size = 1 / alpha
    constant = (gammaln(y + size) - gammaln(y + 1) - gammaln(size) - size * np.log(alpha)).sum(axis=1)
    deviance = np.full(len(y), 1000.0)
    mu = np.maximum(size_factors * np.exp(beta @ design.T), min_mu)
    ridge = RIDGE * np.eye(design.shape[1])
    for _ in range(most - 1):
        counts = y[active]
        weights = mu / (1 + mu * alpha[active])
        response = weights * (np.log(mu / size_factors) + (counts - mu) / mu)
        found = np.linalg.solve(_information(weights, design) + ridge, (response @ design)[:, :, None])
        found = found[:, :, 0]
        astray = (np.abs(found) > largest).any(axis=1) | ~np.isfinite(found).all(axis=1)
        lost[active[astray]] = True
        beta[active[~astray]] = found[~astray]
        active, counts = active[~astray], counts[~astray]
        mu = np.maximum(size_factors * np.exp(found[~astray] @ design.T), min_mu)
        inverse = size[active]
        likelihood = constant[active] + (counts * np.log(mu) - (counts + inverse) * np.log(mu + inverse)).sum(
            axis=1
        )
        new = 2 * likelihood  # PyDESeq2 (and DESeq2) call twice the log-likelihood, negated, the deviance
        change = np.abs(new - deviance[active]) / (np.abs(new) + 0.1)
        deviance[active] = new
        going = change > tolerance
        active, mu = active[going], mu[going]
        if not len(active):
            return beta, lost
    lost[active] = True
    return beta, lost


def shrink(
    counts: np.ndarray,
    design: np.ndarray,
    size_factors: np.ndarray,
    dispersions: np.ndarray,
    coefficient: int,
    prior_scale: float,
    starts: np.ndarray,
) -> np.ndarray:
    """Coefficients with a heavy-tailed prior on one of them, for display: large effects keep their size.

    The mode of the posterior of Zhu et al. 2019 (doi 10.1093/bioinformatics/bty895; apeglm): Cauchy of
    `prior_scale` (as PyDESeq2 writes it) on the coefficient, normal of standard deviation 15 on the others.
    It may have two modes; the higher one is given, of those reached from `starts` and from no effect at all.

    Args:
        counts: samples x genes; design: samples x coefficients, the first is the intercept.
        starts: genes x coefficients, natural logarithm, such as the maximum likelihood estimates.

    Returns:
        That coefficient of each gene, natural logarithm.
    """
    found = np.empty(counts.shape[1])
    for block in _blocks(counts.shape[1]):
        posterior = _Posterior(
            counts[:, block].T.astype(float),
            design,
            np.log(size_factors),
            1 / dispersions[block],
            coefficient,
            prior_scale,
        )
        null = starts[block].copy()
        null[:, coefficient] = 0.0
        modes = [_climb(posterior, start) for start in (starts[block], null)]
        costs = np.array([posterior.cost(mode, np.arange(len(mode))) for mode in modes])
        found[block] = np.where(costs[0] <= costs[1], modes[0][:, coefficient], modes[1][:, coefficient])
    return found


class _Posterior:
    """Negative log-posterior of a block's genes, its gradient and a positive definite curvature."""

    def __init__(self, counts, design, offset, size, coefficient, scale):
        self.counts, self.design, self.offset, self.size = counts, design, offset, size[:, None]
        self.coefficient, self.scale = coefficient, scale
        self.precision = np.full(design.shape[1], 1 / 15**2)
        self.precision[coefficient] = 0.0

    def cost(self, beta: np.ndarray, genes: np.ndarray) -> np.ndarray:
        linear, counts, size = beta @ self.design.T, self.counts[genes], self.size[genes]
        likelihood = counts * linear - (counts + size) * np.logaddexp(linear + self.offset, np.log(size))
        prior = 0.5 * (beta**2 @ self.precision)
        return prior + np.log1p((beta[:, self.coefficient] / self.scale) ** 2) - likelihood.sum(axis=1)

    def slopes(self, beta: np.ndarray, genes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        counts, size = self.counts[genes], self.size[genes]
        mu = np.exp(np.minimum(beta @ self.design.T + self.offset, 50.0))
        effect, squared = beta[:, self.coefficient], self.scale**2
        gradient = beta * self.precision - (counts - (counts + size) * mu / (mu + size)) @ self.design
        gradient[:, self.coefficient] += 2 * effect / (squared + effect**2)
        curvature = _information((counts + size) * size * mu / (mu + size) ** 2, self.design)
        curvature += np.diag(self.precision + 1e-9)
        bend = 2 * (squared - effect**2) / (squared + effect**2) ** 2
        curvature[:, self.coefficient, self.coefficient] += np.maximum(bend, 0.0)
        return gradient, curvature


def _climb(posterior: _Posterior, start: np.ndarray) -> np.ndarray:
    """Newton steps, halved until the cost does not rise, from each gene's start to a mode."""
    beta, active = start.copy(), np.arange(len(start))
    cost = posterior.cost(beta, active)
    for _ in range(STEPS):
        gradient, curvature = posterior.slopes(beta[active], active)
        step = np.linalg.solve(curvature, gradient[:, :, None])[:, :, 0]
        length = np.ones(len(active))
        for _ in range(30):
            new = posterior.cost(beta[active] - length[:, None] * step, active)
            rises = ~(new <= cost[active] + 1e-12 * np.abs(cost[active]))
            if not rises.any():
                break
            length[rises] /= 2
        length[rises] = 0.0
        beta[active] -= length[:, None] * step
        cost[active] = np.where(rises, cost[active], new)
        active = active[(length * np.abs(step).max(axis=1) > 1e-8) & ~rises]
        if not len(active):
            break
    return beta
