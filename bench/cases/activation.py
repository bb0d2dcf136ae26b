"""Elementwise functions."""

from __future__ import annotations

from bench.case import Case, normal, op_case


def cases(quick: bool) -> list[Case]:
    """On the output of AlexNet's first layer."""
    shape = (2 if quick else 16, 96, 55, 55)
    size = shape[0] * 96 * 55 * 55
    label = f"{shape[0]}x96x55x55"
    return [
        op_case(
            "relu",
            label,
            lambda rng: ((normal(rng, *shape),), {}),
            lambda torch, x: lambda: torch.relu(x),
            bytes=4 * 2 * size,
            counts="x and y once",
        ),
        op_case(
            "relu_grad",
            label,
            lambda rng: ((normal(rng, *shape), normal(rng, *shape)), {}),
            lambda torch, dy, y: lambda: torch.ops.aten.threshold_backward(dy, y, 0),
            bytes=4 * 3 * size,
            counts="dy, y and dx once",
        ),
    ]
