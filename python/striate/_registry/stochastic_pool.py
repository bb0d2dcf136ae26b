from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from striate import ops, reference

from ._draw import Draw
from ._entry import Bench, Case, Op, Sample, Tolerance, nbytes

_TOLERANCE = Tolerance(1e-7, 1e-15, "one rounding of the average; a draw is exact")
_GRAD_TOLERANCE = Tolerance(1e-6, 1e-14, "quotients, and sums where windows overlap")

_WINDOWS: list[tuple[tuple[int, ...], dict[str, Any]]] = [
    ((2, 3, 8, 10), {"kernel_size": 2}),
    ((2, 3, 7, 9), {"kernel_size": 3, "stride": 2}),
    ((1, 2, 9, 12), {"kernel_size": (3, 2), "stride": (1, 3)}),
    ((1, 2, 9, 12), {"kernel_size": 2, "stride": 4}),  # gaps
    ((1, 1, 1, 1), {"kernel_size": 1}),
    ((0, 3, 5, 5), {"kernel_size": 3}),
    ((2, 0, 5, 5), {"kernel_size": 3}),
    ((4, 30, 41, 43), {"kernel_size": 3, "stride": 2}),
]


def _forward(rng: np.random.Generator) -> Iterator[Sample]:
    for i, (shape, window) in enumerate(_WINDOWS):
        x = rng.standard_normal(shape)
        for seed, offset in ((i, 0), (2**64 - 1 - i, 2**32 - 2), (None, 0)):
            yield Sample((x,), {**window, "seed": seed, "offset": offset})
    special = rng.choice([0.0, -np.inf, np.inf, np.nan, 1.0, -2.0], (2, 2, 12, 20), p=[1 / 6] * 6)
    rectified = np.maximum(rng.standard_normal((2, 2, 12, 20)) - 1, 0)  # windows of zeros
    for x in (special, rectified):
        for seed in (7, None):
            yield Sample((x, 2), {"seed": seed}, smooth=False)


def _backward(rng: np.random.Generator) -> Iterator[Sample]:
    for sample in _forward(rng):
        y = reference.stochastic_pool2d(*sample.args, **sample.kwargs)
        yield Sample((rng.standard_normal(y.shape), *sample.args), sample.kwargs)


def _smooth_call(draw: Draw) -> Sample:
    size, window = draw.window(2, dilated=False)
    del window["padding"]
    x = draw.apart((draw.integer(1, 3), draw.integer(1, 3), *size))
    seed = draw.option(None, draw.integer(0, 99))
    return Sample((x,), {**window, "seed": seed, "offset": draw.integer(0, 9)})


def _cases(*, backward: bool) -> tuple[Case, ...]:
    def case(name: str, batch: int, seed: int | None, *shape: int) -> Case:
        def sample(rng: np.random.Generator, batch: int) -> Sample:
            x = np.maximum(rng.standard_normal((batch, *shape)), 0)
            window: dict[str, Any] = {"kernel_size": 3, "stride": 2, "seed": seed}
            if not backward:
                return Sample((x,), window)
            y = reference.stochastic_pool2d(x, **window)
            return Sample((rng.standard_normal(y.shape), x), window)

        return Case(name, batch, sample)

    # The second pooling of the paper's network for CIFAR-10, in training and in inference.
    return case("cifar10.pool2", 32, 1, 64, 16, 16), case("cifar10.average", 32, None, 64, 16, 16)


OPS = [
    Op(
        ops.stochastic_pool2d,
        reference.stochastic_pool2d,
        _forward,
        _TOLERANCE,
        Bench(_cases(backward=False), "bytes", lambda a: nbytes(a["x"]), "x read"),
        gradient={"x": lambda a, dy: ops.stochastic_pool2d_grad(dy, **a)},
        smooth_call=_smooth_call,
    ),
    Op(
        ops.stochastic_pool2d_grad,
        reference.stochastic_pool2d_grad,
        _backward,
        _GRAD_TOLERANCE,
        Bench(
            _cases(backward=True),
            "bytes",
            lambda a: nbytes(a["dy"]) + 2 * nbytes(a["x"]),
            "dy and x read, dx written",
        ),
        gradient_of="stochastic_pool2d",
    ),
]
