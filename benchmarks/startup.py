"""How long a whole process takes to fill one picture, and to import this package. Needs PyTorch.

python benchmarks/startup.py [--rounds 7] [--side 256] [--json FILE]

Ours is `python -m edgeconnect_jax.inpaint` on a checkpoint, with the programs of an earlier call in its compilation
cache; theirs is `python -m benchmarks.sides.edgeconnect.torch_startup` on the .pth files of the same reference weights.
Every run is a process of its own, and the sides take turns; what they fill is compared first.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import numpy as np
import skimage.data
import torch

from benchmarks.measuring import rows, timing
from benchmarks.parity.comparison import largest_difference
from benchmarks.parity.edgeconnect.reference_weights import draw
from benchmarks.sides.edgeconnect import torch_startup
from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.host.threads import cores
from edgeconnect_jax.images import files
from edgeconnect_jax.importers.layouts import to_variables
from edgeconnect_jax.systems.edgeconnect import importer

ROOT = pathlib.Path(__file__).parents[1]
LEVEL_BOUND = 1  # of 255: float32 rounds the two sides otherwise
IMPORTS = ("edgeconnect_jax", "edgeconnect_jax.inpaint", "edgeconnect_jax.training.loop", "torch")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status; `arguments` None = those of this process."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(prog="python benchmarks/startup.py", allow_abbrev=False)
    parser.add_argument("--rounds", type=int, default=7, help="how often each side is timed (default: 7)")
    parser.add_argument("--side", type=int, default=256, help="of the picture, in pixels (default: 256)")
    parser.add_argument("--features", type=int, default=64, help="of the networks (default: 64)")
    parser.add_argument("--residual_blocks", type=int, default=8, help="of the networks (default: 8)")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write the rows there")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        found = fill(pathlib.Path(folder), options)
    found += imports(options.rounds)
    for row in found:
        print(timing.line(row))
    environment = rows.environment(rows.command_line(pathlib.Path(__file__).name, arguments), cores())
    timing.write(options.json, [row | {"environment": environment} for row in found])
    return 0


def fill(folder: pathlib.Path, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Times both commands, after a look at what they fill; `folder` is empty."""
    write_inputs(folder, options.side, options.features, options.residual_blocks)
    ours, theirs = (_process(command) for command in commands(folder, options.features, options.residual_blocks))
    first = []
    for run in (ours, theirs):
        begun = time.perf_counter()
        run()
        first.append(time.perf_counter() - begun)
    check_equal(folder)
    seconds = timing.in_turn({"ours": ours, "theirs": theirs}, options.rounds)
    case = f"fill one picture of {options.side} x {options.side}, whole process"
    return [
        timing.row(f"{case}, first call", first[:1], first[1:]),
        timing.row(f"{case}, later calls", seconds["ours"], seconds["theirs"]),
    ]


def write_inputs(folder: pathlib.Path, side: int, features: int, residual_blocks: int) -> None:
    """Writes a picture, its mask, and reference weights as a checkpoint and as .pth files."""
    picture = files.resize_bilinear(skimage.data.astronaut(), side, side)
    mask = np.zeros((side, side), np.uint8)
    mask[side // 4 : side // 2, side // 3 : 2 * side // 3] = 255
    files.write_png(folder / "picture.png", picture)
    files.write_png(folder / "mask.png", mask)
    sizes, variables = {"features": features, "residual_blocks": residual_blocks}, {}
    for name, file in torch_startup.FILES.items():
        module = torch_startup.network_of(name, features, residual_blocks)
        state = draw(name, {key: tuple(x.shape) for key, x in module.state_dict().items()})
        torch.save({"iteration": 0, "generator": {k: torch.from_numpy(x) for k, x in state.items()}}, folder / file)
        variables[name] = to_variables(state, importer.entries(name, sizes))
    checkpoints.save_weights(folder / "checkpoint", variables, dict.fromkeys(variables, sizes))


def commands(folder: pathlib.Path, features: int, residual_blocks: int) -> tuple[list[str], list[str]]:
    """What a user types on our side and on theirs."""
    given = ["--input", str(folder / "picture.png"), "--mask", str(folder / "mask.png")]
    ours = ["-m", "edgeconnect_jax.inpaint", "--checkpoint", str(folder / "checkpoint"), *given]
    ours += ["--sigma", str(torch_startup.SIGMA), "--output", str(folder / "ours")]
    ours += ["--compilation_cache", str(folder / "cache")]
    theirs = ["-m", torch_startup.__name__, "--weights", str(folder), *given]
    theirs += ["--output", str(folder / "theirs.png")]
    theirs += ["--features", str(features), "--residual_blocks", str(residual_blocks)]
    return ours, theirs


def check_equal(folder: pathlib.Path) -> None:
    """Raises ValueError when the two sides filled the picture differently."""
    ours, theirs = (files.read_rgb8(folder / path) for path in ("ours/picture.png", "theirs.png"))
    if (error := largest_difference(ours, theirs)) > LEVEL_BOUND:
        raise ValueError(f"the two sides fill differently, by up to {error:g} of 255")


def imports(rounds: int) -> list[dict[str, Any]]:
    """Times `python -c "import X"` of the package and its parts, each beside jax."""
    sides = {name: _process(["-c", f"import {name}"]) for name in ("jax", *IMPORTS)}
    timing.in_turn(sides, 1)  # reads the files from disk
    seconds = timing.in_turn(sides, rounds)
    return [timing.row(f"import {name} (theirs: import jax)", seconds[name], seconds["jax"]) for name in IMPORTS]


def _process(arguments: Sequence[str]) -> Callable[[], None]:
    """Runs Python with `arguments` in a process of its own, which must end well and say nothing on stderr."""
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])

    def run() -> None:
        done = subprocess.run(
            [sys.executable, *arguments], env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True
        )
        if done.returncode or done.stderr:
            raise RuntimeError(f"python {' '.join(arguments)} failed or complained:\n{done.stderr}")

    return run


if __name__ == "__main__":
    sys.exit(main())
