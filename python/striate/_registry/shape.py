from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from striate import ops, reference

from ._draw import Draw
from ._entry import EXACT, Bench, Case, Op, Sample, nbytes

# The shape but for the joined axis, the axis, the sizes along it.
_CONCAT: list[tuple[tuple[int, ...], int, tuple[int, ...]]] = [
    ((-1,), 0, (3, 5)),
    ((-1,), -1, (0, 4, 0)),
    ((2, -1, 5, 3), 1, (4, 1, 7)),
    ((2, -1, 5, 3), 1, (4,)),
    ((0, -1, 5), 1, (2, 3)),
    ((3, -1), 1, (0, 0)),
    ((-1, 7), -2, (2, 3)),
    ((301, -1), 1, (1, 2, 1)),
    ((2, -1, 97, 89), 1, (5, 9, 3)),
]

_PADDING: list[tuple[tuple[int, ...], Any]] = [
    ((2, 3, 5, 4), 1),
    ((2, 3, 5, 4), (2, 0)),
    ((2, 3, 5, 4), ((1, 0), (3, 2))),
    ((1, 1, 1, 1), 0),
    ((2, 2, 0, 3), 2),
    ((0, 2, 3, 3), 2),
    ((2, 3, 3, 0), 0),
    ((2, 3, 113, 109), ((2, 1), (0, 3))),
]


def _part(shape: tuple[int, ...], size: int) -> tuple[int, ...]:
    return tuple(size if n < 0 else n for n in shape)


def _concat(rng: np.random.Generator) -> Iterator[Sample]:
    for shape, axis, sizes in _CONCAT:
        arrays = [rng.standard_normal(_part(shape, size)) for size in sizes]
        yield Sample((arrays,), {"axis": axis})


def _concat_grad(rng: np.random.Generator) -> Iterator[Sample]:
    for shape, axis, sizes in _CONCAT:
        yield Sample((rng.standard_normal(_part(shape, sum(sizes))), sizes), {"axis": axis})


def _pad(rng: np.random.Generator) -> Iterator[Sample]:
    for shape, padding in _PADDING:
        yield Sample((rng.standard_normal(shape), padding))
        yield Sample((rng.standard_normal(shape), padding, -2.5))


def _pad_grad(rng: np.random.Generator) -> Iterator[Sample]:
    for shape, padding in _PADDING:
        yield Sample((rng.standard_normal(reference.pad(np.empty(shape), padding).shape), padding))


def _smooth_concat(draw: Draw) -> Sample:
    shape = draw.shape(1, 4)
    axis = draw.integer(-len(shape), len(shape) - 1)
    at = axis % len(shape)
    sizes = [draw.integer(0, 4) for _ in range(draw.integer(1, 4))]
    arrays = [draw.normal((*shape[:at], size, *shape[at + 1 :])) for size in sizes]
    return Sample((arrays,), {"axis": axis})


def _smooth_pad(draw: Draw) -> Sample:
    pads = tuple((draw.integer(0, 3), draw.integer(0, 3)) for _ in range(2))
    return Sample((draw.normal(draw.shape(4, 4)), draw.option(pads, pads[0], pads[0][0])))


_INCEPTION = (64, 128, 32, 32)


def _concat_case(rng: np.random.Generator, batch: int) -> Sample:
    return Sample(([rng.standard_normal((batch, c, 28, 28)) for c in _INCEPTION],))


def _concat_grad_case(rng: np.random.Generator, batch: int) -> Sample:
    return Sample((rng.standard_normal((batch, sum(_INCEPTION), 28, 28)), list(_INCEPTION)))


def _pad_case(rng: np.random.Generator, batch: int) -> Sample:
    return Sample((rng.standard_normal((batch, 64, 56, 56)), 1))


OPS = [
    Op(
        ops.concat,
        reference.concat,
        _concat,
        EXACT,
        Bench(
            (Case("googlenet.3a", 32, _concat_case),),
            "bytes",
            lambda a: 2 * nbytes(*a["arrays"]),
            "the arrays read, y written",
        ),
        gradient={
            "arrays": lambda a, dy: ops.concat_grad(
                dy, [array.shape[a["axis"]] for array in a["arrays"]], a["axis"]
            )
        },
        smooth_call=_smooth_concat,
    ),
    Op(
        ops.concat_grad,
        reference.concat_grad,
        _concat_grad,
        EXACT,
        Bench(
            (Case("googlenet.3a", 32, _concat_grad_case),),
            "bytes",
            lambda a: 2 * nbytes(a["dy"]),
            "dy read, the gradients written",
        ),
        gradient_of="concat",
    ),
    Op(
        ops.pad,
        reference.pad,
        _pad,
        EXACT,
        Bench(
            (Case("resnet50.conv2", 32, _pad_case),),
            "bytes",
            lambda a: 2 * nbytes(a["x"]),
            "x read, as much written; the border is not counted",
        ),
        gradient={"x": lambda a, dy: ops.pad_grad(dy, a["padding"])},
        smooth_call=_smooth_pad,
    ),
    Op(
        ops.pad_grad,
        reference.pad_grad,
        _pad_grad,
        EXACT,
        Bench(
            (Case("resnet50.conv2", 32, _pad_case),),
            "bytes",
            lambda a: 2 * nbytes(a["dy"]),
            "dy read, as much written; the border is not counted",
        ),
        gradient_of="pad",
    ),
]
