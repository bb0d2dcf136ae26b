"""Local response normalisation across channels."""

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
    """y = x * s**-beta with s = k + a * (sum of x**2 over the channel's window)."""
    a, before, after = _window("local_response_norm", x, size, alpha, region, convention)
    return x * (k + a * _channel_sum(x * x, before, after)) ** -beta


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

    The sum is over the channels c whose window holds i: the mirrored window.
    """
    a, before, after = _window("local_response_norm_grad", x, size, alpha, region, convention)
    s = k + a * _channel_sum(x * x, before, after)
    inner = _channel_sum(dy * x * s ** (-beta - 1), after, before)
    return dy * s**-beta - 2 * a * beta * x * inner


def _window(
    function: str,
    x: FloatArray,
    size: int,
    alpha: float,
    region: LrnRegion,
    convention: LrnConvention,
) -> tuple[float, int, int]:
    """The factor of the sum, and how many channels the window holds before and after its own."""
    if x.ndim < 2:
        raise ValueError(f"{function}: x must be (N, C, ...). Got shape {x.shape}.")
    if size < 1:
        raise ValueError(f"{function}: size must be at least 1. Got size={size}.")
    if region != "across":
        raise ValueError(
            f"{function}: only region='across' is available in this version. Got region={region!r}."
        )
    if convention == "torch":
        return alpha / size, size // 2, (size - 1) // 2
    if convention == "onnx":
        return alpha / size, (size - 1) // 2, size // 2
    if convention == "paper":
        return alpha, size // 2, size // 2
    raise ValueError(
        f"{function}: convention must be 'torch', 'onnx' or 'paper'. Got convention={convention!r}."
    )


def _channel_sum(a: FloatArray, before: int, after: int) -> FloatArray:
    """Sums over channels c - before to c + after, each window on its own."""
    channels = a.shape[1]
    widths = [(0, 0), (before, after)] + [(0, 0)] * (a.ndim - 2)
    padded = np.pad(a, widths)
    total = np.zeros_like(a)
    for shift in range(before + after + 1):
        total += padded[:, shift : shift + channels]
    return total
