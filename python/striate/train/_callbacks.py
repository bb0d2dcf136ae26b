"""What may watch a training run."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

from striate.optim import ReduceOnPlateau

from ._state import Evaluation, FitState


class Callback:
    """The base class of callbacks: it does nothing at every event.

    `Trainer.fit` calls each of its callbacks' methods with its `FitState`. `on_fit_end` is called
    after an error or Ctrl-C, too.
    """

    def on_fit_begin(self, state: FitState) -> None:
        """Called before the first epoch."""

    def on_batch_end(self, state: FitState) -> None:
        """Called after each step of the optimizer."""

    def on_epoch_end(self, state: FitState) -> None:
        """Called after each epoch and its validation."""

    def on_fit_end(self, state: FitState) -> None:
        """Called when training is over, however it ended."""


@dataclass(frozen=True)
class Epoch:
    """What `History` keeps of an epoch; `validation` is None where there was none.

    The training figures are means over the epoch, each batch measured before its own step and with
    dropout on.
    """

    number: int
    training: Evaluation
    validation: Evaluation | None
    seconds: float
    samples_per_second: float


class History(Callback):
    """Keeps the figures of every epoch in the list `epochs`."""

    def __init__(self) -> None:
        self.epochs: list[Epoch] = []

    def on_epoch_end(self, state: FitState) -> None:
        self.epochs.append(
            Epoch(
                state.epoch,
                state.running.result,
                state.validation,
                state.seconds,
                state.samples_per_second,
            )
        )


class Checkpoint(Callback):
    """Saves the trainer to one file, which `Trainer.load` reads; each save replaces the last.

    Args:
        path: The file; its folder must exist.
        every: After how many epochs to save. The last epoch is always saved.

    Raises:
        ValueError: `every` is below 1.
    """

    def __init__(self, path: str | os.PathLike[str], every: int = 1) -> None:
        if every < 1:
            raise ValueError(f"Checkpoint: every must be at least 1. Got {every}.")
        self.path = path
        self.every = every

    def on_epoch_end(self, state: FitState) -> None:
        if state.epoch % self.every == 0 or state.epoch == state.epochs:
            state.trainer.save(self.path)


class UpdatePlateau(Callback):
    """Tells a `striate.optim.ReduceOnPlateau` how each epoch went.

    Args:
        schedule: The optimizer's `lr`.
        metric: "loss" or "accuracy", of the validation where there is one, else of the training.

    Raises:
        ValueError: `metric` is another, or the schedule waits for it to go the other way.
    """

    def __init__(
        self, schedule: ReduceOnPlateau, metric: Literal["loss", "accuracy"] = "loss"
    ) -> None:
        modes = {"loss": "min", "accuracy": "max"}
        if metric not in modes:
            raise ValueError(
                f"UpdatePlateau: metric must be 'loss' or 'accuracy'. Got metric={metric!r}."
            )
        if schedule.mode != modes[metric]:
            raise ValueError(
                f"UpdatePlateau: a schedule for {metric} must have mode={modes[metric]!r}. "
                f"Got mode={schedule.mode!r}."
            )
        self.schedule = schedule
        self.metric = metric

    def on_epoch_end(self, state: FitState) -> None:
        result = state.running.result if state.validation is None else state.validation
        self.schedule.update(getattr(result, self.metric))
