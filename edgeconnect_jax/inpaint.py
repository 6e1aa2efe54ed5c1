"""Fills the holes of pictures.

python -m edgeconnect_jax.inpaint --checkpoint C --input PATH --mask PATH --output DIR
"""

import argparse
import pathlib
import sys
import time
from collections.abc import Sequence

from edgeconnect_jax import compilation_cache
from edgeconnect_jax.data import images
from edgeconnect_jax.inference import arrays, folder, inpainter, pairing

_INTERRUPTED = 130  # what shells report of a process that Ctrl-C ended
_DESCRIPTION = """\
Fills the holes of one picture or of a folder of pictures, each into DIR/STEM.png. Pictures of any size
keep their size, bit depth, transparency and every known pixel. Masks and edge maps belong to the picture
with the same stem (photos/cat.jpg, masks/cat.png); a single mask file serves every picture.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
      arguments: of the command line; None = those of this process.

    Returns:
      The exit status: 0, or 2 after a message on stderr that lists everything that is wrong (of damaged files after
      the other pictures are filled), or 130 after Ctrl-C.
    """
    options = _parser().parse_args(arguments)
    try:
        return _run(options)
    except KeyboardInterrupt:
        print(f"inpaint: interrupted; what was filled before is in {options.output}", file=sys.stderr)
        return _INTERRUPTED


def _run(options: argparse.Namespace) -> int:
    """The exit status, see `main`."""
    try:
        jobs = _jobs(options)
        compilation_cache.enable(options.compilation_cache)
        network = inpainter.Inpainter.from_checkpoint(
            options.checkpoint,
            stage=options.stage,
            compat=options.compat,
            dtype=options.dtype,
            sigma=options.sigma,
        )
    except (ValueError, OSError) as error:
        return _fail(error)
    start = time.monotonic()
    try:
        summary = folder.fill_folder(
            network,
            jobs,
            options.output,
            mask_threshold=options.mask_threshold,
            invert_mask=options.invert_mask,
            save_edges=options.save_edges,
            save_masked=options.save_masked,
        )
    except (folder.UnreadableError, OSError) as error:
        return _fail(error)
    _report(summary, options.output, time.monotonic() - start)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m edgeconnect_jax.inpaint", description=_DESCRIPTION, allow_abbrev=False
    )
    add = parser.add_argument
    add(
        "--checkpoint",
        nargs="+",
        required=True,
        metavar="C",
        help="checkpoints or workdirs; each network comes from the last that holds it",
    )
    add("--input", required=True, type=pathlib.Path, metavar="PATH", help="a picture or a folder of pictures")
    add("--mask", required=True, type=pathlib.Path, metavar="PATH", help="a mask or a folder; white = hole")
    add("--output", required=True, type=pathlib.Path, metavar="DIR", help="folder for the results")
    add(
        "--stage",
        choices=tuple(inpainter.STAGES),
        default="full",
        help="full: edges, then colours (default); edge: write the edge maps only; inpaint: colours from the "
        "known edges, or from all of --edges",
    )
    add(
        "--edges",
        type=pathlib.Path,
        metavar="PATH",
        help="an edge map or a folder of them, white = edge, instead of Canny's; only inpaint reads the part "
        "inside the hole",
    )
    add(
        "--sigma",
        type=float,
        help="of Canny's Gaussian in pixels; -1 = no edges (default: that of the checkpoint's training, or "
        f"{inpainter.DEFAULT_SIGMA} where that was random or is not known)",
    )
    add(
        "--compat",
        choices=inpainter.COMPATIBILITIES,
        help="do as the original's test script: raw edge output into the completion network, masks resized "
        "and anything but black a hole, truncation to integers",
    )
    add("--invert_mask", action="store_true", help="black = hole")
    add(
        "--mask_threshold",
        type=_threshold,
        metavar="T",
        help=f"0 to 254: brighter is a hole (default: {arrays.MASK_THRESHOLD}; 0 with --compat original)",
    )
    add(
        "--resize_masks",
        action="store_true",
        help="resize masks and edge maps that are not of their picture's size, instead of refusing them",
    )
    add("--save_edges", action="store_true", help="also write the edge maps used, to DIR/edges")
    add("--save_masked", action="store_true", help="also write the pictures with white holes, to DIR/masked")
    add("--compilation_cache", metavar="DIR", help=compilation_cache.HELP)
    add("--dtype", choices=inpainter.DTYPES, default="float32", help="arithmetic of the networks")
    return parser


def _threshold(text: str) -> int:
    value = int(text)
    if not 0 <= value <= 254:
        raise argparse.ArgumentTypeError(f"{value} is not in 0 to 254")
    return value


def _jobs(options: argparse.Namespace) -> list[pairing.Job]:
    """Finds and matches every file before any work; raises ValueError if none can be filled."""
    if options.stage == "edge" and options.save_edges:
        raise ValueError("--save_edges: the results of --stage edge are the edge maps; leave it out")
    read = {"--input": options.input, "--mask": options.mask, "--edges": options.edges}
    read = {option: path for option, path in read.items() if path is not None}
    missing = [f"{option} {path}: no such file or folder" for option, path in read.items() if not path.exists()]
    if missing:
        raise ValueError("\n".join(missing))
    if options.edges and options.edges.is_file() and options.input.is_dir():
        raise ValueError(f"--edges {options.edges}: must be a folder when --input is one")
    folder.check_output(folder.output_folders(options.output, options.save_edges, options.save_masked), read.values())
    pictures = images.list_images(options.input) if options.input.is_dir() else [options.input]
    jobs = pairing.pair(
        pictures,
        _partners(options.mask, options.input),
        _partners(options.edges, options.input) if options.edges else None,
        any_size=options.resize_masks or options.compat == "original",
    )
    if all(job.problem for job in jobs):
        pairing.raise_all(list(dict.fromkeys(job.problem for job in jobs)))
    return jobs


def _partners(path: pathlib.Path, pictures: pathlib.Path) -> pairing.Partners:
    """A file as it is; of a folder all pictures, or for a single picture those with its stem."""
    if path.is_file():
        return path
    found = images.list_images(path)
    return found if pictures.is_dir() else [p for p in found if p.stem == pictures.stem]


def _fail(error: Exception) -> int:
    print(f"inpaint: error: {error}", file=sys.stderr)
    return 2


def _report(summary: folder.Summary, output: pathlib.Path, seconds: float) -> None:
    if summary.without_hole:
        masks = "\n".join(map(str, summary.without_hole))
        print(f"inpaint: these masks have no hole, their pictures are unchanged:\n{masks}", file=sys.stderr)
    count = len(summary.results)
    print(f"{count} picture{'s' * (count != 1)} filled in {seconds:.1f} s, see {output}")


if __name__ == "__main__":
    sys.exit(main())
