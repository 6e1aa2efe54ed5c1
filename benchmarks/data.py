"""How many batches a core prepares, and what loading costs a training loop.

python benchmarks/data.py [--input FOLDER] [--image_size 256] [--batch 8] [--rounds 7] [--json FILE]
python benchmarks/data.py --loop [--image_size 128] [--batch 4] [--features 64] [--json FILE]

Without --loop: batches from a prepared set, ours, beside the same batches decoded, resized and run through
scikit-image's Canny on the fly, both by the training pipeline on one core; and where the time of a prepared batch goes.
With it: steps of the edge stage on a prepared set, ours, beside steps on one batch in memory. Both sides take turns.
Without --input, parts of scikit-image's photographs are written as JPEG files of 500 x 375 pixels.
"""

import argparse
import pathlib
import sys
import tempfile
import time
from collections.abc import Sequence

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from benchmarks.measuring import rows, timing
from benchmarks.sides import data_sides
from edgeconnect_jax.data import records, sources
from edgeconnect_jax.data.prepared import write
from edgeconnect_jax.host.threads import cores
from edgeconnect_jax.systems.edgeconnect.data import READER, options_of


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status; `arguments` None = those of this process."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        pictures = options.input or data_sides.write_photographs(pathlib.Path(folder) / "photographs", options.pictures)
        prepared = pathlib.Path(folder) / "prepared"
        _prepare(pictures, prepared, options.image_size)
        if options.loop:
            from benchmarks.sides import data_loop  # imports JAX, which loading has no use for

            row = data_loop.measure(prepared, pathlib.Path(folder) / "run", options)
        else:
            row = data_sides.measure(prepared, pictures, options)
    print(timing.line(row))
    threads = cores() if options.loop else 1
    environment = rows.environment(rows.command_line(pathlib.Path(__file__).name, arguments), threads)
    timing.write(options.json, [row | {"environment": environment}])
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python benchmarks/data.py", allow_abbrev=False)
    add = parser.add_argument
    add("--loop", action="store_true", help="what loading costs a training loop, instead")
    add("--input", type=pathlib.Path, metavar="FOLDER", help="pictures to use")
    add("--pictures", type=int, default=500, help="how many are written without --input (default: 500)")
    add("--image_size", type=int, default=256, help="of the examples, in pixels (default: 256)")
    add("--batch", type=int, default=8, help="examples (default: 8)")
    add("--batches", type=int, default=48, help="in a round of the prepared set; on the fly a sixth (default: 48)")
    add("--rounds", type=int, default=7, help="how often each side is timed (default: 7)")
    add("--steps", type=int, default=4, help="in a round of --loop (default: 4)")
    add("--features", type=int, default=64, help="of the networks of --loop (default: 64)")
    add("--residual_blocks", type=int, default=8, help="of the networks of --loop (default: 8)")
    add("--dtype", default="float32", help="arithmetic of the networks of --loop (default: float32)")
    add("--json", type=pathlib.Path, metavar="FILE", help="write the row there")
    return parser


def _prepare(pictures: pathlib.Path, folder: pathlib.Path, image_size: int) -> None:
    """Prepares the set as scripts/prepare_data.py does, in this process."""
    config = data_sides.config_of(pictures, image_size, 1)
    source = sources.open_source(str(pictures))
    computed = records.compute_records(READER, options_of(config), source)
    begun = time.perf_counter()
    write.prepare(computed, [], folder, progress=False)
    print(f"preparing {len(source)} pictures took {time.perf_counter() - begun:.1f} s on one core, once")


if __name__ == "__main__":
    sys.exit(main())
