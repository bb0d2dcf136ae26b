"""Initializers whose weights are not drawn one by one: orthogonal, identity, sparse."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from striate._typing import FloatArray

from ._fans import Fans
from ._stream import RngLike, Stream


@dataclass(frozen=True)
class orthogonal:
    """Orthonormal rows, or columns where there are fewer of these, times `gain`.

    The first axis counts the rows; all others together count the columns. Each group of a grouped
    convolution is a matrix of its own, else the rows of a depthwise one would be far too short. The
    matrix is the Q of a normal one's QR decomposition with R's diagonal positive, so that all
    orthogonal matrices are equally likely.

    Raises:
        ValueError: if the shape has fewer than two axes.

    References:
        Saxe, McClelland and Ganguli, Exact solutions to the nonlinear dynamics of learning in deep
        linear neural networks (2014).

    Examples:
        >>> w = orthogonal()((3, 5), Fans(5, 3), 0, "float64")
        >>> bool(abs(w @ w.T - np.eye(3)).max() < 1e-14)
        True
    """

    gain: float = 1.0

    def __call__(
        self, shape: Sequence[int], fans: Fans, rng: RngLike, dtype: npt.DTypeLike
    ) -> FloatArray:
        groups, rows, columns = _matrices("orthogonal", shape, fans)
        stream = Stream.of(rng)
        result = np.empty((groups, rows, columns), dtype)
        for matrix in result:
            drawn = stream.normal((rows, columns), dtype="float64")
            q, r = np.linalg.qr(drawn if rows >= columns else drawn.T)
            q = q * np.where(np.diag(r) < 0, -1.0, 1.0)
            matrix[...] = self.gain * (q if rows >= columns else q.T)
        return result.reshape(tuple(shape))


@dataclass(frozen=True)
class identity:
    """The layer that returns its input, times `gain`: an identity matrix, or a Dirac kernel.

    A convolution's kernel has a 1 at its centre from each channel to the same one; of an even
    kernel, at the place that padding="same" makes the centre, (K - 1) // 2. Where a group has more
    outputs than inputs, or the other way round, what is over stays zero.

    Raises:
        ValueError: if the shape has fewer than two axes.

    References:
        Zagoruyko and Komodakis, DiracNets (2017).

    Examples:
        >>> identity()((2, 3), Fans(3, 2), 0, "float32")
        array([[1., 0., 0.],
               [0., 1., 0.]], dtype=float32)
        >>> identity()((1, 1, 3), Fans(3, 3), 0, "float32")
        array([[[0., 1., 0.]]], dtype=float32)
    """

    gain: float = 1.0

    def __call__(
        self, shape: Sequence[int], fans: Fans, rng: RngLike, dtype: npt.DTypeLike
    ) -> FloatArray:
        groups, rows, _ = _matrices("identity", shape, fans)
        result = np.zeros(shape, dtype)
        centre: tuple[Any, ...] = tuple((size - 1) // 2 for size in shape[2:])
        same = np.arange(min(rows, shape[1]))
        for group in range(groups):
            result[(group * rows + same, same, *centre)] = self.gain
        return result


@dataclass(frozen=True)
class sparse:
    """The normal distribution, with a part `sparsity` of each unit's incoming weights zero.

    Of each row of the first axis, round(sparsity * its size) weights are zero, at random places.
    (PyTorch thins out the columns instead: the weights that leave an input.)

    Args:
        sparsity: the part that is zero, in [0, 1].
        std: the standard deviation of the others.

    Raises:
        ValueError: if sparsity or std is out of range, or the shape has fewer than two axes.

    References:
        Martens, Deep learning via Hessian-free optimization (2010), section 5.

    Examples:
        >>> w = sparse(0.75)((3, 8), Fans(8, 3), 0, "float32")
        >>> (w != 0).sum(axis=1).tolist()
        [2, 2, 2]
    """

    sparsity: float
    std: float = 0.01

    def __post_init__(self) -> None:
        if not 0 <= self.sparsity <= 1:
            raise ValueError(f"sparse: sparsity must be in [0, 1]. Got sparsity={self.sparsity}.")
        if not self.std >= 0:
            raise ValueError(f"sparse: std must be at least 0. Got std={self.std}.")

    def __call__(
        self, shape: Sequence[int], fans: Fans, rng: RngLike, dtype: npt.DTypeLike
    ) -> FloatArray:
        groups, rows, columns = _matrices("sparse", shape, fans)
        stream = Stream.of(rng)
        result = stream.normal((groups * rows, columns), std=self.std, dtype=dtype)
        order = np.argsort(stream.uniform(result.shape, dtype="float64"), axis=1, kind="stable")
        zeros = order[:, : round(self.sparsity * columns)]
        np.put_along_axis(result, zeros, 0, axis=1)
        return result.reshape(tuple(shape))


def _matrices(function: str, shape: Sequence[int], fans: Fans) -> tuple[int, int, int]:
    """How many matrices a weight consists of, and their rows and columns."""
    if len(shape) < 2:
        raise ValueError(f"{function}: the shape must have at least 2 axes. Got {tuple(shape)}.")
    return fans.groups, shape[0] // fans.groups, math.prod(shape[1:])
