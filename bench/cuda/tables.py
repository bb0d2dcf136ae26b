"""What is timed on CUDA, table by table, and how that is laid out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import geometric_mean
from typing import Any

from bench import report, report_conv
from bench.case import Case
from bench.cuda.device import Clock
from bench.cuda.precision import TOLERANCE
from bench.suites import conv, ops, training

Rows = Sequence[dict[str, Any]]


@dataclass(frozen=True)
class Table:
    """Cases, by what clock they are timed, and in which precision."""

    title: str
    cases: Callable[[bool], list[Case]]  # of `quick`
    layout: Callable[[Rows], str]
    precision: str = "fast"
    clock: Callable[[Any, str], Clock] = lambda torch, _: Clock(torch)  # of PyTorch and a unit
    needs: tuple[str, ...] = ()  # modules


def _convolutions(precision: str) -> Callable[[bool], list[Case]]:
    return lambda quick: conv.cuda_cases(TOLERANCE[precision], batch=8 if quick else 128)


def _conv_layout(rows: Rows) -> str:
    return report_conv.table(rows, conv.NETWORKS, (1e3, "TFLOP/s"))


def _layout(rows: Rows) -> str:
    """Lay out rows of operations or of training steps."""
    lines = [("case", "striate ms", "PyTorch ms", "ratio", "rate", "of ceiling")]
    for row in rows:
        if row["error"]:
            lines.append((report.name(row), "error", *[""] * 4))
            continue
        seconds = row["seconds"]
        flops = row["unit"] == "flops"
        lines.append(
            (
                report.name(row),
                report.ms(seconds["striate"]),
                report.ms(seconds.get("torch")),
                report.times(report.ratio(row, "torch")),
                f"{row['rate'] / 1e3:.1f} TFLOP/s" if flops else f"{row['rate']:.0f} GB/s",
                f"{row['share']:.0%}",
            )
        )
    errors = [f"{report.name(row)}: {row['error']}" for row in rows if row["error"]]
    return "\n".join([report.align(lines), *errors, *_means(rows)])


def _means(rows: Rows) -> list[str]:
    lines = []
    for unit, what in (("bytes", "bound by memory"), ("flops", "products")):
        ratios = [r for row in rows if row["unit"] == unit and (r := report.ratio(row, "torch"))]
        if len(ratios) > 1:
            lines.append(f"{what}: geometric mean of the ratios {geometric_mean(ratios):.2f}x")
    return ["", *lines] if lines else []


TABLES = {
    "operations": Table(
        "Every operation",
        lambda quick: ops.cuda_cases(1 / 16 if quick else 8, TOLERANCE["fast"]),
        _layout,
        clock=lambda torch, unit: Clock(torch, cold=unit == "bytes"),
    ),
    "convolutions": Table(
        "Convolutions, float32 rounded to TF32 on both sides",
        _convolutions("fast"),
        _conv_layout,
    ),
    "exact": Table(
        "Convolutions, float32 as it is on both sides",
        _convolutions("exact"),
        _conv_layout,
        "exact",
    ),
    "training": Table(
        "Training step, float32 rounded to TF32 on both sides, the host's time counting",
        training.cuda_cases,
        _layout,
        clock=lambda torch, _: Clock(torch, with_host=True),
        needs=("cupy",),
    ),
}
