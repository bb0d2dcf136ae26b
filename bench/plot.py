"""Results as bars."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
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


@dataclass
class _Chart:
    """Lines of bars, a panel for each kind of ratio, and where a group of lines begins."""

    lines: list[str]
    panels: dict[str, list[float | None]]
    groups: dict[str, int] = field(default_factory=dict)


def draw(path: Path, rows: Sequence[dict[str, Any]], title: str) -> None:
    """Draw how many times faster striate is: than each other side, or in each direction."""
    from matplotlib.figure import Figure
    from PIL import Image

    rows = [row for row in rows if not row["error"]]
    chart = _by_direction(rows) if "direction" in rows[0] else _by_side(rows)
    size = (4.2 + 3.6 * len(chart.panels), 1.6 + 0.21 * len(chart.lines))
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(1, len(chart.panels), sharey=True, squeeze=False)[0]
    for ax, (label, ratios) in zip(axes, chart.panels.items(), strict=True):
        _bars(ax, ratios)
        ax.set_xlabel(label)
        for first in chart.groups.values():
            ax.axhline(first - 0.5, color="#bbbbbb", linewidth=0.6)
    ends = [*list(chart.groups.values())[1:], len(chart.lines)]
    for (group, first), end in zip(chart.groups.items(), ends, strict=False):
        axes[-1].annotate(
            group,
            (1.01, (first + end - 1) / 2),
            xycoords=("axes fraction", "data"),
            rotation=0 if end - first < 4 else 270,
            va="center",
            fontsize=8,
        )
    axes[0].set_yticks(range(len(chart.lines)), chart.lines, fontsize=8)
    axes[0].set_ylim(len(chart.lines) - 0.4, -0.6)
    figure.suptitle(title, fontsize=10)
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=90)
    # A palette makes a fifth of the size; this method keeps rare colours apart.
    small = Image.open(drawn).convert("RGB").quantize(32, Image.Quantize.FASTOCTREE)
    small.save(path, optimize=True)


def _by_side(rows: Sequence[dict[str, Any]]) -> _Chart:
    panels = {
        f"times faster than {name}": [report.ratio(row, side) for row in rows]
        for side, name in _SIDES.items()
        if any(side in row["seconds"] for row in rows)
    }
    return _Chart([report.name(row) for row in rows], panels)


def _by_direction(rows: Sequence[dict[str, Any]]) -> _Chart:
    """A line for each layer, beside PyTorch."""
    ratios: dict[tuple[str, str], dict[str, float | None]] = {}
    for row in rows:
        layer = ratios.setdefault((row["class"], row["label"]), {})
        layer[row["direction"]] = report.ratio(row, "torch")
    directions = list(dict.fromkeys(row["direction"] for row in rows))
    groups: dict[str, int] = {}
    for i, (group, _) in enumerate(ratios):
        groups.setdefault(group, i)
    panels = {
        f"{direction}: times faster than PyTorch": [
            layer.get(direction) for layer in ratios.values()
        ]
        for direction in directions
    }
    return _Chart([label for _, label in ratios], panels, groups)


def _bars(ax: Any, ratios: Sequence[float | None]) -> None:
    from matplotlib.ticker import FuncFormatter, NullFormatter

    shown = [(i, r) for i, r in enumerate(ratios) if r is not None]
    if not shown:
        return
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
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", color="#dddddd", linewidth=0.6)
    ax.set_axisbelow(True)
