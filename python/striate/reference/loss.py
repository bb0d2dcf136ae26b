"""Losses, each with its gradient."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from striate._typing import FloatArray, IntArray, Reduction

from .elementwise_loss import check_reduction


@np.errstate(divide="ignore", invalid="ignore")  # the mean of nothing is NaN
def softmax_cross_entropy(
    logits: FloatArray,
    labels: IntArray,
    *,
    weight: FloatArray | None = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: Reduction = "mean",
) -> tuple[float | FloatArray, FloatArray]:
    """loss[i] = -sum over c of t[i,c] log_softmax(logits)[i,c], and its gradient.

    t[i,c] = weight[c] * ((1 - label_smoothing) * (c == labels[i]) + label_smoothing / C).
    """
    kept = _check(logits, labels, weight, ignore_index, label_smoothing, reduction)
    classes = logits.shape[1]
    if weight is None:
        weight = np.ones(classes, logits.dtype)
    class_weight = weight.reshape(classes, *[1] * (logits.ndim - 2))
    safe_labels = np.where(kept, labels, 0)[:, None]

    shifted = logits - logits.max(axis=1, keepdims=True, initial=-np.inf)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    label_weight = weight[safe_labels[:, 0]] * kept

    loss = -label_weight * np.take_along_axis(log_probs, safe_labels, axis=1)[:, 0]
    is_label = np.arange(classes).reshape(class_weight.shape) == safe_labels
    target = class_weight * is_label
    if label_smoothing:
        # Apart from the label's term, so that a log-probability of -inf meets no factor 0.
        uniform = -(class_weight * log_probs).sum(axis=1) / classes
        loss = (1 - label_smoothing) * loss + label_smoothing * uniform
        target = (1 - label_smoothing) * target + label_smoothing / classes * class_weight
    loss = np.where(kept, loss, 0).astype(logits.dtype)
    dlogits = np.exp(log_probs) * target.sum(axis=1, keepdims=True) - target

    total: float | FloatArray = loss
    if reduction != "none":
        total = float(loss.sum())
    if reduction == "mean":
        dlogits = dlogits / label_weight.sum()
        total = float(loss.sum() / label_weight.sum())
    return total, np.where(kept[:, None], dlogits, 0).astype(logits.dtype)


@np.errstate(divide="ignore", invalid="ignore")  # the mean of nothing is NaN
def nll_loss(
    log_probs: FloatArray,
    labels: IntArray,
    *,
    weight: FloatArray | None = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
) -> tuple[float | FloatArray, FloatArray]:
    """loss[i] = -weight[labels[i]] * log_probs[i,labels[i]], and its gradient."""
    kept = _check(log_probs, labels, weight, ignore_index, 0, reduction, "nll_loss")
    if weight is None:
        weight = np.ones(log_probs.shape[1], log_probs.dtype)
    safe_labels = np.where(kept, labels, 0)[:, None]
    label_weight = np.where(kept, weight[safe_labels[:, 0]], 0)
    picked = np.take_along_axis(log_probs, safe_labels, axis=1)[:, 0]
    loss = np.where(kept, -label_weight * picked, 0).astype(log_probs.dtype)
    divisor = label_weight.sum() if reduction == "mean" else 1
    slope = np.where(kept, -label_weight / divisor, 0).astype(log_probs.dtype)
    dlog_probs = np.zeros_like(log_probs)
    np.put_along_axis(dlog_probs, safe_labels, slope[:, None], axis=1)
    return loss if reduction == "none" else float(loss.sum() / divisor), dlog_probs


def _check(
    logits: FloatArray,
    labels: IntArray,
    weight: FloatArray | None,
    ignore_index: int,
    label_smoothing: float,
    reduction: Reduction,
    function: str = "softmax_cross_entropy",
) -> npt.NDArray[np.bool_]:
    """Where a label counts."""
    if not np.issubdtype(labels.dtype, np.integer):
        raise TypeError(f"{function}: labels must be integers. Got {labels.dtype}.")
    if logits.ndim < 2 or labels.shape != (logits.shape[0], *logits.shape[2:]):
        raise ValueError(
            f"{function}: logits must be (N, C, ...) and labels (N, ...). "
            f"Got shapes {logits.shape}, {labels.shape}."
        )
    classes = logits.shape[1]
    if weight is not None and weight.shape != (classes,):
        raise ValueError(f"{function}: weight must have shape ({classes},). Got {weight.shape}.")
    if not 0 <= label_smoothing <= 1:
        raise ValueError(
            f"{function}: label_smoothing must be in [0, 1]. Got label_smoothing={label_smoothing}."
        )
    check_reduction(function, reduction)
    kept: npt.NDArray[np.bool_] = labels != ignore_index
    wrong = labels[kept & ((labels < 0) | (labels >= classes))]
    if wrong.size:
        raise ValueError(
            f"{function}: labels must be in [0, C) or ignore_index. "
            f"Got label {wrong[0]}, C={classes}, ignore_index={ignore_index}."
        )
    return kept
