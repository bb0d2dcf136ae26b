"""Every gradient is the slope of its function, by directional finite differences in float64."""

from __future__ import annotations

import inspect
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from striate import _verify
from striate._registry import OPS, Array, Draw, Op, Sample

WITH_GRADIENT = [name for name, op in OPS.items() if op.gradient]
LIMIT = 1e-6


def parts_of(value: Any) -> list[Array]:
    """The array that an argument is, or those that it is a list of."""
    return list(value) if isinstance(value, (list, tuple)) else [value]


def replaced(op: Op, sample: Sample, name: str, value: Any) -> Sample:
    bound = inspect.signature(op.function).bind(*sample.args, **sample.kwargs)
    bound.arguments[name] = value
    return Sample(bound.args, dict(bound.kwargs))


def can_differ(op: Op, sample: Sample, wrt: str) -> bool:
    value = op.arguments(sample)[wrt]
    return value is not None and any(part.size for part in parts_of(value))


def slope_error(
    op: Op, sample: Sample, wrt: str, rng: np.random.Generator, steps: tuple[float, ...]
) -> float:
    """How far the gradient is from the slope along a random direction, at the best step.

    It is relative to the slope and to what sum(dy * y) has for a slope.
    """
    arguments = op.arguments(sample.cast(np.float64))
    value = arguments[wrt]
    parts = parts_of(value)
    directions = [np.asarray(rng.standard_normal(part.shape)) for part in parts]

    def moved(step: float) -> Array:
        to = [np.asarray(p + step * d) for p, d in zip(parts, directions, strict=True)]
        call = replaced(op, sample, wrt, to if isinstance(value, list) else to[0])
        return op.run(op.function, call)[0]

    dy = np.asarray(rng.standard_normal(moved(0.0).shape))
    assert op.gradient is not None
    gradients = parts_of(op.gradient[wrt](arguments, dy))
    assert [g.shape for g in gradients] == [part.shape for part in parts]
    slope = sum(np.sum(g * d) for g, d in zip(gradients, directions, strict=True))
    errors = []
    for step in steps:
        rise = moved(step) - moved(-step)
        errors.append(abs(np.sum(dy * rise) / (2 * step) - slope))
    return float(min(errors) / (math.sqrt(max(1, dy.size)) + abs(slope)))


@pytest.mark.parametrize(
    ("name", "wrt"), [(name, wrt) for name in WITH_GRADIENT for wrt in OPS[name].gradient or ()]
)
def test_of_the_samples(name: str, wrt: str, isa: str) -> None:
    op, checked = OPS[name], 0
    rng = np.random.default_rng(7)
    for sample in _verify.samples(op):
        if not sample.smooth or not can_differ(op, sample, wrt):
            continue
        # A kink of ReLU or of a maximum may by chance lie within a step; not within both.
        error = slope_error(op, sample, wrt, rng, (1e-6, 1e-7))
        assert error <= LIMIT, f"{isa} {[a.shape for a in parts_of(op.arguments(sample)[wrt])]}"
        checked += 1
    assert checked


class Drawn(Draw):
    """Hypothesis chooses the shapes and options, and prints them where the test fails."""

    def __init__(self, data: st.DataObject) -> None:
        super().__init__(np.random.default_rng(data.draw(st.integers(0, 2**16))))
        self._data = data

    def integer(self, low: int, high: int) -> int:
        return self._data.draw(st.integers(low, high))


@pytest.mark.parametrize("name", WITH_GRADIENT)
@settings(deadline=None, derandomize=True, max_examples=30)
@given(data=st.data())
def test_of_any_shape(name: str, data: st.DataObject) -> None:
    op = OPS[name]
    assert op.smooth_call is not None
    draw = Drawn(data)
    sample = op.smooth_call(draw)
    for wrt in op.gradient or ():
        if can_differ(op, sample, wrt):
            assert slope_error(op, sample, wrt, draw.rng, (1e-6,)) <= LIMIT, wrt
