from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from striate import ops, reference

from ._draw import Draw
from ._entry import Bench, Case, Op, Sample, Tolerance, nbytes


def _samples(rng: np.random.Generator) -> Iterator[Sample]:
    for shape, p, seed, offset in [
        ((), 0.5, 0, 0),
        ((0, 5), 0.5, 1, 0),
        ((7,), 0.0, 2, 3),
        ((9,), 1.0, 2, 3),
        ((3, 5, 7), 0.3, 2**64 - 1, 2**62 - 1),
        ((2, 67), 0.9, 2**32, 2**32 - 5),
        ((4, 3, 13, 13), 0.5, 12345, 2**40 + 7),
        ((100_003,), 0.1, 7, 11),
    ]:
        x = np.asarray(rng.standard_normal(shape))
        yield Sample((x, p), {"seed": seed, "offset": offset})


def _smooth_call(draw: Draw) -> Sample:
    x, p = draw.normal(draw.shape(0, 4)), draw.option(0.0, 0.3, 0.5, 1.0)
    return Sample((x, p), {"seed": draw.integer(0, 99), "offset": draw.integer(0, 99)})


def _case(name: str, *shape: int) -> Case:
    def sample(rng: np.random.Generator, batch: int) -> Sample:
        return Sample((rng.standard_normal((batch, *shape)), 0.5), {"seed": 2012})

    return Case(name, 32, sample)


OPS = [
    Op(
        ops.dropout,
        reference.dropout,
        _samples,
        Tolerance(1.2e-7, 0, "in float32 the factor and the product are each rounded once"),
        Bench(
            (_case("alexnet.fc6", 256, 6, 6), _case("alexnet.fc7", 4096)),
            "bytes",
            lambda a: 2 * nbytes(a["x"]),
            "x read and y written",
        ),
        gradient={
            "x": lambda a, dy: ops.dropout(dy, a["p"], seed=a["seed"], offset=a["offset"]),
        },
        smooth_call=_smooth_call,
    ),
]
