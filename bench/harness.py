"""Timing: sides alternate, after a pause and a warm-up, and the best round counts."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from . import _torch
from .case import Case, Run, disagreement

# For the idle threads of the side before to go to sleep: OpenMP's spin for milliseconds.
_PAUSE = 0.01
# A round repeats short calls until it lasts this long, and times no second call of a long one.
_SHORT = 0.002
_LONG = {True: 0.02, False: 0.5}
# While a side's two best rounds differ by more than 5%, it gets more, up to the second number.
_ROUNDS = {True: (2, 2), False: (11, 33)}
_AGREE = 1.05
# Seconds after which a side gets no more than it must: the reference one round, others the least.
_BUDGET = {True: 0.5, False: 2.0}
# Rows below this ratio are measured again, at the end and so often at most.
_SLOWER = 0.97
LOOKS = 2

Clock = Callable[[Run, bool], float]  # the seconds of a call, in one round; `quick` or not


@dataclass
class Row:
    """What one case measured; `error` where it failed."""

    op: str
    label: str
    unit: str
    counts: str
    work: float = 0.0
    seconds: dict[str, float] = field(default_factory=dict)  # the best round's, for each side
    rounds: dict[str, list[float]] = field(default_factory=dict)
    error: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        row = asdict(self)
        return row | dict(row.pop("facts"))


def measure(case: Case, quick: bool, clock: Clock | None = None) -> Row:
    """Check that the sides agree, then time them; an error becomes the row's."""
    row = Row(case.op, case.label, case.unit, case.counts, facts=case.facts)
    try:
        sides = case.sides(_torch.load())
        row.work = sides.work
        row.error = disagreement({s: run() for s, run in sides.check.items()}, case.tolerance)
        if row.error is None:
            row.rounds = _time(sides.run, quick, clock or _round)
            row.seconds = {side: min(times) for side, times in row.rounds.items()}
    except Exception as error:  # any failure is this row's result, and the others go on
        row.error = f"{type(error).__name__}: {error}"
    return row


def look_again(case: Case, row: Row, quick: bool, clock: Clock | None = None) -> None:
    """Give the sides but the reference as many rounds more: neighbours come and go."""
    sides = dict(case.sides(_torch.load()).run)
    sides.pop("reference", None)
    for side, times in _time(sides, quick, clock or _round).items():
        row.rounds[side] += times
        row.seconds[side] = min(row.rounds[side])


def is_slower(row: Row) -> bool:
    """Whether PyTorch was clearly faster."""
    return row.seconds.get("torch", math.inf) < _SLOWER * row.seconds.get("striate", 0.0)


def _time(sides: Mapping[str, Run], quick: bool, clock: Clock) -> dict[str, list[float]]:
    rounds: dict[str, list[float]] = {side: [] for side in sides}
    spent = dict.fromkeys(sides, 0.0)
    least, most = _ROUNDS[quick]
    gc.collect()
    gc.disable()
    try:
        for turn in range(most):
            for side, run in sides.items():
                needed = 1 if side == "reference" else least
                done = spent[side] > _BUDGET[quick] or (turn >= least and _settled(rounds[side]))
                if turn >= needed and done:
                    continue
                start = time.perf_counter()
                rounds[side].append(clock(run, quick))
                spent[side] += time.perf_counter() - start
    finally:
        gc.enable()
    return rounds


def _settled(times: list[float]) -> bool:
    best, second = sorted(times)[:2]
    return second <= _AGREE * best


def _round(run: Run, quick: bool) -> float:
    time.sleep(_PAUSE)
    start = time.perf_counter()
    run()
    warm_up = time.perf_counter() - start
    if warm_up > _LONG[quick]:
        return warm_up
    calls = max(1, round(_SHORT / warm_up))
    start = time.perf_counter()
    for _ in range(calls):
        run()
    return (time.perf_counter() - start) / calls
