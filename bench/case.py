"""What one row of the benchmark runs and counts."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Run = Callable[[], Any]
Rng = np.random.Generator


@dataclass
class Sides:
    """The same work done by `striate`, the `reference` and `torch`; those that exist.

    Each side of `check` is called once before timing, on the same inputs, and all must agree; it is
    `run` itself where it is not given.
    """

    run: Mapping[str, Run]
    check: Mapping[str, Run] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.check = self.check or self.run


@dataclass(frozen=True)
class Case:
    """One row: an operation at one size.

    `flops` and `bytes` are the least that the work takes: multiplications and additions of the
    direct method, and every input read and every output written once. `counts` says so in words.
    """

    op: str
    label: str
    dtype: str
    flops: float
    bytes: float
    counts: str
    sides: Callable[[Any], Sides]  # given the module torch, or None
    tolerance: float  # the largest error over the largest value

    @property
    def name(self) -> str:
        return f"{self.op} {self.label}"


def op_case(
    op: str,
    label: str,
    inputs: Callable[[Rng], tuple[Sequence[Any], Mapping[str, Any]]],
    torch: Callable[..., Run],
    *,
    flops: float = 0.0,
    bytes: float,
    counts: str,
    tolerance: float = 1e-5,
    dtype: str = "float32",
    in_place: bool = False,
    same_torch: bool = True,
) -> Case:
    """Make the row of a function of `striate.ops`.

    Args:
        op: its name, in `striate.ops` and in `striate.reference`.
        label: the size in words.
        inputs: makes the positional and the keyword arguments.
        torch: given the module and the positional arguments as tensors, returns what to time.
        flops: see `Case`; so also bytes, counts, tolerance and dtype.
        bytes: see flops.
        counts: see flops.
        tolerance: see flops.
        dtype: see flops.
        in_place: the operation returns nothing and changes its arguments, which must then agree.
        same_torch: whether PyTorch's result is the same; a random stream is its own.
    """

    def sides(module: Any) -> Sides:
        from striate import ops, reference

        arguments, options = inputs(np.random.default_rng(0))
        run: dict[str, Run] = {}
        for side, functions in (("striate", ops), ("reference", reference)):
            own = copy.deepcopy(arguments) if in_place else arguments
            run[side] = _call(getattr(functions, op), own, options, in_place)
        if module is not None:
            own = copy.deepcopy(arguments) if in_place else arguments
            run["torch"] = torch(module, *(_tensor(module, a) for a in own))
        check = {side: run[side] for side in run if side != "torch" or same_torch}
        return Sides(run, check)

    return Case(op, label, dtype, flops, bytes, counts, sides, tolerance)


def normal(rng: Rng, *shape: int, dtype: str = "float32") -> np.ndarray[Any, Any]:
    """Draw the data that cases run on."""
    return rng.standard_normal(shape, np.float64 if dtype == "float64" else np.float32)


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


def _call(
    function: Callable[..., Any],
    arguments: Sequence[Any],
    options: Mapping[str, Any],
    in_place: bool,
) -> Run:
    def run() -> Any:
        result = function(*arguments, **options)
        return arguments if in_place else result

    return run


def _tensor(torch: Any, value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value)
    if isinstance(value, list):
        return [_tensor(torch, item) for item in value]
    return value


def _arrays(result: Any) -> list[np.ndarray[Any, Any]]:
    if isinstance(result, (list, tuple)):
        return [array for item in result for array in _arrays(item)]
    if hasattr(result, "detach"):
        result = result.detach().numpy()
    return [np.asarray(result)]
