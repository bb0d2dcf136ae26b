from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from striate import ops, reference

from ._entry import EXACT, Bench, Case, Op, Sample, nbytes

_SHAPES = [(), (1,), (0, 3), (7,), (64,), (2, 3, 5, 7), (100_003,)]
_SPECIAL = np.array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 1e-310, 1e-40, -1e-40, 1e30])


def _relu(rng: np.random.Generator) -> Iterator[Sample]:
    for shape in _SHAPES:
        yield Sample((np.asarray(rng.standard_normal(shape)),))
    yield Sample((_SPECIAL,), smooth=False)


def _relu_grad(rng: np.random.Generator) -> Iterator[Sample]:
    for shape in _SHAPES:
        dy, y = (np.asarray(rng.standard_normal(shape)) for _ in range(2))
        yield Sample((dy, np.asarray(np.maximum(y, 0))))
    yield Sample((rng.permutation(_SPECIAL), _SPECIAL))


def _case(arrays: int) -> Case:
    def sample(rng: np.random.Generator, batch: int) -> Sample:
        return Sample(tuple(rng.standard_normal((batch, 96, 55, 55)) for _ in range(arrays)))

    return Case("alexnet.conv1", 32, sample)


OPS = [
    Op(
        ops.relu,
        reference.relu,
        _relu,
        EXACT,
        Bench((_case(1),), "bytes", lambda a: 2 * nbytes(a["x"]), "x read and y written"),
        gradient={"x": lambda a, dy: ops.relu_grad(dy, ops.relu(a["x"]))},
    ),
    Op(
        ops.relu_grad,
        reference.relu_grad,
        _relu_grad,
        EXACT,
        Bench((_case(2),), "bytes", lambda a: 3 * nbytes(a["dy"]), "dy and y read, dx written"),
        gradient_of="relu",
    ),
]
