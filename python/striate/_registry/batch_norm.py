from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from striate import ops, reference
from striate._typing import FloatArray

from ._draw import Draw
from ._entry import Arguments, Bench, Case, Op, Sample, Tolerance, nbytes

_INFERENCE = Tolerance(1e-6, 1e-15, "a root and a division, each within a few last places")
_TRAIN = Tolerance(2e-6, 1e-12, "sums in another order; a mean of 1e4 is rounded by 1e-12 itself")

_SHAPES: list[tuple[int, ...]] = [
    (2, 3, 4, 5),
    (7, 5),
    (130, 37),
    (3, 2, 6),
    (2, 2, 2, 3, 2),
    (2, 1, 1, 1),
    (1, 3, 5, 7),
    (3, 5, 47, 45),  # a plane of more than one block
    (5, 2, 160, 129),  # few channels, cut into parts
    (40, 3, 41, 37),
    (600, 130),
    (9, 70, 13, 11),
    (0, 3, 4, 4),
    (2, 3, 0, 4),
    (3, 0, 2, 2),
]


def _arrays(
    rng: np.random.Generator, shape: tuple[int, ...], centre: float = 0.0
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """x, mean, var, gamma, beta; x with about the mean and variance that are given."""
    channels = shape[1]
    mean = centre + rng.standard_normal(channels)
    var = rng.uniform(0.5, 2.0, channels)
    spread = (-1, *[1] * (len(shape) - 2))
    x = rng.standard_normal(shape) * np.sqrt(var).reshape(spread) + mean.reshape(spread)
    return x, mean, var, rng.uniform(-2.0, 2.0, channels), rng.standard_normal(channels)


def _inference(rng: np.random.Generator) -> Iterator[Sample]:
    for i, shape in enumerate(_SHAPES):
        activation = "relu" if i % 2 else None
        options = {"eps": [1e-5, 0.5][i % 2], "activation": activation}
        yield Sample(_arrays(rng, shape), options)
    yield Sample((*_arrays(rng, (2, 3, 4, 4))[:3], None, None))
    yield Sample(_arrays(rng, (4, 6, 9, 9), 1e4))


def _train(rng: np.random.Generator) -> Iterator[Sample]:
    for i, shape in enumerate(_SHAPES):
        x, _, _, gamma, beta = _arrays(rng, shape)
        # A large eps, so that its place under the root matters.
        yield Sample((x, gamma, beta), {"eps": [1e-5, 0.5][i % 2]})
    yield Sample((rng.standard_normal((2, 3, 4, 4)), None, None))
    for shape in ((8, 3, 50, 51), (300, 20)):
        x, _, _, gamma, beta = _arrays(rng, shape, 1e4)
        yield Sample((x, gamma, beta), smooth=False)
    spiked = rng.standard_normal((6, 2, 30, 31))
    spiked[0, :, 0, 0] = 1e6  # it is the first value: a bad one to measure distances from
    yield Sample((spiked, None, None), smooth=False)


def _backward(rng: np.random.Generator) -> Iterator[Sample]:
    for frozen in (False, True):
        for sample in _train(rng):
            x, gamma, beta = sample.args
            _, mean, var = reference.batch_norm_train(x, gamma, beta, **sample.kwargs)
            if not x.size:
                mean, var = np.zeros(x.shape[1]), np.ones(x.shape[1])
            options = {**sample.kwargs, "frozen": frozen}
            yield Sample((rng.standard_normal(x.shape), x, gamma, mean, var), options)


def _drawn_arrays(draw: Draw, least: int) -> tuple[FloatArray, ...]:
    shape = (draw.integer(least, 5), draw.integer(1, 5), *draw.shape(0, 3))
    return _arrays(draw.rng, shape)


def _smooth_inference(draw: Draw) -> Sample:
    arrays = _drawn_arrays(draw, 1)
    eps = draw.option(1e-5, 0.5)
    return Sample(
        arrays, {"eps": eps, "activation": draw.relu_of(ops.batch_norm(*arrays, eps=eps))}
    )


def _smooth_train(draw: Draw) -> Sample:
    x, _, _, gamma, beta = _drawn_arrays(draw, 2)
    return Sample((x, gamma, beta), {"eps": draw.option(0.01, 0.5)})


def _gradients(a: Arguments, dy: FloatArray, frozen: bool) -> tuple[FloatArray, ...]:
    if a.get("activation"):
        dy = ops.relu_grad(dy, ops.batch_norm(**a))
    mean, var = a.get("mean"), a.get("var")
    if mean is None or var is None:
        _, mean, var = ops.batch_norm_train(a["x"], a["gamma"], a["beta"], eps=a["eps"])
    return ops.batch_norm_grad(dy, a["x"], a["gamma"], mean, var, eps=a["eps"], frozen=frozen)


def _case(name: str, batch: int, *shape: int, kind: str) -> Case:
    def sample(rng: np.random.Generator, batch: int) -> Sample:
        x, mean, var, gamma, beta = _arrays(rng, (batch, *shape))
        if kind == "grad":  # of training: the statistics are those of x
            axes = (0, *range(2, x.ndim))
            mean, var = x.mean(axes), x.var(axes)
        arguments: dict[str, tuple[Any, ...]] = {
            "inference": (x, mean, var, gamma, beta),
            "train": (x, gamma, beta),
            "grad": (rng.standard_normal(x.shape), x, gamma, mean, var),
        }
        return Sample(arguments[kind])

    return Case(name, batch, sample)


def _cases(kind: str) -> tuple[Case, ...]:
    return (
        _case("mlp", 512, 1024, kind=kind),
        _case("resnet50.bn1", 8, 64, 112, 112, kind=kind),
        _case("resnet50.conv3", 16, 512, 28, 28, kind=kind),
        _case("resnet50.conv5", 32, 512, 7, 7, kind=kind),
    )


OPS = [
    Op(
        ops.batch_norm,
        reference.batch_norm,
        _inference,
        _INFERENCE,
        Bench(_cases("inference"), "bytes", lambda a: 2 * nbytes(a["x"]), "x read and y written"),
        gradient={
            "x": lambda a, dy: _gradients(a, dy, True)[0],
            "gamma": lambda a, dy: _gradients(a, dy, True)[1],
            "beta": lambda a, dy: _gradients(a, dy, True)[2],
        },
        smooth_call=_smooth_inference,
    ),
    Op(
        ops.batch_norm_train,
        reference.batch_norm_train,
        _train,
        _TRAIN,
        Bench(
            _cases("train"),
            "bytes",
            lambda a: 3 * nbytes(a["x"]),
            "x read for the statistics and again, y written",
        ),
        gradient={
            "x": lambda a, dy: _gradients(a, dy, False)[0],
            "gamma": lambda a, dy: _gradients(a, dy, False)[1],
            "beta": lambda a, dy: _gradients(a, dy, False)[2],
        },
        smooth_call=_smooth_train,
    ),
    Op(
        ops.batch_norm_grad,
        reference.batch_norm_grad,
        _backward,
        _TRAIN,
        Bench(
            _cases("grad"),
            "bytes",
            lambda a: 5 * nbytes(a["x"]),
            "dy and x read for the sums and again, dx written",
        ),
        gradient_of="batch_norm_train",
    ),
]
