"""Optimizer steps: they update their arrays in place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from striate._typing import FloatArray, KerasConvention, SgdConvention


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
    decoupled: bool = False,
    first: bool | Sequence[bool] = False,
    convention: SgdConvention = "torch",
    clip_norm: float | None = None,
    grad_norm: float | None = None,
    clip_value: float | None = None,
    averages: Sequence[FloatArray] | None = None,
    ema: float | Sequence[float] | None = None,
) -> None:
    """One step of gradient descent; parameters whose gradient is None are skipped.

    With g = grad + weight_decay * w (unless decoupled) + l1 * sign(w):
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
    grads = _clipped(grads, clip_norm, grad_norm, clip_value)
    firsts = [first] * len(params) if isinstance(first, bool | np.bool_) else first
    states = [None] * len(params) if velocities is None or not momentum else velocities
    for w, grad, v, is_first in zip(params, grads, states, firsts, strict=True):
        if grad is None:
            continue
        g = _penalized(grad, w, weight_decay, l1, decoupled)
        if decoupled:
            w[...] -= lr * weight_decay * w
        if v is None:
            w[...] -= lr * g
        elif convention == "torch":
            v[...] = g if is_first else momentum * v + (1 - dampening) * g
            w[...] -= lr * (g + momentum * v if nesterov else v)
        else:
            old = np.zeros_like(v) if is_first else v.copy()
            v[...] = momentum * old + lr * g
            w[...] -= (1 + momentum) * v - momentum * old if nesterov else v
    _average(averages, params, grads, ema)


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
    convention: KerasConvention = "torch",
    clip_norm: float | None = None,
    grad_norm: float | None = None,
    clip_value: float | None = None,
    averages: Sequence[FloatArray] | None = None,
    ema: float | Sequence[float] | None = None,
) -> None:
    """One step of Adam; parameters whose gradient is None are skipped.

    With g = grad + weight_decay * w (unless decoupled) + l1 * sign(w):
    m = beta1 * m + (1 - beta1) * g; v = beta2 * v + (1 - beta2) * g**2; amsgrad: v's maximum.
    "torch": w -= lr / (1 - beta1**t) * m / (sqrt(v / (1 - beta2**t)) + eps).
    "keras": w -= lr * sqrt(1 - beta2**t) / (1 - beta1**t) * m / (sqrt(v) + eps).
    """
    _check_convention("adam_step", convention)
    if amsgrad and max_exp_avg_sqs is None:
        raise ValueError("adam_step: amsgrad needs max_exp_avg_sqs. Got None.")
    grads = _clipped(grads, clip_norm, grad_norm, clip_value)
    beta1, beta2 = betas
    steps = [step] * len(params) if isinstance(step, int | np.integer) else step
    maxima = [None] * len(params) if max_exp_avg_sqs is None or not amsgrad else max_exp_avg_sqs
    for w, grad, m, v, u, t in zip(
        params, grads, exp_avgs, exp_avg_sqs, maxima, steps, strict=True
    ):
        if grad is None:
            continue
        g = _penalized(grad, w, weight_decay, l1, decoupled)
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
    _average(averages, params, grads, ema)


def adagrad_step(
    params: Sequence[FloatArray],
    grads: Sequence[FloatArray | None],
    accumulators: Sequence[FloatArray],
    *,
    lr: float,
    eps: float = 1e-10,
    weight_decay: float = 0.0,
    l1: float = 0.0,
    decoupled: bool = False,
    convention: KerasConvention = "torch",
    clip_norm: float | None = None,
    grad_norm: float | None = None,
    clip_value: float | None = None,
    averages: Sequence[FloatArray] | None = None,
    ema: float | Sequence[float] | None = None,
) -> None:
    """One step of Adagrad; parameters whose gradient is None are skipped.

    With g = grad + weight_decay * w (unless decoupled) + l1 * sign(w): a = a + g**2.
    "torch": w -= lr * g / (sqrt(a) + eps). "keras": w -= lr * g / sqrt(a + eps).
    """
    _check_convention("adagrad_step", convention)
    grads = _clipped(grads, clip_norm, grad_norm, clip_value)
    for w, grad, a in zip(params, grads, accumulators, strict=True):
        if grad is None:
            continue
        g = _penalized(grad, w, weight_decay, l1, decoupled)
        a[...] += g**2
        if decoupled:
            w[...] -= lr * weight_decay * w
        w[...] -= lr * g / _root(a, eps, convention)
    _average(averages, params, grads, ema)


def rmsprop_step(
    params: Sequence[FloatArray],
    grads: Sequence[FloatArray | None],
    mean_squares: Sequence[FloatArray],
    mean_grads: Sequence[FloatArray] | None = None,
    velocities: Sequence[FloatArray] | None = None,
    *,
    lr: float,
    alpha: float = 0.99,
    eps: float = 1e-8,
    momentum: float = 0.0,
    centered: bool = False,
    weight_decay: float = 0.0,
    l1: float = 0.0,
    decoupled: bool = False,
    convention: KerasConvention = "torch",
    clip_norm: float | None = None,
    grad_norm: float | None = None,
    clip_value: float | None = None,
    averages: Sequence[FloatArray] | None = None,
    ema: float | Sequence[float] | None = None,
) -> None:
    """One step of RMSprop; parameters whose gradient is None are skipped.

    With g = grad + weight_decay * w (unless decoupled) + l1 * sign(w):
    s = alpha * s + (1 - alpha) * g**2; centered: less the square of the mean gradient.
    "torch": v = momentum * v + g / (sqrt(s) + eps); w -= lr * v.
    "keras": v = momentum * v + lr * g / sqrt(s + eps); w -= v.
    """
    _check_convention("rmsprop_step", convention)
    if centered and mean_grads is None:
        raise ValueError("rmsprop_step: centered needs mean_grads. Got None.")
    if momentum and velocities is None:
        raise ValueError(f"rmsprop_step: momentum needs velocities. Got momentum={momentum}, None.")
    grads = _clipped(grads, clip_norm, grad_norm, clip_value)
    means = [None] * len(params) if mean_grads is None or not centered else mean_grads
    states = [None] * len(params) if velocities is None or not momentum else velocities
    for w, grad, s, m, v in zip(params, grads, mean_squares, means, states, strict=True):
        if grad is None:
            continue
        g = _penalized(grad, w, weight_decay, l1, decoupled)
        s[...] = alpha * s + (1 - alpha) * g**2
        spread = s
        if m is not None:
            m[...] = alpha * m + (1 - alpha) * g
            spread = np.maximum(s - m**2, 0)
        if decoupled:
            w[...] -= lr * weight_decay * w
        step = g / _root(spread, eps, convention)
        if v is None:
            w[...] -= lr * step
        elif convention == "torch":
            v[...] = momentum * v + step
            w[...] -= lr * v
        else:
            v[...] = momentum * v + lr * step
            w[...] -= v
    _average(averages, params, grads, ema)


def _clipped(
    grads: Sequence[FloatArray | None],
    clip_norm: float | None,
    grad_norm: float | None,
    clip_value: float | None,
) -> list[FloatArray | None]:
    scale = 1.0
    if clip_norm is not None and grad_norm is not None:
        scale = min(1.0, clip_norm / (grad_norm + 1e-6))
    bound = np.inf if clip_value is None else clip_value
    return [None if g is None else np.clip(g * scale, -bound, bound) for g in grads]


def _average(
    averages: Sequence[FloatArray] | None,
    params: Sequence[FloatArray],
    grads: Sequence[FloatArray | None],
    ema: float | Sequence[float] | None,
) -> None:
    """Update the averages of those parameters that were changed."""
    if averages is None or ema is None:
        return
    decays = ema if isinstance(ema, Sequence) else [ema] * len(params)
    for a, w, grad, decay in zip(averages, params, grads, decays, strict=True):
        if grad is not None:
            a[...] += (1 - decay) * (w - a)


def _penalized(
    g: FloatArray, w: FloatArray, weight_decay: float, l1: float, decoupled: bool
) -> FloatArray:
    if weight_decay and not decoupled:
        g = g + weight_decay * w
    return g + l1 * np.sign(w) if l1 else g


def _root(square: FloatArray, eps: float, convention: KerasConvention) -> FloatArray:
    return np.sqrt(square) + eps if convention == "torch" else np.sqrt(square + eps)


def _check_convention(function: str, convention: KerasConvention) -> None:
    if convention not in ("torch", "keras"):
        raise ValueError(
            f"{function}: convention must be 'torch' or 'keras'. Got convention={convention!r}."
        )
