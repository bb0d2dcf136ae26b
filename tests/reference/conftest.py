from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(2012)


@pytest.fixture
def torch() -> ModuleType:
    return pytest.importorskip("torch")
