"""Convolutions of AlexNet, VGG, ResNet and MobileNet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bench.case import Case, Rng, Run, normal, op_case


@dataclass(frozen=True)
class Layer:
    """A square convolution."""

    name: str
    batch: int
    c_in: int
    size: int
    c_out: int
    kernel: int
    stride: int = 1
    padding: int = 0
    groups: int = 1
    dtype: str = "float32"

    @property
    def x(self) -> tuple[int, ...]:
        return self.batch, self.c_in, self.size, self.size

    @property
    def w(self) -> tuple[int, ...]:
        return self.c_out, self.c_in // self.groups, self.kernel, self.kernel

    @property
    def y(self) -> tuple[int, ...]:
        out = (self.size + 2 * self.padding - self.kernel) // self.stride + 1
        return self.batch, self.c_out, out, out

    @property
    def flops(self) -> float:
        return 2.0 * _size(self.y) * _size(self.w[1:])

    @property
    def options(self) -> dict[str, int]:
        return {"stride": self.stride, "padding": self.padding, "groups": self.groups}


LAYERS = (
    Layer("AlexNet 1", 16, 3, 227, 96, 11, 4),
    Layer("AlexNet 2", 16, 96, 27, 256, 5, 1, 2, 2),
    Layer("AlexNet 3", 16, 256, 13, 384, 3, 1, 1),
    Layer("AlexNet 4", 16, 384, 13, 384, 3, 1, 1, 2),
    Layer("AlexNet 5", 16, 384, 13, 256, 3, 1, 1, 2),
    Layer("AlexNet 3, N=1", 1, 256, 13, 384, 3, 1, 1),
    Layer("AlexNet 3, f64", 4, 256, 13, 384, 3, 1, 1, dtype="float64"),
    Layer("VGG 1_2", 4, 64, 224, 64, 3, 1, 1),
    Layer("VGG 5", 4, 512, 14, 512, 3, 1, 1),
    Layer("ResNet stem", 8, 3, 224, 64, 7, 2, 3),
    Layer("ResNet 1x1", 8, 256, 56, 64, 1),
    Layer("ResNet 3x3/2", 8, 128, 56, 128, 3, 2, 1),
    Layer("MobileNet dw", 8, 128, 56, 128, 3, 1, 1, 128),
)
_QUICK = ("AlexNet 1", "AlexNet 2", "AlexNet 3", "ResNet 1x1", "MobileNet dw")


def cases(quick: bool) -> list[Case]:
    """Each layer forward and with both gradients, and one bias gradient."""
    layers = LAYERS
    if quick:
        layers = tuple(replace(layer, batch=1) for layer in LAYERS if layer.name in _QUICK)
    makers = (_forward, _input_grad, _weight_grad)
    rows = [make(layer) for make in makers for layer in layers]
    return [*rows, _bias_grad(layers[0])]


def _size(shape: Sequence[int]) -> int:
    product = 1
    for n in shape:
        product *= n
    return product


def _itemsize(layer: Layer) -> int:
    return 8 if layer.dtype == "float64" else 4


def _accuracy(layer: Layer) -> float:
    # Winograd's transforms cost float32 some digits: up to 5e-6 of the maximum at 512 channels.
    return 1e-12 if layer.dtype == "float64" else 2e-5


def _counts(layer: Layer) -> dict[str, Any]:
    return {
        "flops": layer.flops,
        "bytes": _itemsize(layer) * (_size(layer.x) + _size(layer.w) + _size(layer.y)),
        "counts": "2 flops for each output pixel, filter and tap (the direct method, whatever the "
        "algorithm); x, w and y once",
        "tolerance": _accuracy(layer),
        "dtype": layer.dtype,
    }


def _forward(layer: Layer) -> Case:
    def inputs(rng: Rng) -> tuple[Sequence[Any], Mapping[str, Any]]:
        x = normal(rng, *layer.x, dtype=layer.dtype)
        return (x, normal(rng, *layer.w, dtype=layer.dtype)), layer.options

    def torch_side(torch: Any, x: Any, w: Any) -> Run:
        return lambda: torch.nn.functional.conv2d(
            x, w, None, layer.stride, layer.padding, 1, layer.groups
        )

    return op_case("conv2d", layer.name, inputs, torch_side, **_counts(layer))


def _backward(torch: Any, layer: Layer, dy: Any, x: Any, w: Any, mask: list[bool]) -> Run:
    """One of the gradients; PyTorch needs an x of the right shape even for that of x."""
    index = mask.index(True)
    s, p = [layer.stride] * 2, [layer.padding] * 2
    backward = torch.ops.aten.convolution_backward
    return lambda: backward(dy, x, w, None, s, p, [1, 1], False, [0, 0], layer.groups, mask)[index]


def _input_grad(layer: Layer) -> Case:
    def inputs(rng: Rng) -> tuple[Sequence[Any], Mapping[str, Any]]:
        dy = normal(rng, *layer.y, dtype=layer.dtype)
        return (dy, normal(rng, *layer.w, dtype=layer.dtype), layer.x), layer.options

    def torch_side(torch: Any, dy: Any, w: Any, x_shape: Any) -> Run:
        x = torch.zeros(x_shape, dtype=dy.dtype)
        return _backward(torch, layer, dy, x, w, [True, False, False])

    return op_case("conv2d_input_grad", layer.name, inputs, torch_side, **_counts(layer))


def _weight_grad(layer: Layer) -> Case:
    def inputs(rng: Rng) -> tuple[Sequence[Any], Mapping[str, Any]]:
        dy = normal(rng, *layer.y, dtype=layer.dtype)
        return (dy, normal(rng, *layer.x, dtype=layer.dtype), layer.w), layer.options

    def torch_side(torch: Any, dy: Any, x: Any, w_shape: Any) -> Run:
        w = torch.zeros(w_shape, dtype=dy.dtype)
        return _backward(torch, layer, dy, x, w, [False, True, False])

    return op_case("conv2d_weight_grad", layer.name, inputs, torch_side, **_counts(layer))


def _bias_grad(layer: Layer) -> Case:
    return op_case(
        "bias_grad",
        layer.name,
        lambda rng: ((normal(rng, *layer.y),), {}),
        lambda torch, dy: lambda: dy.sum((0, 2, 3)),
        flops=_size(layer.y),
        bytes=4 * (_size(layer.y) + layer.c_out),
        counts="1 flop for each element; dy and db once",
        tolerance=2e-5,  # sums of 48400 elements that cancel
    )
