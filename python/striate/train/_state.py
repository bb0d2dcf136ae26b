"""Where a training run stands."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from striate._typing import FloatArray, IntArray

if TYPE_CHECKING:
    from ._trainer import Trainer


@dataclass(frozen=True)
class Evaluation:
    """A mean loss, and the share of samples whose class had the highest score."""

    loss: float
    accuracy: float


class RunningEvaluation:
    """An evaluation of the batches so far. Nothing waits for a device before `result` is asked."""

    def __init__(self) -> None:
        self.samples = 0
        self._loss = 0.0
        self._correct = 0
        self._batches: list[tuple[Any, Any, int]] = []  # that are not in these sums yet

    def add(self, loss: Any, scores: FloatArray, labels: IntArray) -> None:
        """Count one batch, of mean loss `loss`."""
        self.samples += len(labels)
        self._batches.append((loss, (scores.argmax(1) == labels).sum(), len(labels)))

    @property
    def result(self) -> Evaluation:
        for loss, correct, samples in self._batches:
            self._loss += float(loss) * samples
            self._correct += int(correct)
        self._batches.clear()
        return Evaluation(self._loss / self.samples, self._correct / self.samples)


@dataclass
class FitState:
    """Where `Trainer.fit` is; what callbacks are given.

    Attributes:
        trainer: The trainer that runs.
        epochs: The number of the last epoch.
        batches: How many steps of the optimizer an epoch has: its batches, but for `accumulate`.
        epoch: The current epoch's number, from 1.
        batch: How many of its steps are done.
        running: The training loss and accuracy in them, each batch measured before its own step.
        seconds: How long they took.
        validation: The latest evaluation, None if there was none.
    """

    trainer: Trainer
    epochs: int
    batches: int
    epoch: int = 0
    batch: int = 0
    running: RunningEvaluation = field(default_factory=RunningEvaluation)
    seconds: float = 0.0
    validation: Evaluation | None = None

    def begin_epoch(self, number: int) -> None:
        self.epoch, self.batch, self.seconds = number, 0, 0.0
        self.running = RunningEvaluation()
        self._start = time.perf_counter()

    def add_part(self, loss: Any, scores: FloatArray, labels: IntArray) -> None:
        self.running.add(loss, scores, labels)

    def end_batch(self) -> None:
        self.batch += 1
        self.seconds = time.perf_counter() - self._start

    @property
    def samples_per_second(self) -> float:
        return self.running.samples / self.seconds
