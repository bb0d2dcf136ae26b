"""The check that every gradient passes: its slope along a random direction, in float64."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def assert_gradient(f: Callable[[Array], Array], x: Array, dy: Array, dx: Array) -> None:
    """Asserts that dx is the gradient of sum(dy * f(x))."""
    step = 1e-6
    for seed in range(3):
        direction = np.random.default_rng(seed).standard_normal(x.shape)
        rise = np.sum(dy * (f(x + step * direction) - f(x - step * direction)))
        slope = np.sum(dx * direction)
        np.testing.assert_allclose(rise / (2 * step), slope, rtol=1e-6, atol=1e-8)
    assert dx.shape == x.shape
