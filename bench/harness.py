"""Timing: sides alternate, after a pause and a warm-up, and the best round counts."""

from __future__ import annotations

import gc
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from . import _torch
from .case import Case, Run, disagreement

# For the idle threads of the side before to go to sleep: OpenMP's spin for milliseconds.
_PAUSE = 0.01
# A round repeats short calls until it lasts this long.
_ROUND = 0.002
# A slow side, such as the reference, gets as many rounds as fit, and at least one.
_SIDE_BUDGET = {True: 0.5, False: 2.0}
_ROUNDS = {True: 3, False: 11}
# While a side's two best rounds differ by more than this, it gets more: up to three times as many.
_AGREE = 0.05


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

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def measure(case: Case, quick: bool) -> Row:
    """Check that the sides agree, then time them; an error becomes the row's."""
    row = Row(case.op, case.label, case.unit, case.counts)
    try:
        sides = case.sides(_torch.load())
        row.work = sides.work
        row.error = disagreement({s: run() for s, run in sides.check.items()}, case.tolerance)
        if row.error is None:
            row.rounds = _time(sides.run, quick)
            row.seconds = {side: min(times) for side, times in row.rounds.items()}
    except Exception as error:  # any failure is this row's result, and the others go on
        row.error = f"{type(error).__name__}: {error}"
    return row


def _time(sides: Mapping[str, Run], quick: bool) -> dict[str, list[float]]:
    rounds: dict[str, list[float]] = {side: [] for side in sides}
    spent = dict.fromkeys(sides, 0.0)
    gc.collect()
    gc.disable()
    try:
        for turn in range(3 * _ROUNDS[quick]):
            for side, run in sides.items():
                if turn and spent[side] > _SIDE_BUDGET[quick]:
                    continue
                if turn >= _ROUNDS[quick] and _settled(rounds[side]):
                    continue
                start = time.perf_counter()
                rounds[side].append(_round(run))
                spent[side] += time.perf_counter() - start
    finally:
        gc.enable()
    return rounds


def _settled(times: list[float]) -> bool:
    best, second = sorted(times)[:2]
    return second <= (1 + _AGREE) * best


def _round(run: Run) -> float:
    time.sleep(_PAUSE)
    start = time.perf_counter()
    run()
    warm_up = time.perf_counter() - start
    calls = max(1, round(_ROUND / warm_up))
    start = time.perf_counter()
    for _ in range(calls):
        run()
    return (time.perf_counter() - start) / calls
