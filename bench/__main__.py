"""The command line of the benchmark."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from . import _torch, machine, plot, report, report_conv
from .case import Case


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; the exit code is 1 where a row failed or the sides disagree, else 0."""
    parsed = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = parsed.run
    if parsed.device == "cuda":
        return _on_cuda(parsed)
    return run(parsed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Time striate against its NumPy reference and, where it is installed, PyTorch.",
    )
    _add_options(
        parser, {"quick": False, "only": None, "threads": None, "json": None, "device": "cpu"}
    )
    parser.add_argument("--plot", metavar="FILE.png", type=Path, help="draw the ratios")
    parser.add_argument("--explain", action="store_true", help="print what rows count, and stop")
    parser.set_defaults(run=_operations)

    commands = parser.add_subparsers()
    compare = commands.add_parser("compare", help="show what changed between two --json files")
    compare.add_argument("a", metavar="A.json", type=Path)
    compare.add_argument("b", metavar="B.json", type=Path)
    compare.set_defaults(run=_compare)

    conv = commands.add_parser("conv", help="convolutions of well-known networks, by class")
    _add_options(conv)
    option = conv.add_argument
    option("--plot", metavar="FILE.png", type=Path, help="draw the ratios", default=_PARENTS)
    option("--classes", metavar="PATTERN", type=_pattern, help="classes that have this regex")
    conv.set_defaults(run=_convolutions)

    busy = commands.add_parser("busy", help="convolutions while another process takes a processor")
    _add_options(busy)
    busy.set_defaults(run=_busy)

    accuracy = commands.add_parser("accuracy", help="the convolutions' errors against float64")
    _add_options(accuracy)
    accuracy.set_defaults(run=_accuracy)
    return parser


_PARENTS = argparse.SUPPRESS  # what is not given after the command may be given before it


def _add_options(
    parser: argparse.ArgumentParser, defaults: Mapping[str, object] | None = None
) -> None:
    option = parser.add_argument
    option("--quick", action="store_true", help="small sizes and few rounds", default=_PARENTS)
    option(
        "--only",
        metavar="PATTERN",
        type=_pattern,
        help="rows that have this regex in their name",
        default=_PARENTS,
    )
    option("--threads", metavar="N", type=int, help="threads of every side", default=_PARENTS)
    option("--json", metavar="FILE", type=Path, help="write all figures", default=_PARENTS)
    option("--device", choices=("cpu", "cuda"), help="where to compute", default=_PARENTS)
    parser.set_defaults(**(defaults or {}))


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no regex: {error}") from None


def _operations(parsed: argparse.Namespace) -> int:
    # striate before PyTorch: under OMP_PROC_BIND the latter pins this thread, and striate's threads
    # would take its mask for what the process may use.
    import striate  # noqa: F401

    from .suites import cases

    chosen = _choose(parsed, cases(parsed.quick))
    if chosen and parsed.explain:
        print(report.explain(chosen))
        return 0
    return _run(parsed, chosen, report.table)


def _convolutions(parsed: argparse.Namespace) -> int:
    import striate  # noqa: F401

    from .suites import conv

    chosen = _choose(parsed, conv.cases(parsed.quick))
    if parsed.classes:
        chosen = [case for case in chosen if parsed.classes.search(case.facts["class"])]
    return _run(parsed, chosen, report_conv.table)


def _on_cuda(parsed: argparse.Namespace) -> int:
    import striate  # noqa: F401

    from .cuda.measure import measure
    from .cuda.tables import TABLES

    tables = {_operations: list(TABLES), _convolutions: ["convolutions", "exact"]}
    if parsed.run not in tables:
        print("bench: this is for the CPU alone", file=sys.stderr)
        return 2
    return measure(tables[parsed.run], parsed.quick, parsed.only, parsed.json)


def _choose(parsed: argparse.Namespace, cases: Sequence[Case]) -> list[Case]:
    return [c for c in cases if not parsed.only or parsed.only.search(c.name)]


def _run(
    parsed: argparse.Namespace,
    cases: Sequence[Case],
    table: Callable[[Sequence[dict[str, Any]]], str],
) -> int:
    """Measure all cases and report them."""
    from .ceilings import Ceilings
    from .harness import LOOKS, is_slower, look_again, measure

    if not cases:
        print("bench: no row matches", file=sys.stderr)
        return 2
    if parsed.plot and not plot.available():
        print("bench: --plot needs matplotlib: pip install 'striate[bench]'", file=sys.stderr)
        return 2

    machine.set_threads(parsed.threads)
    ceilings = Ceilings(parsed.quick)
    measured = []
    for i, case in enumerate(cases):
        _progress(f"{i + 1}/{len(cases)} {case.name}")
        measured.append(measure(case, parsed.quick))
        if not measured[-1].error:
            ceilings.probe(measured[-1])
    for _ in range(0 if parsed.quick else LOOKS):
        for case, row in zip(cases, measured, strict=True):
            if not row.error and is_slower(row):
                _progress(f"again {case.name}")
                look_again(case, row, parsed.quick)
    _progress("")
    rows = [row.as_json() | ({} if row.error else ceilings.measure(row)) for row in measured]

    described = machine.describe()
    print(report.summary(described, ceilings.as_json()))
    print()
    print(table(rows))
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


def _busy(parsed: argparse.Namespace) -> int:
    import striate  # noqa: F401

    from . import busy
    from .suites import conv

    cases = [c for c in _choose(parsed, conv.cases(parsed.quick)) if parsed.only or busy.chosen(c)]
    if not cases:
        print("bench: no row matches", file=sys.stderr)
        return 2
    machine.set_threads(parsed.threads)
    rows = busy.measure(cases, parsed.quick)
    described = machine.describe()
    print(report.summary(described, None))
    print()
    print(busy.table(rows))
    if parsed.json:
        report.write_json(
            parsed.json, {"format": report.FORMAT, "machine": described, "rows": rows}
        )
    return 0


def _accuracy(parsed: argparse.Namespace) -> int:
    import striate  # noqa: F401

    from . import accuracy

    layers = accuracy.LAYERS[:1] if parsed.quick else accuracy.LAYERS
    if parsed.only:
        layers = tuple(x for x in layers if parsed.only.search(accuracy.name_of(x)))
    if not layers:
        print("bench: no row matches", file=sys.stderr)
        return 2
    machine.set_threads(parsed.threads)
    rows = accuracy.measure(layers)
    described = machine.describe()
    print(report.summary(described, None))
    print()
    print(accuracy.table(rows))
    if parsed.json:
        report.write_json(
            parsed.json, {"format": report.FORMAT, "machine": described, "rows": rows}
        )
    return 0


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
