"""Bounds on gradients and weights, and the weights' averages: they update their arrays in place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from striate._typing import FloatArray


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


def clip_grad_value(grads: Sequence[FloatArray | None], clip_value: float) -> None:
    """Bounds each element to [-clip_value, clip_value]."""
    for g in grads:
        if g is not None:
            np.clip(g, -clip_value, clip_value, out=g)


def ema_step(averages: Sequence[FloatArray], params: Sequence[FloatArray], *, decay: float) -> None:
    """a = decay * a + (1 - decay) * w."""
    for a, w in zip(averages, params, strict=True):
        a[...] = decay * a + (1 - decay) * w


def max_norm_step(params: Sequence[FloatArray], max_norm: float) -> None:
    """Scales each row, an index of the first axis, to the norm max_norm where it is longer."""
    for w in params:
        if w.size == 0:
            continue
        rows = w.reshape(w.shape[0] if w.ndim else 1, -1)
        norms = np.sqrt(np.sum(np.square(rows, dtype=np.float64), axis=1))
        factors = np.ones_like(norms)
        np.divide(max_norm, norms, out=factors, where=norms > max_norm)
        w[...] = (rows * factors[:, None]).reshape(w.shape)
