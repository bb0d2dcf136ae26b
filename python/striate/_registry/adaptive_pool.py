from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod
from typing import Any

import numpy as np

from striate import ops, reference

from ._draw import Draw
from ._entry import Arguments, Bench, Case, Op, Sample, Tolerance, nbytes
from .pool import max_family

_TOLERANCE = Tolerance(1e-6, 1e-14, "added in another order; a mean of thousands is near zero")

# The input's shape and the output's size.
_ADAPTIVE: dict[int, list[tuple[tuple[int, ...], int | tuple[int, ...]]]] = {
    1: [
        ((2, 3, 9), 4),
        ((2, 3, 12), (3,)),
        ((1, 2, 5), 7),  # more windows than elements
        ((1, 2, 100), 3),
        ((1, 1, 1), 1),
        ((0, 3, 5), 2),
        ((3, 7, 4001), 1),
        ((3, 7, 4001), 5),
    ],
    2: [
        ((2, 3, 7, 9), (3, 4)),
        ((2, 3, 8, 12), (4, 3)),
        ((1, 2, 5, 6), (7, 6)),  # more windows than pixels
        ((1, 2, 4, 100), (3, 3)),
        ((2, 5, 7, 7), 1),
        ((1, 1, 1, 1), 2),
        ((0, 3, 5, 5), 2),
        ((9, 64, 13, 13), 6),
        ((2, 3, 120, 130), 1),
    ],
    3: [
        ((2, 3, 4, 7, 9), (2, 3, 4)),
        ((1, 2, 4, 8, 12), (2, 4, 3)),
        ((1, 2, 3, 5, 6), (4, 7, 6)),
        ((2, 3, 3, 5, 7), 1),
        ((1, 1, 1, 1, 1), 2),
        ((0, 3, 2, 5, 5), 2),
        ((2, 11, 9, 19, 20), (4, 6, 7)),
    ],
}
# A small dy has a large dx: with the others alone, dy would not fill a chunk.
_LARGE_DY: dict[int, tuple[tuple[int, ...], int]] = {
    1: ((4, 64, 300), 290),
    2: ((4, 64, 25, 25), 17),
    3: ((4, 16, 13, 14, 15), 11),
}

_NETWORKS: dict[int, list[tuple[str, int, tuple[int, ...], int]]] = {
    1: [("m5.global", 32, (512, 30), 1)],
    2: [
        ("alexnet.avgpool", 32, (256, 13, 13), 6),
        ("resnet50.global", 32, (2048, 7, 7), 1),
    ],
    3: [("r3d18.global", 4, (512, 2, 7, 7), 1), ("slowfast.pool", 4, (128, 8, 14, 14), 6)],
}


def _size(rank: int, output_size: int | tuple[int, ...]) -> tuple[int, ...]:
    return (output_size,) * rank if isinstance(output_size, int) else output_size


def _average_samples(rank: int, rng: np.random.Generator) -> Iterator[Sample]:
    for shape, output_size in _ADAPTIVE[rank]:
        yield Sample((rng.standard_normal(shape), output_size))


def _average_grad_samples(rank: int, rng: np.random.Generator) -> Iterator[Sample]:
    for shape, output_size in [*_ADAPTIVE[rank], _LARGE_DY[rank]]:
        dy = rng.standard_normal((*shape[:2], *_size(rank, output_size)))
        yield Sample((dy, shape, output_size))


def _max_samples(rank: int, rng: np.random.Generator) -> Iterator[Sample]:
    yield from _average_samples(rank, rng)
    shape, output_size = _LARGE_DY[rank]
    yield Sample((rng.standard_normal(shape), output_size))
    side = (9, 51, 7)[3 - rank :]
    ties = rng.integers(-1, 2, (2, 2, *side)).astype(np.float64)
    special = rng.choice([0.0, -np.inf, np.inf, np.nan, 1.0], (2, 2, *side), p=[0.2] * 5)
    lowest = np.full((1, 1, *side), -np.inf)
    for x in (ties, special, lowest):
        for size in (1, 2, 3):
            yield Sample((x, size), smooth=False)


def _cases(rank: int, call: Callable[[np.random.Generator, Any, int], Sample]) -> tuple[Case, ...]:
    def case(name: str, batch: int, shape: tuple[int, ...], output_size: int) -> Case:
        return Case(name, batch, lambda rng, batch: call(rng, (batch, *shape), output_size))

    return tuple(case(*layer) for layer in _NETWORKS[rank])


def _call(rng: np.random.Generator, shape: tuple[int, ...], output_size: int) -> Sample:
    return Sample((rng.standard_normal(shape), output_size))


def _average_grad_call(rng: np.random.Generator, shape: Any, output_size: int) -> Sample:
    dy = rng.standard_normal((*shape[:2], *_size(len(shape) - 2, output_size)))
    return Sample((dy, shape, output_size))


def _max_grad_call(rng: np.random.Generator, shape: Any, output_size: int) -> Sample:
    name = f"adaptive_max_pool{len(shape) - 2}d_with_indices"
    y, indices = getattr(reference, name)(rng.standard_normal(shape), output_size)
    return Sample((y, indices, shape))


def _smooth_call(rank: int, draw: Draw) -> Sample:
    shape = tuple(draw.integer(1, 7) for _ in range(2 + rank))
    size = tuple(draw.integer(1, 8) for _ in range(rank))
    return Sample((draw.distinct(shape), draw.option(size, size[0])))


def _bytes(a: Arguments) -> float:
    x = a["x"]
    outputs = prod(_size(x.ndim - 2, a["output_size"]))
    return nbytes(x) + float(prod(x.shape[:2]) * outputs * x.itemsize)


def _grad_bytes(a: Arguments) -> float:
    return nbytes(a["dy"]) + float(prod(a["x_shape"]) * a["dy"].itemsize)


def _family(rank: int) -> list[Op]:
    name, maxima = f"adaptive_avg_pool{rank}d", f"adaptive_max_pool{rank}d"
    grad = getattr(ops, f"{name}_grad")
    return [
        Op(
            getattr(ops, name),
            getattr(reference, name),
            lambda rng: _average_samples(rank, rng),
            _TOLERANCE,
            Bench(_cases(rank, _call), "bytes", _bytes, "x read and y written"),
            gradient={"x": lambda a, dy: grad(dy, a["x"].shape, a["output_size"])},
            smooth_call=lambda draw: _smooth_call(rank, draw),
        ),
        Op(
            grad,
            getattr(reference, f"{name}_grad"),
            lambda rng: _average_grad_samples(rank, rng),
            _TOLERANCE,
            Bench(_cases(rank, _average_grad_call), "bytes", _grad_bytes, "dy read and dx written"),
            gradient_of=name,
        ),
        *max_family(
            maxima,
            lambda rng: _max_samples(rank, rng),
            _cases(rank, _call),
            _cases(rank, _max_grad_call),
            lambda draw: _smooth_call(rank, draw),
        ),
    ]


OPS = [*_family(2), *_family(1), *_family(3)]
