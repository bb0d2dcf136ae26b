"""Measuring and printing the tables, one after the other."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import _torch, harness, machine, report
from bench.cuda.device import Ceilings, describe
from bench.cuda.precision import precision
from bench.cuda.tables import TABLES, Table
from striate import _backend


def measure(
    names: Sequence[str], quick: bool, only: re.Pattern[str] | None, json: Path | None
) -> int:
    """Print these tables; the exit code is 1 where a row failed or the sides disagree, else 0."""
    torch = _torch.load()
    problem = _backend.cuda_problem()
    if problem is None and torch is None:
        problem = "PyTorch is not installed"
    if problem is None and not torch.cuda.is_available():
        problem = f"this PyTorch ({torch.__version__}) finds no device"
    if problem is not None:
        print(f"skipped: {problem}")
        return 0
    torch.manual_seed(0)
    torch.backends.cudnn.benchmark = True  # let it try all of its algorithms while it warms up
    described = machine.describe() | describe(torch)
    print(_summary(described), flush=True)
    ceilings = Ceilings(torch, quick)
    print(f"ceiling of copies: {ceilings.copy:.0f} GB/s", flush=True)
    rows: list[dict[str, Any]] = []
    skipped = False
    for name in names:
        missing = [m for m in TABLES[name].needs if importlib.util.find_spec(m) is None]
        if missing:
            print(f"\n{TABLES[name].title}\nskipped: {', '.join(missing)} is not installed")
            skipped = True
            continue
        rows += _table(TABLES[name], torch, ceilings, quick, only)
        if json is not None:  # after each table, so that a run that is stopped leaves the others
            told = {"machine": described, "ceilings": ceilings.as_json(), "rows": rows}
            report.write_json(json, {"format": report.FORMAT, "quick": quick, **told})
    if not rows and not skipped:
        print("bench: no row matches", file=sys.stderr)
        return 2
    return 1 if any(row["error"] for row in rows) else 0


def _table(
    table: Table, torch: Any, ceilings: Ceilings, quick: bool, only: re.Pattern[str] | None
) -> list[dict[str, Any]]:
    rows = []
    with precision(torch, table.precision):
        cases = [case for case in table.cases(quick) if only is None or only.search(case.name)]
        if not cases:
            return []
        ceilings.probe(table.precision)
        clocks = {unit: table.clock(torch, unit) for unit in {case.unit for case in cases}}
        for case in cases:
            row = harness.measure(case, quick, clocks[case.unit])
            torch.cuda.empty_cache()
            more = {} if row.error else ceilings.measure(row, table.precision)
            rows.append(row.as_json() | {"precision": table.precision} | more)
    print(f"\n{table.title}")
    print(f"ceiling of products: {ceilings.product[table.precision] / 1e3:.1f} TFLOP/s\n")
    print(table.layout(rows), flush=True)
    return rows


def _summary(described: dict[str, Any]) -> str:
    return (
        f"{described['device']} (compute capability {described['compute_capability']}), "
        f"{described['cpu']}\n"
        f"striate {described['striate']}, Python {described['python']}, "
        f"PyTorch {described['torch']} (CUDA {described['torch_cuda']}, "
        f"cuDNN {described['cudnn']})"
    )
