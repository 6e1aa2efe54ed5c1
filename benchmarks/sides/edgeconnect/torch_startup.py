"""The PyTorch statement's side of startup.py: fills one picture from the original's two .pth files.

python -m benchmarks.sides.edgeconnect.torch_startup --weights DIR --input IMAGE --mask MASK --output FILE.png
"""

import argparse
import pathlib
from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from skimage.color import rgb2gray
from skimage.feature import canny

from benchmarks.parity.edgeconnect import torch_networks

SIGMA = 2.0
FILES = {"edge_generator": "EdgeModel_gen.pth", "inpaint_generator": "InpaintingModel_gen.pth"}
_NETWORKS = {"edge_generator": torch_networks.EdgeGenerator, "inpaint_generator": torch_networks.InpaintGenerator}


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command; `arguments` None = those of this process."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sides.edgeconnect.torch_startup")
    for name in ("weights", "input", "mask", "output"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    parser.add_argument("--features", type=int, default=64)
    parser.add_argument("--residual_blocks", type=int, default=8)
    options = parser.parse_args(arguments)
    networks = [network_of(name, options.features, options.residual_blocks, options.weights) for name in FILES]
    image = np.array(Image.open(options.input).convert("RGB"))
    hole = np.array(Image.open(options.mask).convert("L")) > 127
    edges = canny(rgb2gray(image), sigma=SIGMA, mask=~hole)
    image, edges, hole = (_tensor(x) for x in (image / np.float32(255), edges[..., None], hole[..., None]))
    filled = torch_networks.fill(image, edges, hole, *networks, composite=True)
    merged = filled.merged[0].permute(1, 2, 0).numpy()
    Image.fromarray(np.rint(merged * 255).astype(np.uint8)).save(options.output)


def network_of(name: str, features: int, residual_blocks: int, weights: pathlib.Path | None = None) -> torch.nn.Module:
    """A generator in evaluation mode, with the weights of its file in the folder `weights` if that is given."""
    network = _NETWORKS[name](features, residual_blocks)
    if weights is not None:
        network.load_state_dict(torch.load(weights / FILES[name], weights_only=True)["generator"])
    return network.eval()


def _tensor(array: np.ndarray) -> torch.Tensor:
    """[H, W, C] -> float32 [1, C, H, W]."""
    return torch.from_numpy(np.ascontiguousarray(array.astype(np.float32).transpose(2, 0, 1)[None]))


if __name__ == "__main__":
    main()
