"""Dropout."""

from __future__ import annotations

from bench.case import Case, normal, op_case


def cases(quick: bool) -> list[Case]:
    """On the output of AlexNet's first layer."""
    shape = (2 if quick else 16, 96, 55, 55)
    size = shape[0] * 96 * 55 * 55
    return [
        op_case(
            "dropout",
            f"p=0.5, {shape[0]}x96x55x55",
            lambda rng: ((normal(rng, *shape), 0.5), {"seed": 1}),
            lambda torch, x, p: lambda: torch.nn.functional.dropout(x, p),
            bytes=4 * 2 * size,
            counts="x and y once; PyTorch's random stream is its own, so that its result is not "
            "compared",
            same_torch=False,
        )
    ]
