from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from striate import ops, reference

from ._draw import Draw
from ._entry import Bench, Case, Op, Sample, Tolerance, nbytes

_SUMS = Tolerance(4e-6, 1e-14, "a sum of few terms, which may cancel, each rounded")

# x's shape, and the number of weights.
_SHAPES: list[tuple[tuple[int, ...], int]] = [
    ((), 1),
    ((7,), 1),
    ((5, 7), 7),
    ((3, 5, 7), 1),
    ((3, 5, 7), 5),
    ((2, 1, 6), 1),
    ((2, 3, 5, 7), 3),
    ((9, 70, 13, 11), 70),
    ((300, 130), 130),
    ((3, 2, 190, 191), 2),
    ((2, 3, 190, 191), 1),
    ((0, 3, 2), 3),
    ((2, 0, 2), 0),
    ((0, 3), 1),
]


def _forward(rng: np.random.Generator) -> Iterator[Sample]:
    for shape, weights in _SHAPES:
        yield Sample((np.asarray(rng.standard_normal(shape)), rng.uniform(-0.5, 0.5, weights)))
    special = np.array([[0.0, -0.0, np.inf], [-np.inf, np.nan, -1.0]])
    yield Sample((special, np.array([0.5, 0.25, 2.0])), smooth=False)


def _backward(rng: np.random.Generator) -> Iterator[Sample]:
    for sample in _forward(rng):
        x, weight = sample.args
        if sample.smooth:
            yield Sample((np.asarray(rng.standard_normal(x.shape)), x, weight))


def _smooth_call(draw: Draw) -> Sample:
    shape = draw.shape(2, 4)
    weights = draw.option(1, shape[1])
    return Sample((draw.apart(shape), draw.uniform(-0.5, 0.5, (weights,))))


def _case(gradient: bool) -> Case:
    def sample(rng: np.random.Generator, batch: int) -> Sample:
        arrays = [rng.standard_normal((batch, 96, 55, 55)) for _ in range(1 + gradient)]
        return Sample((*arrays, np.full(96, 0.25)))

    return Case("alexnet.conv1", 32, sample)


OPS = [
    Op(
        ops.prelu,
        reference.prelu,
        _forward,
        Tolerance(1.5e-7, 3e-16, "one product"),
        Bench((_case(False),), "bytes", lambda a: 2 * nbytes(a["x"]), "x read and y written"),
        gradient={
            "x": lambda a, dy: ops.prelu_grad(dy, a["x"], a["weight"])[0],
            "weight": lambda a, dy: ops.prelu_grad(dy, a["x"], a["weight"])[1],
        },
        smooth_call=_smooth_call,
    ),
    Op(
        ops.prelu_grad,
        reference.prelu_grad,
        _backward,
        _SUMS,
        Bench((_case(True),), "bytes", lambda a: 3 * nbytes(a["x"]), "dy and x read, dx written"),
        gradient_of="prelu",
    ),
]
