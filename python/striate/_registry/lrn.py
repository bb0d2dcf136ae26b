from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from striate import ops, reference
from striate._typing import FloatArray

from ._draw import Draw
from ._entry import Bench, Case, Op, Sample, Tolerance, nbytes

_TOLERANCE = Tolerance(2e-6, 1e-14, "a sum of squares and a power, each within a few last places")


# The published alpha of 1e-4 would hide a wrong sum: here it weighs as much as k.
def _forward(rng: np.random.Generator) -> Iterator[Sample]:
    for convention in ("torch", "onnx", "paper"):
        for size in range(1, 7):
            options = _options(size, alpha=1.0, beta=0.75, k=1.0, convention=convention)
            yield Sample((rng.standard_normal((2, 7, 3, 5)),), options)
    for shape, options in [
        ((3, 11), _options(5, alpha=2.0, beta=0.5, k=2.0)),
        ((2, 2, 4), _options(7, alpha=1.0, beta=1.0, k=0.5)),  # the window is wider than C
        ((1, 1, 1, 1), _options(3, alpha=1.0, beta=2.0, k=1.0)),
        ((2, 13, 2, 3, 5), _options(4, alpha=3.0, beta=1.3, k=1.5, convention="onnx")),
        ((2, 5, 17, 19), _options(5, alpha=1.0, beta=-0.5, k=2.0)),
        ((0, 4, 3, 3), _options(5, alpha=1.0, beta=0.75, k=1.0)),
        ((4, 96, 31, 29), _options(5, alpha=1.0, beta=0.75, k=2.0, convention="paper")),
    ]:
        yield Sample((rng.standard_normal(shape),), options)
    for shape, options in [
        ((2, 3, 7, 9), _options(3, alpha=2.0, beta=0.75, k=1.0)),
        ((2, 2, 5, 6), _options(1, alpha=1.0, beta=1.0, k=0.5)),
        ((1, 2, 4, 3), _options(9, alpha=30.0, beta=0.5, k=2.0)),  # wider than the plane
        ((1, 1, 1, 1), _options(3, alpha=9.0, beta=0.75, k=1.0)),
        ((1, 2, 13, 37), _options(5, alpha=9.0, beta=1.3, k=1.5)),
        ((0, 2, 3, 3), _options(3, alpha=1.0, beta=0.75, k=1.0)),
        ((1, 2, 611, 67), _options(5, alpha=9.0, beta=0.75, k=1.0)),  # blocks of rows
    ]:
        yield Sample((rng.standard_normal(shape),), {**options, "region": "within"})
    spiked = rng.standard_normal((1, 9, 2, 3))
    spiked[0, 4, 0, 0] = 1e6  # a running sum would keep a part of it
    yield Sample((spiked,), _options(3, alpha=1.0, beta=0.75, k=1.0), smooth=False)


def _backward(rng: np.random.Generator) -> Iterator[Sample]:
    for sample in _forward(rng):
        (x,) = sample.args
        yield Sample((rng.standard_normal(x.shape), x), sample.kwargs)


def _options(size: int, **others: Any) -> dict[str, Any]:
    return {"size": size, **others}


def _smooth_call(draw: Draw) -> Sample:
    region = draw.option("across", "within")
    axes = (2, 2) if region == "within" else (0, 3)
    shape = (draw.integer(1, 2), draw.integer(1, 9), *draw.shape(*axes))
    options: dict[str, Any] = {
        "alpha": draw.option(0.5, 2.0),
        "beta": draw.option(0.5, 0.75, 1.0, 1.3),
        "k": draw.option(0.5, 2.0),
        "region": region,
    }
    if region == "across":
        options["convention"] = draw.option("torch", "onnx", "paper")
    size = draw.integer(1, 7) if region == "across" else 2 * draw.integer(0, 3) + 1
    return Sample((draw.normal(shape), size), options)


def _gradient(a: dict[str, Any], dy: FloatArray) -> FloatArray:
    return ops.local_response_norm_grad(dy, **a)


_PAPER = _options(5, alpha=1e-4, beta=0.75, k=2.0, convention="paper")
# cuda-convnet's net for CIFAR-10, as Caffe has it.
_WITHIN = _options(3, alpha=5e-5, beta=0.75, k=1.0, region="within")


def _cases(arrays: int) -> tuple[Case, ...]:
    def case(name: str, options: dict[str, Any], *shape: int) -> Case:
        def sample(rng: np.random.Generator, batch: int) -> Sample:
            data = tuple(rng.standard_normal((batch, *shape)) for _ in range(arrays))
            return Sample(data, options)

        return Case(name, 32, sample)

    return (
        case("alexnet.norm1", _PAPER, 96, 55, 55),
        case("alexnet.norm2", _PAPER, 256, 27, 27),
        case("cifar10_full.norm1", _WITHIN, 32, 16, 16),
    )


OPS = [
    Op(
        ops.local_response_norm,
        reference.local_response_norm,
        _forward,
        _TOLERANCE,
        Bench(_cases(1), "bytes", lambda a: 2 * nbytes(a["x"]), "x read and y written"),
        gradient={"x": lambda a, dy: _gradient(dict(a), dy)},
        smooth_call=_smooth_call,
    ),
    Op(
        ops.local_response_norm_grad,
        reference.local_response_norm_grad,
        _backward,
        _TOLERANCE,
        Bench(_cases(2), "bytes", lambda a: 3 * nbytes(a["x"]), "dy and x read, dx written"),
        gradient_of="local_response_norm",
    ),
]
