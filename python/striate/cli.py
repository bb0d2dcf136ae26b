"""The command `striate`."""

from __future__ import annotations

import argparse
import ast
import math
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

_INITIALIZERS = (
    "kaiming_normal",
    "kaiming_uniform",
    "lecun_normal",
    "lecun_uniform",
    "xavier_normal",
    "xavier_uniform",
    "normal",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        The exit code: 0, 1 when something failed, 130 after Ctrl-C. A wrong argument exits with 2.
    """
    parsed = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = parsed.run
    try:
        return run(parsed)
    except KeyboardInterrupt:
        print("striate: interrupted", file=sys.stderr)
        return 130
    except (ImportError, OSError, FloatingPointError) as error:
        print(f"striate: {error}", file=sys.stderr)
        return 1


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")  # one line, without the usage


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="striate", description="Fast layers for NumPy arrays.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    info = commands.add_parser("info", help="show version, instruction set, threads and CUDA")
    info.set_defaults(run=_info)

    verify = commands.add_parser("verify", help="check every kernel against the NumPy reference")
    verify.set_defaults(run=_verify)

    explain = commands.add_parser(
        "explain",
        help="tell which algorithm a call runs, and why",
        description="Tell which algorithm a call runs, and why; nothing is computed.",
        epilog="example: striate explain conv2d 8,64,56,56 64,64,3,3 padding=1",
    )
    option = explain.add_argument
    option("op", metavar="OP", help="a function of striate.ops")
    option(
        "arguments",
        metavar="ARGUMENT",
        nargs="*",
        type=_call_argument,
        help="what the call is given, VALUE or NAME=VALUE; an array is given by its shape, as 2,3",
    )
    option("--dtype", choices=("float32", "float64"), default="float32", help="of the arrays")
    option("--precision", choices=("fast", "exact"), default="fast", help="see set_precision")
    option(
        "--max-workspace", metavar="BYTES", type=_int(0, 2**63 - 1), help="see set_max_workspace"
    )
    explain.set_defaults(run=_explain)

    train = commands.add_parser("train", help="train a network")
    tasks = train.add_subparsers(required=True, metavar="TASK")
    digits = tasks.add_parser(
        "digits",
        help="handwritten digits",
        description="Train a small AlexNet-style network on handwritten digits.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    option = digits.add_argument
    option("--seed", type=_int(0, 2**64 - 1), default=0, help="what everything random follows from")
    option("--epochs", type=_int(1, 10**6), default=40, help="passes through the training set")
    option("--init", choices=_INITIALIZERS, default=_INITIALIZERS[0], help="initial weights")
    option("--lr", type=_positive, default=0.05, help="highest learning rate")
    option("--batch-size", type=_int(1, 10**6), default=32, help="images per step")
    option(
        "--threads", type=_int(1, 1024), help="threads to compute with", default=argparse.SUPPRESS
    )
    option("--out", type=_folder, default=Path("runs/digits"), help="folder for the results")
    digits.set_defaults(run=_train_digits)
    return parser


def _call_argument(text: str) -> tuple[str | None, object]:
    """Read VALUE or NAME=VALUE; a value that is no Python literal stands for itself."""
    name, equals, value = text.rpartition("=")
    try:
        parsed = ast.literal_eval(value)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        parsed = value
    return (name if equals else None), parsed


def _int(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"must be an integer. Got {text!r}.") from None
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"must be in [{low}, {high}]. Got {text}.")
        return value

    return parse


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"must be a positive number. Got {text!r}.")
    return value


def _folder(text: str) -> Path:
    path = Path(text)
    if path.exists() and not path.is_dir():
        raise argparse.ArgumentTypeError(f"must be a folder. Got {text!r}.")
    return path


def _info(_: argparse.Namespace) -> int:
    import numpy as np

    import striate
    from striate import _backend, _core

    problem = _backend.cuda_problem()
    build, threads = striate.build_info(), _core.thread_info()
    if os.environ.get("STRIATE_NUM_THREADS"):
        reason = "STRIATE_NUM_THREADS"
    else:
        quota = threads["cgroup_quota"]
        granted = "no cgroup quota" if quota is None else f"cgroup quota of {quota:g}"
        reason = f"{threads['affinity']} processors in the affinity mask, {granted}"
    rows = {
        "striate": f"{build['version']} ({build['build_type']}, {build['compiler']})",
        "NumPy": np.__version__,
        "instruction set": f"{_core.isa()} (available: {', '.join(_core.available_isas())})",
        "threads": f"{striate.get_num_threads()} ({reason})",
        "CUDA": "yes" if problem is None else f"no: {problem}",
    }
    if build["cuda"]:
        rows["CUDA build"] = f"{build['cuda_version']} (code for {build['cuda_architectures']})"
    for name, value in rows.items():
        print(f"{name:<16} {value}")
    return 0


def _verify(_: argparse.Namespace) -> int:
    import striate

    return 0 if striate.verify() else 1


def _explain(arguments: argparse.Namespace) -> int:
    import striate

    striate.set_precision(arguments.precision)
    striate.set_max_workspace(arguments.max_workspace)
    positional = [value for name, value in arguments.arguments if name is None]
    named = {name: value for name, value in arguments.arguments if name is not None}
    try:
        print(striate.explain(arguments.op, *positional, dtype=arguments.dtype, **named))
    except (TypeError, ValueError) as error:
        print(f"striate explain: {error}", file=sys.stderr)
        return 2
    return 0


def _train_digits(arguments: argparse.Namespace) -> int:
    import striate
    from striate import init
    from striate.train import digits

    if "threads" in arguments:
        striate.set_num_threads(arguments.threads)
    accuracy = digits.run(
        seed=arguments.seed,
        epochs=arguments.epochs,
        weight_init=getattr(init, arguments.init)(),
        lr=arguments.lr,
        batch_size=arguments.batch_size,
        out=arguments.out,
    )
    print(f"test accuracy {accuracy:.2%}")
    return 0
