"""Writes a file list: the pictures of a folder and its sub-folders, sorted, with absolute paths, one per line.

python scripts/flist.py --path DIR --output FILE
"""

import argparse
import pathlib
import sys

from edgeconnect_jax.host.errors import run_command
from edgeconnect_jax.host.files import write_whole
from edgeconnect_jax.images.files import list_images


def write_list(folder: pathlib.Path, output: pathlib.Path) -> int:
    """Writes the list of a folder's pictures, whole or not at all, and returns their number.

    Raises:
        ValueError: the folder does not exist or holds no picture, or a name has a line break.
    """
    files = [str(path) for path in list_images(folder.resolve())]
    broken = [repr(path) for path in files if len(path.splitlines()) != 1]
    if broken:
        raise ValueError("names with line breaks cannot stand in a list; rename:\n" + "\n".join(broken))
    output.parent.mkdir(parents=True, exist_ok=True)
    write_whole(output, "\n".join(files) + "\n")
    return len(files)


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit status."""
    parser = argparse.ArgumentParser(description="Write the list of all pictures in a folder.")
    parser.add_argument("--path", required=True, type=pathlib.Path, help="folder, read with its sub-folders")
    parser.add_argument("--output", required=True, type=pathlib.Path, help="the list to write (.flist or .txt)")
    options = parser.parse_args(arguments)

    def work() -> None:
        print(f"{options.output}: {write_list(options.path, options.output)} pictures")

    return run_command("flist", work)


if __name__ == "__main__":
    sys.exit(main())
