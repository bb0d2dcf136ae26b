from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from striate import ops, reference

from ._entry import Arguments, Bench, Case, Op, Sample, Tolerance, nbytes
from .optimizer import resnet18

_SHAPES: list[tuple[int, ...]] = [(4, 3, 3, 3), (4,), (0, 5), (), (1,), (67,), (263, 257)]


def _clip_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for max_norm in (1.0, 1e6, 0.0):
        grads: list[Any] = [np.asarray(rng.standard_normal(shape)) for shape in _SHAPES]
        grads[3] = None
        yield Sample((grads, max_norm))
    yield Sample(([np.array([1e30, -3e30]), np.array([2e30])], 1.0))  # float32 squares overflow
    yield Sample(([], 1.0))
    yield Sample(([np.array([1.0, np.nan])], 1.0), {"error_if_nonfinite": False})


def _clip_value_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for clip_value in (1.0, 1e6, 0.0):
        grads: list[Any] = [np.asarray(rng.standard_normal(shape)) for shape in _SHAPES]
        grads[3] = None
        yield Sample((grads, clip_value))
    yield Sample(([np.array([np.nan, np.inf, -np.inf, -0.0])], 0.5))
    yield Sample(([], 1.0))


def _ema_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for decay in (0.999, 0.5, 0.0, 1.0):
        averages, params = (
            [np.asarray(rng.standard_normal(shape)) for shape in _SHAPES] for _ in range(2)
        )
        yield Sample((averages, params), {"decay": decay})
    yield Sample(([], []), {"decay": 0.9})


def _max_norm_samples(rng: np.random.Generator) -> Iterator[Sample]:
    shapes = [*_SHAPES, (3, 0), (2, 40001)]
    for max_norm in (1.0, 4.0, 0.0, 1e6):
        yield Sample(([np.asarray(rng.standard_normal(shape)) for shape in shapes], max_norm))
    yield Sample(([np.array([[1e30, -3e30], [0.5, 0.5]])], 1.0))  # float32 squares overflow
    yield Sample(([], 1.0))


def _clip_sample(rng: np.random.Generator, batch: int) -> Sample:
    return Sample(([rng.standard_normal(shape) for shape in resnet18()], 1.0))


def _ema_sample(rng: np.random.Generator, batch: int) -> Sample:
    averages, params = ([rng.standard_normal(shape) for shape in resnet18()] for _ in range(2))
    return Sample((averages, params), {"decay": 0.999})


def _work_of_params(a: Arguments) -> float:
    return 3 * nbytes(*a["params"])


OPS = [
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
    Op(
        ops.clip_grad_value,
        reference.clip_grad_value,
        _clip_value_samples,
        Tolerance(1e-7, 0, "the bound is rounded to the gradients' dtype"),
        Bench(
            (Case("resnet18", 1, _clip_sample),),
            "bytes",
            lambda a: 2 * nbytes(*a["grads"]),
            "gradients read and written",
        ),
        in_place=("grads",),
    ),
    Op(
        ops.ema_step,
        reference.ema_step,
        _ema_samples,
        Tolerance(2e-7, 5e-16, "a difference, a product and a sum"),
        Bench(
            (Case("resnet18", 1, _ema_sample),),
            "bytes",
            _work_of_params,
            "averages read and written, parameters read",
        ),
        in_place=("averages",),
    ),
    Op(
        ops.max_norm_step,
        reference.max_norm_step,
        _max_norm_samples,
        Tolerance(2e-7, 1e-15, "a sum in double precision, and one product"),
        Bench(
            (Case("resnet18", 1, _clip_sample),),
            "bytes",
            _work_of_params,
            "weights read twice and written",
        ),
        in_place=("params",),
    ),
]
