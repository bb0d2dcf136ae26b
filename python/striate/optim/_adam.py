"""Adam and AdamW."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from striate import ops
from striate._typing import FloatArray, KerasConvention
from striate.nn import Parameter

from ._optimizer import Optimizer, Parameters, Rate


class Adam(Optimizer):
    """Adam; the formulas are in `striate.ops.adam_step`.

    Args:
        params: parameters, or groups: dicts with "params" and options of their own.
        lr: a number, or a schedule: a function from the step to a number.
        betas, eps, amsgrad: how earlier gradients count.
        weight_decay, l1, decoupled, clip_norm, clip_value, max_norm, ema: see `Optimizer`.
        convention: "torch" or "keras" (where eps is added).

    Raises:
        ValueError: for options out of range, no parameters, or one given twice.
        TypeError: for an unknown option.

    References:
        Kingma and Ba, Adam: A Method for Stochastic Optimization (2015).

    Examples:
        >>> import numpy as np
        >>> from striate import nn, optim
        >>> p = nn.Parameter(np.float32([1.0, 2.0]))
        >>> opt = optim.Adam([p], lr=0.5)
        >>> p.grad = np.float32([3.0, -0.1])
        >>> opt.step()
        >>> p.data.round(4)
        array([0.5, 2.5], dtype=float32)
    """

    _slots: ClassVar[tuple[str, ...]] = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")

    def __init__(
        self,
        params: Parameters,
        lr: Rate = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        *,
        l1: float = 0.0,
        decoupled: bool = False,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        max_norm: float | None = None,
        ema: float | None = None,
        convention: KerasConvention = "torch",
    ) -> None:
        # Each parameter's own number of steps: one that joins late is corrected from 1 on.
        self._taken: dict[Parameter, int] = {}
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "amsgrad": amsgrad,
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
        steps = [self._taken.get(p, 0) + 1 for p in params]
        maxima: list[FloatArray] | None = None
        if group["amsgrad"]:
            maxima, _ = self._slot(params, "max_exp_avg_sq")
        ops.adam_step(
            [p.data for p in params],
            [p.grad for p in params],
            self._slot(params, "exp_avg")[0],
            self._slot(params, "exp_avg_sq")[0],
            maxima,
            lr=lr,
            step=steps,
            betas=group["betas"],
            eps=group["eps"],
            amsgrad=group["amsgrad"],
            convention=group["convention"],
            **shared,
        )
        self._taken.update(zip(params, steps, strict=True))

    def state_dict(self) -> dict[str, Any]:
        """Return a copy of what a resumed run needs; "0.step" counts a parameter's own steps."""
        state = super().state_dict()
        for i, p in enumerate(self._params()):
            if p in self._taken:
                state[f"{i}.step"] = self._taken[p]
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a `state_dict` of an optimizer of the same parameters."""
        taken = {
            p: int(state[f"{i}.step"]) for i, p in enumerate(self._params()) if f"{i}.step" in state
        }
        counts = {f"{i}.step" for i in range(len(self._params()))}
        super().load_state_dict({key: value for key, value in state.items() if key not in counts})
        self._taken = taken


class AdamW(Adam):
    """Adam with decoupled weight decay: each step also takes `lr * weight_decay * w` off.

    The options are those of `Adam`, but for `decoupled`.

    References:
        Loshchilov and Hutter, Decoupled Weight Decay Regularization (2019).

    Examples:
        >>> import numpy as np
        >>> from striate import nn, optim
        >>> p = nn.Parameter(np.float32([1.0, 2.0]))
        >>> opt = optim.AdamW([p], lr=0.5, weight_decay=0.1)
        >>> p.grad = np.zeros(2, np.float32)
        >>> opt.step()
        >>> p.data
        array([0.95, 1.9 ], dtype=float32)
    """

    def __init__(
        self,
        params: Parameters,
        lr: Rate = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
        amsgrad: bool = False,
        *,
        l1: float = 0.0,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        max_norm: float | None = None,
        ema: float | None = None,
        convention: KerasConvention = "torch",
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            l1=l1,
            decoupled=True,
            clip_norm=clip_norm,
            clip_value=clip_value,
            max_norm=max_norm,
            ema=ema,
            convention=convention,
        )
