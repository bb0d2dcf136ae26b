"""AlexNet's first fully connected layer, in training and for a single image."""

from __future__ import annotations

from typing import Any

from bench.case import Case, normal, op_case

_COUNTS = "2 flops for each sample and weight; the two inputs and the output once"


def cases(quick: bool) -> list[Case]:
    """Forward, and both gradients."""
    features = (1024, 512) if quick else (9216, 4096)
    batches = (32,) if quick else (128, 1)
    makers = (_forward, _input_grad, _weight_grad)
    return [make(batch, *features) for make in makers for batch in batches]


def _options(n: int, k: int, m: int) -> dict[str, Any]:
    return {"flops": 2.0 * n * k * m, "bytes": 4 * (n * k + m * k + n * m), "counts": _COUNTS}


def _label(n: int, k: int, m: int) -> str:
    return f"{k} to {m}, N={n}"


def _forward(n: int, k: int, m: int) -> Case:
    return op_case(
        "linear",
        _label(n, k, m),
        lambda rng: ((normal(rng, n, k), normal(rng, m, k), normal(rng, m)), {}),
        lambda torch, x, w, b: lambda: torch.nn.functional.linear(x, w, b),
        **_options(n, k, m),
    )


def _input_grad(n: int, k: int, m: int) -> Case:
    return op_case(
        "linear_input_grad",
        _label(n, k, m),
        lambda rng: ((normal(rng, n, m), normal(rng, m, k)), {}),
        lambda torch, dy, w: lambda: dy @ w,
        **_options(n, k, m),
    )


def _weight_grad(n: int, k: int, m: int) -> Case:
    return op_case(
        "linear_weight_grad",
        _label(n, k, m),
        lambda rng: ((normal(rng, n, m), normal(rng, n, k)), {}),
        lambda torch, dy, x: lambda: dy.T @ x,
        **_options(n, k, m),
    )
