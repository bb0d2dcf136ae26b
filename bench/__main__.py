"""The command line of the benchmark."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from . import _torch, machine, plot, report


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; the exit code is 1 where a row failed or the sides disagree, else 0."""
    parsed = _parser().parse_args(arguments)
    if parsed.command == "compare":
        return _compare(parsed)
    return _run(parsed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Time striate against its NumPy reference and, where it is installed, PyTorch.",
    )
    option = parser.add_argument
    option("--quick", action="store_true", help="small sizes and three rounds: under a minute")
    option("--only", metavar="PATTERN", type=_pattern, help="rows whose name has this regex")
    option("--threads", metavar="N", type=int, help="threads of every side")
    option("--json", metavar="FILE", type=Path, help="write machine, ceilings and figures")
    option("--plot", metavar="FILE.png", type=Path, help="draw the ratios")
    option("--explain", action="store_true", help="print what each row counts, and stop")
    commands = parser.add_subparsers(dest="command")
    compare = commands.add_parser("compare", help="show what changed between two --json files")
    compare.add_argument("a", metavar="A.json", type=Path)
    compare.add_argument("b", metavar="B.json", type=Path)
    return parser


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no regex: {error}") from None


def _run(parsed: argparse.Namespace) -> int:
    # striate before PyTorch: under OMP_PROC_BIND the latter pins this thread, and striate's threads
    # would take its mask for what the process may use.
    import striate  # noqa: F401

    from .ceilings import Ceilings
    from .harness import measure
    from .suites import cases

    chosen = [c for c in cases(parsed.quick) if not parsed.only or parsed.only.search(c.name)]
    if not chosen:
        print(f"bench: no row matches {parsed.only.pattern!r}", file=sys.stderr)
        return 2
    if parsed.explain:
        print(report.explain(chosen))
        return 0
    if parsed.plot and not plot.available():
        print("bench: --plot needs matplotlib: pip install 'striate[bench]'", file=sys.stderr)
        return 2

    machine.set_threads(parsed.threads)
    ceilings = Ceilings(parsed.quick)
    measured = []
    for i, case in enumerate(chosen):
        _progress(f"{i + 1}/{len(chosen)} {case.name}")
        measured.append(measure(case, parsed.quick))
        if not measured[-1].error:
            ceilings.probe(measured[-1])
    _progress("")
    rows = [row.as_json() | ({} if row.error else ceilings.measure(row)) for row in measured]

    described = machine.describe()
    print(report.summary(described, ceilings.as_json()))
    print()
    print(report.table(rows))
    if parsed.json:
        report.write_json(
            parsed.json,
            {
                "format": report.FORMAT,
                "quick": parsed.quick,
                "machine": described,
                "ceilings": ceilings.as_json(),
                "rows": rows,
            },
        )
    if parsed.plot:
        plot.draw(parsed.plot, rows, f"{described['cpu']}, {described['threads']} threads")
    return 1 if any(row["error"] for row in rows) else 0


def _compare(parsed: argparse.Namespace) -> int:
    try:
        print(report.compare(report.read_json(parsed.a), report.read_json(parsed.b)))
    except (OSError, ValueError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    return 0


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        width = os.get_terminal_size(sys.stderr.fileno()).columns - 1
        print("\r" + text[:width].ljust(width), end="\r", file=sys.stderr, flush=True)


if __name__ == "__main__":
    _torch.keep_freed_memory()
    sys.exit(main())
