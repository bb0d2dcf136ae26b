from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from striate import ops, reference

from ._draw import Draw
from ._entry import EXACT, Bench, Case, Op, Sample, Tolerance, nbytes

_SHAPES: list[tuple[int, ...]] = [(), (1,), (0, 3), (7,), (2, 3, 5, 7), (100_003,)]


def _arrays(count: int) -> Callable[[np.random.Generator], Iterator[Sample]]:
    def draw(rng: np.random.Generator) -> Iterator[Sample]:
        for shape in _SHAPES:
            yield Sample(tuple(np.asarray(rng.standard_normal(shape)) for _ in range(count)))

    return draw


def _add(rng: np.random.Generator) -> Iterator[Sample]:
    for sample in _arrays(2)(rng):
        yield sample
        yield Sample(sample.args, {"activation": "relu"})
    special = np.array([np.nan, np.inf, -np.inf, 1.0])
    yield Sample((special, -special), {"activation": "relu"}, smooth=False)


def _add_grad(rng: np.random.Generator) -> Iterator[Sample]:
    for sample in _arrays(2)(rng):
        dy, y = sample.args
        yield Sample((dy,))
        yield Sample((dy,), {"y": np.asarray(np.maximum(y, 0))})


def _smooth_pair(draw: Draw) -> Sample:
    shape = draw.shape(0, 4)
    return Sample((draw.normal(shape), draw.normal(shape)))


def _smooth_add(draw: Draw) -> Sample:
    pair = _smooth_pair(draw).args
    return Sample(pair, {"activation": draw.relu_of(ops.add(*pair))})


def _bench(arguments: int, arrays: int, counts: str) -> Bench:
    def sample(rng: np.random.Generator, batch: int) -> Sample:
        return Sample(tuple(rng.standard_normal((batch, 256, 56, 56)) for _ in range(arguments)))

    case = Case("resnet50.conv2", 8, sample)
    return Bench((case,), "bytes", lambda a: arrays * nbytes(next(iter(a.values()))), counts)


_ROUNDED = Tolerance(6.0e-8, 1.2e-16, "one operation is rounded")

OPS = [
    Op(
        ops.add,
        reference.add,
        _add,
        _ROUNDED,
        _bench(2, 3, "both summands read, the sum written"),
        gradient={
            name: lambda a, dy: ops.add_grad(dy, y=ops.add(**a) if a["activation"] else None)
            for name in "ab"
        },
        smooth_call=_smooth_add,
    ),
    Op(
        ops.add_grad,
        reference.add_grad,
        _add_grad,
        EXACT,
        _bench(1, 2, "dy read, dx written"),
        gradient_of="add",
    ),
    Op(
        ops.mul,
        reference.mul,
        _arrays(2),
        _ROUNDED,
        _bench(2, 3, "both factors read, the product written"),
        gradient={
            "a": lambda a, dy: ops.mul_grad(dy, a["a"], a["b"])[0],
            "b": lambda a, dy: ops.mul_grad(dy, a["a"], a["b"])[1],
        },
        smooth_call=_smooth_pair,
    ),
    Op(
        ops.mul_grad,
        reference.mul_grad,
        _arrays(3),
        _ROUNDED,
        _bench(3, 5, "dy and both factors read, both gradients written"),
        gradient_of="mul",
    ),
]
