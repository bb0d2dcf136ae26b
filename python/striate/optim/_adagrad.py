"""Adagrad."""

from __future__ import annotations

from typing import Any, ClassVar

from striate import ops
from striate._typing import KerasConvention
from striate.nn import Parameter

from ._optimizer import Optimizer, Parameters, Rate


class Adagrad(Optimizer):
    """Adagrad; the formulas are in `striate.ops.adagrad_step`.

    PyTorch's `lr_decay` is the schedule `inverse_time(lr, decay=lr_decay)`.

    Args:
        params: parameters, or groups: dicts with "params" and options of their own.
        lr: a number, or a schedule: a function from the step to a number.
        eps, initial_accumulator_value: what keeps the divisor from 0, and what the sums of squares
            start with; at least 0.
        weight_decay, l1, decoupled, clip_norm, clip_value, max_norm, ema: see `Optimizer`.
        convention: "torch" or "keras" (eps inside the root).

    Raises:
        ValueError: for options out of range, no parameters, or one given twice.
        TypeError: for an unknown option.

    References:
        Duchi et al., Adaptive Subgradient Methods for Online Learning and Stochastic Optimization
        (2011).

    Examples:
        >>> import numpy as np
        >>> from striate import nn, optim
        >>> p = nn.Parameter(np.float32([1.0, 2.0]))
        >>> opt = optim.Adagrad([p], lr=0.5, initial_accumulator_value=9.0)
        >>> p.grad = np.float32([4.0, -4.0])
        >>> opt.step()
        >>> p.data
        array([0.6, 2.4], dtype=float32)
    """

    _slots: ClassVar[tuple[str, ...]] = ("accumulator",)

    def __init__(
        self,
        params: Parameters,
        lr: Rate = 1e-2,
        *,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
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
                "weight_decay": weight_decay,
                "initial_accumulator_value": initial_accumulator_value,
                "eps": eps,
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
        first = group["initial_accumulator_value"]
        if not first >= 0:
            raise ValueError(
                "Adagrad: initial_accumulator_value must be at least 0. "
                f"Got initial_accumulator_value={first}."
            )
        ops.adagrad_step(
            [p.data for p in params],
            [p.grad for p in params],
            self._slot(params, "accumulator", first)[0],
            lr=lr,
            eps=group["eps"],
            convention=group["convention"],
            **shared,
        )
