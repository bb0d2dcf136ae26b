from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import numpy as np
import pytest

import striate
from striate import _core

# A child that hangs is a failure; a slow machine is none.
TIMEOUT = 120


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(2012)


@pytest.fixture(autouse=True)
def plan_options() -> Iterator[None]:
    """Sets precision and workspace back."""
    assert (striate.get_precision(), striate.get_max_workspace()) == ("fast", None)
    yield
    striate.set_precision("fast")
    striate.set_max_workspace(None)


@pytest.fixture
def threads() -> Iterator[Callable[[int], None]]:
    """Sets the number of threads for one test."""
    before = _core.get_num_threads()
    yield _core.set_num_threads
    _core.set_num_threads(before)


@pytest.fixture(params=_core.available_isas())
def isa(request: pytest.FixtureRequest) -> Iterator[str]:
    """Runs a test once for each instruction set of this machine."""
    before = _core.isa()
    _core.set_isa(request.param)
    assert _core.isa() == request.param
    yield request.param
    _core.set_isa(before)


@pytest.fixture
def python() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a script in a fresh interpreter, with these changes to the environment."""

    def run(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("STRIATE_")}
        return subprocess.run(
            [sys.executable, "-c", script],
            env={**kept, **environment},
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )

    return run
