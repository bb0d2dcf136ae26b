from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from striate import ops, reference
from striate._typing import FloatArray

from ._draw import Draw
from ._entry import Arguments, Bench, Case, Op, Sample, Tolerance

_TOLERANCE = Tolerance(2e-6, 1e-14, "a dot product whose terms are added in another order")

# The leading axes, in_features, out_features.
_SHAPES: list[tuple[tuple[int, ...], int, int]] = [
    ((1,), 1, 1),
    ((3,), 5, 7),
    ((2, 3), 17, 13),
    ((0,), 4, 3),
    ((4,), 0, 3),
    ((37,), 64, 10),
    ((5,), 1031, 33),  # longer than a block of the sum
    ((130,), 263, 257),
    ((460,), 21, 470),  # the same for the gradients
]


def _forward(rng: np.random.Generator) -> Iterator[Sample]:
    for lead, n_in, n_out in _SHAPES:
        x, w, b = (rng.standard_normal(s) for s in ((*lead, n_in), (n_out, n_in), (n_out,)))
        yield Sample((x, w))
        yield Sample((x, w, b), {"activation": "relu"})


def _input_grad(rng: np.random.Generator) -> Iterator[Sample]:
    for lead, n_in, n_out in _SHAPES:
        dy, y, w = (rng.standard_normal(s) for s in ((*lead, n_out), (*lead, n_out), (n_out, n_in)))
        yield Sample((dy, w))
        yield Sample((dy, w), {"y": np.maximum(y, 0)})


def _weight_grad(rng: np.random.Generator) -> Iterator[Sample]:
    for lead, n_in, n_out in _SHAPES:
        dy, y, x = (rng.standard_normal((*lead, n)) for n in (n_out, n_out, n_in))
        yield Sample((dy, x))
        yield Sample((dy, x), {"y": np.maximum(y, 0)})


def _smooth_call(draw: Draw) -> Sample:
    n_in, n_out = draw.integer(1, 9), draw.integer(1, 9)
    shapes = ((*draw.shape(1, 3), n_in), (n_out, n_in), (n_out,))
    arrays = [draw.normal(shape) for shape in shapes]
    return Sample(tuple(arrays), {"activation": draw.relu_of(ops.linear(*arrays))})


def _y(a: Arguments) -> FloatArray | None:
    return ops.linear(**a) if a["activation"] else None


def _cases(first: str, second: str) -> tuple[Case, ...]:
    def case(name: str, n_in: int, n_out: int) -> Case:
        def sample(rng: np.random.Generator, batch: int) -> Sample:
            shapes = {"x": (batch, n_in), "w": (n_out, n_in), "dy": (batch, n_out)}
            return Sample((rng.standard_normal(shapes[first]), rng.standard_normal(shapes[second])))

        return Case(name, 32, sample)

    return case("alexnet.fc6", 9216, 4096), case("alexnet.fc8", 4096, 1000)


_COUNTS = "a multiplication and an addition for each row of the batch and each weight"

OPS = [
    Op(
        ops.linear,
        reference.linear,
        _forward,
        _TOLERANCE,
        Bench(_cases("x", "w"), "flops", lambda a: 2.0 * a["x"].size * len(a["w"]), _COUNTS),
        gradient={
            "x": lambda a, dy: ops.linear_input_grad(dy, a["w"], y=_y(a)),
            "w": lambda a, dy: ops.linear_weight_grad(dy, a["x"], y=_y(a)),
            "b": lambda a, dy: ops.bias_grad(dy, axis=-1, y=_y(a)),
        },
        smooth_call=_smooth_call,
    ),
    Op(
        ops.linear_input_grad,
        reference.linear_input_grad,
        _input_grad,
        _TOLERANCE,
        Bench(_cases("dy", "w"), "flops", lambda a: 2.0 * a["dy"].size * a["w"].shape[1], _COUNTS),
        gradient_of="linear",
    ),
    Op(
        ops.linear_weight_grad,
        reference.linear_weight_grad,
        _weight_grad,
        _TOLERANCE,
        Bench(_cases("dy", "x"), "flops", lambda a: 2.0 * a["dy"].size * a["x"].shape[-1], _COUNTS),
        gradient_of="linear",
    ),
]
