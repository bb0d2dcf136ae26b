"""Losses, each with its gradient."""

from __future__ import annotations

from typing import Literal, overload

from striate import _backend
from striate._typing import FloatArray, IntArray, Reduction


@overload
def softmax_cross_entropy(
    logits: FloatArray,
    labels: IntArray,
    *,
    weight: FloatArray | None = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: Literal["mean", "sum"] = "mean",
) -> tuple[float, FloatArray]: ...


@overload
def softmax_cross_entropy(
    logits: FloatArray,
    labels: IntArray,
    *,
    weight: FloatArray | None = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: Literal["none"],
) -> tuple[FloatArray, FloatArray]: ...


def softmax_cross_entropy(
    logits: FloatArray,
    labels: IntArray,
    *,
    weight: FloatArray | None = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: Reduction = "mean",
) -> tuple[float | FloatArray, FloatArray]:
    """Cross-entropy between labels and the softmax of logits, and its gradient, in one pass.

    Formula, for the sample i with the label t, and e for label_smoothing::

        loss[i] = -sum over c of q[c] * log(softmax(logits[i])[c])
        q[c] = weight[c] * ((1 - e) * (c == t) + e / C)
        dlogits[i, c] = softmax(logits[i])[c] * sum(q) - q[c]

    "sum" adds the losses up. "mean" divides that sum by the sum of weight[t] over the labels that
    count (PyTorch's rule): by their number when there is no weight. "none" keeps one loss per
    label, and dlogits is the gradient of their sum.

    Args:
        logits: (N, C) or (N, C, d1, ...), not normalised.
        labels: (N,) or (N, d1, ...), any integer dtype, in [0, C) or ignore_index.
        weight: (C,), one factor per class; None for ones.
        ignore_index: samples with this label give no loss and no gradient, and do not count in
            the mean.
        label_smoothing: how much of the target is spread evenly over all classes, in [0, 1].
        reduction: "mean", "sum" or "none".

    Returns:
        (loss, dlogits): loss is a float, or with "none" an array of the labels' shape; dlogits has
        the logits' shape and dtype. The mean over no labels is NaN, its gradient 0.

    Raises:
        ValueError: a label is out of range, or a shape or an option does not fit.
        TypeError: labels are no integers, logits no float32 or float64 array, or weight has
            another dtype than logits.

    References:
        Szegedy et al., "Rethinking the Inception architecture for computer vision", CVPR 2016,
        section 7 (label smoothing).

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> logits = np.array([[0.0, 0.0], [0.0, 0.0]])
        >>> loss, dlogits = ops.softmax_cross_entropy(logits, np.array([1, 0]))
        >>> round(loss, 4), dlogits.round(6).tolist()
        (0.6931, [[0.25, -0.25], [-0.25, 0.25]])
    """
    return _backend.select(
        "softmax_cross_entropy", logits=logits, labels=labels, weight=weight
    ).softmax_cross_entropy(logits, labels, weight, ignore_index, label_smoothing, reduction)


@overload
def nll_loss(
    log_probs: FloatArray,
    labels: IntArray,
    *,
    weight: FloatArray | None = None,
    ignore_index: int = -100,
    reduction: Literal["mean", "sum"] = "mean",
) -> tuple[float, FloatArray]: ...


@overload
def nll_loss(
    log_probs: FloatArray,
    labels: IntArray,
    *,
    weight: FloatArray | None = None,
    ignore_index: int = -100,
    reduction: Literal["none"],
) -> tuple[FloatArray, FloatArray]: ...


def nll_loss(
    log_probs: FloatArray,
    labels: IntArray,
    *,
    weight: FloatArray | None = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
) -> tuple[float | FloatArray, FloatArray]:
    """Negative log-likelihood of labels, and its gradient.

    Formula, for the sample i with the label t: `loss[i] = -weight[t] * log_probs[i, t]`, and
    `dlog_probs[i, c] = -weight[t] where c == t, else 0`, reduced as in `softmax_cross_entropy`:
    "mean" divides by the sum of weight[t] over the labels that count.

    Args:
        log_probs: (N, C) or (N, C, d1, ...), such as `log_softmax` gives along axis 1.
        labels: (N,) or (N, d1, ...), any integer dtype, in [0, C) or ignore_index.
        weight: (C,), one factor per class; None for ones.
        ignore_index: samples with this label give no loss and no gradient, and do not count in
            the mean.
        reduction: "mean", "sum" or "none".

    Returns:
        (loss, dlog_probs): loss is a float, or with "none" an array of the labels' shape. The mean
        over no labels is NaN, its gradient 0.

    Raises:
        ValueError: a label is out of range, or a shape or an option does not fit.
        TypeError: labels are no integers, log_probs no float32 or float64 array, or weight has
            another dtype than log_probs.

    References:
        Bishop, "Pattern recognition and machine learning", 2006, section 4.3.4.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> log_probs = np.array([[-1.0, -2.0], [-3.0, -4.0]])
        >>> loss, dlog_probs = ops.nll_loss(log_probs, np.array([1, 0]))
        >>> loss, dlog_probs.tolist()
        (2.5, [[0.0, -0.5], [-0.5, 0.0]])
    """
    return _backend.select("nll_loss", log_probs=log_probs, labels=labels, weight=weight).nll_loss(
        log_probs, labels, weight, ignore_index, reduction
    )
