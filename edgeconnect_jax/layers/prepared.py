"""Networks made ready to be run many times with the same weights.

What depends on the weights alone (division by the spectral norm, rounding, an algorithm's transform) is computed
once, and is found in the collection `prepared` in place of the kernels.
"""

from typing import Any

from flax import linen as nn
from flax import traverse_util

COLLECTION = "prepared"

Tree = Any


def preparing(layer: nn.Module) -> bool:
    """Whether `layer` is called to make what `prepare` returns."""
    return layer.is_mutable_collection(COLLECTION) and not layer.is_initializing()


def prepare(module: nn.Module, variables: Tree, *inputs: Any, **options: Any) -> Tree:
    """The variables of `module` for inference alone, on the default backend; jit it with `variables` as argument.

    Args:
        module: a network made of this package's layers.
        variables: its variables.
        inputs: of the module; of these only the dtypes and the channels matter.
        options: of the module.

    Returns:
        Variables for `module.apply` in place of `variables`; they cannot be trained.
    """
    _, made = module.apply(variables, *inputs, mutable=[COLLECTION], **options)
    flat: dict[tuple[str, ...], Any] = traverse_util.flatten_dict(variables["params"])
    rest = {path: leaf for path, leaf in flat.items() if path[-1] != "kernel"}
    return {"params": traverse_util.unflatten_dict(rest), **made}
