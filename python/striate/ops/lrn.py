"""Local response normalisation and its gradient."""

from __future__ import annotations

from striate import _backend
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
    """Divide each value by the energy around it, in neighbouring channels or within its own.

    Formula::

        y[n, c] = x[n, c] / (k + a * sum over i in window(c) of x[n, i]**2) ** beta

    where channels outside [0, C) do not take part. `a` and the window depend on the convention:

    ==========  ============  ==========================================
    convention  a             window(c), both ends included
    ==========  ============  ==========================================
    "torch"     alpha / size  c - size // 2       to  c + (size - 1) // 2
    "onnx"      alpha / size  c - (size - 1) // 2 to  c + size // 2
    "paper"     alpha         c - size // 2       to  c + size // 2
    ==========  ============  ==========================================

    For an odd size the three windows are one. "torch" is also Caffe's formula (odd sizes), "paper"
    also TensorFlow's with depth_radius = size // 2.

    With region="within" the sum is over the `size` by `size` window around the value in its own
    plane, of which what lies outside takes no part, and `a = alpha / size**2` at the borders too,
    whatever the convention: Caffe's formula, but for k, which is 1 there.

    Args:
        x: (N, C, ...); (N, C, H, W) with region="within".
        size: the window's number of channels, or its side, which is odd.
        alpha: the weight of the sum; AlexNet's values are size=5, alpha=1e-4, beta=0.75, k=2 with
            convention="paper".
        beta: the exponent.
        k: the term that keeps the divisor away from 0.
        region: "across" channels or "within" each one.
        convention: "torch", "onnx" or "paper".

    Returns:
        y, of x's shape and dtype.

    Raises:
        ValueError: x has fewer than two axes, size is below 1, a name is unknown, or with
            region="within" x has not four axes or size is even.
        TypeError: x is no float32 or float64 array.

    References:
        Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep convolutional neural
        networks", NIPS 2012, section 3.3.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> x = np.array([[1.0, 2.0, 0.0]])
        >>> ops.local_response_norm(x, 3, alpha=3.0, beta=1.0, k=5.0).round(6).tolist()
        [[0.1, 0.2, 0.0]]
        >>> y = ops.local_response_norm(x, 3, alpha=1.0, beta=1.0, k=5.0, convention="paper")
        >>> y.round(6).tolist()
        [[0.1, 0.2, 0.0]]
        >>> x = np.array([[[[1.0, 2.0, 0.0]]]])
        >>> y = ops.local_response_norm(x, 3, alpha=9.0, beta=1.0, k=5.0, region="within")
        >>> y.round(6).tolist()
        [[[[0.1, 0.2, 0.0]]]]
    """
    return _backend.select("local_response_norm", x=x).local_response_norm(
        x, size, alpha, beta, k, region, convention
    )


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
    """Gradient of `local_response_norm` with respect to its input.

    Formula, with s the sum that is raised to beta in the forward formula::

        dx[n, i] = dy[n, i] * s[n, i]**-beta
            - 2 * a * beta * x[n, i] * sum of dy[n, c] * x[n, c] * s[n, c]**(-beta - 1)

    where the sum is over the channels c whose window holds i; with region="within", over the places
    of its plane whose window holds it.

    Args:
        dy: (N, C, ...).
        x: the forward's input, of dy's shape and dtype.
        size: as in `local_response_norm`; so also all that follow.
        alpha: see size.
        beta: see size.
        k: see size.
        region: see size.
        convention: see size.

    Returns:
        dx, of dy's shape and dtype.

    Raises:
        ValueError: as `local_response_norm`, or dy and x differ in shape.
        TypeError: an array is not float32 or float64, or the dtypes differ.

    References:
        As in `local_response_norm`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> x, dy = np.array([[1.0, 2.0]]), np.array([[16.0, 0.0]])
        >>> ops.local_response_norm_grad(dy, x, 3, alpha=3.0, beta=1.0, k=3.0).round(6).tolist()
        [[1.5, -1.0]]
    """
    return _backend.select("local_response_norm_grad", dy=dy, x=x).local_response_norm_grad(
        dy, x, size, alpha, beta, k, region, convention
    )
