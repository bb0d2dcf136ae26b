from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from striate import ops, reference
from striate._typing import FloatArray

from ._draw import Draw
from ._entry import Arguments, Bench, Case, Op, Sample, Tolerance, nbytes

_TOLERANCE = Tolerance(
    4e-6, 1e-12, "sums in another order, of terms that cancel; a mean of 1e4 is rounded itself"
)

_LAYERS: list[tuple[tuple[int, ...], Any]] = [
    ((7,), 0),
    ((3, 1), -1),
    ((5, 13), -1),
    ((300, 130), -1),
    ((150, 768), 1),
    ((4, 5, 6, 7), (1, 2, 3)),
    ((3, 4, 65, 63), (-3, -2, -1)),  # rows of more than a block
    ((37, 70, 41), (2, 1)),
    ((33, 8193), -1),
    ((3, 5, 4), 1),
    ((2, 96, 21, 23), 1),
    ((6, 7, 8, 9), (1, 2)),
    ((5, 130), 0),
    ((2, 600, 41), 1),  # the least positions of a block
    ((0, 4), -1),
    ((3, 0), -1),
    ((3, 0, 2), 1),
]

_GROUPS: list[tuple[tuple[int, ...], int]] = [
    ((3, 4, 5, 6), 2),
    ((2, 6), 3),
    ((70, 640), 4),
    ((2, 6, 7), 6),
    ((2, 6, 7), 1),
    ((1, 1, 1, 1), 1),
    ((3, 32, 29, 31), 8),
    ((2, 4, 3, 5, 7), 2),
    ((0, 4, 3), 2),
    ((2, 4, 0), 2),
    ((2, 0, 3), 2),
]


def _arrays(rng: np.random.Generator, shape: tuple[int, ...], scales: Any) -> tuple[Any, Any, Any]:
    """x, gamma and beta."""
    x = rng.standard_normal(shape) * 2 + 1
    return x, rng.uniform(-2.0, 2.0, scales), rng.standard_normal(scales)


def _layers(rng: np.random.Generator) -> Iterator[Sample]:
    for i, (shape, axes) in enumerate(_LAYERS):
        along = sorted(range(len(shape))[a] for a in (axes if isinstance(axes, tuple) else [axes]))
        scales = tuple(shape[a] for a in along)
        # A large eps, so that its place under the root matters.
        options = {"axes": axes, "eps": [1e-5, 0.5][i % 2]}
        yield Sample(_arrays(rng, shape, scales), options)
    x, gamma, beta = _arrays(rng, (40, 3, 50), 50)
    yield Sample((x, None, beta))
    yield Sample((x, gamma, None))
    yield Sample((x, None, None), {"axes": 1})
    far = 1e4 + rng.standard_normal((7, 60, 50))
    for axes in (-1, 1, (1, 2)):
        yield Sample((far, None, None), {"axes": axes}, smooth=False)


def _groups(rng: np.random.Generator) -> Iterator[Sample]:
    for i, (shape, groups) in enumerate(_GROUPS):
        x, gamma, beta = _arrays(rng, shape, shape[1])
        yield Sample((x, groups, gamma, beta), {"eps": [1e-5, 0.5][i % 2]})
    x, gamma, beta = _arrays(rng, (9, 6, 70, 35), 6)
    yield Sample((x, 3, None, beta))
    yield Sample((x, 2, gamma, None))
    yield Sample((x + 1e4, 2, None, None), smooth=False)


def _layer_gradients(rng: np.random.Generator) -> Iterator[Sample]:
    for sample in _layers(rng):
        x, gamma, _ = sample.args
        yield Sample((rng.standard_normal(x.shape), x, gamma), sample.kwargs)


def _group_gradients(rng: np.random.Generator) -> Iterator[Sample]:
    for sample in _groups(rng):
        x, groups, gamma, _ = sample.args
        yield Sample((rng.standard_normal(x.shape), x, groups, gamma), sample.kwargs)


def _smooth_layer(draw: Draw) -> Sample:
    shape = draw.shape(2, 4)
    first = draw.integer(0, len(shape) - 1)
    axes = tuple(range(first, draw.integer(first, len(shape) - 1) + 1))
    arrays = _arrays(draw.rng, shape, tuple(shape[axis] for axis in axes))
    return Sample(arrays, {"axes": axes, "eps": draw.option(0.01, 0.5)})


def _smooth_group(draw: Draw) -> Sample:
    groups, in_group = draw.integer(1, 3), draw.integer(1, 3)
    shape = (draw.integer(1, 4), groups * in_group, *draw.shape(0, 3))
    x, gamma, beta = _arrays(draw.rng, shape, shape[1])
    return Sample((x, groups, gamma, beta), {"eps": draw.option(0.01, 0.5)})


def _layer_gradient(a: Arguments, dy: FloatArray, which: int) -> FloatArray:
    return ops.layer_norm_grad(dy, a["x"], a["gamma"], axes=a["axes"], eps=a["eps"])[which]


def _group_gradient(a: Arguments, dy: FloatArray, which: int) -> FloatArray:
    return ops.group_norm_grad(dy, a["x"], a["num_groups"], a["gamma"], eps=a["eps"])[which]


def _case(
    name: str, batch: int, *shape: int, gradient: bool, axes: Any = -1, groups: int = 0
) -> Case:
    def sample(rng: np.random.Generator, batch: int) -> Sample:
        scales = shape[0] if groups or axes == 1 else shape[-1]
        x, gamma, beta = _arrays(rng, (batch, *shape), scales)
        given: tuple[Any, ...] = (x, groups, gamma, beta) if groups else (x, gamma, beta)
        if gradient:
            given = (rng.standard_normal(x.shape), *given[:-1])
        return Sample(given, {} if groups else {"axes": axes})

    return Case(name, batch, sample)


def _layer_bench(gradient: bool) -> tuple[Case, ...]:
    return (
        _case("convnext.head", 256, 768, gradient=gradient),
        _case("vit.b16", 16, 197, 768, gradient=gradient),
    )


def _group_bench(gradient: bool) -> tuple[Case, ...]:
    return (
        _case("resnet50.conv5", 32, 512, 7, 7, gradient=gradient, groups=32),
        _case("resnet50.conv2", 8, 256, 56, 56, gradient=gradient, groups=32),
    )


def _forward_work(a: Arguments) -> float:
    return 2 * nbytes(a["x"])


def _gradient_work(a: Arguments) -> float:
    return 3 * nbytes(a["x"])


OPS = [
    Op(
        ops.layer_norm,
        reference.layer_norm,
        _layers,
        _TOLERANCE,
        Bench(_layer_bench(False), "bytes", _forward_work, "x read and y written"),
        gradient={
            "x": lambda a, dy: _layer_gradient(a, dy, 0),
            "gamma": lambda a, dy: _layer_gradient(a, dy, 1),
            "beta": lambda a, dy: _layer_gradient(a, dy, 2),
        },
        smooth_call=_smooth_layer,
    ),
    Op(
        ops.layer_norm_grad,
        reference.layer_norm_grad,
        _layer_gradients,
        _TOLERANCE,
        Bench(_layer_bench(True), "bytes", _gradient_work, "dy and x read, dx written"),
        gradient_of="layer_norm",
    ),
    Op(
        ops.group_norm,
        reference.group_norm,
        _groups,
        _TOLERANCE,
        Bench(_group_bench(False), "bytes", _forward_work, "x read and y written"),
        gradient={
            "x": lambda a, dy: _group_gradient(a, dy, 0),
            "gamma": lambda a, dy: _group_gradient(a, dy, 1),
            "beta": lambda a, dy: _group_gradient(a, dy, 2),
        },
        smooth_call=_smooth_group,
    ),
    Op(
        ops.group_norm_grad,
        reference.group_norm_grad,
        _group_gradients,
        _TOLERANCE,
        Bench(_group_bench(True), "bytes", _gradient_work, "dy and x read, dx written"),
        gradient_of="group_norm",
    ),
]
