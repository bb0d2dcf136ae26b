"""Philox4x32-10, a counter-based random generator (Salmon et al., SC 2011)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_MULTIPLIERS = np.array([0xD2511F53, 0xCD9E8D57], np.uint64)
_WEYL = np.array([0x9E3779B9, 0xBB67AE85], np.uint32)
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)


def philox4x32(counters: npt.NDArray[np.uint32], key: tuple[int, int]) -> npt.NDArray[np.uint32]:
    """Four random words for each counter; counters are (..., 4), least significant word first."""
    c0, c1, c2, c3 = np.moveaxis(counters.astype(np.uint64), -1, 0)
    round_key = np.array(key, np.uint32)
    for _ in range(10):
        k0, k1 = round_key.astype(np.uint64)
        product0, product1 = _MULTIPLIERS[0] * c0, _MULTIPLIERS[1] * c2
        c0, c1 = (product1 >> _HALF) ^ c1 ^ k0, product1 & _LOW
        c2, c3 = (product0 >> _HALF) ^ c3 ^ k1, product0 & _LOW
        round_key = round_key + _WEYL
    return np.stack([c0, c1, c2, c3], axis=-1).astype(np.uint32)


def words(count: int, seed: int, offset: int) -> npt.NDArray[np.uint32]:
    """`count` words: word i is lane i % 4 of the counter offset + i // 4, under the key `seed`."""
    numbers = np.uint64(offset) + np.arange((count + 3) // 4, dtype=np.uint64)
    zeros = np.zeros_like(numbers)
    counters = np.stack([numbers & _LOW, numbers >> _HALF, zeros, zeros], axis=-1)
    key = (seed & 0xFFFFFFFF, seed >> 32)
    return philox4x32(counters.astype(np.uint32), key).reshape(-1)[:count]
