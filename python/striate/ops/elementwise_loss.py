"""Losses of single elements, each with its gradient."""

from __future__ import annotations

from typing import Literal, overload

from striate import _backend
from striate._typing import FloatArray, Reduction


@overload
def mse_loss(
    pred: FloatArray, target: FloatArray, *, reduction: Literal["mean", "sum"] = "mean"
) -> tuple[float, FloatArray]: ...


@overload
def mse_loss(
    pred: FloatArray, target: FloatArray, *, reduction: Literal["none"]
) -> tuple[FloatArray, FloatArray]: ...


def mse_loss(
    pred: FloatArray, target: FloatArray, *, reduction: Reduction = "mean"
) -> tuple[float | FloatArray, FloatArray]:
    """Squared error, and its gradient.

    Formula: `loss = (pred - target)**2`, its mean or its sum over all elements;
    `dpred = 2 * (pred - target)`, divided by the number of elements for the mean.

    Args:
        pred: any shape, float32 or float64.
        target: of pred's shape and dtype; nothing is broadcast.
        reduction: "mean", "sum" or "none".

    Returns:
        (loss, dpred): loss is a float, or with "none" an array of pred's shape. The mean over no
        elements is NaN.

    Raises:
        ValueError: the shapes differ, or reduction is unknown.
        TypeError: the dtypes differ, or are neither float32 nor float64.

    References:
        Bishop, "Pattern recognition and machine learning", 2006, section 3.1.1.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> loss, dpred = ops.mse_loss(np.array([1.0, 2.0]), np.array([0.0, 4.0]))
        >>> loss, dpred.tolist()
        (2.5, [1.0, -2.0])
    """
    return _backend.select("mse_loss", pred=pred, target=target).mse_loss(pred, target, reduction)


@overload
def l1_loss(
    pred: FloatArray, target: FloatArray, *, reduction: Literal["mean", "sum"] = "mean"
) -> tuple[float, FloatArray]: ...


@overload
def l1_loss(
    pred: FloatArray, target: FloatArray, *, reduction: Literal["none"]
) -> tuple[FloatArray, FloatArray]: ...


def l1_loss(
    pred: FloatArray, target: FloatArray, *, reduction: Reduction = "mean"
) -> tuple[float | FloatArray, FloatArray]:
    """Absolute error, and its gradient.

    Formula: `loss = |pred - target|`, its mean or its sum over all elements;
    `dpred = sign(pred - target)` with `sign(0) = 0`, divided by the number of elements for the
    mean.

    Args:
        pred: any shape, float32 or float64.
        target: of pred's shape and dtype; nothing is broadcast.
        reduction: "mean", "sum" or "none".

    Returns:
        (loss, dpred): loss is a float, or with "none" an array of pred's shape. The mean over no
        elements is NaN.

    Raises:
        ValueError: the shapes differ, or reduction is unknown.
        TypeError: the dtypes differ, or are neither float32 nor float64.

    References:
        Hastie, Tibshirani and Friedman, "The elements of statistical learning", 2009, section
        10.6.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> loss, dpred = ops.l1_loss(np.array([1.0, 2.0]), np.array([0.0, 4.0]))
        >>> loss, dpred.tolist()
        (1.5, [0.5, -0.5])
    """
    return _backend.select("l1_loss", pred=pred, target=target).l1_loss(pred, target, reduction)


@overload
def huber_loss(
    pred: FloatArray,
    target: FloatArray,
    *,
    delta: float = 1.0,
    reduction: Literal["mean", "sum"] = "mean",
) -> tuple[float, FloatArray]: ...


@overload
def huber_loss(
    pred: FloatArray, target: FloatArray, *, delta: float = 1.0, reduction: Literal["none"]
) -> tuple[FloatArray, FloatArray]: ...


def huber_loss(
    pred: FloatArray, target: FloatArray, *, delta: float = 1.0, reduction: Reduction = "mean"
) -> tuple[float | FloatArray, FloatArray]:
    """Squared error near 0 and absolute error far from it, and its gradient.

    Formula, with `e = pred - target`: `loss = e**2 / 2 where |e| <= delta, else
    delta * (|e| - delta / 2)`, its mean or its sum over all elements;
    `dpred = min(max(e, -delta), delta)`, divided by the number of elements for the mean.

    Args:
        pred: any shape, float32 or float64.
        target: of pred's shape and dtype; nothing is broadcast.
        delta: where the straight pieces begin, greater than 0.
        reduction: "mean", "sum" or "none".

    Returns:
        (loss, dpred): loss is a float, or with "none" an array of pred's shape. The mean over no
        elements is NaN.

    Raises:
        ValueError: the shapes differ, delta is not finite and greater than 0, or reduction is
            unknown.
        TypeError: the dtypes differ, or are neither float32 nor float64.

    References:
        Huber, "Robust estimation of a location parameter", Annals of Mathematical Statistics 35,
        1964.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> loss, dpred = ops.huber_loss(np.array([0.5, 2.0]), np.array([0.0, 4.0]))
        >>> loss, dpred.tolist()
        (0.8125, [0.25, -0.5])
    """
    return _backend.select("huber_loss", pred=pred, target=target).huber_loss(
        pred, target, delta, reduction
    )


@overload
def binary_cross_entropy_with_logits(
    logits: FloatArray,
    target: FloatArray,
    *,
    weight: FloatArray | None = None,
    pos_weight: FloatArray | None = None,
    reduction: Literal["mean", "sum"] = "mean",
) -> tuple[float, FloatArray]: ...


@overload
def binary_cross_entropy_with_logits(
    logits: FloatArray,
    target: FloatArray,
    *,
    weight: FloatArray | None = None,
    pos_weight: FloatArray | None = None,
    reduction: Literal["none"],
) -> tuple[FloatArray, FloatArray]: ...


def binary_cross_entropy_with_logits(
    logits: FloatArray,
    target: FloatArray,
    *,
    weight: FloatArray | None = None,
    pos_weight: FloatArray | None = None,
    reduction: Reduction = "mean",
) -> tuple[float | FloatArray, FloatArray]:
    """Cross-entropy of the sigmoid of logits with targets, and its gradient.

    Formula, with s for the sigmoid::

        loss = weight * ((1 - target) * log(1 + exp(logits)) +
                         pos_weight * target * log(1 + exp(-logits)))
        dlogits = weight * ((1 - target) * s(logits) - pos_weight * target * s(-logits))

    "sum" adds the losses up, "mean" divides that sum by their number, whatever the weights. A term
    with the factor 0 is 0, be the logit infinite; NaN gives NaN.

    Args:
        logits: any shape, float32 or float64.
        target: of logits' shape and dtype, probabilities in [0, 1] (which is not checked).
        weight: of logits' shape, a factor for each element; None for ones.
        pos_weight: (1,), or (C,) for logits (N, C, ...): the weight of the positive targets; None
            for ones.
        reduction: "mean", "sum" or "none".

    Returns:
        (loss, dlogits): loss is a float, or with "none" an array of logits' shape. The mean over no
        elements is NaN.

    Raises:
        ValueError: the shapes differ, or reduction is unknown.
        TypeError: the dtypes differ, or are neither float32 nor float64.

    References:
        Bishop, "Pattern recognition and machine learning", 2006, section 4.3.2.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> logits, target = np.array([0.0, 1e4]), np.array([0.0, 1.0])
        >>> loss, dlogits = ops.binary_cross_entropy_with_logits(logits, target)
        >>> round(loss, 4), dlogits.tolist()
        (0.3466, [0.25, 0.0])
    """
    return _backend.select(
        "binary_cross_entropy_with_logits",
        logits=logits,
        target=target,
        weight=weight,
        pos_weight=pos_weight,
    ).binary_cross_entropy_with_logits(logits, target, weight, pos_weight, reduction)
