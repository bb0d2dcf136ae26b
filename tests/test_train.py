"""The training loop: what it computes, what it tells, and that a run can be resumed exactly."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from striate import data, io, losses, nn, optim, train


class Classes:
    """Two clouds of points, and a small network with dropout to tell them apart."""

    def __init__(self, *, callbacks=(), lr=0.1, seed=0):
        rng = np.random.default_rng(0)
        labels = rng.integers(0, 2, 60)
        points = (rng.normal(size=(60, 4)) + 2 * labels[:, None]).astype(np.float32)
        dataset = data.ArrayDataset(points, labels)
        self.loader = data.DataLoader(dataset, 16, seed=seed)
        self.test = data.DataLoader(dataset, 25, shuffle=False)
        self.net = nn.Sequential(
            nn.Linear(4, 8, activation="relu"), nn.Dropout(0.25), nn.Linear(8, 2), rng=seed
        )
        schedule = optim.cosine(lr, 100)
        self.optimizer = optim.SGD(self.net.parameters(), lr=schedule, momentum=0.9)
        self.trainer = train.Trainer(self.net, losses.cross_entropy, self.optimizer, callbacks)


class Log(train.Callback):
    def __init__(self):
        self.events = []

    def on_fit_begin(self, state):
        self.events.append(("begin", state.epochs, state.batches))

    def on_batch_end(self, state):
        self.events.append((state.epoch, state.batch, state.running.samples))

    def on_epoch_end(self, state):
        self.events.append(("epoch", state.epoch, state.validation))

    def on_fit_end(self, state):
        self.events.append("end")


class TestFit:
    def test_it_learns(self):
        case = Classes()
        before = case.trainer.evaluate(case.test)
        case.trainer.fit(case.loader, 10)
        after = case.trainer.evaluate(case.test)
        assert after.loss < before.loss / 2
        assert after.accuracy > 0.9
        assert case.trainer.epoch == 10

    def test_a_step_is_what_it_is_by_hand(self):
        case, by_hand = Classes(), Classes()
        case.trainer.fit(case.loader, 1)
        for x, labels in by_hand.loader:
            y, pullback = by_hand.net.vjp(x)
            _, dy = losses.cross_entropy(y, labels)
            pullback(dy)
            by_hand.optimizer.step()
            by_hand.optimizer.zero_grad()
        expected = by_hand.net.state_dict()
        for name, array in case.net.state_dict().items():
            np.testing.assert_array_equal(array, expected[name])

    def test_epochs_are_further_epochs(self):
        log = Log()
        case = Classes(callbacks=[log])
        case.trainer.fit(case.loader, 1)
        case.trainer.fit(case.loader, 2)
        assert [e[1] for e in log.events if e[0] == "epoch"] == [1, 2, 3]
        assert case.trainer.epoch == case.loader.epoch == 3

    def test_the_loader_follows_the_trainer(self):
        case, other = Classes(), Classes()
        other.loader.epoch = 7
        case.trainer.fit(case.loader, 1)
        other.trainer.fit(other.loader, 1)
        np.testing.assert_array_equal(case.net[0].weight.data, other.net[0].weight.data)

    def test_events(self):
        log = Log()
        case = Classes(callbacks=[log])
        case.trainer.fit(case.loader, 2, validation=case.test)
        batches = [(batch, min(16 * batch, 60)) for batch in range(1, 5)]
        assert log.events[0] == ("begin", 2, 4)
        assert log.events[1:5] == [(1, *batch) for batch in batches]
        assert log.events[6:10] == [(2, *batch) for batch in batches]
        assert log.events[10] == ("epoch", 2, case.trainer.evaluate(case.test))
        assert log.events[11:] == ["end"]

    def test_the_end_is_told_after_an_interruption_too(self):
        class Interrupt(train.Callback):
            def on_batch_end(self, state):
                raise KeyboardInterrupt

        log = Log()
        case = Classes(callbacks=[Interrupt(), log])
        with pytest.raises(KeyboardInterrupt):
            case.trainer.fit(case.loader, 2)
        assert log.events == [("begin", 2, 4), "end"]

    def test_a_loss_that_is_not_finite(self):
        log = Log()
        case = Classes(callbacks=[log])
        case.net[0].bias.data = np.full(8, np.nan, np.float32)
        with pytest.raises(FloatingPointError, match=r"fit: .*lower learning rate.*nan in epoch 1"):
            case.trainer.fit(case.loader, 2)
        assert not [event for event in log.events if event[0] == "epoch"]

    def test_no_batches(self):
        case = Classes()
        empty = data.DataLoader(data.ArrayDataset(np.zeros((0, 4), np.float32)), 4)
        with pytest.raises(ValueError, match="fit: loader must have at least one batch"):
            case.trainer.fit(empty, 1)
        with pytest.raises(ValueError, match="evaluate: loader must have at least one batch"):
            case.trainer.evaluate(empty)


class TestEvaluate:
    def test_it_is_the_mean_over_samples(self):
        case = Classes()
        got = case.trainer.evaluate(case.test)  # in batches of 25, 25 and 10
        x, labels = case.test.dataset.arrays
        scores = case.net(x)
        loss, _ = losses.cross_entropy(scores, labels)
        assert math.isclose(got.loss, loss, rel_tol=1e-6)
        assert got.accuracy == (scores.argmax(1) == labels).mean()

    def test_it_changes_nothing(self):
        case = Classes()
        case.trainer.fit(case.loader, 1)
        state, before = case.net.train_state(), case.net.state_dict()
        case.trainer.evaluate(case.test)
        assert case.net.train_state() == state
        assert all((before[name] == a).all() for name, a in case.net.state_dict().items())
        assert case.trainer.epoch == 1


class TestCheckpoints:
    def test_a_resumed_run_gives_the_same_bytes(self, tmp_path):
        whole, first, second = Classes(), Classes(), Classes(seed=1)
        whole.trainer.fit(whole.loader, 4)
        whole.trainer.save(tmp_path / "whole")
        first.trainer.fit(first.loader, 2)
        first.trainer.save(tmp_path / "half")

        second.loader = Classes().loader
        second.trainer.load(tmp_path / "half")
        assert second.trainer.epoch == 2
        second.trainer.fit(second.loader, 2)
        second.trainer.save(tmp_path / "resumed")
        assert (tmp_path / "resumed").read_bytes() == (tmp_path / "whole").read_bytes()
        assert (tmp_path / "half").read_bytes() != (tmp_path / "whole").read_bytes()

    def test_the_weights_have_their_names(self, tmp_path):
        case = Classes()
        case.trainer.save(tmp_path / "f")
        tensors = io.load(tmp_path / "f")
        for name, array in case.net.state_dict().items():
            np.testing.assert_array_equal(tensors[f"model.{name}"], array)

    def test_another_file_or_network(self, tmp_path):
        case = Classes()
        io.save(tmp_path / "f", {})
        with pytest.raises(ValueError, match=r"Trainer.load: .* written by Trainer.save"):
            case.trainer.load(tmp_path / "f")
        other = nn.Sequential(nn.Linear(4, 2))
        optimizer = optim.SGD(other.parameters(), lr=0.1)
        train.Trainer(other, losses.cross_entropy, optimizer).save(tmp_path / "g")
        with pytest.raises(ValueError, match="load_state_dict"):
            case.trainer.load(tmp_path / "g")

    @pytest.mark.parametrize(("every", "saved"), [(1, [1, 2, 3, 4, 5]), (2, [2, 4, 5]), (9, [5])])
    def test_callback(self, tmp_path, monkeypatch, every, saved):
        path = tmp_path / "f"
        case = Classes(callbacks=[train.Checkpoint(path, every=every)])
        epochs = []
        save = case.trainer.save
        monkeypatch.setattr(
            case.trainer, "save", lambda p: (epochs.append(case.trainer.epoch), save(p))
        )
        case.trainer.fit(case.loader, 5)
        assert epochs == saved
        Classes().trainer.load(path)

    def test_every_is_checked(self):
        with pytest.raises(ValueError, match=r"Checkpoint: every must be at least 1. Got 0"):
            train.Checkpoint("f", every=0)


def test_history():
    history = train.History()
    case = Classes(callbacks=[history])
    case.trainer.fit(case.loader, 1)
    case.trainer.fit(case.loader, 2, validation=case.test)
    assert [epoch.number for epoch in history.epochs] == [1, 2, 3]
    assert history.epochs[0].validation is None
    assert history.epochs[2].validation == case.trainer.evaluate(case.test)
    assert history.epochs[2].training.loss < history.epochs[0].training.loss
    assert all(epoch.seconds > 0 and epoch.samples_per_second > 0 for epoch in history.epochs)


class TestProgress:
    def fit(self, **options):
        case = Classes(callbacks=[train.Progress()])
        case.trainer.fit(case.loader, 2)
        case.trainer.fit(case.loader, 2, validation=case.test)

    def test_lines(self, capsys):
        self.fit()
        captured = capsys.readouterr()
        assert captured.out == ""
        lines = captured.err.splitlines()
        assert [line.split()[1] for line in lines] == ["1/2", "2/2", "3/4", "4/4"]
        for line in lines:
            assert all(word in line for word in ("loss", "accuracy", "images/s", "left"))
        assert ["validation" in line for line in lines] == [False, False, True, True]
        assert "0:00 left" in lines[-1]

    def test_bar(self, capsys, monkeypatch):
        pytest.importorskip("rich")
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", "80")
        monkeypatch.setattr("sys.stderr.isatty", lambda: True)
        self.fit()
        captured = capsys.readouterr()
        assert captured.out == ""
        assert "epoch 4/4" in captured.err
        assert all(word in captured.err for word in ("loss", "accuracy", "images/s", "left"))

    def test_a_terminal_without_rich(self, capsys, monkeypatch):
        monkeypatch.setitem(__import__("sys").modules, "rich.console", None)
        monkeypatch.setattr("sys.stderr.isatty", lambda: True)
        self.fit()
        assert len(capsys.readouterr().err.splitlines()) == 4


# -- gradient descent as the textbooks have it


def descent(batch_size: int, accumulate: int = 1, epochs: int = 1) -> list[Any]:
    """The weights after training a small float64 net on 12 samples."""
    rng = np.random.default_rng(0)
    x, labels = rng.standard_normal((12, 5)), rng.integers(0, 3, 12)
    net = nn.Sequential(
        nn.Linear(5, 7, activation="relu", dtype="float64"), nn.Linear(7, 3, dtype="float64"), rng=0
    )
    opt = optim.SGD(net.parameters(), lr=0.3, momentum=0.9)
    trainer = train.Trainer(net, losses.cross_entropy, opt, accumulate=accumulate)
    loader = data.DataLoader(data.ArrayDataset(x, labels), batch_size, seed=1)
    trainer.fit(loader, epochs)
    assert opt.steps == epochs * -(-len(loader) // accumulate)
    return [p.data for p in net.parameters()]


@pytest.mark.parametrize(("batch_size", "accumulate"), [(1, 12), (4, 3), (5, 3), (5, 99)])
def test_accumulation_is_batch_descent(batch_size: int, accumulate: int) -> None:
    for got, want in zip(descent(batch_size, accumulate), descent(12), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-15)


def test_accumulation_over_part_of_an_epoch() -> None:
    # 12 samples in batches of 2, by 3: two steps of 6 samples each.
    for got, want in zip(descent(2, 3, epochs=2), descent(6, epochs=2), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-15)


def test_batch_mini_batch_and_single_sample_descent_differ_by_batch_size_alone() -> None:
    first = descent(12)
    for batch_size in (1, 4):
        assert any((a != b).any() for a, b in zip(descent(batch_size), first, strict=True))


def test_accumulate_must_be_positive() -> None:
    net = nn.Linear(2, 2)
    with pytest.raises(ValueError, match=r"accumulate must be at least 1\. Got 0"):
        train.Trainer(net, losses.cross_entropy, optim.SGD(net.parameters(), 0.1), accumulate=0)


def test_plateau_is_told_and_resumes(tmp_path: Path) -> None:
    def make() -> tuple[train.Trainer, optim.ReduceOnPlateau]:
        net = nn.Linear(5, 3, rng=0)
        schedule = optim.ReduceOnPlateau(1.0, factor=0.5, patience=0, threshold=0.5)
        opt = optim.SGD(net.parameters(), schedule)
        told = train.UpdatePlateau(schedule)
        return train.Trainer(net, losses.cross_entropy, opt, [told]), schedule

    rng = np.random.default_rng(0)
    dataset = data.ArrayDataset(
        rng.standard_normal((12, 5)).astype("float32"), rng.integers(0, 3, 12)
    )
    whole, rate = make()
    whole.fit(data.DataLoader(dataset, 4), 4)
    assert rate(0) < 1
    first, _ = make()
    first.fit(data.DataLoader(dataset, 4), 2)
    first.save(tmp_path / "half.safetensors")
    second, resumed = make()
    second.load(tmp_path / "half.safetensors")
    second.fit(data.DataLoader(dataset, 4), 2)
    assert resumed.state_dict() == rate.state_dict()
    for p, q in zip(whole.net.parameters(), second.net.parameters(), strict=True):
        assert p.data.tobytes() == q.data.tobytes()


def test_plateau_must_wait_for_the_metric_that_it_is_told() -> None:
    with pytest.raises(ValueError, match="a schedule for accuracy must have mode='max'"):
        train.UpdatePlateau(optim.ReduceOnPlateau(1.0), "accuracy")
    with pytest.raises(ValueError, match="metric must be 'loss' or 'accuracy'"):
        train.UpdatePlateau(optim.ReduceOnPlateau(1.0), "f1")  # type: ignore[arg-type]
