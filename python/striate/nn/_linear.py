"""Fully connected layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy.typing as npt

from striate import ops
from striate._typing import Activation, FloatArray
from striate.init import Fans, Initializer, RngLike

from ._affine import check_counts, weight_and_bias
from ._module import Module


class Linear(Module):
    """y = x @ weight.T + bias, optionally followed by a ReLU in the same sweep.

    Shapes: x (..., in_features), weight (out_features, in_features), bias (out_features,),
    y (..., out_features); see `striate.ops.linear`.

    Args:
        in_features, out_features: the last axis of x and y.
        bias: whether there is one.
        activation: None or "relu".
        weight_init: Kaiming normal before a ReLU, else Xavier normal, by default.
        bias_init: zeros by default.
        rng: see `Module` on seeds.
        dtype: of the parameters.

    Raises:
        ValueError: if a count is not positive.

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> nn.Linear(9216, 4096, activation="relu")(np.zeros((2, 9216), np.float32)).shape
        (2, 4096)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        activation: Activation = None,
        weight_init: Initializer | None = None,
        bias_init: Initializer | None = None,
        rng: RngLike | None = None,
        dtype: npt.DTypeLike = "float32",
    ) -> None:
        check_counts("Linear", in_features=in_features, out_features=out_features)
        self.in_features = in_features
        self.out_features = out_features
        self.activation = activation
        self.weight, self.bias = weight_and_bias(
            (out_features, in_features),
            self.fans(),
            out_features,
            bias=bias,
            activation=activation,
            weight_init=weight_init,
            bias_init=bias_init,
            rng=rng,
            dtype=dtype,
        )

    def forward(self, x: FloatArray) -> FloatArray:
        b = None if self.bias is None else self.bias.data
        return ops.linear(x, self.weight.data, b, activation=self.activation)

    def vjp(self, x: FloatArray) -> tuple[FloatArray, Callable[..., Any]]:
        weight, bias, w = self.weight, self.bias, self.weight.data
        y = self.forward(x)
        # The ReLU's gradient reads its output, so that no mask is stored.
        rectified = None if self.activation is None else y

        def pullback(dy: FloatArray, *, input_grad: bool = True) -> FloatArray | None:
            if weight.needs_grad:
                weight.add_grad(ops.linear_weight_grad(dy, x, y=rectified))
            if bias is not None and bias.needs_grad:
                bias.add_grad(ops.bias_grad(dy, axis=-1, y=rectified))
            return ops.linear_input_grad(dy, w, y=rectified) if input_grad else None

        return y, pullback

    def fans(self) -> Fans:
        return Fans(self.in_features, self.out_features)

    def extra_repr(self) -> str:
        return (
            f"{self.in_features}, {self.out_features}, bias={self.bias is not None}, "
            f"activation={self.activation!r}"
        )
