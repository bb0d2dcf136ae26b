"""Every kernel against the NumPy reference, on the user's machine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from striate import _core, ops
from striate._registry import OPS, Array, Op, Sample

_SEED = 2012


def samples(op: Op) -> list[Sample]:
    """The op's samples, the same ones each time."""
    return list(op.samples(np.random.default_rng(_SEED)))


def expected(op: Op, sample: Sample, dtype: npt.DTypeLike) -> list[Array]:
    """What the reference computes in float64 from inputs that were rounded to dtype."""
    return op.run(op.reference, sample.cast(dtype).cast(np.float64))


def error(got: Array, want: Array) -> float:
    """The greatest difference, relative to the greatest finite magnitude of `want`.

    It is infinite where the shapes differ, or one has NaN or infinity and the other has not.
    """
    if got.shape != want.shape:
        return np.inf
    finite = np.isfinite(want)
    if not np.array_equal(got[~finite], want[~finite], equal_nan=want.dtype.kind == "f"):
        return np.inf
    got, want = got[finite].astype(np.float64), want[finite].astype(np.float64)
    if not np.isfinite(got).all():
        return np.inf
    difference = float(np.abs(got - want).max(initial=0))
    return difference / float(np.abs(want).max()) if difference and want.any() else difference


@dataclass
class _Row:
    name: str
    samples: int = 0
    float32: float = np.nan
    float64: float = np.nan
    ok: bool = False
    note: str = ""


def run() -> bool:
    """Checks every op of `striate.ops`, prints a table, and tells whether all is well."""
    width = max(len(name) for name in ops.__all__)
    threads = _core.get_num_threads()
    print(f"striate {_core.build_info()['version']}, {_core.isa()}, {threads} threads")
    print("greatest error, relative to the result's greatest magnitude (tolerance)")
    print(f"{'operation':<{width}} samples {'float32':>19} {'float64':>19}")
    failures = 0
    # An op without an entry would go unchecked, so it counts as a failure.
    for name in sorted({*ops.__all__, *OPS}):
        row = _check(name)
        failures += not row.ok
        limits = OPS[name].tolerance if name in OPS else None
        columns = "".join(
            f" {value:>9.1e} ({limit:.1e})"
            for value, limit in (
                (row.float32, limits.float32 if limits else np.nan),
                (row.float64, limits.float64 if limits else np.nan),
            )
        )
        verdict = "ok" if row.ok else f"MISMATCH {row.note}".rstrip()
        print(f"{name:<{width}} {row.samples:>7}{columns} {verdict}")
    print("all operations agree" if not failures else f"{failures} operations do not agree")
    return not failures


def _check(name: str) -> _Row:
    row = _Row(name)
    if name not in OPS:
        row.note = "(not in the registry)"
        return row
    op = OPS[name]
    drawn = samples(op)
    row.samples = len(drawn)
    try:
        row.float32, row.float64 = (_greatest(op, drawn, t) for t in (np.float32, np.float64))
    except Exception as exception:  # whatever it is, it belongs into the table
        row.note = f"({type(exception).__name__}: {exception})"
        return row
    row.ok = (
        bool(drawn) and row.float32 <= op.tolerance.float32 and row.float64 <= op.tolerance.float64
    )
    return row


def _greatest(op: Op, drawn: list[Sample], dtype: npt.DTypeLike) -> float:
    greatest = 0.0
    for sample in drawn:
        gots = op.run(op.function, sample.cast(dtype))
        for got, want in zip(gots, expected(op, sample, dtype), strict=True):
            # A Python float, such as a mean loss, has no dtype of its own.
            wrong_dtype = got.ndim > 0 and got.dtype.kind == "f" and got.dtype != dtype
            greatest = max(greatest, np.inf if wrong_dtype else error(got, want))
    return greatest
