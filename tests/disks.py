"""A disk that can be filled: a file system in memory, or where none can be mounted a limit to the size of files."""

import contextlib
import pathlib
import resource
import shutil
import subprocess
from collections.abc import Iterator

_SIZE = 8 * 2**20


class SmallDisk:
    """Attributes: `folder`, on the disk."""

    def __init__(self, folder: pathlib.Path, *, mounted: bool):
        self.folder = folder
        self._mounted = mounted
        self._limit = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(self, left: int) -> None:
        """From now on there is room for `left` bytes (or for files of so many)."""
        if not self._mounted:
            resource.setrlimit(resource.RLIMIT_FSIZE, (left, self._limit[1]))
            return
        with (self.folder / "filler").open("wb") as file:
            file.write(b"\0" * (shutil.disk_usage(self.folder).free - left))

    def free(self) -> None:
        """Takes `fill` back."""
        resource.setrlimit(resource.RLIMIT_FSIZE, self._limit)
        (self.folder / "filler").unlink(missing_ok=True)


@contextlib.contextmanager
def small_disk(folder: pathlib.Path) -> Iterator[SmallDisk]:
    """Mounts a small disk at `folder`, as root may; elsewhere limits the size of files when it is to be full."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={_SIZE}", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        mounted = False
    disk = SmallDisk(folder, mounted=mounted)
    try:
        yield disk
    finally:
        disk.free()
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
