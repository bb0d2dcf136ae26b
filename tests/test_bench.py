from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from striate import ops

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # the benchmark is part of the repository, not of the package

from bench import busy, case, harness, report, report_conv, suites  # noqa: E402
from bench.case import Case, Sides  # noqa: E402
from bench.suites import conv  # noqa: E402


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench", *arguments]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.fixture(scope="module")
def relu_json(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bench") / "relu.json"
    done = bench("--quick", "--only", "^relu", "--threads", "1", "--json", str(path))
    assert done.returncode == 0, done.stdout + done.stderr
    return path


def test_json_holds_machine_ceilings_and_figures(relu_json: Path) -> None:
    result = json.loads(relu_json.read_text())
    assert result["machine"]["threads"] == 1
    assert result["machine"]["cpu"]
    assert result["machine"]["isa"]
    assert set(result["ceilings"]["fma_gflops"]) == {"float32", "float64"}
    assert [row["op"] for row in result["rows"]] == ["relu", "relu_grad"]
    for row in result["rows"]:
        assert row["error"] is None
        assert row["unit"] == "bytes"
        assert row["work"] > 0
        assert row["rate"] > 0
        assert row["share"] > 0
        assert {"striate", "reference"} <= set(row["seconds"])
        for side, seconds in row["seconds"].items():
            assert 0 < seconds == min(row["rounds"][side])
            assert len(row["rounds"][side]) >= 1


def test_compare(relu_json: Path) -> None:
    done = bench("compare", str(relu_json), str(relu_json))
    assert done.returncode == 0, done.stderr
    rows = [line for line in done.stdout.splitlines() if line.startswith("relu")]
    assert len(rows) == 2
    assert all("1.00x" in row for row in rows)


def test_compare_names_what_only_one_run_has(relu_json: Path) -> None:
    a = report.read_json(relu_json)
    b = {**a, "machine": {**a["machine"], "threads": 7}, "rows": a["rows"][:1]}
    lines = report.compare(a, b).splitlines()
    assert "threads differs: 1 and 7" in lines
    assert f"{report.name(a['rows'][1])}: only in A" in lines


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": 0}', "\udc80"])
def test_compare_refuses_other_files(text: str, tmp_path: Path, relu_json: Path) -> None:
    other = tmp_path / "other.json"
    other.write_bytes(text.encode("utf-8", "surrogateescape"))
    done = bench("compare", str(relu_json), str(other))
    assert done.returncode == 2
    assert done.stderr == f"bench: {other} is no report of this benchmark.\n"


def test_explain_and_no_match() -> None:
    done = bench("--quick", "--only", "^relu", "--explain")
    assert done.returncode == 0
    assert "x read and y written" in done.stdout
    done = bench("--only", "no such row")
    assert done.returncode == 2
    assert "no row matches" in done.stderr


def test_every_op_and_the_training_step_have_rows() -> None:
    for quick in (True, False):
        names = [c.name for c in suites.cases(quick)]
        assert len(names) == len(set(names))
        assert {c.op for c in suites.cases(quick)} == {*ops.__all__, "training step"}


def two_sides(ours: Any, theirs: Any) -> Case:
    run = {"striate": lambda: ours, "reference": lambda: theirs}
    return Case("op", "label", "flops", "", 1e-3, lambda _: Sides(run, run, 1.0))


def test_disagreement_is_an_error_without_timing() -> None:
    row = harness.measure(two_sides(np.ones(3), np.array([1.0, 1.0, 1.01])), quick=True)
    assert row.error is not None
    assert "differs from reference" in row.error
    assert not row.seconds
    assert "error" in report.table([row.as_json()])


def test_a_slower_row_gets_more_rounds_on_both_sides() -> None:
    seconds = {"striate": 2.0, "reference": 9.0, "torch": 1.0}
    run = {side: (lambda side=side: side) for side in seconds}
    check = dict.fromkeys(run, lambda: np.ones(3))
    slow = Case("op", "label", "flops", "", 1e-3, lambda _: Sides(run, check, 1.0))

    def clock(run: Callable[[], Any], quick: bool) -> float:
        return seconds[run()]

    row = harness.measure(slow, quick=True, clock=clock)
    assert harness.is_slower(row)
    before = {side: len(rounds) for side, rounds in row.rounds.items()}
    seconds.update(striate=0.5, torch=3.0)
    harness.look_again(slow, row, quick=True, clock=clock)
    assert not harness.is_slower(row)
    assert row.seconds == {"striate": 0.5, "reference": 9.0, "torch": 1.0}
    assert len(row.rounds["reference"]) == before["reference"]
    assert all(len(row.rounds[side]) > before[side] for side in ("striate", "torch"))


def test_failure_is_an_error() -> None:
    def fail(_: Any) -> Sides:
        raise ValueError("no such thing")

    row = harness.measure(Case("op", "label", "flops", "", 1e-3, fail), quick=True)
    assert row.error == "ValueError: no such thing"


@pytest.mark.parametrize(
    ("theirs", "agrees"),
    [
        (np.ones(3), True),
        (np.ones(3) + 1e-4, True),
        (np.ones(3) + 1e-2, False),
        (np.ones(4), False),
        (np.full(3, np.nan), False),
    ],
)
def test_agreement(theirs: Any, agrees: bool) -> None:
    message = case.disagreement({"striate": np.ones(3), "reference": theirs}, 1e-3)
    assert (message is None) == agrees


def test_without_a_device_it_says_so() -> None:
    from striate import _backend

    if _backend.cuda_problem() is None:
        pytest.skip("there is a device")
    done = bench("--device", "cuda", "--only", "relu")
    assert done.returncode == 0
    assert done.stdout.startswith("skipped: ")


def test_plot(relu_json: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from bench import plot

    rows = report.read_json(relu_json)["rows"]
    plot.draw(tmp_path / "bars.png", rows, "a machine")
    assert (tmp_path / "bars.png").read_bytes().startswith(b"\x89PNG")


def test_plot_of_convolutions(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from bench import plot

    rows: list[dict[str, Any]] = [
        {
            "error": None,
            "class": kind,
            "label": kind,
            "direction": direction,
            "seconds": {"striate": 1.0, "torch": ratio},
        }
        for kind, direction, ratio in [
            ("5x5", "forward", 2.0),
            ("5x5", "dx", 0.5),
            ("1x1", "dx", 1),
        ]
    ]
    chart = plot._by_direction(rows)
    assert chart.lines == ["5x5", "1x1"]
    assert list(chart.panels.values()) == [[2.0, None], [0.5, 1.0]]
    assert chart.groups == {"5x5": 0, "1x1": 1}
    plot.draw(tmp_path / "bars.png", rows, "a machine")
    assert (tmp_path / "bars.png").read_bytes().startswith(b"\x89PNG")


def test_every_class_of_convolutions_has_rows() -> None:
    for quick in (True, False):
        names = [c.name for c in conv.cases(quick)]
        assert len(names) == len(set(names))
    kinds = [c.facts["class"] for c in conv.cases(False)]
    assert list(dict.fromkeys(kinds)) == list(conv.CLASSES)
    assert {c.op for c in conv.cases(False)} == set(conv.DIRECTIONS)
    assert any(busy.chosen(c) for c in conv.cases(False))


def test_convolutions(tmp_path: Path) -> None:
    path = tmp_path / "conv.json"
    options = "--quick", "--threads", "1", "--only", "resnet50.conv5", "--json", str(path)
    done = bench(*options, "conv", "--classes", "batch 1", "--only", "mobilenet.dw7 ")
    assert done.returncode == 0, done.stdout + done.stderr
    result = report.read_json(path)
    assert result["machine"]["threads"] == 1
    assert [row["direction"] for row in result["rows"]] == ["forward", "dx", "dw"]
    for row in result["rows"]:
        assert row["label"] == "mobilenet.dw7 N=1"
        assert row["class"] == "batch 1"
        assert row["algorithm"] in done.stdout
        assert row["workspace_bytes"] >= 0
    assert bench("compare", str(path), str(path)).stdout.count("1.00x") >= 3
    assert bench("conv", "--classes", "9x9").returncode == 2


def test_packed_weights_have_rows_at_batch_1(tmp_path: Path) -> None:
    path = tmp_path / "packed.json"
    done = bench("--quick", "--threads", "1", "--only", "pw7 N=1", "--json", str(path), "conv")
    assert done.returncode == 0, done.stdout + done.stderr
    rows = report.read_json(path)["rows"]
    assert [row["direction"] for row in rows] == ["forward", "dx", "dw", "forward"]
    assert [row["label"].endswith(" packed") for row in rows] == [False, False, False, True]
    assert rows[-1]["class"] == "batch 1 packed"
    assert rows[-1]["error"] is None
    assert all(c.facts["algorithm"] != "direct" for c in conv.cases(False) if "packed" in c.label)


def test_means_are_geometric_and_name_what_is_slower() -> None:
    def row(op: str, kind: str, theirs: float) -> dict[str, Any]:
        facts = {"class": kind, "direction": conv.DIRECTIONS[op], "label": kind, "op": op}
        work = {"algorithm": "direct", "workspace_bytes": 0, "rate": 1.0, "share": 0.5}
        return {"error": None, "seconds": {"striate": 1.0, "torch": theirs}, **facts, **work}

    rows = [row("conv2d", "5x5", 4.0), row("conv2d", "1x1", 1.0), row("conv2d", "5x5", 0.25)]
    text = report_conv.table([*rows, row("conv2d_input_grad", "1x1", 9.0)])
    means = {line.split()[0]: line.split()[1:] for line in text.splitlines()[-6:] if line}
    assert means["5x5"] == ["1.00x", "1.00x"]
    assert means["1x1"] == ["1.00x", "9.00x", "3.00x"]
    assert means["all"] == ["1.00x", "9.00x", "1.73x"]
    assert text.endswith("1 of 4 rows below 1x: conv2d 5x5 (0.25x)")


def test_busy() -> None:
    done = bench("--quick", "--threads", "1", "--only", "conv2d mobilenet.dw7", "busy")
    assert done.returncode == 0, done.stdout + done.stderr
    row = next(line for line in done.stdout.splitlines() if line.startswith("conv2d mobilenet.dw7"))
    assert 0.1 < float(row.split()[-1]) < 10
    assert "geometric mean of the speeds: striate" in done.stdout


def test_accuracy(tmp_path: Path) -> None:
    path = tmp_path / "accuracy.json"
    done = bench("accuracy", "--quick", "--json", str(path))
    assert done.returncode == 0, done.stdout + done.stderr
    rows = report.read_json(path)["rows"]
    assert len(rows) == 4 * 3
    for row in rows:
        assert 0 < row["exact"]["error"] < 2e-6
        assert 0 < row["fast"]["error"] < 2e-5
        assert "Winograd" not in row["exact"]["algorithm"]
    assert bench("accuracy", "--only", "9x9").returncode == 2
