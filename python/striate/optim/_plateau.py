"""The schedule that is told a metric."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal


class ReduceOnPlateau:
    """A rate that falls by a factor when a metric has stopped improving.

    It is given to an optimizer as its `lr`, and told the metric by `update`, say after each epoch
    (`striate.train.UpdatePlateau` does that). It is the one schedule that has a state, which is in
    the optimizer's `state_dict`.

    Args:
        lr: the first rate.
        factor: what the rate is multiplied by, in (0, 1).
        patience: how many updates without improvement are let pass; the next one lowers the rate.
        threshold: by which part of the best value, at least, a better one must differ from it.
        cooldown: how many updates after a fall are not counted.
        min_lr: the rate never falls below.
        mode: "min" for a loss, "max" for an accuracy.

    Raises:
        ValueError: an option is out of range.

    Examples:
        >>> lr = ReduceOnPlateau(1.0, factor=0.5, patience=1)
        >>> for loss in [3.0, 2.0, 2.0, 2.0]:
        ...     lr.update(loss)
        ...     print(lr(0))
        1.0
        1.0
        1.0
        0.5
    """

    def __init__(
        self,
        lr: float,
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
        mode: Literal["min", "max"] = "min",
    ) -> None:
        for name, value in (
            ("lr", lr),
            ("patience", patience),
            ("threshold", threshold),
            ("cooldown", cooldown),
            ("min_lr", min_lr),
        ):
            if not value >= 0:
                raise ValueError(f"ReduceOnPlateau: {name} must be at least 0. Got {name}={value}.")
        if not 0 < factor < 1:
            raise ValueError(f"ReduceOnPlateau: factor must be in (0, 1). Got factor={factor}.")
        if mode not in ("min", "max"):
            raise ValueError(f"ReduceOnPlateau: mode must be 'min' or 'max'. Got mode={mode!r}.")
        self.factor = factor
        self.patience = patience
        self.threshold = threshold
        self.cooldown = cooldown
        self.min_lr = min_lr
        self.mode = mode
        self._lr = float(lr)
        self._best: float | None = None
        self._bad = 0  # updates without improvement
        self._resting = 0  # updates left of the cooldown

    def __call__(self, step: int) -> float:
        return self._lr

    def update(self, metric: float) -> None:
        """Take note of a new value of the metric; NaN is no improvement."""
        if self._improves(float(metric)):
            self._best, self._bad = float(metric), 0
        else:
            self._bad += 1
        if self._resting > 0:
            self._resting -= 1
            self._bad = 0
        if self._bad > self.patience:
            self._lr = max(self._lr * self.factor, self.min_lr)
            self._bad, self._resting = 0, self.cooldown

    def _improves(self, metric: float) -> bool:
        if self._best is None:
            return not math.isnan(metric)
        margin = self.threshold * abs(self._best)
        if self.mode == "min":
            return metric < self._best - margin
        return metric > self._best + margin

    def state_dict(self) -> dict[str, float | int | None]:
        """Return what a resumed run needs."""
        return {"lr": self._lr, "best": self._best, "bad": self._bad, "resting": self._resting}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a `state_dict`."""
        best = state["best"]
        self._lr, self._best = float(state["lr"]), None if best is None else float(best)
        self._bad, self._resting = int(state["bad"]), int(state["resting"])

    def __repr__(self) -> str:
        return (
            f"ReduceOnPlateau(lr={self._lr}, factor={self.factor}, patience={self.patience}, "
            f"threshold={self.threshold}, cooldown={self.cooldown}, min_lr={self.min_lr}, "
            f"mode={self.mode!r})"
        )
