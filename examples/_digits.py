"""What the experiments share: short runs on the digits, and curves with their spread."""

from __future__ import annotations

import contextlib
import io
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image

from striate import data, losses, nn, optim
from striate.train import Evaluation, History, Trainer

IMAGES = Path(__file__).parent.parent / "docs" / "img"
SEEDS = (0, 1, 2)
COLORS = ("#c1272d", "#3b6fb6", "#2e8b57", "#e08214", "#7b4fa3", "#222222", "#8c6d31")


def loaders(seed: int, batch_size: int) -> tuple[data.DataLoader, data.DataLoader]:
    training, test = data.digits()
    return data.DataLoader(training, batch_size, seed=seed), data.DataLoader(
        test, len(test), shuffle=False
    )


def train(
    net: nn.Module,
    make_optimizer: Callable[[nn.Module, int], optim.Optimizer],
    *,
    seed: int,
    epochs: int,
    batch_size: int = 64,
    accumulate: int = 1,
) -> tuple[list[float], list[float]]:
    """Return the training loss and the test error in percent after each epoch.

    A run that diverges goes on as NaN. `make_optimizer` gets the net and the number of steps.
    """
    training, test = loaders(seed, batch_size)
    history = History()
    optimizer = make_optimizer(net, epochs * len(training))
    trainer = Trainer(net, losses.cross_entropy, optimizer, [history], accumulate=accumulate)
    with contextlib.suppress(FloatingPointError, ValueError):
        trainer.fit(training, epochs, validation=test)
    epochs_done = history.epochs
    missing = [math.nan] * (epochs - len(epochs_done))
    error = [100 * (1 - _validated(e.validation).accuracy) for e in epochs_done]
    return [e.training.loss for e in epochs_done] + missing, error + missing


def _validated(evaluation: Evaluation | None) -> Evaluation:
    assert evaluation is not None
    return evaluation


def curves(axes: Any, runs: Iterable[tuple[str, Any]]) -> None:
    """Draw the mean of several seeds' curves, and a band from the least to the greatest."""
    for (name, values), color in zip(runs, COLORS, strict=False):
        array = np.asarray(values, float)
        epochs = np.arange(1, array.shape[1] + 1)
        axes.plot(epochs, array.mean(0), color=color, label=name, lw=1.6)
        axes.fill_between(epochs, array.min(0), array.max(0), color=color, alpha=0.15, lw=0)
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(steps=[1, 2, 5, 10], integer=True))
    tidy(axes)


def tidy(axes: Any) -> None:
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)


def new_figure(width: float, height: float) -> Figure:
    return Figure(figsize=(width, height), layout="constrained")


def save(figure: Figure, name: str) -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=110)
    # A palette is a third of the size; PIL writes no version and time, so that the same figure is
    # the same file.
    Image.open(drawn).convert("RGB").quantize(128).save(IMAGES / name, optimize=True)
    print(IMAGES / name)
