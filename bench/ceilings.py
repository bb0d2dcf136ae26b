"""What the machine can do at best, measured in the same run."""

from __future__ import annotations

from typing import Any

from .harness import Row


class Ceilings:
    """The rates of fused multiply-adds in registers, and of copies, on striate's threads.

    A row that touches some number of bytes is held against a copy that touches as many, since what
    fits into a cache is faster than memory.
    """

    def __init__(self, quick: bool) -> None:
        from striate import _core

        self._seconds = 0.1 if quick else 0.5
        self._copy_rate = _core.copy_rate
        self.fma = {d: _core.fma_rate(d, self._seconds) for d in ("float32", "float64")}
        self.copy: dict[int, float] = {}

    def copy_rate(self, bytes: float) -> float:
        """GB/s, read and written together, for that many bytes, up to the next power of two."""
        size = 1 << max(12, min(30, (round(bytes) - 1).bit_length()))
        if size not in self.copy:
            self.copy[size] = self._copy_rate(size, self._seconds)
        return self.copy[size]

    def measure(self, row: Row) -> dict[str, Any]:
        """Say what bounds the row, its rate and its share of that ceiling, for striate's time."""
        seconds = row.seconds["striate"]
        arithmetic = row.flops / (self.fma[row.dtype] * 1e9)
        traffic = row.bytes / (self.copy_rate(row.bytes) * 1e9)
        if arithmetic > traffic:
            return {
                "unit": "GFLOP/s",
                "rate": row.flops / seconds * 1e-9,
                "share": arithmetic / seconds,
            }
        return {"unit": "GB/s", "rate": row.bytes / seconds * 1e-9, "share": traffic / seconds}

    def as_json(self) -> dict[str, Any]:
        return {
            "fma_gflops": self.fma,
            "copy_gbytes": {str(size): rate for size, rate in sorted(self.copy.items())},
        }
