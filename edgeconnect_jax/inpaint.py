"""Fills the holes of pictures.

python -m edgeconnect_jax.inpaint --checkpoint C --input PATH --mask PATH --output DIR
python -m edgeconnect_jax.inpaint --checkpoint C --input PICTURE --recipe recipe.json
"""

import argparse
import pathlib
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from edgeconnect_jax.data import matching
from edgeconnect_jax.host import compilation_cache
from edgeconnect_jax.host import options as common
from edgeconnect_jax.images import arrays, files
from edgeconnect_jax.inference import folder
from edgeconnect_jax.parallel import devices as parallel
from edgeconnect_jax.systems.edgeconnect import inference
from edgeconnect_jax.systems.edgeconnect.editor import recipe, steps

# What a recipe settles.
_SETTLED = ("mask", "steps", "edges", "sigma", "compat", "invert_mask", "mask_threshold", "resize_masks", "dtype")
_INTERRUPTED = 130  # what shells report of a process that Ctrl-C ended
_DESCRIPTION = """\
Fills the holes of one picture or of a folder of pictures, each into DIR/STEM.png. Pictures of any size
keep their size, bit depth, transparency and every known pixel. Masks and edge maps belong to the picture
with the same stem (photos/cat.jpg, masks/cat.png); a single mask file serves every picture.
A recipe of the editor fills the picture that it was made for once more, to the same bytes.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
      arguments: of the command line; None = those of this process.

    Returns:
      The exit status: 0, or 2 after a message on stderr that lists everything that is wrong (of damaged files after
      the other pictures are filled), or 130 after Ctrl-C.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.recipe is None and options.mask is None:
        parser.error("the following arguments are required: --mask (or --recipe)")
    try:
        return _run(options) if options.recipe is None else _replay(options)
    except KeyboardInterrupt:
        print(f"inpaint: interrupted; what was filled before is in {options.output}", file=sys.stderr)
        return _INTERRUPTED


def _run(options: argparse.Namespace) -> int:
    """The exit status, see `main`."""
    try:
        jobs = _jobs(options)
        compilation_cache.enable(options.compilation_cache)
        network = inference.Inpainter.from_checkpoint(
            options.checkpoint,
            steps=options.steps or "full",
            compat=options.compat,
            dtype=options.dtype or inference.DTYPES[0],
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


def _replay(options: argparse.Namespace) -> int:
    """Fills the picture of a recipe; the exit status, see `main`."""
    saving = {"save_edges": options.save_edges, "save_masked": options.save_masked}
    try:
        found = _read_recipe(options)
        weights = steps.load(options.checkpoint)
        filling = recipe.load(found, options.recipe, options.input, steps.fingerprint(weights))
        compilation_cache.enable(options.compilation_cache)
        _note_device(found)
        start = time.monotonic()
        network = inference.Inpainter(weights, steps="inpaint", dtype=found.dtype)
        result = network(filling.picture.color, filling.hole, filling.lines)
        folders = folder.output_folders(options.output, **saving)
        for path in folders:
            path.mkdir(parents=True, exist_ok=True)
        path = folders[0] / f"{options.input.stem}.png"
        folder.write_result(path, filling.picture, filling.hole, result, **saving)
    except (ValueError, OSError) as error:
        return _fail(error)
    _report(folder.Summary([path], []), options.output, time.monotonic() - start)
    return 0


def _note_device(found: recipe.Recipe) -> None:
    here = parallel.devices()[0].device_kind
    if here != found.device:
        note = f"the recipe was made on {found.device:.80}, this is {here}, where values may be rounded differently"
        print(f"inpaint: note: {note}", file=sys.stderr)


def _read_recipe(options: argparse.Namespace) -> recipe.Recipe:
    """Checks what is given beside a recipe, and reads it."""
    # None and False are what options are that were not given; 0 is a threshold.
    values = {name: getattr(options, name) for name in _SETTLED}
    settled = [f"--{name}" for name, value in values.items() if value is not None and value is not False]
    if settled:
        raise ValueError(f"{', '.join(settled)}: settled by --recipe {options.recipe}; leave it out")
    if not options.input.is_file():
        raise ValueError(f"--input {options.input}: must be the file of the picture that the recipe was made for")
    folders = folder.output_folders(options.output, options.save_edges, options.save_masked)
    folder.check_output(folders, [options.input])
    return recipe.read(options.recipe)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m edgeconnect_jax.inpaint", description=_DESCRIPTION, allow_abbrev=False
    )
    add = parser.add_argument
    add("--checkpoint", **common.CHECKPOINT)
    add("--input", required=True, type=pathlib.Path, metavar="PATH", help="a picture or a folder of pictures")
    add("--mask", type=pathlib.Path, metavar="PATH", help="a mask or a folder; white = hole")
    add(
        "--recipe",
        type=pathlib.Path,
        metavar="FILE",
        help="a recipe.json of the editor, in place of --mask: fills the picture along the lines in it",
    )
    add(
        "--output",
        type=pathlib.Path,
        default=pathlib.Path("filled"),
        metavar="DIR",
        help="folder for the results (default: filled)",
    )
    add(
        "--steps",
        "--stage",  # its former name
        choices=tuple(inference.STEPS),
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
        f"{inference.DEFAULT_SIGMA} where that was random or is not known)",
    )
    add(
        "--compat",
        choices=inference.COMPATIBILITIES,
        help="do as the original's test script: raw edge output into the completion network, masks resized "
        "and anything but black a hole, truncation to integers",
    )
    _add_mask_options(add)
    add("--save_edges", action="store_true", help="also write the edge maps used, to DIR/edges")
    add("--save_masked", action="store_true", help="also write the pictures with white holes, to DIR/masked")
    add("--compilation_cache", metavar="DIR", help=compilation_cache.HELP)
    add("--dtype", choices=inference.DTYPES, help=f"arithmetic of the networks (default: {inference.DTYPES[0]})")
    return parser


def _add_mask_options(add: Callable[..., Any]) -> None:
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


def _threshold(text: str) -> int:
    value = int(text)
    if not 0 <= value <= 254:
        raise argparse.ArgumentTypeError(f"{value} is not in 0 to 254")
    return value


def _jobs(options: argparse.Namespace) -> list[matching.Job]:
    """Finds and matches every file before any work; raises ValueError if none can be filled."""
    if options.steps == "edge" and options.save_edges:
        raise ValueError("--save_edges: the results of --steps edge are the edge maps; leave it out")
    read = {"--input": options.input, "--mask": options.mask, "--edges": options.edges}
    read = {option: path for option, path in read.items() if path is not None}
    missing = [f"{option} {path}: no such file or folder" for option, path in read.items() if not path.exists()]
    if missing:
        raise ValueError("\n".join(missing))
    if options.edges and options.edges.is_file() and options.input.is_dir():
        raise ValueError(f"--edges {options.edges}: must be a folder when --input is one")
    folder.check_output(folder.output_folders(options.output, options.save_edges, options.save_masked), read.values())
    pictures = files.list_images(options.input) if options.input.is_dir() else [options.input]
    jobs = matching.pair(
        pictures,
        _partners(options.mask, options.input),
        _partners(options.edges, options.input) if options.edges else None,
        any_size=options.resize_masks or options.compat == "original",
    )
    if all(job.problem for job in jobs):
        matching.raise_all(list(dict.fromkeys(job.problem for job in jobs)))
    return jobs


def _partners(path: pathlib.Path, pictures: pathlib.Path) -> matching.Partners:
    """A file as it is; of a folder all pictures, or for a single picture those with its stem."""
    if path.is_file():
        return path
    found = files.list_images(path)
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
