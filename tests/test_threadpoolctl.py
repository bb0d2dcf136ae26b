"""threadpoolctl sees and limits the thread pool."""

from __future__ import annotations

import pytest

import striate

threadpoolctl = pytest.importorskip("threadpoolctl")


def _pools() -> list[dict[str, object]]:
    return [pool for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "striate"]


def test_is_seen_once() -> None:
    (pool,) = _pools()
    assert pool["num_threads"] == striate.get_num_threads()
    assert pool["version"] == striate.__version__


@pytest.mark.parametrize("limits", [1, {"striate": 1}])
def test_is_limited_and_restored(limits: object) -> None:
    before = striate.get_num_threads()
    striate.set_num_threads(3)
    try:
        with threadpoolctl.threadpool_limits(limits):
            assert striate.get_num_threads() == 1
        assert striate.get_num_threads() == 3
    finally:
        striate.set_num_threads(before)
