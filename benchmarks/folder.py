"""How long filling a folder of pictures takes, beside the arithmetic of the networks alone.

python benchmarks/folder.py [--pictures 64] [--side 256] [--rounds 3] [--json FILE]

Ours is `inference.folder.run`, from the files to the files: decoding, Canny, the networks, encoding. The other side
runs the networks on the same arrays, read before. Both are in this process and take turns.
"""

import argparse
import pathlib
import sys
import tempfile
from collections.abc import Sequence
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import numpy as np
import skimage.data

from benchmarks.measuring import rows, timing
from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.data.matching import Job
from edgeconnect_jax.host.threads import cores
from edgeconnect_jax.images import arrays, files, holes
from edgeconnect_jax.inference.folder import run
from edgeconnect_jax.layers.initialization import initialize
from edgeconnect_jax.systems.edgeconnect import files as edgeconnect
from edgeconnect_jax.systems.edgeconnect import pictures
from edgeconnect_jax.systems.edgeconnect.inference import STEPS, Inpainter
from edgeconnect_jax.systems.edgeconnect.networks import CHANNELS, EdgeGenerator, InpaintGenerator

_PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "rocket")
_MODULES = {"edge_generator": EdgeGenerator, "inpaint_generator": InpaintGenerator}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status; `arguments` None = those of this process."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(prog="python benchmarks/folder.py", allow_abbrev=False)
    parser.add_argument("--pictures", type=int, default=64, help="how many (default: 64)")
    parser.add_argument("--side", type=int, default=256, help="of the pictures, in pixels (default: 256)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each side is timed (default: 3)")
    parser.add_argument("--features", type=int, default=64, help="of the networks (default: 64)")
    parser.add_argument("--residual_blocks", type=int, default=8, help="of the networks (default: 8)")
    parser.add_argument("--dtype", default="float32", help="arithmetic of the networks (default: float32)")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write the rows there")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        row = measure(pathlib.Path(folder), options)
    print(timing.line(row))
    environment = rows.environment(rows.command_line(pathlib.Path(__file__).name, arguments), cores())
    timing.write(options.json, [row | {"environment": environment}])
    return 0


def measure(folder: pathlib.Path, options: argparse.Namespace) -> dict[str, Any]:
    """Times both sides; `folder` is empty."""
    found = write_pictures(folder, options.pictures, options.side)
    jobs = edgeconnect.find_jobs(found)
    inpainter = Inpainter(fresh_weights(options.features, options.residual_blocks), dtype=options.dtype)
    given = [_arrays_of(job, inpainter.sigma) for job in jobs]
    work = edgeconnect.work_of(inpainter, found._replace(output=folder / "filled"))

    def fill() -> None:
        run(jobs, work)

    def compute() -> None:
        for image, edge, mask in given:
            inpainter.generate(image, edge, mask)

    inpainter.generate(*given[0])  # compiles
    seconds = timing.in_turn({"ours": fill, "theirs": compute}, options.rounds)
    case = f"fill {options.pictures} files of {options.side} x {options.side} (theirs: the networks alone)"
    return timing.row(case, seconds["ours"], seconds["theirs"], features=options.features, dtype=options.dtype)


def write_pictures(folder: pathlib.Path, count: int, side: int) -> edgeconnect.Options:
    """Writes parts of photographs as PNG files, each with a mask."""
    for kind in ("images", "masks"):
        (folder / kind).mkdir()
    rng = np.random.default_rng(0)
    photographs = [getattr(skimage.data, name)() for name in _PHOTOGRAPHS]
    for number in range(count):
        photograph = photographs[number % len(photographs)]
        short = int(rng.integers(200, min(photograph.shape[:2])))
        top, left = (int(rng.integers(length - short + 1)) for length in photograph.shape[:2])
        part = photograph[top : top + short, left : left + short]
        files.write_png(folder / f"images/{number:03d}.png", files.resize_bilinear(part, side, side))
        mask = np.zeros((side, side), np.uint8)
        mask[side // 4 : side // 2, side // 3 : 2 * side // 3] = 255
        files.write_png(folder / f"masks/{number:03d}.png", mask)
    images, masks = (files.list_images(folder / kind) for kind in ("images", "masks"))
    return edgeconnect.Options(images, masks, output=folder)


def fresh_weights(features: int, residual_blocks: int) -> checkpoints.Weights:
    """Both generators with random weights."""
    sizes, rng = {"features": features, "residual_blocks": residual_blocks}, np.random.default_rng(0)
    networks = {}
    for name in STEPS["full"]:
        shown: Any = np.zeros((1, 16, 16, CHANNELS[name]), np.float32)
        networks[name] = initialize(_MODULES[name](**sizes), rng, shown)
    return checkpoints.Weights(networks, dict.fromkeys(networks, sizes))


def _arrays_of(job: Job, sigma: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What the networks are given of a job: picture, edges and mask."""
    color = files.read_picture(job.picture).color
    hole = holes.read_hole(job.files[edgeconnect.MASK], job.size, holes.MASK_THRESHOLD, invert=False)
    known = pictures.known_edges(color, hole, sigma)
    return arrays.to_unit(arrays.rgb_of(color)), known[..., None], hole[..., None]


if __name__ == "__main__":
    sys.exit(main())
