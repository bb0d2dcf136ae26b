from __future__ import annotations

from collections.abc import Callable
from typing import Any

from striate import ops, reference

from ._entry import Op, Tolerance
from .activation import BENCH, BENCH_GRAD, ROUNDED, backward, forward, smooth

_SLOPES = Tolerance(1e-6, 2e-15, "two terms of opposite signs, each within a few last places")
_BENDS: tuple[dict[str, Any], ...] = ({}, {"beta": 3.0, "threshold": 2.0}, {"beta": 0.4})
_APPROXIMATE: tuple[dict[str, Any], ...] = ({}, {"approximate": "tanh"})


def _itself(x: Any, **_: Any) -> Any:
    return x


def _pair(
    name: str,
    gradient: Callable[..., Any],
    *options: dict[str, Any],
    kinks: tuple[float, ...] = (0.0,),
) -> tuple[Op, Op]:
    """An activation and its gradient, which takes the input."""
    function, slope = getattr(ops, name), getattr(ops, f"{name}_grad")
    return (
        Op(
            function,
            getattr(reference, name),
            forward(*options),
            ROUNDED,
            BENCH,
            gradient={"x": gradient},
            smooth_call=smooth(*options, kinks=kinks),
        ),
        Op(
            slope,
            getattr(reference, f"{name}_grad"),
            backward(_itself, *options),
            _SLOPES,
            BENCH_GRAD,
            gradient_of=name,
        ),
    )


OPS = [
    *_pair(
        "softplus",
        lambda a, dy: ops.softplus_grad(dy, a["x"], a["beta"], a["threshold"]),
        *_BENDS,
        kinks=(20.0, 2 / 3, 50.0),  # where beta x passes the threshold
    ),
    *_pair("silu", lambda a, dy: ops.silu_grad(dy, a["x"])),
    *_pair(
        "gelu",
        lambda a, dy: ops.gelu_grad(dy, a["x"], approximate=a["approximate"]),
        *_APPROXIMATE,
    ),
    *_pair("hardswish", lambda a, dy: ops.hardswish_grad(dy, a["x"]), kinks=(-3.0, 3.0)),
]
