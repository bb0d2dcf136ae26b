"""Arrays of a layer that are saved with its parameters, but not trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from striate import _backend
from striate._typing import FloatArray
from striate.init import Fans, Initializer, Stream

from ._tensor import own_copy


class Buffer:
    """An array that a layer's `vjp` changes, such as a running mean.

    Buffers that are assigned as attributes belong to the layer and are in its `state_dict`; no
    optimizer changes them, and pullbacks do not mind their changes.

    Args:
        init: its first value, which depends on the shape alone.
        shape: of the array.
        dtype: float32 or float64.

    Attributes:
        data: the array. It is replaced, never written to.

    Examples:
        >>> from striate import init, nn
        >>> nn.Buffer(init.ones(), (2,)).data
        array([1., 1.], dtype=float32)
    """

    def __init__(
        self, init: Initializer, shape: Sequence[int], dtype: npt.DTypeLike = "float32"
    ) -> None:
        self._init = init
        self.shape = tuple(shape)
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.device = "cpu"
        self.data: FloatArray
        self.reset()

    def reset(self) -> None:
        """Go back to the first value."""
        first = self._init(self.shape, Fans(1, 1), Stream(0), self.dtype)
        self.data = _backend.move(own_copy("Buffer", first), self.device)

    def adopt(self, array: FloatArray) -> None:
        """Take another array, of this shape and dtype."""
        self.data = array

    def checked(self, function: str, array: npt.ArrayLike) -> FloatArray:
        """Return a copy that fits this shape and dtype, or raise."""
        if np.shape(array) != self.shape:
            raise ValueError(f"{function}: shape must be {self.shape}. Got {np.shape(array)}.")
        copy: FloatArray = _backend.move(own_copy(function, array, self.dtype), self.device)
        return copy

    def astype(self, dtype: npt.DTypeLike) -> Buffer:
        """Convert to float32 or float64, in place, and return the buffer."""
        self.dtype = np.dtype(dtype)
        self.data = own_copy("Buffer.astype", self.data.astype(self.dtype))
        return self

    def to(self, device: str) -> Buffer:
        """Move the data, in place, and return the buffer."""
        self.device = device
        self.data = _backend.move(self.data, device)
        return self

    def __repr__(self) -> str:
        return f"Buffer(shape={self.shape}, dtype={self.dtype})"
