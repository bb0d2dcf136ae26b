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
    {"weight_decay": 0.3, "l1": 0.1, "decoupled": True},
    {"momentum": 0.9, "nesterov": True, "weight_decay": 0.3, "decoupled": True},
    {"momentum": 0.9, "weight_decay": 0.3, "decoupled": True, "convention": "caffe"},
]


def _samples(rng: np.random.Generator) -> Iterator[Sample]:
    for options in _OPTIONS:
        params, grads, velocities = _tensors(rng), _tensors(rng), _tensors(rng)
        params[0].flat[::3] = 0.0  # where sign() is 0
        grads[3] = None
        momentum = "momentum" in options
        sample = Sample((params, grads, velocities if momentum else None), {"lr": 0.3, **options})
        yield sample
    yield _with_the_rest(sample, rng)
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
    for options in _ADAM_OPTIONS:
        params, grads, exp_avgs = _tensors(rng), _tensors(rng), _tensors(rng)
        squares, maxima = ([np.asarray(np.square(a)) for a in _tensors(rng)] for _ in range(2))
        params[0].flat[::3] = 0.0
        grads[3] = None
        states = (exp_avgs, squares, maxima if "amsgrad" in options else None)
        sample = Sample((params, grads, *states), {"lr": 0.3, **options})
        yield sample
    yield _with_the_rest(sample, rng)
    yield Sample(([], [], [], []), {"lr": 0.1, "step": 1})


_ADAGRAD_OPTIONS: list[dict[str, Any]] = [
    {},
    {"eps": 0.1},
    {"eps": 0.1, "convention": "keras"},
    {"weight_decay": 0.3, "l1": 0.2},
    {"weight_decay": 0.3, "l1": 0.2, "decoupled": True},
]


def _adagrad_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for options in _ADAGRAD_OPTIONS:
        params, grads, accumulators = _tensors(rng), _tensors(rng), _positive(rng)
        params[0].flat[::3] = 0.0
        grads[3] = None
        sample = Sample((params, grads, accumulators), {"lr": 0.3, **options})
        yield sample
    yield _with_the_rest(sample, rng)
    yield Sample(([], [], []), {"lr": 0.1})


_RMSPROP_OPTIONS: list[dict[str, Any]] = [
    {},
    {"alpha": 0.5, "eps": 0.1},
    {"alpha": 0.5, "eps": 0.1, "convention": "keras"},
    {"alpha": 0.7, "momentum": 0.9},
    {"alpha": 0.7, "centered": True},
    {"alpha": 0.7, "eps": 0.1, "centered": True, "momentum": 0.6},
    {"alpha": 0.7, "eps": 0.1, "centered": True, "momentum": 0.6, "convention": "keras"},
    {"weight_decay": 0.3, "l1": 0.2, "momentum": 0.9},
    {"weight_decay": 0.3, "l1": 0.2, "decoupled": True, "momentum": 0.9, "convention": "keras"},
]


def _rmsprop_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for options in _RMSPROP_OPTIONS:
        params, grads, mean_grads, velocities = (_tensors(rng) for _ in range(4))
        # A mean square is at least the square of the mean; by how much it is greater, the
        # difference of the two must not hang on their rounding.
        squares = [
            np.asarray(np.square(a) + b) for a, b in zip(mean_grads, _positive(rng), strict=True)
        ]
        params[0].flat[::3] = 0.0
        grads[3] = None
        states = (
            squares,
            mean_grads if "centered" in options else None,
            velocities if "momentum" in options else None,
        )
        sample = Sample((params, grads, *states), {"lr": 0.3, **options})
        yield sample
    yield _with_the_rest(sample, rng)
    yield Sample(([], [], []), {"lr": 0.1})


def _with_the_rest(sample: Sample, rng: np.random.Generator) -> Sample:
    """The same step with clipped gradients and moving averages."""
    keep = [0.0, 0.5, 1.0, 0.9, 0.99, 0.3, 0.7]
    rest = {"clip_norm": 3.0, "grad_norm": 5.0, "clip_value": 0.8, "averages": _tensors(rng)}
    return Sample(sample.args, {**sample.kwargs, **rest, "ema": keep})


def _tensors(rng: np.random.Generator) -> list[Any]:
    return [np.asarray(rng.standard_normal(shape)) for shape in _SHAPES]


def _positive(rng: np.random.Generator) -> list[Any]:
    return [np.asarray(rng.uniform(0.2, 3.0, shape)) for shape in _SHAPES]


def _work(a: Arguments) -> float:
    return 3 * nbytes(*a["params"]) + 2 * nbytes(*(a["velocities"] or ()))


def resnet18() -> list[tuple[int, ...]]:
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
        [rng.standard_normal(shape) for shape in resnet18()] for _ in range(3)
    )
    options = {"lr": 1e-3, "momentum": 0.9, "weight_decay": 1e-4}
    return Sample((params, grads, velocities), options)


def _adam_sample(rng: np.random.Generator, batch: int) -> Sample:
    params, grads, exp_avgs, exp_avg_sqs = (
        [np.abs(rng.standard_normal(shape)) for shape in resnet18()] for _ in range(4)
    )
    return Sample((params, grads, exp_avgs, exp_avg_sqs), {"lr": 1e-3, "step": 100})


def _adagrad_sample(rng: np.random.Generator, batch: int) -> Sample:
    params, grads, accumulators = (
        [np.abs(rng.standard_normal(shape)) for shape in resnet18()] for _ in range(3)
    )
    return Sample((params, grads, accumulators), {"lr": 1e-2})


def _rmsprop_sample(rng: np.random.Generator, batch: int) -> Sample:
    params, grads, squares, velocities = (
        [np.abs(rng.standard_normal(shape)) for shape in resnet18()] for _ in range(4)
    )
    options = {"lr": 1e-3, "alpha": 0.9, "momentum": 0.9}
    return Sample((params, grads, squares, None, velocities), options)


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
        in_place=("params", "velocities", "averages"),
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
        in_place=("params", "exp_avgs", "exp_avg_sqs", "max_exp_avg_sqs", "averages"),
    ),
    Op(
        ops.adagrad_step,
        reference.adagrad_step,
        _adagrad_samples,
        Tolerance(1e-6, 2e-15, "a root, a quotient and a few roundings, of the coefficients too"),
        Bench(
            (Case("resnet18", 1, _adagrad_sample),),
            "bytes",
            lambda a: 5 * nbytes(*a["params"]),
            "parameters and accumulators read and written, gradients read",
        ),
        in_place=("params", "accumulators", "averages"),
    ),
    Op(
        ops.rmsprop_step,
        reference.rmsprop_step,
        _rmsprop_samples,
        Tolerance(5e-6, 1e-14, "a difference of squares, a root and a quotient, each rounded"),
        Bench(
            (Case("resnet18", 1, _rmsprop_sample),),
            "bytes",
            lambda a: 7 * nbytes(*a["params"]),
            "parameters, mean squares and velocities read and written, gradients read",
        ),
        in_place=("params", "mean_squares", "mean_grads", "velocities", "averages"),
    ),
]
