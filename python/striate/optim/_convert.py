"""Hyper-parameters, from one framework's conventions to another's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from . import _convert_lrn, schedules

Settings = dict[str, Any]

_REQUIRED = object()

# Every framework's own names and defaults, by the type's name there and our name for it.
_TORCH: dict[str, tuple[str, Settings]] = {
    "SGD": (
        "SGD",
        {"lr": 1e-3, "momentum": 0.0, "dampening": 0.0, "weight_decay": 0.0, "nesterov": False},
    ),
    "Adagrad": (
        "Adagrad",
        {
            "lr": 1e-2,
            "lr_decay": 0.0,
            "weight_decay": 0.0,
            "initial_accumulator_value": 0.0,
            "eps": 1e-10,
        },
    ),
    "RMSprop": (
        "RMSprop",
        {
            "lr": 1e-2,
            "alpha": 0.99,
            "eps": 1e-8,
            "weight_decay": 0.0,
            "momentum": 0.0,
            "centered": False,
        },
    ),
    "Adam": (
        "Adam",
        {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0, "amsgrad": False},
    ),
    "AdamW": (
        "Adam",
        {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.01, "amsgrad": False},
    ),
}
_KERAS_COMMON: Settings = {
    "weight_decay": None,
    "l1": 0.0,
    "l2": 0.0,
    "clipnorm": None,
    "clipvalue": None,
    "global_clipnorm": None,
}
_KERAS: dict[str, tuple[str, Settings]] = {
    "SGD": ("SGD", {"learning_rate": 0.01, "momentum": 0.0, "nesterov": False}),
    "Adagrad": (
        "Adagrad",
        {"learning_rate": 0.001, "initial_accumulator_value": 0.1, "epsilon": 1e-7},
    ),
    "RMSprop": (
        "RMSprop",
        {"learning_rate": 0.001, "rho": 0.9, "momentum": 0.0, "epsilon": 1e-7, "centered": False},
    ),
    "Adam": (
        "Adam",
        {"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "amsgrad": False},
    ),
    "AdamW": (
        "Adam",
        {
            "learning_rate": 0.001,
            "beta_1": 0.9,
            "beta_2": 0.999,
            "epsilon": 1e-7,
            "amsgrad": False,
            "weight_decay": 0.004,
        },
    ),
}
_CAFFE_COMMON: Settings = {
    "base_lr": _REQUIRED,
    "lr_policy": "fixed",
    "gamma": None,
    "stepsize": None,
    "stepvalue": None,
    "power": None,
    "max_iter": None,
    "weight_decay": 0.0,
    "regularization_type": "L2",
    "clip_gradients": -1.0,
}
_CAFFE: dict[str, tuple[str, Settings]] = {
    "SGD": ("SGD", {"momentum": 0.0}),
    "Nesterov": ("SGD", {"momentum": 0.0}),
    "AdaGrad": ("Adagrad", {"delta": 1e-8}),
    "RMSProp": ("RMSprop", {"rms_decay": 0.99, "delta": 1e-8}),
    "Adam": ("Adam", {"momentum": 0.0, "momentum2": 0.999, "delta": 1e-8}),
}


def convert(settings: Mapping[str, Any], *, from_: str, to: str) -> Settings:
    """Translate an optimizer's or an LRN layer's hyper-parameters to another framework's.

    Names and defaults are each framework's own: what `settings` leaves out has the default of
    `from_`, and the result spells out everything. It makes the same steps, or computes the same
    layer, up to rounding. In short:

    - Velocities hold gradients in PyTorch, steps in Caffe and Keras: the same at a constant rate
      only.
    - epsilon is added outside the root in PyTorch's and Caffe's RMSprop and Adagrad, inside in
      Keras's; Adam adds it to the corrected root in PyTorch, to the plain one in Caffe and Keras.
      For Adagrad, the one inside is part of the sum's first value.
    - Keras's `weight_decay` is decoupled. The coupled L2 of the others is there a regularizer of
      each layer, with half the coefficient: the keys `l1` and `l2` stand for it.
    - LRN's alpha is divided by the size in PyTorch, Caffe and ONNX, and not in the AlexNet paper
      and TensorFlow.

    Args:
        settings: what the framework takes, and "type", the name of its class or layer.
        from_, to: "striate", "torch", "keras" (version 3) or "caffe"; for LRN also "onnx",
            "tensorflow" and "paper". "striate" takes any convention: its "lr" may be a schedule,
            and "type" names a class of `striate.optim` or `striate.nn`.

    Returns:
        The other framework's settings, with "type".

    Raises:
        ValueError: there is no equivalent, and why; or a framework, type or name is unknown.

    Examples:
        >>> caffe = {"type": "Nesterov", "base_lr": 0.01, "momentum": 0.9}
        >>> convert(caffe, from_="caffe", to="torch")
        ... # doctest: +NORMALIZE_WHITESPACE
        {'type': 'SGD', 'lr': 0.01, 'momentum': 0.9, 'dampening': 0.0, 'weight_decay': 0.0,
         'nesterov': True}
        >>> convert({"type": "LRN", "n": 5, "k": 2, "alpha": 1e-4, "beta": 0.75},
        ...         from_="paper", to="torch")
        {'type': 'LocalResponseNorm', 'size': 5, 'alpha': 0.0005, 'beta': 0.75, 'k': 2}
        >>> convert({"type": "RMSprop"}, from_="keras", to="torch")
        Traceback (most recent call last):
        ValueError: convert: torch adds RMSprop's eps outside the root and keras inside: \
no eps makes the same steps but 0. Got eps=1e-07.
    """
    kind = settings.get("type")
    if kind in _convert_lrn.TYPES:
        return _convert_lrn.convert(dict(settings), from_, to)
    for name, value in (("from_", from_), ("to", to)):
        if value not in _READERS:
            _refuse(f"{name} must be one of {', '.join(_READERS)} for an optimizer", f"{value!r}")
    return _WRITERS[to](_READERS[from_](dict(settings)))


# -- readers: a framework's settings -> those of a striate optimizer


def _from_striate(settings: Settings) -> Settings:
    from striate.nn import Parameter

    from . import SGD, Adagrad, Adam, AdamW, RMSprop

    classes = {c.__name__: c for c in (SGD, Adagrad, RMSprop, Adam, AdamW)}
    kind = settings.pop("type", None)
    if kind not in classes:
        _refuse(f"type must be one of {', '.join(classes)} in striate", repr(kind))
    try:
        group = classes[kind]([Parameter([0.0])], **{"lr": 1e-3, **settings}).param_groups[0]
    except TypeError as error:
        _refuse("settings must be options of the optimizer", str(error))
    canonical = {name: value for name, value in group.items() if name != "params"}
    return {"type": "Adam" if kind == "AdamW" else kind, **canonical}


def _from_torch(settings: Settings) -> Settings:
    kind, ours, s = _with_defaults("torch", _TORCH, {}, settings)
    lr_decay = s.pop("lr_decay", 0.0)
    if lr_decay:
        s["lr"] = schedules.inverse_time(s["lr"], decay=lr_decay)
    return _canonical(ours, **s, decoupled=kind == "AdamW", convention="torch")


def _from_keras(settings: Settings) -> Settings:
    kind, ours, s = _with_defaults("keras", _KERAS, _KERAS_COMMON, settings)
    if s["clipnorm"] is not None:
        _refuse(
            "keras clips each variable's own norm by clipnorm; elsewhere the norm is a group's. "
            "Use a group for each parameter",
            f"clipnorm={s['clipnorm']}",
        )
    decay, coupled = s["weight_decay"] or 0.0, 2 * s["l2"]
    if decay and coupled:
        _refuse("one weight decay cannot be both", f"weight_decay={decay}, l2={s['l2']}")
    renamed: Settings = {
        "lr": s["learning_rate"],
        "weight_decay": decay or coupled,
        "decoupled": bool(decay) or kind == "AdamW",
        "l1": s["l1"],
        "clip_norm": s["global_clipnorm"],
        "clip_value": s["clipvalue"],
        "convention": "caffe" if ours == "SGD" else "keras",
    }
    if "epsilon" in s:
        renamed["eps"] = s["epsilon"]
    if "rho" in s:
        renamed["alpha"] = s["rho"]
    if "beta_1" in s:
        renamed["betas"] = (s["beta_1"], s["beta_2"])
    kept = ("momentum", "nesterov", "centered", "amsgrad", "initial_accumulator_value")
    renamed.update({name: s[name] for name in kept if name in s})
    return _canonical(ours, **renamed)


def _from_caffe(settings: Settings) -> Settings:
    kind, ours, s = _with_defaults("caffe", _CAFFE, _CAFFE_COMMON, settings)
    renamed: Settings = {"lr": _caffe_rate(s), "clip_norm": None}
    if s["clip_gradients"] >= 0:
        renamed["clip_norm"] = s["clip_gradients"]
    if s["regularization_type"] not in ("L1", "L2"):
        _refuse("regularization_type must be 'L1' or 'L2'", repr(s["regularization_type"]))
    renamed["weight_decay" if s["regularization_type"] == "L2" else "l1"] = s["weight_decay"]
    if ours == "SGD":
        renamed |= {"momentum": s["momentum"], "nesterov": kind == "Nesterov"}
        renamed["convention"] = "caffe"
    elif ours == "Adam":
        renamed |= {"betas": (s["momentum"], s["momentum2"]), "eps": s["delta"]}
        renamed["convention"] = "keras"
    else:
        renamed |= {"eps": s["delta"], "convention": "torch"}
        if ours == "RMSprop":
            renamed["alpha"] = s["rms_decay"]
    return _canonical(ours, **renamed)


def _caffe_rate(s: Settings) -> Any:
    policy, lr = s["lr_policy"], s["base_lr"]
    made: dict[str, Callable[[], Any]] = {
        "fixed": lambda: lr,
        "step": lambda: schedules.step(lr, s["stepsize"], s["gamma"]),
        "multistep": lambda: schedules.multistep(lr, tuple(s["stepvalue"]), s["gamma"]),
        "exp": lambda: schedules.exponential(lr, s["gamma"]),
        "poly": lambda: schedules.polynomial(lr, s["max_iter"], s["power"]),
        "inv": lambda: schedules.inverse_time(lr, s["gamma"]),
    }
    if policy not in made:
        _refuse(f"lr_policy must be one of {', '.join(made)}", repr(policy))
    if policy == "inv" and s["power"] != 1:
        _refuse("the policy 'inv' has a schedule here for power 1 only", f"power={s['power']}")
    try:
        return made[policy]()
    except TypeError:
        given = {name: s[name] for name in ("gamma", "stepsize", "stepvalue", "power", "max_iter")}
        _refuse(f"the policy {policy!r} needs its numbers", str(given))


# -- writers: those of a striate optimizer -> a framework's settings


def _to_torch(s: Settings) -> Settings:
    kind = s["type"]
    for name in ("clip_norm", "clip_value", "max_norm", "ema", "l1"):
        if s[name]:
            _refuse(f"torch's optimizers have no {name}", f"{name}={s[name]}")
    lr_decay = 0.0
    if kind == "Adagrad" and isinstance(s["lr"], schedules.inverse_time):
        s["lr"], lr_decay = s["lr"].lr, s["lr"].decay
    _constant_rate("torch", s)
    if s["decoupled"] and s["weight_decay"] and kind != "Adam":
        _couple("torch", s)
    if kind == "Adagrad" and s["convention"] == "keras":
        # sqrt(a + eps) is sqrt(a') for a sum that starts higher by eps.
        s["initial_accumulator_value"] += s["eps"]
        s["eps"] = 0.0
    if kind in ("Adam", "RMSprop") and s["convention"] == "keras" and s["eps"]:
        _refuse_eps("torch", "keras", s)
    names = _TORCH[kind][1]
    torch_type = "AdamW" if kind == "Adam" and s["decoupled"] else kind
    return {"type": torch_type, **{name: {**s, "lr_decay": lr_decay}[name] for name in names}}


def _to_keras(s: Settings) -> Settings:
    kind = s["type"]
    for name in ("max_norm", "ema"):
        if s[name] is not None:
            _refuse(f"keras has no {name} that starts as striate's does", f"{name}={s[name]}")
    _constant_rate("keras", s)
    _no_dampening("keras", s)
    if kind == "Adagrad" and s["convention"] == "torch" and s["eps"]:
        _refuse_eps("keras", "torch", s)
    if kind in ("Adam", "RMSprop") and s["convention"] == "torch" and s["eps"]:
        _refuse_eps("keras", "torch", s)
    coupled = not s["decoupled"]
    result: Settings = {"type": kind, "learning_rate": s["lr"]}
    renamed = {"alpha": "rho", "eps": "epsilon"}
    for name in ("momentum", "nesterov", "alpha", "eps", "centered", "amsgrad"):
        if name in s:
            result[renamed.get(name, name)] = s[name]
    if "betas" in s:
        result["beta_1"], result["beta_2"] = s["betas"]
    if kind == "Adagrad":
        result["initial_accumulator_value"] = s["initial_accumulator_value"]
    return {
        **result,
        "weight_decay": None if coupled or not s["weight_decay"] else s["weight_decay"],
        "l1": s["l1"],
        "l2": s["weight_decay"] / 2 if coupled else 0.0,
        "global_clipnorm": s["clip_norm"],
        "clipvalue": s["clip_value"],
    }


def _to_caffe(s: Settings) -> Settings:
    kind = s["type"]
    for name in ("clip_value", "max_norm", "ema"):
        if s[name] is not None:
            _refuse(f"caffe has no {name}", f"{name}={s[name]}")
    for name in ("amsgrad", "centered", "initial_accumulator_value"):
        if s.get(name):
            _refuse(f"caffe's {kind} has no {name}", f"{name}={s[name]}")
    if kind == "RMSprop" and s["momentum"]:
        _refuse("caffe's RMSProp takes no momentum", f"momentum={s['momentum']}")
    _no_dampening("caffe", s)
    if s["decoupled"] and s["weight_decay"]:
        _couple("caffe", s)
    if s["weight_decay"] and s["l1"]:
        _refuse(
            "caffe has one regularization_type, L1 or L2",
            f"weight_decay={s['weight_decay']}, l1={s['l1']}",
        )
    if kind == "SGD" and s["momentum"] and s["convention"] == "torch":
        _constant_rate("caffe", s)
    inside = "torch" if kind == "Adam" else "keras"
    if kind != "SGD" and s["convention"] == inside and s["eps"]:
        _refuse_eps("caffe", inside, s)
    names = {"SGD": "SGD", "Adagrad": "AdaGrad", "RMSprop": "RMSProp", "Adam": "Adam"}
    result = {"type": "Nesterov" if s.get("nesterov") else names[kind], **_caffe_policy(s["lr"])}
    if kind == "SGD":
        result["momentum"] = s["momentum"]
    elif kind == "Adam":
        result["momentum"], result["momentum2"] = s["betas"]
    elif kind == "RMSprop":
        result["rms_decay"] = s["alpha"]
    if kind != "SGD":
        result["delta"] = s["eps"]
    return {
        **result,
        "weight_decay": s["l1"] or s["weight_decay"],
        "regularization_type": "L1" if s["l1"] else "L2",
        "clip_gradients": -1.0 if s["clip_norm"] is None else s["clip_norm"],
    }


def _caffe_policy(lr: Any) -> Settings:
    if isinstance(lr, schedules.step):
        return {"base_lr": lr.lr, "lr_policy": "step", "stepsize": lr.step_size, "gamma": lr.gamma}
    if isinstance(lr, schedules.multistep):
        steps = list(lr.milestones)
        return {"base_lr": lr.lr, "lr_policy": "multistep", "stepvalue": steps, "gamma": lr.gamma}
    if isinstance(lr, schedules.exponential):
        return {"base_lr": lr.lr, "lr_policy": "exp", "gamma": lr.gamma}
    if isinstance(lr, schedules.inverse_time):
        return {"base_lr": lr.lr, "lr_policy": "inv", "gamma": lr.decay, "power": 1.0}
    if isinstance(lr, schedules.polynomial) and lr.lr_end == 0:
        return {"base_lr": lr.lr, "lr_policy": "poly", "max_iter": lr.steps, "power": lr.power}
    if callable(lr):
        _refuse("caffe has no lr_policy for this schedule", f"lr={lr!r}")
    return {"base_lr": lr, "lr_policy": "fixed"}


# -- what they share


def _canonical(kind: str, **options: Any) -> Settings:
    return _from_striate({"type": kind, **options})


def _with_defaults(
    framework: str, types: dict[str, tuple[str, Settings]], common: Settings, settings: Settings
) -> tuple[str, str, Settings]:
    """Return the type, our name for it, and all settings."""
    kind = settings.pop("type", None)
    if kind not in types:
        _refuse(f"type must be one of {', '.join(types)} in {framework}", repr(kind))
    ours, own = types[kind]
    defaults = {**common, **own}
    unknown = sorted(set(settings) - set(defaults))
    if unknown:
        _refuse(
            f"{framework}'s {kind} has the settings {', '.join(sorted(defaults))}", str(unknown)
        )
    full = {**defaults, **settings}
    missing = [name for name, value in full.items() if value is _REQUIRED]
    if missing:
        _refuse(f"{framework}'s {kind} needs {', '.join(missing)}", str(sorted(settings)))
    return kind, ours, full


def _constant_rate(framework: str, s: Settings) -> None:
    if not callable(s["lr"]):
        return
    if s.get("momentum"):
        _refuse(
            f"velocities hold gradients in torch, and steps in caffe and keras: with momentum, "
            f"{framework} makes the same steps at a constant rate only",
            f"lr={s['lr']!r}, momentum={s['momentum']}",
        )
    _refuse(
        f"{framework}'s schedules are no settings of its optimizers: convert a number, and set the "
        "schedule there",
        f"lr={s['lr']!r}",
    )


def _no_dampening(framework: str, s: Settings) -> None:
    if s.get("dampening"):
        _refuse(
            f"{framework} has no dampening; a smaller rate is not the same, as torch's first step "
            "is undampened",
            f"dampening={s['dampening']}",
        )


def _couple(framework: str, s: Settings) -> None:
    """Without momentum, gradient descent decays alike in both ways."""
    if s["type"] != "SGD" or s["momentum"]:
        _refuse(
            f"{framework}'s {s['type']} decays through the gradient; what then passes through "
            "velocities or divisors is no decoupled decay",
            f"decoupled weight_decay={s['weight_decay']}",
        )


def _refuse_eps(framework: str, other: str, s: Settings) -> NoReturn:
    if s["type"] == "Adam":
        corrected, plain = ("torch", "keras and caffe")
        _refuse(
            f"{corrected} adds Adam's eps to the root of the corrected average, {plain} to that of "
            "the plain one, which differ by a factor that changes with every step",
            f"eps={s['eps']}",
        )
    places = {"torch": "outside", "keras": "inside", "caffe": "outside"}
    _refuse(
        f"{framework} adds {s['type']}'s eps {places[framework]} the root and {other} "
        f"{places[other]}: no eps makes the same steps but 0",
        f"eps={s['eps']}",
    )


def _refuse(rule: str, got: str) -> NoReturn:
    raise ValueError(f"convert: {rule}. Got {got}.")


_READERS: dict[str, Callable[[Settings], Settings]] = {
    "striate": _from_striate,
    "torch": _from_torch,
    "keras": _from_keras,
    "caffe": _from_caffe,
}
_WRITERS: dict[str, Callable[[Settings], Settings]] = {
    "striate": lambda settings: settings,
    "torch": _to_torch,
    "keras": _to_keras,
    "caffe": _to_caffe,
}
