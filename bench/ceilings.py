"""What the machine can do at best, measured in the same run."""

from __future__ import annotations

from typing import Any

from .harness import Row


class Ceilings:
    """The rates of fused multiply-adds in registers, and of copies, on striate's threads.

    A row that touches some number of bytes is held against a copy that touches as many, since what
    fits into a cache is faster than memory. Both are measured again and again between the rows, and
    the best counts, as it does for the rows.
    """

    def __init__(self, quick: bool) -> None:
        self._seconds = 0.02 if quick else 0.2
        self.fma: dict[str, float] = {}
        self.copy: dict[int, float] = {}
        for dtype in ("float32", "float64"):
            self._probe_fma(dtype)

    def probe(self, row: Row) -> None:
        """Measure this row's ceiling."""
        from striate import _core

        if row.unit == "flops":
            self._probe_fma("float32")
        else:
            size = _rounded(row.work)
            self.copy[size] = max(self.copy.get(size, 0.0), _core.copy_rate(size, self._seconds))

    def measure(self, row: Row) -> dict[str, float]:
        """Give the row's rate, in 1e9 a second, and its share of the ceiling; `probe` it before."""
        ceiling = self.fma["float32"] if row.unit == "flops" else self.copy[_rounded(row.work)]
        rate = row.work / row.seconds["striate"] * 1e-9
        return {"rate": rate, "share": rate / ceiling}

    def as_json(self) -> dict[str, Any]:
        return {
            "fma_gflops": self.fma,
            "copy_gbytes": {str(size): rate for size, rate in sorted(self.copy.items())},
        }

    def _probe_fma(self, dtype: str) -> None:
        from striate import _core

        rate = _core.fma_rate(dtype, self._seconds)
        self.fma[dtype] = max(self.fma.get(dtype, 0.0), rate)


def _rounded(bytes: float) -> int:
    """The next power of two, from 64 KiB to 1 GiB."""
    return 1 << max(16, min(30, (round(bytes) - 1).bit_length()))
