"""Softmax and cross-entropy in one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from striate._typing import FloatArray, IntArray, Reduction


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


def _check(
    logits: FloatArray,
    labels: IntArray,
    weight: FloatArray | None,
    ignore_index: int,
    label_smoothing: float,
    reduction: Reduction,
) -> npt.NDArray[np.bool_]:
    """Where a label counts."""
    function = "softmax_cross_entropy"
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
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(
            f"{function}: reduction must be 'none', 'mean' or 'sum'. Got reduction={reduction!r}."
        )
    kept: npt.NDArray[np.bool_] = labels != ignore_index
    wrong = labels[kept & ((labels < 0) | (labels >= classes))]
    if wrong.size:
        raise ValueError(
            f"{function}: labels must be in [0, C) or ignore_index. "
            f"Got label {wrong[0]}, C={classes}, ignore_index={ignore_index}."
        )
    return kept
