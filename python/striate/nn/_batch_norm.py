"""Batch normalisation layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy.typing as npt

from striate import init, ops
from striate._typing import FloatArray
from striate.init import Fans, Initializer, RngLike, Stream

from ._affine import check_counts
from ._buffer import Buffer
from ._module import Module
from ._parameter import Parameter
from ._tensor import moved


class _BatchNorm(Module):
    """What the layers share; they differ in the axes that they take."""

    _axes = ""
    _ranks: tuple[int, ...] = ()

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        *,
        weight_init: Initializer | None = None,
        bias_init: Initializer | None = None,
        rng: RngLike | None = None,
        dtype: npt.DTypeLike = "float32",
    ) -> None:
        layer = type(self).__name__
        check_counts(layer, num_features=num_features)
        if not 0 <= momentum <= 1:
            raise ValueError(f"{layer}: momentum must be in [0, 1]. Got momentum={momentum}.")
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        self.weight: Parameter | None = None
        self.bias: Parameter | None = None
        self.running_mean: Buffer | None = None
        self.running_var: Buffer | None = None
        shape = (num_features,)
        if affine:
            stream = None if rng is None else Stream.of(rng)
            self.weight, self.bias = (
                Parameter.from_init(start, shape, Fans(1, 1), rng=stream, dtype=dtype, decay=False)
                for start in (weight_init or init.ones(), bias_init or init.zeros())
            )
        if track_running_stats:
            self.running_mean = Buffer(init.zeros(), shape, dtype)
            self.running_var = Buffer(init.ones(), shape, dtype)

    def forward(self, x: FloatArray) -> FloatArray:
        self._check(x)
        weight, bias = self._scale()
        running = self._running()
        if running is None:
            return ops.batch_norm_train(x, weight, bias, eps=self.eps)[0]
        return ops.batch_norm(x, *running, weight, bias, eps=self.eps)

    def vjp(self, x: FloatArray, *, train: bool = True) -> tuple[FloatArray, Callable[..., Any]]:
        self._check(x)
        weight, bias = self._scale()
        parameters, eps = (self.weight, self.bias), self.eps
        running = None if train else self._running()
        frozen = running is not None
        if running is not None:
            mean, var = running
            y = ops.batch_norm(x, mean, var, weight, bias, eps=eps)
        else:
            y, mean, var = ops.batch_norm_train(x, weight, bias, eps=eps)
            if train and x.size:
                self._track(mean, var, x.size // self.num_features)

        def pullback(dy: FloatArray) -> FloatArray:
            dx, *grads = ops.batch_norm_grad(dy, x, weight, mean, var, eps=eps, frozen=frozen)
            for parameter, grad in zip(parameters, grads, strict=True):
                if parameter is not None:
                    parameter.add_grad(grad)
            return dx

        return y, pullback

    def _scale(self) -> tuple[FloatArray | None, FloatArray | None]:
        if self.weight is None or self.bias is None:
            return None, None
        return self.weight.data, self.bias.data

    def _running(self) -> tuple[FloatArray, FloatArray] | None:
        if self.running_mean is None or self.running_var is None:
            return None
        return self.running_mean.data, self.running_var.data

    def _track(self, mean: FloatArray, var: FloatArray, count: int) -> None:
        if self.running_mean is None or self.running_var is None:
            return
        # New arrays: a frozen pullback may hold the old ones.
        self.running_mean.adopt(moved(self.running_mean.data, mean, self.momentum))
        unbiased = count / (count - 1)
        self.running_var.adopt(moved(self.running_var.data, var, self.momentum, scale=unbiased))

    def _check(self, x: FloatArray) -> None:
        if x.ndim not in self._ranks:
            raise ValueError(
                f"{type(self).__name__}: x must have axes {self._axes}. Got shape {x.shape}."
            )

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, "
            f"affine={self.affine}, track_running_stats={self.track_running_stats}"
        )


class BatchNorm1d(_BatchNorm):
    """Each feature with the batch's mean 0 and variance 1, then scaled and shifted.

    Shapes: x and y (N, num_features) or (N, num_features, L); everything else as in `BatchNorm2d`.

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> y, _ = nn.BatchNorm1d(2).vjp(np.float32([[1, 5], [3, 9]]))
        >>> y.round(3).tolist()
        [[-1.0, -1.0], [1.0, 1.0]]
    """

    _axes = "(N, C) or (N, C, L)"
    _ranks = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Each channel with the batch's mean 0 and variance 1, then scaled and shifted.

    Training (`vjp`) uses the statistics of the batch, and moves the running ones towards them;
    inference and `vjp(train=False)` use the running ones. These are in `state_dict()`, with
    torchvision's keys.

    Shapes: x and y (N, num_features, H, W); the formula is in `striate.ops.batch_norm`.

    Args:
        num_features: the number of channels.
        eps: keeps the root of the variance away from 0.
        momentum: the weight of a new batch in the running statistics, whose variance is unbiased.
        affine: whether there are `weight` and `bias`, ones and zeros at first.
        track_running_stats: whether there are running statistics; without, those of the batch are
            used always.
        weight_init, bias_init, rng, dtype: see `Module`.

    Raises:
        ValueError: if num_features is not positive or momentum is outside [0, 1].

    References:
        Ioffe and Szegedy, Batch Normalization: Accelerating Deep Network Training by Reducing
        Internal Covariate Shift (2015).

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> norm = nn.BatchNorm2d(3)
        >>> y, pullback = norm.vjp(np.full((2, 3, 4, 4), 5, np.float32))
        >>> float(abs(y).max())
        0.0
        >>> norm.running_mean.data
        array([0.5, 0.5, 0.5], dtype=float32)
        >>> list(norm.state_dict())
        ['weight', 'bias', 'running_mean', 'running_var']
    """

    _axes = "(N, C, H, W)"
    _ranks = (4,)
