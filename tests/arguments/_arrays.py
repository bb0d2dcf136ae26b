"""What arguments are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import as_strided

# A call that is right, by the arguments' names, for each op.
Call: TypeAlias = Callable[[], dict[str, Any]]
Good: TypeAlias = dict[str, Call]
# op, error, what the message holds, the arguments that are changed
BadValue: TypeAlias = tuple[str, type[Exception], list[str], dict[str, Any]]


def f64(*shape: int) -> Any:
    return np.ones(shape)


def f32(*shape: int) -> Any:
    return np.ones(shape, np.float32)


def ints(*shape: int) -> Any:
    return np.zeros(shape, np.int64)


def huge(*shape: int, dtype: Any = np.float32) -> Any:
    """An array of this shape that is a single number in memory."""
    return as_strided(np.zeros(1, dtype), shape, (0,) * len(shape))


def read_only(a: Any) -> Any:
    a.flags.writeable = False
    return a
