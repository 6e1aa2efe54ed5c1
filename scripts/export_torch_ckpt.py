"""Writes networks of this project as files that a system's original reads: the inverse of convert_torch_ckpt.py.

    python scripts/export_torch_ckpt.py --checkpoint CKPT_OR_WORKDIR --output DIR

DIR gets those of the original's files that the checkpoints have a network for, and vgg19.pth where they hold VGG19.
Checkpoints name their system; --system NAME overrides that, for those of backbones alone. PyTorch is needed:
pip install -e '.[convert]'.
"""

import argparse
import pathlib
import sys
from collections.abc import Sequence

from edgeconnect_jax import systems
from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.host import errors, tables
from edgeconnect_jax.host import options as common
from edgeconnect_jax.importers import backbones, export, listing
from edgeconnect_jax.importers.published import Published
from edgeconnect_jax.models.backbones import BACKBONES

_NAME = "export_torch_ckpt"
_LICENCE = "Weights that were trained from published ones stay under their licence."


def _parser(formats: Sequence[Published]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Write networks as files that the original of their system reads.",
        epilog="\n".join((_LICENCE, *listing.licences(formats))),
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--checkpoint", **common.CHECKPOINT)
    add("--output", required=True, type=pathlib.Path, metavar="DIR", help="folder for the files")
    add("--system", choices=systems.names(), help="whose networks they are (default: what the checkpoints say)")
    add(
        "--average",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="take the moving averages of networks that have them (default)",
    )
    add("--overwrite", action="store_true", help="replace files that exist")
    return parser


def _system_of(options: argparse.Namespace) -> systems.System:
    if options.system:
        return systems.load(options.system, "--system")
    found = list(systems.of_checkpoints(options.checkpoint))
    if len(found) > 1:
        raise ValueError(f"the checkpoints are of several systems, {' and '.join(found)}; export each by itself")
    return systems.load(found[0])


def _summary(weights: checkpoints.Weights, exported: export.Export) -> str:
    cells = [("file", "network", "iteration", "average", "from")]
    for network, path in exported.files.items():
        kept = export.holds_iteration(exported.published[network], network)
        averaged = "yes" if network in weights.averaged else "no"
        iteration = str(weights.steps[network]) if kept else "not kept"
        cells.append((path.name, network, iteration, averaged, str(weights.origins[network])))
    return tables.aligned(cells)


def _notes(weights: checkpoints.Weights, exported: export.Export, formats: Sequence[Published]) -> list[str]:
    notes = []
    if exported.left_out:
        notes.append(f"not written, because the original has no such network: {', '.join(exported.left_out)}")
    for published in formats:
        notes += published.changes({name: weights.meta[name] for name in exported.networks_of(published)})
    return notes


def _export(options: argparse.Namespace) -> None:
    system = _system_of(options)
    formats = (*system.published, *backbones.FORMATS)
    weights = checkpoints.load_weights(options.checkpoint, average=options.average)
    exported = export.prepare(weights, options.output, formats, {**BACKBONES, **system.networks})
    try:
        export.write(exported, overwrite=options.overwrite)
    except FileExistsError as error:
        raise ValueError(f"{error}; give --overwrite to replace, or another --output") from error
    for network, path in exported.files.items():
        print(f"{network} -> {path}\n{listing.table(exported.rows[network])}\n")
    print(_summary(weights, exported))
    for note in _notes(weights, exported, formats):
        print(f"Note: {note}")
    licences = listing.licences(published for published in formats if exported.networks_of(published))
    if licences:
        print("\n" + "\n".join([_LICENCE, *licences]))


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns the exit status: 0, or 2 (130 when interrupted) after a message on stderr."""
    given = sys.argv[1:] if arguments is None else arguments

    def work() -> None:
        system = systems.load(common.early(given, "system", systems.DEFAULT), "--system")
        _export(_parser(system.published).parse_args(given))

    return errors.run_command(_NAME, work, refusals=(ValueError, OSError, ModuleNotFoundError))


if __name__ == "__main__":
    sys.exit(main())
