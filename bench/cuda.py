"""Every operation that has a CUDA kernel, against PyTorch and the device's copy bandwidth.

usage: python -m bench --device cuda [--quick] [--only REGEX]
       python -m bench.cuda [--factor 8] [--only REGEX]

Both sides compute on the same PyTorch tensors, on one stream, in alternating rounds; what is shown
is the best round. Between calls the second-level cache is overwritten.
"""

from __future__ import annotations

import argparse
import math
import re
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from bench._torch import load
from bench.suites.torch_ops import TORCH
from striate import _backend
from striate._registry import OPS, Op, Sample

_ROUNDS, _CALLS = 7, 5


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--factor", type=int, default=8, help="times the registry's batches")
    parser.add_argument("--only", type=re.compile, default=re.compile(""))
    arguments = parser.parse_args()
    return measure(arguments.only, arguments.factor)


def measure(only: re.Pattern[str], factor: int) -> int:
    """Time all operations whose name matches, at `factor` times the registry's batches."""
    problem = _backend.cuda_problem()
    torch = load()
    if problem is not None or torch is None:
        print(f"skipped: {problem or 'PyTorch is not installed'}")
        return 0
    timer = _Timer(torch)
    copied = timer.copy_bandwidth()
    print(f"{torch.cuda.get_device_name()}, copies at {copied / 1e9:.0f} GB/s, float32")
    print("| operation | ms | PyTorch, ms | ratio | GB/s or GFLOP/s | of the copy |")
    print("|---|---|---|---|---|---|")
    ratios = []
    for op in OPS.values():
        if not hasattr(_backend.cuda_kernels(), op.name) or not only.search(op.name):
            continue
        for case in op.bench.cases:
            sample = case.sample(np.random.default_rng(0), case.batch * factor)
            ours, theirs, work = _time(op, sample.cast(np.float32), timer)
            ratio = theirs / ours if theirs else math.nan
            ratios += [ratio] if theirs else []
            share = f"{work / ours / copied:.0%}" if op.bench.unit == "bytes" else ""
            print(
                f"| {op.name} {case.name} | {ours * 1e3:.3f} | {theirs * 1e3:.3f} | {ratio:.2f} "
                f"| {work / ours / 1e9:.0f} | {share} |",
                flush=True,
            )
    print(f"geometric mean of the ratios: {math.exp(float(np.mean(np.log(ratios)))):.2f}")
    return 0


def _time(op: Op, sample: Sample, timer: _Timer) -> tuple[float, float, float]:
    """Return seconds of striate and of PyTorch (0 where it has none), and the work."""
    torch = timer.torch
    moved = sample.map(lambda a: torch.from_numpy(a).cuda())
    sides = [lambda: op.function(*moved.args, **moved.kwargs)]
    if op.name in TORCH:
        tensors = {k: _tensors(torch, v) for k, v in op.arguments(sample).items()}
        sides.append(TORCH[op.name](torch, tensors))
    best = [math.inf] * len(sides)
    for _ in range(_ROUNDS):
        for i, side in enumerate(sides):
            best[i] = min(best[i], timer.seconds(side))
    return best[0], best[1] if len(best) > 1 else 0.0, op.bench.work(op.arguments(sample))


def _tensors(torch: Any, value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value.copy()).cuda()
    return [_tensors(torch, item) for item in value] if isinstance(value, list) else value


class _Timer:
    def __init__(self, torch: Any) -> None:
        self.torch = torch
        self._cache = torch.empty(256 << 20, dtype=torch.uint8, device="cuda")

    def seconds(self, run: Callable[[], Any]) -> float:
        """The mean of some calls, each with a cold second-level cache."""
        cuda, total = self.torch.cuda, 0.0
        run()
        for _ in range(_CALLS):
            self._cache.zero_()
            start, end = cuda.Event(enable_timing=True), cuda.Event(enable_timing=True)
            start.record()
            run()
            end.record()
            cuda.synchronize()
            total += start.elapsed_time(end) / 1e3
        return total / _CALLS

    def copy_bandwidth(self) -> float:
        """Bytes read and written per second by a copy of 1 GiB."""
        source = self.torch.empty(1 << 28, dtype=self.torch.float32, device="cuda")
        target = self.torch.empty_like(source)
        seconds = min(self.seconds(lambda: target.copy_(source)) for _ in range(_ROUNDS))
        return 2 * source.nbytes / seconds


if __name__ == "__main__":
    sys.exit(main())
