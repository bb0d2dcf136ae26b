"""The precision of products, the same on both sides."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import striate
from bench.case import Run

# How far the sides may differ: TF32 rounds each factor to 11 bits, and the sides not alike; sums
# of float32 are in another order.
TOLERANCE = {"fast": 4e-3, "exact": 5e-4}


@contextlib.contextmanager
def precision(torch: Any, name: str) -> Iterator[None]:
    """Let both round float32 to TF32 ("fast"), or neither ("exact"), until the end."""
    backends = torch.backends
    before = striate.get_precision(), backends.cuda.matmul.allow_tf32, backends.cudnn.allow_tf32
    striate.set_precision(name)  # type: ignore[arg-type]
    backends.cuda.matmul.allow_tf32 = backends.cudnn.allow_tf32 = name == "fast"
    try:
        yield
    finally:
        striate.set_precision(before[0])
        backends.cuda.matmul.allow_tf32, backends.cudnn.allow_tf32 = before[1:]


def exactly(torch: Any, run: Run) -> Run:
    """Return `run` without the rounding."""

    def call() -> Any:
        with precision(torch, "exact"):
            return run()

    return call
