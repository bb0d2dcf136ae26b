"""Losses: each returns its value and its gradient with respect to the first argument."""

from __future__ import annotations

from typing import Any

from striate import ops
from striate._typing import FloatArray, IntArray, Reduction

__all__ = ["cross_entropy", "mse", "nll"]


def cross_entropy(
    logits: FloatArray,
    labels: IntArray,
    *,
    weight: FloatArray | None = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: Reduction = "mean",
) -> tuple[Any, FloatArray]:
    """Cross-entropy of the softmax of `logits` with class labels.

    Shapes: logits (N, C) or (N, C, d1, ...), labels (N,) or (N, d1, ...); the formula and the
    parameters are those of `striate.ops.softmax_cross_entropy`.

    Returns:
        (loss, dlogits). The loss is a float, or has the labels' shape with reduction "none".

    Examples:
        >>> import numpy as np
        >>> from striate import losses
        >>> loss, dy = losses.cross_entropy(np.zeros((1, 2), np.float32), np.array([1]))
        >>> round(loss, 4), dy.tolist()
        (0.6931, [[0.5, -0.5]])
    """
    return ops.softmax_cross_entropy(
        logits,
        labels,
        weight=weight,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        reduction=reduction,
    )


def nll(
    log_probs: FloatArray,
    labels: IntArray,
    *,
    weight: FloatArray | None = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
) -> tuple[Any, FloatArray]:
    """Negative log-likelihood of class labels; `cross_entropy` takes scores and is more accurate.

    Shapes: log_probs (N, C) or (N, C, d1, ...), labels (N,) or (N, d1, ...); the formula and the
    parameters are those of `striate.ops.nll_loss`.

    Returns:
        (loss, dlog_probs). The loss is a float, or has the labels' shape with reduction "none".

    Examples:
        >>> import numpy as np
        >>> from striate import losses
        >>> loss, dy = losses.nll(np.float32([[-2.0, -0.5]]), np.array([1]))
        >>> loss, dy.tolist()
        (0.5, [[0.0, -1.0]])
    """
    return ops.nll_loss(
        log_probs, labels, weight=weight, ignore_index=ignore_index, reduction=reduction
    )


def mse(
    pred: FloatArray, target: FloatArray, *, reduction: Reduction = "mean"
) -> tuple[Any, FloatArray]:
    """Mean squared error.

    Shapes: pred and target have the same one; the formula is that of `striate.ops.mse_loss`.

    Returns:
        (loss, dpred). The loss is a float, or has pred's shape with reduction "none".

    Examples:
        >>> import numpy as np
        >>> from striate import losses
        >>> loss, dy = losses.mse(np.float32([1.0, 2.0]), np.float32([0.0, 4.0]))
        >>> loss, dy.tolist()
        (2.5, [1.0, -2.0])
    """
    return ops.mse_loss(pred, target, reduction=reduction)
