"""What one row of the benchmark runs and counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from striate import _backend

Run = Callable[[], Any]


@dataclass(frozen=True)
class Sides:
    """The same work done by `striate`, the `reference` and `torch`; those that exist.

    Each of `check` is called once before timing, on the same inputs, and their results must agree.
    """

    run: Mapping[str, Run]
    check: Mapping[str, Run]
    work: float  # in the case's unit


@dataclass(frozen=True)
class Case:
    """One row: an operation, or more of them, at one size."""

    op: str
    label: str
    unit: str  # "flops" or "bytes": which ceiling bounds it
    counts: str  # what is counted as the least work, in words
    tolerance: float  # the largest error over the largest value
    sides: Callable[[Any], Sides]  # given the module torch, or None
    facts: Mapping[str, Any] = field(default_factory=dict)  # more of its row in the JSON

    @property
    def name(self) -> str:
        return f"{self.op} {self.label}"


def disagreement(results: Mapping[str, Any], tolerance: float) -> str | None:
    """Say which side differs from striate, by the largest error over the largest value."""
    ours = _arrays(results["striate"])
    for side, result in results.items():
        theirs = _arrays(result)
        if [tuple(a.shape) for a in ours] != [tuple(a.shape) for a in theirs]:
            return f"{side} returns other shapes"
        for a, b in zip(ours, theirs, strict=True):
            error = _greatest(_difference(a, b)) / (_greatest(b) or 1.0)
            if not error <= tolerance:
                return f"differs from {side} by {error:.1e} of the maximum (limit {tolerance:.0e})"
    return None


def _arrays(result: Any) -> list[Any]:
    """Flatten a result: tensors on CUDA stay there, everything else is NumPy's."""
    if isinstance(result, (list, tuple)):
        return [array for item in result for array in _arrays(item)]
    if hasattr(result, "detach"):
        result = result.detach()
        return [result if result.is_cuda else result.numpy()]
    return [np.asarray(_backend.move(result, "cpu"))]


def _difference(a: Any, b: Any) -> Any:
    if hasattr(a, "detach") and hasattr(b, "detach"):
        return a - b
    a, b = (x.cpu().numpy() if hasattr(x, "detach") else x for x in (a, b))
    return a.astype(np.float64) - b


def _greatest(array: Any) -> float:
    """The largest magnitude, NaN where there is one."""
    if hasattr(array, "detach"):
        return float(array.abs().max()) if array.numel() else 0.0
    return float(np.abs(array).max(initial=0))
