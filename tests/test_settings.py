"""The package's top level: settings, lazy submodules, and `verify`."""

from __future__ import annotations

import dataclasses
import doctest
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import striate
from striate import _core, _registry, _settings, ops, reference

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def test_threads_can_be_set(threads: Callable[[int], None]) -> None:
    threads(3)
    assert striate.get_num_threads() == 3
    striate.set_num_threads(np.int64(2))
    assert striate.get_num_threads() == 2


@pytest.mark.parametrize("wrong", [0, -1, 1025, 2**70])
def test_a_wrong_number_of_threads_is_an_error(wrong: int) -> None:
    before = striate.get_num_threads()
    with pytest.raises(ValueError, match=f"^set_num_threads: .*{wrong}"):
        striate.set_num_threads(wrong)
    assert striate.get_num_threads() == before


@pytest.mark.parametrize("wrong", [2.0, "2", None, True, [2]])
def test_threads_are_an_int(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"^set_num_threads: threads must be an int\. Got "):
        striate.set_num_threads(wrong)


def test_precision_can_be_set() -> None:
    striate.set_precision("exact")
    assert striate.get_precision() == "exact"
    striate.set_precision("fast")
    assert striate.get_precision() == "fast"


def test_a_wrong_precision_is_an_error() -> None:
    wrong: Any
    for wrong in ("", "Exact", "high"):
        with pytest.raises(ValueError, match=f"^set_precision: .*Got precision='{wrong}'"):
            striate.set_precision(wrong)
    for wrong in (None, 1, True, b"exact"):
        with pytest.raises(TypeError, match=r"^set_precision: precision must be a str\. Got "):
            striate.set_precision(wrong)
    assert striate.get_precision() == "fast"


def test_the_workspace_can_be_bounded() -> None:
    for limit in (0, 1, 2**40, np.int64(7)):
        striate.set_max_workspace(limit)  # type: ignore[arg-type]
        assert striate.get_max_workspace() == limit
    striate.set_max_workspace(None)
    assert striate.get_max_workspace() is None


def test_a_wrong_bound_of_the_workspace_is_an_error() -> None:
    wrong: Any
    for wrong in (-1, -(2**40), 2**70):
        with pytest.raises(ValueError, match=f"^set_max_workspace: .*Got bytes={wrong}"):
            striate.set_max_workspace(wrong)
    for wrong in (1.0, "1", True, [1]):
        with pytest.raises(TypeError, match=r"^set_max_workspace: bytes must be an int\. Got "):
            striate.set_max_workspace(wrong)
    assert striate.get_max_workspace() is None


def test_doctests_pass() -> None:
    result = doctest.testmod(_settings)
    assert result.attempted > 0
    assert result.failed == 0


def test_build_info_tells_the_build() -> None:
    info = striate.build_info()
    assert info["version"] == striate.__version__
    assert set(info) >= {"compiler", "build_type", "isas", "cuda", "cuda_reason"}
    assert _core.isa() in info["isas"]
    assert isinstance(info["cuda"], bool)


def test_the_default_respects_affinity_and_quota() -> None:
    info = _core.thread_info()
    assert 1 <= info["default"] <= info["affinity"]


def test_all_is_there_and_documented() -> None:
    for name in striate.__all__:
        value = getattr(striate, name)
        assert name in dir(striate)
        assert name == "__version__" or value.__doc__
    assert (Path(striate.__file__).with_name("py.typed")).exists()


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'striate' has no attribute 'numpy'"):
        _ = striate.numpy  # type: ignore[attr-defined]


def test_submodules_are_lazy(python: Run) -> None:
    script = """
import sys, striate
lazy = set(striate._SUBMODULES)
assert not [m for m in sys.modules if m.startswith("striate.") and m.split(".")[1] in lazy]
for name in lazy:
    assert getattr(striate, name) is sys.modules[f"striate.{name}"]
print("done")
"""
    done = python(script)
    assert done.stdout.split() == ["done"], done.stderr


def test_import_brings_no_optional_dependency(python: Run) -> None:
    script = """
import sys, striate
for name in ("data", "init", "io", "losses", "nn", "ops", "optim", "train"):
    getattr(striate, name)
print(sorted(set(sys.modules) & {"sklearn", "matplotlib", "rich", "safetensors", "torch"}))
"""
    done = python(script)
    assert done.stdout.strip() == "[]", done.stderr


def test_verify_passes(capsys: pytest.CaptureFixture[str]) -> None:
    assert striate.verify() is True
    text = capsys.readouterr().out
    assert all(name in text for name in ops.__all__)
    assert _core.isa() in text
    assert "MISMATCH" not in text


def break_op(monkeypatch: pytest.MonkeyPatch, name: str, function: Callable[..., Any]) -> None:
    entry = dataclasses.replace(_registry.OPS[name], function=function)
    monkeypatch.setitem(_registry.OPS, name, entry)


def wrong_value(x: Any) -> Any:
    y = reference.relu(x)
    if y.size > 1000:
        y.flat[y.size // 2] += 1e-3
    return y


def wrong_shape(x: Any) -> Any:
    return reference.relu(x).reshape(-1)


def wrong_dtype(x: Any) -> Any:
    return reference.relu(x).astype(np.float64)


def not_a_number(x: Any) -> Any:
    return reference.relu(x) * np.nan


def failing(x: Any) -> Any:
    raise RuntimeError("broken kernel")


@pytest.mark.parametrize("wrong", [wrong_value, wrong_shape, wrong_dtype, not_a_number, failing])
def test_verify_finds_a_broken_op(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    wrong: Callable[..., Any],
) -> None:
    break_op(monkeypatch, "relu", wrong)
    assert striate.verify() is False
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if "MISMATCH" in line] == ["relu"]
    assert wrong is not failing or "broken kernel" in "\n".join(lines)


def test_verify_finds_an_op_without_entry(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(_registry.OPS, "relu")
    assert striate.verify() is False
    assert "relu" in capsys.readouterr().out
