"""Layer and group normalisation."""

from __future__ import annotations

import numpy as np

from striate._typing import Axes, FloatArray


def layer_norm(
    x: FloatArray,
    gamma: FloatArray | None,
    beta: FloatArray | None,
    *,
    axes: Axes = -1,
    eps: float = 1e-5,
) -> FloatArray:
    """(x - mean) / sqrt(var + eps) * gamma + beta, with the statistics along the axes."""
    along = _places("layer_norm", x, axes)
    y, _ = _normalized(x, along, eps)
    if gamma is not None:
        y = y * _spread(gamma, x, along)
    return y if beta is None else y + _spread(beta, x, along)


def layer_norm_grad(
    dy: FloatArray,
    x: FloatArray,
    gamma: FloatArray | None,
    *,
    axes: Axes = -1,
    eps: float = 1e-5,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """dx, dgamma and dbeta."""
    along = _places("layer_norm_grad", x, axes)
    others = tuple(axis for axis in range(x.ndim) if axis not in along)
    z, scale = _normalized(x, along, eps)
    g = dy if gamma is None else dy * _spread(gamma, x, along)
    dx = scale * (g - _mean(g, along) - z * _mean(g * z, along))
    return dx, (dy * z).sum(others), dy.sum(others)


def group_norm(
    x: FloatArray,
    num_groups: int,
    gamma: FloatArray | None,
    beta: FloatArray | None,
    *,
    eps: float = 1e-5,
) -> FloatArray:
    """The same with the statistics of groups of channels, and a scale for each channel."""
    groups = _groups("group_norm", x, num_groups)
    y = _normalized(groups, (2,), eps)[0].reshape(x.shape)
    if gamma is not None:
        y = y * _spread(gamma, x, (1,))
    return y if beta is None else y + _spread(beta, x, (1,))


def group_norm_grad(
    dy: FloatArray,
    x: FloatArray,
    num_groups: int,
    gamma: FloatArray | None,
    *,
    eps: float = 1e-5,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """dx, dgamma and dbeta."""
    groups = _groups("group_norm_grad", x, num_groups)
    z, scale = _normalized(groups, (2,), eps)
    g = (dy if gamma is None else dy * _spread(gamma, x, (1,))).reshape(groups.shape)
    dx = scale * (g - _mean(g, (2,)) - z * _mean(g * z, (2,)))
    others = (0, *range(2, x.ndim))
    return dx.reshape(x.shape), (dy * z.reshape(x.shape)).sum(others), dy.sum(others)


def _normalized(x: FloatArray, along: tuple[int, ...], eps: float) -> tuple[FloatArray, FloatArray]:
    """(x - mean) / sqrt(var + eps), and 1 / sqrt(var + eps)."""
    centred = x - _mean(x, along)
    centred = centred - _mean(centred, along)  # what rounding has left
    scale = 1 / np.sqrt(_mean(np.square(centred), along) + eps)
    return centred * scale, scale


def _mean(x: FloatArray, along: tuple[int, ...]) -> FloatArray:
    """The mean along some axes, which stay; 0 of nothing."""
    if not x.size:
        return np.zeros([1 if axis in along else n for axis, n in enumerate(x.shape)], x.dtype)
    mean: FloatArray = x.mean(along, keepdims=True)
    return mean


def _places(function: str, x: FloatArray, axes: Axes) -> tuple[int, ...]:
    given = axes if isinstance(axes, tuple) else (axes,)
    along = sorted(range(x.ndim)[axis] for axis in given)
    if not along or along != list(range(along[0], along[0] + len(along))):
        raise ValueError(
            f"{function}: axes must be different ones that follow each other. Got axes={axes}."
        )
    return tuple(along)


def _groups(function: str, x: FloatArray, num_groups: int) -> FloatArray:
    """x as (N, groups, values of a group)."""
    if num_groups < 1 or x.shape[1] % num_groups:
        raise ValueError(
            f"{function}: num_groups must divide C. Got num_groups={num_groups}, C={x.shape[1]}."
        )
    if not x.size:
        return x.reshape(x.shape[0], num_groups, 0)
    return x.reshape(x.shape[0], num_groups, -1)


def _spread(values: FloatArray, x: FloatArray, along: tuple[int, ...]) -> FloatArray:
    """Values for some axes, in the shape that goes with x."""
    return values.reshape([n if axis in along else 1 for axis, n in enumerate(x.shape)])
