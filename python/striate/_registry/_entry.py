"""What the registry knows of one operation."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from striate._typing import FloatArray

from ._draw import Draw

Array: TypeAlias = npt.NDArray[Any]
# A call's arguments by name, defaults included.
Arguments: TypeAlias = Mapping[str, Any]
# The gradient of sum(dy * function(**arguments)) with respect to one argument; a tuple where that
# is a list of arrays.
Gradient: TypeAlias = Callable[[Arguments, FloatArray], FloatArray | tuple[FloatArray, ...]]


@dataclass(frozen=True)
class Sample:
    """The arguments of one call, drawn in float64."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)
    # Whether finite differences mean something here: no kink, NaN or infinity.
    smooth: bool = True

    def cast(self, dtype: npt.DTypeLike) -> Sample:
        """The same call on fresh arrays, those of floats in this dtype."""
        return self.map(lambda a: a.astype(dtype) if a.dtype.kind == "f" else a.copy())

    def map(self, change: Callable[[Array], Array]) -> Sample:
        """The same call with every array changed, those in lists too."""
        kwargs = {name: _map(value, change) for name, value in self.kwargs.items()}
        return Sample(tuple(_map(value, change) for value in self.args), kwargs, self.smooth)


@dataclass(frozen=True)
class Tolerance:
    """The greatest error, relative to the result's greatest magnitude."""

    float32: float
    float64: float
    reason: str

    def of(self, dtype: npt.DTypeLike) -> float:
        return self.float32 if np.dtype(dtype) == np.float32 else self.float64


EXACT = Tolerance(0, 0, "nothing is rounded")


@dataclass(frozen=True)
class Case:
    """A call with the shapes of a layer of a real network."""

    name: str
    batch: int
    sample: Callable[[np.random.Generator, int], Sample]  # of (rng, batch)


@dataclass(frozen=True)
class Bench:
    """What to measure, and how much work it is at the least."""

    cases: tuple[Case, ...]
    unit: str  # "flops" or "bytes": which ceiling bounds the operation
    work: Callable[[Arguments], float]  # the number of these in one call
    counts: str  # what `work` counts, in words


@dataclass(frozen=True)
class Op:
    """One operation of `striate.ops`; its entry is what tests, `verify` and the benchmark read."""

    function: Callable[..., Any]
    reference: Callable[..., Any]
    samples: Callable[[np.random.Generator], Iterable[Sample]]
    tolerance: Tolerance
    bench: Bench
    # How the gradient by each array argument is had; None where `gradient_of` or `in_place` is set.
    gradient: Mapping[str, Gradient] | None = None
    # A call of any shape where the function is smooth; every op with a `gradient` has it.
    smooth_call: Callable[[Draw], Sample] | None = None
    gradient_of: str | None = None  # the forward operation
    in_place: tuple[str, ...] = ()  # the arguments that are written to

    @property
    def name(self) -> str:
        return self.function.__name__

    def arguments(self, sample: Sample) -> dict[str, Any]:
        """The sample's arguments by name, defaults included."""
        bound = inspect.signature(self.function).bind(*sample.args, **sample.kwargs)
        bound.apply_defaults()
        return bound.arguments

    def run(self, function: Callable[..., Any], sample: Sample) -> list[Array]:
        """Calls `function` (this one, or its reference) and returns all that it computes.

        What works in place changes the sample's arrays.
        """
        return [np.asarray(a) for a in self.results(function, sample)]

    def results(self, function: Callable[..., Any], sample: Sample) -> list[Any]:
        """The same where the arrays are of any library; numbers stay numbers."""
        result = function(*sample.args, **sample.kwargs)
        arguments = self.arguments(sample)
        lists = [arguments[name] or () for name in self.in_place]
        written = [a for arrays in lists for a in arrays if a is not None]
        returned = () if result is None else result if isinstance(result, tuple) else (result,)
        return [*written, *returned]


def _map(value: Any, change: Callable[[Array], Array]) -> Any:
    if isinstance(value, np.ndarray):
        return change(value)
    if isinstance(value, list):
        return [_map(item, change) for item in value]
    return value


def nbytes(*arrays: Array | None) -> float:
    """The bytes of these arrays, each touched once."""
    return float(sum(a.nbytes for a in arrays if a is not None))
