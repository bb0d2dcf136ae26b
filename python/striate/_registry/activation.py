from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from striate import ops, reference

from ._draw import Draw
from ._entry import EXACT, Bench, Case, Op, Sample, Tolerance, nbytes

SHAPES = [(), (1,), (0, 3), (7,), (64,), (2, 3, 5, 7), (100_003,)]
_SPECIAL = np.array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 1e-310, 1e-40, -1e-40, 1e30])


# Where exponentials overflow or round to 1, and a tail that is not a whole vector.
_FAR = np.array([-1e4, 1e4, -800.0, 800.0, -100.0, 88.0, -30.0, 20.0, -1e-4, 1e-7, -0.3])

_Samples = Callable[[np.random.Generator], Iterator[Sample]]


def forward(*options: dict[str, Any]) -> _Samples:
    """Arrays of all shapes and values, with each of the options."""

    def draw(rng: np.random.Generator) -> Iterator[Sample]:
        for kwargs in options or ({},):
            for shape in SHAPES:
                yield Sample((np.asarray(rng.standard_normal(shape)),), kwargs)
            yield Sample((4 * rng.standard_normal(1031),), kwargs)
            yield Sample((_SPECIAL,), kwargs, smooth=False)
            yield Sample((_FAR,), kwargs, smooth=False)

    return draw


def backward(forward: Callable[..., Any], *options: dict[str, Any]) -> _Samples:
    """dy, and what `forward` makes of such arrays."""

    def draw(rng: np.random.Generator) -> Iterator[Sample]:
        for kwargs in options or ({},):
            for shape in SHAPES:
                dy, x = (np.asarray(rng.standard_normal(shape)) for _ in range(2))
                yield Sample((dy, np.asarray(forward(x, **kwargs))), kwargs)
            yield Sample((rng.permutation(_FAR), np.asarray(forward(_FAR, **kwargs))), kwargs)
            nan = np.array([np.nan, 1.0, -1.0])
            yield Sample((nan[::-1].copy(), np.asarray(forward(nan, **kwargs))), kwargs)

    return draw


def smooth(*options: dict[str, Any], kinks: tuple[float, ...] = (0.0,)) -> Callable[[Draw], Sample]:
    """An array of any shape, and one of the options."""
    return lambda draw: Sample(
        (draw.apart(draw.shape(0, 4), *kinks, std=3.0),),
        draw.option(*options) if options else {},
    )


def _relu_grad(rng: np.random.Generator) -> Iterator[Sample]:
    yield from backward(reference.relu)(rng)
    yield Sample((rng.permutation(_SPECIAL), _SPECIAL))


def _case(arrays: int) -> Case:
    def sample(rng: np.random.Generator, batch: int) -> Sample:
        return Sample(tuple(rng.standard_normal((batch, 96, 55, 55)) for _ in range(arrays)))

    return Case("alexnet.conv1", 32, sample)


BENCH = Bench((_case(1),), "bytes", lambda a: 2 * nbytes(a["x"]), "x read and y written")
BENCH_GRAD = Bench(
    (_case(2),), "bytes", lambda a: 3 * nbytes(a["dy"]), "dy and the other array read, dx written"
)
ROUNDED = Tolerance(5e-7, 1e-15, "an exponential and a few roundings")
_ONE_PRODUCT = Tolerance(1.5e-7, 3e-16, "the parameter and one product are rounded")
_SLOPES: tuple[dict[str, Any], ...] = ({}, {"negative_slope": 0.3}, {"negative_slope": -1.0})
_ALPHAS: tuple[dict[str, Any], ...] = ({}, {"alpha": 1.7}, {"alpha": 0.0})

OPS = [
    Op(
        ops.relu,
        reference.relu,
        forward(),
        EXACT,
        BENCH,
        gradient={"x": lambda a, dy: ops.relu_grad(dy, ops.relu(a["x"]))},
        smooth_call=smooth(),
    ),
    Op(
        ops.relu_grad,
        reference.relu_grad,
        _relu_grad,
        EXACT,
        BENCH_GRAD,
        gradient_of="relu",
    ),
    Op(
        ops.leaky_relu,
        reference.leaky_relu,
        forward(*_SLOPES),
        _ONE_PRODUCT,
        BENCH,
        gradient={"x": lambda a, dy: ops.leaky_relu_grad(dy, a["x"], a["negative_slope"])},
        smooth_call=smooth(*_SLOPES),
    ),
    Op(
        ops.leaky_relu_grad,
        reference.leaky_relu_grad,
        backward(lambda x, negative_slope=0.01: x, *_SLOPES),
        _ONE_PRODUCT,
        BENCH_GRAD,
        gradient_of="leaky_relu",
    ),
    Op(
        ops.elu,
        reference.elu,
        forward(*_ALPHAS),
        ROUNDED,
        BENCH,
        gradient={"x": lambda a, dy: ops.elu_grad(dy, ops.elu(**a), a["alpha"])},
        smooth_call=smooth(*_ALPHAS),
    ),
    Op(
        ops.elu_grad,
        reference.elu_grad,
        backward(reference.elu, *_ALPHAS),
        ROUNDED,
        BENCH_GRAD,
        gradient_of="elu",
    ),
    Op(
        ops.sigmoid,
        reference.sigmoid,
        forward(),
        ROUNDED,
        BENCH,
        gradient={"x": lambda a, dy: ops.sigmoid_grad(dy, ops.sigmoid(a["x"]))},
        smooth_call=smooth(),
    ),
    Op(
        ops.sigmoid_grad,
        reference.sigmoid_grad,
        backward(reference.sigmoid),
        ROUNDED,
        BENCH_GRAD,
        gradient_of="sigmoid",
    ),
    Op(
        ops.tanh,
        reference.tanh,
        forward(),
        ROUNDED,
        BENCH,
        gradient={"x": lambda a, dy: ops.tanh_grad(dy, ops.tanh(a["x"]))},
        smooth_call=smooth(),
    ),
    Op(
        ops.tanh_grad,
        reference.tanh_grad,
        backward(reference.tanh),
        ROUNDED,
        BENCH_GRAD,
        gradient_of="tanh",
    ),
]
