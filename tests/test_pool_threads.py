"""The thread pool's promises: forks, callers, exits, the float environment, and its size."""

from __future__ import annotations

import contextlib
import ctypes
import ctypes.util
import os
import platform
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from striate import _core, ops

Run = Callable[..., "subprocess.CompletedProcess[str]"]

# Big enough for many chunks.
SETUP = """
import os, sys, threading, time, warnings
import numpy as np
import striate
from striate import ops
warnings.filterwarnings("ignore", category=DeprecationWarning)  # a fork beside threads
striate.set_num_threads(4)
x = np.arange(-500_000.0, 500_000.0)
want = np.maximum(x, 0)
def right():
    return np.array_equal(ops.relu(x), want)
def wait_for(child):
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0, status
"""


def assert_success(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("done"), done


def test_forked_child_computes(python: Run) -> None:
    script = """
assert right()
child = os.fork()
if child == 0:
    ok = all(right() for _ in range(20)) and striate.get_num_threads() == 4
    os._exit(0 if ok else 1)
assert all(right() for _ in range(20))
wait_for(child)
print("done")
"""
    assert_success(python(SETUP + script))


def test_forked_grandchild_computes(python: Run) -> None:
    script = """
assert right()
child = os.fork()
if child == 0:
    assert right()
    grandchild = os.fork()
    if grandchild == 0:
        os._exit(0 if right() else 1)
    wait_for(grandchild)
    os._exit(0)
wait_for(child)
print("done")
"""
    assert_success(python(SETUP + script))


def test_fork_while_another_thread_computes(python: Run) -> None:
    script = """
stop = threading.Event()
wrong = []
def compute():
    while not stop.is_set():
        if not right():
            wrong.append(1)
thread = threading.Thread(target=compute)
thread.start()
for _ in range(10):
    child = os.fork()
    if child == 0:
        os._exit(0 if right() else 1)
    wait_for(child)
stop.set()
thread.join()
assert not wrong
print("done")
"""
    assert_success(python(SETUP + script))


@pytest.mark.parametrize("daemon", [True, False])
def test_exit_while_another_thread_computes(python: Run, daemon: bool) -> None:
    # A daemon thread is left behind in the middle of a kernel; another is waited for.
    script = f"""
started = threading.Event()
def compute():
    end = time.monotonic() + ({3600 if daemon else 1})
    while time.monotonic() < end:
        right()
        started.set()
threading.Thread(target=compute, daemon={daemon}).start()
started.wait()
print("done")
"""
    assert_success(python(SETUP + script))


def test_four_threads_at_once(threads: Callable[[int], None], rng: np.random.Generator) -> None:
    threads(3)
    inputs = [rng.standard_normal((4, 16, 30, 31)).astype(np.float32) for _ in range(4)]
    w = rng.standard_normal((16, 16, 3, 3)).astype(np.float32)

    def compute(x: np.ndarray) -> bytes:
        return ops.relu(ops.conv2d(x, w, padding=1)).tobytes()

    want = [compute(x) for x in inputs]
    got: list[list[bytes]] = [[] for _ in inputs]
    barrier = threading.Barrier(len(inputs))

    def work(i: int) -> None:
        barrier.wait()
        got[i] = [compute(inputs[i]) for _ in range(10)]

    workers = [threading.Thread(target=work, args=(i,)) for i in range(len(inputs))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert all(set(results) == {right} for results, right in zip(got, want, strict=True))


def test_threads_may_be_set_while_others_compute(threads: Callable[[int], None]) -> None:
    x = np.arange(-300_000.0, 300_000.0)
    want, wrong = np.maximum(x, 0), []
    stop = threading.Event()

    def compute() -> None:
        while not stop.is_set():
            if not np.array_equal(ops.relu(x), want):
                wrong.append(1)

    worker = threading.Thread(target=compute)
    worker.start()
    for i in range(200):
        threads(1 + i % 5)
    stop.set()
    worker.join()
    assert not wrong


# The float environment.

X86_64 = platform.machine() in ("x86_64", "AMD64")
MXCSR_OFFSET = 28  # in glibc's fenv_t for x86-64
FLUSH_TO_ZERO, DENORMALS_ARE_ZERO, ROUND_UP = 1 << 15, 1 << 6, 1 << 14


def mxcsr(libm: ctypes.CDLL) -> int:
    environment = ctypes.create_string_buffer(64)
    assert libm.fegetenv(environment) == 0
    return int.from_bytes(environment.raw[MXCSR_OFFSET : MXCSR_OFFSET + 4], "little")


@contextlib.contextmanager
def float_mode(libm: ctypes.CDLL, bits: int) -> Iterator[None]:
    saved, changed = ctypes.create_string_buffer(64), ctypes.create_string_buffer(64)
    assert libm.fegetenv(saved) == 0
    changed.raw = saved.raw
    word = mxcsr(libm) | bits
    changed[MXCSR_OFFSET : MXCSR_OFFSET + 4] = word.to_bytes(4, "little")
    assert libm.fesetenv(changed) == 0
    try:
        yield
    finally:
        libm.fesetenv(saved)


@pytest.mark.skipif(not X86_64 or sys.platform != "linux", reason="reads glibc's x86-64 fenv_t")
@pytest.mark.parametrize("count", [1, 4])
def test_the_callers_float_mode_is_not_seen_and_stays(
    threads: Callable[[int], None], count: int
) -> None:
    threads(count)
    libm = ctypes.CDLL(ctypes.util.find_library("m"))
    x = np.full((4, 4, 60, 60), 1.0, np.float32)
    w = np.full((4, 4, 1, 1), 1e-40, np.float32)  # a denormal number
    third = np.full((1, 1, 1, 1), 1 / 3, np.float32)
    want = [ops.conv2d(x, w), ops.conv2d(x[:, :1], third), ops.relu(w)]
    assert want[0].all()
    with float_mode(libm, FLUSH_TO_ZERO | DENORMALS_ARE_ZERO | ROUND_UP):
        before = mxcsr(libm)
        assert before & FLUSH_TO_ZERO
        got = [ops.conv2d(x, w), ops.conv2d(x[:, :1], third), ops.relu(w)]
        after = mxcsr(libm)
    control = 0xFFC0  # the rest are flags of what has happened
    assert before & control == after & control
    assert [a.tobytes() for a in got] == [a.tobytes() for a in want]


# How many threads there are.


def test_a_busy_neighbour_does_not_stall_it(threads: Callable[[int], None]) -> None:
    # Only that it comes to an end: how fast is for the benchmark to say.
    spin = "import time\nend = time.monotonic() + 60\nwhile time.monotonic() < end: pass"
    cores = len(os.sched_getaffinity(0))
    neighbours = [subprocess.Popen([sys.executable, "-c", spin]) for _ in range(cores)]
    try:
        threads(cores)
        x = np.arange(-100_000.0, 100_000.0)
        want = np.maximum(x, 0)
        assert all(np.array_equal(ops.relu(x), want) for _ in range(200))
    finally:
        for neighbour in neighbours:
            neighbour.kill()
            neighbour.wait()


PRINT_THREADS = "import striate; print(striate.get_num_threads())"


def test_affinity_sets_the_default(python: Run) -> None:
    cores = sorted(os.sched_getaffinity(0))
    for count in {1, len(cores)}:
        pin = f"import os; os.sched_setaffinity(0, {cores[:count]}); "
        info = "import striate._core as c; print(c.thread_info()['affinity'])"
        done = python(f"{pin}{PRINT_THREADS}; {info}")
        threads, affinity = map(int, done.stdout.split())
        assert affinity == count
        assert 1 <= threads <= count


def test_environment_sets_the_number(python: Run) -> None:
    assert python(PRINT_THREADS, STRIATE_NUM_THREADS="3").stdout.split() == ["3"]


@pytest.mark.parametrize("text", ["0", "-1", "two", "2.5", "1025", "9" * 30])
def test_a_wrong_number_in_the_environment_is_an_error(python: Run, text: str) -> None:
    done = python(PRINT_THREADS, STRIATE_NUM_THREADS=text)
    assert done.returncode == 1
    assert "ImportError: STRIATE_NUM_THREADS" in done.stderr


@pytest.mark.parametrize("isa", _core.available_isas())
def test_environment_sets_the_instruction_set(python: Run, isa: str) -> None:
    script = "import striate._core as c; print(c.isa())"
    assert python(script, STRIATE_ISA=isa).stdout.split() == [isa]


def test_the_best_instruction_set_is_the_default(python: Run) -> None:
    script = "import striate._core as c; print(c.isa() == c.available_isas()[0])"
    assert python(script).stdout.split() == ["True"]


def test_an_unknown_instruction_set_is_an_error(python: Run) -> None:
    done = python("import striate", STRIATE_ISA="sse9")
    assert done.returncode == 1
    assert "ImportError: STRIATE_ISA" in done.stderr
    assert "sse9" in done.stderr
    assert _core.available_isas()[0] in done.stderr
    with pytest.raises(ValueError, match="sse9"):
        _core.set_isa("sse9")


# Control groups, as files that look like a container's /proc.


def fake_proc(folder: Path, groups: str, mounts: list[tuple[str, str, str, str]]) -> str:
    """`mounts` are (root, mount point, type, options)."""
    own = folder / "proc" / "self"
    own.mkdir(parents=True)
    (own / "cgroup").write_text(groups)
    lines = [
        f"{30 + i} 25 0:{26 + i} {root} {point} rw shared:{i} master:2 - {kind} src {options}"
        for i, (root, point, kind, options) in enumerate(mounts)
    ]
    (own / "mountinfo").write_text("\n".join(["24 1 8:1 / / rw - ext4 /dev/sda rw", *lines, ""]))
    return str(folder / "proc")


def write(path: Path, **files: str) -> None:
    path.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (path / name.replace("cpu_", "cpu.", 1)).write_text(text + "\n")


def test_no_cgroups_mean_no_quota(tmp_path: Path) -> None:
    assert _core.cgroup_cpu_quota(str(tmp_path / "absent")) == 0
    assert _core.cgroup_cpu_quota(fake_proc(tmp_path, "", [])) == 0


@pytest.mark.parametrize(
    ("text", "quota"),
    [("150000 100000", 1.5), ("max 100000", 0), ("50000 100000", 0.5), ("", 0), ("x y", 0)],
)
def test_cgroup_v2(tmp_path: Path, text: str, quota: float) -> None:
    group = tmp_path / "fs"
    write(group, cpu_max=text)
    proc = fake_proc(tmp_path, "0::/\n", [("/", str(group), "cgroup2", "rw")])
    assert _core.cgroup_cpu_quota(proc) == quota


def test_cgroup_v2_takes_the_tightest_ancestor(tmp_path: Path) -> None:
    mount = tmp_path / "fs"
    write(mount / "a", cpu_max="200000 100000")
    write(mount / "a" / "b", cpu_max="max 100000")
    write(mount / "a" / "b" / "c", cpu_max="400000 100000")
    proc = fake_proc(tmp_path, "0::/a/b/c\n", [("/", str(mount), "cgroup2", "rw")])
    assert _core.cgroup_cpu_quota(proc) == 2


def test_cgroup_v2_below_the_mounts_root(tmp_path: Path) -> None:
    # A container sees its own group mounted, under a path of the host.
    mount = tmp_path / "fs"
    write(mount, cpu_max="300000 100000")
    write(mount / "inner", cpu_max="100000 100000")
    groups = "0::/docker/1234/inner\n"
    proc = fake_proc(tmp_path, groups, [("/docker/1234", str(mount), "cgroup2", "rw")])
    assert _core.cgroup_cpu_quota(proc) == 1


@pytest.mark.parametrize(
    ("quota_us", "quota"), [("250000", 2.5), ("-1", 0), ("0", 0), ("100000", 1)]
)
def test_cgroup_v1(tmp_path: Path, quota_us: str, quota: float) -> None:
    mount = tmp_path / "cpu,cpuacct"
    write(mount / "job", cpu_cfs_quota_us=quota_us, cpu_cfs_period_us="100000")
    groups = "5:memory:/elsewhere\n4:cpu,cpuacct:/job\n1:name=systemd:/x\n"
    mounts = [
        ("/", str(tmp_path / "cpuset"), "cgroup", "rw,cpuset"),
        ("/", str(mount), "cgroup", "rw,cpu,cpuacct"),
    ]
    assert _core.cgroup_cpu_quota(fake_proc(tmp_path, groups, mounts)) == quota


def test_hybrid_cgroups_take_the_tighter(tmp_path: Path) -> None:
    old, new = tmp_path / "v1", tmp_path / "v2"
    write(old, cpu_cfs_quota_us="300000", cpu_cfs_period_us="100000")
    write(new, cpu_max="200000 100000")
    mounts = [("/", str(old), "cgroup", "rw,cpu"), ("/", str(new), "cgroup2", "rw")]
    assert _core.cgroup_cpu_quota(fake_proc(tmp_path, "2:cpu:/\n0::/\n", mounts)) == 2


@pytest.mark.skipif(
    len(os.sched_getaffinity(0)) < 2, reason="the workers can avoid a processor only beside others"
)
def test_workers_keep_off_the_callers_processor(python: Run) -> None:
    script = """
def tasks():
    return {int(t) for t in os.listdir("/proc/self/task")}
before = tasks()
everywhere = os.sched_getaffinity(0)
assert right()
workers = tasks() - before
assert len(workers) == 3, workers
for processor in sorted(everywhere)[:3]:
    os.sched_setaffinity(0, {processor})  # of the main thread alone
    assert right()
    for worker in workers:
        assert os.sched_getaffinity(worker) == everywhere - {processor}
print("done")
"""
    assert_success(python(SETUP + script))
