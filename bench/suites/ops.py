"""Every registered operation, at the sizes that the registry gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bench.case import Case, Run, Sides
from bench.suites.torch_ops import OWN_RANDOM_STREAM, TORCH
from striate import _backend, _registry
from striate._registry import OPS, Op, Sample

# The registry's tolerances are against float64; here every side rounds, and sums are longer.
_SLACK = 10


def cases(quick: bool) -> list[Case]:
    """Return one row for each of the registry's cases; `quick` takes a sixteenth of the batch."""
    return [
        _case(op, case, max(1, case.batch // 16) if quick else case.batch, sides_of, tolerance(op))
        for op in OPS.values()
        for case in op.bench.cases
    ]


def cuda_cases(batches: float, rounding: float) -> list[Case]:
    """Return the same rows on CUDA, with that many times the batch.

    Products agree but for `rounding`, the precision's.
    """
    return [
        _case(
            op,
            case,
            max(1, round(case.batch * batches)),
            cuda_sides,
            max(tolerance(op), rounding) if op.bench.unit == "flops" else tolerance(op),
        )
        for op in OPS.values()
        if hasattr(_backend.cuda_kernels(), op.name)
        for case in op.bench.cases
    ]


def _case(
    op: Op,
    case: _registry.Case,
    batch: int,
    sides_of: Callable[[Op, Sample, Any], Sides],
    tolerance: float,
) -> Case:
    label = case.name if case.batch == 1 else f"{case.name} N={batch}"

    def sides(torch: Any) -> Sides:
        return sides_of(op, case.sample(np.random.default_rng(0), batch), torch)

    return Case(op.name, label, op.bench.unit, op.bench.counts, tolerance, sides)


def tolerance(op: Op) -> float:
    """Give the disagreement that is none."""
    return _SLACK * op.tolerance.float32


def sides_of(op: Op, sample: Sample, torch: Any) -> Sides:
    """Return all sides that can make this call."""
    ours = sample.cast(np.float32)
    theirs = sample.cast(np.float32) if op.in_place else ours
    run = {"striate": _call(op.function, ours), "reference": _call(op.reference, theirs)}
    check: dict[str, Run] = {
        "striate": lambda: op.run(op.function, ours),
        "reference": lambda: op.run(op.reference, theirs),
    }
    if torch is not None and op.name in TORCH:
        arguments = op.arguments(sample.cast(np.float32) if op.in_place else ours)
        tensors = {name: _tensors(torch, value) for name, value in arguments.items()}
        run["torch"] = TORCH[op.name](torch, tensors)
        if op.name not in OWN_RANDOM_STREAM:
            check["torch"] = run["torch"]
    return Sides(run, check, op.bench.work(op.arguments(ours)))


def cuda_sides(op: Op, sample: Sample, torch: Any) -> Sides:
    """Return both sides of a call on CUDA, on tensors of their own of the sample's values.

    Tensors that the sample has already are shared by both.
    """
    given = sample.cast(np.float32)
    ours, theirs = (given.map(lambda a: torch.from_numpy(a).cuda()) for _ in range(2))
    run = {"striate": _call(op.function, ours)}
    check: dict[str, Run] = {"striate": lambda: op.results(op.function, ours)}
    if op.name in TORCH:
        run["torch"] = TORCH[op.name](torch, op.arguments(theirs))
        if op.name not in OWN_RANDOM_STREAM:
            check["torch"] = run["torch"]
    return Sides(run, check, op.bench.work(op.arguments(given)))


def _call(function: Any, sample: Sample) -> Run:
    return lambda: function(*sample.args, **sample.kwargs)


def _tensors(torch: Any, value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value)
    if isinstance(value, list):
        return [_tensors(torch, item) for item in value]
    return value
