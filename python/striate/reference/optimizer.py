"""Optimizer steps and gradient clipping: they update their arrays in place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from striate._typing import AdamConvention, FloatArray, SgdConvention


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


def adam_step(
    params: Sequence[FloatArray],
    grads: Sequence[FloatArray | None],
    exp_avgs: Sequence[FloatArray],
    exp_avg_sqs: Sequence[FloatArray],
    max_exp_avg_sqs: Sequence[FloatArray] | None = None,
    *,
    lr: float,
    step: int | Sequence[int],
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    l1: float = 0.0,
    decoupled: bool = False,
    amsgrad: bool = False,
    convention: AdamConvention = "torch",
) -> None:
    """One step of Adam; parameters whose gradient is None are skipped.

    With g = grad + weight_decay * w (unless decoupled) + l1 * sign(w):
    m = beta1 * m + (1 - beta1) * g; v = beta2 * v + (1 - beta2) * g**2; amsgrad: v's maximum.
    "torch": w -= lr / (1 - beta1**t) * m / (sqrt(v / (1 - beta2**t)) + eps).
    "keras": w -= lr * sqrt(1 - beta2**t) / (1 - beta1**t) * m / (sqrt(v) + eps).
    """
    if convention not in ("torch", "keras"):
        raise ValueError(
            f"adam_step: convention must be 'torch' or 'keras'. Got convention={convention!r}."
        )
    if amsgrad and max_exp_avg_sqs is None:
        raise ValueError("adam_step: amsgrad needs max_exp_avg_sqs. Got None.")
    beta1, beta2 = betas
    steps = [step] * len(params) if isinstance(step, int | np.integer) else step
    maxima = [None] * len(params) if max_exp_avg_sqs is None or not amsgrad else max_exp_avg_sqs
    for w, grad, m, v, u, t in zip(
        params, grads, exp_avgs, exp_avg_sqs, maxima, steps, strict=True
    ):
        if grad is None:
            continue
        g = grad
        if weight_decay and not decoupled:
            g = g + weight_decay * w
        if l1:
            g = g + l1 * np.sign(w)
        m[...] = beta1 * m + (1 - beta1) * g
        v[...] = beta2 * v + (1 - beta2) * g**2
        if u is not None:
            u[...] = np.maximum(u, v)
        root = np.sqrt(v if u is None else u)
        correction = np.sqrt(1 - beta2**t)
        if decoupled:
            w[...] -= lr * weight_decay * w
        if convention == "torch":
            w[...] -= lr / (1 - beta1**t) * m / (root / correction + eps)
        else:
            w[...] -= lr * correction / (1 - beta1**t) * m / (root + eps)


def clip_grad_norm(
    grads: Sequence[FloatArray | None], max_norm: float, *, error_if_nonfinite: bool = True
) -> float:
    """Multiplies the gradients by max_norm / (norm + 1e-6) where that is below 1."""
    given = [g for g in grads if g is not None]
    norm = float(np.sqrt(sum(np.sum(np.square(g, dtype=np.float64)) for g in given)))
    if error_if_nonfinite and not np.isfinite(norm):
        raise ValueError(f"clip_grad_norm: the norm of the gradients must be finite. Got {norm}.")
    factor = max_norm / (norm + 1e-6)
    if not factor >= 1:
        for g in given:
            np.multiply(g, g.dtype.type(factor), out=g)
    return norm
