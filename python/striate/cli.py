"""The command `striate`."""

from __future__ import annotations

import argparse
import ast
import math
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

# Those that need no arguments.
_INITIALIZERS = (
    "kaiming_normal",
    "kaiming_uniform",
    "lecun_normal",
    "lecun_uniform",
    "xavier_normal",
    "xavier_uniform",
    "normal",
    "orthogonal",
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
    option("--device", choices=("cpu", "cuda"), default="cpu", help="of the arrays")
    option("--precision", choices=("fast", "exact"), default="fast", help="see set_precision")
    option(
        "--max-workspace", metavar="BYTES", type=_int(0, 2**63 - 1), help="see set_max_workspace"
    )
    explain.set_defaults(run=_explain)

    _add_init_report(commands)

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
    option("--device", default="cpu", help="where to compute: cpu, cuda or cuda:N")
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


def _add_init_report(commands: argparse._SubParsersAction[_Parser]) -> None:
    report = commands.add_parser(
        "init-report",
        help="judge a network's initial weights",
        description="Send one batch through a network and back, and judge each layer. "
        "Without NET, the batch is of handwritten digits.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    option = report.add_argument
    option(
        "net",
        nargs="?",
        metavar="NET",
        help="package.module:function, called without arguments; without it, the network of "
        "`striate train digits`",
    )
    option("--input", type=_shape, help="NET's input, such as 64,3,32,32: normal random numbers")
    option("--init", choices=_INITIALIZERS, default=_INITIALIZERS[0], help="the weights, not NET's")
    option("--depth", type=_int(1, 1000), help="so many 3x3 convolutions with ReLU instead")
    option("--seed", type=_int(0, 2**64 - 1), default=0, help="what everything random follows from")
    option("--batch-size", type=_int(1, 10**6), default=256, help="digits in the batch")
    option("--plot", type=Path, help="PNG file to draw the layers' magnitudes to")
    report.set_defaults(run=_init_report)


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


def _shape(text: str) -> tuple[int, ...]:
    try:
        shape = tuple(int(part) for part in text.split(","))
    except ValueError:
        shape = ()
    if not shape or min(shape) < 1:
        raise argparse.ArgumentTypeError(f"must be positive ints and commas. Got {text!r}.")
    return shape


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
        kinds = {"dtype": arguments.dtype, "device": arguments.device}
        print(striate.explain(arguments.op, *positional, **kinds, **named))
    except (TypeError, ValueError, RuntimeError) as error:
        print(f"striate explain: {error}", file=sys.stderr)
        return 2
    return 0


def _train_digits(arguments: argparse.Namespace) -> int:
    import striate
    from striate import _backend, init
    from striate.train import digits

    if "threads" in arguments:
        striate.set_num_threads(arguments.threads)
    try:
        _backend.check_device("striate train", arguments.device)
    except (RuntimeError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    accuracy = digits.run(
        seed=arguments.seed,
        device=arguments.device,
        epochs=arguments.epochs,
        weight_init=getattr(init, arguments.init)(),
        lr=arguments.lr,
        batch_size=arguments.batch_size,
        out=arguments.out,
    )
    print(f"test accuracy {accuracy:.2%}")
    return 0


def _init_report(arguments: argparse.Namespace) -> int:
    from striate import data, init
    from striate.train import digits

    weights, seed = getattr(init, arguments.init)(), arguments.seed
    if arguments.net is not None:
        if arguments.input is None:
            print("striate init-report: NET needs --input.", file=sys.stderr)
            return 2
        net, labels = _load(arguments.net), None
        batch = init.Stream(seed).normal(arguments.input)
    else:
        images, labels = data.digits()[0][: arguments.batch_size]
        batch = (images - images.mean()) / images.std()
        if arguments.depth is None:
            net = digits.network(seed, weights)
        else:
            net = digits.deep_network(arguments.depth, seed, weights)
    report = init.report(net, batch, labels, rng=seed)
    print(report)
    if arguments.plot is not None:
        title = arguments.net or f"{arguments.init}, seed {seed}"
        report.plot(arguments.plot, title=f"magnitudes by depth: {title}")
    return 0


def _load(name: str) -> Any:
    """Call the function that "package.module:function" names, and return the net that it makes."""
    from importlib import import_module

    from striate import nn

    module, _, function = name.partition(":")
    sys.path.insert(0, "")  # as `python -m` does
    make = getattr(import_module(module), function, None)
    net = make() if callable(make) else None
    if not isinstance(net, nn.Module):
        raise ImportError(f"init-report: {name} must be a function that makes a net.")
    return net
