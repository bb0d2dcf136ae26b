"""The few things that layers do to arrays outside `striate.ops`."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import numpy.typing as npt

from striate import _backend
from striate._typing import FloatArray


def own_copy(function: str, array: npt.ArrayLike, dtype: np.dtype[Any] | None = None) -> FloatArray:
    """Copy into a C-contiguous array in native byte order, of `dtype` if given: nothing is cast."""
    on_cuda = _backend.device_of(array) == "cuda"
    array = cast("FloatArray", array) if on_cuda else np.asarray(array)
    native = array.dtype.newbyteorder("=")
    if native not in (np.float32, np.float64):
        raise TypeError(f"{function}: data must be float32 or float64. Got {array.dtype}.")
    if dtype is not None and native != dtype:
        raise TypeError(f"{function}: data must be {dtype}; astype() changes that. Got {native}.")
    if on_cuda:
        copy: FloatArray = _backend.own_copy(array)
        return copy
    return np.array(array, dtype=native, order="C")


def moved(a: FloatArray, b: FloatArray, weight: float, *, scale: float = 1.0) -> FloatArray:
    """Return `a` moved by `weight` towards `scale * b`, in a new array."""
    return (1 - weight) * a + (weight * scale) * b
