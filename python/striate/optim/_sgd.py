"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any, ClassVar

from striate import ops
from striate._typing import SgdConvention
from striate.nn import Parameter

from ._optimizer import Optimizer, Parameters, Rate


class SGD(Optimizer):
    """Stochastic gradient descent with momentum; the formulas are in `striate.ops.sgd_step`.

    Args:
        params: parameters, or groups: dicts with "params" and options of their own.
        lr: a number, or a schedule: a function from the step to a number.
        momentum, dampening, nesterov: how earlier gradients count.
        weight_decay, l1, decoupled, clip_norm, clip_value, max_norm, ema: see `Optimizer`.
        convention: "torch" (the velocity holds gradients) or "caffe" (it holds steps, and so the
            rates of earlier steps).

    Raises:
        ValueError: for options out of range, no parameters, or one given twice.
        TypeError: for an unknown option.

    References:
        Sutskever et al., On the importance of initialization and momentum in deep learning (2013).

    Examples:
        >>> import numpy as np
        >>> from striate import nn, optim
        >>> p = nn.Parameter(np.float32([1.0, 2.0]))
        >>> opt = optim.SGD([p], lr=optim.step(0.5, step_size=1), momentum=0.9)
        >>> for _ in range(2):
        ...     p.grad = np.float32([1.0, 1.0])
        ...     opt.step()
        >>> p.data
        array([0.405, 1.405], dtype=float32)
    """

    _slots: ClassVar[tuple[str, ...]] = ("velocity",)

    def __init__(
        self,
        params: Parameters,
        lr: Rate,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        *,
        l1: float = 0.0,
        decoupled: bool = False,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        max_norm: float | None = None,
        ema: float | None = None,
        convention: SgdConvention = "torch",
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "dampening": dampening,
                "weight_decay": weight_decay,
                "nesterov": nesterov,
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
        velocities, first = self._slot(params, "velocity") if group["momentum"] else (None, False)
        ops.sgd_step(
            [p.data for p in params],
            [p.grad for p in params],
            velocities,
            lr=lr,
            momentum=group["momentum"],
            dampening=group["dampening"],
            nesterov=group["nesterov"],
            first=first,
            convention=group["convention"],
            **shared,
        )
