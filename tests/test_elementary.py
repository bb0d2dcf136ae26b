"""exp, log and pow by themselves: the documented errors at the points where they are greatest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from striate import _core

LIMIT = {"exp": 1.02, "log": 0.85, "pow": 1.26}
# Found by tests/cpp/formula_error.cpp, with and without fused multiply-add.
WORST = {
    "exp": [5.19933558, -59.9218788, 70.396904, -81.3947906],
    "log": [0.704676211, 1.41331851, 4.09742053e-39],
    0.75: [1024.99951, 1028.74207],
    -0.75: [2416.63672, 2434.14282],
    3.0: [183.378967, 5.65940285],
    4.0: [49.7822914, 49.8720932],
    float(np.float32(1 / 3)): [1676.67639, 1654.22974],
}


def units(got: Any, exact: Any) -> Any:
    """The error in units in the last place; denormals have those of the smallest normal number."""
    rounded = np.maximum(np.abs(exact).astype(np.float32), np.finfo(np.float32).tiny)
    # The unit of the binade that the exact value lies in, not of the one it is rounded to.
    below = np.nextafter(rounded, np.float32(0))
    unit = np.spacing(np.where(rounded > np.abs(exact), below, rounded))
    return np.abs(got - exact) / np.maximum(unit, np.float32(2.0**-149))


def around(points: list[float]) -> Any:
    """Each point, its neighbours, and all magnitudes."""
    x = np.float32(points)[:, None]
    near = x + np.arange(-2000, 2001, dtype=np.float32) * np.spacing(x)
    return near.ravel()


@pytest.mark.parametrize("key", WORST, ids=str)
def test_errors_are_at_most_the_documented_ones(key: str | float, isa: str) -> None:
    name = key if isinstance(key, str) else "pow"
    x = around(WORST[key])
    wide = np.geomspace(1e-37, 1e37, 100_001).astype(np.float32)
    if name == "exp":
        wide = np.linspace(-87, 88, 100_001, dtype=np.float32)
    x = np.concatenate([x, wide])
    if isinstance(key, str):
        got, exact = getattr(_core, key)(x), getattr(np, key)(x.astype(np.longdouble))
    else:
        exact = np.power(x.astype(np.longdouble), np.longdouble(key))
        x = x[(exact > 1e-37) & (exact < 1e38)]
        got, exact = _core.pow(x, key), np.power(x.astype(np.longdouble), np.longdouble(key))
    assert units(got, exact).max() <= LIMIT[name], isa


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_special_values(dtype: str, isa: str) -> None:
    special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0], dtype)
    with np.errstate(all="ignore"):
        cases: list[tuple[Any, Callable[[Any], Any]]] = [(_core.exp, np.exp), (_core.log, np.log)]
        for got, want in cases:
            np.testing.assert_array_equal(got(special)[:5], want(special)[:5], err_msg=isa)
        for p in (0.75, -0.75, 3.0, 0.0):
            positive = special[[0, 2, 4, 5]]
            want = np.power(positive, np.dtype(dtype).type(p))
            np.testing.assert_array_equal(_core.pow(positive, p), want)
    assert np.isnan(_core.pow(special[6:], 0.75)).all()
    tiny = np.array([-1e3, 1e3], dtype)
    assert _core.exp(tiny).tolist() == [0, np.inf]


@pytest.mark.parametrize("name", ["exp", "log", "pow"])
def test_every_digit_of_float64(name: str, isa: str) -> None:
    x = np.linspace(-700, 700, 50_001) if name == "exp" else np.geomspace(1e-300, 1e300, 50_000)
    wide = x.astype(np.longdouble)
    got = _core.pow(x, 0.75) if name == "pow" else getattr(_core, name)(x)
    exact = np.power(wide, np.longdouble(0.75)) if name == "pow" else getattr(np, name)(wide)
    assert np.max(np.abs(got - exact) / np.abs(exact)) <= 1.5 * 2.0**-53 * 2, isa
