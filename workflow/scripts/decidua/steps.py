"""How far is a job's work that takes longer than a person waits without a sign?"""

import logging
import sys
import time
from collections.abc import Callable, Collection, Iterator
from typing import TypeVar

Item = TypeVar("Item")

#: Seconds after which the first and each further line is said.
EVERY = 10.0
log = logging.getLogger(__name__)


def steps(items: Collection[Item], what: str, clock: Callable[[], float] = time.monotonic) -> Iterator[Item]:
    """The items one by one, with a line on the terminal and in the log after every ten seconds of work.

    Args:
        what: what is done with each, such as "imputation".
    """
    said = clock()
    for number, item in enumerate(items, start=1):
        yield item
        if clock() - said >= EVERY:
            said = clock()
            line = f"{what}: {number} of {len(items)} done"
            log.info(line)
            print(line, file=sys.stderr, flush=True)
