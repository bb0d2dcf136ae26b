"""Which algorithm a call runs, and why, without running it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from striate import _backend, _core


@dataclass(frozen=True)
class Explanation:
    """What one call does on this machine under the present settings; `explain` makes it."""

    op: str
    algorithm: str
    why: str
    isa: str  # the instruction set; "CUDA" on a device
    dtype: str
    workspace_bytes: int | None  # that all threads share for the length of the call
    scratch_bytes: int | None  # for each thread, about; None where the plan does not know it
    flops: int | None  # of the sums that define the result, whatever the algorithm does
    bytes: int | None  # that must be moved at the least, for operations bounded by memory

    def __str__(self) -> str:
        lines = [f"{self.op}, {self.dtype}, on {self.isa}: {self.algorithm}", f"  why: {self.why}"]
        for name, value in (
            ("workspace", self.workspace_bytes),
            ("scratch of each thread", self.scratch_bytes),
        ):
            if value is not None:
                lines.append(f"  {name}: {_size(value)}")
        if self.flops is not None:
            lines.append(f"  work: {self.flops / 1e9:.4g} GFLOP")
        if self.bytes is not None:
            lines.append(f"  work: {_size(self.bytes)} moved")
        return "\n".join(lines)


def explain(
    op: str | Callable[..., Any],
    /,
    *args: Any,
    dtype: str = "float32",
    device: str = "cpu",
    **kwargs: Any,
) -> Explanation:
    """Tell which algorithm a call would run, why, and what it takes; nothing is computed.

    The answer holds for the instruction set, `set_precision` and `set_max_workspace` of now. The
    convolutions choose between algorithms, and their arguments are checked as by the call itself;
    every other operation has one algorithm, and only its work is counted.

    Args:
        op: A function of `striate.ops`, or its name.
        args: The call's arguments; for an array its shape will do.
        dtype: "float32" or "float64", of the arrays that are given by their shapes.
        device: "cpu" or "cuda", where all arrays are given by their shapes. Arrays tell it
            themselves. "cuda" asks for a build with CUDA, but for no device.
        kwargs: More of the call's arguments.

    Raises:
        ValueError: there is no such operation, or the call itself would raise.
        TypeError: the arguments are not those of the operation.
        RuntimeError: device is "cuda", and striate was built without it.

    Example:
        >>> import striate
        >>> e = striate.explain("conv2d", (8, 3, 224, 224), (64, 3, 7, 7), stride=2, padding=3)
        >>> e.algorithm
        'polyphase Winograd'
        >>> e.flops
        1888223232
    """
    from striate._registry import OPS

    name = op if isinstance(op, str) else getattr(op, "__name__", repr(op))
    entry = OPS.get(name)
    if entry is None or op not in (name, entry.function):
        raise ValueError(f"explain: op must be one of {', '.join(sorted(OPS))}. Got op={op!r}.")
    if dtype not in ("float32", "float64"):
        raise ValueError(f"explain: dtype must be 'float32' or 'float64'. Got dtype={dtype!r}.")
    if device not in ("cpu", "cuda"):
        raise ValueError(f"explain: device must be 'cpu' or 'cuda'. Got device={device!r}.")
    signature = inspect.signature(entry.function)
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError as error:
        raise TypeError(f"explain: {name}: {error}.") from None
    bound.apply_defaults()
    on_cuda = next(_on_cuda(bound.arguments.values()), None)
    if on_cuda is not None:
        device, dtype = "cuda", str(on_cuda.dtype).removeprefix("torch.")
    if device == "cuda":
        for key, x in bound.arguments.items():
            bound.arguments[key] = _shapes(x)
    planner = _backend.cuda_planner() if device == "cuda" else _core
    isa = "CUDA" if device == "cuda" else _core.isa()
    facts = planner.explain_conv(name, tuple(bound.arguments.values()), dtype)
    if facts is not None:
        flops = round(facts.pop("flops"))
        return Explanation(op=name, isa=isa, flops=flops, bytes=None, **facts)
    arrays: list[str] = []
    for parameter in signature.parameters.values():
        value = bound.arguments[parameter.name]
        bound.arguments[parameter.name] = _stand_in(name, parameter, value, dtype, arrays)
    try:
        work = round(entry.bench.work(bound.arguments))
    except (IndexError, KeyError, AttributeError, TypeError) as error:
        raise ValueError(f"explain: {name}: the arguments do not fit. Got {error}.") from None
    unit = entry.bench.unit
    return Explanation(
        op=name,
        algorithm=f"the kernel of {name}",
        why="there is no other",
        isa=isa,
        dtype=arrays[0] if arrays else dtype,
        workspace_bytes=None,
        scratch_bytes=None,
        flops=work if unit == "flops" else None,
        bytes=work if unit == "bytes" else None,
    )


def _on_cuda(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, (list, tuple)):
            yield from _on_cuda(value)
        elif _backend.device_of(value) == "cuda":
            yield value


def _shapes(value: Any) -> Any:
    """The value with a shape in the place of each array."""
    if isinstance(value, (list, tuple)):
        return type(value)(_shapes(item) for item in value)
    is_array = isinstance(value, np.ndarray) or _backend.device_of(value) == "cuda"
    return tuple(value.shape) if is_array else value


def _stand_in(
    op: str, parameter: inspect.Parameter, value: Any, dtype: str, dtypes: list[str]
) -> Any:
    """An array without memory for each shape that stands for one; their dtypes are collected."""
    kind = str(parameter.annotation)
    if "FloatArray" not in kind and "IntArray" not in kind:
        return value
    wanted = dtype if "FloatArray" in kind else "int64"

    def stand_in(item: Any) -> Any:
        if item is None:
            return None
        if not isinstance(item, np.ndarray):
            try:
                item = np.broadcast_to(np.zeros((), wanted), item)
            except (TypeError, ValueError):
                raise TypeError(
                    f"explain: {op}: {parameter.name} must be an array or a shape. Got {item!r}."
                ) from None
        if wanted == dtype:
            dtypes.append(str(item.dtype))
        return item

    if "Sequence" in kind and value is not None:
        return [stand_in(item) for item in value]
    return stand_in(value)


def _size(count: int) -> str:
    for unit, scale in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if count >= scale:
            return f"{count / scale:.4g} {unit}"
    return f"{count} bytes"
