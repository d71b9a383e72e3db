"""What is a subgroup of samples called? By who is in it, and by its immune score."""

from collections.abc import Sequence

import numpy as np

CONTROLS_ONLY, MIXED, CASES, IMMUNE_HIGH = "controls only", "mixed", "cases", "cases immune-high"
#: Share of the other class up to which a subgroup bears the name of one.
OTHERS = 0.1
#: The variable and quantity under which a results table says how many subgroups there are.
NUMBER = "number of subgroups"
#: The quantity of their association with what was handled together.
WITH_BATCH = "Cramér's V with the batch"


def names(case_shares: Sequence[float], immune: Sequence[float], sizes: Sequence[int]) -> list[str]:
    """What subgroups are called, by their composition and their mean immune score.

    At most a tenth of cases: controls only. At least nine tenths: cases, and immune-high the one whose score
    is the highest of all subgroups, if it is one of them. The others: mixed. Of the same name the largest is
    number 1.

    Args:
        immune: mean immune score of each subgroup; NaN when no signature could be scored.
    """
    called = [_kind(share) for share in case_shares]
    if len(called) > 1 and not np.isnan(immune).any():
        highest = int(np.argmax(immune))
        if called[highest] == CASES:
            called[highest] = IMMUNE_HIGH
    order = sorted(range(len(called)), key=lambda place: (-sizes[place], place))
    for name in {name for name in called if called.count(name) > 1}:
        for number, place in enumerate([place for place in order if called[place] == name], start=1):
            called[place] = f"{name} {number}"
    return called


def _kind(case_share: float) -> str:
    if case_share <= OTHERS:
        return CONTROLS_ONLY
    return CASES if 1 - case_share <= OTHERS + 1e-9 else MIXED
