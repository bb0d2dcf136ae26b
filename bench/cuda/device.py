"""The device's clock and its ceilings."""

from __future__ import annotations

import math
import time
from typing import Any

from bench.case import Run
from bench.harness import Row

_ROUND = {True: 1e-3, False: 5e-3}  # seconds of calls in a round
_MOST_CALLS = 50  # far fewer launches than a stream's queue holds
_FLUSH = 256 << 20  # bytes: more than any second-level cache
_TRIES = 5


class Clock:
    """Times calls on the device between events; the host waits only when all are under way.

    Before that the device is kept busy, so that it does not wait for the host in between: what is
    timed is the device's work. `cold` calls have an event around each, and find none of their data
    in the caches; others follow each other. With `with_host` the device is not kept busy, and the
    host's time counts where it is the longer one.
    """

    def __init__(self, torch: Any, *, cold: bool = False, with_host: bool = False) -> None:
        self._torch, self._cold, self._with_host = torch, cold, with_host
        self._cache = torch.empty(_FLUSH, dtype=torch.uint8, device="cuda")
        self._flush_seconds = 0.0
        for _ in range(2):  # the first call is slower
            self._flush_seconds = self._between(self._cache.zero_, 1)

    def __call__(self, run: Run, quick: bool) -> float:
        """Return the seconds of a call, after one to warm up."""
        run()
        self._torch.cuda.synchronize()
        start = time.perf_counter()
        run()
        issued = time.perf_counter() - start  # the host's share
        self._torch.cuda.synchronize()
        taken = time.perf_counter() - start
        calls = max(1, min(_MOST_CALLS, math.ceil(_ROUND[quick] / taken)))
        if self._cold:
            return self._each(run, calls, issued)
        if not self._with_host:
            self._keep_busy(calls * issued)
        return self._between(run, calls)

    def _between(self, run: Run, calls: int) -> float:
        start, end = self._event(), self._event()
        start.record()
        for _ in range(calls):
            run()
        end.record()
        self._torch.cuda.synchronize()
        return float(start.elapsed_time(end)) / 1e3 / calls

    def _each(self, run: Run, calls: int, issued: float) -> float:
        events = [(self._event(), self._event()) for _ in range(calls)]
        for start, end in events:
            self._keep_busy(issued)
            start.record()
            run()
            end.record()
        self._torch.cuda.synchronize()
        return sum(float(start.elapsed_time(end)) for start, end in events) / 1e3 / calls

    def _keep_busy(self, seconds: float) -> None:
        """Write the cache over, for twice as long as the host needs."""
        flushes = 2 * seconds / self._flush_seconds if self._flush_seconds > 0 else 1
        for _ in range(max(1, min(1000, math.ceil(flushes)))):
            self._cache.zero_()

    def _event(self) -> Any:
        return self._torch.cuda.Event(enable_timing=True)


class Ceilings:
    """A copy of 1 GiB, and a product of large matrices by PyTorch, in either precision."""

    def __init__(self, torch: Any, quick: bool) -> None:
        self._torch, self._quick = torch, quick
        self._clock = Clock(torch)
        self.copy = self._best(self._copy())
        self.product: dict[str, float] = {}

    def probe(self, precision: str) -> None:
        """Measure the products' ceiling; this precision must be set."""
        edge = 64 if self._quick else 8192
        a, b = (self._torch.randn((edge, edge), device="cuda") for _ in range(2))
        self.product[precision] = self._best((2.0 * edge**3, lambda: self._torch.mm(a, b)))

    def measure(self, row: Row, precision: str) -> dict[str, float]:
        """Give the row's rate, in 1e9 a second, and its share of the ceiling."""
        ceiling = self.product[precision] if row.unit == "flops" else self.copy
        rate = row.work / row.seconds["striate"] * 1e-9
        return {"rate": rate, "share": rate / ceiling}

    def as_json(self) -> dict[str, Any]:
        return {"copy_gbytes": self.copy, "product_gflops": self.product}

    def _copy(self) -> tuple[float, Run]:
        torch, count = self._torch, (1 << 12) if self._quick else (1 << 28)
        source = torch.empty(count, dtype=torch.float32, device="cuda")
        target = torch.empty_like(source)
        return 8.0 * count, lambda: target.copy_(source)

    def _best(self, work_and_run: tuple[float, Run]) -> float:
        work, run = work_and_run
        return work / min(self._clock(run, self._quick) for _ in range(_TRIES)) * 1e-9


def describe(torch: Any) -> dict[str, Any]:
    """Name the device, and what computes on it."""
    cuda = torch.cuda
    major, minor = cuda.get_device_capability()
    return {
        "device": cuda.get_device_name(),
        "compute_capability": f"{major}.{minor}",
        "torch_cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
    }
