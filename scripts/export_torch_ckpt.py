"""Writes networks of this project as files that the PyTorch original reads: the inverse of convert_torch_ckpt.py.

    python scripts/export_torch_ckpt.py --checkpoint CKPT_OR_WORKDIR --output DIR

DIR gets those of EdgeModel_gen.pth, EdgeModel_dis.pth, InpaintingModel_gen.pth, InpaintingModel_dis.pth and vgg19.pth
that the checkpoints have a network for. PyTorch is needed: pip install -e '.[convert]'.
"""

import argparse
import pathlib
import sys

from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.host import options as common
from edgeconnect_jax.importers import export, report


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Write networks as files that the PyTorch original reads.",
        epilog=report.LICENCE,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--checkpoint", **common.CHECKPOINT)
    add("--output", required=True, type=pathlib.Path, metavar="DIR", help="folder for the files")
    add(
        "--average",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="take the moving averages of networks that have them (default), as inpaint does",
    )
    add("--overwrite", action="store_true", help="replace files that exist")
    return parser


def _summary(weights: checkpoints.Weights, exported: export.Export) -> str:
    cells = [("file", "network", "iteration", "average", "from")]
    for network, path in exported.files.items():
        iteration = str(weights.steps[network]) if network.endswith("generator") else "not kept"
        averaged = "yes" if network in weights.averaged else "no"
        cells.append((path.name, network, iteration, averaged, str(weights.origins[network])))
    return report.aligned(cells)


def _notes(weights: checkpoints.Weights, exported: export.Export) -> list[str]:
    notes = []
    if exported.left_out:
        notes.append(f"not written, for the original has no such network: {', '.join(exported.left_out)}")
    changes = export.changes_to_the_original(weights.meta)
    if changes:
        notes.append("the original builds other sizes; change its src/networks.py before it reads these files:")
    return notes + [f"  {change}" for change in changes]


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns the exit status: 0, or 2 (130 when interrupted) after a message on stderr."""
    options = _parser().parse_args(arguments)
    try:
        weights = checkpoints.load_weights(options.checkpoint, average=options.average)
        exported = export.prepare(weights, options.output)
        export.write(exported, overwrite=options.overwrite)
    except FileExistsError as error:
        print(f"export_torch_ckpt: {error}; give --overwrite to replace, or another --output", file=sys.stderr)
        return 2
    except (ValueError, OSError, ModuleNotFoundError) as error:
        print(f"export_torch_ckpt: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("export_torch_ckpt: interrupted", file=sys.stderr)
        return 130
    for network, path in exported.files.items():
        print(f"{network} -> {path}\n{report.table(exported.rows[network])}\n")
    print(_summary(weights, exported))
    for note in _notes(weights, exported):
        print(f"Note: {note}")
    print(f"\nWeights that were trained from the published ones stay under their licence.\n{report.LICENCE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
