"""AlexNet's overlapping max pooling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.case import Case, Rng, Run, normal, op_case


def cases(quick: bool) -> list[Case]:
    """Forward, forward with indices, and the gradient, after AlexNet's first layer."""
    shape = (2 if quick else 16, 96, 55, 55)
    planes, size = shape[0] * shape[1], shape[2]
    x_size, y_size = planes * size**2, planes * ((size - 3) // 2 + 1) ** 2
    label = f"3x3/2, {shape[0]}x96x55x55"

    def image(rng: Rng) -> tuple[Sequence[Any], Mapping[str, Any]]:
        return (normal(rng, *shape), 3), {"stride": 2}

    def gradient(rng: Rng) -> tuple[Sequence[Any], Mapping[str, Any]]:
        from striate import reference

        y, indices = reference.max_pool2d_with_indices(normal(rng, *shape), 3, stride=2)
        return (normal(rng, *y.shape), indices, shape), {}

    def torch_gradient(torch: Any, dy: Any, indices: Any, x_shape: Any) -> Run:
        x, indices = torch.zeros(x_shape), indices.long()
        backward = torch.ops.aten.max_pool2d_with_indices_backward
        return lambda: backward(dy, x, [3, 3], [2, 2], [0, 0], [1, 1], False, indices)

    return [
        op_case(
            "max_pool2d",
            label,
            image,
            lambda torch, x, k: lambda: torch.nn.functional.max_pool2d(x, k, 2),
            bytes=4 * (x_size + y_size),
            counts="x and y once",
        ),
        op_case(
            "max_pool2d_with_indices",
            label,
            image,
            lambda torch, x, k: (
                lambda: torch.nn.functional.max_pool2d(x, k, 2, return_indices=True)
            ),
            bytes=4 * (x_size + 2 * y_size),
            counts="x, y and the int32 indices once (PyTorch's are int64)",
        ),
        op_case(
            "max_pool2d_grad",
            label,
            gradient,
            torch_gradient,
            bytes=4 * (x_size + 2 * y_size),
            counts="dy, the int32 indices and dx once (PyTorch's indices are int64)",
        ),
    ]
