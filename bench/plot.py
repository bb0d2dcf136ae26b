"""Results as bars."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import report

_FASTER, _SLOWER = "#2a6f97", "#c8553d"
_SIDES = {"torch": "PyTorch", "reference": "the NumPy reference"}


def available() -> bool:
    """Tell whether matplotlib is there."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        return False
    return True


def draw(path: Path, rows: Sequence[dict[str, Any]], title: str) -> None:
    """Draw how many times faster striate is than each other side that was measured."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, NullFormatter
    from PIL import Image

    rows = [row for row in rows if not row["error"]]
    sides = [side for side in _SIDES if any(side in row["seconds"] for row in rows)]
    figure = Figure(figsize=(4.2 + 3.6 * len(sides), 1.6 + 0.21 * len(rows)), layout="constrained")
    axes = figure.subplots(1, len(sides), sharey=True, squeeze=False)[0]
    for ax, side in zip(axes, sides, strict=True):
        ratios = [report.ratio(row, side) for row in rows]
        shown = [(i, r) for i, r in enumerate(ratios) if r is not None]
        # Bars start at 1, where both are as fast.
        ax.barh(
            [i for i, _ in shown],
            [r - 1 for _, r in shown],
            left=1,
            color=[_FASTER if r >= 1 else _SLOWER for _, r in shown],
            height=0.7,
        )
        ax.set_xscale("log")
        low, high = min(r for _, r in shown), max(r for _, r in shown)
        ax.set_xlim(min(0.5, low / 1.5), max(2.0, high * 2))
        for i, r in shown:
            text = f"{r:.2f}" if r < 10 else f"{r:.0f}"
            ax.annotate(
                text,
                (max(r, 1), i),
                xytext=(3, 0),
                textcoords="offset points",
                va="center",
                fontsize=7,
            )
        ax.axvline(1, color="black", linewidth=0.8)
        ax.set_xlabel(f"times faster than {_SIDES[side]}")
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.spines[["top", "right", "left"]].set_visible(False)
        ax.tick_params(axis="y", length=0)
        ax.grid(axis="x", color="#dddddd", linewidth=0.6)
        ax.set_axisbelow(True)
    axes[0].set_yticks(range(len(rows)), [report.name(row) for row in rows], fontsize=8)
    axes[0].set_ylim(len(rows) - 0.4, -0.6)
    figure.suptitle(title, fontsize=10)
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=90)
    # A palette makes a fifth of the size; this method keeps rare colours apart.
    small = Image.open(drawn).convert("RGB").quantize(32, Image.Quantize.FASTOCTREE)
    small.save(path, optimize=True)
