"""Dropout."""

from __future__ import annotations

from striate import _backend
from striate._typing import FloatArray


def dropout(x: FloatArray, p: float, *, seed: int, offset: int = 0) -> FloatArray:
    """Set random elements to 0 and scale up the others, so that the mean stays (inverted dropout).

    Formula: `y[i] = 0 if word[i] < floor(p * 2**32) else x[i] / (1 - p)`, where i counts the
    elements in C order and word[i] is word `i % 4` of Philox4x32-10 at the counter
    `offset + i // 4` under the key `seed`: the same on every machine, for every dtype, memory
    layout and number of threads.

    No mask is stored: the gradient is the same call, `dropout(dy, p, seed=seed, offset=offset)`.
    A call on n elements uses the counters from offset to `offset + (n + 3) // 4 - 1`; the next
    call with this seed starts behind them.

    Args:
        x: any shape.
        p: the probability with which an element is dropped, in [0, 1]; 1 gives zeros.
        seed: the key, in [0, 2**64).
        offset: the first counter, in [0, 2**62).

    Returns:
        y, of x's shape and dtype.

    Raises:
        ValueError: p, seed or offset is out of range.
        TypeError: x is no float32 or float64 array, or seed or offset is no int.

    References:
        Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting",
        JMLR 15 (2014), section 10 (scaling); Salmon et al., "Parallel random numbers: as easy as
        1, 2, 3", SC 2011 (Philox).

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> ops.dropout(np.ones(8), 0.5, seed=0).tolist()
        [0.0, 2.0, 2.0, 2.0, 2.0, 0.0, 2.0, 0.0]
    """
    return _backend.select("dropout", x=x).dropout(x, p, seed, offset)
