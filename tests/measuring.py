"""What something takes of the processor, on a machine that has other work too."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable


def processor_seconds(act: Callable[[], object], *, times: int = 3) -> float:
    """The least that `act` takes in so many turns: what else a machine does only adds to it. What earlier tests left
    in the process is no garbage of this one, so that the collector does not look at it meanwhile."""
    took = []
    gc.collect()
    gc.freeze()
    try:
        for _ in range(times):
            began = time.process_time()
            act()
            took.append(time.process_time() - began)
    finally:
        gc.unfreeze()
    return min(took)
