"""Smooth relatives of the rectifier, and the one that learns, as layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy.typing as npt

from striate import ops
from striate._typing import FloatArray, GeluApproximate
from striate.init import Fans, Initializer, RngLike, constant

from ._affine import check_counts
from ._module import Module
from ._parameter import Parameter


class PReLU(Module):
    """x where x > 0, else weight * x, with a weight that is learned; see `striate.ops.prelu`.

    Shapes: x and y of any shape, or (N, C, ...) where `num_parameters` is C; weight
    (num_parameters,).

    Args:
        num_parameters: 1 for a shared weight, or the number of channels.
        init: the weight's first value.
        weight_init: an initializer in the place of `init`.
        rng, dtype: see `Module`.

    Raises:
        ValueError: if num_parameters is not positive.

    References:
        He et al., Delving Deep into Rectifiers (2015), section 2.1. Weight decay does not apply to
        the weight, as there.

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> nn.PReLU()(np.float32([-4.0, 2.0]))
        array([-1.,  2.], dtype=float32)
    """

    def __init__(
        self,
        num_parameters: int = 1,
        init: float = 0.25,
        *,
        weight_init: Initializer | None = None,
        rng: RngLike | None = None,
        dtype: npt.DTypeLike = "float32",
    ) -> None:
        check_counts("PReLU", num_parameters=num_parameters)
        self.num_parameters = num_parameters
        self.weight = Parameter.from_init(
            weight_init or constant(init),
            (num_parameters,),
            Fans(1, 1),
            rng=rng,
            dtype=dtype,
            decay=False,
        )

    def forward(self, x: FloatArray) -> FloatArray:
        return ops.prelu(x, self.weight.data)

    def vjp(self, x: FloatArray) -> tuple[FloatArray, Callable[..., Any]]:
        weight, w = self.weight, self.weight.data

        def pullback(dy: FloatArray) -> FloatArray:
            dx, dw = ops.prelu_grad(dy, x, w)
            weight.add_grad(dw)
            return dx

        return ops.prelu(x, w), pullback

    def extra_repr(self) -> str:
        return f"{self.num_parameters}"


class Softplus(Module):
    """log(1 + exp(beta * x)) / beta; see `striate.ops.softplus`.

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> nn.Softplus()(np.float32([-20.0, 100.0]))
        array([2.0611537e-09, 1.0000000e+02], dtype=float32)
    """

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        self.beta = beta
        self.threshold = threshold

    def forward(self, x: FloatArray) -> FloatArray:
        return ops.softplus(x, self.beta, self.threshold)

    def vjp(self, x: FloatArray) -> tuple[FloatArray, Callable[..., Any]]:
        options = self.beta, self.threshold
        return ops.softplus(x, *options), lambda dy: ops.softplus_grad(dy, x, *options)

    def extra_repr(self) -> str:
        return f"beta={self.beta}, threshold={self.threshold}"


class SiLU(Module):
    """x / (1 + exp(-x)), also called swish; see `striate.ops.silu`.

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> nn.SiLU()(np.float32([-np.inf, 0.0, 100.0]))
        array([ -0.,   0., 100.], dtype=float32)
    """

    def forward(self, x: FloatArray) -> FloatArray:
        return ops.silu(x)

    def vjp(self, x: FloatArray) -> tuple[FloatArray, Callable[..., Any]]:
        return ops.silu(x), lambda dy: ops.silu_grad(dy, x)


class GELU(Module):
    """x times the standard normal distribution function of x; see `striate.ops.gelu`.

    Args:
        approximate: "none", or "tanh" for the approximation that older networks were trained with.

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> nn.GELU()(np.float32([-np.inf, 0.0, 100.0]))
        array([ -0.,   0., 100.], dtype=float32)
    """

    def __init__(self, approximate: GeluApproximate = "none") -> None:
        if approximate not in ("none", "tanh"):
            raise ValueError(
                f"GELU: approximate must be 'none' or 'tanh'. Got approximate={approximate!r}."
            )
        self.approximate = approximate

    def forward(self, x: FloatArray) -> FloatArray:
        return ops.gelu(x, approximate=self.approximate)

    def vjp(self, x: FloatArray) -> tuple[FloatArray, Callable[..., Any]]:
        approximate = self.approximate
        y = ops.gelu(x, approximate=approximate)
        return y, lambda dy: ops.gelu_grad(dy, x, approximate=approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class Hardswish(Module):
    """x * min(max(x + 3, 0), 6) / 6; see `striate.ops.hardswish`.

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> nn.Hardswish()(np.float32([-4.0, 1.5, 4.0]))
        array([0.   , 1.125, 4.   ], dtype=float32)
    """

    def forward(self, x: FloatArray) -> FloatArray:
        return ops.hardswish(x)

    def vjp(self, x: FloatArray) -> tuple[FloatArray, Callable[..., Any]]:
        return ops.hardswish(x), lambda dy: ops.hardswish_grad(dy, x)
