"""Which ridge logistic regressions do these samples give, one for every penalty, solved to convergence?

With far fewer samples than genes the problem lives in the span of the samples: everything needed is the
matrix of their inner products (the Gram matrix), and one such matrix serves all penalties and all labels.
Two routes lead to the same solutions: `fit_path` factorises every Newton system, whose work grows with the
cube of the number of samples; `fit_paths` solves the systems of many label vectors at once by preconditioned
conjugate gradients, whose work grows with the square.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg.lapack import dposv
from scipy.special import expit

#: A Newton step below this many logits ends the search; Newton squares the error, so what is left is far
#: smaller.
TOLERANCE = 1e-4
MAX_STEPS = 100
#: A full step is taken unless the objective grows by more than this share, which rounding alone can reach.
SLACK = 1e-7
#: Training samples from which `fit_path` takes the iterative route; below, factorising is as fast.
ITERATIVE = 200
#: The iterative route: a step is solved until its error is this share of it, and one whose largest move is
#: below `CLOSE` standard deviations of the scores is the last; what is left is a small part of that. A label
#: vector still not settled after `PATIENCE` steps takes the other route.
FORCING, CLOSE, PATIENCE = 1e-2, 2e-4, 15
#: Leading eigenvectors of the Gram matrix that the preconditioner takes exactly, and steps to find them.
LEADING, POWERS = 8, 3
#: Logits that a variance is never taken below, lest its inverse overflow.
LEAST_VARIANCE = 1e-12


class NotConverged(ArithmeticError):
    """Newton's method did not settle; the message names the penalty."""


@dataclass(frozen=True)
class Path:
    """Solutions along the penalties, strongest first.

    weights: penalties x training samples; a new sample's score is its inner products with the training
        samples, times these, plus the intercept.
    intercepts: one a penalty.
    scores: penalties x training samples, the linear predictors (logits) of the training samples themselves.
    """

    penalties: np.ndarray
    weights: np.ndarray
    intercepts: np.ndarray
    scores: np.ndarray

    def score(self, products: np.ndarray) -> np.ndarray:
        """Linear predictors, samples x penalties, from inner products, samples x training samples."""
        return products @ self.weights.T + self.intercepts


@dataclass(frozen=True)
class Paths:
    """As `Path`, of many label vectors: weights and scores are label vectors x penalties x training samples,
    intercepts label vectors x penalties; NaN beyond the last penalty that was asked for."""

    penalties: np.ndarray
    weights: np.ndarray
    intercepts: np.ndarray
    scores: np.ndarray

    def score(self, products: np.ndarray) -> np.ndarray:
        """Linear predictors, label vectors x penalties x samples, from samples x training samples."""
        vectors, penalties, n = self.weights.shape
        flat = self.weights.reshape(-1, n) @ products.T
        return flat.reshape(vectors, penalties, -1) + self.intercepts[:, :, None]


def products(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Inner products per gene, so that a penalty means the same whatever the number of genes.

    Args:
        rows, columns: samples x genes, float32; the same object twice for a Gram matrix.
    """
    samples, genes = columns.shape
    if genes < 4 * samples:  # close to singular, where single precision is not enough, and cheap
        rows, columns = rows.astype(float), columns.astype(float)
    return (rows @ columns.T).astype(float) / genes


def fit_path(gram: np.ndarray, is_case: np.ndarray, penalties: np.ndarray) -> Path:
    """Minimise sum(log loss) + penalty / 2 * |coefficients|^2 with a free intercept, for every penalty.

    Args:
        gram: training samples x training samples, inner products of their (scaled) expression values.
        is_case: one boolean a training sample; both values must occur.
        penalties: positive, in any order.

    Returns:
        The path, penalties sorted from strong to weak. Scores are within 1e-6 logits of the minimum, or
        within 1e-4 of their standard deviation with `ITERATIVE` samples or more.

    Raises:
        ValueError: one class only (the intercept would run away) or a penalty that is not positive.
        NotConverged: no minimum within `MAX_STEPS` Newton steps.
    """
    if len(gram) >= ITERATIVE:
        paths = fit_paths(gram, np.asarray(is_case)[None], penalties)
        return Path(paths.penalties, paths.weights[0], paths.intercepts[0], paths.scores[0])
    penalties, target = _checked(penalties, np.asarray(is_case)[None])
    target = target[0]
    gram = np.asarray(gram, dtype=float)
    weights = np.zeros((len(penalties), len(target)))
    intercepts = np.zeros(len(penalties))
    scores = np.empty_like(weights)
    share = target.mean()
    start = np.zeros(len(target)), float(np.log(share / (1 - share)))
    for i, penalty in enumerate(penalties):
        if i:
            ahead = _ahead(penalties[: i + 1], 2)
            start = ahead @ weights[i - len(ahead) : i], float(ahead @ intercepts[i - len(ahead) : i])
        weights[i], intercepts[i], scores[i] = _newton(gram, target, penalty, *start)
    return Path(penalties, weights, intercepts, scores)


def fit_paths(
    gram: np.ndarray, is_case: np.ndarray, penalties: np.ndarray, last: np.ndarray | None = None
) -> Paths:
    """As `fit_path`, for many label vectors of the same samples at once, by the iterative route.

    Newton's method on all label vectors together, along the penalties from strong to weak, each started where
    the solutions so far point to. Its systems, (gram + penalty / variance) step = right side with steps that
    sum to 0, are solved by conjugate gradients, preconditioned by the diagonal and the leading eigenvectors
    of the Gram matrix.

    Args:
        gram: training samples x training samples.
        is_case: label vectors x training samples; both values must occur in each.
        penalties: positive, in any order.
        last: of each label vector the position of the weakest penalty wanted, strong to weak; all without it.

    Returns:
        The paths; scores are within 1e-4 of their standard deviation of the minimum.

    Raises:
        ValueError, NotConverged: as `fit_path`.
    """
    penalties, target = _checked(penalties, is_case)
    gram = np.asarray(gram, dtype=float)
    shape = len(target), len(penalties), len(gram)
    weights, scores = np.full(shape, np.nan), np.full(shape, np.nan)
    intercepts = np.full(shape[:2], np.nan)
    last = np.full(len(target), len(penalties) - 1) if last is None else last
    system = _System(gram)
    for i, penalty in enumerate(penalties):
        wanted = np.flatnonzero(last >= i)
        if not len(wanted):
            break
        if i:
            ahead = _ahead(penalties[: i + 1], 3)
            past = slice(i - len(ahead), i)
            start = np.einsum("bpn,p->bn", weights[wanted, past], ahead), intercepts[wanted, past] @ ahead
        else:
            share = target[wanted].mean(axis=1)
            start = np.zeros((len(wanted), len(gram))), np.log(share / (1 - share))
        found = _newton_together(system, target[wanted], penalty, *start)
        weights[wanted, i], intercepts[wanted, i], scores[wanted, i] = found
    return Paths(penalties, weights, intercepts, scores)


def _checked(penalties: np.ndarray, is_case: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    penalties = np.sort(np.asarray(penalties, dtype=float))[::-1]
    target = np.asarray(is_case, dtype=float)
    if not (target.any(axis=1) & ~target.all(axis=1)).all():
        raise ValueError("ridge logistic regression needs both classes among the training samples")
    if penalties[-1] <= 0:
        raise ValueError("penalties must be positive")
    return penalties, target


def _ahead(penalties: np.ndarray, points: int) -> np.ndarray:
    """What the last solutions count for in the guess at the next: the path is smooth in log(penalty).

    Args:
        penalties: strong to weak, the last one without a solution yet.
        points: how many solutions to use at most.
    """
    logs = np.log(penalties[-points - 1 :])
    known, at = logs[:-1], logs[-1]
    if (np.diff(known) == 0).any():
        return np.ones(1)
    apart = known[:, None] - known + np.eye(len(known))
    share = (at - known) / apart
    np.fill_diagonal(share, 1.0)
    return share.prod(axis=1)  # Lagrange's polynomial


# ---- one label vector: every Newton system is factorised


def _newton(
    gram: np.ndarray, target: np.ndarray, penalty: float, weights: np.ndarray, intercept: float
) -> tuple[np.ndarray, float, np.ndarray]:
    inner = gram @ weights
    scores = inner + intercept
    objective = _objective(scores, target, penalty, weights, inner)
    right = np.empty((len(target), 2), order="F")
    diagonal = np.diag_indices(len(target))
    for _ in range(MAX_STEPS):
        probability = expit(scores)
        root = np.sqrt(np.maximum(probability * (1 - probability), LEAST_VARIANCE))
        # weighted least squares in the dual: (gram + penalty / W) weights + intercept = working response
        system = gram * (root[:, None] * root)
        system[diagonal] += penalty
        right[:, 0] = root * scores + (target - probability) / root
        right[:, 1] = root
        _, solved, failed = dposv(system.T, right, lower=1, overwrite_a=1)
        if failed:
            break
        new_intercept = float(root @ solved[:, 0] / (root @ solved[:, 1]))
        new_weights = root * (solved[:, 0] - new_intercept * solved[:, 1])
        size = 1.0
        while True:
            candidate = weights + size * (new_weights - weights)
            shift = intercept + size * (new_intercept - intercept)
            inner = gram @ candidate
            moved = inner + shift
            value = _objective(moved, target, penalty, candidate, inner)
            if value <= objective * (1 + SLACK) or size < 1e-4:
                break
            size /= 2
        step = np.abs(moved - scores).max()
        weights, intercept, scores, objective = candidate, shift, moved, value
        if step < TOLERANCE and size == 1.0:
            return weights, intercept, scores
    raise NotConverged(f"ridge logistic regression did not converge at penalty {penalty:g}")


def _objective(
    scores: np.ndarray, target: np.ndarray, penalty: float, weights: np.ndarray, inner: np.ndarray
) -> np.ndarray:
    """Of one label vector, or of each row."""
    loss = (np.logaddexp(0, scores) - target * scores).sum(axis=-1)
    return loss + penalty / 2 * (weights * inner).sum(axis=-1)


# ---- many label vectors: one a row, solved together


class _System:
    """The Gram matrix and what preconditions every Newton system of it.

    The preconditioner of gram + damping is diagonal + leading leading', whose inverse is cheap (Woodbury):
    the leading part holds the largest eigenvalues, the diagonal all that they leave over.
    """

    def __init__(self, gram: np.ndarray):
        n = len(gram)
        number = max(1, min(LEADING, n // 4))
        vectors = gram[:, np.linspace(0, n - 1, number).astype(int)]
        for _ in range(POWERS):
            vectors = gram @ np.linalg.qr(vectors)[0]
        vectors = np.linalg.qr(vectors)[0]
        values, turn = np.linalg.eigh(vectors.T @ gram @ vectors)
        self.gram = gram
        self.leading = vectors @ turn * np.sqrt(np.maximum(values, 0))
        left = np.diag(gram) - (self.leading**2).sum(axis=1)
        self.rest = np.maximum(left, 1e-3 * np.trace(gram) / n)
        self.pairs = (self.leading[:, :, None] * self.leading[:, None, :]).reshape(n, -1)

    def solve(self, damping: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Solve (gram + damping) step + shift = right with sum(step) = 0, to the share `FORCING`.

        Args:
            damping, right: label vectors x training samples.

        Returns:
            step and gram @ step of each label vector, and its shift.
        """
        diagonal = 1 / (self.rest + damping)
        number = self.leading.shape[1]
        core = (diagonal @ self.pairs).reshape(-1, number, number)
        core = np.linalg.inv(core + np.eye(number))

        def conditioned(rows: np.ndarray) -> np.ndarray:
            part = rows * diagonal
            taken = (core @ (part @ self.leading)[:, :, None])[:, :, 0] @ self.leading.T
            return part - diagonal * taken

        ones = conditioned(np.ones_like(right))
        total = ones.sum(axis=1)
        left = right.copy()
        step, moved = np.zeros_like(right), np.zeros_like(right)
        along = conditioned(left)
        shift = along.sum(axis=1) / total
        along = along - shift[:, None] * ones  # so that every step sums to 0
        size = np.einsum("bn,bn->b", left, along)
        enough = FORCING**2 * size
        for _ in range(len(self.gram) + LEADING):
            image = along @ self.gram
            length = _ratio(size, np.einsum("bn,bn->b", along, image + damping * along))[:, None]
            step += length * along
            moved += length * image
            left -= length * (image + damping * along)
            next_ = conditioned(left)
            shift = next_.sum(axis=1) / total
            next_ -= shift[:, None] * ones
            before, size = size, np.einsum("bn,bn->b", left, next_)
            if (size <= enough).all():
                break
            along = next_ + _ratio(size, before)[:, None] * along
        return step, moved, shift


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """The ratio, 0 where rounding has left nothing to divide by: that label vector is solved."""
    usable = (denominator > 0) & (numerator > 0)
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=usable)


def _newton_together(
    system: _System, target: np.ndarray, penalty: float, weights: np.ndarray, intercepts: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Newton's method for each row of `target`, from these weights (changed in place) and intercepts."""
    inner = weights @ system.gram
    open_ = np.arange(len(target))
    for _ in range(PATIENCE):
        now = inner[open_] + intercepts[open_, None]
        probability = expit(now)
        variance = np.maximum(probability * (1 - probability), LEAST_VARIANCE)
        right = (target[open_] - probability - penalty * weights[open_]) / variance
        step, moved, shift = system.solve(penalty / variance, right)
        change = moved + shift[:, None]
        far = np.abs(change).max(axis=1) > CLOSE * (now + change).std(axis=1)
        length = np.ones(len(open_))
        if far.any():  # a step that ends the search is too short to overshoot
            rows = open_[far]
            state = now[far], change[far], weights[rows], step[far], inner[rows], moved[far]
            length[far] = _lengths(target[rows], penalty, *state)
        weights[open_] += length[:, None] * step
        inner[open_] += length[:, None] * moved
        intercepts[open_] += length * shift
        open_ = open_[far]
        if not len(open_):
            break
    scores = inner + intercepts[:, None]
    for row in open_:
        found = _newton(system.gram, target[row], penalty, weights[row], float(intercepts[row]))
        weights[row], intercepts[row], scores[row] = found
    return weights, intercepts, scores


def _lengths(
    target: np.ndarray,
    penalty: float,
    scores: np.ndarray,
    change: np.ndarray,
    weights: np.ndarray,
    step: np.ndarray,
    inner: np.ndarray,
    moved: np.ndarray,
) -> np.ndarray:
    """How much of each row's step to take: all of it, or half as often as it makes things worse."""
    before = _objective(scores, target, penalty, weights, inner)
    length = np.ones(len(target))
    while True:
        part = length[:, None]
        value = _objective(
            scores + part * change, target, penalty, weights + part * step, inner + part * moved
        )
        worse = (value > before * (1 + SLACK)) & (length >= 1e-4)
        if not worse.any():
            return length
        length[worse] /= 2
