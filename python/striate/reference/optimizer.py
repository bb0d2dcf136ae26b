"""Optimizer steps: they update their arrays in place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from striate._typing import FloatArray, SgdConvention


def sgd_step(
    params: Sequence[FloatArray],
    grads: Sequence[FloatArray | None],
    velocities: Sequence[FloatArray] | None,
    *,
    lr: float,
    momentum: float = 0.0,
    dampening: float = 0.0,
    nesterov: bool = False,
    weight_decay: float = 0.0,
    l1: float = 0.0,
    first: bool | Sequence[bool] = False,
    convention: SgdConvention = "torch",
) -> None:
    """One step of gradient descent; parameters whose gradient is None are skipped.

    With g = grad + weight_decay * w + l1 * sign(w):
    "torch": v = momentum * v + (1 - dampening) * g, or v = g at first;
             w[...] -= lr * v, Nesterov: w -= lr * (g + momentum * v).
    "caffe": v = momentum * v + lr * g, or v = lr * g at first;
             w[...] -= v, Nesterov: w -= (1 + momentum) * v - momentum * v_old.
    """
    if convention not in ("torch", "caffe"):
        raise ValueError(
            f"sgd_step: convention must be 'torch' or 'caffe'. Got convention={convention!r}."
        )
    if convention == "caffe" and dampening:
        raise ValueError(f"sgd_step: 'caffe' has no dampening. Got dampening={dampening}.")
    if nesterov and (momentum <= 0 or dampening):
        raise ValueError(
            "sgd_step: nesterov needs momentum > 0 and dampening = 0. "
            f"Got momentum={momentum}, dampening={dampening}."
        )
    if momentum and velocities is None:
        raise ValueError(f"sgd_step: momentum needs velocities. Got momentum={momentum}, None.")
    firsts = [first] * len(params) if isinstance(first, bool | np.bool_) else first
    states = [None] * len(params) if velocities is None or not momentum else velocities
    for w, grad, v, is_first in zip(params, grads, states, firsts, strict=True):
        if grad is None:
            continue
        g = grad
        if weight_decay:
            g = g + weight_decay * w
        if l1:
            g = g + l1 * np.sign(w)
        if v is None:
            w[...] -= lr * g
        elif convention == "torch":
            v[...] = g if is_first else momentum * v + (1 - dampening) * g
            w[...] -= lr * (g + momentum * v if nesterov else v)
        else:
            old = np.zeros_like(v) if is_first else v.copy()
            v[...] = momentum * old + lr * g
            w[...] -= (1 + momentum) * v - momentum * old if nesterov else v
