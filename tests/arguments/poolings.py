"""Poolings: good calls, and what each must refuse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ._arrays import BadValue, Call, Good, f64, ints


def _windows(rank: int) -> Iterator[tuple[str, Call]]:
    x_shape, y_shape = (2, 3, *(6, 7, 5)[:rank]), (2, 3, *(2, 2, 1)[:rank])

    def x() -> dict[str, Any]:
        return {"x": f64(*x_shape)}

    yield f"max_pool{rank}d", lambda: {**x(), "kernel_size": 3}
    yield f"max_pool{rank}d_with_indices", lambda: {**x(), "kernel_size": 3}
    yield f"avg_pool{rank}d", lambda: {**x(), "kernel_size": 3}
    yield (
        f"avg_pool{rank}d_grad",
        lambda: {"dy": f64(*y_shape), "x_shape": x_shape, "kernel_size": 3},
    )
    yield f"lp_pool{rank}d", lambda: {**x(), "norm_type": 2.0, "kernel_size": 3}
    yield (
        f"lp_pool{rank}d_grad",
        lambda: {
            "dy": f64(*y_shape),
            **x(),
            "norm_type": 2.0,
            "kernel_size": 3,
            "y": f64(*y_shape),
        },
    )
    for kind in ("avg", "max"):
        yield f"adaptive_{kind}_pool{rank}d", lambda: {**x(), "output_size": 4}
    yield f"adaptive_max_pool{rank}d_with_indices", lambda: {**x(), "output_size": 4}
    adaptive_shape = (2, 3, *[4] * rank)
    yield (
        f"adaptive_avg_pool{rank}d_grad",
        lambda: {"dy": f64(*adaptive_shape), "x_shape": x_shape, "output_size": 4},
    )
    for name, shape in (("max", y_shape), ("adaptive_max", adaptive_shape)):
        yield (
            f"{name}_pool{rank}d_grad",
            lambda shape=shape: {  # type: ignore[misc]
                "dy": f64(*shape),
                "indices": np.zeros(shape, np.int64),
                "x_shape": x_shape,
            },
        )


GOOD: Good = {
    **{name: call for rank in (1, 2, 3) for name, call in _windows(rank)},
    "stochastic_pool2d": lambda: {"x": f64(2, 3, 6, 7), "kernel_size": 3, "seed": 1},
    "stochastic_pool2d_grad": lambda: {
        "dy": f64(2, 3, 2, 2),
        "x": f64(2, 3, 6, 7),
        "kernel_size": 3,
        "seed": 1,
    },
}

BAD_VALUES: list[BadValue] = [
    ("max_pool2d", ValueError, ["x must have 4 axes", "(3, 6, 7)"], {"x": f64(3, 6, 7)}),
    ("max_pool2d_grad", ValueError, ["dy must have 4 axes", "(3, 2, 2)"], {"dy": f64(3, 2, 2)}),
    ("max_pool2d_grad", ValueError, ["x_shape must have 4 axes"], {"x_shape": (3, 6, 7)}),
    ("max_pool2d_grad", ValueError, ["indices must have"], {"indices": ints(2, 3, 2, 1)}),
    ("max_pool2d_grad", ValueError, ["N and C"], {"x_shape": (2, 4, 6, 7)}),
    ("max_pool2d", ValueError, ["larger than the padded input", "window=8"], {"kernel_size": 8}),
    ("max_pool2d", ValueError, ["kernel_size must be positive"], {"kernel_size": 0}),
    ("max_pool2d", TypeError, ["ceil_mode must be a bool", "'no'"], {"ceil_mode": "no"}),
    ("max_pool2d_grad", TypeError, ["x_shape must be a sequence of ints"], {"x_shape": 4}),
    ("max_pool2d_grad", TypeError, ["x_shape must be an int"], {"x_shape": (2, 3, 6, 7.0)}),
    *(
        (name, ValueError, ["norm_type must be positive", str(value)], {"norm_type": value})
        for name in ("lp_pool1d", "lp_pool2d", "lp_pool3d_grad")
        for value in (0, -1, np.inf, np.nan)
    ),
    ("lp_pool2d", TypeError, ["norm_type must be a number"], {"norm_type": None}),
    ("lp_pool2d_grad", ValueError, ["y must have shape (2, 3, 2, 2)"], {"y": f64(2, 3, 2, 1)}),
    ("lp_pool2d_grad", ValueError, ["dy must have shape (2, 3, 2, 2)"], {"dy": f64(2, 3, 2, 1)}),
    ("stochastic_pool2d", ValueError, ["seed must be in [0, 2^64)", "-1"], {"seed": -1}),
    ("stochastic_pool2d", TypeError, ["seed must be an int", "0.5"], {"seed": 0.5}),
    ("stochastic_pool2d", ValueError, ["offset must be in [0, 2^62)"], {"offset": 2**62}),
    ("stochastic_pool2d", ValueError, ["larger than the padded input"], {"kernel_size": 7}),
    ("stochastic_pool2d_grad", ValueError, ["dy must have shape"], {"dy": f64(2, 3, 2, 1)}),
    ("adaptive_max_pool2d", ValueError, ["output_size must be positive"], {"output_size": 0}),
    ("adaptive_max_pool2d", ValueError, ["no empty spatial axis"], {"x": f64(2, 3, 0, 7)}),
    (
        "adaptive_max_pool3d",
        ValueError,
        ["output_size must be", "3 entries"],
        {"output_size": (1, 2)},
    ),
    ("adaptive_max_pool1d_grad", ValueError, ["indices", "6"], {"indices": ints(2, 3, 4) + 6}),
    ("max_pool3d_grad", ValueError, ["D * H * W", "210"], {"indices": ints(2, 3, 2, 2, 1) + 210}),
    ("max_pool1d", ValueError, ["x must have 3 axes (N, C, L)"], {"x": f64(3, 6)}),
    ("avg_pool3d", ValueError, ["kernel_size must be an int or have 3"], {"kernel_size": (2, 2)}),
    ("max_pool2d_grad", ValueError, ["indices", "42"], {"indices": ints(2, 3, 2, 2) + 42}),
    ("max_pool2d_grad", ValueError, ["indices", "-2"], {"indices": ints(2, 3, 2, 2) - 2}),
    (
        "max_pool2d_grad",
        ValueError,
        ["indices", "-7"],
        {"indices": np.full((2, 3, 2, 2), -7, np.int32)},
    ),
    ("max_pool2d", ValueError, ["2^59 elements"], {"padding": 2**40}),
    ("max_pool2d_grad", ValueError, ["2^59 elements"], {"x_shape": (2, 3, 2**40, 2**40)}),
    ("max_pool2d_grad", ValueError, ["fit 64 bits"], {"x_shape": (2, 3, 2**70, 1)}),
    ("max_pool2d_grad", ValueError, ["negative axis", "-6"], {"x_shape": (2, 3, -6, 7)}),
]
