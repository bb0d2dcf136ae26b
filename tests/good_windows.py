"""A call that is right for each op with a sliding window, for each number of spatial axes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Call = Callable[[], dict[str, Any]]


def f64(*shape: int) -> Any:
    return np.ones(shape)


def _convolutions(rank: int) -> Iterator[tuple[str, Call]]:
    x_shape, y_shape = (2, 4, *(6, 7, 5)[:rank]), (2, 6, *(4, 5, 3)[:rank])
    w_shape = (6, 4, *(3, 3, 3)[:rank])
    name = f"conv{rank}d"
    yield name, lambda: {"x": f64(*x_shape), "w": f64(*w_shape), "b": f64(6)}
    yield (
        f"{name}_input_grad",
        lambda: {"dy": f64(*y_shape), "w": f64(*w_shape), "x_shape": x_shape, "y": f64(*y_shape)},
    )
    yield (
        f"{name}_weight_grad",
        lambda: {"dy": f64(*y_shape), "x": f64(*x_shape), "w_shape": w_shape, "y": f64(*y_shape)},
    )
    # The other way round: y's pixels become x's.
    name = f"conv_transpose{rank}d"
    yield name, lambda: {"x": f64(*y_shape), "w": f64(*w_shape), "b": f64(4)}
    yield (
        f"{name}_input_grad",
        lambda: {"dy": f64(*x_shape), "w": f64(*w_shape), "x_shape": y_shape},
    )
    yield (
        f"{name}_weight_grad",
        lambda: {"dy": f64(*x_shape), "x": f64(*y_shape), "w_shape": w_shape},
    )


def _poolings(rank: int) -> Iterator[tuple[str, Call]]:
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


GOOD_WINDOWS: dict[str, Call] = {
    name: call
    for rank in (1, 2, 3)
    for calls in (_convolutions(rank), _poolings(rank))
    for name, call in calls
}
