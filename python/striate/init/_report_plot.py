"""The picture of an InitReport."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ._report import InitReport

COLORS = {
    "healthy": "#2e8b57",
    "vanishing": "#3b6fb6",
    "exploding": "#c1272d",
    "dead": "#222222",
    "saturated": "#e08214",
}
_EMPTY = 0.4  # decades left free around what is drawn


def plot(report: InitReport, path: str | os.PathLike[str], title: str) -> None:
    """Draw two heat maps, values and gradients, with one column per layer, and the verdicts."""
    try:
        from matplotlib.figure import Figure
        from matplotlib.patches import Patch
    except ImportError as error:
        raise ImportError(
            "report.plot: matplotlib must be installed. Try: pip install 'striate[train]'"
        ) from error
    from striate.train._curves import save_figure

    layers = report.layers
    width = min(4.0 + 0.28 * len(layers), 16.0)
    figure = Figure(figsize=(width, 6.4), layout="constrained")
    upper, lower, strip = figure.subplots(3, 1, sharex=True, height_ratios=(10, 10, 1))
    _heat_map(upper, np.array([layer.values for layer in layers]), "Blues")
    upper.set_ylabel("outputs, |y|")
    _heat_map(lower, np.array([layer.gradients for layer in layers]), "Oranges")
    lower.set_ylabel("gradients, |dL/dy|")
    for axes, name in ((upper, "std"), (lower, "grad_std")):
        values = np.array([getattr(layer, name) for layer in layers], float)
        known = np.isfinite(values) & (values > 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.where(known, np.log10(np.where(known, values, 1)), np.nan)
        label = "standard deviation" if name == "std" else "root mean square"
        axes.plot(range(len(layers)), logs, "o-", color="black", ms=3, lw=1, label=label)
        axes.legend(loc="best", fontsize=8, framealpha=0.8)
    for i, layer in enumerate(layers):
        strip.axvspan(i - 0.5, i + 0.5, color=COLORS[layer.verdict], lw=0)
    strip.set(yticks=[], xlim=(-0.5, len(layers) - 0.5))
    every = -(-len(layers) // 40)
    strip.set_xticks(
        range(0, len(layers), every),
        [f"{layer.path} {layer.layer}" for layer in layers[::every]],
        rotation=90,
        fontsize=7,
    )
    present = [name for name in COLORS if any(layer.verdict == name for layer in layers)]
    figure.legend(
        handles=[Patch(color=COLORS[name], label=name) for name in present],
        loc="outside lower center",
        ncols=len(present),
        fontsize=8,
        frameon=False,
    )
    figure.suptitle(title or "magnitudes by depth", fontsize=11)
    save_figure(path, figure)


def _heat_map(axes: Any, counts: Any, color: str) -> None:
    from ._report import DECADES

    # Each layer's fullest bin is dark, so that a narrow distribution does not pale the others.
    shares = counts / np.maximum(counts.max(1, keepdims=True), 1)
    used = np.flatnonzero((shares > 5e-3).any(0))
    low, high = (used[0], used[-1] + 1) if len(used) else (0, len(DECADES) - 1)
    edges = np.arange(len(counts) + 1) - 0.5
    axes.pcolormesh(edges, DECADES, shares.T, cmap=color, vmin=0, vmax=1)
    axes.set_ylim(DECADES[low] - _EMPTY, DECADES[high] + _EMPTY)
    axes.yaxis.set_major_formatter(lambda y, _: f"$10^{{{y:g}}}$")
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.spines[["top", "right"]].set_visible(False)
