"""PyTorch's side of each operation: a function of torch and the arguments, by name, as tensors.

Each returns what is timed, and that allocates its results as striate does. Gradients are called
directly where PyTorch has a function for them; elsewhere the graph is built beforehand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bench.case import Run

Arguments = Mapping[str, Any]

# What draws random numbers of its own: its results are not compared.
OWN_RANDOM_STREAM = frozenset({"dropout"})


def _conv2d(torch: Any, a: Arguments) -> Run:
    window = a["stride"], a["padding"], a["dilation"], a["groups"]
    return lambda: torch.nn.functional.conv2d(a["x"], a["w"], a["b"], *window)


def _conv2d_input_grad(torch: Any, a: Arguments) -> Run:
    x = torch.empty(a["x_shape"], dtype=a["dy"].dtype)  # only its shape is used
    return _convolution_backward(torch, a, x, a["w"], 0)


def _conv2d_weight_grad(torch: Any, a: Arguments) -> Run:
    w = torch.empty(a["w_shape"], dtype=a["dy"].dtype)  # only its shape is used
    return _convolution_backward(torch, a, a["x"], w, 1)


def _convolution_backward(torch: Any, a: Arguments, x: Any, w: Any, wanted: int) -> Run:
    stride, padding, dilation = ([a[name]] * 2 for name in ("stride", "padding", "dilation"))
    window = stride, padding, dilation, False, [0, 0], a["groups"]
    mask = [i == wanted for i in range(3)]
    backward = torch.ops.aten.convolution_backward
    return lambda: backward(a["dy"], x, w, None, *window, mask)[wanted]


def _bias_grad(torch: Any, a: Arguments) -> Run:
    dy = a["dy"]
    kept = range(dy.ndim)[a["axis"]]
    others = [axis for axis in range(dy.ndim) if axis != kept]
    return lambda: dy.sum(others)


def _linear(torch: Any, a: Arguments) -> Run:
    return lambda: torch.nn.functional.linear(a["x"], a["w"], a["b"])


def _linear_input_grad(torch: Any, a: Arguments) -> Run:
    return lambda: a["dy"] @ a["w"]


def _linear_weight_grad(torch: Any, a: Arguments) -> Run:
    return lambda: a["dy"].T @ a["x"]


def _max_pool2d(torch: Any, a: Arguments) -> Run:
    window = a["kernel_size"], a["stride"], a["padding"], a["dilation"], a["ceil_mode"]
    return lambda: torch.nn.functional.max_pool2d(a["x"], *window)


def _max_pool2d_with_indices(torch: Any, a: Arguments) -> Run:
    window = a["kernel_size"], a["stride"], a["padding"], a["dilation"], a["ceil_mode"]
    return lambda: torch.nn.functional.max_pool2d(a["x"], *window, return_indices=True)


def _max_pool2d_grad(torch: Any, a: Arguments) -> Run:
    dy, indices, x = a["dy"], a["indices"].long(), torch.empty(a["x_shape"])
    # PyTorch reads the window only to check the shapes: any will do that fits.
    height, out = x.shape[2], dy.shape[2]
    stride = round(height / out)
    kernel, padding = next(
        (k, p) for k in (2, 3) for p in (0, 1) if (height + 2 * p - k) // stride + 1 == out
    )
    window = [kernel] * 2, [stride] * 2, [padding] * 2, [1, 1], False
    backward = torch.ops.aten.max_pool2d_with_indices_backward
    return lambda: backward(dy, x, *window, indices)


def _lrn(torch: Any, a: Arguments) -> Run:
    options = _lrn_options(a)
    return lambda: torch.nn.functional.local_response_norm(a["x"], *options)


def _lrn_grad(torch: Any, a: Arguments) -> Run:
    x = a["x"].requires_grad_(True)
    y = torch.nn.functional.local_response_norm(x, *_lrn_options(a))
    return lambda: torch.autograd.grad(y, x, a["dy"], retain_graph=True)[0]


def _lrn_options(a: Arguments) -> tuple[Any, ...]:
    # The paper's alpha is not divided by the size of the window, as PyTorch's is.
    alpha = a["alpha"] * (a["size"] if a["convention"] == "paper" else 1)
    return a["size"], alpha, a["beta"], a["k"]


def _relu(torch: Any, a: Arguments) -> Run:
    return lambda: torch.relu(a["x"])


def _relu_grad(torch: Any, a: Arguments) -> Run:
    return lambda: torch.ops.aten.threshold_backward(a["dy"], a["y"], 0)


def _dropout(torch: Any, a: Arguments) -> Run:
    return lambda: torch.nn.functional.dropout(a["x"], a["p"])


def _softmax_cross_entropy(torch: Any, a: Arguments) -> Run:
    logits = a["logits"].requires_grad_(True)
    labels = a["labels"].long()

    def run() -> Any:
        loss = torch.nn.functional.cross_entropy(
            logits,
            labels,
            a["weight"],
            ignore_index=a["ignore_index"],
            reduction=a["reduction"],
            label_smoothing=a["label_smoothing"],
        )
        return loss, torch.autograd.grad(loss, logits)[0]

    return run


def _sgd_step(torch: Any, a: Arguments) -> Run:
    names = "lr", "momentum", "dampening", "nesterov", "weight_decay"
    options = {name: a[name] for name in names} | {"maximize": False, "is_first_step": False}

    def run() -> Any:
        torch._fused_sgd_(a["params"], a["grads"], a["velocities"], **options)
        return a["params"], a["velocities"]

    return run


TORCH: dict[str, Callable[[Any, Arguments], Run]] = {
    "conv2d": _conv2d,
    "conv2d_input_grad": _conv2d_input_grad,
    "conv2d_weight_grad": _conv2d_weight_grad,
    "bias_grad": _bias_grad,
    "linear": _linear,
    "linear_input_grad": _linear_input_grad,
    "linear_weight_grad": _linear_weight_grad,
    "max_pool2d": _max_pool2d,
    "max_pool2d_with_indices": _max_pool2d_with_indices,
    "max_pool2d_grad": _max_pool2d_grad,
    "local_response_norm": _lrn,
    "local_response_norm_grad": _lrn_grad,
    "relu": _relu,
    "relu_grad": _relu_grad,
    "dropout": _dropout,
    "softmax_cross_entropy": _softmax_cross_entropy,
    "sgd_step": _sgd_step,
}
