from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from striate import ops, reference
from striate._typing import FloatArray
from striate.reference._window import Window

from ._entry import Arguments, Bench, Case, Op, Sample, Tolerance, nbytes

_TOLERANCE = Tolerance(2e-6, 1e-14, "sums of products, added in another order")

# x.shape, w.shape, options
_Layer = tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]
_LAYERS: list[_Layer] = [
    ((2, 3, 7, 8), (4, 3, 3, 3), {}),
    ((1, 1, 1, 1), (1, 1, 1, 1), {}),
    ((2, 3, 8, 6), (5, 3, 3, 3), {"padding": "same"}),
    ((2, 3, 8, 11), (5, 3, 4, 2), {"padding": "same", "stride": (2, 3)}),  # odd padding
    ((2, 4, 9, 11), (6, 4, 3, 2), {"stride": (2, 3), "padding": ((1, 0), (2, 3))}),
    ((1, 2, 11, 10), (3, 2, 3, 3), {"dilation": (2, 3), "padding": (1, 2)}),
    ((2, 6, 10, 9), (9, 2, 3, 3), {"groups": 3, "dilation": 2, "stride": 2, "padding": "same"}),
    ((2, 8, 9, 9), (8, 1, 3, 3), {"groups": 8, "padding": 1}),  # depthwise
    ((1, 3, 7, 7), (6, 1, 3, 3), {"groups": 3, "stride": 2, "padding": 1}),
    ((2, 16, 7, 5), (24, 16, 1, 1), {}),  # pointwise
    ((2, 5, 9, 8), (7, 5, 1, 1), {"stride": 2}),  # pixels that no window reads
    ((1, 2, 4, 4), (3, 2, 2, 2), {"padding": 5}),  # windows of padding alone
    ((1, 3, 35, 35), (16, 3, 11, 11), {"stride": 4}),
    ((3, 2, 1, 30), (5, 2, 1, 7), {"padding": "valid"}),
    ((1, 3, 6, 131), (5, 3, 3, 3), {"padding": 1}),
    ((1, 2, 13, 17), (3, 2, 5, 3), {"stride": (7, 5), "padding": 2}),  # stride above the kernel
    ((1, 67, 5, 7), (71, 67, 3, 3), {"padding": 1}),
    ((1, 301, 4, 4), (37, 301, 3, 3), {"padding": 1}),  # longer than a block of the sum
    ((0, 3, 5, 5), (4, 3, 3, 3), {"padding": 1}),
    ((2, 0, 5, 5), (4, 0, 3, 3), {}),
    ((4, 20, 29, 31), (24, 10, 3, 3), {"groups": 2, "padding": 1}),
]


def _y_shape(x_shape: tuple[int, ...], w_shape: tuple[int, ...], o: Arguments) -> tuple[int, ...]:
    stride, padding, dilation = o.get("stride", 1), o.get("padding", 0), o.get("dilation", 1)
    window = Window.of("conv2d", x_shape[2:], w_shape[2:], stride, padding, dilation)
    return (x_shape[0], w_shape[0], *window.out)


def _forward(rng: np.random.Generator) -> Iterator[Sample]:
    for x_shape, w_shape, options in _LAYERS:
        x, w, b = (rng.standard_normal(s) for s in (x_shape, w_shape, w_shape[:1]))
        yield Sample((x, w), options)
        yield Sample((x, w, b), {**options, "activation": "relu"})


def _with_y(rng: np.random.Generator, sample: Sample) -> Iterator[Sample]:
    """The sample, and the same behind a fused ReLU."""
    yield sample
    y = np.maximum(rng.standard_normal(sample.args[0].shape), 0)
    yield Sample(sample.args, {**sample.kwargs, "y": y})


def _input_grad(rng: np.random.Generator) -> Iterator[Sample]:
    for x_shape, w_shape, options in _LAYERS:
        dy = rng.standard_normal(_y_shape(x_shape, w_shape, options))
        yield from _with_y(rng, Sample((dy, rng.standard_normal(w_shape), x_shape), options))


def _weight_grad(rng: np.random.Generator) -> Iterator[Sample]:
    for x_shape, w_shape, options in _LAYERS:
        dy = rng.standard_normal(_y_shape(x_shape, w_shape, options))
        yield from _with_y(rng, Sample((dy, rng.standard_normal(x_shape), w_shape), options))


def _bias_grad(rng: np.random.Generator) -> Iterator[Sample]:
    for shape, axis in [
        ((2, 3, 4, 5), 1),
        ((5, 11), -1),
        ((3, 4, 5), 0),
        ((2, 3, 17), -1),
        ((0, 3, 4), 1),
        ((3, 0, 4), 1),
        ((1, 1, 1, 1), 1),
        ((513, 33), 1),
        ((16, 24, 27, 29), 1),
    ]:
        yield from _with_y(rng, Sample((rng.standard_normal(shape),), {"axis": axis}))


def _window(a: Arguments) -> dict[str, Any]:
    return {name: a[name] for name in ("stride", "padding", "dilation", "groups")}


def _y(a: Arguments) -> FloatArray | None:
    return ops.conv2d(**a) if a["activation"] else None


# AlexNet is that of 2012, in two groups.
_NETWORKS: list[tuple[str, int, _Layer]] = [
    ("alexnet.conv1", 32, ((3, 227, 227), (96, 3, 11, 11), {"stride": 4})),
    ("alexnet.conv2", 32, ((96, 27, 27), (256, 48, 5, 5), {"padding": 2, "groups": 2})),
    ("alexnet.conv3", 32, ((256, 13, 13), (384, 256, 3, 3), {"padding": 1})),
    ("alexnet.conv4", 32, ((384, 13, 13), (384, 192, 3, 3), {"padding": 1, "groups": 2})),
    ("alexnet.conv5", 32, ((384, 13, 13), (256, 192, 3, 3), {"padding": 1, "groups": 2})),
    ("vgg.conv3_2", 4, ((256, 56, 56), (256, 256, 3, 3), {"padding": 1})),
    ("resnet50.conv3_down", 8, ((256, 56, 56), (512, 256, 1, 1), {"stride": 2})),
    ("resnet18.conv3_1", 8, ((64, 56, 56), (128, 64, 3, 3), {"stride": 2, "padding": 1})),
]


def _cases(first: str, second: str, shape_of: str | None = None) -> tuple[Case, ...]:
    """One case for each layer: its arrays called `first` and `second`, the shape of a third."""

    def case(name: str, default_batch: int, layer: _Layer) -> Case:
        def sample(rng: np.random.Generator, batch: int) -> Sample:
            x_shape, w_shape, options = (batch, *layer[0]), layer[1], layer[2]
            shapes = {"x": x_shape, "w": w_shape, "dy": _y_shape(x_shape, w_shape, options)}
            arrays = (rng.standard_normal(shapes[first]), rng.standard_normal(shapes[second]))
            return Sample(arrays if shape_of is None else (*arrays, shapes[shape_of]), options)

        return Case(name, default_batch, sample)

    return tuple(case(*network) for network in _NETWORKS)


def _flops(y_shape: tuple[int, ...], w_shape: tuple[int, ...]) -> float:
    return 2.0 * float(np.prod(y_shape)) * float(np.prod(w_shape[1:]))


_COUNTS = "a multiplication and an addition for each output and each tap, the padding's included"

OPS = [
    Op(
        ops.conv2d,
        reference.conv2d,
        _forward,
        _TOLERANCE,
        Bench(
            _cases("x", "w"),
            "flops",
            lambda a: _flops(_y_shape(a["x"].shape, a["w"].shape, a), a["w"].shape),
            _COUNTS,
        ),
        gradient={
            "x": lambda a, dy: ops.conv2d_input_grad(
                dy, a["w"], a["x"].shape, **_window(a), y=_y(a)
            ),
            "w": lambda a, dy: ops.conv2d_weight_grad(
                dy, a["x"], a["w"].shape, **_window(a), y=_y(a)
            ),
            "b": lambda a, dy: ops.bias_grad(dy, y=_y(a)),
        },
    ),
    Op(
        ops.conv2d_input_grad,
        reference.conv2d_input_grad,
        _input_grad,
        _TOLERANCE,
        Bench(
            _cases("dy", "w", "x"),
            "flops",
            lambda a: _flops(a["dy"].shape, a["w"].shape),
            _COUNTS,
        ),
        gradient_of="conv2d",
    ),
    Op(
        ops.conv2d_weight_grad,
        reference.conv2d_weight_grad,
        _weight_grad,
        _TOLERANCE,
        Bench(
            _cases("dy", "x", "w"),
            "flops",
            lambda a: _flops(a["dy"].shape, a["w_shape"]),
            _COUNTS,
        ),
        gradient_of="conv2d",
    ),
    Op(
        ops.bias_grad,
        reference.bias_grad,
        _bias_grad,
        _TOLERANCE,
        Bench(
            (
                Case(
                    "alexnet.conv1",
                    32,
                    lambda rng, batch: Sample((rng.standard_normal((batch, 96, 55, 55)),)),
                ),
            ),
            "bytes",
            lambda a: nbytes(a["dy"], a["y"]),
            "dy read, and y where it is given",
        ),
        gradient_of="conv2d",
    ),
]
