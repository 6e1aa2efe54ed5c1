"""Prepares a set for training: decodes, crops and resizes pictures and computes their maps, once and in parallel.

    python scripts/prepare_data.py --input photos/ --output prepared/photos --image_size 256 --workers 8

Training reads the result with --config.data.train=prepared/photos and gets the same batches as without it. To resume an
interrupted run, start it again with the same arguments.

--system NAME prepares for another system with its own options (--system NAME --help lists them).

The same with Apache Beam, on this machine or on a cluster; options after -- are those of Beam and its runner:

    python scripts/prepare_data.py --input /nfs/photos --output /nfs/prepared --beam_runner FlinkRunner -- \\
        --flink_master=flink:8081 --environment_type=EXTERNAL --environment_config=localhost:50000
"""

import argparse
import functools
import os
import sys
from collections.abc import Sequence

from edgeconnect_jax import systems
from edgeconnect_jax.data import records, sources
from edgeconnect_jax.data.prepared import beam, format, write
from edgeconnect_jax.data.reader import Preparation, Reader
from edgeconnect_jax.host import errors
from edgeconnect_jax.host.options import early, whole

_NAME = "prepare_data"


def _parser(system: str, reader: Reader) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Prepare pictures for training. The configuration's options of these names must agree.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add(
        "--system",
        default=systems.DEFAULT,
        choices=systems.names(),
        help="system that the set is for; adds its options",
    )
    add("--input", required=True, help="folder, file list, tfds:NAME, skimage:train or scenes:train")
    add("--output", required=True, help="folder to write")
    add("--tfds_dir", default="", help="data directory of TFDS; empty = TFDS's default")
    if reader.preparing is None:
        raise ValueError(f"--system {system}: this system has no prepared sets")
    reader.preparing.add_arguments(parser)
    add("--workers", type=whole(), default=os.cpu_count() or 1, help="worker processes; 0 = work in this process")
    add("--shards", type=whole(), default=0, help="files to write; 0 = one per few hundred pictures")
    add("--skip_bad", type=whole(), default=0, metavar="N", help="skip up to N unusable files")
    add(
        "--beam_runner",
        nargs="?",
        const=beam.DIRECT_RUNNER,
        help=f"use Apache Beam with this runner (default: {beam.DIRECT_RUNNER}); its options follow --",
    )
    return parser


def _parse(arguments: Sequence[str]) -> tuple[argparse.Namespace, list[str], Reader]:
    """The command's own options, those of Beam, and the reader of the system."""
    arguments = list(arguments)
    end = arguments.index("--") if "--" in arguments else len(arguments)
    system = early(arguments[:end], "system", systems.DEFAULT)
    reader = systems.load(system, "--system").reader
    parser = _parser(system, reader)
    options, flags = parser.parse_args(arguments[:end]), arguments[end + 1 :]
    if flags and not options.beam_runner:
        parser.error(f"{' '.join(flags)}: options after -- are for Apache Beam; choose a runner with --beam_runner")
    return options, flags, reader


def _beam_run(options: argparse.Namespace, preparation: Preparation, flags: Sequence[str]) -> write.Run:
    """Writes the shards with Beam; raises ValueError for options that do not work with it."""
    pipeline = beam.create_pipeline(options.beam_runner, flags, options.workers)
    given = [partner.files for partner in (*preparation.partners, *preparation.pools)]
    names = (options.input, options.output, *given)
    relative = [name for name in names if name and not name.startswith(sources.PREFIXES) and not os.path.isabs(name)]
    if relative and not beam.is_direct(options.beam_runner):
        raise ValueError(f"{', '.join(relative)}: workers have a different current folder; use absolute paths")
    return functools.partial(beam.write_shards, pipeline=pipeline)


def _prepare(options: argparse.Namespace, flags: Sequence[str], reader: Reader) -> None:
    assert reader.preparing is not None
    preparation = reader.preparing.preparation(options)
    run = _beam_run(options, preparation, flags) if options.beam_runner else None
    source = sources.open_source(options.input, options.tfds_dir)
    # With Beam no single process opens all files; workers find and report pictures that are too small.
    at_once = run is None and not options.skip_bad
    computed = records.compute_records(reader, preparation.options, source, preparation.partners, check_sizes=at_once)
    if reader.needs_maps(preparation.options):
        maps = systems.load(options.system).maps
        assert maps is not None
        maps(computed, options.skip_bad)
    pools = [records.pool_files(reader, preparation.options, pool) for pool in preparation.pools]
    manifest = write.prepare(
        computed,
        pools,
        options.output,
        options.workers,
        options.shards,
        progress=run is None,
        run=run,
        skip_bad=options.skip_bad,
    )
    drawn = "".join(f" and {count} {name} to draw from" for name, count in manifest.pools.items())
    print(f"{options.output}: {manifest.images} pictures{drawn}, ready")
    if manifest.left_out:
        left_out = f"{len(manifest.left_out)} of them were skipped, see also {options.output}/{format.MANIFEST}:"
        print("\n".join([f"{_NAME}: {left_out}", *manifest.left_out]), file=sys.stderr)


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit status."""

    def work() -> None:
        _prepare(*_parse(sys.argv[1:] if arguments is None else arguments))

    return errors.run_command(
        _NAME,
        work,
        refusals=(ValueError, OSError, RuntimeError),
        interrupted="interrupted; run it again with the same arguments to resume",
    )


if __name__ == "__main__":
    sys.exit(main())
