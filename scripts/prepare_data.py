"""Prepares a set for training: decodes, crops and resizes pictures and computes their edges, once and in
parallel.

    python scripts/prepare_data.py --input photos/ --output prepared/photos --image_size 256 --workers 8

Training reads the result with --config.data.train=prepared/photos, and gives the same batches as without it.
A run that was stopped goes on when it is started again as before.

The same with Apache Beam, on this machine or on a cluster; what follows -- are options of Beam and its runner:

    python scripts/prepare_data.py --input /nfs/photos --output /nfs/prepared --beam_runner FlinkRunner -- \\
        --flink_master=flink:8081 --environment_type=EXTERNAL --environment_config=localhost:50000
"""

import argparse
import functools
import os
import sys
from collections.abc import Sequence

from edgeconnect_jax.data import records, sources
from edgeconnect_jax.data.prepared import beam, format, write


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
    add(
        "--beam_runner",
        nargs="?",
        const=beam.DIRECT_RUNNER,
        help=f"work with Apache Beam, on this runner; {beam.DIRECT_RUNNER} if none is named; its options follow --",
    )
    return parser


def _parse(arguments: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """The command's own options, and those of Beam."""
    arguments = list(arguments)
    end = arguments.index("--") if "--" in arguments else len(arguments)
    parser = _parser()
    options, flags = parser.parse_args(arguments[:end]), arguments[end + 1 :]
    if flags and not options.beam_runner:
        parser.error(f"{' '.join(flags)}: what follows -- is for Apache Beam; name a runner with --beam_runner")
    return options, flags


def _beam_run(options: argparse.Namespace, flags: Sequence[str]) -> write.Run:
    """What has Beam write the shards; refuses what it cannot work with."""
    pipeline = beam.create_pipeline(options.beam_runner, flags, options.workers)
    names = (options.input, options.output, options.edges, options.masks, options.paired_masks)
    relative = [name for name in names if name and not name.startswith(sources.PREFIXES) and not os.path.isabs(name)]
    if relative and not beam.is_direct(options.beam_runner):
        raise ValueError(f"{', '.join(relative)}: workers have another current folder; give absolute paths")
    return functools.partial(beam.write_shards, pipeline=pipeline)


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
    options, flags = _parse(sys.argv[1:] if arguments is None else arguments)
    try:
        run = _beam_run(options, flags) if options.beam_runner else None
        record_options = _record_options(options)
        source = sources.open_source(options.input, options.tfds_dir)
        partners = options.edges, options.paired_masks
        # With Beam no process opens all files; workers find and name those that are too small.
        at_once = run is None and not options.skip_bad
        computed = records.compute_records(record_options, source, *partners, check_sizes=at_once)
        external = None
        if options.masks:
            external = records.ExternalMasks(sources.list_files(options.masks), record_options.image_size)
        manifest = write.prepare(
            computed,
            external,
            options.output,
            options.workers,
            options.shards,
            progress=run is None,
            run=run,
            skip_bad=options.skip_bad,
        )
    except (ValueError, OSError, RuntimeError) as error:
        print(f"prepare_data: {error}", file=sys.stderr)
        return 2
    print(f"{options.output}: {manifest.images} pictures and {manifest.masks} masks to draw from, ready")
    if manifest.left_out:
        told = f"{len(manifest.left_out)} of them are left out, see also {options.output}/{format.MANIFEST}:"
        print("\n".join([f"prepare_data: {told}", *manifest.left_out]), file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
