"""Optimizer steps: they write to their arguments."""

from __future__ import annotations

from collections.abc import Sequence

from striate import _backend
from striate._typing import FloatArray, KerasConvention, SgdConvention


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
    decoupled: bool = False,
    first: bool | Sequence[bool] = False,
    convention: SgdConvention = "torch",
    clip_norm: float | None = None,
    grad_norm: float | None = None,
    clip_value: float | None = None,
    averages: Sequence[FloatArray] | None = None,
    ema: float | Sequence[float] | None = None,
) -> None:
    """Make one step of gradient descent, in place, on all tensors in one pass.

    Formula, with mu for momentum and `g = grad + weight_decay * w + l1 * sign(w)`, where decoupled
    without the middle term::

        "torch":  v = mu * v + (1 - dampening) * g       (v = g where first)
                  w -= lr * v                            (nesterov: w -= lr * (g + mu * v))
        "caffe":  v = mu * v_old + lr * g                (v_old = 0 where first)
                  w -= v                                 (nesterov: w -= (1 + mu) * v - mu * v_old)

    and `w -= lr * g` without momentum. At a constant rate the two conventions make the same steps;
    where lr changes, "caffe" keeps the old rate in its velocity. Where decoupled,
    `lr * weight_decay * w` of the old w is taken off as well.

    Args:
        params: the tensors to update, writable, each C-contiguous.
        grads: one gradient of the same shape and dtype for each; None skips that tensor.
        velocities: the state, one array for each tensor, updated as well; without momentum it is
            neither read nor written and may be None.
        lr: the learning rate.
        momentum: how much of the velocity is kept.
        dampening: how much of the gradient is left out of the velocity ("torch" alone has it).
        nesterov: look ahead along the velocity.
        weight_decay: the coefficient of the L2 penalty `weight_decay / 2 * sum(w**2)`, or of the
            decoupled decay.
        l1: the coefficient of the L1 penalty `l1 * sum(abs(w))`; sign(0) is 0.
        decoupled: whether weight_decay bypasses the velocity (SGDW).
        first: whether this is the very first step, for all tensors or one bool for each; what is
            in the velocities then does not matter.
        convention: "torch" or "caffe".
        clip_norm, grad_norm: grad is scaled first as by `clip_grad_norm`, which gives grad_norm.
        clip_value: grad is bounded next as by `clip_grad_value`.
        averages, ema: a moving average of each tensor, updated at the end as by `ema_step` with the
            decay ema, one for all or for each; 0 copies the tensor.

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
    _backend.select(
        "sgd_step", params=params, grads=grads, velocities=velocities, averages=averages
    ).sgd_step(
        params,
        grads,
        velocities,
        lr,
        momentum,
        dampening,
        nesterov,
        weight_decay,
        l1,
        decoupled,
        first,
        convention,
        clip_norm,
        grad_norm,
        clip_value,
        averages,
        ema,
    )


def adam_step(
    params: Sequence[FloatArray],
    grads: Sequence[FloatArray | None],
    exp_avgs: Sequence[FloatArray],
    exp_avg_sqs: Sequence[FloatArray],
    max_exp_avg_sqs: Sequence[FloatArray] | None = None,
    *,
    lr: float,
    step: int | Sequence[int],
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    l1: float = 0.0,
    decoupled: bool = False,
    amsgrad: bool = False,
    convention: KerasConvention = "torch",
    clip_norm: float | None = None,
    grad_norm: float | None = None,
    clip_value: float | None = None,
    averages: Sequence[FloatArray] | None = None,
    ema: float | Sequence[float] | None = None,
) -> None:
    """Make one step of Adam or AdamW, in place, on all tensors in one pass.

    Formula, with `g = grad + weight_decay * w + l1 * sign(w)`, where decoupled without the middle
    term, and t for step::

        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2                   (amsgrad: u = max(u, v), else u = v)
        "torch":  w -= lr / (1 - beta1**t) * m / (sqrt(u / (1 - beta2**t)) + eps)
        "keras":  w -= lr * sqrt(1 - beta2**t) / (1 - beta1**t) * m / (sqrt(u) + eps)

    and, where decoupled, `lr * weight_decay * w` of the old w is taken off as well.

    Args:
        params: the tensors to update, writable, each C-contiguous.
        grads: one gradient of the same shape and dtype for each; None skips that tensor.
        exp_avgs: m for each tensor, zeros at first, updated as well.
        exp_avg_sqs: v for each tensor, zeros at first, updated as well.
        max_exp_avg_sqs: u for each tensor, zeros at first, updated as well; only with amsgrad.
        lr: the learning rate.
        step: the number of this step, 1 at first, for all tensors or one int for each.
        betas: how much of both averages is kept, in [0, 1).
        eps: what keeps the divisor from 0.
        weight_decay: the coefficient of the L2 penalty `weight_decay / 2 * sum(w**2)`, or of the
            decoupled decay.
        l1: the coefficient of the L1 penalty `l1 * sum(abs(w))`; sign(0) is 0.
        decoupled: whether weight_decay bypasses the averages (AdamW).
        amsgrad: whether the divisor never shrinks.
        convention: "torch" or "keras".
        clip_norm, grad_norm: grad is scaled first as by `clip_grad_norm`, which gives grad_norm.
        clip_value: grad is bounded next as by `clip_grad_value`.
        averages, ema: a moving average of each tensor, updated at the end as by `ema_step` with the
            decay ema, one for all or for each; 0 copies the tensor.

    Raises:
        ValueError: the lists differ in length, the shapes do not fit, an array is read-only or
            shares memory with another that is written, amsgrad has no max_exp_avg_sqs, or a number
            is out of range. Nothing has been written then.
        TypeError: an array is not float32 or float64, or the dtypes of a tensor's arrays differ.

    References:
        Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015; Loshchilov and
        Hutter, "Decoupled weight decay regularization", ICLR 2019; Reddi, Kale and Kumar, "On the
        convergence of Adam and beyond", ICLR 2018.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> w, m, v = np.array([1.0, 2.0]), np.zeros(2), np.zeros(2)
        >>> ops.adam_step([w], [np.array([4.0, -8.0])], [m], [v], lr=0.5, step=1, eps=0.0)
        >>> w.round(6).tolist()
        [0.5, 2.5]
    """
    _backend.select(
        "adam_step",
        params=params,
        grads=grads,
        exp_avgs=exp_avgs,
        exp_avg_sqs=exp_avg_sqs,
        max_exp_avg_sqs=max_exp_avg_sqs,
        averages=averages,
    ).adam_step(
        params,
        grads,
        exp_avgs,
        exp_avg_sqs,
        max_exp_avg_sqs,
        lr,
        step,
        betas,
        eps,
        weight_decay,
        l1,
        decoupled,
        amsgrad,
        convention,
        clip_norm,
        grad_norm,
        clip_value,
        averages,
        ema,
    )


def adagrad_step(
    params: Sequence[FloatArray],
    grads: Sequence[FloatArray | None],
    accumulators: Sequence[FloatArray],
    *,
    lr: float,
    eps: float = 1e-10,
    weight_decay: float = 0.0,
    l1: float = 0.0,
    decoupled: bool = False,
    convention: KerasConvention = "torch",
    clip_norm: float | None = None,
    grad_norm: float | None = None,
    clip_value: float | None = None,
    averages: Sequence[FloatArray] | None = None,
    ema: float | Sequence[float] | None = None,
) -> None:
    """Make one step of Adagrad, in place, on all tensors in one pass.

    Formula, with `g = grad + weight_decay * w + l1 * sign(w)`, where decoupled without the middle
    term::

        a = a + g**2
        "torch":  w -= lr * g / (sqrt(a) + eps)
        "keras":  w -= lr * g / sqrt(a + eps)

    and, where decoupled, `lr * weight_decay * w` of the old w is taken off as well.

    Args:
        params: the tensors to update, writable, each C-contiguous.
        grads: one gradient of the same shape and dtype for each; None skips that tensor.
        accumulators: a for each tensor, zeros or small positive numbers at first, updated as well.
        lr: the learning rate.
        eps: what keeps the divisor from 0.
        weight_decay: the coefficient of the L2 penalty `weight_decay / 2 * sum(w**2)`, or of the
            decoupled decay.
        l1: the coefficient of the L1 penalty `l1 * sum(abs(w))`; sign(0) is 0.
        decoupled: whether weight_decay bypasses the accumulator.
        convention: "torch" or "keras".
        clip_norm, grad_norm: grad is scaled first as by `clip_grad_norm`, which gives grad_norm.
        clip_value: grad is bounded next as by `clip_grad_value`.
        averages, ema: a moving average of each tensor, updated at the end as by `ema_step` with the
            decay ema, one for all or for each; 0 copies the tensor.

    Raises:
        ValueError: the lists differ in length, the shapes do not fit, an array is read-only or
            shares memory with another that is written, or a number is out of range. Nothing has
            been written then.
        TypeError: an array is not float32 or float64, or the dtypes of a tensor's arrays differ.

    References:
        Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic
        optimization", JMLR 12, 2011, section 1.1 (the diagonal form).

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> w, a = np.array([1.0, 2.0]), np.array([9.0, 0.0])
        >>> ops.adagrad_step([w], [np.array([4.0, -8.0])], [a], lr=0.5, eps=0.0)
        >>> w.tolist(), a.tolist()
        ([0.6, 2.5], [25.0, 64.0])
    """
    _backend.select(
        "adagrad_step", params=params, grads=grads, accumulators=accumulators, averages=averages
    ).adagrad_step(
        params,
        grads,
        accumulators,
        lr,
        eps,
        weight_decay,
        l1,
        decoupled,
        convention,
        clip_norm,
        grad_norm,
        clip_value,
        averages,
        ema,
    )


def rmsprop_step(
    params: Sequence[FloatArray],
    grads: Sequence[FloatArray | None],
    mean_squares: Sequence[FloatArray],
    mean_grads: Sequence[FloatArray] | None = None,
    velocities: Sequence[FloatArray] | None = None,
    *,
    lr: float,
    alpha: float = 0.99,
    eps: float = 1e-8,
    momentum: float = 0.0,
    centered: bool = False,
    weight_decay: float = 0.0,
    l1: float = 0.0,
    decoupled: bool = False,
    convention: KerasConvention = "torch",
    clip_norm: float | None = None,
    grad_norm: float | None = None,
    clip_value: float | None = None,
    averages: Sequence[FloatArray] | None = None,
    ema: float | Sequence[float] | None = None,
) -> None:
    """Make one step of RMSprop, in place, on all tensors in one pass.

    Formula, with mu for momentum and `g = grad + weight_decay * w + l1 * sign(w)`, where decoupled
    without the middle term::

        s = alpha * s + (1 - alpha) * g**2
        m = alpha * m + (1 - alpha) * g                (centered: d = max(0, s - m**2), else d = s)
        "torch":  v = mu * v + g / (sqrt(d) + eps);      w -= lr * v
        "keras":  v = mu * v + lr * g / sqrt(d + eps);   w -= v

    Without momentum v is its own last term. Where decoupled, `lr * weight_decay * w` of the old w
    is taken off as well.

    Args:
        params: the tensors to update, writable, each C-contiguous.
        grads: one gradient of the same shape and dtype for each; None skips that tensor.
        mean_squares: s for each tensor, zeros at first, updated as well.
        mean_grads: m for each tensor, zeros at first, updated as well; only where centered.
        velocities: v for each tensor, zeros at first, updated as well; only with momentum.
        lr: the learning rate.
        alpha: how much of the averages is kept, in [0, 1).
        eps: what keeps the divisor from 0.
        momentum: how much of the velocity is kept.
        centered: whether the gradient is divided by its standard deviation, not its root mean
            square.
        weight_decay: the coefficient of the L2 penalty `weight_decay / 2 * sum(w**2)`, or of the
            decoupled decay.
        l1: the coefficient of the L1 penalty `l1 * sum(abs(w))`; sign(0) is 0.
        decoupled: whether weight_decay bypasses the averages.
        convention: "torch" or "keras".
        clip_norm, grad_norm: grad is scaled first as by `clip_grad_norm`, which gives grad_norm.
        clip_value: grad is bounded next as by `clip_grad_value`.
        averages, ema: a moving average of each tensor, updated at the end as by `ema_step` with the
            decay ema, one for all or for each; 0 copies the tensor.

    Raises:
        ValueError: the lists differ in length, the shapes do not fit, an array is read-only or
            shares memory with another that is written, centered has no mean_grads or momentum no
            velocities, or a number is out of range. Nothing has been written then.
        TypeError: an array is not float32 or float64, or the dtypes of a tensor's arrays differ.

    References:
        Tieleman and Hinton, "Lecture 6.5: RMSProp", COURSERA: Neural Networks for Machine Learning,
        2012; centered: Graves, "Generating sequences with recurrent neural networks", 2013,
        equations 38 to 45.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> w, s = np.array([1.0, 2.0]), np.zeros(2)
        >>> ops.rmsprop_step([w], [np.array([4.0, -8.0])], [s], lr=0.25, alpha=0.75, eps=0.0)
        >>> w.tolist(), s.tolist()
        ([0.5, 2.5], [4.0, 16.0])
    """
    _backend.select(
        "rmsprop_step",
        params=params,
        grads=grads,
        mean_squares=mean_squares,
        mean_grads=mean_grads,
        velocities=velocities,
        averages=averages,
    ).rmsprop_step(
        params,
        grads,
        mean_squares,
        mean_grads,
        velocities,
        lr,
        alpha,
        eps,
        momentum,
        centered,
        weight_decay,
        l1,
        decoupled,
        convention,
        clip_norm,
        grad_norm,
        clip_value,
        averages,
        ema,
    )
