"""The command line, run as users do."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys

import numpy as np
import pytest

import striate
from striate import _backend, cli, io
from striate.train import digits

COMMAND = [sys.executable, "-c", "import sys; from striate.cli import main; sys.exit(main())"]


def striate_command(*arguments, cwd=None, **environment):
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


class TestInfo:
    def test_it_says_what_there_is(self):
        result = striate_command("info")
        assert result.returncode == 0
        assert result.stderr == ""
        rows = dict(re.split(r"  +", line, maxsplit=1) for line in result.stdout.splitlines())
        assert rows["striate"].startswith(striate.__version__)
        assert rows["NumPy"] == np.__version__
        assert rows["instruction set"].split()[0] in striate.build_info()["isas"]
        assert "affinity" in rows["threads"]
        assert rows["CUDA"].startswith("yes" if _backend.cuda_problem() is None else "no: ")

    def test_the_environment_is_a_reason(self):
        result = striate_command("info", STRIATE_NUM_THREADS="3")
        assert re.search(r"^threads +3 \(STRIATE_NUM_THREADS\)$", result.stdout, re.MULTILINE)

    def test_it_loads_no_extra(self):
        code = "import sys; from striate.cli import main; main(['info']); print(*sys.modules)"
        out = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        assert not {"sklearn", "matplotlib", "rich", "striate.train"} & set(out.stdout.split())


@pytest.mark.parametrize(("agree", "code"), [(True, 0), (False, 1)])
def test_verify_tells_by_its_exit_code(monkeypatch, agree, code):
    monkeypatch.setattr(striate, "verify", lambda: agree)
    assert cli.main(["verify"]) == code


class TestWrongArguments:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ("", "COMMAND"),
            ("fly", "invalid choice: 'fly'"),
            ("train", "TASK"),
            ("train letters", "invalid choice: 'letters'"),
            ("train digits --epochs 0", "--epochs: must be in .1, 1000000.. Got 0"),
            ("train digits --epochs many", "--epochs: must be an integer. Got 'many'"),
            ("train digits --seed -1", "--seed: must be in"),
            (f"train digits --seed {2**64}", "--seed: must be in"),
            ("train digits --lr 0", "--lr: must be a positive number. Got '0'"),
            ("train digits --lr nan", "--lr: must be a positive number"),
            ("train digits --lr fast", "--lr: must be a positive number. Got 'fast'"),
            ("train digits --batch-size 0", "--batch-size: must be in"),
            ("train digits --threads 0", "--threads: must be in .1, 1024.. Got 0"),
            ("train digits --init magic", "--init: invalid choice: 'magic'"),
            (f"train digits --out {__file__}", "--out: must be a folder. Got"),
            ("train digits --sed 1", "unrecognized arguments: --sed"),
        ],
    )
    def test_one_line_and_exit_code_2(self, capsys, arguments, message):
        with pytest.raises(SystemExit) as caught:
            cli.main(arguments.split())
        assert caught.value.code == 2
        error = capsys.readouterr().err
        assert re.fullmatch(rf"striate.*: .*{message}.*\n", error)


def train_digits(out, *arguments):
    result = striate_command("train", "digits", "--out", out, *arguments)
    assert result.returncode == 0, result.stderr
    return result


class TestTrainDigits:
    @pytest.fixture(autouse=True)
    def _extra(self):
        pytest.importorskip("sklearn")
        pytest.importorskip("matplotlib")

    def test_what_it_writes(self, tmp_path):
        out = tmp_path / "new" / "folder"
        result = train_digits(out, "--epochs", 2, "--seed", 3)
        assert sorted(path.name for path in out.iterdir()) == [
            "checkpoint.safetensors",
            "curves.png",
            "metrics.json",
        ]
        accuracy = re.fullmatch(r"test accuracy (\d+\.\d\d)%\n", result.stdout)
        metrics = json.loads((out / "metrics.json").read_text())
        assert f"{100 * metrics['test_accuracy']:.2f}" == accuracy[1]
        assert metrics["options"]["seed"] == 3
        assert [epoch["number"] for epoch in metrics["epochs"]] == [1, 2]
        assert (out / "curves.png").read_bytes().startswith(b"\x89PNG")
        assert len(result.stderr.splitlines()) == 2

    def test_the_checkpoint_is_the_network(self, tmp_path):
        result = train_digits(tmp_path, "--epochs", 1)
        tensors = io.load(tmp_path / "checkpoint.safetensors")
        net = digits.network(seed=9)
        weights = {k.removeprefix("model."): a for k, a in tensors.items() if k[:6] == "model."}
        net.load_state_dict(weights)
        _, test = striate.data.digits()
        images, labels = test.arrays
        accuracy = (net(images).argmax(1) == labels).mean()
        assert result.stdout == f"test accuracy {accuracy:.2%}\n"

    def test_the_seed_decides_and_threads_do_not(self, tmp_path):
        runs = {
            "one": ("--seed", 1, "--threads", 1),
            "two": ("--seed", 1, "--threads", 2),
            "seven": ("--seed", 1, "--threads", 7),
            "other": ("--seed", 2),
        }
        for name, arguments in runs.items():
            train_digits(tmp_path / name, "--epochs", 1, *arguments)
        one, two, seven, other = (
            (tmp_path / name / "checkpoint.safetensors").read_bytes() for name in runs
        )
        assert one == two == seven != other

    def test_it_learns(self, tmp_path):
        result = train_digits(tmp_path)
        assert float(result.stdout.split()[-1].rstrip("%")) >= 97.5

    @pytest.mark.parametrize("name", ["xavier_uniform", "lecun_normal", "normal"])
    def test_init(self, tmp_path, name):
        train_digits(tmp_path, "--epochs", 1, "--init", name)
        metrics = json.loads((tmp_path / "metrics.json").read_text())
        assert metrics["options"]["init"].startswith(name)

    def test_ctrl_c_leaves_nothing_behind(self, tmp_path):
        # What runs in a shell's background ignores the signal, and so would its children.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        process = subprocess.Popen(
            [*COMMAND, "train", "digits", "--epochs", "1000", "--out", str(tmp_path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        signal.signal(signal.SIGINT, before)
        with process:
            try:
                assert process.stderr.readline().startswith("epoch 1/1000")
                process.send_signal(signal.SIGINT)
                out, error = process.communicate(timeout=60)
            finally:
                process.kill()
        assert process.returncode == 130
        assert out == ""
        assert error.splitlines()[-1] == "striate: interrupted"
        assert not list(tmp_path.iterdir())

    def test_divergence_is_said(self, tmp_path):
        result = striate_command("train", "digits", "--lr", "1e30", "--out", tmp_path)
        assert result.returncode == 1
        assert re.search(r"^striate: fit: .*a lower learning rate", result.stderr, re.MULTILINE)

    @pytest.mark.parametrize("module", ["sklearn.datasets", "matplotlib.figure"])
    def test_without_the_extra(self, tmp_path, monkeypatch, capsys, module):
        monkeypatch.setitem(sys.modules, module, None)
        assert cli.main(["train", "digits", "--out", str(tmp_path / "new")]) == 1
        error = capsys.readouterr().err
        assert re.fullmatch(r"striate: .*pip install 'striate\[train\]'\n", error)
        assert not (tmp_path / "new").exists()

    def test_a_folder_that_cannot_be_made(self, tmp_path, capsys):
        (tmp_path / "file").touch()
        assert cli.main(["train", "digits", "--out", str(tmp_path / "file" / "folder")]) == 1
        assert capsys.readouterr().err.startswith("striate: [Errno")
