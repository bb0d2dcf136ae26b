"""PyTorch's side of each operation: a function of torch and the arguments, by name, as tensors.

Each returns what is timed, and that allocates its results as striate does. Gradients are called
directly where PyTorch has a function for them; elsewhere the graph is built beforehand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bench.case import Run
from bench.suites.torch_windows import WINDOWS

Arguments = Mapping[str, Any]

# What draws random numbers of its own: its results are not compared.
OWN_RANDOM_STREAM = frozenset({"dropout"})


def _bias_grad(torch: Any, a: Arguments) -> Run:
    dy = a["dy"]
    kept = range(dy.ndim)[a["axis"]]
    others = [axis for axis in range(dy.ndim) if axis != kept]
    return lambda: dy.sum(others)


def _linear(torch: Any, a: Arguments) -> Run:
    return lambda: torch.nn.functional.linear(a["x"], a["w"], a["b"])


def _linear_input_grad(torch: Any, a: Arguments) -> Run:
    return lambda: a["dy"] @ a["w"]


def _linear_weight_grad(torch: Any, a: Arguments) -> Run:
    return lambda: a["dy"].T @ a["x"]


def _lrn(torch: Any, a: Arguments) -> Run:
    return lambda: _lrn_of(torch, a, a["x"])


def _lrn_grad(torch: Any, a: Arguments) -> Run:
    x = a["x"].requires_grad_(True)
    y = _lrn_of(torch, a, x)
    return lambda: torch.autograd.grad(y, x, a["dy"], retain_graph=True)[0]


def _lrn_of(torch: Any, a: Arguments, x: Any) -> Any:
    f = torch.nn.functional
    if a["region"] == "across":
        return f.local_response_norm(x, *_lrn_options(a))
    # PyTorch has none within a channel: this is how its users write it.
    mean = f.avg_pool2d(x * x, a["size"], 1, a["size"] // 2)
    return x / (a["k"] + a["alpha"] * mean) ** a["beta"]


def _lrn_options(a: Arguments) -> tuple[Any, ...]:
    # The paper's alpha is not divided by the size of the window, as PyTorch's is.
    alpha = a["alpha"] * (a["size"] if a["convention"] == "paper" else 1)
    return a["size"], alpha, a["beta"], a["k"]


def _relu(torch: Any, a: Arguments) -> Run:
    return lambda: torch.relu(a["x"])


def _relu_grad(torch: Any, a: Arguments) -> Run:
    return lambda: torch.ops.aten.threshold_backward(a["dy"], a["y"], 0)


def _dropout(torch: Any, a: Arguments) -> Run:
    return lambda: torch.nn.functional.dropout(a["x"], a["p"])


def _softmax_cross_entropy(torch: Any, a: Arguments) -> Run:
    logits = a["logits"].requires_grad_(True)
    labels = a["labels"].long()

    def run() -> Any:
        loss = torch.nn.functional.cross_entropy(
            logits,
            labels,
            a["weight"],
            ignore_index=a["ignore_index"],
            reduction=a["reduction"],
            label_smoothing=a["label_smoothing"],
        )
        return loss, torch.autograd.grad(loss, logits)[0]

    return run


def _sgd_step(torch: Any, a: Arguments) -> Run:
    names = "lr", "momentum", "dampening", "nesterov", "weight_decay"
    options = {name: a[name] for name in names} | {"maximize": False, "is_first_step": False}

    def run() -> Any:
        torch._fused_sgd_(a["params"], a["grads"], a["velocities"], **options)
        return a["params"], a["velocities"]

    return run


def _batch_norm(torch: Any, a: Arguments) -> Run:
    arrays = a["x"], a["mean"], a["var"], a["gamma"], a["beta"]
    return lambda: torch.nn.functional.batch_norm(*arrays, eps=a["eps"])


def _batch_norm_train(torch: Any, a: Arguments) -> Run:
    def run() -> Any:
        y, mean, scale = torch.native_batch_norm(
            a["x"], a["gamma"], a["beta"], None, None, True, 0.0, a["eps"]
        )
        return y, mean, scale**-2 - a["eps"]

    return run


def _batch_norm_grad(torch: Any, a: Arguments) -> Run:
    scale = (a["var"] + a["eps"]) ** -0.5
    backward = torch.ops.aten.native_batch_norm_backward
    arrays = a["dy"], a["x"], a["gamma"], None, None, a["mean"], scale
    return lambda: backward(*arrays, True, a["eps"], [True] * 3)


def _leaky_relu(torch: Any, a: Arguments) -> Run:
    return lambda: torch.nn.functional.leaky_relu(a["x"], a["negative_slope"])


def _leaky_relu_grad(torch: Any, a: Arguments) -> Run:
    backward = torch.ops.aten.leaky_relu_backward
    return lambda: backward(a["dy"], a["x"], a["negative_slope"], False)


def _elu(torch: Any, a: Arguments) -> Run:
    return lambda: torch.nn.functional.elu(a["x"], a["alpha"])


def _elu_grad(torch: Any, a: Arguments) -> Run:
    return lambda: torch.ops.aten.elu_backward(a["dy"], a["alpha"], 1, 1, True, a["y"])


def _by_output(name: str) -> Callable[[Any, Arguments], Run]:
    def side(torch: Any, a: Arguments) -> Run:
        backward = getattr(torch.ops.aten, f"{name}_backward")
        return lambda: backward(a["dy"], a["y"])

    return side


def _of_x(name: str) -> Callable[[Any, Arguments], Run]:
    return lambda torch, a: lambda: getattr(torch, name)(a["x"])


def _softplus(torch: Any, a: Arguments) -> Run:
    return lambda: torch.nn.functional.softplus(a["x"], a["beta"], a["threshold"])


def _softplus_grad(torch: Any, a: Arguments) -> Run:
    backward = torch.ops.aten.softplus_backward
    return lambda: backward(a["dy"], a["x"], a["beta"], a["threshold"])


def _gelu(torch: Any, a: Arguments) -> Run:
    return lambda: torch.nn.functional.gelu(a["x"], approximate=a["approximate"])


def _gelu_grad(torch: Any, a: Arguments) -> Run:
    backward = torch.ops.aten.gelu_backward
    return lambda: backward(a["dy"], a["x"], approximate=a["approximate"])


def _functional(name: str) -> Callable[[Any, Arguments], Run]:
    return lambda torch, a: lambda: getattr(torch.nn.functional, name)(a["x"])


def _by_input(name: str) -> Callable[[Any, Arguments], Run]:
    def side(torch: Any, a: Arguments) -> Run:
        backward = getattr(torch.ops.aten, f"{name}_backward")
        return lambda: backward(a["dy"], a["x"])

    return side


def _layer_norm(torch: Any, a: Arguments) -> Run:
    x = a["x"]
    return lambda: torch.nn.functional.layer_norm(x, x.shape[-1:], a["gamma"], a["beta"], a["eps"])


def _layer_norm_grad(torch: Any, a: Arguments) -> Run:
    x, shape, beta = a["x"], a["x"].shape[-1:], torch.zeros_like(a["gamma"])
    native, backward = torch.ops.aten.native_layer_norm, torch.ops.aten.native_layer_norm_backward
    _, mean, inverse = native(x, shape, a["gamma"], beta, a["eps"])
    mask = [True, True, True]
    return lambda: backward(a["dy"], x, shape, mean, inverse, a["gamma"], beta, mask)


def _group_norm(torch: Any, a: Arguments) -> Run:
    options = a["num_groups"], a["gamma"], a["beta"], a["eps"]
    return lambda: torch.nn.functional.group_norm(a["x"], *options)


def _group_norm_grad(torch: Any, a: Arguments) -> Run:
    x, groups, beta = a["x"], a["num_groups"], torch.zeros_like(a["gamma"])
    sizes = x.shape[0], x.shape[1], x[0, 0].numel(), groups
    native, backward = torch.ops.aten.native_group_norm, torch.ops.aten.native_group_norm_backward
    _, mean, inverse = native(x, a["gamma"], beta, *sizes, a["eps"])
    mask = [True, True, True]
    return lambda: backward(a["dy"], x, mean, inverse, a["gamma"], *sizes, mask)


def _scale_channels(torch: Any, a: Arguments) -> Run:
    return lambda: a["x"] * a["scale"][:, :, None, None]


def _scale_channels_grad(torch: Any, a: Arguments) -> Run:
    x, scale = a["x"].requires_grad_(True), a["scale"].requires_grad_(True)
    y = x * scale[:, :, None, None]
    return lambda: torch.autograd.grad(y, (x, scale), a["dy"], retain_graph=True)


def _prelu(torch: Any, a: Arguments) -> Run:
    return lambda: torch.nn.functional.prelu(a["x"], a["weight"])


def _prelu_grad(torch: Any, a: Arguments) -> Run:
    x, weight = a["x"].requires_grad_(True), a["weight"].requires_grad_(True)
    y = torch.nn.functional.prelu(x, weight)
    return lambda: torch.autograd.grad(y, (x, weight), a["dy"], retain_graph=True)


def _softmax(name: str) -> Callable[[Any, Arguments], Run]:
    return lambda torch, a: lambda: getattr(torch, name)(a["x"], a["axis"])


def _softmax_grad(name: str) -> Callable[[Any, Arguments], Run]:
    def side(torch: Any, a: Arguments) -> Run:
        backward = getattr(torch.ops.aten, f"_{name}_backward_data")
        return lambda: backward(a["dy"], a["y"], a["axis"], a["dy"].dtype)

    return side


def _add(torch: Any, a: Arguments) -> Run:
    return lambda: a["a"] + a["b"]


def _add_grad(torch: Any, a: Arguments) -> Run:
    return a["dy"].clone  # type: ignore[no-any-return]


def _mul(torch: Any, a: Arguments) -> Run:
    return lambda: a["a"] * a["b"]


def _mul_grad(torch: Any, a: Arguments) -> Run:
    return lambda: (a["dy"] * a["b"], a["dy"] * a["a"])


def _concat(torch: Any, a: Arguments) -> Run:
    return lambda: torch.cat(list(a["arrays"]), a["axis"])


def _concat_grad(torch: Any, a: Arguments) -> Run:
    return lambda: tuple(
        part.contiguous() for part in torch.split(a["dy"], list(a["sizes"]), a["axis"])
    )


def _elementwise_loss(
    name: str, *options: str, first: str = "pred"
) -> Callable[[Any, Arguments], Run]:
    def side(torch: Any, a: Arguments) -> Run:
        pred, given = a[first].requires_grad_(True), {k: a[k] for k in (*options, "reduction")}
        function = getattr(torch.nn.functional, name)

        def run() -> Any:
            loss = function(pred, a["target"], **given)
            return loss, torch.autograd.grad(loss, pred)[0]

        return run

    return side


def _nll_loss(torch: Any, a: Arguments) -> Run:
    scores, labels = a["log_probs"].requires_grad_(True), a["labels"].long()
    options = {name: a[name] for name in ("weight", "ignore_index", "reduction")}

    def run() -> Any:
        loss = torch.nn.functional.nll_loss(scores, labels, **options)
        return loss, torch.autograd.grad(loss, scores)[0]

    return run


def _adam_step(torch: Any, a: Arguments) -> Run:
    step = torch._fused_adamw_ if a["decoupled"] else torch._fused_adam_
    steps = [torch.tensor(float(a["step"]), device=p.device) for p in a["params"]]
    options = {name: a[name] for name in ("lr", "weight_decay", "eps", "amsgrad")}
    options |= {"beta1": a["betas"][0], "beta2": a["betas"][1], "maximize": False}

    def run() -> Any:
        step(a["params"], a["grads"], a["exp_avgs"], a["exp_avg_sqs"], [], steps, **options)
        return a["params"], a["exp_avgs"], a["exp_avg_sqs"]

    return run


def _adagrad_step(torch: Any, a: Arguments) -> Run:
    steps = [torch.tensor(0.0) for _ in a["params"]]
    options = {name: a[name] for name in ("lr", "weight_decay", "eps")}
    options |= {"lr_decay": 0.0, "maximize": False}
    # Its fused one is for the CPU alone.
    on_cuda = any(p.is_cuda for p in a["params"])

    def run() -> Any:
        arrays = a["params"], a["grads"], a["accumulators"], steps
        if on_cuda:
            torch.optim._functional.adagrad(*arrays, foreach=True, **options)
        else:
            torch._fused_adagrad_(*arrays, **options)
        return a["params"], a["accumulators"]

    return run


def _rmsprop_step(torch: Any, a: Arguments) -> Run:
    # PyTorch has no fused one: the list functions that its optimizer uses on the CPU if asked to.
    step = torch.optim._functional.rmsprop
    options = {name: a[name] for name in ("lr", "alpha", "eps", "weight_decay", "momentum")}
    options |= {"centered": a["centered"], "foreach": True}
    steps = [torch.tensor(0.0) for _ in a["params"]]

    def run() -> Any:
        means = a["mean_grads"] or []
        velocities = a["velocities"] or []
        step(a["params"], a["grads"], a["mean_squares"], means, velocities, steps, **options)
        return a["params"], a["mean_squares"], velocities

    return run


def _clip_grad_value(torch: Any, a: Arguments) -> Run:
    def run() -> Any:
        torch._foreach_clamp_min_(a["grads"], -a["clip_value"])
        torch._foreach_clamp_max_(a["grads"], a["clip_value"])
        return a["grads"]

    return run


def _ema_step(torch: Any, a: Arguments) -> Run:
    def run() -> Any:
        torch._foreach_lerp_(a["averages"], a["params"], 1 - a["decay"])
        return a["averages"]

    return run


TORCH: dict[str, Callable[[Any, Arguments], Run]] = {
    **WINDOWS,
    "bias_grad": _bias_grad,
    "linear": _linear,
    "linear_input_grad": _linear_input_grad,
    "linear_weight_grad": _linear_weight_grad,
    "local_response_norm": _lrn,
    "local_response_norm_grad": _lrn_grad,
    "relu": _relu,
    "relu_grad": _relu_grad,
    "dropout": _dropout,
    "softmax_cross_entropy": _softmax_cross_entropy,
    "sgd_step": _sgd_step,
    "batch_norm": _batch_norm,
    "batch_norm_train": _batch_norm_train,
    "batch_norm_grad": _batch_norm_grad,
    "layer_norm": _layer_norm,
    "layer_norm_grad": _layer_norm_grad,
    "group_norm": _group_norm,
    "group_norm_grad": _group_norm_grad,
    "leaky_relu": _leaky_relu,
    "leaky_relu_grad": _leaky_relu_grad,
    "elu": _elu,
    "elu_grad": _elu_grad,
    "sigmoid": _of_x("sigmoid"),
    "sigmoid_grad": _by_output("sigmoid"),
    "tanh": _of_x("tanh"),
    "tanh_grad": _by_output("tanh"),
    "softplus": _softplus,
    "softplus_grad": _softplus_grad,
    "silu": _functional("silu"),
    "silu_grad": _by_input("silu"),
    "gelu": _gelu,
    "gelu_grad": _gelu_grad,
    "hardswish": _functional("hardswish"),
    "hardswish_grad": _by_input("hardswish"),
    "prelu": _prelu,
    "prelu_grad": _prelu_grad,
    "softmax": _softmax("softmax"),
    "softmax_grad": _softmax_grad("softmax"),
    "log_softmax": _softmax("log_softmax"),
    "log_softmax_grad": _softmax_grad("log_softmax"),
    "scale_channels": _scale_channels,
    "scale_channels_grad": _scale_channels_grad,
    "add": _add,
    "add_grad": _add_grad,
    "mul": _mul,
    "mul_grad": _mul_grad,
    "concat": _concat,
    "concat_grad": _concat_grad,
    "mse_loss": _elementwise_loss("mse_loss"),
    "l1_loss": _elementwise_loss("l1_loss"),
    "huber_loss": _elementwise_loss("huber_loss", "delta"),
    "binary_cross_entropy_with_logits": _elementwise_loss(
        "binary_cross_entropy_with_logits", "weight", "pos_weight", first="logits"
    ),
    "nll_loss": _nll_loss,
    "adam_step": _adam_step,
    "adagrad_step": _adagrad_step,
    "rmsprop_step": _rmsprop_step,
    "clip_grad_value": _clip_grad_value,
    "ema_step": _ema_step,
}
