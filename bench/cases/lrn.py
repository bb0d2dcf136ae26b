"""AlexNet's local response normalisation."""

from __future__ import annotations

from typing import Any

from bench.case import Case, Run, normal, op_case

# A strong alpha: with the usual 1e-4 a wrong sum would go unnoticed.
_OPTIONS = {"alpha": 1.0, "beta": 0.75, "k": 2.0}


def cases(quick: bool) -> list[Case]:
    """Forward and gradient, after AlexNet's first layer."""
    shape = (1 if quick else 16, 96, 55, 55)
    size = shape[0] * 96 * 55 * 55

    def torch_gradient(torch: Any, dy: Any, x: Any) -> Run:
        x.requires_grad_(True)
        y = torch.nn.functional.local_response_norm(x, 5, **_OPTIONS)
        return lambda: torch.autograd.grad(y, x, dy, retain_graph=True)[0]

    label = f"size 5, {shape[0]}x96x55x55"
    return [
        op_case(
            "local_response_norm",
            label,
            lambda rng: ((normal(rng, *shape), 5), _OPTIONS),
            lambda torch, x, n: lambda: torch.nn.functional.local_response_norm(x, n, **_OPTIONS),
            bytes=4 * 2 * size,
            counts="x and y once",
        ),
        op_case(
            "local_response_norm_grad",
            label,
            lambda rng: ((normal(rng, *shape), normal(rng, *shape)), _OPTIONS),
            torch_gradient,
            bytes=4 * 3 * size,
            counts="dy, x and dx once (PyTorch's sums are left over from its forward pass, "
            "which is not timed)",
        ),
    ]
