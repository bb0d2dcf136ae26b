from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from striate import ops, reference

from ._draw import Draw
from ._entry import Bench, Case, Op, Sample, Tolerance, nbytes

_SHAPES: list[tuple[tuple[int, ...], int]] = [
    ((7,), 0),
    ((1, 1), 1),
    ((5, 10), -1),
    ((3, 0), -1),
    ((0, 3), 1),
    ((0, 3), 0),
    ((3, 5, 4), 1),
    ((3, 5, 1), 1),
    ((6, 19, 2, 9), 1),
    ((33, 70), 0),
    ((101, 1000), -1),
    ((3, 3001), 1),
    ((2, 21, 41, 43), -3),
    ((3, 600, 41), 1),  # the least positions of a block
]


def _forward(rng: np.random.Generator) -> Iterator[Sample]:
    for shape, axis in _SHAPES:
        yield Sample((3 * rng.standard_normal(shape),), {"axis": axis})
    far = np.array(
        [[1e4, -1e4, 9.9e3], [-np.inf, 0.0, 1.0], [0.0, np.nan, 1.0], [np.inf, 0.0, 1.0]]
    )
    for axis in (0, 1):
        yield Sample((far,), {"axis": axis}, smooth=False)
    yield Sample((np.full((2, 3), -np.inf),), smooth=False)


def _backward(forward: Callable[..., Any]) -> Callable[[np.random.Generator], Iterator[Sample]]:
    def draw(rng: np.random.Generator) -> Iterator[Sample]:
        for shape, axis in _SHAPES:
            dy, x = rng.standard_normal(shape), rng.standard_normal(shape)
            yield Sample((dy, forward(x, axis)), {"axis": axis})

    return draw


def _smooth_call(draw: Draw) -> Sample:
    shape = draw.shape(1, 4)
    axis = draw.integer(-len(shape), len(shape) - 1)
    return Sample((3 * draw.normal(shape),), {"axis": axis})


def _case(name: str, batch: int, axis: int, arrays: int, *shape: int) -> Case:
    def sample(rng: np.random.Generator, batch: int) -> Sample:
        # Values that a logarithm of a probability may have too.
        drawn = tuple(-rng.exponential(size=(batch, *shape)) for _ in range(arrays))
        return Sample(drawn, {"axis": axis})

    return Case(name, batch, sample)


def _cases(arrays: int) -> tuple[Case, ...]:
    return (
        _case("imagenet", 256, -1, arrays, 1000),
        _case("segmentation", 4, 1, arrays, 21, 128, 128),
    )


_BENCH = Bench(_cases(1), "bytes", lambda a: 2 * nbytes(a["x"]), "x read and y written")
_BENCH_GRAD = Bench(_cases(2), "bytes", lambda a: 3 * nbytes(a["dy"]), "dy and y read, dx written")
_TOLERANCE = Tolerance(2e-6, 1e-14, "sums of exponentials, each within a few last places")
_SUMS = Tolerance(2e-6, 1e-14, "a sum whose terms are added in another order")

OPS = [
    Op(
        ops.softmax,
        reference.softmax,
        _forward,
        _TOLERANCE,
        _BENCH,
        gradient={"x": lambda a, dy: ops.softmax_grad(dy, ops.softmax(**a), a["axis"])},
        smooth_call=_smooth_call,
    ),
    Op(
        ops.softmax_grad,
        reference.softmax_grad,
        _backward(reference.softmax),
        _SUMS,
        _BENCH_GRAD,
        gradient_of="softmax",
    ),
    Op(
        ops.log_softmax,
        reference.log_softmax,
        _forward,
        _TOLERANCE,
        _BENCH,
        gradient={"x": lambda a, dy: ops.log_softmax_grad(dy, ops.log_softmax(**a), a["axis"])},
        smooth_call=_smooth_call,
    ),
    Op(
        ops.log_softmax_grad,
        reference.log_softmax_grad,
        _backward(reference.log_softmax),
        _SUMS,
        _BENCH_GRAD,
        gradient_of="log_softmax",
    ),
]
