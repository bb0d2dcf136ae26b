from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod
from typing import Any

import numpy as np

from striate import ops, reference
from striate._typing import FloatArray

from ._draw import Draw
from ._entry import Arguments, Bench, Case, Op, Sample, Tolerance, nbytes

_TOLERANCE = Tolerance(1e-6, 1e-14, "added in another order; a mean of thousands is near zero")

# The input's shape and the window.
WINDOWS: dict[int, list[tuple[tuple[int, ...], dict[str, Any]]]] = {
    1: [
        ((2, 3, 17), {"kernel_size": 3, "stride": 2}),
        ((1, 2, 11), {"kernel_size": (2,), "padding": ((1, 2),), "ceil_mode": True}),
        ((1, 2, 40), {"kernel_size": 19, "stride": 7, "padding": 12}),
        ((1, 2, 12), {"kernel_size": 1, "stride": 3}),  # gaps
        ((1, 1, 4), {"kernel_size": 2, "stride": 2, "padding": 3}),  # windows of padding alone
        ((1, 1, 1), {"kernel_size": 1}),
        ((0, 3, 5), {"kernel_size": 3}),
        ((3, 5, 9001), {"kernel_size": 3, "stride": 1, "padding": "same"}),
    ],
    2: [
        ((2, 3, 7, 9), {"kernel_size": 3, "stride": 2}),  # overlapping
        ((2, 3, 8, 10), {"kernel_size": 2}),
        ((2, 3, 9, 35), {"kernel_size": (2, 3)}),
        ((1, 2, 7, 11), {"kernel_size": (3, 2), "stride": (1, 3), "padding": ((1, 0), (0, 2))}),
        ((2, 1, 10, 7), {"kernel_size": (4, 3), "stride": (3, 2), "padding": "same"}),
        ((1, 3, 6, 6), {"kernel_size": 3, "stride": 2, "ceil_mode": True}),
        ((1, 1, 5, 8), {"kernel_size": 2, "stride": 3, "padding": 1, "ceil_mode": True}),
        ((1, 2, 5, 9), {"kernel_size": 4, "stride": 3, "padding": 2, "ceil_mode": True}),
        ((1, 1, 4, 5), {"kernel_size": 2, "stride": 2, "padding": 3}),  # windows of padding alone
        ((1, 2, 3, 4), {"kernel_size": 5, "stride": 1, "padding": 3}),
        ((1, 2, 6, 40), {"kernel_size": (2, 19), "stride": (1, 7), "padding": (1, 12)}),
        ((1, 2, 9, 12), {"kernel_size": 1, "stride": 3}),  # gaps
        ((3, 2, 1, 13), {"kernel_size": (1, 5), "stride": 1}),
        ((3, 2, 6, 7), {"kernel_size": (6, 7)}),
        ((1, 1, 1, 1), {"kernel_size": 1}),
        ((0, 3, 5, 5), {"kernel_size": 3, "stride": 2}),
        ((2, 0, 5, 5), {"kernel_size": 3, "stride": 2}),
        ((1, 1, 6, 131), {"kernel_size": 3, "stride": 1, "padding": 1}),
        ((1, 1, 2, 5003), {"kernel_size": (2, 3), "stride": (1, 2), "padding": 1}),
        ((4, 40, 41, 43), {"kernel_size": 3, "stride": 2}),
    ],
    3: [
        ((2, 2, 5, 7, 9), {"kernel_size": 3, "stride": 2}),
        ((1, 2, 4, 6, 8), {"kernel_size": (1, 2, 2)}),
        (
            (1, 2, 4, 5, 6),
            {"kernel_size": (2, 3, 2), "stride": (1, 3, 2), "padding": ((1, 0), (0, 2), (1, 1))},
        ),
        ((1, 2, 5, 6, 7), {"kernel_size": 2, "stride": (2, 3, 2), "ceil_mode": True}),
        ((1, 2, 3, 4, 20), {"kernel_size": (2, 2, 11), "padding": (1, 0, 4), "stride": 1}),
        ((1, 1, 3, 4, 3), {"kernel_size": 2, "padding": 2}),  # windows of padding alone
        ((2, 3, 3, 4, 5), {"kernel_size": (3, 4, 5)}),
        ((1, 1, 1, 1, 1), {"kernel_size": 1}),
        ((0, 2, 3, 3, 3), {"kernel_size": 2}),
        ((2, 30, 13, 21, 37), {"kernel_size": 3, "stride": (1, 2, 2), "padding": 1}),
    ],
}

# DenseNet's over volumes is that of "3D-ResNets-PyTorch".
_NETWORKS: dict[int, list[tuple[str, int, tuple[int, ...], Any]]] = {
    1: [("m5.pool1", 32, (128, 1981), {"kernel_size": 4})],
    2: [
        ("densenet.transition1", 8, (128, 56, 56), {"kernel_size": 2}),
        ("inception.branch", 8, (256, 28, 28), {"kernel_size": 3, "stride": 1, "padding": 1}),
        ("lenet.pool", 64, (6, 28, 28), {"kernel_size": 2}),
    ],
    3: [
        ("densenet3d.transition1", 1, (128, 8, 56, 56), {"kernel_size": 2}),
        ("i3d.branch", 1, (192, 8, 28, 28), {"kernel_size": 3, "stride": 1, "padding": 1}),
    ],
}


def drawn_window(rank: int, draw: Draw) -> tuple[tuple[int, ...], dict[str, Any]]:
    """The shape of x, and what all windows that are summed up take."""
    size, window = draw.window(rank, dilated=False)
    window["ceil_mode"] = draw.option(False, True)
    return (draw.integer(1, 2), draw.integer(1, 3), *size), window


def cases(
    layers: list[tuple[str, int, tuple[int, ...], Any]], call: Callable[..., Sample]
) -> tuple[Case, ...]:
    """One case for each layer, of call(rng, shape, window)."""

    def case(name: str, batch: int, shape: tuple[int, ...], window: Any) -> Case:
        return Case(name, batch, lambda rng, batch: call(rng, (batch, *shape), window))

    return tuple(case(*layer) for layer in layers)


def _family(rank: int) -> list[Op]:
    name = f"avg_pool{rank}d"
    oracle, grad = getattr(reference, name), getattr(ops, f"{name}_grad")

    def forward(rng: np.random.Generator) -> Iterator[Sample]:
        for shape, window in WINDOWS[rank]:
            for count in (True, False) if "padding" in window or "ceil_mode" in window else (True,):
                yield Sample((rng.standard_normal(shape),), {**window, "count_include_pad": count})

    def backward(rng: np.random.Generator) -> Iterator[Sample]:
        for sample in forward(rng):
            (x,) = sample.args
            dy = rng.standard_normal(oracle(x, **sample.kwargs).shape)
            yield Sample((dy, x.shape), sample.kwargs)

    def call(rng: np.random.Generator, shape: tuple[int, ...], window: dict[str, Any]) -> Sample:
        return Sample((rng.standard_normal(shape),), window)

    def grad_call(rng: np.random.Generator, shape: Any, window: dict[str, Any]) -> Sample:
        y = oracle(np.zeros(shape), **window)
        return Sample((rng.standard_normal(y.shape), shape), window)

    def smooth_call(draw: Draw) -> Sample:
        shape, window = drawn_window(rank, draw)
        return Sample(
            (draw.normal(shape),), {**window, "count_include_pad": draw.option(True, False)}
        )

    def forward_bytes(a: Arguments) -> float:
        window = {name: value for name, value in a.items() if name != "x"}
        plane = oracle(np.zeros((1, 1, *a["x"].shape[2:])), **window)
        return nbytes(a["x"]) + float(prod(a["x"].shape[:2]) * plane.size * a["x"].itemsize)

    def gradient(a: Arguments, dy: FloatArray) -> FloatArray:
        window = {name: value for name, value in a.items() if name != "x"}
        dx: FloatArray = grad(dy, a["x"].shape, **window)
        return dx

    return [
        Op(
            getattr(ops, name),
            oracle,
            forward,
            _TOLERANCE,
            Bench(cases(_NETWORKS[rank], call), "bytes", forward_bytes, "x read and y written"),
            gradient={"x": gradient},
            smooth_call=smooth_call,
        ),
        Op(
            grad,
            getattr(reference, f"{name}_grad"),
            backward,
            _TOLERANCE,
            Bench(
                cases(_NETWORKS[rank], grad_call),
                "bytes",
                lambda a: nbytes(a["dy"]) + float(prod(a["x_shape"]) * a["dy"].itemsize),
                "dy read and dx written",
            ),
            gradient_of=name,
        ),
    ]


OPS = [*_family(2), *_family(1), *_family(3)]
