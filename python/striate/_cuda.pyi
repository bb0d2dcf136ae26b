from collections.abc import Sequence

from striate._typing import FloatArray, SgdConvention

class CudaError(RuntimeError): ...

def require_device() -> None: ...
def sgd_step(
    params: Sequence[FloatArray],
    grads: Sequence[FloatArray | None],
    velocities: Sequence[FloatArray] | None,
    lr: float,
    momentum: float,
    dampening: float,
    nesterov: bool,
    weight_decay: float,
    l1: float,
    decoupled: bool,
    first: bool | Sequence[bool],
    convention: SgdConvention,
    /,
) -> None: ...
