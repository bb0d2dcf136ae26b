"""PyTorch's side of the operations with sliding windows, along one, two and three axes.

PyTorch has few backward functions for one axis: there a height of 1 stands in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from bench.case import Run

Arguments = Mapping[str, Any]


def _axes(value: Any, rank: int) -> list[int]:
    return [value] * rank if isinstance(value, int) else list(value)


def _empty(torch: Any, shape: Any, like: Any) -> Any:
    return torch.empty(shape, dtype=like.dtype, device=like.device)  # only its shape is used


# -- convolution


def _conv(rank: int, torch: Any, a: Arguments) -> Run:
    function = getattr(torch.nn.functional, f"conv{rank}d")
    window = a["stride"], a["padding"], a["dilation"], a["groups"]
    return lambda: function(a["x"], a["w"], a["b"], *window)


def _conv_transpose(rank: int, torch: Any, a: Arguments) -> Run:
    function = getattr(torch.nn.functional, f"conv_transpose{rank}d")
    window = a["stride"], a["padding"], a["output_padding"], a["groups"], a["dilation"]
    return lambda: function(a["x"], a["w"], a["b"], *window)


def _conv_grad(rank: int, wanted: int, torch: Any, a: Arguments) -> Run:
    """The gradient by the input, 0, or the weight, 1, of either kind of convolution."""
    x = a["x"] if wanted else _empty(torch, a["x_shape"], a["dy"])
    w = _empty(torch, a["w_shape"], a["dy"]) if wanted else a["w"]
    transposed = "output_padding" in a
    more = _axes(a.get("output_padding", 0), rank)
    window = [_axes(a[name], rank) for name in ("stride", "padding", "dilation")]
    mask = [i == wanted for i in range(3)]
    backward = torch.ops.aten.convolution_backward
    return lambda: backward(a["dy"], x, w, None, *window, transposed, more, a["groups"], mask)[
        wanted
    ]


# -- pooling


def _max_pool(rank: int, torch: Any, a: Arguments, *, indices: bool = False) -> Run:
    function = getattr(torch.nn.functional, f"max_pool{rank}d")
    window = a["kernel_size"], a["stride"], a["padding"], a["dilation"], a["ceil_mode"]
    return lambda: function(a["x"], *window, return_indices=indices)


def _max_pool_grad(rank: int, torch: Any, a: Arguments) -> Run:
    dy, indices, x = a["dy"], a["indices"].long(), _empty(torch, a["x_shape"], a["dy"])
    fits = _windows_of(torch, indices, x.shape[2:])
    if rank == 1:
        fits, arrays = [(1, 1, 0), *fits], [t.unsqueeze(2) for t in (dy, x, indices)]
        dy, x, indices = arrays
    kernel, stride, padding = (list(values) for values in zip(*fits, strict=True))
    window = kernel, stride, padding, [1] * len(kernel), False
    backward = getattr(torch.ops.aten, f"max_pool{max(rank, 2)}d_with_indices_backward")
    return lambda: backward(dy, x, *window, indices).reshape(a["x_shape"])


def _windows_of(torch: Any, indices: Any, sizes: Any) -> list[tuple[int, int, int]]:
    """The least kernel, stride and padding along each axis that give these indices.

    PyTorch asks for them; on CUDA it looks for an element's outputs among its windows.
    """
    fits, rest = [], indices
    for axis in reversed(range(len(sizes))):
        size, out = sizes[axis], indices.shape[2 + axis]
        output = torch.arange(out, device=indices.device)
        output = output.reshape(-1, *[1] * (len(sizes) - 1 - axis))
        fits.append(_fitting(size, out, rest % size, output))
        rest = rest // size
    return fits[::-1]


def _fitting(size: int, out: int, at: Any, output: Any) -> tuple[int, int, int]:
    """The least window that gives this output size and has the positions `at` of the outputs."""
    stride = round(size / out)
    for kernel in range(1, size + 1):
        for padding in range(kernel // 2 + 1):
            if (size + 2 * padding - kernel) // stride + 1 != out:
                continue
            tap = at - (output * stride - padding)
            if int(tap.min()) >= 0 and int(tap.max()) < kernel:
                return kernel, stride, padding
    raise ValueError(f"no window takes {size} to {out} and has these indices")


def _avg_pool(rank: int, torch: Any, a: Arguments) -> Run:
    function = getattr(torch.nn.functional, f"avg_pool{rank}d")
    window = a["kernel_size"], a["stride"], a["padding"], a["ceil_mode"], a["count_include_pad"]
    return lambda: function(a["x"], *window)


def _avg_pool_grad(rank: int, torch: Any, a: Arguments) -> Run:
    x, dy = _empty(torch, a["x_shape"], a["dy"]), a["dy"]
    kernel = _axes(a["kernel_size"], rank)
    stride = _axes(a["stride"] or a["kernel_size"], rank)
    padding = _axes(a["padding"], rank)
    if rank == 1:
        kernel, stride, padding = [1, *kernel], [1, *stride], [0, *padding]
        x, dy = x.unsqueeze(2), dy.unsqueeze(2)
    window = kernel, stride, padding, a["ceil_mode"], a["count_include_pad"], None
    backward = getattr(torch.ops.aten, f"avg_pool{max(rank, 2)}d_backward")
    return lambda: backward(dy, x, *window).reshape(a["x_shape"])


def _adaptive_avg_pool(rank: int, torch: Any, a: Arguments) -> Run:
    function = getattr(torch.nn.functional, f"adaptive_avg_pool{rank}d")
    return lambda: function(a["x"], a["output_size"])


def _adaptive_avg_pool_grad(rank: int, torch: Any, a: Arguments) -> Run:
    x, dy = _empty(torch, a["x_shape"], a["dy"]), a["dy"]
    if rank == 1:
        x, dy = x.unsqueeze(2), dy.unsqueeze(2)
    backward = getattr(torch.ops.aten, f"_adaptive_avg_pool{max(rank, 2)}d_backward")
    return lambda: backward(dy, x).reshape(a["x_shape"])


def _adaptive_max_pool(rank: int, torch: Any, a: Arguments, *, indices: bool = False) -> Run:
    function = getattr(torch.nn.functional, f"adaptive_max_pool{rank}d")
    return lambda: function(a["x"], a["output_size"], return_indices=indices)


def _adaptive_max_pool_grad(rank: int, torch: Any, a: Arguments) -> Run:
    x, dy, indices = _empty(torch, a["x_shape"], a["dy"]), a["dy"], a["indices"].long()
    if rank == 1:
        x, dy, indices = (t.unsqueeze(2) for t in (x, dy, indices))
    backward = getattr(torch.ops.aten, f"adaptive_max_pool{max(rank, 2)}d_backward")
    return lambda: backward(dy, x, indices).reshape(a["x_shape"])


def _lp_pool(rank: int, torch: Any, a: Arguments) -> Run:
    function = getattr(torch.nn.functional, f"lp_pool{rank}d")
    window = a["norm_type"], a["kernel_size"], a["stride"], a["ceil_mode"]
    return lambda: function(a["x"], *window)


def _lp_pool_grad(rank: int, torch: Any, a: Arguments) -> Run:
    x = a["x"].requires_grad_(True)
    y = _lp_pool(rank, torch, {**a, "x": x})()
    return lambda: torch.autograd.grad(y, x, a["dy"], retain_graph=True)[0]


_FAMILIES: dict[str, Callable[..., Run]] = {
    "conv{}d": _conv,
    "conv{}d_input_grad": lambda rank, *a: _conv_grad(rank, 0, *a),
    "conv{}d_weight_grad": lambda rank, *a: _conv_grad(rank, 1, *a),
    "conv_transpose{}d": _conv_transpose,
    "conv_transpose{}d_input_grad": lambda rank, *a: _conv_grad(rank, 0, *a),
    "conv_transpose{}d_weight_grad": lambda rank, *a: _conv_grad(rank, 1, *a),
    "max_pool{}d": _max_pool,
    "max_pool{}d_with_indices": partial(_max_pool, indices=True),
    "max_pool{}d_grad": _max_pool_grad,
    "avg_pool{}d": _avg_pool,
    "avg_pool{}d_grad": _avg_pool_grad,
    "adaptive_avg_pool{}d": _adaptive_avg_pool,
    "adaptive_avg_pool{}d_grad": _adaptive_avg_pool_grad,
    "adaptive_max_pool{}d": _adaptive_max_pool,
    "adaptive_max_pool{}d_with_indices": partial(_adaptive_max_pool, indices=True),
    "adaptive_max_pool{}d_grad": _adaptive_max_pool_grad,
    "lp_pool{}d": _lp_pool,
    "lp_pool{}d_grad": _lp_pool_grad,
}

WINDOWS: dict[str, Callable[[Any, Arguments], Run]] = {
    name.format(rank): partial(side, rank) for name, side in _FAMILIES.items() for rank in (1, 2, 3)
}
