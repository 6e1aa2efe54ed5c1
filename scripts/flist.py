"""Writes a file list: the pictures of a folder and its sub-folders, sorted, with absolute paths, one a line.

python scripts/flist.py --path DIR --output FILE
"""

import argparse
import os
import pathlib
import sys

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
    part = output.with_name(f".{output.name}.{os.getpid()}.part")
    part.write_text("\n".join(files) + "\n", encoding="utf-8")
    os.replace(part, output)
    return len(files)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Write the list of all pictures in a folder.")
    parser.add_argument("--path", required=True, type=pathlib.Path, help="folder, read with its sub-folders")
    parser.add_argument("--output", required=True, type=pathlib.Path, help="the list to write (.flist or .txt)")
    options = parser.parse_args(arguments)
    try:
        count = write_list(options.path, options.output)
    except (ValueError, OSError) as error:
        print(f"flist: {error}", file=sys.stderr)
        return 2
    print(f"{options.output}: {count} pictures")
    return 0


if __name__ == "__main__":
    sys.exit(main())
