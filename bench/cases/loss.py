"""Losses with their gradients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bench.case import Case, Rng, Run, normal, op_case


def cases(quick: bool) -> list[Case]:
    """Cross-entropy over ImageNet's thousand classes."""
    n, classes = (256 if quick else 8192), 1000

    def inputs(rng: Rng) -> tuple[Sequence[Any], Mapping[str, Any]]:
        return (normal(rng, n, classes), rng.integers(0, classes, n, np.int64)), {}

    def torch_side(torch: Any, logits: Any, labels: Any) -> Run:
        logits.requires_grad_(True)

        def run() -> Any:
            loss = torch.nn.functional.cross_entropy(logits, labels)
            return loss, torch.autograd.grad(loss, logits)[0]

        return run

    return [
        op_case(
            "softmax_cross_entropy",
            f"{n}x{classes}",
            inputs,
            torch_side,
            bytes=4 * 2 * n * classes + 8 * n,
            counts="logits, labels and dlogits once",
        )
    ]
