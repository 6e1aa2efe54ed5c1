"""A store of maps that networks compute of pictures, for readers that must not run a network.

A map is found by the content of its picture, whatever file, crop or set this comes from. What is there need not be
computed again, and files may be deleted at any time.
"""

import hashlib
import pathlib
from typing import NamedTuple

import numpy as np

from edgeconnect_jax.host.files import replaced
from edgeconnect_jax.images import files


class MapStore(NamedTuple):
    """Maps of one kind, such as those of one network: PNG files, spread over sub-folders.

    Attributes:
        folder: where they lie; created with the first map.
        what: what errors call them, such as "edge map by HED".
    """

    folder: pathlib.Path
    what: str

    def path(self, image: np.ndarray) -> pathlib.Path:
        """The file of the map of a picture, uint8 [H, W, C]; it need not exist."""
        digest = hashlib.sha256(repr(image.shape).encode() + np.ascontiguousarray(image).tobytes()).hexdigest()
        return self.folder / digest[:2] / f"{digest[2:]}.png"

    def holds(self, image: np.ndarray) -> bool:
        """Whether the map of a picture is there."""
        return self.path(image).is_file()

    def read(self, image: np.ndarray) -> np.ndarray:
        """The map of a picture, uint8 [H, W, C]: uint8 [H, W].

        Raises:
            ValueError: it is not there, or corrupted.
        """
        path = self.path(image)
        if not path.is_file():
            raise ValueError(
                f"{path}: no such {self.what}. Training and preparation compute all of them before they read any: was "
                "the folder emptied meanwhile, or do not all machines share it? Start again"
            )
        found = files.read_gray8(path)
        if found.shape != image.shape[:2]:
            raise ValueError(f"{path}: corrupted, a map of another size; delete it, and it is computed again")
        return found

    def write(self, image: np.ndarray, values: np.ndarray) -> None:
        """Stores the map of a picture, uint8 [H, W]; raises OSError if it cannot be written."""
        path = self.path(image)
        path.parent.mkdir(parents=True, exist_ok=True)
        with replaced(path) as part:
            part.write_bytes(files.encode_png(values))
