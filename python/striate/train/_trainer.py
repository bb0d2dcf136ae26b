"""The training loop."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np

from striate import _backend, io, ops
from striate._typing import FloatArray, IntArray
from striate.data import DataLoader
from striate.data._dataset import Arrays
from striate.io._safetensors import load_all
from striate.nn import Module
from striate.optim import Optimizer

from ._callbacks import Callback
from ._state import Evaluation, FitState, RunningEvaluation

Loss = Callable[[FloatArray, IntArray], tuple[Any, FloatArray]]


class Trainer:
    """Trains a classifier.

    Which kind of gradient descent it is, is a matter of the loader's `batch_size`: the whole data
    set is batch descent, 1 is stochastic descent in the textbooks' sense, what is in between is
    mini-batch descent. Where a large batch does not fit the memory, `accumulate` adds up the
    gradients of several small ones before each step.

    Args:
        net: The network; its output is one score per class, (N, C).
        loss: Called as `loss(scores, labels)`; returns the mean loss and its gradient, as
            `striate.losses.cross_entropy` does.
        optimizer: An optimizer of the network's parameters.
        callbacks: What is told of the progress, in this order.
        accumulate: How many batches a step of the optimizer takes. Its gradient is that of one
            batch that holds them all, up to rounding, for nets whose samples do not see each other
            (batch norm's do); an epoch's last step takes what is left.

    Raises:
        ValueError: `accumulate` is below 1.

    Attributes:
        epoch: How many epochs the network has been trained.

    Examples:
        See `striate.train`.
    """

    def __init__(
        self,
        net: Module,
        loss: Loss,
        optimizer: Optimizer,
        callbacks: Sequence[Callback] = (),
        *,
        accumulate: int = 1,
    ) -> None:
        if accumulate < 1:
            raise ValueError(f"Trainer: accumulate must be at least 1. Got {accumulate}.")
        self.net = net
        self.loss = loss
        self.optimizer = optimizer
        self.callbacks = list(callbacks)
        self.accumulate = accumulate
        self.epoch = 0

    def fit(self, loader: DataLoader, epochs: int, *, validation: DataLoader | None = None) -> None:
        """Train for `epochs` more epochs.

        The loader's epoch follows the trainer's, so that a run which was saved and loaded goes on
        as if it had never stopped.

        Args:
            loader: Batches of inputs and labels.
            epochs: How many times to go through them.
            validation: What to evaluate the network on after each epoch.

        Raises:
            ValueError: the loader has no batches.
            FloatingPointError: an epoch's loss is not finite.
        """
        if not len(loader):
            raise ValueError("fit: loader must have at least one batch. Got 0.")
        state = FitState(self, epochs=self.epoch + epochs, batches=self._steps(loader))
        try:
            for callback in self.callbacks:
                callback.on_fit_begin(state)
            for _ in range(epochs):
                self._fit_epoch(loader, validation, state)
        finally:
            for callback in self.callbacks:
                callback.on_fit_end(state)

    def _fit_epoch(
        self, loader: DataLoader, validation: DataLoader | None, state: FitState
    ) -> None:
        loader.epoch = self.epoch
        state.begin_epoch(self.epoch + 1)
        batches = iter(loader)
        while batch := list(islice(batches, self.accumulate)):
            self._step(batch, state)
            for callback in self.callbacks:
                callback.on_batch_end(state)
        loss = state.running.result.loss
        if not math.isfinite(loss):
            raise FloatingPointError(
                "fit: the training loss must stay finite; a lower learning rate may help. "
                f"Got {loss} in epoch {state.epoch}."
            )
        self.epoch += 1
        if validation is not None:
            state.validation = self.evaluate(validation)
        for callback in self.callbacks:
            callback.on_epoch_end(state)

    def _steps(self, loader: DataLoader) -> int:
        return -(-len(loader) // self.accumulate)

    def _step(self, parts: Sequence[Arrays], state: FitState) -> None:
        """Make one step with the gradient of the parts' mean loss."""
        samples = sum(len(labels) for _, labels in parts)
        self.optimizer.zero_grad()
        for x, labels in self._on_device(parts):
            y, pullback = self.net.vjp(x)
            loss, dy = self.loss(y, labels)
            if len(parts) > 1:  # the part's share in the mean
                dy = ops.mul(dy, np.full_like(dy, len(labels) / samples))
            pullback(dy, input_grad=False)
            state.add_part(loss, y, labels)
        self.optimizer.step()
        state.end_batch()

    def _on_device(self, batches: Iterable[Arrays]) -> Iterator[Arrays]:
        """Move batches to where the network is, one at a time."""
        device = next((p.device for p in self.net.parameters()), "cpu")
        for x, labels in batches:
            yield _backend.move(x, device), _backend.move(labels, device)

    def evaluate(self, loader: DataLoader) -> Evaluation:
        """Measure the loss and accuracy of the network's inference.

        Args:
            loader: Batches of inputs and labels.

        Raises:
            ValueError: the loader has no batches.
        """
        if not len(loader):
            raise ValueError("evaluate: loader must have at least one batch. Got 0.")
        running = RunningEvaluation()
        for x, labels in self._on_device(loader):
            y = self.net(x)
            loss, _ = self.loss(y, labels)
            running.add(loss, y, labels)
        return running.result

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all that is needed to go on training to a safetensors file, atomically.

        The weights are named as in `net.state_dict()`, after "model."; the optimizer's arrays come
        after "optimizer.", and the counters are in the metadata. The bytes depend on the training
        alone: they hold no time, path or number of threads.
        """
        tensors = {f"model.{name}": array for name, array in self.net.state_dict().items()}
        counters: dict[str, Any] = {"epoch": self.epoch, "net": self.net.train_state()}
        counters["optimizer"] = {}
        for name, value in self.optimizer.state_dict().items():
            if value is None or isinstance(value, int | float):
                counters["optimizer"][name] = value
            else:
                tensors[f"optimizer.{name}"] = value
        tensors = {name: _backend.move(array, "cpu") for name, array in tensors.items()}
        io.save(path, tensors, {"trainer": json.dumps(counters, sort_keys=True)})

    def load(self, path: str | os.PathLike[str]) -> None:
        """Go back to where `save` was called, bit for bit.

        Network and optimizer must have been made as they were then; their options are not in the
        file.

        Raises:
            ValueError: the file was not written by `save`, or fits another network or optimizer.
            OSError: the file cannot be read.
        """
        tensors, metadata = load_all(path)
        if "trainer" not in metadata:
            raise ValueError(f"Trainer.load: {path} must have been written by Trainer.save.")
        counters = json.loads(metadata["trainer"])
        self.net.load_state_dict(_below("model.", tensors))
        self.net.load_train_state(counters["net"])
        arrays = _below("optimizer.", tensors)
        self.optimizer.load_state_dict({**counters["optimizer"], **arrays})
        self.epoch = counters["epoch"]


def _below(prefix: str, tensors: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    return {
        name.removeprefix(prefix): array
        for name, array in tensors.items()
        if name.startswith(prefix)
    }
