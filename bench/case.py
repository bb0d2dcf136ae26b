"""What one row of the benchmark runs and counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

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
        if [a.shape for a in ours] != [a.shape for a in theirs]:
            return f"{side} returns other shapes"
        for a, b in zip(ours, theirs, strict=True):
            scale = float(np.abs(b).max(initial=0)) or 1.0
            error = float(np.abs(a.astype(np.float64) - b).max(initial=0)) / scale
            if not error <= tolerance:
                return f"differs from {side} by {error:.1e} of the maximum (limit {tolerance:.0e})"
    return None


def _arrays(result: Any) -> list[np.ndarray[Any, Any]]:
    if isinstance(result, (list, tuple)):
        return [array for item in result for array in _arrays(item)]
    if hasattr(result, "detach"):
        result = result.detach().numpy()
    return [np.asarray(result)]
