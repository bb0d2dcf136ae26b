from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np

from striate import ops, reference
from striate._typing import FloatArray

from ._draw import Draw
from ._entry import Arguments, Bench, Op, Sample, Tolerance, nbytes
from .avg_pool import WINDOWS, cases, drawn_window

_TOLERANCE = Tolerance(3e-6, 1e-14, "powers through exp and log, which lose p |ln x| last places")
_GRAD_TOLERANCE = Tolerance(1e-5, 3e-14, "two such powers, of different signs, in each product")

_NETWORKS: dict[int, list[tuple[str, int, tuple[int, ...], Any]]] = {
    1: [("m5.pool1", 32, (128, 1981), {"norm_type": 2.0, "kernel_size": 4})],
    2: [
        ("svhn.pool2", 32, (64, 32, 32), {"norm_type": 4.0, "kernel_size": 3, "stride": 2}),
        ("vgg.pool2", 8, (128, 112, 112), {"norm_type": 2.0, "kernel_size": 2}),
    ],
    3: [("c3d.pool2", 1, (128, 16, 56, 56), {"norm_type": 2.0, "kernel_size": 2})],
}


def _forward(rank: int, rng: np.random.Generator) -> Iterator[Sample]:
    for i, (shape, window) in enumerate(WINDOWS[rank]):
        norms = (1.0, 2.0, 3.0, 4.0) if i < 2 else ([2.0, 1.0, 2.5, 4.0, 3.0][i % 5],)
        for norm_type in norms:
            x = rng.standard_normal(shape)
            # Away from 0, where |x| has a kink.
            x += np.copysign(0.05, x)
            yield Sample((x, norm_type), window)
    last = WINDOWS[rank][-1]
    for norm_type in (1.5, 2.0):
        yield Sample((rng.uniform(0.5, 2.0, last[0]), norm_type), last[1])
    zeros = np.zeros((1, 2, *(6,) * rank))
    zeros[:, 1, ..., 0] = -2.0
    for norm_type in (0.5, 1.0, 2.0, 3.0, 4.0):
        yield Sample((zeros, norm_type, 2), smooth=False)


def _family(rank: int) -> list[Op]:
    name = f"lp_pool{rank}d"
    oracle, grad = getattr(reference, name), getattr(ops, f"{name}_grad")

    def backward(rng: np.random.Generator) -> Iterator[Sample]:
        for i, sample in enumerate(_forward(rank, rng)):
            y = oracle(*sample.args, **sample.kwargs)
            given = {"y": y} if i % 2 else {}
            yield Sample((rng.standard_normal(y.shape), *sample.args), {**sample.kwargs, **given})

    def call(rng: np.random.Generator, shape: tuple[int, ...], window: dict[str, Any]) -> Sample:
        return Sample((rng.standard_normal(shape),), window)

    def grad_call(rng: np.random.Generator, shape: Any, window: dict[str, Any]) -> Sample:
        x = rng.standard_normal(shape)
        y = oracle(x, **window)
        return Sample((rng.standard_normal(y.shape), x), {**window, "y": y})

    def gradient(a: Arguments, dy: FloatArray) -> FloatArray:
        dx: FloatArray = grad(dy, **a)
        return dx

    def smooth_call(draw: Draw) -> Sample:
        shape, window = drawn_window(rank, draw)
        return Sample((draw.apart(shape), draw.option(1.0, 1.5, 2.0, 3.0, 4.0)), window)

    def forward_bytes(a: Arguments) -> float:
        window = {name: value for name, value in a.items() if name != "x"}
        plane = oracle(np.zeros((1, 1, *a["x"].shape[2:])), **window)
        return nbytes(a["x"]) + float(prod(a["x"].shape[:2]) * plane.size * a["x"].itemsize)

    return [
        Op(
            getattr(ops, name),
            oracle,
            lambda rng: _forward(rank, rng),
            _TOLERANCE,
            Bench(cases(_NETWORKS[rank], call), "bytes", forward_bytes, "x read and y written"),
            gradient={"x": gradient},
            smooth_call=smooth_call,
        ),
        Op(
            grad,
            getattr(reference, f"{name}_grad"),
            backward,
            _GRAD_TOLERANCE,
            Bench(
                cases(_NETWORKS[rank], grad_call),
                "bytes",
                lambda a: nbytes(a["dy"], a["y"]) + 2 * nbytes(a["x"]),
                "dy, y and x read, dx written",
            ),
            gradient_of=name,
        ),
    ]


OPS = [*_family(2), *_family(1), *_family(3)]
