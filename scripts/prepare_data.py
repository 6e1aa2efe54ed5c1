"""Prepares a set for training: decodes, crops and resizes pictures and computes their edges, once and in
parallel.

    python scripts/prepare_data.py --input photos/ --output prepared/photos --image_size 256 --workers 8

Training reads the result with --config.data.train=prepared/photos, and gives the same batches as without it.
A run that was stopped goes on when it is started again as before.
"""

import argparse
import os
import sys

from edgeconnect_jax.data import prepare, prepared, records, sources


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Prepare pictures for training. The configuration's options of these names must agree.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--input", required=True, help="folder, file list, tfds:NAME or skimage:train")
    add("--output", required=True, help="folder to write")
    add("--tfds_dir", default="", help="where TFDS keeps its data; empty = its own default")
    add(
        "--edges",
        default="",
        help="folder or file list of edge maps (edges.source=external); empty = Canny's",
    )
    add("--masks", default="", help="folder or file list of masks to draw from (masks.kind=external...)")
    add(
        "--paired_masks",
        default="",
        help="folder or file list of the pictures' own masks (masks.kind=paired)",
    )
    add("--image_size", type=int, default=256, help="side in pixels; 0 = each picture's own size")
    add("--crop", choices=("center", "random"), default="center", help="data.crop")
    add("--short_side", type=int, default=0, help="data.short_side, before random crops; 0 = as it is")
    add("--sigma", type=float, default=2.0, help="edges.sigma; 0 = maps for 1, 2, 3 and 4, -1 = no edges")
    add("--nms", action="store_true", help="thin the edge maps to Canny's lines (edges.nms)")
    add("--workers", type=int, default=os.cpu_count() or 1, help="processes; 0 = work in this one")
    add("--shards", type=int, default=0, help="files to write; 0 = one for some hundred pictures")
    add("--skip_bad", type=_count, default=0, metavar="N", help="leave out up to N files that cannot be used")
    return parser


def _count(text: str) -> int:
    if int(text) < 0:
        raise argparse.ArgumentTypeError(f"{text} is under 0")
    return int(text)


def _record_options(options: argparse.Namespace) -> records.RecordOptions:
    if options.nms and not options.edges:
        raise ValueError("--nms thins external edge maps; give them with --edges")
    return records.RecordOptions.create(
        image_size=options.image_size,
        crop=options.crop,
        short_side=options.short_side,
        edges="external" if options.edges else "canny",
        sigma=options.sigma,
        nms=options.nms,
        paired_masks=bool(options.paired_masks),
    )


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        record_options = _record_options(options)
        source = sources.open_source(options.input, options.tfds_dir)
        partners = options.edges, options.paired_masks
        computed = records.compute_records(record_options, source, *partners, check_sizes=not options.skip_bad)
        external = None
        if options.masks:
            external = records.ExternalMasks(sources.list_files(options.masks), record_options.image_size)
        manifest = prepare.prepare(
            computed, external, options.output, options.workers, options.shards, skip_bad=options.skip_bad
        )
    except (ValueError, OSError, RuntimeError) as error:
        print(f"prepare_data: {error}", file=sys.stderr)
        return 2
    print(f"{options.output}: {manifest.images} pictures and {manifest.masks} masks to draw from, ready")
    if manifest.left_out:
        told = f"{len(manifest.left_out)} of them are left out, see also {options.output}/{prepared.MANIFEST}:"
        print("\n".join([f"prepare_data: {told}", *manifest.left_out]), file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
