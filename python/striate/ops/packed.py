"""Convolution with weights that were packed beforehand.

These are no operations of their own: `conv1d`, `conv2d` or `conv3d` computes, from weights in the
form that its algorithm would make of them in each call.
"""

from __future__ import annotations

from typing import Protocol

from striate import _backend, _core
from striate._typing import (
    Activation,
    FloatArray,
    IntOrPair,
    IntOrSingle,
    IntOrTriple,
    Padding,
    Padding1d,
    Padding3d,
)


class PackedWeights(Protocol):
    """Weights of a convolution in the form of the algorithm that will read them.

    Attributes:
        algorithm: its name.
        nbytes: what the form takes; 0 where the algorithm reads weights as they are.
        rank: the number of the planes' axes.
    """

    @property
    def algorithm(self) -> str: ...
    @property
    def nbytes(self) -> int: ...
    @property
    def rank(self) -> int: ...


def pack_conv_weights(
    w: FloatArray,
    x_shape: tuple[int, ...],
    *,
    stride: IntOrSingle | IntOrPair | IntOrTriple = 1,
    padding: Padding1d | Padding | Padding3d = 0,
    dilation: IntOrSingle | IntOrPair | IntOrTriple = 1,
    groups: int = 1,
) -> PackedWeights:
    """Pack the weights of a convolution for inputs of one shape; other inputs are right too.

    Args:
        w: (C_out, C_in / groups, ...). It is kept, and must not be written to meanwhile.
        x_shape: (N, C_in, ...), for which the algorithm is chosen.
        stride, padding, dilation, groups: as in `conv2d`.

    Returns:
        What `packed_conv` takes in the place of w.

    Raises:
        ValueError: a shape, stride, padding, dilation or number of groups does not fit.
        TypeError: w is not a float32 or float64 array.

    Examples:
        >>> import numpy as np
        >>> from striate.ops.packed import pack_conv_weights
        >>> pack_conv_weights(np.ones((64, 64, 1, 1), np.float32), (1, 64, 7, 7)).algorithm
        'implicit GEMM'
    """
    return _core.pack_conv_weights(w, x_shape, stride, padding, dilation, groups)


def packed_conv(
    x: FloatArray,
    w: PackedWeights,
    b: FloatArray | None = None,
    *,
    stride: IntOrSingle | IntOrPair | IntOrTriple = 1,
    padding: Padding1d | Padding | Padding3d = 0,
    dilation: IntOrSingle | IntOrPair | IntOrTriple = 1,
    groups: int = 1,
    activation: Activation = None,
) -> FloatArray:
    """Compute `conv2d`, or what the weights' axes ask for, from packed weights: the same bits.

    Where the call's algorithm is another than the one that w was packed for (because of x's shape,
    the precision, the instruction set or max_workspace), it reads the weights as they were given.

    Raises:
        ValueError, TypeError: as `conv2d` does.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> from striate.ops.packed import pack_conv_weights, packed_conv
        >>> x, w = np.ones((1, 4, 9, 9), np.float32), np.ones((8, 4, 3, 3), np.float32)
        >>> packed = pack_conv_weights(w, x.shape, padding=1)
        >>> bool((packed_conv(x, packed, padding=1) == ops.conv2d(x, w, padding=1)).all())
        True
    """
    name = f"conv{w.rank}d"
    conv = getattr(_backend.select(name, x=x, b=b), name)
    y: FloatArray = conv(x, w, b, stride, padding, dilation, groups, activation)
    return y
