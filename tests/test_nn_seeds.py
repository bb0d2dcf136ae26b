"""Where initial weights and dropout masks come from."""

from __future__ import annotations

import copy
import pickle
import threading
from typing import Any

import numpy as np
import pytest

from striate import init, nn


def bits(module: nn.Module) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in module.state_dict().items()}


def pair(**options: Any) -> nn.Sequential:
    return nn.Sequential(nn.Linear(5, 5, **options), nn.Linear(5, 5, **options))


def test_one_seed_gives_different_layers_different_weights() -> None:
    net = pair(rng=0)
    assert (net[0].weight.data != net[1].weight.data).mean() > 0.9
    net = pair()
    assert (net[0].weight.data != net[1].weight.data).mean() > 0.9


def test_weight_and_bias_differ() -> None:
    layer = nn.Linear(1, 50, weight_init=init.normal(), bias_init=init.normal(), rng=0)
    assert (layer.weight.data.ravel() != layer.bias.data).mean() > 0.9  # type: ignore[union-attr]


def test_same_seed_same_weights() -> None:
    assert bits(pair(rng=0)) == bits(pair(rng=0))
    assert bits(pair(rng=0)) != bits(pair(rng=1))
    assert bits(nn.Sequential(nn.Linear(2, 3), rng=4)) == bits(
        nn.Sequential(nn.Linear(2, 3, rng=4))
    )


def test_no_seed_is_seed_zero() -> None:
    assert bits(pair()) == bits(pair(rng=0))


def test_the_seed_is_combined_with_the_whole_path() -> None:
    net = nn.Sequential({"features": pair(rng=3), "classifier": nn.Linear(5, 5, rng=3)})
    for name, p in net.named_parameters():
        if name.endswith("weight"):
            expected = init.xavier_normal()(
                p.shape, init.Fans(5, 5), init.Stream(3).fold_in(name), "float32"
            )
            assert (p.data == expected).all(), name


def test_a_module_names_its_attributes() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            self.first = nn.Linear(5, 5, rng=0)
            self.second = nn.Linear(5, 5, rng=0)

    net = Net()
    assert (net.first.weight.data != net.second.weight.data).any()
    named = nn.Sequential({"first": nn.Linear(5, 5, rng=0), "second": nn.Linear(5, 5, rng=0)})
    assert bits(net) == bits(named)


def test_order_of_assembly_does_not_matter() -> None:
    inside_out = nn.Sequential({"a": pair(rng=0), "b": pair(rng=0)})
    outside_in = nn.Sequential({"a": nn.Sequential(), "b": nn.Sequential()})
    for name in "ab":
        for _ in range(2):
            outside_in[name].append(nn.Linear(5, 5, rng=0))
    assert bits(inside_out) == bits(outside_in)


def test_layers_of_flattened_blocks_differ() -> None:
    blocks = [nn.Sequential(nn.Linear(5, 5, rng=0)) for _ in range(3)]
    net = nn.Sequential(*[layer for block in blocks for layer in block])
    assert len(set(bits(net).values())) == 3 + 1  # and all biases are zeros


def test_a_layer_s_own_seed_wins() -> None:
    net = nn.Sequential(nn.Linear(5, 5, rng=7), nn.Linear(5, 5), rng=8)
    own = nn.Sequential(nn.Linear(5, 5, rng=7), nn.Linear(5, 5, rng=8))
    assert bits(net) == bits(own)
    nested = nn.Sequential(
        nn.Sequential(nn.Linear(5, 5), rng=7), nn.Sequential(nn.Linear(5, 5)), rng=8
    )
    other = nn.Sequential(nn.Sequential(nn.Linear(5, 5)), nn.Sequential(nn.Linear(5, 5)), rng=8)
    assert bits(nested)["0.0.weight"] != bits(other)["0.0.weight"]
    assert bits(nested)["1.0.weight"] == bits(other)["1.0.weight"]


def test_appended_layers_get_the_net_s_seed() -> None:
    net = nn.Sequential(nn.Linear(5, 5), rng=8).append(nn.Linear(5, 5))
    assert bits(net) == bits(nn.Sequential(nn.Linear(5, 5), nn.Linear(5, 5), rng=8))


def test_generators() -> None:
    def make() -> nn.Sequential:
        rng = np.random.default_rng(5)
        return nn.Sequential(nn.Linear(5, 5, rng=rng), nn.Linear(5, 5, rng=rng))

    assert bits(make()) == bits(make())
    rng = np.random.default_rng(5)
    nets = [pair(rng=rng), pair(rng=rng)]
    assert bits(nets[0]) != bits(nets[1])
    # A layer takes one seed for all its parameters.
    rng = np.random.default_rng(5)
    nn.Linear(5, 5, rng=rng)
    assert init.Stream.of(rng) != init.Stream.of(np.random.default_rng(5))
    again = np.random.default_rng(5)
    again.integers(0, 2**64, dtype=np.uint64)
    rng = np.random.default_rng(5)
    nn.Linear(5, 5, rng=rng)
    assert init.Stream.of(rng) == init.Stream.of(again)


# -- what is never drawn again


def test_what_was_seen_stays() -> None:
    layer = nn.Linear(5, 5, rng=0)
    before = layer.weight.data
    net = nn.Sequential(nn.Linear(5, 5), layer, rng=3)
    assert net[1].weight.data is before


def test_what_was_written_in_place_stays() -> None:
    layer = nn.Linear(5, 5, rng=0)
    layer.weight.data[...] = 7
    net = nn.Sequential(nn.Sequential(nn.Linear(5, 5), layer), rng=3)
    assert (net[0][1].weight.data == 7).all()


def test_what_was_set_or_loaded_stays() -> None:
    set_, loaded = nn.Linear(5, 5, rng=0), nn.Linear(5, 5, rng=0)
    set_.weight.data = np.full((5, 5), 2, np.float32)
    values = {"weight": np.full((5, 5), 3, np.float32), "bias": np.full(5, 4, np.float32)}
    loaded.load_state_dict(values)
    net = nn.Sequential(set_, loaded, rng=3)
    assert (net[0].weight.data == 2).all()
    assert (net[1].weight.data == 3).all()
    assert (net[1].bias.data == 4).all()


def test_copies_have_the_original_s_values_wherever_they_are_put() -> None:
    layer = nn.Linear(5, 5, rng=0)
    net = nn.Sequential(
        nn.Linear(5, 5), copy.deepcopy(layer), pickle.loads(pickle.dumps(layer)), layer
    )
    assert (net[1].weight.data == layer.weight.data).all()
    assert (net[2].weight.data == layer.weight.data).all()


def test_a_shared_parameter_has_its_first_name() -> None:
    layer = nn.Linear(5, 5)
    net = nn.Sequential(layer, nn.ReLU(), layer)
    assert bits(net)["0.weight"] == bits(pair())["0.weight"]
    tied = [nn.Linear(5, 5), nn.Linear(5, 5)]
    tied[1].weight = tied[0].weight
    assert bits(nn.Sequential(*tied))["0.weight"] == bits(pair())["0.weight"]


def test_slices_leave_their_layers_alone() -> None:
    first, second = (nn.Sequential({"features": pair(rng=0)}) for _ in range(2))
    assert first.features[1:][0] is first.features[1]
    assert bits(first) == bits(second)
    first, second = pair(rng=0), pair(rng=0)
    window = first[1:]
    assert [name for name, _ in window.named_parameters()] == ["1.weight", "1.bias"]
    assert window[0] is first[1]
    assert bits(first) == bits(second)


def test_threads_draw_once() -> None:
    for seed in range(20):
        net = nn.Sequential(nn.Linear(64, 64), rng=seed)
        x, arrays = np.ones((1, 64), np.float32), []
        barrier = threading.Barrier(4)

        def read(net: Any = net, x: Any = x, arrays: Any = arrays, barrier: Any = barrier) -> None:
            barrier.wait()
            net(x)
            arrays.append(net[0].weight.data)

        threads = [threading.Thread(target=read) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({id(array) for array in arrays}) == 1


# -- drawing again


def test_reset_parameters() -> None:
    net = nn.Sequential(pair(rng=0), nn.Dropout(0.5), rng=0)
    fresh = bits(net)
    net.vjp(np.ones((2, 5), np.float32))
    for p in net.parameters():
        p.data = p.data + 1
        p.grad = p.data
    used = net.train_state()
    versions = [p.version for p in net.parameters()]

    assert net.reset_parameters() is net
    assert bits(net) == fresh
    assert all(p.grad is None for p in net.parameters())
    assert all(p.version > v for p, v in zip(net.parameters(), versions, strict=True))
    assert net.train_state()["1.offset"] == 0 < used["1.offset"]
    assert net.train_state()["1.seed"] == used["1.seed"]


def test_reset_parameters_with_another_seed() -> None:
    net = nn.Sequential(pair(rng=0), nn.Dropout(0.5, rng=0), rng=0)
    before = net.train_state()
    net.reset_parameters(5)
    assert bits(net) == bits(nn.Sequential(pair(rng=5)))
    assert net.train_state()["1.seed"] != before["1.seed"]
    assert net.train_state() == nn.Sequential(pair(), nn.Dropout(), rng=5).train_state()


def test_resetting_a_part_gives_what_the_whole_would_have() -> None:
    net = nn.Sequential({"features": pair(rng=0)})
    fresh = bits(net)
    net.features.reset_parameters(1)
    assert bits(net) != fresh
    net.features.reset_parameters(0)
    assert bits(net) == fresh


def test_parameters_made_of_arrays_cannot_be_reset() -> None:
    p = nn.Parameter(np.ones(2))
    p.data = np.zeros(2)
    p.reset()
    assert (p.data == 0).all()


# -- the draw itself


def test_precision_can_change_before_the_draw() -> None:
    late, early = pair(rng=0).astype("float64"), pair(rng=0)
    assert late[0].weight.dtype == np.float64
    early.state_dict()
    assert bits(late) == bits(early.astype("float64"))


def test_initializers_get_shape_fans_stream_and_dtype() -> None:
    calls: list[Any] = []

    def note(shape: Any, fans: Any, rng: Any, dtype: Any) -> Any:
        calls.append((shape, fans, rng, dtype))
        return np.zeros(shape, dtype)

    conv = nn.Conv2d(4, 6, (3, 5), groups=2, weight_init=note, bias_init=note, dtype="float64")
    assert calls == []
    conv.state_dict()
    stream = init.Stream(0)
    assert calls == [
        ((6, 2, 3, 5), (30, 45), stream.fold_in("weight"), np.float64),
        ((6,), (30, 45), stream.fold_in("bias"), np.float64),
    ]


def test_an_initializer_s_array_stays_its_own() -> None:
    mine = np.zeros((2, 2), np.float32)
    layer = nn.Linear(2, 2, weight_init=lambda *_: mine)
    layer.weight.data[...] = 1
    assert (mine == 0).all()


def test_wrong_initializers() -> None:
    layer = nn.Linear(
        2, 3, weight_init=lambda shape, fans, rng, dtype: np.zeros(shape[::-1], dtype)
    )
    with pytest.raises(ValueError, match=r"shape must be \(3, 2\). Got \(2, 3\)"):
        _ = layer.weight.data
    layer = nn.Linear(2, 3, weight_init=lambda shape, fans, rng, dtype: np.zeros(shape))
    with pytest.raises(TypeError, match=r"must be float32.* Got float64"):
        _ = layer.weight.data


# -- dropout


def masks(net: nn.Module, count: int, size: int = 64) -> list[bytes]:
    x = np.ones((1, size), np.float32)
    return [net.vjp(x)[0].tobytes() for _ in range(count)]


def test_masks_differ_from_call_to_call_and_layer_to_layer() -> None:
    net = nn.Sequential(nn.Dropout(0.5, rng=0), nn.Dropout(0.5, rng=0))
    assert len({*masks(net[0], 5), *masks(net[1], 5)}) == 10
    assert masks(nn.Dropout(rng=0), 3) == masks(nn.Dropout(rng=0), 3)
    assert masks(nn.Dropout(rng=0), 3) != masks(nn.Dropout(rng=1), 3)


@pytest.mark.parametrize("size", [1, 4, 5, 63])
def test_calls_use_separate_counters(size: int) -> None:
    layer = nn.Dropout(rng=0)
    masks(layer, 3, size)
    assert layer.train_state()["offset"] == 3 * -(-size // 4)


def test_masks_continue_from_a_train_state() -> None:
    net = nn.Sequential(nn.Dropout(0.5), nn.Sequential(nn.Dropout(0.5)), rng=0)
    masks(net, 3)
    state = net.train_state()
    assert sorted(state) == ["0.offset", "0.seed", "1.0.offset", "1.0.seed"]
    expected = masks(net, 3)
    # Even in a net of another seed.
    other = nn.Sequential(nn.Dropout(0.5), nn.Sequential(nn.Dropout(0.5)), rng=1)
    other.load_train_state(state)
    assert masks(other, 3) == expected


def test_masks_do_not_change_when_a_used_net_is_attached() -> None:
    net, twin = (nn.Sequential(nn.Dropout(0.5, rng=0)) for _ in range(2))
    masks(net, 1), masks(twin, 1)
    nn.Sequential(nn.ReLU(), net)
    assert masks(net, 2) == masks(twin, 2)


def test_train_states_must_match() -> None:
    net = nn.Sequential(nn.Dropout(), nn.ReLU())
    with pytest.raises(ValueError, match=r"missing \['0.offset'\], unexpected \['1.offset'\]"):
        net.load_train_state({"0.seed": 1, "1.offset": 2})
