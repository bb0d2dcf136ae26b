"""Local response normalisation."""

from __future__ import annotations

import numpy as np

from striate._typing import FloatArray, LrnConvention, LrnRegion


def local_response_norm(
    x: FloatArray,
    size: int = 5,
    *,
    alpha: float = 1e-4,
    beta: float = 0.75,
    k: float = 1.0,
    region: LrnRegion = "across",
    convention: LrnConvention = "torch",
) -> FloatArray:
    """y = x * s**-beta with s = k + a * (sum of x**2 over the window)."""
    a, axes, before, after = _window("local_response_norm", x, size, alpha, region, convention)
    return x * (k + a * _window_sum(x * x, axes, before, after)) ** -beta


def local_response_norm_grad(
    dy: FloatArray,
    x: FloatArray,
    size: int = 5,
    *,
    alpha: float = 1e-4,
    beta: float = 0.75,
    k: float = 1.0,
    region: LrnRegion = "across",
    convention: LrnConvention = "torch",
) -> FloatArray:
    """dx[i] = dy[i] s[i]**-beta - 2 a beta x[i] * (sum of dy[c] x[c] s[c]**(-beta-1)).

    The sum is over the places c whose window holds i: the mirrored window.
    """
    a, axes, before, after = _window("local_response_norm_grad", x, size, alpha, region, convention)
    s = k + a * _window_sum(x * x, axes, before, after)
    inner = _window_sum(dy * x * s ** (-beta - 1), axes, after, before)
    return dy * s**-beta - 2 * a * beta * x * inner


def _window(
    function: str,
    x: FloatArray,
    size: int,
    alpha: float,
    region: LrnRegion,
    convention: LrnConvention,
) -> tuple[float, list[int], int, int]:
    """The factor of the sum, its axes, and how far the window reaches before and after its own."""
    if x.ndim < 2:
        raise ValueError(f"{function}: x must be (N, C, ...). Got shape {x.shape}.")
    if size < 1:
        raise ValueError(f"{function}: size must be at least 1. Got size={size}.")
    windows = {
        "torch": (alpha / size, [1], size // 2, (size - 1) // 2),
        "onnx": (alpha / size, [1], (size - 1) // 2, size // 2),
        "paper": (alpha, [1], size // 2, size // 2),
    }
    if convention not in windows:
        raise ValueError(
            f"{function}: convention must be 'torch', 'onnx' or 'paper'. "
            f"Got convention={convention!r}."
        )
    if region == "across":
        return windows[convention]
    if region != "within":
        raise ValueError(f"{function}: region must be 'across' or 'within'. Got region={region!r}.")
    if size % 2 == 0 or x.ndim != 4:
        raise ValueError(
            f"{function}: region='within' needs an odd size and x of (N, C, H, W). "
            f"Got size={size}, shape {x.shape}."
        )
    return alpha / size**2, [2, 3], size // 2, size // 2


def _window_sum(a: FloatArray, axes: list[int], before: int, after: int) -> FloatArray:
    """Sums over positions i - before to i + after of each axis, each window on its own."""
    for axis in axes:
        size = a.shape[axis]
        reach = [
            (min(before, size), min(after, size)) if i == axis else (0, 0) for i in range(a.ndim)
        ]
        padded = np.moveaxis(np.pad(a, reach), axis, 0)
        total = np.zeros_like(np.moveaxis(a, axis, 0))
        for shift in range(sum(reach[axis]) + 1):
            total += padded[shift : shift + size]
        a = np.ascontiguousarray(np.moveaxis(total, 0, axis))
    return a
