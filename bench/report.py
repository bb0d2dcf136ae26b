"""Results as text and JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .case import Case

FORMAT = 1
_RATES = {"flops": "GFLOP/s", "bytes": "GB/s"}
_HEADER = (
    "case",
    "striate ms",
    "reference ms",
    "ratio",
    "PyTorch ms",
    "ratio",
    "rate",
    "of ceiling",
)


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Lay out rows of the JSON; a ratio above 1 means that striate is faster."""
    lines: list[tuple[str, ...]] = [_HEADER]
    for row in rows:
        seconds = row["seconds"]
        if row["error"]:
            lines.append((name(row), "error", *[""] * 6))
            continue
        lines.append(
            (
                name(row),
                ms(seconds["striate"]),
                ms(seconds.get("reference")),
                times(ratio(row, "reference")),
                ms(seconds.get("torch")),
                times(ratio(row, "torch")),
                f"{row['rate']:.1f} {_RATES[row['unit']]}",
                f"{row['share']:.0%}",
            )
        )
    errors = [f"{name(row)}: {row['error']}" for row in rows if row["error"]]
    return "\n".join([align(lines), *errors])


def summary(machine: dict[str, Any], ceilings: dict[str, Any] | None) -> str:
    """Describe machine and ceilings in a few lines."""
    malloc = " (malloc keeps freed memory)" if machine["keeps_freed_memory"] else ""
    lines = [
        f"{machine['cpu']}, {machine['threads']} threads, {machine['isa']}, {machine['system']}",
        f"striate {machine['striate']}, Python {machine['python']}, NumPy {machine['numpy']}, "
        f"PyTorch {machine['torch'] or 'not installed'}{malloc}",
    ]
    if ceilings is not None:
        fma, copies = ceilings["fma_gflops"], ceilings["copy_gbytes"]
        lines.append(
            f"FMA ceiling: {fma['float32']:.0f} GFLOP/s float32, {fma['float64']:.0f} float64"
        )
        if copies:
            rates = ", ".join(f"{size(int(count))} {rate:.0f}" for count, rate in copies.items())
            lines.append(f"Copies, GB/s by bytes touched: {rates}")
    return "\n".join(lines)


def explain(cases: Sequence[Case]) -> str:
    """Say what every row counts."""
    lines = [("case", "work", "what is counted")]
    for case in cases:
        unit = "Mflop" if case.unit == "flops" else "MB"
        lines.append((case.name, f"{case.sides(None).work * 1e-6:.2f} {unit}", case.counts))
    return align(lines, left=(0, 2))


def compare(a: dict[str, Any], b: dict[str, Any]) -> str:
    """Lay out what changed from run a to run b.

    Machines drift by ten percent and more between runs, and by less in the ratio against PyTorch.
    """
    before = {name(row): row for row in a["rows"]}
    after = {name(row): row for row in b["rows"]}
    lines = [("case", "A ms", "B ms", "A / B", "PyTorch ratio A", "B")]
    notes = []
    for key in before | after:
        if key not in before or key not in after:
            notes.append(f"{key}: only in {'A' if key in before else 'B'}")
            continue
        old, new = before[key], after[key]
        if old["error"] or new["error"]:
            notes.append(f"{key}: error in {'A' if old['error'] else 'B'}")
            continue
        x, y = old["seconds"]["striate"], new["seconds"]["striate"]
        ratios = times(ratio(old, "torch")), times(ratio(new, "torch"))
        lines.append((key, ms(x), ms(y), times(x / y), *ratios))
    for field in ("cpu", "isa", "threads"):
        if a["machine"][field] != b["machine"][field]:
            notes.append(f"{field} differs: {a['machine'][field]} and {b['machine'][field]}")
    return "\n".join([align(lines), *notes])


def write_json(path: Path, report: dict[str, Any]) -> None:
    """Write a report."""
    path.write_text(json.dumps(report, indent=1) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """Read a report.

    Raises:
        ValueError: the file is none.
    """
    try:
        report: dict[str, Any] = json.loads(path.read_text())
        known = report["format"] == FORMAT
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError):
        known = False
    if not known:
        raise ValueError(f"{path} is no report of this benchmark.")
    return report


def name(row: dict[str, Any]) -> str:
    """Name a row."""
    return f"{row['op']} {row['label']}"


def ratio(row: dict[str, Any], side: str) -> float | None:
    """How many times longer `side` takes than striate."""
    seconds = row["seconds"]
    if "striate" not in seconds or side not in seconds:
        return None
    return float(seconds[side] / seconds["striate"])


def ms(seconds: float | None) -> str:
    """Write a time in milliseconds."""
    if seconds is None:
        return ""
    return f"{seconds * 1e3:.3g}" if seconds < 1 else f"{seconds * 1e3:.0f}"


def times(value: float | None) -> str:
    """Write a ratio."""
    return "" if value is None else f"{value:.2f}x" if value < 10 else f"{value:.0f}x"


def size(bytes: int) -> str:
    """Write a number of bytes."""
    return f"{bytes >> 20} MiB" if bytes >> 20 else f"{bytes >> 10} KiB"


def align(lines: Sequence[Sequence[str]], left: Sequence[int] = (0,)) -> str:
    """Lay out columns; those of `left` begin at their left."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i in left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
