"""How do other methods do in the same folds? Compared, not chosen from."""

from collections.abc import Mapping

import pandas as pd

from decidua import results
from decidua.learning.methods import NAMES
from decidua.learning.performance import WITHIN, summary

ANALYSIS = "methods"
CONFIGURED, CHALLENGER = "method in use", "challenger"
QUANTITIES = (WITHIN, "accuracy", "majority rate", "Brier score", "Brier score of the class shares alone")


def method_table(
    predictions: Mapping[str, pd.DataFrame | str], configured: str, study: str, confidence: float = 0.95
) -> pd.DataFrame:
    """Performance of every method, as a results table.

    Args:
        predictions: for each method of `decidua.learning.methods.NAMES` its held-out predictions, all of the
            same folds, or why there are none.
        configured: the method in use.
        study: the population of the rows.

    Returns:
        One row a method and quantity of `QUANTITIES`; variable: the method's name, level: whether it is the
        method in use or a challenger. `reason` holds a caution, or why a method gave nothing.
    """
    tables = [
        _rows(found, NAMES[name], CONFIGURED if name == configured else CHALLENGER, study, confidence)
        for name, found in predictions.items()
    ]
    return pd.concat(tables, ignore_index=True)


def _rows(found: pd.DataFrame | str, name: str, role: str, study: str, confidence: float) -> pd.DataFrame:
    place = {"analysis": ANALYSIS, "population": study, "variable": name, "level": role}
    if isinstance(found, str):
        return results.frame(
            results.not_estimable(found, quantity=quantity, **place) for quantity in QUANTITIES
        )
    table = summary(found, study, name, confidence)
    chosen = table[table["quantity"].isin(QUANTITIES)]
    return results.frame(row | place for row in chosen.to_dict("records"))
