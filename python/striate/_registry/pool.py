from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from striate import ops, reference
from striate._typing import FloatArray

from ._entry import EXACT, Arguments, Bench, Case, Op, Sample, Tolerance, nbytes

# The input's shape and the window.
_WINDOWS: list[tuple[tuple[int, ...], dict[str, Any]]] = [
    ((2, 3, 7, 9), {"kernel_size": 3, "stride": 2}),  # overlapping
    ((2, 3, 8, 10), {"kernel_size": 2}),
    ((1, 2, 7, 11), {"kernel_size": (3, 2), "stride": (1, 3), "padding": ((1, 0), (0, 2))}),
    ((1, 2, 9, 10), {"kernel_size": 3, "dilation": (2, 3), "padding": 1, "stride": 1}),
    ((2, 1, 10, 7), {"kernel_size": (4, 3), "stride": (3, 2), "padding": "same"}),
    ((1, 3, 6, 6), {"kernel_size": 3, "stride": 2, "ceil_mode": True}),
    ((1, 1, 5, 8), {"kernel_size": 2, "stride": 3, "padding": 1, "ceil_mode": True}),
    ((1, 1, 4, 5), {"kernel_size": 2, "stride": 2, "padding": 3}),  # windows of padding alone
    ((3, 2, 1, 13), {"kernel_size": (1, 5), "stride": 1}),
    ((1, 1, 1, 1), {"kernel_size": 1}),
    ((0, 3, 5, 5), {"kernel_size": 3, "stride": 2}),
    ((2, 0, 5, 5), {"kernel_size": 3, "stride": 2}),
    ((1, 1, 6, 131), {"kernel_size": 3, "stride": 1, "padding": 1}),
    ((4, 37, 41, 43), {"kernel_size": 3, "stride": 2}),
]


def _forward(rng: np.random.Generator) -> Iterator[Sample]:
    for shape, window in _WINDOWS:
        yield Sample((rng.standard_normal(shape),), window, smooth=window.get("padding") != 3)
    ties = rng.integers(-1, 2, (2, 2, 9, 9)).astype(np.float64)
    yield Sample((ties,), {"kernel_size": 3, "stride": 2, "padding": 1}, smooth=False)
    special = rng.choice([0.0, -np.inf, np.inf, np.nan, 1.0], (2, 2, 9, 21), p=[0.2] * 5)
    yield Sample((special,), {"kernel_size": (2, 3), "stride": 1}, smooth=False)
    lowest = np.full((1, 1, 5, 5), -np.inf)
    yield Sample((lowest,), {"kernel_size": 3, "stride": 1, "padding": 1}, smooth=False)


def _backward(rng: np.random.Generator) -> Iterator[Sample]:
    for i, sample in enumerate(_forward(rng)):
        (x,) = sample.args
        y, indices = reference.max_pool2d_with_indices(x, **sample.kwargs)
        wide = indices.astype(
            [np.int32, np.int64, np.uint16][i % 3]
            if indices.size and indices.min() >= 0
            else np.int64
        )
        yield Sample((rng.standard_normal(y.shape), wide, x.shape))


def _gradient(a: Arguments, dy: FloatArray) -> FloatArray:
    _, indices = ops.max_pool2d_with_indices(**a)
    return ops.max_pool2d_grad(dy, indices, a["x"].shape)


_LAYERS = [
    ("alexnet.pool1", 32, (96, 55, 55), {"kernel_size": 3, "stride": 2}),
    ("vgg.pool2", 8, (128, 112, 112), {"kernel_size": 2}),
    ("resnet.stem", 8, (64, 112, 112), {"kernel_size": 3, "stride": 2, "padding": 1}),
]


def _cases(*, backward: bool = False) -> tuple[Case, ...]:
    def case(name: str, batch: int, shape: tuple[int, ...], window: dict[str, Any]) -> Case:
        def sample(rng: np.random.Generator, batch: int) -> Sample:
            x = rng.standard_normal((batch, *shape))
            if not backward:
                return Sample((x,), window)
            y, indices = reference.max_pool2d_with_indices(x, **window)
            return Sample((y, indices, x.shape))

        return Case(name, batch, sample)

    return tuple(case(*layer) for layer in _LAYERS)


def _outputs(a: Arguments) -> int:
    window = {name: value for name, value in a.items() if name != "x"}
    plane = reference.max_pool2d(a["x"][:1, :1], **window)
    return int(a["x"].shape[0] * a["x"].shape[1] * plane.size)


OPS = [
    Op(
        ops.max_pool2d,
        reference.max_pool2d,
        _forward,
        EXACT,
        Bench(
            _cases(),
            "bytes",
            lambda a: nbytes(a["x"]) + _outputs(a) * a["x"].itemsize,
            "x read and y written",
        ),
        gradient={"x": _gradient},
    ),
    Op(
        ops.max_pool2d_with_indices,
        reference.max_pool2d_with_indices,
        _forward,
        EXACT,
        Bench(
            _cases(),
            "bytes",
            lambda a: nbytes(a["x"]) + _outputs(a) * (a["x"].itemsize + 4),
            "x read, y and its int32 indices written",
        ),
        gradient={"x": _gradient},
    ),
    Op(
        ops.max_pool2d_grad,
        reference.max_pool2d_grad,
        _backward,
        Tolerance(1e-6, 2e-15, "gradients of overlapping windows are added in another order"),
        Bench(
            _cases(backward=True),
            "bytes",
            lambda a: (
                nbytes(a["dy"], a["indices"]) + float(np.prod(a["x_shape"])) * a["dy"].itemsize
            ),
            "dy and the indices read, dx written",
        ),
        gradient_of="max_pool2d",
    ),
]
