"""The benchmark on CUDA, with stand-ins for a device: what it runs, compares and prints.

Figures mean nothing here; a name that is wrong, sides that do not do the same, or a table that
cannot be laid out fail.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import host_cupy
import host_torch
import numpy as np
import pytest

import striate
from striate import _backend
from striate._backend import _libraries
from striate._registry import OPS

sys.path.insert(0, str(Path(__file__).parents[2]))  # the benchmark is not part of the package

from bench import _torch, report
from bench.cuda import __main__ as command
from bench.cuda import device, measure, precision, tables
from bench.suites import conv, ops, training


@pytest.fixture(params=["emulated"])
def torch(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """PyTorch and CuPy on the host, with the emulated kernels."""
    if importlib.util.find_spec("striate._cuda_emulated") is None:
        pytest.skip("built without STRIATE_CUDA_EMULATED")
    stand_in = host_torch.module()
    for name, module in (("torch", stand_in), ("cupy", host_cupy.module())):
        monkeypatch.setitem(sys.modules, name, module)
        monkeypatch.delitem(_libraries._known, name, raising=False)
    monkeypatch.setattr(_torch, "load", lambda: stand_in)
    monkeypatch.setitem(_backend._loaded, "cuda", importlib.import_module("striate._cuda_emulated"))
    monkeypatch.setattr(device, "_FLUSH", 1 << 10)
    yield stand_in
    striate.set_precision("fast")
    for name in ("torch", "cupy"):
        _libraries._known.pop(name, None)


TINY = (
    conv.Layer("alexnet.conv2", (), 4, 9, 6, 5, padding=2, groups=2),
    conv.Layer("resnet50.conv3.down", (), 6, 8, 8, 1, stride=2),
    conv.Layer("mobilenet.conv1", (), 3, 8, 4, 3),
)


@pytest.mark.parametrize("name", ["convolutions", "exact"])
def test_convolutions(
    name: str,
    torch: Any,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    table = tables.TABLES[name]
    seen: set[tuple[str, bool, bool]] = set()

    def convolution(*arguments: Any) -> Any:
        backends = torch.backends
        tf32 = backends.cuda.matmul.allow_tf32, backends.cudnn.allow_tf32
        seen.add((striate.get_precision(), *tf32))
        return host_torch._conv2d(*arguments)

    torch.nn.functional.conv2d = convolution
    few = replace(
        table,
        cases=lambda _: conv.cuda_cases(precision.TOLERANCE[table.precision], TINY, batch=2),
    )
    monkeypatch.setitem(tables.TABLES, name, few)
    path = tmp_path / "conv.json"
    assert command.main([name, "--quick", "--json", str(path)]) == 0
    rows = report.read_json(path)["rows"]
    assert [row["error"] for row in rows] == [None] * 6
    assert [row["class"] for row in rows] == ["alexnet"] * 3 + ["resnet50"] * 3
    assert [row["direction"] for row in rows] == ["forward", "dx", "dw"] * 2
    assert all(set(row["seconds"]) == {"striate", "torch"} for row in rows)
    assert all(row["precision"] == table.precision for row in rows)
    fast = name == "convolutions"
    assert seen == {("fast" if fast else "exact", fast, fast)}
    assert all(("tensor cores" in row["algorithm"]) == fast for row in rows[3:])
    out = capsys.readouterr().out
    assert "TFLOP/s" in out
    assert re.search(r"^alexnet +[\d.]+x +[\d.]+x +[\d.]+x +[\d.]+x$", out, re.MULTILINE)
    assert re.search(r"^all +", out, re.MULTILINE)
    # What was set before is set again.
    assert striate.get_precision() == "fast"
    assert (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32) == (False, True)


def test_sides_that_differ_are_an_error(torch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.nn.functional.conv2d = lambda x, w, *window: host_torch._conv2d(x, x, None, *window)
    few = replace(tables.TABLES["exact"], cases=lambda _: conv.cuda_cases(1e-3, TINY, batch=2))
    monkeypatch.setitem(tables.TABLES, "exact", few)
    assert command.main(["exact", "--quick", "--only", "conv2d alexnet"]) == 1


def test_operations(
    torch: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ops, "TORCH", {})
    pattern = "^(relu|bias_grad) "
    monkeypatch.setitem(
        tables.TABLES,
        "operations",
        replace(tables.TABLES["operations"], cases=lambda _: ops.cuda_cases(1 / 32, 4e-3)),
    )
    assert command.main(["operations", "--quick", "--only", pattern]) == 0
    out = capsys.readouterr().out
    for name in ("relu", "bias_grad"):
        assert re.search(rf"^{name} .* GB/s +\d+%$", out, re.MULTILINE), out


def test_sides_have_arrays_of_their_own(torch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def side(torch: Any, arguments: Any) -> Any:
        seen.update(arguments)
        return lambda: arguments["params"]

    monkeypatch.setitem(ops.TORCH, "sgd_step", side)
    op = OPS["sgd_step"]
    sample = next(s for s in op.samples(np.random.default_rng(0)) if s.args[0][0].size)
    sides = ops.cuda_sides(op, sample, torch)
    theirs = seen["params"][0].values.copy()
    ours, *_ = sides.check["striate"]()
    assert isinstance(ours, host_torch.Tensor)
    assert not np.array_equal(ours.values, theirs)
    assert np.array_equal(seen["params"][0].values, theirs)


def test_every_operation_with_a_kernel_has_a_row(torch: Any) -> None:
    names = {case.op for case in ops.cuda_cases(1, 4e-3)}
    assert names == set(dir(_backend.cuda_kernels())) & set(striate.ops.__all__)


def test_training_step(
    torch: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # PyTorch's side is played by striate on the CPU, which must give the same gradients.
    def on_cpu(torch: Any, net: Any, x: Any, labels: Any, place: str) -> Any:
        assert place == "cuda"
        return training._striate_step(net, x, labels)

    monkeypatch.setattr(training, "_torch_step", on_cpu)
    assert command.main(["training", "--quick"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"^training step digits' network N=32 .* TFLOP/s +\d+%$", out, re.MULTILINE)


def test_what_is_missing_is_named(
    torch: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table = replace(tables.TABLES["training"], needs=("no_such_module",))
    monkeypatch.setitem(tables.TABLES, "training", table)
    assert command.main(["training", "--quick"]) == 0
    assert "skipped: no_such_module is not installed" in capsys.readouterr().out


def test_every_shape_of_the_networks_is_there() -> None:
    counts = {n: sum(layer.network == n for layer in conv.LAYERS) for n in conv.NETWORKS}
    assert counts == {"alexnet": 5, "vgg16": 9, "resnet50": 23}
    shapes = [replace(layer, name=layer.network, batches=()) for layer in conv.LAYERS]
    assert len(set(shapes)) == len(shapes)


def test_both_commands_reach_the_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    from bench import __main__ as bench

    calls: list[tuple[Any, ...]] = []
    monkeypatch.setattr(measure, "measure", lambda *a: calls.append(a) or 0)
    assert bench.main(["--device", "cuda", "--quick"]) == 0
    assert bench.main(["conv", "--device", "cuda"]) == 0
    assert bench.main(["busy", "--device", "cuda"]) == 2
    assert [list(names) for names, *_ in calls] == [list(tables.TABLES), ["convolutions", "exact"]]
    assert [quick for _, quick, *_ in calls] == [True, False]


def test_a_name_that_is_none() -> None:
    with pytest.raises(SystemExit):
        command.main(["no such table"])


def test_it_keeps_the_host_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the events nothing is waited for, and cold calls never follow each other."""
    torch: Any = host_torch.module()
    log: list[str] = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: log.append("wait"))
    monkeypatch.setattr(host_torch._Event, "record", lambda self: log.append("event"))
    monkeypatch.setattr(host_torch._Event, "elapsed_time", lambda self, end: 1.0)
    monkeypatch.setattr(host_torch.Tensor, "zero_", lambda self: log.append("flush"))
    monkeypatch.setattr(device, "_FLUSH", 1 << 10)
    for cold in (True, False):
        clock = device.Clock(torch, cold=cold)
        log.clear()
        assert clock(lambda: log.append("call"), True) > 0
        text = "".join(word[0] for word in log)
        calls = r"(f+ece)+" if cold else r"f+ec+e"
        assert re.fullmatch(rf"cwcw{calls}w", text), text
