"""Layer and group normalisation layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy.typing as npt

from striate import init, ops
from striate._typing import FloatArray
from striate.init import Fans, Initializer, RngLike, Stream

from ._affine import check_counts
from ._module import Module
from ._parameter import Parameter


class _Scaled(Module):
    """A scale and a shift, which both layers may have."""

    weight: Parameter | None = None
    bias: Parameter | None = None

    def _add_scale(
        self,
        shape: Sequence[int],
        *,
        bias: bool,
        weight_init: Initializer | None,
        bias_init: Initializer | None,
        rng: RngLike | None,
        dtype: npt.DTypeLike,
    ) -> None:
        stream = None if rng is None else Stream.of(rng)

        def parameter(start: Initializer) -> Parameter:
            return Parameter.from_init(
                start, shape, Fans(1, 1), rng=stream, dtype=dtype, decay=False
            )

        self.weight = parameter(weight_init or init.ones())
        if bias:
            self.bias = parameter(bias_init or init.zeros())

    def _data(self) -> tuple[FloatArray | None, FloatArray | None]:
        return (
            None if self.weight is None else self.weight.data,
            None if self.bias is None else self.bias.data,
        )

    def _pullback(
        self, gradients: Callable[[FloatArray], tuple[FloatArray, ...]]
    ) -> Callable[[FloatArray], FloatArray]:
        weight, bias = self.weight, self.bias

        def pullback(dy: FloatArray) -> FloatArray:
            dx, dgamma, dbeta = gradients(dy)
            if weight is not None:
                weight.add_grad(dgamma)
            if bias is not None:
                bias.add_grad(dbeta)
            return dx

        return pullback


class LayerNorm(_Scaled):
    """Each sample with mean 0 and variance 1 along its last axes, then scaled and shifted.

    Shapes: x and y (..., *normalized_shape); the formula is in `striate.ops.layer_norm`.

    Args:
        normalized_shape: the sizes of the last axes; an int for one.
        eps: keeps the root of the variance away from 0.
        elementwise_affine: whether there are `weight` and `bias`, ones and zeros at first.
        bias: whether there is a `bias` beside the `weight`.
        weight_init, bias_init, rng, dtype: see `Module`.

    Raises:
        ValueError: if a size is not positive; when called, if x has other last axes.

    References:
        Ba, Kiros and Hinton, Layer Normalization (2016).

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> nn.LayerNorm(2)(np.float32([[1, 3], [10, 30]])).round(3)
        array([[-1.,  1.],
               [-1.,  1.]], dtype=float32)
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        *,
        weight_init: Initializer | None = None,
        bias_init: Initializer | None = None,
        rng: RngLike | None = None,
        dtype: npt.DTypeLike = "float32",
    ) -> None:
        given = normalized_shape if isinstance(normalized_shape, Sequence) else (normalized_shape,)
        shape = tuple(given)
        if not shape:
            raise ValueError("LayerNorm: normalized_shape must not be empty. Got ().")
        check_counts("LayerNorm", **{f"normalized_shape[{i}]": n for i, n in enumerate(shape)})
        self.normalized_shape = shape
        self.eps = eps
        if elementwise_affine:
            self._add_scale(
                shape,
                bias=bias,
                weight_init=weight_init,
                bias_init=bias_init,
                rng=rng,
                dtype=dtype,
            )

    def forward(self, x: FloatArray) -> FloatArray:
        return ops.layer_norm(x, *self._data(), axes=self._axes(x), eps=self.eps)

    def vjp(self, x: FloatArray) -> tuple[FloatArray, Callable[..., Any]]:
        axes, eps, gamma = self._axes(x), self.eps, self._data()[0]
        return self.forward(x), self._pullback(
            lambda dy: ops.layer_norm_grad(dy, x, gamma, axes=axes, eps=eps)
        )

    def _axes(self, x: FloatArray) -> tuple[int, ...]:
        count = len(self.normalized_shape)
        if x.shape[-count:] != self.normalized_shape:
            raise ValueError(
                "LayerNorm: x must end with the axes of normalized_shape. "
                f"Got shape {x.shape}, normalized_shape={self.normalized_shape}."
            )
        return tuple(range(-count, 0))

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, "
            f"elementwise_affine={self.weight is not None}, bias={self.bias is not None}"
        )


class GroupNorm(_Scaled):
    """Each group of channels of a sample with mean 0 and variance 1, then scaled and shifted.

    Shapes: x and y (N, num_channels, ...); the formula is in `striate.ops.group_norm`.

    Args:
        num_groups: divides num_channels.
        num_channels: of x.
        eps: keeps the root of the variance away from 0.
        affine: whether there are `weight` and `bias`, ones and zeros at first.
        weight_init, bias_init, rng, dtype: see `Module`.

    Raises:
        ValueError: if num_groups does not divide num_channels, or one is not positive.

    References:
        Wu and He, Group Normalization (2018).

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> nn.GroupNorm(2, 4)(np.float32([[1, 3, 10, 30]])).round(3)
        array([[-1.,  1., -1.,  1.]], dtype=float32)
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        *,
        weight_init: Initializer | None = None,
        bias_init: Initializer | None = None,
        rng: RngLike | None = None,
        dtype: npt.DTypeLike = "float32",
    ) -> None:
        check_counts("GroupNorm", num_groups=num_groups, num_channels=num_channels)
        if num_channels % num_groups:
            raise ValueError(
                "GroupNorm: num_groups must divide num_channels. "
                f"Got num_groups={num_groups}, num_channels={num_channels}."
            )
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        if affine:
            self._add_scale(
                (num_channels,),
                bias=True,
                weight_init=weight_init,
                bias_init=bias_init,
                rng=rng,
                dtype=dtype,
            )

    def forward(self, x: FloatArray) -> FloatArray:
        self._check(x)
        return ops.group_norm(x, self.num_groups, *self._data(), eps=self.eps)

    def vjp(self, x: FloatArray) -> tuple[FloatArray, Callable[..., Any]]:
        groups, eps, gamma = self.num_groups, self.eps, self._data()[0]
        return self.forward(x), self._pullback(
            lambda dy: ops.group_norm_grad(dy, x, groups, gamma, eps=eps)
        )

    def _check(self, x: FloatArray) -> None:
        if x.ndim < 2 or x.shape[1] != self.num_channels:
            raise ValueError(
                f"GroupNorm: x must have shape (N, {self.num_channels}, ...). Got shape {x.shape}."
            )

    def extra_repr(self) -> str:
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, "
            f"affine={self.weight is not None}"
        )
