"""Losses of single elements, each with its gradient."""

from __future__ import annotations

import numpy as np

from striate._typing import FloatArray, Reduction

from .activation import sigmoid


def mse_loss(
    pred: FloatArray, target: FloatArray, *, reduction: Reduction = "mean"
) -> tuple[float | FloatArray, FloatArray]:
    """(pred - target)**2, and its gradient."""
    error = _error("mse_loss", pred, target)
    return _reduced("mse_loss", error**2, 2 * error, reduction)


def l1_loss(
    pred: FloatArray, target: FloatArray, *, reduction: Reduction = "mean"
) -> tuple[float | FloatArray, FloatArray]:
    """|pred - target|, and its gradient."""
    error = _error("l1_loss", pred, target)
    return _reduced("l1_loss", np.abs(error), np.sign(error), reduction)


def huber_loss(
    pred: FloatArray, target: FloatArray, *, delta: float = 1.0, reduction: Reduction = "mean"
) -> tuple[float | FloatArray, FloatArray]:
    """A square up to delta and its tangent from there on, and the gradient."""
    error = _error("huber_loss", pred, target)
    far = delta * (np.abs(error) - delta / 2)
    loss = np.where(np.abs(error) <= delta, error**2 / 2, far)
    return _reduced("huber_loss", loss, np.clip(error, -delta, delta), reduction)


@np.errstate(invalid="ignore")
def binary_cross_entropy_with_logits(
    logits: FloatArray,
    target: FloatArray,
    *,
    weight: FloatArray | None = None,
    pos_weight: FloatArray | None = None,
    reduction: Reduction = "mean",
) -> tuple[float | FloatArray, FloatArray]:
    """-(1 - target) log s(-logits) - pos_weight target log s(logits), times weight."""
    name = "binary_cross_entropy_with_logits"
    _error(name, logits, target)
    positive = target
    if pos_weight is not None:
        if pos_weight.shape == (1,):
            positive = np.asarray(target * pos_weight[0])
        else:
            positive = target * pos_weight.reshape(-1, *[1] * (logits.ndim - 2))
    negative = 1 - target
    loss = np.where(negative == 0, 0 * target, negative * np.logaddexp(0, logits))
    loss = loss + np.where(positive == 0, 0 * target, positive * np.logaddexp(0, -logits))
    slope = negative * sigmoid(logits) - positive * sigmoid(-logits)
    if weight is not None:
        loss, slope = loss * weight, slope * weight
    return _reduced(name, loss, slope, reduction)


def check_reduction(function: str, reduction: Reduction) -> None:
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(
            f"{function}: reduction must be 'none', 'mean' or 'sum'. Got reduction={reduction!r}."
        )


def _error(function: str, pred: FloatArray, target: FloatArray) -> FloatArray:
    if pred.shape != target.shape:
        raise ValueError(
            f"{function}: pred and target must have the same shape. "
            f"Got {pred.shape}, {target.shape}."
        )
    return np.asarray(pred - target)


@np.errstate(invalid="ignore")  # the mean of nothing is NaN
def _reduced(
    function: str, loss: FloatArray, slope: FloatArray, reduction: Reduction
) -> tuple[float | FloatArray, FloatArray]:
    check_reduction(function, reduction)
    loss, slope = np.asarray(loss), np.asarray(slope)
    if reduction == "none":
        return loss, slope
    if reduction == "sum":
        return float(loss.sum()), slope
    mean = float(np.divide(loss.sum(), loss.size))
    return mean, np.asarray(slope / slope.dtype.type(max(slope.size, 1)))
