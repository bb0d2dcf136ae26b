"""Optimizer steps over all of AlexNet's parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from bench.case import Case, Rng, Run, normal, op_case

_ALEXNET = (
    (96, 3, 11, 11),
    (256, 48, 5, 5),
    (384, 256, 3, 3),
    (384, 192, 3, 3),
    (256, 192, 3, 3),
    (4096, 9216),
    (4096, 4096),
    (1000, 4096),
)
_OPTIONS = {"lr": 0.01, "momentum": 0.9, "weight_decay": 5e-4}


def cases(quick: bool) -> list[Case]:
    """Momentum and L2; `quick` leaves out the three large matrices."""
    shapes = [s for w in (_ALEXNET[:5] if quick else _ALEXNET) for s in (w, w[:1])]
    size = sum(math.prod(shape) for shape in shapes)

    def inputs(rng: Rng) -> tuple[Sequence[Any], Mapping[str, Any]]:
        lists = ([normal(rng, *shape) for shape in shapes] for _ in range(3))
        return tuple(lists), _OPTIONS

    def torch_side(torch: Any, params: Any, grads: Any, velocities: Any) -> Run:
        def run() -> Any:
            torch._fused_sgd_(
                params,
                grads,
                velocities,
                weight_decay=_OPTIONS["weight_decay"],
                momentum=_OPTIONS["momentum"],
                lr=_OPTIONS["lr"],
                dampening=0.0,
                nesterov=False,
                maximize=False,
                is_first_step=False,
            )
            return params, grads, velocities

        return run

    return [
        op_case(
            "sgd_step",
            f"AlexNet's {size / 1e6:.0f} M parameters",
            inputs,
            torch_side,
            bytes=4 * 5 * size,
            counts="parameters, gradients and velocities read once, parameters and velocities "
            "written once",
            in_place=True,
        )
    ]
