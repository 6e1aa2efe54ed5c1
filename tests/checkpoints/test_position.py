"""The position in the data is found where this version keeps it, and where version 0.1.0 did."""

import json

import jax.numpy as jnp
import pytest

from edgeconnect_jax.checkpoints.folders import FOLDER
from edgeconnect_jax.checkpoints.store import CheckpointStore

POSITION = {"next_index": 5}


class Data:
    def set_state(self, state):
        self.state = state


@pytest.mark.parametrize("by_grain", [False, True])
def test_the_position_is_restored(by_grain, tmp_path):
    store = CheckpointStore(tmp_path, keep=1)
    trees = {"training": {"step": jnp.arange(3)}}
    store.save(5, trees, POSITION, {})
    store.wait()
    item = tmp_path / FOLDER / "5" / "data"
    if by_grain:
        (item / "metadata").unlink()
        (item / "process_0-of-1.json").write_text(json.dumps(POSITION, indent=4))
    data = Data()
    restored = store.restore(5, trees, data)
    assert restored["training"]["step"].tolist() == [0, 1, 2]
    assert data.state == POSITION
    store.close()
