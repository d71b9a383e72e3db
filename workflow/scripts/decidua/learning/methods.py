"""Ways to learn scores from standardised expression: ridge, and what challenges it.

A method is handed the standardised values of training samples, fits one model for each of its tuning values,
and scores the standardised values of other samples. What it fits does not depend on which class is called
the case: methods other than ridge, which is symmetric by itself, learn the class of the first sample and turn
the scores if that is the control.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import logit

from decidua.learning import elastic_net, ridge
from decidua.learning.ranking import strongest, t_statistics

#: Genes of the discriminant's panel.
PANEL = 20
#: Trees of the forest, of one whose held-out scores calibrate it, and genes that they choose from.
TREES, TRIAL_TREES, FOREST_GENES = 200, 30, 1_000


class Predictor(Protocol):
    """A fitted model. coefficients: one a gene; of a forest, the genes' importance, which has no sign."""

    coefficients: np.ndarray

    def score(self, values: np.ndarray) -> np.ndarray: ...


class Fitted(Protocol):
    """One model for each tuning value. `last` is the last one's."""

    def score(self, values: np.ndarray) -> np.ndarray:
        """Samples x tuning values; higher for cases."""

    def last(self) -> Predictor: ...


class Method(Protocol):
    """tunings: the tuning values tried, the simplest model first; one NaN where nothing is tuned.

    logits: whether scores are log odds as they are, without calibration.
    fit: of training samples; `trial` where only held-out scores are wanted, which may then be rougher.
    """

    tunings: np.ndarray
    logits: bool

    def fit(
        self,
        values: np.ndarray,
        is_case: np.ndarray,
        tunings: np.ndarray,
        rng: np.random.Generator,
        trial: bool = False,
    ) -> Fitted: ...


@dataclass(frozen=True)
class Linear:
    """Scores are weighted sums of the values."""

    coefficients: np.ndarray
    intercept: float

    def score(self, values: np.ndarray) -> np.ndarray:
        """One a sample."""
        return values @ self.coefficients + self.intercept


@dataclass(frozen=True)
class LinearPath:
    """Linear models, one a row of coefficients."""

    coefficients: np.ndarray
    intercepts: np.ndarray

    def score(self, values: np.ndarray) -> np.ndarray:
        """Samples x models."""
        return values @ self.coefficients.T + self.intercepts

    def last(self) -> Linear:
        """The last model."""
        return Linear(self.coefficients[-1], float(self.intercepts[-1]))


@dataclass(frozen=True)
class Dual:
    """Linear models that are weighted sums of the training samples.

    weights: models x training samples, of inner products per gene.
    """

    values: np.ndarray
    weights: np.ndarray
    intercepts: np.ndarray

    def score(self, values: np.ndarray) -> np.ndarray:
        """Samples x models."""
        return ridge.products(values, self.values) @ self.weights.T + self.intercepts

    def last(self) -> Linear:
        """The last model, as weights of genes."""
        weights = self.weights[-1] @ self.values.astype(float) / self.values.shape[1]
        return Linear(weights, float(self.intercepts[-1]))


@dataclass(frozen=True)
class Ridge:
    """Ridge logistic regression in the dual. A penalty is per gene."""

    tunings: np.ndarray
    logits = True

    def fit(self, values, is_case, tunings, rng, trial=False) -> Dual:
        """All penalties, to convergence."""
        path = ridge.fit_path(ridge.products(values, values), is_case, tunings)
        return Dual(values, path.weights, path.intercepts)


@dataclass(frozen=True)
class ElasticNet:
    """Elastic-net logistic regression on all genes, half of the penalty on absolute weights.

    tunings: penalties as shares of the smallest that gives no gene a weight.
    """

    tunings: np.ndarray
    logits = True

    def fit(self, values, is_case, tunings, rng, trial=False) -> LinearPath:
        """All penalties, to convergence."""
        sign = _sign(is_case)
        path = elastic_net.fit_path(values, is_case == is_case[0], tunings)
        return LinearPath(sign * path.coefficients, sign * path.intercepts)


@dataclass(frozen=True)
class Discriminant:
    """Linear discriminant (one covariance, priors as in training) of the genes with the largest t."""

    tunings: np.ndarray
    logits = True

    def fit(self, values, is_case, tunings, rng, trial=False) -> LinearPath:
        """Choose the panel and fit it. Nothing is tuned."""
        from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

        panel = strongest(t_statistics(values, is_case), PANEL)
        model = LinearDiscriminantAnalysis(solver="lsqr")
        model.fit(values[:, panel].astype(float), is_case == is_case[0])
        coefficients = np.zeros((1, values.shape[1]))
        coefficients[0, panel] = _sign(is_case) * model.coef_[0]
        return LinearPath(coefficients, _sign(is_case) * model.intercept_)


@dataclass(frozen=True)
class SupportVectors:
    """Linear support vector machine (hinge loss) in the dual.

    tunings: what a sample's loss costs, against values scaled so that a sample has length 1 on average.
    """

    tunings: np.ndarray
    logits = False

    def fit(self, values, is_case, tunings, rng, trial=False) -> Dual:
        """All costs, with a tight tolerance."""
        from sklearn.svm import SVC

        gram, sign = ridge.products(values, values), _sign(is_case)
        weights, intercepts = np.zeros((len(tunings), len(values))), np.zeros(len(tunings))
        for i, cost in enumerate(tunings):
            model = SVC(kernel="precomputed", C=cost, tol=1e-6).fit(gram, is_case == is_case[0])
            weights[i, model.support_] = sign * model.dual_coef_[0]
            intercepts[i] = sign * model.intercept_[0]
        return Dual(values, weights, intercepts)


@dataclass(frozen=True)
class Trees:
    """A random forest; its score is the logit of the share of cases that its trees find."""

    forest: object
    genes: np.ndarray
    coefficients: np.ndarray
    sign: float

    def score(self, values: np.ndarray) -> np.ndarray:
        """One a sample."""
        share = self.forest.predict_proba(values[:, self.genes])[:, 1]
        trees = len(self.forest.estimators_)
        return self.sign * logit((share * trees + 0.5) / (trees + 1))


@dataclass(frozen=True)
class OneModel:
    """A single model, nothing tuned."""

    predictor: Predictor

    def score(self, values: np.ndarray) -> np.ndarray:
        """Samples x 1."""
        return self.predictor.score(values)[:, None]

    def last(self) -> Predictor:
        """It."""
        return self.predictor


@dataclass(frozen=True)
class RandomForest:
    """Random forest of `TREES` trees on the `FOREST_GENES` genes with the largest t, chosen in training."""

    tunings: np.ndarray
    logits = False

    def fit(self, values, is_case, tunings, rng, trial=False) -> OneModel:
        """Grow it. Nothing is tuned."""
        from sklearn import config_context
        from sklearn.ensemble import RandomForestClassifier

        genes = np.sort(strongest(t_statistics(values, is_case), FOREST_GENES))
        forest = RandomForestClassifier(
            TRIAL_TREES if trial else TREES, random_state=int(rng.integers(2**31)), n_jobs=1
        )
        with config_context(skip_parameter_validation=True):  # half of the time otherwise
            forest.fit(values[:, genes], is_case == is_case[0])
        importance = np.zeros(values.shape[1])
        importance[genes] = forest.feature_importances_
        return OneModel(Trees(forest, genes, importance, _sign(is_case)))


NOTHING_TUNED = np.array([np.nan])
#: What a method is called in tables and figures.
NAMES: Mapping[str, str] = {
    "ridge": "ridge logistic regression",
    "elastic_net": "elastic-net logistic regression",
    "discriminant": f"linear discriminant of {PANEL} genes",
    "random_forest": "random forest",
    "svm": "linear support vector machine",
}


def method(name: str, penalties: np.ndarray) -> Method:
    """The method of that name in `NAMES`; `penalties` are ridge's."""
    return {
        "ridge": lambda: Ridge(penalties),
        "elastic_net": lambda: ElasticNet(np.geomspace(0.8, 0.05, 8)),
        "discriminant": lambda: Discriminant(NOTHING_TUNED),
        "random_forest": lambda: RandomForest(NOTHING_TUNED),
        "svm": lambda: SupportVectors(np.geomspace(1e-2, 100, 5)),
    }[name]()


def _sign(is_case: np.ndarray) -> float:
    return 1.0 if is_case[0] else -1.0
