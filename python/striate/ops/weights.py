"""Bounds on gradients and weights, and the weights' averages: they write to their arguments."""

from __future__ import annotations

from collections.abc import Sequence

from striate import _backend
from striate._typing import FloatArray


def clip_grad_norm(
    grads: Sequence[FloatArray | None], max_norm: float, *, error_if_nonfinite: bool = True
) -> float:
    """Scale gradients, in place, so that their common Euclidean norm is at most max_norm.

    Formula: `norm = sqrt(sum of the squares of all elements of all gradients)`, added up in double
    precision; where `max_norm / (norm + 1e-6) < 1`, every gradient is multiplied by it.

    Args:
        grads: the gradients, writable, each C-contiguous; None is skipped.
        max_norm: at least 0.
        error_if_nonfinite: whether a norm that is NaN or infinite is an error. Else it ends up in
            the gradients.

    Returns:
        The norm before clipping, a float; 0 for no gradients. On CUDA a 0-d float64 array.

    Raises:
        ValueError: max_norm is negative, an array is read-only or shares memory with another, or
            the norm is not finite. Nothing has been written then. On CUDA, where nothing waits for
            the norm, the next call raises that, or `striate.synchronize()`.
        TypeError: an array is not float32 or float64.

    References:
        Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks",
        ICML 2013, section 3.2.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> a, b = np.array([3.0]), np.array([4.0])
        >>> ops.clip_grad_norm([a, None, b], 1.0)
        5.0
        >>> a.round(4).tolist(), b.round(4).tolist()
        ([0.6], [0.8])
    """
    return _backend.select("clip_grad_norm", grads=grads).clip_grad_norm(
        grads, max_norm, error_if_nonfinite
    )


def clip_grad_value(grads: Sequence[FloatArray | None], clip_value: float) -> None:
    """Bound each element of gradients, in place, to [-clip_value, clip_value].

    Formula: `g = min(max(g, -clip_value), clip_value)`; NaN stays NaN.

    Args:
        grads: the gradients, writable, each C-contiguous; None is skipped.
        clip_value: at least 0.

    Raises:
        ValueError: clip_value is negative, or an array is read-only or shares memory with another.
            Nothing has been written then.
        TypeError: an array is not float32 or float64.

    References:
        Mikolov, "Statistical language models based on neural networks", PhD thesis, Brno University
        of Technology, 2012, section 3.2.2.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> g = np.array([3.0, -0.5, -4.0])
        >>> ops.clip_grad_value([g, None], 1.0)
        >>> g.tolist()
        [1.0, -0.5, -1.0]
    """
    _backend.select("clip_grad_value", grads=grads).clip_grad_value(grads, clip_value)


def ema_step(averages: Sequence[FloatArray], params: Sequence[FloatArray], *, decay: float) -> None:
    """Move exponential moving averages, in place, towards the parameters.

    Formula: `a = decay * a + (1 - decay) * w`, computed as `a + (1 - decay) * (w - a)`.

    Args:
        averages: a for each tensor, writable, each C-contiguous, updated.
        params: w for each tensor, of the same shape and dtype; only read.
        decay: how much of the averages is kept, in [0, 1].

    Raises:
        ValueError: the lists differ in length, the shapes do not fit, an average is read-only or
            shares memory with another array, a parameter is None, or decay is out of range. Nothing
            has been written then.
        TypeError: an array is not float32 or float64, or the dtypes of a tensor's arrays differ.

    References:
        Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", SIAM Journal
        on Control and Optimization 30, 1992 (there with equal weights).

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> a = np.array([0.0, 8.0])
        >>> ops.ema_step([a], [np.array([4.0, 4.0])], decay=0.75)
        >>> a.tolist()
        [1.0, 7.0]
    """
    _backend.select("ema_step", averages=averages, params=params).ema_step(averages, params, decay)


def max_norm_step(params: Sequence[FloatArray], max_norm: float) -> None:
    """Scale weights, in place, so that no unit's incoming weights are longer than max_norm.

    Formula, for each index of the first axis: `w = w * max_norm / norm(w)` where
    `norm(w) > max_norm`, the Euclidean norm over all other axes, added up in double precision. A
    row whose norm is NaN stays.

    Args:
        params: the tensors, writable, each C-contiguous, such as the weights
            `(C_out, C_in / groups, K_h, K_w)` of a convolution: one row for each filter.
        max_norm: at least 0.

    Raises:
        ValueError: max_norm is negative, or an array is read-only or shares memory with another.
            Nothing has been written then.
        TypeError: an array is not float32 or float64.

    References:
        Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, "Dropout: a simple way to
        prevent neural networks from overfitting", JMLR 15, 2014, section 5.1.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> w = np.array([[3.0, 4.0], [0.3, 0.4]])
        >>> ops.max_norm_step([w], 1.0)
        >>> w.round(4).tolist()
        [[0.6, 0.8], [0.3, 0.4]]
    """
    _backend.select("max_norm_step", params=params).max_norm_step(params, max_norm)
