"""A figure of how training went."""

from __future__ import annotations

import os
from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING

from striate.io._atomic import atomic_writer

from ._callbacks import Epoch

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def new_figure() -> Figure:
    """An empty figure of its own, which needs neither a display nor pyplot's global state.

    Raises:
        ImportError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "curves: matplotlib must be installed. Try: pip install 'striate[train]'"
        ) from error
    return Figure(figsize=(9, 3.6), layout="constrained")


def draw_curves(figure: Figure, epochs: Sequence[Epoch], title: str) -> None:
    """Draw the loss and the accuracy of every epoch, in training and in validation."""
    figure.suptitle(title)
    loss, accuracy = figure.subplots(1, 2)
    validated = [epoch for epoch in epochs if epoch.validation is not None]
    for axes, name, unit in ((loss, "loss", 1), (accuracy, "accuracy", 100)):
        for color, label, numbers, figures in (
            ("#8a8f98", "training (with dropout)", epochs, [epoch.training for epoch in epochs]),
            ("#c1272d", "test", validated, [epoch.validation for epoch in validated]),
        ):
            values = [unit * getattr(of, name) for of in figures]
            axes.plot([epoch.number for epoch in numbers], values, color=color, label=label)
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    loss.set(title="cross-entropy", yscale="log")
    accuracy.set(title="accuracy, %")
    # The first epochs would squeeze all others into a line at the top.
    typical = median(epoch.training.accuracy for epoch in epochs)
    accuracy.set_ylim(min(90.0, 100 * typical), 100.3)
    loss.legend(frameon=False)


def save_figure(path: str | os.PathLike[str], figure: Figure) -> None:
    """Write a figure to a PNG file, atomically."""
    with atomic_writer(path) as file:
        figure.savefig(file, format="png", dpi=144)
