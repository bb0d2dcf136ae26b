"""How much speed is left while another process keeps one processor busy."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import geometric_mean, median
from typing import Any

from . import _torch
from .case import Case, Run
from .report import align, ms

_NAMES = ("vgg16.conv3_2 N=4", "resnet50.conv4.3x3 N=8", "resnet50.conv2.expand N=8")
# The scheduler's time slices are some milliseconds; a round must span many of them.
_SECONDS = {True: 0.02, False: 0.15}
_ROUNDS = {True: 2, False: 11}


def chosen(case: Case) -> bool:
    """Tell whether the case is measured where no others are asked for."""
    return case.label in _NAMES and case.op == "conv2d"


def measure(cases: Sequence[Case], quick: bool) -> list[dict[str, Any]]:
    """Time each case on each side, with the neighbour stopped and running in turns.

    The median round counts: beside a neighbour, the best one is luck.
    """
    rows = []
    with _neighbour() as neighbour:
        for case in cases:
            run = case.sides(_torch.load()).run
            times: dict[str, dict[str, list[float]]] = {s: {"quiet": [], "busy": []} for s in run}
            for _ in range(_ROUNDS[quick]):
                for side, call in run.items():
                    for state, to_send in (("quiet", signal.SIGSTOP), ("busy", signal.SIGCONT)):
                        neighbour.send_signal(to_send)
                        time.sleep(0.01)
                        times[side][state].append(_round(call, _SECONDS[quick]))
            neighbour.send_signal(signal.SIGSTOP)
            seconds = {
                side: {state: median(rounds) for state, rounds in states.items()}
                for side, states in times.items()
            }
            rows.append({"op": case.op, "label": case.label, "seconds": seconds, "rounds": times})
    return rows


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Lay out the times, and the speed beside the neighbour over the speed alone."""
    names = {"striate": "striate", "torch": "PyTorch"}
    sides = [side for side in names if side in rows[0]["seconds"]]
    header = ["case"]
    for side in sides:
        header += [f"{names[side]} ms", "busy", "speed"]
    lines = [header]
    speeds: dict[str, list[float]] = {side: [] for side in sides}
    for row in rows:
        line = [f"{row['op']} {row['label']}"]
        for side in sides:
            quiet, busy = row["seconds"][side]["quiet"], row["seconds"][side]["busy"]
            speeds[side].append(quiet / busy)
            line += [ms(quiet), ms(busy), f"{quiet / busy:.2f}"]
        lines.append(line)
    means = ", ".join(f"{names[side]} {geometric_mean(speeds[side]):.2f}" for side in sides)
    cores = os.cpu_count() or 1
    return "\n".join(
        [
            align(lines),
            "",
            f"geometric mean of the speeds: {means}; sharing one of {cores} processors evenly "
            f"leaves {(cores - 0.5) / cores:.2f}",
        ]
    )


def _round(call: Run, seconds: float) -> float:
    call()
    calls, start = 0, time.perf_counter()
    while (spent := time.perf_counter() - start) < seconds or calls == 0:
        call()
        calls += 1
    return spent / calls


@contextmanager
def _neighbour() -> Iterator[subprocess.Popen[bytes]]:
    """A process that does nothing but compute, stopped to begin with."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        process.send_signal(signal.SIGSTOP)
        yield process
    finally:
        process.kill()
        process.wait()
