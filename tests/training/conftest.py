import jax
import numpy as np
import pytest

from tests.synthetic import picture


@pytest.fixture(scope="session")
def batch():
    """Four synthetic pictures on 32 x 32 pixels as uint8, holes of unequal area."""
    images, masks = map(np.stack, zip(*(picture(seed, 32, 32) for seed in range(4)), strict=True))
    masks[1, 8:] = 0
    edges = np.where(np.abs(np.diff(images.mean(axis=-1), axis=2, append=0)) > 10, 255, 0)
    return {
        "image": images,
        "edge": edges[..., None].astype(np.uint8),
        "mask": masks[..., None],
        "id": np.arange(4, dtype=np.int32),
    }


@pytest.fixture(scope="session")
def batches(batch):
    """`batch` as the only one of a step."""
    return jax.tree.map(lambda x: x[None], batch)
