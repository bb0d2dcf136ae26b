from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from striate import ops, reference

from ._draw import Draw
from ._entry import Bench, Case, Op, Sample, Tolerance, nbytes

_SHAPES: list[tuple[int, ...]] = [
    (3, 4),
    (1, 1, 1, 1),
    (2, 3, 5, 7),
    (5, 7, 11),
    (2, 2, 2, 3, 2),
    (3, 40, 41, 43),
    (300, 301),
    (0, 3, 2),
    (2, 0, 2),
    (2, 3, 0),
]


def _forward(rng: np.random.Generator) -> Iterator[Sample]:
    for shape in _SHAPES:
        yield Sample((rng.standard_normal(shape), rng.standard_normal(shape[:2])))


def _backward(rng: np.random.Generator) -> Iterator[Sample]:
    for shape in _SHAPES:
        dy, x = rng.standard_normal(shape), rng.standard_normal(shape)
        yield Sample((dy, x, rng.standard_normal(shape[:2])))


def _smooth_call(draw: Draw) -> Sample:
    shape = draw.shape(3, 5)
    return Sample((draw.normal(shape), draw.normal(shape[:2])))


def _case(name: str, batch: int, *shape: int, arrays: int) -> Case:
    def sample(rng: np.random.Generator, batch: int) -> Sample:
        drawn = [rng.standard_normal((batch, *shape)) for _ in range(arrays)]
        return Sample((*drawn, rng.uniform(size=(batch, shape[0]))))

    return Case(name, batch, sample)


def _cases(arrays: int) -> tuple[Case, ...]:
    return (
        _case("se_resnet50.conv2", 8, 256, 56, 56, arrays=arrays),
        _case("se_resnet50.conv5", 32, 2048, 7, 7, arrays=arrays),
    )


OPS = [
    Op(
        ops.scale_channels,
        reference.scale_channels,
        _forward,
        Tolerance(1e-7, 2e-16, "one product"),
        Bench(_cases(1), "bytes", lambda a: 2 * nbytes(a["x"]), "x read and y written"),
        gradient={
            "x": lambda a, dy: ops.scale_channels_grad(dy, a["x"], a["scale"])[0],
            "scale": lambda a, dy: ops.scale_channels_grad(dy, a["x"], a["scale"])[1],
        },
        smooth_call=_smooth_call,
    ),
    Op(
        ops.scale_channels_grad,
        reference.scale_channels_grad,
        _backward,
        Tolerance(2e-6, 1e-14, "a sum whose terms are added in another order"),
        Bench(_cases(2), "bytes", lambda a: 3 * nbytes(a["x"]), "dy and x read, dx written"),
        gradient_of="scale_channels",
    ),
]
