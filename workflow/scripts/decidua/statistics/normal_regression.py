"""A linear regression that draws: what a chained imputation of scikit-learn asks of its equations."""

import numpy as np
from numpy.typing import ArrayLike
from sklearn.linear_model import LinearRegression


class NormalRegression(LinearRegression):
    """Least squares without any penalty, with the standard deviation of the residuals.

    scikit-learn's default for imputation, BayesianRidge, shrinks all coefficients by one penalty, whatever
    the scales of the columns: imputed values then follow the outcome too little, and so does what is
    estimated from them.
    """

    def fit(self, x: np.ndarray, y: np.ndarray) -> "NormalRegression":
        super().fit(x, y)
        spare = max(len(y) - x.shape[1] - 1, 1)
        self.residual_sd_ = float(np.sqrt(((y - super().predict(x)) ** 2).sum() / spare))
        return self

    def predict(self, x: ArrayLike, return_std: bool = False) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
        """The mean of each draw and, if asked, its standard deviation."""
        mean = super().predict(x)
        return (mean, np.full(len(mean), self.residual_sd_)) if return_std else mean
