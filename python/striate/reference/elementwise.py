"""Sums and products of two arrays of one shape."""

from __future__ import annotations

import numpy as np

from striate._typing import Activation, FloatArray

from .activation import activate, mask_grad


@np.errstate(invalid="ignore")  # infinity minus infinity
def add(a: FloatArray, b: FloatArray, *, activation: Activation = None) -> FloatArray:
    """a + b, and perhaps a ReLU."""
    return activate("add", np.asarray(a + b), activation)


def add_grad(dy: FloatArray, *, y: FloatArray | None = None) -> FloatArray:
    """dy, masked where the fused ReLU's output y is given."""
    return np.array(mask_grad(dy, y))


def mul(a: FloatArray, b: FloatArray) -> FloatArray:
    """a * b."""
    return np.asarray(a * b)


def mul_grad(dy: FloatArray, a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(dy * b, dy * a)."""
    return np.asarray(dy * b), np.asarray(dy * a)
