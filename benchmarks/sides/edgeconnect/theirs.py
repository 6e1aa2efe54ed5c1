"""The PyTorch statement's side of the benchmarks. Imports PyTorch, and no JAX, whose memory would count as its own."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.parity.edgeconnect import torch_networks
from benchmarks.parity.edgeconnect.torch_training import TrainingStep, networks_of
from benchmarks.sides.edgeconnect.cases import FILL, Case, config_of, synthetic_batch

MEMORY_FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}

Arrays = Mapping[str, np.ndarray]


class Filling:
    """Both generators in evaluation mode, eager, without gradients."""

    def __init__(self, case: Case, weights: Arrays, memory_format: str, device: str):
        if case.dtype == "float32" and device == "cuda":
            torch.backends.cudnn.allow_tf32 = False  # as our side, which then multiplies all digits
        kinds = {"edge_generator": torch_networks.EdgeGenerator, "inpaint_generator": torch_networks.InpaintGenerator}
        self._networks = [
            _placed(name, kind(case.features, case.residual_blocks), weights, memory_format, device).eval()
            for name, kind in kinds.items()
        ]
        self._batch = _batch(case, memory_format, device)
        self._autocast = _autocast(case, device)

    def run(self) -> dict[str, Tensor]:
        """Fills the batch and waits: `edges` [B, 1, H, W], those that were seen, and `output` [B, 3, H, W]."""
        with self._autocast():
            batch = self._batch["image"], self._batch["edge"], self._batch["mask"]
            filled = torch_networks.fill(*batch, *self._networks, composite=True)
        _wait()
        return {"edges": filled.edges, "output": filled.output}


class Training:
    """Training steps of one stage, eager."""

    def __init__(self, case: Case, weights: Arrays, memory_format: str, device: str):
        config = config_of(case)
        autocast = _autocast(case, device)
        networks = {
            name: _InAutocast(_placed(name, network, weights, memory_format, device), autocast)
            for name, network in networks_of(config).items()
        }
        vgg: Any = None
        if case.task != "edge" and case.vgg:
            vgg = _InAutocast(_placed("vgg19", torch_networks.VGG19(), weights, memory_format, device), autocast)
        self._step = TrainingStep(config, networks, vgg)
        self._batch = _batch(case, memory_format, device)
        self._batch["gray"] = torch_networks.gray_of(self._batch["image"])

    def run(self) -> dict[str, Tensor]:
        """Takes a step and waits: the weighted losses [] by name."""
        losses = self._step(self._batch).losses
        _wait()
        return losses


class _InAutocast(nn.Module):
    """A network that runs under autocast and returns float32, in which the losses are computed."""

    def __init__(self, network: nn.Module, autocast: Callable):
        super().__init__()
        self.network, self._autocast = network, autocast

    def forward(self, *inputs: Any) -> Any:
        with self._autocast():
            return _in_float32(self.network(*inputs))


def _in_float32(outputs: Any) -> Any:
    if isinstance(outputs, Tensor):
        return outputs.float()
    if isinstance(outputs, dict):
        return {name: _in_float32(x) for name, x in outputs.items()}
    return type(outputs)(_in_float32(x) for x in outputs)


def create(case: Case, weights: Arrays, memory_format: str, device: str) -> Filling | Training:
    """Their side of a case.

    Args:
        case: what is run.
        weights: as from `case_weights.drawn`.
        memory_format: one of `MEMORY_FORMATS`.
        device: "cpu" or "cuda".
    """
    torch.backends.cudnn.benchmark = True  # as the original sets it
    return (Filling if case.task == FILL else Training)(case, weights, memory_format, device)


def use_threads(count: int) -> None:
    """Computes in so many threads."""
    torch.set_num_threads(count)


def device_memory() -> int | None:
    """The most memory in use on the GPU so far, in bytes; None without one."""
    return torch.cuda.max_memory_allocated() if torch.cuda.is_initialized() else None


def to_numpy(x: Tensor) -> np.ndarray:
    """A picture [B, C, H, W] as our side has it, [B, H, W, C]; anything else as it is; float32."""
    array = x.detach().float().cpu().numpy()
    return array.transpose(0, 2, 3, 1) if array.ndim == 4 else array


def _placed(name: str, network: nn.Module, weights: Arrays, memory_format: str, device: str) -> nn.Module:
    """`network` with its weights, on the device, in the memory format."""
    prefix = f"{name}/"
    torch_networks.load_arrays(network, {k.removeprefix(prefix): weights[k] for k in weights if k.startswith(prefix)})
    return network.to(device).to(memory_format=MEMORY_FORMATS[memory_format])  # pyright: ignore[reportCallIssue]


def _batch(case: Case, memory_format: str, device: str) -> dict[str, Tensor]:
    """The batch [B, C, H, W] on the device, in the memory format."""
    kind = MEMORY_FORMATS[memory_format]
    tensors = {n: torch.from_numpy(x.transpose(0, 3, 1, 2)) for n, x in synthetic_batch(case).items()}
    return {name: x.to(device).contiguous(memory_format=kind) for name, x in tensors.items()}


def _autocast(case: Case, device: str) -> Callable:
    """Makes the context in which the networks run."""
    return lambda: torch.autocast(device, dtype=torch.bfloat16, enabled=case.dtype == "bfloat16")


def _wait() -> None:
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
