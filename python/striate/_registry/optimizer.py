from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from striate import ops, reference

from ._entry import Arguments, Bench, Case, Op, Sample, Tolerance, nbytes

_SHAPES: list[tuple[int, ...]] = [(4, 3, 3, 3), (4,), (0, 5), (), (1,), (67,), (263, 257)]

_OPTIONS: list[dict[str, Any]] = [
    {},
    {"momentum": 0.9},
    {"momentum": 0.9, "first": True},
    {"momentum": 0.9, "dampening": 0.5},
    {"momentum": 0.9, "dampening": 0.5, "first": True},
    {"momentum": 0.8, "nesterov": True},
    {"weight_decay": 0.3},
    {"l1": 0.2},
    {"momentum": 0.9, "nesterov": True, "weight_decay": 0.3, "l1": 0.2},
    {"momentum": 0.7, "weight_decay": 0.3, "first": [i % 2 == 0 for i in range(len(_SHAPES))]},
    {"momentum": 0.9, "convention": "caffe"},
    {"momentum": 0.9, "convention": "caffe", "first": True},
    {"momentum": 0.8, "convention": "caffe", "nesterov": True, "weight_decay": 0.3},
    {"weight_decay": 0.3, "l1": 0.1, "convention": "caffe"},
]


def _samples(rng: np.random.Generator) -> Iterator[Sample]:
    def tensors() -> list[Any]:
        return [np.asarray(rng.standard_normal(shape)) for shape in _SHAPES]

    for options in _OPTIONS:
        params, grads, velocities = tensors(), tensors(), tensors()
        params[0].flat[::3] = 0.0  # where sign() is 0
        grads[3] = None
        momentum = "momentum" in options
        yield Sample((params, grads, velocities if momentum else None), {"lr": 0.3, **options})
    yield Sample(([], [], []), {"lr": 0.1, "momentum": 0.9})


def _work(a: Arguments) -> float:
    return 3 * nbytes(*a["params"]) + 2 * nbytes(*a["velocities"])


def _resnet18() -> list[tuple[int, ...]]:
    shapes: list[tuple[int, ...]] = [(64, 3, 7, 7), (64,), (64,)]
    channels = 64
    for width in (64, 128, 256, 512):
        for _ in range(2):
            shapes += [(width, channels, 3, 3), (width,), (width,)]
            shapes += [(width, width, 3, 3), (width,), (width,)]
            if width != channels:
                shapes += [(width, channels, 1, 1), (width,), (width,)]
            channels = width
    return [*shapes, (1000, 512), (1000,)]


def _sample(rng: np.random.Generator, batch: int) -> Sample:
    params, grads, velocities = (
        [rng.standard_normal(shape) for shape in _resnet18()] for _ in range(3)
    )
    options = {"lr": 1e-3, "momentum": 0.9, "weight_decay": 1e-4}
    return Sample((params, grads, velocities), options)


OPS = [
    Op(
        ops.sgd_step,
        reference.sgd_step,
        _samples,
        Tolerance(5e-7, 1e-15, "a few roundings, of the coefficients too"),
        Bench(
            (Case("resnet18", 1, _sample),),
            "bytes",
            _work,
            "parameters and velocities read and written, gradients read",
        ),
        in_place=("params", "velocities"),
    ),
]
