"""A stand-in for PyTorch whose device is the host, for the CUDA kernels compiled for it.

It has what striate's adapter and the benchmark on CUDA ask of PyTorch; convolutions are striate's
own, on the CPU.
"""

from __future__ import annotations

import time
import types
from typing import Any

import numpy as np

from striate import ops


class Tensor:
    """A tensor on the pretended device, or what `cpu()` makes of it."""

    is_cuda = True

    def __init__(self, values: Any) -> None:
        self.values = np.asarray(values)

    shape = property(lambda self: self.values.shape)
    dtype = property(lambda self: self.values.dtype)
    nbytes = property(lambda self: self.values.nbytes)
    device = property(lambda self: "cuda")
    __cuda_array_interface__ = property(lambda self: self.values.__array_interface__)

    def get_device(self) -> int:
        return 0

    def is_neg(self) -> bool:
        return False

    def is_contiguous(self) -> bool:
        return bool(self.values.flags.c_contiguous)

    def element_size(self) -> int:
        return self.values.itemsize

    def stride(self) -> tuple[int, ...]:
        return tuple(step // self.values.itemsize for step in self.values.strides)

    def data_ptr(self) -> int:
        return int(self.values.ctypes.data)

    def numel(self) -> int:
        return self.values.size

    def detach(self) -> Tensor:
        return self

    def clone(self) -> Tensor:
        return Tensor(self.values.copy())

    cuda = clone

    def copy_(self, other: Tensor) -> Tensor:
        self.values[...] = other.values
        return self

    def zero_(self) -> Tensor:
        self.values[...] = 0
        return self

    def abs(self) -> Tensor:
        return Tensor(np.abs(self.values))

    def max(self) -> Tensor:
        return Tensor(self.values.max())

    def __sub__(self, other: Tensor) -> Tensor:
        return Tensor(self.values - other.values)

    def __float__(self) -> float:
        return float(self.values)


Tensor.__module__ = "torch"


class _Event:
    def __init__(self, enable_timing: bool) -> None:
        assert enable_timing

    def record(self) -> None:
        self._at = time.perf_counter()

    def elapsed_time(self, end: _Event) -> float:
        return (end._at - self._at) * 1e3


def _conv2d(x: Tensor, w: Tensor, b: None, *window: Any) -> Tensor:
    assert b is None
    stride, padding, dilation, groups = window
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return Tensor(ops.conv2d(x.values, w.values, **options))


def _convolution_backward(
    dy: Tensor, x: Tensor, w: Tensor, b: None, *window: Any
) -> list[Tensor | None]:
    stride, padding, dilation, transposed, more, groups, mask = window
    assert b is None
    assert not transposed
    assert not any(more)
    names = "stride", "padding", "dilation"
    options = {n: tuple(v) for n, v in zip(names, (stride, padding, dilation), strict=True)}
    options["groups"] = groups
    dx = ops.conv2d_input_grad(dy.values, w.values, x.shape, **options) if mask[0] else None
    dw = ops.conv2d_weight_grad(dy.values, x.values, w.shape, **options) if mask[1] else None
    return [None if a is None else Tensor(a) for a in (dx, dw, None)]


def module() -> types.ModuleType:
    """The module `torch`."""
    torch: Any = types.ModuleType("torch")
    torch.__version__ = "0.0"
    torch.Tensor = Tensor
    for name in ("float32", "float64", "int8", "int16", "int32", "int64", "uint8"):
        setattr(torch, name, np.dtype(name))
    torch.device = lambda kind, number: f"{kind}:{number}"
    rng = np.random.default_rng(0)

    def randn(shape: Any, device: str) -> Tensor:
        assert device == "cuda"
        return Tensor(rng.standard_normal(shape, np.float32))

    def empty(shape: Any, dtype: Any, device: str) -> Tensor:
        assert device.startswith("cuda")
        return Tensor(np.full(shape, np.nan if dtype.kind == "f" else 0, dtype))

    torch.randn, torch.empty = randn, empty
    torch.empty_like = lambda a: Tensor(np.empty_like(a.values))
    torch.from_numpy = Tensor
    torch.mm = lambda a, b: Tensor(a.values @ b.values)
    torch.manual_seed = lambda seed: None
    torch.version = types.SimpleNamespace(cuda="0.0")
    matmul, flags = types.SimpleNamespace(allow_tf32=False), types.SimpleNamespace(allow_tf32=True)
    flags.version = lambda: 0
    torch.backends = types.SimpleNamespace(cuda=types.SimpleNamespace(matmul=matmul), cudnn=flags)
    torch.cuda = types.SimpleNamespace(
        Event=_Event,
        is_available=lambda: True,
        synchronize=lambda: None,
        empty_cache=lambda: None,
        get_device_name=lambda: "the host",
        get_device_capability=lambda: (0, 0),
        current_stream=lambda device: types.SimpleNamespace(cuda_stream=78),
    )
    torch.nn = types.SimpleNamespace(functional=types.SimpleNamespace(conv2d=_conv2d))
    torch.ops = types.SimpleNamespace(
        aten=types.SimpleNamespace(convolution_backward=_convolution_backward)
    )
    return torch  # type: ignore[no-any-return]
