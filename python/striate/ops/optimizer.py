"""Optimizer steps: the functions that write to their arguments."""

from __future__ import annotations

from collections.abc import Sequence

from striate import _backend
from striate._typing import FloatArray, SgdConvention


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
    """Make one step of gradient descent, in place, on all tensors in one pass.

    Formula, with mu for momentum and `g = grad + weight_decay * w + l1 * sign(w)`::

        "torch":  v = mu * v + (1 - dampening) * g       (v = g where first)
                  w -= lr * v                            (nesterov: w -= lr * (g + mu * v))
        "caffe":  v = mu * v_old + lr * g                (v_old = 0 where first)
                  w -= v                                 (nesterov: w -= (1 + mu) * v - mu * v_old)

    and `w -= lr * g` without momentum. At a constant rate the two conventions make the same steps;
    where lr changes, "caffe" keeps the old rate in its velocity.

    Args:
        params: the tensors to update, writable, each C-contiguous.
        grads: one gradient of the same shape and dtype for each; None skips that tensor.
        velocities: the state, one array for each tensor, updated as well; without momentum it is
            neither read nor written and may be None.
        lr: the learning rate.
        momentum: how much of the velocity is kept.
        dampening: how much of the gradient is left out of the velocity ("torch" alone has it).
        nesterov: look ahead along the velocity.
        weight_decay: the coefficient of the L2 penalty `weight_decay / 2 * sum(w**2)`.
        l1: the coefficient of the L1 penalty `l1 * sum(abs(w))`; sign(0) is 0.
        first: whether this is the very first step, for all tensors or one bool for each; what is
            in the velocities then does not matter.
        convention: "torch" or "caffe".

    Raises:
        ValueError: the lists differ in length, the shapes do not fit, an array is read-only or
            shares memory with another that is written, momentum has no velocities, nesterov comes
            without momentum or with dampening, or a number is out of range. Nothing has been
            written then.
        TypeError: an array is not float32 or float64, or the dtypes of a tensor's arrays differ.

    References:
        Sutskever, Martens, Dahl and Hinton, "On the importance of initialization and momentum in
        deep learning", ICML 2013, section 2.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> w, v = np.array([1.0, 2.0]), np.zeros(2)
        >>> ops.sgd_step([w], [np.array([4.0, 8.0])], [v], lr=0.25, momentum=0.5, first=True)
        >>> w.tolist(), v.tolist()
        ([0.0, 0.0], [4.0, 8.0])
    """
    _backend.select("sgd_step", params=params, grads=grads, velocities=velocities).sgd_step(
        params,
        grads,
        velocities,
        lr,
        momentum,
        dampening,
        nesterov,
        weight_decay,
        l1,
        first,
        convention,
    )
