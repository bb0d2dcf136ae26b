"""A stand-in for CuPy whose device is the host, for the CUDA kernels compiled for it.

It has what striate asks of CuPy, computed by NumPy, so that networks train on the emulated device
through the adapter that CuPy itself has.
"""

from __future__ import annotations

import contextlib
import importlib.machinery
import types
from collections.abc import Callable
from typing import Any

import numpy as np


def _unwrap(value: Any) -> Any:
    return value.values if isinstance(value, ndarray) else value


def _wrapped(operation: Callable[..., Any]) -> Callable[..., ndarray]:
    return lambda *args: ndarray(operation(*map(_unwrap, args)))


class ndarray:
    """Shows its memory to kernels, and to nobody else: NumPy's functions do not take it."""

    __array__ = None

    def __init__(self, values: Any) -> None:
        self.values = np.asarray(values)
        self.device = types.SimpleNamespace(id=0)

    shape = property(lambda self: self.values.shape)
    size = property(lambda self: self.values.size)
    ndim = property(lambda self: self.values.ndim)
    dtype = property(lambda self: self.values.dtype)
    strides = property(lambda self: self.values.strides)
    flags = property(lambda self: self.values.flags)
    data = property(lambda self: types.SimpleNamespace(ptr=self.values.ctypes.data))
    __cuda_array_interface__ = property(lambda self: self.values.__array_interface__)

    def reshape(self, *shape: Any) -> ndarray:
        return ndarray(self.values.reshape(*shape))

    def copy(self) -> ndarray:
        return ndarray(self.values.copy())

    def astype(self, dtype: Any) -> ndarray:
        return ndarray(self.values.astype(dtype))

    def argmax(self, axis: int) -> ndarray:
        return ndarray(self.values.argmax(axis))

    def sum(self) -> ndarray:
        return ndarray(self.values.sum())

    def __getitem__(self, place: Any) -> ndarray:
        return ndarray(self.values[place])

    def __len__(self) -> int:
        return len(self.values)

    def __float__(self) -> float:
        return float(self.values)

    def __int__(self) -> int:
        return int(self.values)

    __add__ = __radd__ = _wrapped(np.add)
    __mul__ = __rmul__ = _wrapped(np.multiply)
    __eq__ = _wrapped(np.equal)  # type: ignore[assignment]
    __hash__ = None  # type: ignore[assignment]

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function not in (np.full_like, np.zeros_like, np.shape):
            return NotImplemented
        result = function(*map(_unwrap, args), **kwargs)
        return ndarray(result) if isinstance(result, np.ndarray) else result


ndarray.__module__ = "cupy"


def module() -> types.ModuleType:
    """The module `cupy`."""
    cupy: Any = types.ModuleType("cupy")
    cupy.__spec__ = importlib.machinery.ModuleSpec("cupy", None)
    cupy.ndarray = ndarray
    cupy.asarray = lambda a: a if isinstance(a, ndarray) else ndarray(np.array(a, order="C"))
    cupy.array = lambda a, order, copy: ndarray(np.array(_unwrap(a), order=order, copy=copy))
    cupy.asnumpy = lambda a: a.values.copy()
    cupy.empty = lambda shape, dtype: ndarray(
        np.full(shape, np.nan if dtype[0] == "f" else -1, dtype)
    )
    cupy.cuda = types.SimpleNamespace(
        Device=lambda number: contextlib.nullcontext(),
        get_current_stream=lambda: types.SimpleNamespace(ptr=77),
    )
    return cupy  # type: ignore[no-any-return]
