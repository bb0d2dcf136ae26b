"""RMSprop."""

from __future__ import annotations

from typing import Any, ClassVar

from striate import ops
from striate._typing import FloatArray, KerasConvention
from striate.nn import Parameter

from ._optimizer import Optimizer, Parameters, Rate


class RMSprop(Optimizer):
    """RMSprop; the formulas are in `striate.ops.rmsprop_step`.

    Args:
        params: parameters, or groups: dicts with "params" and options of their own.
        lr: a number, or a schedule: a function from the step to a number.
        alpha, eps, momentum, centered: how earlier gradients count.
        weight_decay, l1, decoupled, clip_norm, clip_value, max_norm, ema: see `Optimizer`.
        convention: "torch" or "keras" (eps inside the root, and the rate inside the velocity).

    Raises:
        ValueError: for options out of range, no parameters, or one given twice.
        TypeError: for an unknown option.

    References:
        Tieleman and Hinton, Lecture 6.5: RMSProp (2012); centered: Graves, Generating Sequences
        With Recurrent Neural Networks (2013).

    Examples:
        >>> import numpy as np
        >>> from striate import nn, optim
        >>> p = nn.Parameter(np.float32([1.0, 2.0]))
        >>> opt = optim.RMSprop([p], lr=0.25, alpha=0.75)
        >>> p.grad = np.float32([4.0, -8.0])
        >>> opt.step()
        >>> p.data
        array([0.5, 2.5], dtype=float32)
    """

    _slots: ClassVar[tuple[str, ...]] = ("mean_square", "mean_grad", "velocity")

    def __init__(
        self,
        params: Parameters,
        lr: Rate = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        *,
        l1: float = 0.0,
        decoupled: bool = False,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        max_norm: float | None = None,
        ema: float | None = None,
        convention: KerasConvention = "torch",
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "alpha": alpha,
                "eps": eps,
                "weight_decay": weight_decay,
                "momentum": momentum,
                "centered": centered,
                "l1": l1,
                "decoupled": decoupled,
                "clip_norm": clip_norm,
                "clip_value": clip_value,
                "max_norm": max_norm,
                "ema": ema,
                "convention": convention,
            },
        )

    def _update(
        self, params: list[Parameter], group: dict[str, Any], lr: float, shared: dict[str, Any]
    ) -> None:
        means: list[FloatArray] | None = None
        velocities: list[FloatArray] | None = None
        if group["centered"]:
            means, _ = self._slot(params, "mean_grad")
        if group["momentum"]:
            velocities, _ = self._slot(params, "velocity")
        ops.rmsprop_step(
            [p.data for p in params],
            [p.grad for p in params],
            self._slot(params, "mean_square")[0],
            means,
            velocities,
            lr=lr,
            alpha=group["alpha"],
            eps=group["eps"],
            momentum=group["momentum"],
            centered=group["centered"],
            convention=group["convention"],
            **shared,
        )
