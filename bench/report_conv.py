"""The convolutions' table, and means over their classes."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import geometric_mean
from typing import Any

from .report import align, ms, ratio, size, times
from .suites.conv import CLASSES, DIRECTIONS, PACKED


def table(
    rows: Sequence[dict[str, Any]],
    classes: Sequence[str] = CLASSES,
    unit: tuple[float, str] = (1, "GFLOP/s"),
) -> str:
    """Lay out rows of the JSON; a ratio above 1 means that striate is faster than PyTorch.

    `unit` is in GFLOP/s, and its name.
    """
    lines = [(*_HEADER[:6], unit[1], *_HEADER[7:])]
    for row in rows:
        head = row["class"], row["label"], row["direction"]
        tail = row["algorithm"], size(row["workspace_bytes"])
        if row["error"]:
            lines.append((*head, "error", *[""] * 4, *tail))
            continue
        seconds = row["seconds"]
        lines.append(
            (
                *head,
                ms(seconds["striate"]),
                ms(seconds.get("torch")),
                times(ratio(row, "torch")),
                f"{row['rate'] / unit[0]:.{0 if unit[0] == 1 else 1}f}",
                f"{row['share']:.0%}",
                *tail,
            )
        )
    errors = [f"{row['op']} {row['label']}: {row['error']}" for row in rows if row["error"]]
    return "\n".join([align(lines, left=(0, 1, 2, 8)), *errors, *_means(rows, classes)])


_HEADER = (
    "class",
    "shape",
    "direction",
    "striate ms",
    "PyTorch ms",
    "ratio",
    "GFLOP/s",
    "of ceiling",
    "algorithm",
    "workspace",
)


def _means(rows: Sequence[dict[str, Any]], classes: Sequence[str]) -> list[str]:
    """Geometric means of the ratios, and the rows in which PyTorch is faster."""
    ratios = [(row, r) for row in rows if (r := ratio(row, "torch")) is not None]
    if not ratios:
        return []
    lines = [("geometric mean of the ratios", *DIRECTIONS.values(), "all")]
    for kind in (*classes, "all"):
        # Packed weights are another question: they are not among all.
        of_kind = [
            (row, r)
            for row, r in ratios
            if row["class"] == kind or (kind == "all" and row["class"] != PACKED)
        ]
        if not of_kind:
            continue
        cells = []
        for direction in (*DIRECTIONS, None):
            chosen = [r for row, r in of_kind if direction in (row["op"], None)]
            cells.append(times(geometric_mean(chosen)) if chosen else "")
        lines.append((kind, *cells))
    slower = [f"{row['op']} {row['label']} ({times(r)})" for row, r in ratios if r < 1]
    named = f"{len(slower)} of {len(ratios)} rows below 1x: {', '.join(slower)}"
    return ["", align(lines), "", named if slower else "no row below 1x"]
