"""Showing how training goes."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from ._callbacks import Callback
from ._state import FitState

if TYPE_CHECKING:
    import rich.progress


class Progress(Callback):
    """Shows loss, accuracy, images per second and the time left on standard error.

    On a terminal this is a bar, if rich is installed; otherwise a line for every epoch.
    """

    def __init__(self) -> None:
        self._bar: rich.progress.Progress | None = None
        self._start = 0.0
        self._first_epoch = 0

    def on_fit_begin(self, state: FitState) -> None:
        self._start = time.perf_counter()
        self._first_epoch = state.trainer.epoch
        self._bar = _new_bar() if sys.stderr.isatty() else None
        if self._bar is not None:
            epochs = state.epochs - self._first_epoch
            self._bar.add_task("", total=epochs * state.batches, figures="")
            self._bar.start()

    def on_batch_end(self, state: FitState) -> None:
        if self._bar is not None:
            done = (state.epoch - 1 - self._first_epoch) * state.batches + state.batch
            task = self._bar.task_ids[0]
            title = f"epoch {state.epoch}/{state.epochs}"
            self._bar.update(task, completed=done, description=title, figures=_figures(state))

    def on_epoch_end(self, state: FitState) -> None:
        if self._bar is None:
            done = state.epoch - self._first_epoch
            left = (time.perf_counter() - self._start) / done * (state.epochs - state.epoch)
            title = f"epoch {state.epoch}/{state.epochs}"
            line = f"{title}  {_figures(state)}  {_clock(left)} left"
            if state.validation is not None:
                line += f"  validation accuracy {state.validation.accuracy:.2%}"
            print(line, file=sys.stderr, flush=True)

    def on_fit_end(self, state: FitState) -> None:
        if self._bar is not None:
            self._bar.stop()


def _new_bar() -> rich.progress.Progress | None:
    try:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar
    except ImportError:
        return None
    return Bar(
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        TextColumn("{task.fields[figures]}"),
        TimeRemainingColumn(compact=True),
        TextColumn("left"),
        console=Console(stderr=True),
        expand=True,
    )


def _figures(state: FitState) -> str:
    training = state.running.result
    return (
        f"loss {training.loss:.4f}  accuracy {training.accuracy:7.2%}  "
        f"{state.samples_per_second:,.0f} images/s"
    )


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes}:{seconds:02d}"
