"""Layer and group normalisation, and their gradients."""

from __future__ import annotations

from striate import _backend
from striate._typing import Axes, FloatArray


def layer_norm(
    x: FloatArray,
    gamma: FloatArray | None,
    beta: FloatArray | None,
    *,
    axes: Axes = -1,
    eps: float = 1e-5,
) -> FloatArray:
    """Normalise each sample by its own statistics along some axes.

    Formula: `y = (x - mean) / sqrt(var + eps) * gamma + beta`, with the mean and the biased
    variance along the axes. Both are computed from distances from values nearby, so that a large
    mean costs no digits.

    Args:
        x: any shape with the axes.
        gamma: of the axes' sizes, in x's order of axes; or None for ones.
        beta: of gamma's shape, or None for zeros.
        axes: an int or several; several must follow each other in x.
        eps: keeps the root away from 0.

    Returns:
        y, of x's shape and dtype.

    Raises:
        ValueError: axes are outside x or do not follow each other, gamma or beta has another shape,
            or eps is negative.
        TypeError: an array is not float32 or float64, or the dtypes differ.

    References:
        Ba, Kiros and Hinton, "Layer normalization", 2016, section 3.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> x = np.array([[1.0, 3.0], [10.0, 30.0]])
        >>> ops.layer_norm(x, np.array([1.0, 2.0]), None, eps=0.0).tolist()
        [[-1.0, 2.0], [-1.0, 2.0]]
        >>> ops.layer_norm(x.T, None, None, axes=0, eps=0.0).tolist()
        [[-1.0, -1.0], [1.0, 1.0]]
    """
    return _backend.select("layer_norm", x=x, gamma=gamma, beta=beta).layer_norm(
        x, gamma, beta, axes, eps
    )


def layer_norm_grad(
    dy: FloatArray,
    x: FloatArray,
    gamma: FloatArray | None,
    *,
    axes: Axes = -1,
    eps: float = 1e-5,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Gradients of `layer_norm`.

    Formula, with `z = (x - mean) / sqrt(var + eps)`, `g = dy * gamma` and means along the axes::

        dx = (g - mean(g) - z * mean(g * z)) / sqrt(var + eps)
        dgamma = sum(dy * z), dbeta = sum(dy)

    with the sums over the other axes. The statistics are computed again from x.

    Args:
        dy: the gradient with respect to the output, of x's shape and dtype.
        x: the input of `layer_norm`.
        gamma: as in `layer_norm`.
        axes: as in `layer_norm`.
        eps: as in `layer_norm`.

    Returns:
        (dx, dgamma, dbeta); the latter two have the axes' sizes, whether gamma is given or not.

    Raises:
        ValueError: as `layer_norm`, or dy and x differ in shape.
        TypeError: an array is not float32 or float64, or the dtypes differ.

    References:
        Ba, Kiros and Hinton, as in `layer_norm`, supplementary material.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> x, dy = np.array([[1.0, 3.0]]), np.array([[1.0, 2.0]])
        >>> dx, dgamma, dbeta = ops.layer_norm_grad(dy, x, None, eps=0.0)
        >>> dx.tolist(), dgamma.tolist(), dbeta.tolist()
        ([[0.0, 0.0]], [-1.0, 2.0], [1.0, 2.0])
    """
    return _backend.select("layer_norm_grad", dy=dy, x=x, gamma=gamma).layer_norm_grad(
        dy, x, gamma, axes, eps
    )


def group_norm(
    x: FloatArray,
    num_groups: int,
    gamma: FloatArray | None,
    beta: FloatArray | None,
    *,
    eps: float = 1e-5,
) -> FloatArray:
    """Normalise groups of channels of each sample by their own statistics.

    Formula: `y[n, c] = (x[n, c] - mean[n, g]) / sqrt(var[n, g] + eps) * gamma[c] + beta[c]`, with
    the mean and the biased variance of all values of c's group g, which is
    `c // (C / num_groups)`, in the sample n.

    Args:
        x: (N, C) or (N, C, ...).
        num_groups: divides C. One group normalises whole samples, C groups each channel alone.
        gamma: (C,), or None for ones.
        beta: (C,), or None for zeros.
        eps: keeps the root away from 0.

    Returns:
        y, of x's shape and dtype.

    Raises:
        ValueError: num_groups does not divide C, a shape does not fit, or eps is negative.
        TypeError: an array is not float32 or float64, or the dtypes differ.

    References:
        Wu and He, "Group normalization", ECCV 2018, section 3.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> x = np.array([[1.0, 3.0, 10.0, 30.0]])
        >>> ops.group_norm(x, 2, None, None, eps=0.0).tolist()
        [[-1.0, 1.0, -1.0, 1.0]]
    """
    return _backend.select("group_norm", x=x, gamma=gamma, beta=beta).group_norm(
        x, num_groups, gamma, beta, eps
    )


def group_norm_grad(
    dy: FloatArray,
    x: FloatArray,
    num_groups: int,
    gamma: FloatArray | None,
    *,
    eps: float = 1e-5,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Gradients of `group_norm`.

    Formula: as in `layer_norm_grad`, with the statistics and means of each sample's groups, and
    the sums of dgamma and dbeta over all but the channels.

    Args:
        dy: the gradient with respect to the output, of x's shape and dtype.
        x: the input of `group_norm`.
        num_groups: as in `group_norm`.
        gamma: as in `group_norm`.
        eps: as in `group_norm`.

    Returns:
        (dx, dgamma, dbeta), of the shapes of x, (C,) and (C,), whether gamma is given or not.

    Raises:
        ValueError: as `group_norm`, or dy and x differ in shape.
        TypeError: an array is not float32 or float64, or the dtypes differ.

    References:
        Wu and He, as in `group_norm`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> x, dy = np.array([[1.0, 3.0]]), np.array([[1.0, 2.0]])
        >>> dx, dgamma, dbeta = ops.group_norm_grad(dy, x, 1, None, eps=0.0)
        >>> dx.tolist(), dgamma.tolist(), dbeta.tolist()
        ([[0.0, 0.0]], [-1.0, 2.0], [1.0, 2.0])
    """
    return _backend.select("group_norm_grad", dy=dy, x=x, gamma=gamma).group_norm_grad(
        dy, x, num_groups, gamma, eps
    )
