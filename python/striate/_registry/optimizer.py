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


_ADAM_OPTIONS: list[dict[str, Any]] = [
    {"step": 1},
    {"step": 1000, "betas": (0.8, 0.99), "eps": 1e-3},
    {"step": 3, "betas": (0.0, 0.0)},
    {"step": 2, "weight_decay": 0.3, "l1": 0.2},
    {"step": 2, "weight_decay": 0.3, "decoupled": True},
    {"step": [1, 2, 3, 4, 5, 6, 7], "amsgrad": True},
    {"step": 5, "amsgrad": True, "weight_decay": 0.1, "l1": 0.1, "decoupled": True},
    {"step": 2, "convention": "keras", "eps": 1e-3},
    {"step": 7, "convention": "keras", "amsgrad": True},
]


def _adam_samples(rng: np.random.Generator) -> Iterator[Sample]:
    def tensors() -> list[Any]:
        return [np.asarray(rng.standard_normal(shape)) for shape in _SHAPES]

    for options in _ADAM_OPTIONS:
        params, grads, exp_avgs = tensors(), tensors(), tensors()
        squares, maxima = ([np.asarray(np.square(a)) for a in tensors()] for _ in range(2))
        params[0].flat[::3] = 0.0
        grads[3] = None
        states = (exp_avgs, squares, maxima if "amsgrad" in options else None)
        yield Sample((params, grads, *states), {"lr": 0.3, **options})
    yield Sample(([], [], [], []), {"lr": 0.1, "step": 1})


def _clip_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for max_norm in (1.0, 1e6, 0.0):
        grads: list[Any] = [np.asarray(rng.standard_normal(shape)) for shape in _SHAPES]
        grads[3] = None
        yield Sample((grads, max_norm))
    yield Sample(([np.array([1e30, -3e30]), np.array([2e30])], 1.0))  # float32 squares overflow
    yield Sample(([], 1.0))
    yield Sample(([np.array([1.0, np.nan])], 1.0), {"error_if_nonfinite": False})


def _work(a: Arguments) -> float:
    return 3 * nbytes(*a["params"]) + 2 * nbytes(*(a["velocities"] or ()))


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


def _adam_sample(rng: np.random.Generator, batch: int) -> Sample:
    params, grads, exp_avgs, exp_avg_sqs = (
        [np.abs(rng.standard_normal(shape)) for shape in _resnet18()] for _ in range(4)
    )
    return Sample((params, grads, exp_avgs, exp_avg_sqs), {"lr": 1e-3, "step": 100})


def _clip_sample(rng: np.random.Generator, batch: int) -> Sample:
    return Sample(([rng.standard_normal(shape) for shape in _resnet18()], 1.0))


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
    Op(
        ops.adam_step,
        reference.adam_step,
        _adam_samples,
        Tolerance(2e-6, 2e-15, "a root, a quotient and a few roundings, of the coefficients too"),
        Bench(
            (Case("resnet18", 1, _adam_sample),),
            "bytes",
            lambda a: 7 * nbytes(*a["params"]),
            "parameters and both averages read and written, gradients read",
        ),
        in_place=("params", "exp_avgs", "exp_avg_sqs", "max_exp_avg_sqs"),
    ),
    Op(
        ops.clip_grad_norm,
        reference.clip_grad_norm,
        _clip_samples,
        Tolerance(2e-7, 1e-14, "a sum in double precision, and one product"),
        Bench(
            (Case("resnet18", 1, _clip_sample),),
            "bytes",
            lambda a: 3 * nbytes(*a["grads"]),
            "gradients read twice and written",
        ),
        in_place=("grads",),
    ),
]
