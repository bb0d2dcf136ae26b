"""Inverted dropout."""

from __future__ import annotations

import math

import numpy as np

from striate._typing import FloatArray

from ._philox import words


def dropout(x: FloatArray, p: float, *, seed: int, offset: int = 0) -> FloatArray:
    """Zeroes each element with probability p and divides the others by 1 - p.

    Element i in C order is dropped when its random word is below floor(p * 2**32).
    """
    if not 0 <= p <= 1:
        raise ValueError(f"dropout: p must be in [0, 1]. Got p={p}.")
    if not 0 <= seed < 2**64:
        raise ValueError(f"dropout: seed must be in [0, 2**64). Got seed={seed}.")
    if not 0 <= offset < 2**62:
        raise ValueError(f"dropout: offset must be in [0, 2**62). Got offset={offset}.")
    if p == 1:
        return np.zeros(x.shape, x.dtype)
    kept = words(x.size, seed, offset) >= np.uint64(math.floor(p * 2**32))
    scale = x.dtype.type(1 / (1 - p))
    return np.where(kept.reshape(x.shape), x * scale, x.dtype.type(0))
