"""Which rows, one a woman, carry what a paper printed about its cohort, and what can no rows carry?

`rebuild` calls the steps in their order: `dealing` hands the printed counts, and the values of `moments`, to
women; `fitting` swaps covariates until the regressions print as published; `marker_values` draws measured
values; `checks` recomputes every printed number from the rows. `facts` is what they all read the paper with.
"""

from decidua.reconstruction.rebuild import Reconstruction, reconstruct

__all__ = ["Reconstruction", "reconstruct"]
