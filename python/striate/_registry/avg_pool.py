from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from striate import ops, reference
from striate._typing import FloatArray

from ._entry import Arguments, Bench, Case, Op, Sample, Tolerance, nbytes

_TOLERANCE = Tolerance(1e-6, 1e-14, "added in another order; a mean of thousands is near zero")

# The input's shape and the window.
_WINDOWS: list[tuple[tuple[int, ...], dict[str, Any]]] = [
    ((2, 3, 7, 9), {"kernel_size": 3, "stride": 2}),  # overlapping
    ((2, 3, 8, 10), {"kernel_size": 2}),
    ((2, 3, 9, 35), {"kernel_size": (2, 3)}),
    ((1, 2, 7, 11), {"kernel_size": (3, 2), "stride": (1, 3), "padding": ((1, 0), (0, 2))}),
    ((2, 1, 10, 7), {"kernel_size": (4, 3), "stride": (3, 2), "padding": "same"}),
    ((1, 3, 6, 6), {"kernel_size": 3, "stride": 2, "ceil_mode": True}),
    ((1, 1, 5, 8), {"kernel_size": 2, "stride": 3, "padding": 1, "ceil_mode": True}),
    ((1, 2, 5, 9), {"kernel_size": 4, "stride": 3, "padding": 2, "ceil_mode": True}),
    ((1, 1, 4, 5), {"kernel_size": 2, "stride": 2, "padding": 3}),  # windows of padding alone
    ((1, 2, 3, 4), {"kernel_size": 5, "stride": 1, "padding": 3}),
    ((1, 2, 6, 40), {"kernel_size": (2, 19), "stride": (1, 7), "padding": (1, 12)}),
    ((1, 2, 9, 12), {"kernel_size": 1, "stride": 3}),  # gaps
    ((3, 2, 1, 13), {"kernel_size": (1, 5), "stride": 1}),
    ((3, 2, 6, 7), {"kernel_size": (6, 7)}),
    ((1, 1, 1, 1), {"kernel_size": 1}),
    ((0, 3, 5, 5), {"kernel_size": 3, "stride": 2}),
    ((2, 0, 5, 5), {"kernel_size": 3, "stride": 2}),
    ((1, 1, 6, 131), {"kernel_size": 3, "stride": 1, "padding": 1}),
    ((1, 1, 2, 5003), {"kernel_size": (2, 3), "stride": (1, 2), "padding": 1}),
    ((4, 40, 41, 43), {"kernel_size": 3, "stride": 2}),
]

_ADAPTIVE: list[tuple[tuple[int, ...], int | tuple[int, int]]] = [
    ((2, 3, 7, 9), (3, 4)),
    ((2, 3, 8, 12), (4, 3)),
    ((1, 2, 5, 6), (7, 6)),  # more windows than pixels
    ((1, 2, 4, 100), (3, 3)),
    ((2, 5, 7, 7), 1),
    ((1, 1, 1, 1), 2),
    ((0, 3, 5, 5), 2),
    ((9, 64, 13, 13), 6),
    ((2, 3, 120, 130), 1),
]


def _forward(rng: np.random.Generator) -> Iterator[Sample]:
    for shape, window in _WINDOWS:
        for count in (True, False) if "padding" in window or "ceil_mode" in window else (True,):
            yield Sample((rng.standard_normal(shape),), {**window, "count_include_pad": count})


def _backward(rng: np.random.Generator) -> Iterator[Sample]:
    for sample in _forward(rng):
        (x,) = sample.args
        dy = rng.standard_normal(reference.avg_pool2d(x, **sample.kwargs).shape)
        yield Sample((dy, x.shape), sample.kwargs)


def _adaptive(rng: np.random.Generator) -> Iterator[Sample]:
    for shape, output_size in _ADAPTIVE:
        yield Sample((rng.standard_normal(shape), output_size))


def _adaptive_backward(rng: np.random.Generator) -> Iterator[Sample]:
    for sample in _adaptive(rng):
        x, output_size = sample.args
        dy = rng.standard_normal(reference.adaptive_avg_pool2d(x, output_size).shape)
        yield Sample((dy, x.shape, output_size))
    # A small dy has a large dx: with the others alone, dy would not fill a chunk.
    yield Sample((rng.standard_normal((4, 64, 17, 17)), (4, 64, 25, 25), 17))


def _cases(
    layers: list[tuple[str, int, tuple[int, ...], Any]], call: Callable[..., Sample]
) -> tuple[Case, ...]:
    def case(name: str, batch: int, shape: tuple[int, ...], window: Any) -> Case:
        return Case(name, batch, lambda rng, batch: call(rng, (batch, *shape), window))

    return tuple(case(*layer) for layer in layers)


def _call(rng: np.random.Generator, shape: tuple[int, ...], window: dict[str, Any]) -> Sample:
    return Sample((rng.standard_normal(shape),), window)


def _grad_call(rng: np.random.Generator, shape: tuple[int, ...], window: dict[str, Any]) -> Sample:
    y = reference.avg_pool2d(np.zeros(shape), **window)
    return Sample((rng.standard_normal(y.shape), shape), window)


def _adaptive_call(rng: np.random.Generator, shape: tuple[int, ...], output_size: int) -> Sample:
    return Sample((rng.standard_normal(shape), output_size))


def _adaptive_grad_call(
    rng: np.random.Generator, shape: tuple[int, ...], output_size: int
) -> Sample:
    return Sample((rng.standard_normal((*shape[:2], output_size, output_size)), shape, output_size))


_LAYERS: list[tuple[str, int, tuple[int, ...], Any]] = [
    ("densenet.transition1", 8, (128, 56, 56), {"kernel_size": 2}),
    ("inception.branch", 8, (256, 28, 28), {"kernel_size": 3, "stride": 1, "padding": 1}),
    ("lenet.pool", 64, (6, 28, 28), {"kernel_size": 2}),
]
_ADAPTIVE_LAYERS: list[tuple[str, int, tuple[int, ...], Any]] = [
    ("alexnet.avgpool", 32, (256, 13, 13), 6),
    ("resnet50.global", 32, (2048, 7, 7), 1),
]


def _forward_bytes(a: Arguments) -> float:
    window = {name: value for name, value in a.items() if name != "x"}
    plane = reference.avg_pool2d(np.zeros((1, 1, *a["x"].shape[2:])), **window)
    return nbytes(a["x"]) + float(math.prod(a["x"].shape[:2]) * plane.size * a["x"].itemsize)


def _adaptive_bytes(a: Arguments) -> float:
    x, side = a["x"], a["output_size"]
    return nbytes(x) + float(math.prod(x.shape[:2]) * side * side * x.itemsize)


def _grad_bytes(a: Arguments) -> float:
    return nbytes(a["dy"]) + float(math.prod(a["x_shape"]) * a["dy"].itemsize)


def _gradient(a: Arguments, dy: FloatArray) -> FloatArray:
    window = {name: value for name, value in a.items() if name != "x"}
    return ops.avg_pool2d_grad(dy, a["x"].shape, **window)


OPS = [
    Op(
        ops.avg_pool2d,
        reference.avg_pool2d,
        _forward,
        _TOLERANCE,
        Bench(_cases(_LAYERS, _call), "bytes", _forward_bytes, "x read and y written"),
        gradient={"x": _gradient},
    ),
    Op(
        ops.avg_pool2d_grad,
        reference.avg_pool2d_grad,
        _backward,
        _TOLERANCE,
        Bench(_cases(_LAYERS, _grad_call), "bytes", _grad_bytes, "dy read and dx written"),
        gradient_of="avg_pool2d",
    ),
    Op(
        ops.adaptive_avg_pool2d,
        reference.adaptive_avg_pool2d,
        _adaptive,
        _TOLERANCE,
        Bench(
            _cases(_ADAPTIVE_LAYERS, _adaptive_call),
            "bytes",
            _adaptive_bytes,
            "x read and y written",
        ),
        gradient={
            "x": lambda a, dy: ops.adaptive_avg_pool2d_grad(dy, a["x"].shape, a["output_size"])
        },
    ),
    Op(
        ops.adaptive_avg_pool2d_grad,
        reference.adaptive_avg_pool2d_grad,
        _adaptive_backward,
        _TOLERANCE,
        Bench(
            _cases(_ADAPTIVE_LAYERS, _adaptive_grad_call),
            "bytes",
            _grad_bytes,
            "dy read and dx written",
        ),
        gradient_of="adaptive_avg_pool2d",
    ),
]
