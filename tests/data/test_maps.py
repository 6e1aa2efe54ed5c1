"""The store of maps: found by the content of a picture."""

import numpy as np
import pytest

from edgeconnect_jax.data.maps import MapStore
from edgeconnect_jax.images import files


@pytest.fixture
def store(tmp_path):
    return MapStore(tmp_path / "maps", "edge map")


@pytest.fixture
def image(rng):
    return rng.integers(0, 256, (5, 7, 3), dtype=np.uint8)


def test_a_map_is_found_by_its_picture(store, image, rng):
    assert not store.holds(image)
    values = rng.integers(0, 256, (5, 7), dtype=np.uint8)
    store.write(image, values)
    assert store.holds(image)
    np.testing.assert_array_equal(store.read(np.asfortranarray(image)), values)
    # Another picture, and the same bytes in another shape.
    assert not store.holds(image ^ 1) and not store.holds(image.reshape(7, 5, 3))
    assert [path.name for path in store.folder.rglob("*.png")] == [store.path(image).name]


def test_what_is_missing_or_corrupted_is_named_with_the_remedy(store, image):
    with pytest.raises(ValueError, match=rf"{store.folder}.*: no such edge map\..*Start again"):
        store.read(image)
    store.write(image, np.zeros((5, 7), np.uint8))
    files.write_png(store.path(image), np.zeros((2, 7), np.uint8))
    with pytest.raises(ValueError, match="a map of another size; delete it"):
        store.read(image)
    store.path(image).write_bytes(b"")
    with pytest.raises(ValueError, match=str(store.path(image))):
        store.read(image)
