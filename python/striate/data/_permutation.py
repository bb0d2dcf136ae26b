"""Shuffling."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from striate.init import Stream


def permutation(count: int, rng: Stream) -> npt.NDArray[np.intp]:
    """Shuffle range(count): the order that sorts as many uniform numbers.

    Unlike NumPy's own shuffling, it is the same for every version of NumPy.
    """
    return np.argsort(rng.uniform((count,), dtype=np.float64), kind="stable")
