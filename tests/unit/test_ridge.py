"""Both routes to a ridge logistic regression: converged, and the same, for one label vector or for many."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decidua.learning import ridge
from decidua.learning.cross_validation import Settings

GRID = Settings().grid


def standardised(n, genes, seed=0, signal=0.5):
    rng = np.random.default_rng(seed)
    is_case = rng.permutation(n) < n // 3
    values = rng.normal(size=(n, genes))
    values[is_case, :5] += signal
    values -= values.mean(axis=0)
    return values / values.std(axis=0), is_case, rng


def farthest(found, expected):
    """The largest difference of scores along the last axis, in standard deviations of the expected ones."""
    return (np.abs(found - expected).max(axis=-1) / expected.std(axis=-1)).max()


def factorised(gram, is_case, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(ridge, "ITERATIVE", 10**9)
        return ridge.fit_path(gram, is_case, GRID)


def test_many_samples_have_the_scores_of_scikit_learn_at_full_convergence():
    from sklearn.linear_model import LogisticRegression

    values, is_case, rng = standardised(240, 100)
    assert len(values) >= ridge.ITERATIVE
    new = rng.normal(size=(30, 100))
    path = ridge.fit_path(values @ values.T / 100, is_case, GRID)
    for i in (0, 9, 14, 19):
        model = LogisticRegression(C=1 / (GRID[i] * 100), tol=1e-10, max_iter=100_000).fit(values, is_case)
        assert farthest(path.score(new @ values.T / 100)[:, i], model.decision_function(new)) < 1e-4


def test_both_routes_give_the_same_scores_for_many_samples(monkeypatch):
    values, is_case, _ = standardised(260, 1_000)
    gram = values @ values.T / 1_000
    assert (
        farthest(ridge.fit_path(gram, is_case, GRID).scores, factorised(gram, is_case, monkeypatch).scores)
        < 1e-4
    )


def test_many_label_vectors_at_once_have_the_scores_of_each_alone():
    values, is_case, rng = standardised(86, 2_000)
    gram = values @ values.T / 2_000
    vectors = np.array([is_case, ~is_case, *(rng.permutation(is_case) for _ in range(5)), np.arange(86) < 1])
    together = ridge.fit_paths(gram, vectors, GRID)
    for scores, weights, vector in zip(together.scores, together.weights, vectors, strict=True):
        alone = ridge.fit_path(gram, vector, GRID)
        assert farthest(scores, alone.scores) < 1e-4
        assert farthest(weights @ gram, alone.weights @ gram) < 1e-4


@settings(max_examples=25, deadline=None)
@given(st.integers(4, 60), st.sampled_from([2, 10, 200]), st.booleans(), st.integers(0, 2**32 - 1))
def test_the_routes_agree_on_few_genes_unscaled_genes_and_repeated_samples(n, genes, scaled, seed):
    values, is_case, rng = standardised(n, genes, seed, signal=3.0)
    if not scaled:
        values = values * np.arange(1, genes + 1) ** -1.0
        values[1] = values[0]
        values[2] *= 5
    gram = values @ values.T / genes
    together = ridge.fit_paths(gram, np.array([is_case, rng.permutation(is_case)]), GRID)
    assert farthest(together.scores[0], ridge.fit_path(gram, is_case, GRID).scores) < 1e-4


def test_a_label_vector_that_does_not_settle_takes_the_other_route(monkeypatch):
    values, is_case, rng = standardised(40, 300)
    gram = values @ values.T / 300
    monkeypatch.setattr(ridge, "PATIENCE", 1)
    together = ridge.fit_paths(gram, is_case[None], GRID)
    assert farthest(together.scores[0], ridge.fit_path(gram, is_case, GRID).scores) < 1e-4


def test_a_path_stops_at_the_penalty_that_was_asked_for():
    values, is_case, rng = standardised(30, 100)
    gram = values @ values.T / 100
    vectors = np.array([is_case, rng.permutation(is_case)])
    short, whole = (
        ridge.fit_paths(gram, vectors, GRID, np.array([3, 19])),
        ridge.fit_paths(gram, vectors, GRID),
    )
    assert np.isfinite(short.scores[0, :4]).all()
    assert np.isnan(short.scores[0, 4:]).all()
    assert farthest(short.scores[1], whole.scores[1]) < 1e-4
    assert farthest(short.scores[0, :4], whole.scores[0, :4]) < 1e-4


@pytest.mark.parametrize(
    "route", [ridge.fit_path, lambda *given: ridge.fit_paths(given[0], given[1][None], given[2])]
)
def test_equal_penalties_have_equal_solutions(route):
    values, is_case, _ = standardised(20, 50)
    scores = route(values @ values.T / 50, is_case, np.ones(3)).scores.reshape(3, -1)
    np.testing.assert_allclose(scores[1:], scores[[0, 0]], atol=1e-6)


def test_one_class_in_one_of_many_label_vectors_is_refused():
    with pytest.raises(ValueError, match="both classes"):
        ridge.fit_paths(np.eye(3), np.array([[True, False, True], [True, True, True]]), np.array([1.0]))
