"""Losses: each returns its value and its gradient with respect to the first argument."""

from __future__ import annotations

from typing import Any

from striate import ops
from striate._typing import FloatArray, IntArray, Reduction

__all__ = ["binary_cross_entropy_with_logits", "cross_entropy", "huber", "l1", "mse", "nll"]


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


def l1(
    pred: FloatArray, target: FloatArray, *, reduction: Reduction = "mean"
) -> tuple[Any, FloatArray]:
    """Mean absolute error.

    Shapes: pred and target have the same one; the formula is that of `striate.ops.l1_loss`.

    Returns:
        (loss, dpred). The loss is a float, or has pred's shape with reduction "none".

    Examples:
        >>> import numpy as np
        >>> from striate import losses
        >>> loss, dy = losses.l1(np.float32([1.0, 2.0]), np.float32([0.0, 4.0]))
        >>> loss, dy.tolist()
        (1.5, [0.5, -0.5])
    """
    return ops.l1_loss(pred, target, reduction=reduction)


def huber(
    pred: FloatArray, target: FloatArray, *, delta: float = 1.0, reduction: Reduction = "mean"
) -> tuple[Any, FloatArray]:
    """Squared error up to delta, absolute error beyond.

    Shapes: pred and target have the same one; the formula is that of `striate.ops.huber_loss`.

    Returns:
        (loss, dpred). The loss is a float, or has pred's shape with reduction "none".

    Examples:
        >>> import numpy as np
        >>> from striate import losses
        >>> loss, dy = losses.huber(np.float32([0.5, 2.0]), np.float32([0.0, 4.0]))
        >>> loss, dy.tolist()
        (0.8125, [0.25, -0.5])
    """
    return ops.huber_loss(pred, target, delta=delta, reduction=reduction)


def binary_cross_entropy_with_logits(
    logits: FloatArray,
    target: FloatArray,
    *,
    weight: FloatArray | None = None,
    pos_weight: FloatArray | None = None,
    reduction: Reduction = "mean",
) -> tuple[Any, FloatArray]:
    """Cross-entropy of the sigmoid of `logits` with targets in [0, 1].

    Shapes: logits, target and weight have the same one, pos_weight is (1,) or (C,); the formula is
    that of `striate.ops.binary_cross_entropy_with_logits`.

    Returns:
        (loss, dlogits). The loss is a float, or has the logits' shape with reduction "none".

    Examples:
        >>> import numpy as np
        >>> from striate import losses
        >>> loss, dy = losses.binary_cross_entropy_with_logits(np.float32([0]), np.float32([1]))
        >>> round(loss, 4), dy.tolist()
        (0.6931, [-0.5])
    """
    return ops.binary_cross_entropy_with_logits(
        logits, target, weight=weight, pos_weight=pos_weight, reduction=reduction
    )
