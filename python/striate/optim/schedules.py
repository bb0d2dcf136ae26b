"""Learning rates as pure functions of the step: `f(0)` is the first step's rate.

They are classes only to have a repr, to compare and to pickle; they are used, and named, like
functions. Any function from int to float serves as well.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class constant:
    """lr, always.

    Examples:
        >>> constant(0.1)(1000)
        0.1
    """

    lr: float

    def __call__(self, step: int) -> float:
        return self.lr


@dataclass(frozen=True)
class step:
    """lr * gamma ** (step // step_size).

    Examples:
        >>> f = step(1.0, step_size=10, gamma=0.5)
        >>> f(9), f(10), f(20)
        (1.0, 0.5, 0.25)
    """

    lr: float
    step_size: int
    gamma: float = 0.1

    def __post_init__(self) -> None:
        _positive("step", step_size=self.step_size)

    def __call__(self, step: int) -> float:
        return self.lr * self.gamma ** (step // self.step_size)


@dataclass(frozen=True)
class multistep:
    """lr * gamma ** (how many milestones are reached).

    Examples:
        >>> f = multistep(1.0, (10, 15), gamma=0.5)
        >>> f(9), f(10), f(15)
        (1.0, 0.5, 0.25)
    """

    lr: float
    milestones: tuple[int, ...]
    gamma: float = 0.1

    def __post_init__(self) -> None:
        if list(self.milestones) != sorted(self.milestones):
            raise ValueError(f"multistep: milestones must be sorted. Got {self.milestones}.")

    def __call__(self, step: int) -> float:
        return self.lr * self.gamma ** bisect_right(self.milestones, step)


@dataclass(frozen=True)
class exponential:
    """lr * gamma ** step.

    Examples:
        >>> exponential(1.0, gamma=0.5)(3)
        0.125
    """

    lr: float
    gamma: float

    def __call__(self, step: int) -> float:
        return self.lr * self.gamma**step


@dataclass(frozen=True)
class inverse_time:
    """lr / (1 + decay * step).

    Examples:
        >>> inverse_time(1.0, decay=0.5)(2)
        0.5
    """

    lr: float
    decay: float

    def __call__(self, step: int) -> float:
        return self.lr / (1 + self.decay * step)


@dataclass(frozen=True)
class polynomial:
    """lr_end + (lr - lr_end) * (1 - step / steps) ** power, and lr_end from step `steps` on.

    Examples:
        >>> f = polynomial(1.0, steps=10)
        >>> f(0), f(5), f(10), f(11)
        (1.0, 0.5, 0.0, 0.0)
    """

    lr: float
    steps: int
    power: float = 1.0
    lr_end: float = 0.0

    def __post_init__(self) -> None:
        _positive("polynomial", steps=self.steps)

    def __call__(self, step: int) -> float:
        left = 1 - min(step, self.steps) / self.steps
        return self.lr_end + (self.lr - self.lr_end) * math.pow(left, self.power)


@dataclass(frozen=True)
class cosine:
    """eta_min + (lr - eta_min) * (1 + cos(pi * step / steps)) / 2, and eta_min from `steps` on.

    References:
        Loshchilov and Hutter, SGDR (2017), equation 5.

    Examples:
        >>> f = cosine(1.0, steps=10)
        >>> f(0), round(f(5), 6), f(10), f(11)
        (1.0, 0.5, 0.0, 0.0)
    """

    lr: float
    steps: int
    eta_min: float = 0.0

    def __post_init__(self) -> None:
        _positive("cosine", steps=self.steps)

    def __call__(self, step: int) -> float:
        return _half_cosine(self.lr, self.eta_min, min(step / self.steps, 1.0))


@dataclass(frozen=True)
class cosine_restarts:
    """Cosine annealing from lr to eta_min again and again, each time `mult` times as long.

    References:
        Loshchilov and Hutter, SGDR (2017).

    Examples:
        >>> f = cosine_restarts(1.0, steps=10, mult=2)
        >>> f(0), f(10), round(f(20), 6), f(30)
        (1.0, 1.0, 0.5, 1.0)
    """

    lr: float
    steps: int
    mult: int = 1
    eta_min: float = 0.0

    def __post_init__(self) -> None:
        _positive("cosine_restarts", steps=self.steps, mult=self.mult)

    def __call__(self, step: int) -> float:
        length = self.steps
        while step >= length and self.mult > 1:
            step -= length
            length *= self.mult
        return _half_cosine(self.lr, self.eta_min, step % length / length)


@dataclass(frozen=True)
class one_cycle:
    """Up by cosine from lr / div_factor to lr, then down to lr / div_factor / final_div_factor.

    The top is at step pct_start * steps - 1, the end at step `steps` - 1, as in PyTorch.

    References:
        Smith and Topin, Super-Convergence (2018).

    Examples:
        >>> f = one_cycle(1.0, steps=10)
        >>> round(f(0), 6), f(2), round(f(9), 9)
        (0.04, 1.0, 4e-06)
    """

    lr: float
    steps: int
    pct_start: float = 0.3
    div_factor: float = 25.0
    final_div_factor: float = 1e4

    def __post_init__(self) -> None:
        _positive("one_cycle", steps=self.steps)
        if not 0 <= self.pct_start < 1:
            raise ValueError(
                f"one_cycle: pct_start must be in [0, 1). Got pct_start={self.pct_start}."
            )

    def __call__(self, step: int) -> float:
        start, top = self.lr / self.div_factor, self.pct_start * self.steps - 1
        if step < top:
            return _half_cosine(start, self.lr, step / top)
        part = min((step - top) / (self.steps - 1 - top), 1.0)
        return _half_cosine(self.lr, start / self.final_div_factor, part)


@dataclass(frozen=True)
class warmup:
    """A linear start: schedule(0) * (step + 1) / (steps + 1), then schedule(step - steps).

    The first `steps` steps are below the full rate; then the schedule starts at its own 0, so that
    `warmup(cosine(lr, total - 50), 50)` ends at step `total`.

    References:
        Goyal et al., Accurate, Large Minibatch SGD (2017), section 2.2.

    Examples:
        >>> f = warmup(step(1.0, step_size=10), steps=3)
        >>> f(0), f(2), f(3), f(12), f(13)
        (0.25, 0.75, 1.0, 1.0, 0.1)
    """

    schedule: Callable[[int], float]
    steps: int

    def __post_init__(self) -> None:
        if self.steps < 0:
            raise ValueError(f"warmup: steps must be at least 0. Got steps={self.steps}.")

    def __call__(self, step: int) -> float:
        if step < self.steps:
            return self.schedule(0) * (step + 1) / (self.steps + 1)
        return self.schedule(step - self.steps)


def _half_cosine(start: float, end: float, part: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * part)) / 2


def _positive(function: str, **counts: int) -> None:
    for name, count in counts.items():
        if count < 1:
            raise ValueError(f"{function}: {name} must be at least 1. Got {name}={count}.")
