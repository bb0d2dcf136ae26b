"""Every example in a docstring runs and prints what it says; every operation's module has one."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest

import striate

MODULES = [
    m.name
    for m in pkgutil.walk_packages(striate.__path__, "striate.")
    if not m.name.startswith(("striate._core", "striate._cuda")) and not m.name.endswith("__main__")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module(name)
    monkeypatch.chdir(tmp_path)  # where an example may write
    result = doctest.testmod(module)
    assert result.failed == 0
    if name.startswith("striate.ops."):
        assert result.attempted > 0
