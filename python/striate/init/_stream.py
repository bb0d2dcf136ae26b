"""Deterministic random numbers for initial weights and dropout masks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import index
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from striate import _core
from striate._typing import FloatArray


class Stream:
    """A place in a sequence of random numbers: a Philox seed and the offset of the next draw.

    The numbers depend on seed and offset alone, not on NumPy's version, on the shape's split into
    calls, on threads or on the instruction set.

    Args:
        seed: an int in [0, 2**64).
        offset: how many counters of the sequence are used up; a draw of n numbers uses n / 2 of
            them, rounded up.

    Examples:
        >>> stream = Stream(0)
        >>> a, b = stream.normal((2, 3)), stream.normal((2, 3))
        >>> bool((a == b).any())
        False
        >>> bool((a == Stream(0).normal((2, 3))).all())
        True
        >>> Stream(0).fold_in("features.0.weight") == Stream(0).fold_in("features.3.weight")
        False
    """

    __slots__ = ("offset", "seed")

    def __init__(self, seed: int, offset: int = 0) -> None:
        if not 0 <= seed < 2**64:
            raise ValueError(f"Stream: seed must be in [0, 2**64). Got seed={seed}.")
        self.seed = seed
        self.offset = offset

    @classmethod
    def of(cls, rng: RngLike) -> Stream:
        """Make a stream of what users pass as `rng`: a Generator gives 64 bits and moves on."""
        if isinstance(rng, Stream):
            return rng
        if hasattr(rng, "__index__"):
            return cls(index(rng))
        # Last, as numpy.random is slow to import and NumPy does so at the first use.
        if isinstance(rng, np.random.Generator):
            return cls(int(rng.integers(0, 2**64, dtype=np.uint64)))
        raise TypeError(
            "rng must be an int, a numpy.random.Generator or a striate.init.Stream. "
            f"Got {type(rng).__name__}."
        )

    def fold_in(self, name: str) -> Stream:
        """Return the stream, at its beginning, of this seed combined with a name."""
        import hashlib  # it loads OpenSSL: not for those who only import striate

        # Not hash(), which differs from process to process.
        message = self.seed.to_bytes(8, "little") + name.encode()
        return Stream(int.from_bytes(hashlib.blake2b(message, digest_size=8).digest(), "little"))

    def uniform(
        self,
        shape: Sequence[int],
        low: float = 0.0,
        high: float = 1.0,
        dtype: npt.DTypeLike = "float32",
    ) -> FloatArray:
        """Draw from the uniform distribution on (low, high)."""
        offset = self._advance(shape)
        return _core.random_uniform(
            tuple(shape), self.seed, offset, low, high, np.dtype(dtype).name
        )

    def normal(
        self,
        shape: Sequence[int],
        mean: float = 0.0,
        std: float = 1.0,
        dtype: npt.DTypeLike = "float32",
    ) -> FloatArray:
        """Draw from the normal distribution."""
        offset = self._advance(shape)
        return _core.random_normal(tuple(shape), self.seed, offset, mean, std, np.dtype(dtype).name)

    def truncated_normal(
        self,
        shape: Sequence[int],
        mean: float = 0.0,
        std: float = 1.0,
        cut: float = 2.0,
        dtype: npt.DTypeLike = "float32",
    ) -> FloatArray:
        """Draw from the normal distribution within `cut` standard deviations of the mean.

        `std` is that of the whole distribution; what is left of it varies less.
        """
        offset = self._advance(shape)
        return _core.random_truncated_normal(
            tuple(shape), self.seed, offset, mean, std, cut, np.dtype(dtype).name
        )

    def _advance(self, shape: Sequence[int]) -> int:
        offset = self.offset
        self.offset += (math.prod(shape) + 1) // 2
        return offset

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Stream):
            return NotImplemented
        return (self.seed, self.offset) == (other.seed, other.offset)

    __hash__ = None  # type: ignore[assignment]  # drawing changes it

    def __repr__(self) -> str:
        return f"Stream(seed={self.seed}, offset={self.offset})"


RngLike: TypeAlias = "int | np.random.Generator | Stream"
