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
from edgeconnect_jax.host import compilation_cache, errors
from edgeconnect_jax.host import options as common
from edgeconnect_jax.images import files, holes
from edgeconnect_jax.inference import folder
from edgeconnect_jax.parallel import devices as parallel
from edgeconnect_jax.systems.edgeconnect import files as edgeconnect
from edgeconnect_jax.systems.edgeconnect import inference, known
from edgeconnect_jax.systems.edgeconnect.editor import recipe, steps

# Options whose values come from a recipe.
_SETTLED = (
    "mask",
    "steps",
    "edges",
    "edge_source",
    "sigma",
    "compat",
    "invert_mask",
    "mask_threshold",
    "resize_masks",
    "dtype",
)
# Options passed unchanged to `files.Options`.
_PASSED_ON = ("compat", "sigma", "edge_source", "mask_threshold", "invert_mask", "save_edges", "save_masked")
_NAME = "inpaint"
_DESCRIPTION = """\
Fills the holes of one picture or of a folder of pictures, each into DIR/STEM.png. Pictures of any size
keep their size, bit depth, transparency and every known pixel. Masks and edge maps belong to the picture
with the same stem (photos/cat.jpg, masks/cat.png); a single mask file applies to every picture.
A recipe from the editor reproduces the filled picture byte for byte.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        arguments: command-line arguments; None = those of this process.

    Returns:
        The exit status: 0, or 2 after a message on stderr that lists all problems (those of corrupted files after the
        other pictures are filled), or 130 after Ctrl-C.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.recipe is None and options.mask is None:
        parser.error("the following arguments are required: --mask (or --recipe)")
    interrupted = f"interrupted; results so far are in {options.output}"
    work = _fill if options.recipe is None else _replay
    return errors.run_command(
        _NAME, lambda: _report(work(options)), expected=errors.raised_here, interrupted=interrupted
    )


def _fill(options: argparse.Namespace) -> folder.Summary:
    """Fills the pictures named by the options."""
    given = _options(options)
    compilation_cache.enable(options.compilation_cache)
    return folder.process(edgeconnect.FILES, options.checkpoint, given)


def _report(summary: folder.Summary) -> None:
    for notice in summary.notices:
        errors.report(_NAME, notice, kind="note")
    print(summary)


def _replay(options: argparse.Namespace) -> folder.Summary:
    """Fills the picture of a recipe."""
    saving = {"save_edges": options.save_edges, "save_masked": options.save_masked}
    found = _read_recipe(options)
    weights = steps.load(options.checkpoint)
    filling = recipe.load(found, options.recipe, options.input, steps.fingerprint(weights))
    compilation_cache.enable(options.compilation_cache)
    _note_device(found)
    start = time.monotonic()
    network = inference.Inpainter(weights, steps="inpaint", dtype=found.dtype)
    result = network(filling.picture.color, filling.hole, filling.lines)
    folders = edgeconnect.output_folders(options.output, **saving)
    for path in folders:
        path.mkdir(parents=True, exist_ok=True)
    path = folders[0] / f"{options.input.stem}.png"
    edgeconnect.write_result(path, filling.picture, filling.hole, result, **saving)
    return folder.Summary([path], [], options.output, time.monotonic() - start)


def _note_device(found: recipe.Recipe) -> None:
    here = parallel.devices()[0].device_kind
    if here != found.device:
        note = f"the recipe was made on {found.device:.80}, this is {here}, where values may be rounded differently"
        errors.report(_NAME, note, kind="note")


def _read_recipe(options: argparse.Namespace) -> recipe.Recipe:
    """Checks the other options and reads the recipe."""
    # None and False mean that an option was not given; 0 is a valid threshold.
    values = {name: getattr(options, name) for name in _SETTLED}
    settled = [f"--{name}" for name, value in values.items() if value is not None and value is not False]
    if settled:
        raise ValueError(f"{', '.join(settled)}: already set by --recipe {options.recipe}; remove the option")
    if not options.input.is_file():
        raise ValueError(f"--input {options.input}: must be the file of the picture that the recipe was made for")
    folders = edgeconnect.output_folders(options.output, options.save_edges, options.save_masked)
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
        help="a recipe.json from the editor, instead of --mask: fills the picture along its lines",
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
        help="an edge map or a folder of them, white = edge, instead of those found in the picture; only inpaint reads "
        "the part inside the hole",
    )
    add(
        "--sigma",
        type=float,
        help="sigma of Canny's Gaussian in pixels; -1 = no edges (default: that of the checkpoint's training, or "
        f"{known.DEFAULT_SIGMA} if that was random or is unknown)",
    )
    add(
        "--edge_source",
        choices=known.SOURCES,
        help="how edges are found without --edges: by Canny, or by HED, whose weights are then among the checkpoints "
        "(default: as in the checkpoint's training)",
    )
    add(
        "--compat",
        choices=inference.COMPATIBILITIES,
        help="reproduce the original's test script: pass raw edge output to the completion network, resize masks and "
        "treat everything except black as hole, truncate to integers",
    )
    _add_mask_options(add)
    add("--save_edges", action="store_true", help="also write the edge maps used, to DIR/edges")
    add("--save_masked", action="store_true", help="also write the pictures with white holes, to DIR/masked")
    add("--compilation_cache", metavar="DIR", help=compilation_cache.HELP)
    add("--dtype", choices=common.DTYPES, help=f"arithmetic of the networks (default: {common.DTYPES[0]})")
    return parser


def _add_mask_options(add: Callable[..., Any]) -> None:
    add("--invert_mask", action="store_true", help="black = hole")
    add(
        "--mask_threshold",
        type=common.whole(0, 254),
        metavar="T",
        help=f"0 to 254: brighter is a hole (default: {holes.MASK_THRESHOLD}; 0 with --compat original)",
    )
    add(
        "--resize_masks",
        action="store_true",
        help="resize masks and edge maps of the wrong size instead of reporting an error",
    )


def _options(options: argparse.Namespace) -> edgeconnect.Options:
    """Converts the options of the command; raises ValueError before any picture is read."""
    if options.steps == "edge" and options.save_edges:
        raise ValueError("--save_edges: the results of --steps edge already are the edge maps; remove the option")
    read = {"--input": options.input, "--mask": options.mask, "--edges": options.edges}
    read = {option: path for option, path in read.items() if path is not None}
    matching.check_exist(read)
    if options.edges and options.edges.is_file() and options.input.is_dir():
        raise ValueError(f"--edges {options.edges}: must be a folder when --input is one")
    given = edgeconnect.Options(
        pictures=files.list_images(options.input) if options.input.is_dir() else [options.input],
        masks=matching.in_folder(options.mask, options.input),
        output=options.output,
        edges=matching.in_folder(options.edges, options.input) if options.edges else None,
        any_size=options.resize_masks or options.compat == "original",
        steps=options.steps or "full",
        dtype=options.dtype or common.DTYPES[0],
        **{name: getattr(options, name) for name in _PASSED_ON},
    )
    folder.check_output(edgeconnect.output_folders(given.output, given.save_edges, given.save_masked), read.values())
    return given


if __name__ == "__main__":
    sys.exit(main())
